use super::*;
use kiln_action::{Output, OutputRole, Place, Placed, Question, Shape};

fn result(key: &ActionKey, blob: &[u8]) -> Vec<u8> {
    let output = Output {
        path: Placed { place: Place::Out, path: b"o".to_vec() },
        role: OutputRole::File,
        executable: false,
        digest: Digest::of(blob),
    };
    ActionResult { outputs: vec![output], cost_ms: 9, ..ActionResult::default() }.encode(key)
}

#[test]
fn a_unit_goes_out_and_comes_in_whole() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (LocalStore::open(one.path()).unwrap(), LocalStore::open(two.path()).unwrap());
    let key = ActionKey::of_name([1; 32]);
    one.put(&Key::Result(key), Content::Bytes(&result(&key, b"blob"))).unwrap();
    assert_eq!(whole(&one, &key), None, "its blob is not there");
    assert!(pack(&one, &key).is_none());
    one.put(&Key::Blob(Digest::of(b"blob")), Content::Bytes(b"blob")).unwrap();
    assert_eq!(whole(&one, &key), Some(9));
    let (pack, apart) = pack(&one, &key).unwrap();
    assert!(apart.is_empty());
    let unit = PackedUnit::open(&key, &pack).unwrap();
    assert!(keep_unit(&two, &unit, &Levels::of(Vec::new())).is_some());
    assert_eq!(whole(&two, &key), Some(9));
}

#[test]
fn a_unit_whose_blob_cannot_be_had_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(directory.path()).unwrap();
    let key = ActionKey::of_name([1; 32]);
    let apart = vec![Digest::of(b"far away")];
    let unit =
        PackedUnit { key, result: result(&key, b"far away").into(), blobs: Vec::new(), apart, cost_ms: 1 };
    assert!(keep_unit(&store, &unit, &Levels::of(Vec::new())).is_none());
    assert_eq!(get(&store, Key::Result(key)), None);
}

#[test]
fn shapes_from_a_remote_store_come_behind_those_of_here() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(directory.path()).unwrap();
    let weak = WeakKey::of_name([1; 32]);
    let shape = |name: &str| Shape::new(vec![Question::Env(name.into())]);
    keep_shapes(&store, &weak, &encode_shapes(&weak, &[shape("here")]), &Bounds::default(), |_| ());
    let before = seen(&store, &weak);
    keep_shapes(
        &store,
        &weak,
        &encode_shapes(&weak, &[shape("far"), shape("here")]),
        &Bounds::default(),
        |_| (),
    );
    assert_ne!(seen(&store, &weak), before);
    let all = get(&store, Key::Shapes(weak)).unwrap();
    assert_eq!(decode_shapes(&weak, &all).unwrap(), [shape("here"), shape("far")]);
}

#[test]
fn what_may_not_be_asked_neither_comes_in_nor_goes_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(directory.path()).unwrap();
    let (weak, bounds) = (WeakKey::of_name([1; 32]), Bounds::default());
    let shape = |name: &str| Shape::new(vec![Question::Env(name.into())]);
    let mut refused = Vec::new();
    let came = encode_shapes(&weak, &[shape("SECRET_PIN"), shape("far")]);
    keep_shapes(&store, &weak, &came, &bounds, |beyond| refused.push(beyond.to_string()));
    let here = || decode_shapes(&weak, &get(&store, Key::Shapes(weak)).unwrap()).unwrap();
    assert_eq!((here(), refused), (vec![shape("far")], vec!["asks for the variable SECRET_PIN".to_owned()]));
    kiln_store::add_shape(&store, &weak, shape("MY_TOKEN")).unwrap();
    assert_eq!(here().len(), 2, "of one's own everything may be asked");
    let shared = shared_shapes(&store, &weak, &bounds).unwrap();
    assert_eq!(decode_shapes(&weak, &shared).unwrap(), [shape("far")]);
    keep_shapes(&store, &weak, &shared, &bounds, |_| panic!());
    assert_eq!(here().len(), 2);
}
