use crate::{Collected, Content, Contents, Fetch, Key, Limits, LocalStore, Store};
use kiln_action::{ActionKey, ActionResult, Digest, Output, OutputRole, Placed, SnapshotKey, WeakKey};
use kiln_sys::files;
use kiln_sys::identity::FileTime;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const MINUTE: i64 = 60 * 1_000_000_000;
const HOUR: i64 = 60 * MINUTE;

struct Space {
    directory: tempfile::TempDir,
    store: LocalStore,
}

/// What a result is made of.
#[derive(Clone, Copy, Default)]
struct Recipe<'a> {
    blobs: &'a [u8],
    cost_ms: u32,
    incremental: Option<[u8; 32]>,
    /// How long ago it was used last.
    age: i64,
}

fn content(n: u8) -> Vec<u8> {
    vec![n; 100_000]
}

fn action(n: u8) -> ActionKey {
    ActionKey::of_name([n; 32])
}

impl Space {
    fn new() -> Space {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::open(&directory.path().join("cache")).unwrap();
        Space { directory, store }
    }

    fn age(&self, path: &Path, age: i64) {
        let time = SystemTime::now() - Duration::from_nanos(age as u64);
        std::fs::File::open(path).unwrap().set_modified(time).unwrap();
    }

    fn put(&self, n: u8, recipe: Recipe<'_>) {
        let output = |&blob: &u8| Output {
            path: Placed::literal(&PathBuf::from(format!("/{blob}"))),
            role: OutputRole::File,
            executable: false,
            digest: Digest::of(&content(blob)),
        };
        for blob in recipe.blobs {
            let digest = Digest::of(&content(*blob));
            self.store.put(&Key::Blob(digest), Content::Bytes(&content(*blob))).unwrap();
            self.age(&self.store.path(&Key::Blob(digest)), recipe.age);
        }
        let result = ActionResult {
            outputs: recipe.blobs.iter().map(output).collect(),
            cost_ms: recipe.cost_ms,
            incremental: recipe.incremental,
            ..ActionResult::default()
        };
        let key = Key::Result(action(n));
        self.store.put(&key, Content::Bytes(&result.encode(&action(n)))).unwrap();
        self.age(&self.store.path(&key), recipe.age);
    }

    fn has_result(&self, n: u8) -> bool {
        files::stat(&self.store.path(&Key::Result(action(n)))).unwrap().is_some()
    }

    fn has_blob(&self, n: u8) -> bool {
        self.store.missing(&[Digest::of(&content(n))]).is_empty()
    }

    fn collect(&self, limits: Limits) -> Collected {
        self.store.collect(&limits, FileTime::now(), false).unwrap().unwrap()
    }
}

fn days(days: u64) -> Limits {
    Limits { max_age: Some(Duration::from_secs(days * 24 * 3600)), max_bytes: None }
}

fn bytes(bytes: u64) -> Limits {
    Limits { max_age: None, max_bytes: Some(bytes) }
}

#[test]
fn results_that_nobody_uses_go_with_their_blobs() {
    let space = Space::new();
    space.put(1, Recipe { blobs: &[1, 2], age: 8 * 24 * HOUR, ..Recipe::default() });
    space.put(2, Recipe { blobs: &[2, 3], age: 6 * 24 * HOUR, ..Recipe::default() });
    let collected = space.collect(days(7));
    assert!(!space.has_result(1) && space.has_result(2));
    assert!(!space.has_blob(1) && space.has_blob(2) && space.has_blob(3), "a shared blob stays");
    assert_eq!(collected.after, space.store.contents().unwrap());
    assert_eq!(collected.freed, collected.before.bytes - collected.after.bytes);
    assert_eq!(space.store.estimate(), Some(collected.after.bytes));
    space.collect(days(1));
    assert_eq!(space.store.contents().unwrap(), Contents::default());
}

#[test]
fn without_limits_only_rubbish_goes() {
    let space = Space::new();
    space.put(1, Recipe { blobs: &[1], age: 1000 * 24 * HOUR, ..Recipe::default() });
    space.collect(Limits::default());
    assert!(space.has_result(1) && space.has_blob(1));
}

#[test]
fn a_trial_run_says_what_it_would_do() {
    let space = Space::new();
    space.put(1, Recipe { blobs: &[1], age: 8 * 24 * HOUR, ..Recipe::default() });
    let trial = space.store.collect(&days(7), FileTime::now(), true).unwrap().unwrap();
    assert!(space.has_result(1) && space.has_blob(1));
    assert_eq!(space.store.removals().evicted_ms, 0);
    assert_eq!(trial, space.collect(days(7)));
    assert_ne!(space.store.removals().evicted_ms, 0);
}

#[test]
fn the_least_worth_keeping_goes_first() {
    let space = Space::new();
    // Equally large; 1 is dear and old, 2 is cheap and old, 3 is cheap and used lately, 4 is dear and used lately.
    space.put(1, Recipe { blobs: &[1], cost_ms: 100_000, age: 10 * HOUR, ..Recipe::default() });
    space.put(2, Recipe { blobs: &[2], cost_ms: 100, age: 10 * HOUR, ..Recipe::default() });
    space.put(3, Recipe { blobs: &[3], cost_ms: 100, age: HOUR, ..Recipe::default() });
    space.put(4, Recipe { blobs: &[4], cost_ms: 100_000, age: HOUR, ..Recipe::default() });
    let all = space.store.contents().unwrap().bytes;
    let mut order = Vec::new();
    for most in [all - 1, all * 7 / 10, all * 4 / 10, all / 5] {
        space.collect(bytes(most));
        order.extend((1..=4).filter(|n| !space.has_result(*n) && !order.contains(n)).collect::<Vec<_>>());
        assert!(space.store.contents().unwrap().bytes <= most * 9 / 10);
    }
    assert_eq!(order, [2, 3, 1, 4]);
}

#[test]
fn what_a_target_directory_shares_gives_nothing_back_and_stays_longer() {
    let space = Space::new();
    for n in [1, 2] {
        space.put(n, Recipe { blobs: &[n], cost_ms: 100, age: HOUR * i64::from(3 - n), ..Recipe::default() });
    }
    let to = space.directory.path().join("target/lib");
    space.store.fetch(&Digest::of(&content(1)), &to, Fetch::Link).unwrap();
    let all = space.store.contents().unwrap().bytes;
    let collected = space.collect(bytes(all - 1));
    assert!(space.has_result(1) && !space.has_result(2), "1 is older, but removing it frees nothing");
    assert!(collected.freed >= 100_000);
    let collected = space.collect(bytes(5000));
    assert!(!space.has_blob(1), "the limit is kept nevertheless");
    assert!(collected.freed < 10_000, "{collected:?}");
    assert_eq!(files::read(&to).unwrap(), content(1));
}

#[test]
fn a_put_in_progress_is_not_disturbed() {
    let space = Space::new();
    let digest = Digest::of(&content(1));
    space.store.put(&Key::Blob(digest), Content::Bytes(&content(1))).unwrap();
    space.put(2, Recipe { blobs: &[2], ..Recipe::default() });
    space.collect(bytes(1));
    assert!(
        space.has_blob(1) && space.has_result(2) && space.has_blob(2),
        "all younger than the grace period"
    );
    let later = FileTime(FileTime::now().0 + 11 * MINUTE);
    space.store.collect(&Limits::default(), later, false).unwrap();
    assert!(!space.has_blob(1), "no result names it");
    assert!(space.has_blob(2));
}

#[test]
fn incremental_units_keep_their_newest_four_and_go_first() {
    let space = Space::new();
    let weak = Some([9; 32]);
    for n in 1..=6 {
        space.put(
            n,
            Recipe { blobs: &[n], incremental: weak, cost_ms: 1 << 20, age: (9 - i64::from(n)) * HOUR },
        );
    }
    assert_eq!((1..=6).filter(|n| space.has_result(*n)).collect::<Vec<_>>(), [3, 4, 5, 6], "at once");
    space.collect(Limits::default());
    assert!(!space.has_blob(1) && !space.has_blob(2) && space.has_blob(3), "blobs with the next collection");
    space.put(7, Recipe { blobs: &[7], cost_ms: 1, age: 20 * HOUR, ..Recipe::default() });
    let all = space.store.contents().unwrap().bytes;
    space.collect(bytes(all - 1));
    assert!(!space.has_result(3) && space.has_result(7));
}

#[test]
fn a_lost_list_of_incremental_results_is_made_up_for() {
    let space = Space::new();
    for n in 1..=6 {
        space.put(
            n,
            Recipe { incremental: Some([9; 32]), age: (9 - i64::from(n)) * HOUR, ..Recipe::default() },
        );
        std::fs::remove_dir_all(space.store.directory().join("incremental")).unwrap();
    }
    assert!((1..=6).all(|n| space.has_result(n)));
    space.collect(Limits::default());
    assert_eq!((1..=6).filter(|n| space.has_result(*n)).collect::<Vec<_>>(), [3, 4, 5, 6]);
}

#[test]
fn rubbish_goes_by_age_and_strangers_stay() {
    let space = Space::new();
    let root = space.store.directory();
    space.put(1, Recipe { blobs: &[1], age: HOUR, ..Recipe::default() });
    let old = ["blobs/.kiln-1-1", "blobs/ab/.kiln-1-2", "results/ab/.kiln-1-3", "memo-0"];
    let stay = ["blobs/ab/.kiln-2-1", "blobs/ab/note.txt", "memo-1", "results/ab/abc", "friend"];
    for name in old.iter().chain(&stay) {
        files::write_atomic(&root.join(name), b"x").unwrap();
    }
    for name in old.iter().chain(&["blobs/ab/note.txt", "results/ab/abc"]) {
        space.age(&root.join(name), 48 * HOUR);
    }
    let damaged = space.store.path(&Key::Result(action(5)));
    files::write_atomic(&damaged, b"no result").unwrap();
    let neighbour = space.directory.path().join("cache/v2/blobs/ab/.kiln-1-1");
    files::write_atomic(&neighbour, b"x").unwrap();
    space.age(&neighbour, 48 * HOUR);
    space.collect(Limits::default());
    let there = |name: &&str| files::stat(&root.join(name)).unwrap().is_some();
    assert_eq!(old.iter().filter(|name| there(name)).count(), 0);
    assert_eq!(stay.iter().filter(|name| there(name)).count(), stay.len());
    assert!(!space.has_result(5), "damaged");
    assert!(space.has_blob(1));
    assert!(files::stat(&neighbour).unwrap().is_some(), "another version's");
}

#[test]
fn results_without_their_blobs_go() {
    let space = Space::new();
    space.put(1, Recipe { blobs: &[1, 2], age: HOUR, ..Recipe::default() });
    space.put(2, Recipe { blobs: &[3], ..Recipe::default() });
    for n in [1, 3] {
        files::remove(&space.store.path(&Key::Blob(Digest::of(&content(n))))).unwrap();
    }
    space.collect(Limits::default());
    assert!(!space.has_result(1) && !space.has_blob(2));
    assert!(space.has_result(2), "it is young: its blobs may just have been listed too early");
}

#[test]
fn shapes_go_when_no_result_can_belong_to_them() {
    let space = Space::new();
    let keys = [1, 2].map(|n| Key::Shapes(WeakKey::of_name([n; 32])));
    for (key, age) in keys.iter().zip([30 * HOUR, 4 * HOUR]) {
        let Key::Shapes(weak) = key else { unreachable!() };
        space.store.put(key, Content::Bytes(&kiln_action::shape::encode_shapes(weak, &[]))).unwrap();
        space.age(&space.store.path(key), age);
    }
    space.put(1, Recipe { age: 5 * HOUR, ..Recipe::default() });
    space.collect(Limits::default());
    assert_eq!(space.store.get(&keys).iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
}

/// Snapshots go by age, as Shapes do; and a store that is full of them has room for results.
#[test]
fn snapshots_go_by_age_and_take_a_tenth_of_the_room() {
    let space = Space::new();
    let put = |n: u8, age: i64| {
        let key = SnapshotKey::of(&[n]);
        space.store.put(&Key::Snapshot(key), Content::Bytes(&key.seal(&content(n)))).unwrap();
        space.age(&space.store.path(&Key::Snapshot(key)), age);
    };
    let left = || {
        let is_there = |n: &u8| space.store.get(&[Key::Snapshot(SnapshotKey::of(&[*n]))])[0].is_some();
        (0..8).filter(is_there).collect::<Vec<u8>>()
    };
    space.put(1, Recipe { blobs: &[1], cost_ms: 10, age: 20 * HOUR, ..Recipe::default() });
    [(0, 23 * HOUR), (1, 21 * HOUR), (2, 3 * MINUTE)].into_iter().for_each(|(n, age)| put(n, age));
    let before = space.store.contents().unwrap().bytes;
    assert!(before > 4 * 100_000, "{before}");
    space.collect(Limits::default());
    assert_eq!(left(), [1, 2], "one is older than any result that is left");
    // Reading is using, so that these are young; the next ones are not.
    for n in 3..8 {
        put(n, i64::from(n) * 2 * HOUR);
    }
    space.collect(bytes(500_000));
    assert!(space.has_result(1), "it is not what fills the store");
    assert_eq!(left(), [1, 2], "those that were used last, within the time of a put in progress");
    assert_eq!(space.store.snapshots().unwrap().len(), 2);
    space.store.clear_all().unwrap();
    assert_eq!((left(), space.store.contents().unwrap().bytes), (Vec::new(), 0));
}

#[test]
fn one_collector_at_a_time() {
    let space = Space::new();
    let lock = files::Lock::try_exclusive(&space.store.directory().join("collect.lock")).unwrap().unwrap();
    assert_eq!(space.store.collect(&days(7), FileTime::now(), false).unwrap(), None);
    drop(lock);
    assert!(space.store.collect(&days(7), FileTime::now(), false).unwrap().is_some());
}

#[test]
fn it_is_due_when_full_or_once_a_day() {
    let space = Space::new();
    assert!(!space.store.due(&bytes(1)), "nothing was ever put");
    space.put(1, Recipe { blobs: &[1], ..Recipe::default() });
    assert!(!space.store.due(&bytes(1)), "counting began just now");
    let ago = |age| FileTime(FileTime::now().0 - age);
    let estimate = space.store.estimate().unwrap();
    assert!(estimate >= 100_000);
    space.store.usage.write(estimate, ago(2 * MINUTE)).unwrap();
    assert!(space.store.due(&bytes(estimate - 1)) && !space.store.due(&bytes(estimate)));
    assert!(!space.store.due(&days(7)));
    space.store.usage.write(estimate, ago(25 * HOUR)).unwrap();
    assert!(space.store.due(&days(7)) && !space.store.due(&Limits::default()));
    space.store.usage.write(estimate, ago(-HOUR)).unwrap();
    assert!(space.store.due(&days(7)), "counted in the future");
    files::write_atomic(&space.store.directory().join("usage"), b"torn").unwrap();
    assert!(space.store.due(&days(7)));
    space.collect(days(7));
    assert!(!space.store.due(&days(7)));
}
