//! Every single system call fails once, in every way of putting and fetching; and every one from there on.

use crate::world::{FETCHES, HOWS, World, content, digest, quick_space, result_key, shapes};
use kiln_store::{Content, Limits, Store};
use kiln_sys::files::fault::{Armed, Effect, arm};
use kiln_sys::identity::FileTime;
use rustix::io::Errno;
use std::fs;

/// Runs `act` in a new world with call 0 failing, then call 1, and so on until none is left to fail. `check` gets the
/// world afterwards and whether `act` succeeded.
fn sweep(prepare: impl Fn(&World), act: impl Fn(&World) -> bool, check: impl Fn(&World, bool)) {
    for effect in [Effect::Fail, Effect::FailFrom] {
        for errno in [Errno::NOSPC, Errno::IO] {
            let mut refused = 0;
            for at in 0.. {
                let space = quick_space();
                let world = World::open(space.path());
                prepare(&world);
                let armed: Armed = arm(at, effect(errno.raw_os_error()));
                let done = act(&world);
                let calls = armed.calls();
                drop(armed);
                refused += usize::from(!done);
                check(&world, done);
                assert!(world.private_names().is_empty(), "at {at}");
                if calls <= at {
                    assert!(done, "nothing has failed");
                    break;
                }
                assert!(at < 1000, "it never ends");
            }
            assert!(refused > 0, "no call matters?");
        }
    }
}

#[test]
fn a_put_that_fails_can_be_made_up_for() {
    for how in HOWS {
        sweep(
            |_| (),
            |world| world.put(5, how).is_ok(),
            |world, done| {
                match world.fetch(5, 0, FETCHES[1]) {
                    Ok(()) => {}
                    Err(error) => assert!(!done, "{how:?}: {error}"),
                }
                world.put(5, how).unwrap();
                world.fetch(5, 1, FETCHES[0]).unwrap();
            },
        );
    }
}

#[test]
fn a_fetch_that_fails_leaves_the_old_file() {
    for how in FETCHES {
        for known in [false, true] {
            sweep(
                |world| {
                    world.put(5, if known { HOWS[0] } else { HOWS[1] }).unwrap();
                    fs::write(world.target(0), "old").unwrap();
                },
                |world| world.fetch(5, 0, how).is_ok(),
                |world, done| {
                    let now = fs::read(world.target(0)).ok();
                    assert!(!done || now == Some(content(5)));
                    assert!(done || now.is_none() || now == Some(b"old".to_vec()) || now == Some(content(5)));
                    if world.fetch(5, 0, how).is_err() {
                        world.put(5, HOWS[0]).unwrap(); // a blob that could not be read was dropped
                        world.fetch(5, 0, how).unwrap();
                    }
                },
            );
        }
    }
}

#[test]
fn records_are_there_or_not() {
    sweep(
        |_| (),
        |world| {
            world.put_result(1).is_ok() && world.store.put(&shapes().0, Content::Bytes(&shapes().1)).is_ok()
        },
        |world, done| {
            assert!(world.get_result(1) || !done);
            let known = world.store.get(&[shapes().0]).pop().unwrap();
            assert!(known.as_ref() == Some(&shapes().1) || (known.is_none() && !done));
        },
    );
}

#[test]
fn a_record_that_cannot_be_read_is_not_there() {
    let space = quick_space();
    let world = World::open(space.path());
    world.put_result(1).unwrap();
    for at in 0..10 {
        let armed = arm(at, Effect::Fail(Errno::IO.raw_os_error()));
        let got = world.store.get(&[result_key(1)]);
        drop(armed);
        assert!(got[0].as_deref().is_none_or(|bytes| bytes == crate::world::result(1)));
    }
    assert!(world.get_result(1), "an error of reading is no damage");
}

#[test]
fn a_collection_that_fails_does_no_harm() {
    let later = || FileTime(FileTime::now().0 + 24 * 3_600_000_000_000);
    let limits = Limits { max_bytes: Some(100_000), max_age: None };
    sweep(
        |world| {
            (0..6).for_each(|n| world.put(n, HOWS[n % 3]).unwrap());
            (0..5).for_each(|n| world.put_result(n).unwrap());
        },
        |world| world.store.collect(&limits, later(), false).is_ok_and(|done| done.unwrap().stuck == 0),
        |world, _| {
            world.store.collect(&limits, later(), false).unwrap().unwrap();
            assert!(world.store.contents().unwrap().bytes <= 100_000);
            for n in 0..6 {
                let _ = world.fetch(n, 0, FETCHES[0]);
            }
        },
    );
}

#[test]
fn opening_fails_clearly_or_works() {
    for at in 0..30 {
        let space = quick_space();
        let root = space.path().join("deep/cache");
        let armed = arm(at, Effect::Fail(Errno::ACCESS.raw_os_error()));
        let opened = kiln_store::LocalStore::open(&root);
        drop(armed);
        match opened {
            Ok(store) => assert_eq!(store.missing(&[digest(1)]), [digest(1)]),
            Err(error) => assert!(error.to_string().contains(space.path().to_str().unwrap()), "{error}"),
        }
        kiln_store::LocalStore::open(&root).unwrap();
    }
}
