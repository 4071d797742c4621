//! Whose directories kiln uses: those of whoever calls it, that are there.
#![allow(clippy::disallowed_methods, reason = "a test")]

mod space;

use space::{Space, err, succeeds};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};

const STRANGER: u32 = 54321;

/// A compile goes on without the cache, and says why.
#[track_caller]
fn goes_on_without(space: &Space, why: &str) {
    let made = space.path("project/target/debug/deps/libunit-1.rmeta");
    let _ = fs::remove_file(&made);
    let output = succeeds(space.wrapped(&[], &["-C", "extra-filename=-1"]).env("KILN_EVENTS", "/dev/null"));
    assert!(made.exists());
    assert!(err(&output).contains(why), "{}", err(&output));
    assert!(!space.path("cache/v1").exists(), "nothing was put there");
    let printed = space.kiln(&["stats"]).output().unwrap();
    assert_eq!(printed.status.code(), Some(1));
    assert!(err(&printed).contains(why), "{}", err(&printed));
    let built = succeeds(&mut space.kiln(&["run", "--", "true"]));
    assert!(built.status.success() && !space.path("cache/sessions").exists());
}

#[test]
fn a_cache_directory_of_somebody_elses() {
    let space = Space::new();
    fs::create_dir(space.path("cache")).unwrap();
    if chown(space.path("cache"), Some(STRANGER), None).is_err() {
        drop(writeln!(std::io::stderr(), "SKIPPED: only root can give a directory away"));
        return;
    }
    goes_on_without(&space, "it belongs to user 54321");
}

#[test]
fn a_cache_directory_that_anybody_can_write_to() {
    let space = Space::new();
    fs::create_dir(space.path("cache")).unwrap();
    fs::set_permissions(space.path("cache"), fs::Permissions::from_mode(0o1777)).unwrap();
    goes_on_without(&space, "anybody can write to it");
    fs::set_permissions(space.path("cache"), fs::Permissions::from_mode(0o775)).unwrap(); // a group is somebody's choice
    assert_eq!(space.compile(&[]).outcome, "miss");
}

#[test]
fn a_home_that_is_not_there_is_not_made() {
    let space = Space::new();
    let homeless = space.path("homeless-shelter");
    let mut command = space.wrapped(&[], &[]);
    command.env_remove("KILN_DIR").env_remove("KILN_EVENTS").env("HOME", &homeless);
    let output = succeeds(&mut command);
    assert!(err(&output).contains("the home directory is not there"), "{}", err(&output));
    succeeds(space.kiln(&["run", "--", "true"]).env_remove("KILN_DIR").env("HOME", &homeless));
    assert!(!homeless.exists());
}
