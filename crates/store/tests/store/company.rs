//! Several processes, each with several threads, put, fetch and collect in one directory.

use crate::world::{ACTIONS, BLOBS, FETCHES, HOWS, World, child, content};
use kiln_store::{Limits, StoreError};
use kiln_sys::identity::FileTime;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % n
    }
}

/// Past the grace period of blobs, so that collections hit what is just being put; but private names in use stay.
fn half_an_hour_later() -> FileTime {
    FileTime(FileTime::now().0 + 1_800_000_000_000)
}

fn busy(shared: &Path, own: &Path, seed: u64) -> usize {
    // The cache is shared, the target directories are one's own.
    fs::create_dir_all(own).unwrap();
    let _ = std::os::unix::fs::symlink(shared.join("cache"), own.join("cache"));
    let world = World::open(own);
    let mut random = Random(seed * 0x9e37_79b9 + 1);
    let until = Instant::now() + Duration::from_millis(1200);
    let mut restored = 0;
    while Instant::now() < until {
        let blob = random.below(BLOBS);
        match random.below(10) {
            0..3 => world.put(blob, HOWS[random.below(HOWS.len())]).unwrap(),
            3 => world.put_result(random.below(ACTIONS)).unwrap(),
            4 => {
                world.get_result(random.below(ACTIONS));
            }
            5 if random.below(4) == 0 => {
                let later = half_an_hour_later();
                let limits = Limits { max_bytes: Some(random.below(400_000) as u64), max_age: None };
                world.store.collect(&limits, later, false).unwrap();
            }
            _ => match world.fetch(blob, random.below(3), FETCHES[random.below(3)]) {
                Ok(()) => restored += 1,
                Err(StoreError::Missing(_)) => {}
                Err(error) => panic!("{error}"),
            },
        }
    }
    restored
}

#[test]
#[ignore = "is run by the test below, several times at once"]
fn guest() {
    let Ok(plan) = std::env::var("KILN_TEST_GUEST") else { return };
    let (seed, shared) = plan.split_once(':').unwrap();
    let (seed, shared): (u64, PathBuf) = (seed.parse().unwrap(), shared.into());
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let shared = &shared;
            scope.spawn(move || {
                let own = shared.join(format!("{seed}-{thread}"));
                assert!(busy(shared, &own, seed * 10 + thread) > 0);
            });
        }
    });
}

#[test]
fn many_at_once_get_right_bytes_or_none() {
    let space = tempfile::tempdir().unwrap();
    World::open(space.path());
    let guests: Vec<_> = (1..5)
        .map(|seed| {
            let plan = format!("{seed}:{}", space.path().display());
            child("company::guest", "KILN_TEST_GUEST", &plan).spawn().unwrap()
        })
        .collect();
    for guest in guests {
        let output = guest.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let world = World::open(space.path());
    assert!(world.private_names().is_empty(), "{:?}", world.private_names());
    for n in 0..BLOBS {
        world.put(n, HOWS[1]).unwrap();
        world.fetch(n, 0, FETCHES[1]).unwrap();
        assert_eq!(fs::read(world.target(0)).unwrap(), content(n));
    }
}

#[test]
fn eviction_during_restore_is_a_miss_or_whole() {
    let space = tempfile::tempdir().unwrap();
    let world = World::open(space.path());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (root, over) = (space.path(), &over);
        let evictor = scope.spawn(move || {
            let store = kiln_store::LocalStore::open(&root.join("cache")).unwrap();
            let later = half_an_hour_later();
            let mut collections = 0;
            while collections < 300 || !over.load(Ordering::SeqCst) {
                store.collect(&Limits::default(), later, false).unwrap();
                collections += 1;
            }
        });
        let (mut restored, until) = (0, Instant::now() + Duration::from_secs(60));
        while restored < 20 || !evictor.is_finished() {
            world.put(5, HOWS[1]).unwrap();
            match world.fetch(5, 0, FETCHES[restored % 2]) {
                Ok(()) => restored += 1,
                Err(StoreError::Missing(_)) => {}
                Err(error) => panic!("{error}"),
            }
            over.store(restored >= 20 || Instant::now() > until, Ordering::SeqCst);
            assert!(restored >= 20 || Instant::now() < until, "{restored} restored in a minute");
        }
    });
}
