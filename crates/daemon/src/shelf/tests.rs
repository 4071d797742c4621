use super::*;
use kiln_action::shape::{decode_shapes, encode_shapes};
use kiln_action::{Output, Place, Placed, Question, Role, Shape};

fn result(key: &ActionKey, blob: &[u8]) -> Vec<u8> {
    let output = Output {
        path: Placed { place: Place::Out, path: b"o".to_vec() },
        role: Role::File,
        executable: false,
        digest: Digest::of(blob),
    };
    ActionResult { outputs: vec![output], cost_ms: 9, ..ActionResult::default() }.encode(key)
}

#[test]
fn a_unit_goes_out_and_comes_in_whole() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (LocalStore::open(one.path()).unwrap(), LocalStore::open(two.path()).unwrap());
    let key = ActionKey([1; 32]);
    one.put(&Key::Result(key), Content::Bytes(&result(&key, b"blob"))).unwrap();
    assert_eq!(whole(&one, &key), None, "its blob is not there");
    assert!(pack(&one, &key).is_none());
    one.put(&Key::Blob(Digest::of(b"blob")), Content::Bytes(b"blob")).unwrap();
    assert_eq!(whole(&one, &key), Some(9));
    let (pack, apart) = pack(&one, &key).unwrap();
    assert!(apart.is_empty());
    let unit = Unit::open(&key, &pack).unwrap();
    assert!(keep_unit(&two, &unit, &Levels::of(Vec::new())).is_some());
    assert_eq!(whole(&two, &key), Some(9));
}

#[test]
fn a_unit_whose_blob_cannot_be_had_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(directory.path()).unwrap();
    let key = ActionKey([1; 32]);
    let apart = vec![Digest::of(b"far away")];
    let unit = Unit { key, result: result(&key, b"far away").into(), blobs: Vec::new(), apart, cost_ms: 1 };
    assert!(keep_unit(&store, &unit, &Levels::of(Vec::new())).is_none());
    assert_eq!(get(&store, Key::Result(key)), None);
}

#[test]
fn shapes_from_afar_come_behind_those_of_here() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(directory.path()).unwrap();
    let weak = WeakKey([1; 32]);
    let shape = |name: &str| Shape::new(vec![Question::Env(name.into())]);
    keep_shapes(&store, &weak, &encode_shapes(&weak, &[shape("here")]));
    let before = seen(&store, &weak);
    keep_shapes(&store, &weak, &encode_shapes(&weak, &[shape("far"), shape("here")]));
    assert_ne!(seen(&store, &weak), before);
    let all = get(&store, Key::Shapes(weak)).unwrap();
    assert_eq!(decode_shapes(&weak, &all).unwrap(), [shape("here"), shape("far")]);
}
