use super::*;
use crate::place::{Place, Places};
use crate::template::Spelling;
use std::path::Path;

const KEY: ActionKey = ActionKey::of_name([9; 32]);

fn sample() -> ActionResult {
    let mut places = Places::new();
    places.add(Place::Out, Path::new("/t"));
    let placed = |name: &str| Placed { place: Place::Out, path: name.into() };
    ActionResult {
        exit_code: 1,
        outputs: vec![
            Output {
                path: placed("liba.rlib"),
                role: OutputRole::Rlib,
                executable: false,
                digest: Digest::of(b"a"),
            },
            Output { path: placed("a"), role: OutputRole::File, executable: true, digest: Digest::of(b"b") },
            Output {
                path: placed("a.d"),
                role: OutputRole::DepInfo(0),
                executable: false,
                digest: Digest::of(b""),
            },
        ],
        texts: vec![Template::cut(b"/t/a: src/a.rs", &places, &[Spelling::Make])],
        streams: vec![(Stream::Err, Template::cut(b"warning", &places, &[Spelling::Json]))],
        cost_ms: 12,
        unit: "a lib".into(),
        incremental: Some([3; 32]),
        times: Times::default(),
    }
}

#[test]
fn results_come_back() {
    assert_eq!(ActionResult::decode(&KEY, &sample().encode(&KEY)), Ok(sample()));
    assert_eq!(sample().blobs().count(), 2);
}

#[test]
fn times_come_back() {
    let times = Times::new(&[70, 30, 50], 40);
    let result = ActionResult { times, ..sample() };
    assert_eq!(ActionResult::decode(&KEY, &result.encode(&KEY)), Ok(result));
    for modified in [&[70, 30][..], &[70, 30, 50, 60]] {
        let result = ActionResult { times: Times::new(modified, 40), ..sample() };
        assert_eq!(ActionResult::decode(&KEY, &result.encode(&KEY)), Err(Malformed), "{modified:?}");
    }
    for version in [1, WITH_TIMES, WITH_TIMES + 1] {
        let mut file = sample().encode(&KEY);
        file[4] = version;
        assert_eq!(ActionResult::decode(&KEY, &file), Err(Malformed), "{version}");
    }
}

/// Those before the run stay, and of all others the order.
#[test]
fn order_of_times_is_put_back() {
    let put_back = |modified: &[i64], began| Times::new(modified, began).put_back(9000).collect::<Vec<_>>();
    assert!(put_back(&[], 50).is_empty());
    assert_eq!(put_back(&[60], 50), [9000]);
    assert_eq!(put_back(&[49, -7, 49], 50), [49, -7, 49]);
    assert_eq!(put_back(&[80, 60, 80, 70, 50], 50), [9000, 8998, 9000, 8999, 8997]);
    assert_eq!(put_back(&[80, 10, 60, 20, 10, 80], 50), [9000, 10, 8999, 20, 10, 9000]);
}

#[test]
fn a_slot_without_its_text_is_malformed() {
    let mut result = sample();
    result.texts.clear();
    assert_eq!(ActionResult::decode(&KEY, &result.encode(&KEY)), Err(Malformed));
}
