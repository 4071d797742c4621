use super::*;
use kiln_action::shape::encode_shapes;
use kiln_action::{Output, OutputRole, Place, Placed, Question};
use kiln_testkit::mutated::fuzz;

fn result(sizes: &[u64]) -> (ActionResult, Vec<(Digest, Vec<u8>)>) {
    let blobs: Vec<(Digest, Vec<u8>)> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| vec![at as u8; *size as usize])
        .map(|bytes| (Digest::of(&bytes), bytes))
        .collect();
    let output = |(at, (digest, _)): (usize, &(Digest, Vec<u8>))| Output {
        path: Placed { place: Place::Out, path: format!("o{at}").into_bytes() },
        role: OutputRole::File,
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
    let key = ActionKey::of_name([3; 32]);
    let (pack, apart) = PackedUnit::pack(&key, &result.encode(&key), &mut read(&blobs)).unwrap();
    assert!(apart.is_empty());
    let unit = PackedUnit::open(&key, &pack).unwrap();
    assert_eq!(unit.result, result.encode(&key));
    assert_eq!(unit.cost_ms, 7);
    assert!(unit.apart.is_empty());
    assert_eq!(unit.blobs.len(), 3);
}

#[test]
fn a_large_blob_goes_by_itself() {
    let (result, blobs) = result(&[TOGETHER + 1, 10]);
    let key = ActionKey::of_name([3; 32]);
    let (pack, apart) = PackedUnit::pack(&key, &result.encode(&key), &mut read(&blobs)).unwrap();
    assert_eq!(apart, [blobs[0].0]);
    let unit = PackedUnit::open(&key, &pack).unwrap();
    assert_eq!(unit.apart, apart);
}

#[test]
fn a_pack_under_another_name_is_nothing() {
    let pack = seal(Kind::Shapes, &[1; 32], b"body");
    assert_eq!(open(Kind::Shapes, &[1; 32], &pack).unwrap(), b"body");
    assert!(open(Kind::Shapes, &[2; 32], &pack).is_err());
    assert!(open(Kind::Index, &[1; 32], &pack).is_err());
}

/// A right pack around the result or the Shapes of another key.
#[test]
fn what_was_sealed_for_another_key_is_nothing() {
    let (result, blobs) = result(&[100]);
    let (key, other) = (ActionKey::of_name([3; 32]), ActionKey::of_name([4; 32]));
    let (body, _) = PackedUnit::body(&key, &result.encode(&key), &mut read(&blobs)).unwrap();
    assert!(PackedUnit::open(&key, &seal(Kind::Result, key.name(), &body)).is_ok());
    assert!(PackedUnit::open(&other, &seal(Kind::Result, other.name(), &body)).is_err());
    assert!(PackedUnit::of_body(&other, &body).is_err(), "in a bundle");
    assert!(PackedUnit::body(&other, &result.encode(&key), &mut read(&blobs)).is_none());
    let (weak, another) = (WeakKey::of_name([3; 32]), WeakKey::of_name([4; 32]));
    let shapes = encode_shapes(&weak, &[Shape::default()]);
    assert!(open_shapes(&weak, &seal(Kind::Shapes, weak.name(), &shapes)).is_ok());
    assert!(open_shapes(&another, &seal(Kind::Shapes, another.name(), &shapes)).is_err());
    assert!(shapes_of_body(&another, shapes).is_err(), "in a bundle");
}

#[test]
fn any_changed_byte_and_any_cut_is_noticed() {
    let (result, blobs) = result(&[500]);
    let key = ActionKey::of_name([9; 32]);
    let (pack, _) = PackedUnit::pack(&key, &result.encode(&key), &mut read(&blobs)).unwrap();
    let whole = PackedUnit::open(&key, &pack).unwrap();
    for at in 0..pack.len() {
        let mut changed = pack.clone();
        changed[at] ^= 0x41;
        // A bit of a zstd frame's head that says nothing about its content may change; the content is the same then.
        assert!(
            PackedUnit::open(&key, &changed).is_err() || PackedUnit::open(&key, &changed).unwrap() == whole,
            "byte {at}"
        );
        assert!(PackedUnit::open(&key, &pack[..at]).is_err(), "cut at {at}");
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

/// A result with an output of this path, in a pack that is right in every other way.
fn pack_to(place: Place, path: &str, size: u64) -> Vec<u8> {
    let (mut result, _) = result(&[3]);
    result.outputs[0].path = Placed { place, path: path.into() };
    result.outputs[0].digest.size = size;
    let key = ActionKey::of_name([3; 32]);
    let mut body = Writer::default();
    body.bytes(&result.encode(&key));
    body.u32(0);
    seal(Kind::Result, key.name(), &body.0)
}

#[test]
fn no_result_leaves_its_place() {
    let opened = |place, path: &str, size| {
        PackedUnit::open(&ActionKey::of_name([3; 32]), &pack_to(place, path, size)).is_ok()
    };
    assert!(opened(Place::Out, "libx.rlib", 3));
    assert!(opened(Place::Out, "", 3) && opened(Place::Literal, "/tmp/x.o", 3));
    for (place, path) in [
        (Place::Out, "../../etc/passwd"),
        (Place::Out, "a/../../x"),
        (Place::Out, "/etc/passwd"),
        (Place::Target, "../x"),
        (Place::Output(0), "../x"),
        (Place::Literal, "etc/passwd"),
        (Place::Literal, "/tmp/../etc/passwd"),
        (Place::Base, "/etc/passwd"),
    ] {
        assert!(!opened(place, path, 3), "{place:?} {path}");
    }
    assert!(!opened(Place::Out, "libx.rlib", u64::MAX), "it says that its blob is larger than any");
    let (escaping, blobs) = result(&[3]);
    let (key, mut escaping) = (ActionKey::of_name([3; 32]), ActionResult { ..escaping });
    escaping.outputs[0].path.path = b"../x".to_vec();
    assert!(PackedUnit::pack(&key, &escaping.encode(&key), &mut read(&blobs)).is_none());
}

#[test]
fn sizes_that_lie_are_nothing() {
    let key = ActionKey::of_name([3; 32]);
    let (result, blobs) = result(&[500]);
    let mut body = Writer::default();
    body.bytes(&result.encode(&key));
    body.u32(1);
    body.digest(&Digest { size: 499, ..blobs[0].0 });
    body.bytes(&blobs[0].1);
    assert!(PackedUnit::open(&key, &seal(Kind::Result, key.name(), &body.0)).is_err());
}

/// A few kilobytes that say they are as much as there may be, and become more: no more is made than was said, and what was said
/// is not believed beyond what there may be.
#[test]
fn what_expands_to_gigabytes_is_nothing() {
    let huge = vec![0_u8; 48 << 20];
    let bomb = seal(Kind::Result, &[1; 32], &huge);
    assert!(bomb.len() < 1 << 20);
    assert!(open(Kind::Result, &[1; 32], &bomb).is_err(), "longer than any result");
    for claimed in [0_u64, 1, 1 << 20, largest(Kind::Result), MOST_BLOB, u64::MAX] {
        for kind in [Kind::Result, Kind::Shapes, Kind::Index, Kind::Blob] {
            let mut lying = seal(kind, &[1; 32], &huge[..4 << 20]);
            lying[HEAD - 8..HEAD].copy_from_slice(&claimed.to_le_bytes());
            assert!(open(kind, &[1; 32], &lying).is_err(), "{kind:?} {claimed}");
        }
    }
}

#[test]
fn a_shape_that_asks_a_million_questions_is_nobodys() {
    let asking = |count: u32| Shape::new((0..count).map(|n| Question::Env(n.to_string().into())).collect());
    let weak = WeakKey::of_name([1; 32]);
    let packed = |shape: Shape| seal(Kind::Shapes, weak.name(), &encode_shapes(&weak, &[shape]));
    assert!(open_shapes(&weak, &packed(asking(1000))).is_ok());
    assert!(open_shapes(&weak, &packed(asking(1_000_000))).is_err());
    let many = (0..8).map(|_| asking(100_000)).collect();
    assert!(as_many_as_fit(&weak, many).iter().all(may_travel));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Whatever comes: a value or nothing, and never a panic.
    #[test]
    fn any_bytes(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
        for kind in [Kind::Result, Kind::Shapes, Kind::Index, Kind::Blob] {
            let _ = open(kind, &[1; 32], &noise);
            let sealed = seal(kind, &[1; 32], &noise);
            let _ = open(kind, &[1; 32], &sealed);
        }
        let inner = seal(Kind::Result, &[1; 32], &noise);
        let _ = PackedUnit::open(&ActionKey::of_name([1; 32]), &inner);
        let _ = open_shapes(&WeakKey::of_name([1; 32]), &seal(Kind::Shapes, &[1; 32], &noise));
        let _ = crate::bundle::Index::open(&[1; 32], &seal(Kind::Index, &[1; 32], &noise));
        let sealed = kiln_action::wire::seal(*b"KRES", 2, &[1; 32], &noise);
        let _ = ActionResult::decode(&ActionKey::of_name([1; 32]), &sealed);
    }

    /// A right pack with a few bytes of its body changed before it was sealed: all digests of the outside are right.
    #[test]
    fn right_outside_and_wrong_inside(at in 0_usize..2000, to in proptest::prelude::any::<u8>()) {
        let (result, blobs) = result(&[300, 700]);
        let key = ActionKey::of_name([9; 32]);
        let (pack, _) = PackedUnit::pack(&key, &result.encode(&key), &mut read(&blobs)).unwrap();
        let mut body = open(Kind::Result, key.name(), &pack).unwrap();
        let at = at % body.len();
        let before = std::mem::replace(&mut body[at], to);
        let opened = PackedUnit::open(&key, &seal(Kind::Result, key.name(), &body));
        proptest::prop_assert!(before == to || opened.is_err(), "byte {at}");
    }
}

/// Any result before its blobs: what is read keeps to its places and names each blob.
#[test]
fn mutated_results() {
    let key = ActionKey::of_name([1; 32]);
    fuzz("result", |bytes| {
        for version in [2, 3] {
            let mut body = Writer::default();
            body.bytes(&kiln_action::wire::seal(*b"KRES", version, key.name(), bytes));
            body.u32(0);
            if let Ok(unit) = PackedUnit::of_body(&key, &body.0) {
                let result = ActionResult::decode(&key, &unit.result).unwrap();
                assert!(result.blobs().all(|blob| unit.apart.contains(blob)));
                assert!(result.outputs.iter().all(|output| stays(&output.path)));
            }
        }
    });
}

/// Any blobs behind a right result: in a pack of its own each is what its digest says.
#[test]
fn mutated_blobs() {
    let key = ActionKey::of_name([3; 32]);
    let result = result(&[100, 0, 300]).0.encode(&key);
    fuzz("pack_blobs", |bytes| {
        let mut body = Writer::default();
        body.bytes(&result);
        body.0.extend(bytes);
        let inside = PackedUnit::of_body(&key, &body.0);
        let opened = PackedUnit::open(&key, &seal(Kind::Result, key.name(), &body.0));
        let right = |(digest, blob): &(Digest, Cow<'_, [u8]>)| Digest::of(blob) == *digest;
        match inside {
            Ok(unit) if unit.blobs.iter().all(right) => assert_eq!(opened, Ok(unit)),
            _ => assert_eq!(opened, Err(Malformed)),
        }
    });
}

/// Any pack, header and zstd included: opened is what is written again.
#[test]
fn mutated_packs() {
    fuzz("pack", |bytes| {
        for kind in Kind::ALL {
            if let Ok(body) = open(kind, &[3; 32], bytes) {
                assert_eq!(open(kind, &[3; 32], &seal(kind, &[3; 32], &body)), Ok(body));
            }
        }
    });
}
