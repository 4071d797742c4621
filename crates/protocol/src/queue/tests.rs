use super::*;
use crate::Workspace;
use kiln_action::{ActionKey, SnapshotKey, WeakKey};

fn key(waiting: &Waiting) -> ActionKey {
    match waiting.queued.product {
        Product::Unit { key, .. } => key,
        Product::Snapshot(key) => panic!("{key:?}"),
    }
}

fn queued(n: u8, incremental: bool) -> Queued {
    let product = Product::Unit {
        weak: WeakKey::of_name([1; 32]),
        key: ActionKey::of_name([n; 32]),
        workspace: Some(Workspace { exact: [3; 32], near: [4; 32] }),
        incremental,
    };
    Queued { remotes: [9; 32], product }
}

#[test]
fn what_is_queued_is_waiting_once_and_damage_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    for n in [1, 2, 1] {
        queued(n, false).enqueue(directory.path()).unwrap();
    }
    let junk = directory.path().join(format!("junk{}", ending(&[9; 32])));
    std::fs::write(&junk, b"junk").unwrap();
    let all = waiting(directory.path(), &[9; 32]).0;
    assert_eq!(all.len(), 2);
    assert!(all.iter().any(|one| one.queued == queued(2, false)));
    assert!(!junk.exists());
    files::remove(&all[0].path).unwrap();
    assert_eq!(waiting(directory.path(), &[9; 32]).0.len(), 1);
}

/// Guards: a queue that a kiln of before left is uploaded, not dropped; one of a kiln to come is dropped, as what cannot be read is.
#[test]
fn what_waits_in_the_format_of_before_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let write = |format: u8, one: &Queued| {
        let mut body = Writer::default();
        body.0.extend(one.remotes);
        one.product.write(&mut body);
        body.0.remove(one.remotes.len()); // what kind of thing it is
        std::fs::write(directory.path().join(one.name()), seal(MAGIC, format, &[], &body.0)).unwrap();
    };
    let (passing, other) = (queued(1, true), queued(2, false));
    write(UNITS_ONLY, &passing);
    write(UNITS_ONLY, &other);
    write(FORMAT + 1, &queued(3, false));
    let mut all: Vec<Queued> =
        waiting(directory.path(), &[9; 32]).0.into_iter().map(|one| one.queued).collect();
    all.sort_by_key(|one| one.product.is_passing());
    assert_eq!(all, [other, passing]);
    assert_eq!(count(directory.path(), &[9; 32]), 2);
}

#[test]
fn of_an_incremental_unit_the_newest_result_is_waiting() {
    let directory = tempfile::tempdir().unwrap();
    for n in [1, 2, 3] {
        queued(n, true).enqueue(directory.path()).unwrap();
    }
    let all = waiting(directory.path(), &[9; 32]).0;
    assert_eq!(all.len(), 1);
    assert_eq!(key(&all[0]), ActionKey::of_name([3; 32]));
}

#[test]
fn of_a_snapshot_the_newest_is_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot =
        |text: &[u8]| Queued { remotes: [9; 32], product: Product::Snapshot(SnapshotKey::of(text)) };
    for text in [b"a", b"b", b"a"] {
        snapshot(text).enqueue(directory.path()).unwrap();
    }
    let all = waiting(directory.path(), &[9; 32]).0;
    assert_eq!(all.len(), 2);
    assert!(all.iter().any(|one| one.queued == snapshot(b"a")));
}

#[test]
fn others_stores_are_not_looked_at_and_the_oldest_go() {
    let directory = tempfile::tempdir().unwrap();
    for n in 0..20 {
        let other = Queued { remotes: [n % 2; 32], ..queued(n, false) };
        other.enqueue(directory.path()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(waiting(directory.path(), &[0; 32]).0.len(), 10);
    assert_eq!(count(directory.path(), &[1; 32]), 10);
    shorten(directory.path(), 6);
    let left = waiting(directory.path(), &[1; 32]).0;
    let keys: Vec<u8> = left.iter().map(|one| key(one).name()[0]).collect();
    assert_eq!(keys, [15, 17, 19]);
}
