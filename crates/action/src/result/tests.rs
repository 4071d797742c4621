use super::*;
use crate::place::{Place, Places};
use crate::template::Spelling;
use std::path::Path;

const KEY: ActionKey = ActionKey([9; 32]);

fn sample() -> ActionResult {
    let mut places = Places::new();
    places.add(Place::Out, Path::new("/t"));
    let placed = |name: &str| Placed { place: Place::Out, path: name.into() };
    ActionResult {
        exit_code: 1,
        outputs: vec![
            Output {
                path: placed("liba.rlib"),
                role: Role::Rlib,
                executable: false,
                digest: Digest::of(b"a"),
            },
            Output { path: placed("a"), role: Role::File, executable: true, digest: Digest::of(b"b") },
            Output {
                path: placed("a.d"),
                role: Role::DepInfo(0),
                executable: false,
                digest: Digest::of(b""),
            },
        ],
        texts: vec![Template::cut(b"/t/a: src/a.rs", &places, &[Spelling::Make])],
        streams: vec![(Stream::Err, Template::cut(b"warning", &places, &[Spelling::Json]))],
        cost_ms: 12,
        unit: "a lib".into(),
        incremental: Some([3; 32]),
    }
}

#[test]
fn results_come_back() {
    assert_eq!(ActionResult::decode(&KEY, &sample().encode(&KEY)), Ok(sample()));
    assert_eq!(sample().blobs().count(), 2);
}

#[test]
fn a_slot_without_its_text_is_malformed() {
    let mut result = sample();
    result.texts.clear();
    assert_eq!(ActionResult::decode(&KEY, &result.encode(&KEY)), Err(Malformed));
}
