//! `kill -9` at every single system call.

use crate::world::{FETCHES, HOWS, How, World, blobs_of, child, content, quick_space, shapes};
use kiln_store::{Content, Limits, Store, StoreError};
use kiln_sys::files::fault::{Effect, arm};
use kiln_sys::identity::FileTime;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

const LATER: i64 = 24 * 3_600_000_000_000;

/// A day in the life of a store.
fn live(world: &World) {
    for n in [0, 1, 4, 5] {
        world.put(n, HOWS[n % HOWS.len()]).unwrap();
    }
    world.put(2, How::Link).unwrap();
    for action in 0..5 {
        world.put_result(action).unwrap();
    }
    world.store.put(&shapes().0, Content::Bytes(&shapes().1)).unwrap();
    for (at, n) in [1, 2, 5].into_iter().enumerate() {
        for how in FETCHES {
            world.fetch(n, at, how).unwrap();
        }
    }
    let limits = Limits { max_bytes: Some(200_000), max_age: None };
    world.store.collect(&limits, FileTime(FileTime::now().0 + LATER), false).unwrap();
}

#[test]
#[ignore = "is run by the test below, to be killed"]
fn victim() {
    let Ok(plan) = std::env::var("KILN_TEST_VICTIM") else { return };
    let (at, root) = plan.split_once(':').unwrap();
    let armed = arm(at.parse().unwrap(), Effect::Kill);
    live(&World::open(Path::new(root)));
    drop(armed);
}

#[test]
fn killed_at_any_call_costs_a_miss_at_worst() {
    let next = AtomicU64::new(0);
    let finished = AtomicU64::new(u64::MAX);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at > finished.load(Ordering::Relaxed) {
                        return;
                    }
                    assert!(at < 5000, "it never ends");
                    let space = quick_space();
                    let plan = format!("{at}:{}", space.path().display());
                    let output = child("crash::victim", "KILN_TEST_VICTIM", &plan).output().unwrap();
                    if output.status.success() {
                        finished.fetch_min(at, Ordering::Relaxed);
                    } else {
                        assert_eq!(output.status.signal(), Some(9), "{output:?}");
                    }
                    aftermath(&World::open(space.path()), at);
                }
            });
        }
    });
    assert!(finished.into_inner() > 100, "the victim does something");
}

fn aftermath(world: &World, at: u64) {
    for n in 0..6 {
        for (to, how) in FETCHES.into_iter().enumerate() {
            match world.fetch(n, to, how) {
                Ok(()) | Err(StoreError::Missing(_)) => {}
                Err(error) => panic!("killed at {at}: {error}"),
            }
        }
    }
    for action in 0..5 {
        if world.get_result(action) {
            // Blobs were written before the results, so those of a result are there.
            for n in blobs_of(action).into_iter().filter(|n| *n != 3) {
                assert!(world.store.missing(&[crate::world::digest(n)]).is_empty(), "killed at {at}");
            }
        }
    }
    for n in 0..6 {
        world.put(n, How::Copy).unwrap();
        world.fetch(n, 0, FETCHES[1]).unwrap();
        assert_eq!(fs::read(world.target(0)).unwrap(), content(n));
    }
    world.store.collect(&Limits::default(), FileTime(FileTime::now().0 + LATER), false).unwrap().unwrap();
    let left = world.private_names();
    assert!(left.iter().all(|path| !path.starts_with(world.store.directory())), "killed at {at}: {left:?}");
}
