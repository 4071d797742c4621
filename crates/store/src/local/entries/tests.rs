use super::*;
use crate::{Content, Store};
use kiln_action::{ActionResult, Digest, Output, OutputRole, Placed};

struct Space {
    _directory: tempfile::TempDir,
    store: LocalStore,
}

fn space() -> Space {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(&directory.path().join("cache")).unwrap();
    Space { _directory: directory, store }
}

/// A result of one unit with these blobs.
fn keep(store: &LocalStore, key: u8, unit: &str, blobs: &[&[u8]]) {
    let outputs = blobs.iter().map(|content| {
        store.put(&Key::Blob(Digest::of(content)), Content::Bytes(content)).unwrap();
        Output {
            path: Placed::literal(Path::new("/out/a")),
            role: OutputRole::File,
            executable: false,
            digest: Digest::of(content),
        }
    });
    let result = ActionResult { outputs: outputs.collect(), unit: unit.into(), ..ActionResult::default() };
    store
        .put(
            &Key::Result(ActionKey::of_name([key; 32])),
            Content::Bytes(&result.encode(&ActionKey::of_name([key; 32]))),
        )
        .unwrap();
}

#[test]
fn picked_results_go_with_the_blobs_that_only_they_name() {
    let space = space();
    keep(&space.store, 1, "a lib", &[b"only a", b"both"]);
    keep(&space.store, 2, "b lib", &[b"only b", b"both"]);
    let of_a = |entry: &Entry| entry.unit == "a lib";
    let would = space.store.clear(&of_a, true).unwrap().unwrap();
    assert_eq!((would.before.results, would.after.results, space.store.entries().unwrap().len()), (2, 1, 2));
    assert!(space.store.clear(&|entry| entry.unit == "c lib", false).unwrap().is_some());
    assert_eq!(space.store.removals(), kiln_action::removals::Removals::default());
    let done = space.store.clear(&of_a, false).unwrap().unwrap();
    let removals = space.store.removals();
    assert_eq!((removals.everything_ms, removals.cleared_ms > 0, removals.evicted_ms), (0, true, 0));
    assert_eq!(done.after, would.after);
    let left = space.store.entries().unwrap();
    assert_eq!(left.iter().map(|entry| entry.unit.as_str()).collect::<Vec<_>>(), ["b lib"]);
    let digests = [b"only a".as_slice(), b"both", b"only b"].map(Digest::of);
    assert_eq!(space.store.missing(&digests), [digests[0]]);
    assert!(space.store.forget(&ActionKey::of_name([2; 32])).unwrap());
    assert!(!space.store.forget(&ActionKey::of_name([2; 32])).unwrap());
}

#[test]
fn everything_goes() {
    let space = space();
    keep(&space.store, 1, "a lib", &[b"one"]);
    keep(&space.store, 2, "b lib", &[b"two"]);
    let done = space.store.clear_all().unwrap().unwrap();
    assert_eq!((done.before.results, done.after.results, done.after.blobs, done.stuck), (2, 0, 0, 0));
    assert_eq!(space.store.entries().unwrap(), []);
    assert_eq!(space.store.estimate(), Some(0));
    keep(&space.store, 3, "c lib", &[b"three"]);
    assert_eq!(space.store.entries().unwrap().len(), 1);
}
