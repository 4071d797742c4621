//! Random histories against a simple model: never wrong bytes, never half a file; and what was put and not touched by
//! anybody must be there.

use crate::world::{ACTIONS, BLOBS, FETCHES, HOWS, TARGETS, World, blobs_of, content, digest};
use kiln_store::{Limits, Store};
use kiln_sys::files::fault::{Effect, arm};
use kiln_sys::identity::FileTime;
use proptest::prelude::*;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip(usize),
    Zeros,
    Shorter,
    Longer,
    Gone,
}

#[derive(Clone, Debug)]
enum Step {
    Put {
        blob: usize,
        how: usize,
    },
    PutResult(usize),
    Fetch {
        blob: usize,
        to: usize,
        how: usize,
    },
    Get(usize),
    Missing,
    Collect {
        most: Option<u64>,
        age_h: Option<u64>,
        later_h: i64,
    },
    Damage {
        blob: usize,
        damage: Damage,
    },
    /// Somebody writes to a restored file in place.
    Edit {
        to: usize,
    },
    Remove {
        to: usize,
    },
    Reopen,
    Reboot,
    /// The next steps have a failing call each.
    Fail {
        step: Box<Step>,
        at: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let damage = prop_oneof![
        any::<usize>().prop_map(Damage::Flip),
        Just(Damage::Zeros),
        Just(Damage::Shorter),
        Just(Damage::Longer),
        Just(Damage::Gone),
    ];
    let put = || (0..BLOBS, 0..HOWS.len()).prop_map(|(blob, how)| Step::Put { blob, how });
    let fetch =
        || (0..BLOBS, 0..TARGETS, 0..3_usize).prop_map(|(blob, to, how)| Step::Fetch { blob, to, how });
    let result = || (0..ACTIONS).prop_map(Step::PutResult);
    prop_oneof![
        6 => put(),
        8 => fetch(),
        3 => result(),
        3 => (0..ACTIONS).prop_map(Step::Get),
        1 => Just(Step::Missing),
        2 => (
            prop::option::of(0_u64..600_000),
            prop::option::of(0_u64..100),
            0_i64..200,
        ).prop_map(|(most, age_h, later_h)| Step::Collect { most, age_h, later_h }),
        2 => (0..BLOBS, damage).prop_map(|(blob, damage)| Step::Damage { blob, damage }),
        1 => (0..TARGETS).prop_map(|to| Step::Edit { to }),
        1 => (0..TARGETS).prop_map(|to| Step::Remove { to }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Reboot),
        3 => (prop_oneof![put(), fetch(), result()], 0_u64..24)
            .prop_map(|(step, at)| Step::Fail { step: Box::new(step), at }),
    ]
}

/// What the model knows about a blob: whether it must be there and right. Otherwise it may be.
struct Model {
    certain: [bool; BLOBS],
    /// A blob that somebody has damaged and nobody has looked at since: a put may find it there and leave it.
    suspect: [bool; BLOBS],
}

impl Model {
    fn fresh() -> Model {
        Model { certain: [false; BLOBS], suspect: [false; BLOBS] }
    }

    fn doubt(&mut self, blob: usize) {
        self.certain[blob] = false;
        self.suspect[blob] = true;
    }
}

fn run(world: &mut World, model: &mut Model, step: &Step) {
    match step {
        Step::Put { blob, how } => {
            world.put(*blob, HOWS[*how]).unwrap();
            model.certain[*blob] = !model.suspect[*blob];
        }
        Step::PutResult(action) => world.put_result(*action).unwrap(),
        Step::Fetch { blob, to, how } => match world.fetch(*blob, *to, FETCHES[*how]) {
            Ok(()) => {
                model.certain[*blob] = true;
                model.suspect[*blob] = false;
            }
            Err(error) => {
                assert!(!model.certain[*blob], "{blob} must be there: {error}");
                model.suspect[*blob] = false; // it has been dropped
            }
        },
        Step::Get(action) => {
            world.get_result(*action);
        }
        Step::Missing => {
            let missing = world.store.missing(&(0..BLOBS).map(digest).collect::<Vec<_>>());
            assert!((0..BLOBS).all(|n| !model.certain[n] || !missing.contains(&digest(n))));
        }
        Step::Collect { most, age_h, later_h } => {
            let limits =
                Limits { max_bytes: *most, max_age: age_h.map(|hours| Duration::from_secs(hours * 3600)) };
            let later = FileTime(FileTime::now().0 + later_h * 3_600_000_000_000);
            let collected = world.store.collect(&limits, later, false).unwrap().unwrap();
            assert_eq!(collected.stuck, 0);
            assert_eq!(collected.after, world.store.contents().unwrap());
            let kept: Vec<usize> = (0..ACTIONS).filter(|n| world.get_result(*n)).flat_map(blobs_of).collect();
            for blob in 0..BLOBS {
                model.certain[blob] &= kept.contains(&blob);
            }
        }
        Step::Damage { blob, damage } => {
            if world.blob(*blob).exists() {
                inflict(&world.blob(*blob), *damage);
                model.doubt(*blob);
                // Files made by a compiler that are still linked to it are damaged as well; they are made anew.
            }
        }
        Step::Edit { to } => edit(world, model, *to),
        Step::Remove { to } => {
            let _ = fs::remove_file(world.target(*to));
        }
        Step::Reopen => *world = World::open(&world.root),
        Step::Reboot => {
            for entry in fs::read_dir(world.store.directory()).unwrap() {
                let entry = entry.unwrap();
                if entry.file_name().to_string_lossy().starts_with("memo-") {
                    fs::remove_file(entry.path()).unwrap();
                }
            }
            *world = World::open(&world.root);
        }
        Step::Fail { step, at } => fail(world, model, step, *at),
    }
    assert_eq!(world.private_names(), [] as [&Path; 0]);
}

fn inflict(path: &Path, damage: Damage) {
    std::thread::sleep(Duration::from_millis(12)); // see the unit tests: ticks
    let length = fs::metadata(path).unwrap().len() as usize;
    let file = || OpenOptions::new().write(true).open(path).unwrap();
    match damage {
        Damage::Flip(at) if length > 0 => {
            let mut content = fs::read(path).unwrap();
            content[at % length] ^= 0x20;
            file().write_all(&content).unwrap();
        }
        Damage::Zeros if length > 0 => file().write_all(&vec![0; length]).unwrap(),
        Damage::Shorter if length > 0 => file().set_len(length as u64 - 1).unwrap(),
        Damage::Longer => file().set_len(length as u64 + 1).unwrap(),
        Damage::Gone => fs::remove_file(path).unwrap(),
        _ => {}
    }
}

fn edit(world: &World, model: &mut Model, to: usize) {
    let target = world.target(to);
    let Ok(edited) = fs::metadata(&target) else { return };
    inflict(&target, Damage::Flip(0));
    for blob in 0..BLOBS {
        if fs::metadata(world.blob(blob)).is_ok_and(|stored| stored.ino() == edited.ino()) {
            model.doubt(blob);
        }
    }
}

/// One step with one failing call: it may fail, it may not do harm.
fn fail(world: &mut World, model: &mut Model, step: &Step, at: u64) {
    let errnos = [rustix::io::Errno::NOSPC, rustix::io::Errno::IO, rustix::io::Errno::ACCESS];
    let errno = errnos[at as usize % errnos.len()].raw_os_error();
    match step {
        Step::Put { blob, how } => {
            world.make(*blob);
            let armed = arm(at, Effect::Fail(errno));
            let _ = world.put(*blob, HOWS[*how]);
            drop(armed);
        }
        Step::PutResult(action) => {
            let armed = arm(at, Effect::Fail(errno));
            let _ = world.put_result(*action);
            drop(armed);
        }
        Step::Fetch { blob, to, how } => {
            let armed = arm(at, Effect::Fail(errno));
            let outcome = world.fetch(*blob, *to, FETCHES[*how]);
            drop(armed);
            if outcome.is_err() && !world.blob(*blob).exists() {
                model.certain[*blob] = false; // what cannot be read is dropped
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("KILN_TEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn histories(steps in prop::collection::vec(step(), 1..50)) {
        let space = tempfile::tempdir().unwrap();
        let mut world = World::open(space.path());
        let mut model = Model::fresh();
        for step in &steps {
            run(&mut world, &mut model, step);
        }
        // Whatever has happened: the next build gets everything back.
        for blob in 0..BLOBS {
            if world.fetch(blob, 0, FETCHES[1]).is_err() {
                world.put(blob, HOWS[1]).unwrap();
                world.fetch(blob, 0, FETCHES[1]).unwrap();
            }
            prop_assert_eq!(fs::read(world.target(0)).unwrap(), content(blob));
        }
    }
}
