//! The launcher: it hands a build script to kiln, and runs it where kiln is not there.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

use kiln_recorder::launcher;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn place(directory: &Path, kiln: &Path) -> PathBuf {
    let script = "build_script_build-0a.real";
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    write(script, b"#!/bin/sh\necho real \"$@\" $MARK\n");
    write("build-script-build", &launcher(kiln, OsStr::new(script)).unwrap())
}

#[test]
fn kiln_is_given_the_script_and_its_arguments() {
    let directory = tempfile::tempdir().unwrap();
    let kiln = directory.path().join("kiln with spaces");
    fs::write(&kiln, "#!/bin/sh\necho kiln \"$@\" $MARK\n").unwrap();
    fs::set_permissions(&kiln, fs::Permissions::from_mode(0o755)).unwrap();
    let launcher = place(directory.path(), &kiln);
    let printed = Command::new(&launcher).args(["one", "two words"]).env("MARK", "!").output().unwrap();
    let expected =
        format!("kiln {}/build_script_build-0a.real one two words !\n", directory.path().display());
    assert_eq!(String::from_utf8_lossy(&printed.stdout), expected);
}

#[test]
fn without_kiln_the_script_runs() {
    let directory = tempfile::tempdir().unwrap();
    let launcher = place(directory.path(), Path::new("/nowhere/kiln"));
    let moved = directory.path().join("moved");
    fs::create_dir(&moved).unwrap();
    for name in ["build-script-build", "build_script_build-0a.real"] {
        fs::rename(directory.path().join(name), moved.join(name)).unwrap();
    }
    let launcher = moved.join(launcher.file_name().unwrap());
    let printed = Command::new(&launcher).arg("one").env("MARK", "!").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&printed.stdout), "real one !\n");
    fs::remove_file(moved.join("build_script_build-0a.real")).unwrap();
    let printed = Command::new(&launcher).output().unwrap();
    assert_eq!(printed.status.code(), Some(127));
    assert!(String::from_utf8_lossy(&printed.stderr).contains("kiln: error"));
}

#[test]
fn names_that_do_not_fit_are_refused() {
    assert!(launcher(Path::new("/a/kiln"), OsStr::new("script")).is_some());
    assert!(launcher(Path::new(&format!("/{}", "a".repeat(4096))), OsStr::new("script")).is_none());
    assert!(launcher(Path::new("/a/kiln"), OsStr::new(&"a".repeat(256))).is_none());
}
