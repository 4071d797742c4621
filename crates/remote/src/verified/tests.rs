use super::*;
use crate::memory::{Memory, SOON};
use kiln_action::ActionResult;
use kiln_action::shape::encode_shapes;

fn blob(bytes: &[u8]) -> (String, Vec<u8>) {
    let digest = Digest::of(bytes);
    let name = format!("kiln2/main/{}", pack::name(Kind::Blob, &digest.hash));
    (name, pack::seal(Kind::Blob, &digest.hash, bytes))
}

fn get(verified: &Verified<&Memory>, name: &str) -> Result<Option<Opened>, Fault> {
    verified.get(name, u64::MAX, SOON).map(|found| found.map(|sound| sound.opened))
}

#[test]
fn every_kind_is_what_its_name_says() {
    let memory = Memory::default();
    let verified = Verified::new(&memory);
    let (weak, key) = (WeakKey::of_name([1; 32]), ActionKey::of_name([2; 32]));
    let shapes = encode_shapes(&weak, &[]);
    let result = ActionResult::default().encode(&key);
    let (unit, _) = PackedUnit::pack(&key, &result, &mut |_| None).unwrap();
    let (blob_name, blob_pack) = blob(b"content");
    let segment = Digest::of(b"a segment");
    let snapshot = SnapshotKey::of(b"a build");
    let build = snapshot.name();
    let all = [
        (pack::name(Kind::Shapes, weak.name()), pack::seal(Kind::Shapes, weak.name(), &shapes)),
        (pack::name(Kind::Result, key.name()), unit),
        (blob_name, blob_pack),
        (pack::name(Kind::Index, &[3; 32]), Index::default().seal(&[3; 32])),
        (bundle::name(&segment), b"a segment".to_vec()),
        (pack::name(Kind::Snapshot, build), pack::seal(Kind::Snapshot, build, &snapshot.seal(b"its calls"))),
    ];
    for (name, bytes) in &all {
        assert_eq!(get(&verified, name), Ok(None));
        verified.put(name, bytes, SOON).unwrap();
        assert!(!matches!(get(&verified, name), Ok(None | Some(Opened::Unnamed))), "{name}");
        // Truncated, changed, empty, another's.
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        let other = all.iter().find(|(other, _)| other != name).unwrap().1.clone();
        for wrong in [bytes[..bytes.len() - 1].to_vec(), changed, Vec::new(), other] {
            verified.put(name, &wrong, SOON).unwrap();
            assert_eq!(get(&verified, name), Err(Fault::Wrong(wrong)), "{name}");
        }
    }
}

/// A pack that is whole, under a name that it does not have.
#[test]
fn a_right_object_under_another_name_is_wrong() {
    let memory = Memory::default();
    let verified = Verified::new(&memory);
    let (_, pack) = blob(b"content");
    let (other, _) = blob(b"other");
    verified.put(&other, &pack, SOON).unwrap();
    assert!(matches!(get(&verified, &other), Err(Fault::Wrong(_))));
    // A snapshot that was sealed for another build.
    let (ours, theirs) = (SnapshotKey::of(b"ours"), SnapshotKey::of(b"theirs"));
    let name = pack::name(Kind::Snapshot, ours.name());
    verified.put(&name, &pack::seal(Kind::Snapshot, ours.name(), &theirs.seal(b"calls")), SOON).unwrap();
    assert!(matches!(get(&verified, &name), Err(Fault::Wrong(_))));
    // One that lies about its own name, too.
    let name = Digest::of(b"other").hash;
    verified.put(&other, &pack::seal(Kind::Blob, &name, b"content"), SOON).unwrap();
    assert!(matches!(get(&verified, &other), Err(Fault::Wrong(_))));
}

#[test]
fn what_is_larger_than_it_may_be_is_wrong_and_is_not_kept() {
    let memory = Memory::default();
    let verified = Verified::new(&memory);
    let (name, pack) = blob(b"content");
    verified.put(&name, &pack, SOON).unwrap();
    assert!(matches!(verified.get(&name, 3, SOON), Err(Fault::Wrong(_))));
    let huge = vec![0; (1 << 20) + 1];
    assert_eq!(verified.put(&name, &huge, SOON), Err(Fault::TooLarge));
    assert!(matches!(get(&verified, &name), Ok(Some(Opened::Blob(_)))), "what is there stays");
}

#[test]
fn a_name_of_nobody_promises_nothing() {
    let memory = Memory::default();
    let verified = Verified::new(&memory);
    for name in ["kiln2/main/t/now", "kiln2/main/x/00/0011", "", "/", "kiln2/main/r/00/.kiln-1-2"] {
        verified.put(name, b"anything", SOON).unwrap();
        assert_eq!(get(&verified, name), Ok(Some(Opened::Unnamed)), "{name}");
    }
}

#[test]
fn faults_stay_what_they_are() {
    let memory = Memory::default();
    let verified = Verified::new(&memory);
    memory.fail_with([Fault::Late]);
    assert_eq!(get(&verified, "x"), Err(Fault::Late));
}
