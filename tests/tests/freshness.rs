//! What kiln restores is fresh for cargo, here and in sibling target directories, and nothing done to a target
//! directory afterwards reaches the store.
//!
//! Guards: restored mtimes that leave cargo dirty for ever or hide a half-done rebuild; one inode linked into many
//! places and re-stamped; `strip` and other in-place writers.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves, and say what they skip; nothing here runs in kiln"
)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use kiln_testkit::mounted::Mounted;
use kiln_testkit::{Project, Random, TestSpace, run, tree};
use kiln_tests::projects::{chain, plainly, right};

fn set_value(project: &Project<'_>, value: i32) {
    project.write("base/src/lib.rs", format!("pub fn value() -> i32 {{ {value} }}\n"));
}

#[track_caller]
fn builds(project: &Project<'_>, printed: &str) {
    project.cargo(&["build", "--workspace"]).ok();
    assert_eq!(project.prints("debug/app"), printed);
    project.assert_fresh(&["build", "--workspace"]);
}

/// Edits, removals and builds of parts, in random order: right and fresh after each.
#[test]
fn any_mix_of_hits_and_misses_is_fresh() {
    for seed in 1..=2 {
        let mut random = Random::new(seed);
        let space = TestSpace::new();
        let here = chain(&space, "ws");
        let there = here.with_target(space.path("there"));
        for step in 0..14 {
            let value = random.below(3) as i32;
            set_value(&here, value);
            let project = if random.chance(50) { &here } else { &there };
            match random.below(4) {
                0 => drop(project.clean()),
                1 => drop(project.cargo(&["build", "-p", "base"]).ok()),
                2 => drop(project.cargo(&["check"]).ok()),
                _ => {}
            }
            project.cargo(&["build", "--workspace"]).ok();
            assert_eq!(project.prints("debug/app"), format!("{}\n", value + 1), "seed {seed} step {step}");
            project.assert_fresh(&["build", "--workspace"]);
        }
    }
}

/// Guards: a rule of make's takes a restored library, which was stored long ago, for older than what it made of another one.
#[test]
fn a_restored_library_of_ones_own_is_as_young_as_a_compiled_one() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let library = project.target().join("debug/libbase.rlib");
    let mut before = SystemTime::UNIX_EPOCH;
    for value in [1, 2, 1] {
        set_value(&project, value);
        project.cargo(&["build", "--workspace"]).ok();
        let time = fs::metadata(&library).unwrap().modified().unwrap();
        assert!(time > before, "the library of value {value} is not younger than the one before");
        before = time;
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Guards: a restore elsewhere re-stamps a shared inode, and makes this directory dirty, or worse, falsely fresh.
#[test]
fn restoring_elsewhere_touches_nothing_here() {
    let space = TestSpace::new();
    let here = chain(&space, "ws");
    builds(&here, "4\n");
    let before = tree::stamps(here.target());
    let there = here.with_target(space.path("there"));
    for _ in 0..3 {
        there.clean();
        builds(&there, "4\n");
    }
    let now = tree::stamps(here.target());
    let moved: Vec<_> = before.iter().filter(|(path, stamp)| now.get(*path) != Some(*stamp)).collect();
    assert!(moved.is_empty(), "re-stamped or replaced: {moved:?}");
    here.assert_fresh(&["build", "--workspace"]);
}

/// facts.md, section 6: `lib` is rebuilt alone ("interrupted"), then another target directory restores the program;
/// here it must still be dirty and come out right.
#[test]
fn interrupted_build_is_continued() {
    for incremental in ["0", "1"] {
        let mut space = TestSpace::new();
        space.set_env("CARGO_INCREMENTAL", incremental);
        let here = chain(&space, "ws");
        let there = here.with_target(space.path("there"));
        builds(&here, "4\n");
        there.clean().cargo(&["build", "--workspace"]).ok();
        set_value(&here, 100);
        here.cargo(&["build", "-p", "base"]).ok();
        set_value(&here, 3);
        there.clean().cargo(&["build", "--workspace"]).ok();
        there.clean().cargo(&["build", "--workspace"]).ok();
        set_value(&here, 100);
        builds(&here, "101\n");
        set_value(&here, 3);
        builds(&here, "4\n");
    }
}

/// Two target directories in turn, edited and reverted: both always right and fresh.
#[test]
fn sibling_target_directories() {
    let space = TestSpace::new();
    let here = chain(&space, "ws");
    let there = here.with_target(space.path("there"));
    for value in [3, 4, 3, 5, 4] {
        set_value(&here, value);
        let printed = format!("{}\n", value + 1);
        builds(&here, &printed);
        builds(&there, &printed);
        here.assert_fresh(&["build", "--workspace"]);
    }
}

/// Guards: explicit clock values run ahead of the file system's own stamps; constants and old times hide edits.
#[test]
fn restored_files_are_neither_old_nor_from_the_future() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    builds(&project, "4\n");
    std::thread::sleep(Duration::from_millis(20));
    let marker = space.write("marker", "");
    project.clean();
    builds(&project, "4\n");
    std::thread::sleep(Duration::from_millis(20));
    let after = SystemTime::now();
    let begun = fs::metadata(marker).and_then(|meta| meta.modified()).unwrap();
    for file in tree::files(&project.built("debug/deps")) {
        let stamp =
            fs::metadata(project.built("debug/deps").join(&file)).and_then(|meta| meta.modified()).unwrap();
        // An .rlib may be the store's own file, as old as its first compile.
        let shared = file.extension().is_some_and(|extension| extension == "rlib");
        assert!(
            stamp <= after && (shared || stamp >= begun),
            "{file:?}: {stamp:?}, not in {begun:?}..{after:?}"
        );
    }
}

/// Writes into every built file in place, as `strip`, `patchelf` and `objcopy` do, and root despite read-only bits.
fn scribble(project: &Project<'_>) {
    for file in tree::files(project.target()) {
        let path = project.target().join(&file);
        if file.components().any(|part| part.as_os_str() == "debug") {
            let mut open = OpenOptions::new().append(true).open(&path).expect("in-place write");
            open.write_all(b"scribbled").expect("in-place write");
            OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|mut open| open.write_all(b"\0\0\0\0"))
                .expect("write");
        }
    }
}

#[test]
fn in_place_writes_do_not_reach_the_store() {
    for incremental in ["0", "1"] {
        let mut space = TestSpace::new();
        space.set_env("CARGO_INCREMENTAL", incremental);
        let project = chain(&space, "ws");
        builds(&project, "4\n");
        for _ in 0..3 {
            scribble(&project); // what the cold build left, then what was restored
            project.clean();
            builds(&project, "4\n");
        }
        let bytes = |project: &Project<'_>| tree::outputs(project.target());
        if incremental == "0" {
            let plain = project.oracle(&["build", "--workspace"], |project, _| bytes(project));
            assert_eq!(tree::differences(&plain, &bytes(&project)), Vec::<String>::new());
        }
    }
}

#[test]
fn strip_in_place_does_not_reach_the_store() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    builds(&project, "4\n");
    let size = || fs::metadata(project.built("debug/app")).unwrap().len();
    let unstripped = size();
    for _ in 0..2 {
        run(space.command("strip").arg(project.built("debug/app"))).ok();
        assert!(size() < unstripped);
        project.clean();
        builds(&project, "4\n");
        assert_eq!(size(), unstripped);
    }
}

/// Truncating a built file in place, then cargo's own removal and a rebuild.
#[test]
fn truncated_outputs_do_not_reach_the_store() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    builds(&project, "4\n");
    for file in tree::files(&project.built("debug/deps")) {
        File::create(project.built("debug/deps").join(file)).unwrap();
    }
    project.clean();
    builds(&project, "4\n");
}

/// A user who turns the wrapper off has a target directory that plain cargo can use and rebuild.
#[test]
fn plain_cargo_takes_over() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    builds(&project, "4\n");
    project.clean();
    builds(&project, "4\n");
    project.assert_fresh_after(project.plain(&["build", "--workspace", "-v"]));
    set_value(&project, 9);
    project.plain(&["build", "--workspace"]).ok();
    assert_eq!(project.prints("debug/app"), "10\n");
    // And back: what plain cargo wrote over restored files did not reach the store.
    set_value(&project, 3);
    project.clean();
    builds(&project, "4\n");
}

/// rustc refuses to write over a read-only output: restored ones are as writable as its own.
#[test]
fn restored_files_have_the_usual_permissions() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let modes = |project: &Project<'_>| {
        let mode = |file: &std::path::PathBuf| {
            fs::metadata(project.target().join(file)).unwrap().permissions().mode()
        };
        tree::outputs(project.target()).into_keys().map(|file| (mode(&file), file)).collect::<Vec<_>>()
    };
    let plain = project.oracle(&["build", "--workspace"], |project, _| modes(project));
    for _ in 0..2 {
        project.clean().cargo(&["build", "--workspace"]).ok();
        assert_eq!(modes(&project), plain);
    }
}

/// A kept target directory after a source was edited and reverted: `cargo build` decides by mtimes, kiln by content.
#[test]
fn edit_and_revert_in_a_kept_target() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    for value in [3, 7, 3, 7, 8, 3] {
        set_value(&project, value);
        builds(&project, &format!("{}\n", value + 1));
    }
    set_value(&project, 7);
    assert_eq!(right(&project), "8\n");
    assert_eq!(plainly(&project), "8\n");
}

/// `cargo build` after `cargo check` after `cargo test`, over and over.
#[test]
fn commands_in_turn() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    for value in [3, 4, 3] {
        set_value(&project, value);
        for command in ["check", "build", "test"] {
            project.cargo(&[command, "--workspace"]).ok();
        }
        for command in ["check", "build", "test"] {
            project.assert_fresh(&[command, "--workspace"]);
        }
        assert_eq!(project.prints("debug/app"), format!("{}\n", value + 1));
        project.clean();
    }
}

/// Where files can share blocks, what is restored shares them with the store until somebody writes to it; an `.rlib` is a link all the
/// same.
#[test]
fn file_systems_that_share_blocks() {
    if std::process::Command::new("filefrag").arg("-V").output().is_err() {
        return eprintln!("SKIPPED: there is no filefrag to tell what is shared");
    }
    for kind in ["xfs", "btrfs"] {
        let Some(disk) = Mounted::of_kind(kind) else { continue };
        let mut space = TestSpace::new();
        space.set_cache(disk.path().join("cache"));
        let project = chain(&space, disk.path().join("ws").to_str().unwrap());
        builds(&project, "4\n");
        project.clean();
        let before = space.stats();
        builds(&project, "4\n");
        assert_eq!((space.since(&before).misses, space.since(&before).errors), (0, 0), "{kind}");
        run(&mut space.command("sync")).ok();
        let extents = |file: &std::path::Path| run(space.command("filefrag").arg("-v").arg(file)).ok().out();
        let program = project.target().join("debug/app");
        assert!(extents(&program).contains("shared"), "{kind}: {}", extents(&program));
        run(space.command("strip").arg(&program)).ok();
        assert!(!extents(&program).contains("shared"), "{kind}: strip writes it anew");
        run(&mut space.kiln(&["verify"])).ok();
        project.clean();
        let before = space.stats();
        builds(&project, "4\n");
        assert_eq!(space.since(&before).misses, 0, "{kind}: what was done to the program reached the store");
    }
}
