use super::*;
use kiln_action::{Output, Place, Placed, Role};

fn result(sizes: &[u64]) -> (ActionResult, Vec<(Digest, Vec<u8>)>) {
    let blobs: Vec<(Digest, Vec<u8>)> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| vec![at as u8; *size as usize])
        .map(|bytes| (Digest::of(&bytes), bytes))
        .collect();
    let output = |(at, (digest, _)): (usize, &(Digest, Vec<u8>))| Output {
        path: Placed { place: Place::Out, path: format!("o{at}").into_bytes() },
        role: Role::File,
        executable: false,
        digest: *digest,
    };
    let outputs = blobs.iter().enumerate().map(output).collect();
    (ActionResult { outputs, cost_ms: 7, unit: "u lib".into(), ..ActionResult::default() }, blobs)
}

fn read(blobs: &[(Digest, Vec<u8>)]) -> impl FnMut(&Digest) -> Option<Vec<u8>> {
    move |wanted| blobs.iter().find(|(digest, _)| digest == wanted).map(|(_, bytes)| bytes.clone())
}

#[test]
fn a_unit_comes_back_as_it_was_packed() {
    let (result, blobs) = result(&[100, 0, 3000]);
    let key = ActionKey([3; 32]);
    let (pack, apart) = Unit::pack(&key, &result.encode(), &mut read(&blobs)).unwrap();
    assert!(apart.is_empty());
    let unit = Unit::open(&key, &pack).unwrap();
    assert_eq!(unit.result, result.encode());
    assert_eq!(unit.cost_ms, 7);
    assert!(unit.apart.is_empty());
    assert_eq!(unit.blobs.len(), 3);
}

#[test]
fn a_large_blob_goes_by_itself() {
    let (result, blobs) = result(&[TOGETHER + 1, 10]);
    let key = ActionKey([3; 32]);
    let (pack, apart) = Unit::pack(&key, &result.encode(), &mut read(&blobs)).unwrap();
    assert_eq!(apart, [blobs[0].0]);
    let unit = Unit::open(&key, &pack).unwrap();
    assert_eq!(unit.apart, apart);
}

#[test]
fn a_pack_under_another_name_is_nothing() {
    let pack = seal(Kind::Shapes, &[1; 32], b"body");
    assert_eq!(open(Kind::Shapes, &[1; 32], &pack).unwrap(), b"body");
    assert!(open(Kind::Shapes, &[2; 32], &pack).is_err());
    assert!(open(Kind::Index, &[1; 32], &pack).is_err());
}

#[test]
fn any_changed_byte_and_any_cut_is_noticed() {
    let (result, blobs) = result(&[500]);
    let key = ActionKey([9; 32]);
    let (pack, _) = Unit::pack(&key, &result.encode(), &mut read(&blobs)).unwrap();
    let whole = Unit::open(&key, &pack).unwrap();
    for at in 0..pack.len() {
        let mut changed = pack.clone();
        changed[at] ^= 0x41;
        // A bit of a zstd frame's head that says nothing about its content may change; the content is the same then.
        assert!(
            Unit::open(&key, &changed).is_err() || Unit::open(&key, &changed).unwrap() == whole,
            "byte {at}"
        );
        assert!(Unit::open(&key, &pack[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_body_that_claims_to_be_huge_is_not_made_room_for() {
    let mut pack = seal(Kind::Result, &[1; 32], b"x");
    pack[HEAD - 8..HEAD].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(open(Kind::Result, &[1; 32], &pack).is_err());
    let mut pack = seal(Kind::Blob, &[1; 32], b"x");
    pack[HEAD - 8..HEAD].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    assert!(open(Kind::Blob, &[1; 32], &pack).is_err());
}
