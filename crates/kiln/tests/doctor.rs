//! What the doctor says of a set-up that is truly broken: programs of two versions, and disks that take nothing.
#![allow(clippy::disallowed_methods, reason = "tests arrange files, processes and file systems themselves")]

mod space;

use serde_json::Value;
use space::{Space, err, out, succeeds};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says where it is seen (`eprintln!` is only shown of tests that fail) that something could not be looked at here.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED, a part of a test: {why}");
}

/// What the doctor says, whatever its exit code.
#[track_caller]
fn report(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", out(&output), err(&output)));
    let expected = if report["problems"] == 0 { 0 } else { 1 };
    assert_eq!(output.status.code(), Some(expected), "{report:#}");
    report
}

/// A finding: its level, what it says, what to do.
#[track_caller]
fn finding(report: &Value, name: &str) -> (String, String, String) {
    let found = report["findings"].as_array().unwrap().iter().find(|finding| finding["name"] == name);
    let text = |field: &str| found.unwrap()[field].as_str().unwrap_or_default().to_owned();
    (text("level"), text("says"), text("advice"))
}

/// A directory with `kiln-cli`, and `kiln` as a script.
fn installed_with(space: &Space, script: &str) -> PathBuf {
    let cli = Path::new(env!("CARGO_BIN_EXE_kiln")).with_file_name("kiln-cli");
    space.write("bin/kiln", script);
    fs::set_permissions(space.path("bin/kiln"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(cli, space.path("bin/kiln-cli")).unwrap();
    space.path("bin/kiln-cli")
}

#[test]
fn two_programs_of_different_versions() {
    let space = Space::new();
    let cli = installed_with(&space, "#!/bin/sh\n[ \"$1\" = --wrapper-version ] && echo 9.8.7\n");
    let mut doctor = space.command(&cli);
    let report = report(doctor.args(["doctor", "--json"]).env("RUSTC_WRAPPER", space.path("bin/kiln")));
    let shown = space.path("bin/kiln").display().to_string();
    let (level, says, advice) = finding(&report, "programs");
    assert_eq!(level, "problem");
    assert_eq!(says, format!("kiln-cli is {}, and {shown} is 9.8.7", env!("CARGO_PKG_VERSION")));
    assert_eq!(
        advice,
        "install both together: `cargo install --locked --path crates/kiln` in a checkout of kiln"
    );
    let (level, says, _) = finding(&report, "wrapper");
    assert_eq!(level, "problem");
    assert!(
        says.ends_with(&format!("which is version 9.8.7; this is {}", env!("CARGO_PKG_VERSION"))),
        "{says}"
    );
}

#[test]
fn a_wrapper_that_is_missing_or_does_not_know_the_question() {
    let space = Space::new();
    let cli = installed_with(&space, "#!/bin/sh\necho 'no such option' >&2; exit 2\n");
    let programs = || finding(&report(space.command(&cli).args(["doctor", "--json"])), "programs");
    let expected = format!("{} is not there or cannot be run", space.path("bin/kiln").display());
    assert_eq!((programs().0.as_str(), programs().1), ("problem", expected.clone()));
    fs::remove_file(space.path("bin/kiln")).unwrap();
    assert_eq!((programs().0.as_str(), programs().1), ("problem", expected));
}

/// A file system of its own below a space, gone at the end.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf) -> Option<Disk> {
        fs::create_dir_all(&at).unwrap();
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(&at).output();
        let done = output.is_ok_and(|output| output.status.success());
        if !done {
            skipped("no file system can be mounted here");
        }
        done.then_some(Disk(at))
    }

    fn remount(&self, how: &str) {
        succeeds(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0));
    }

    /// Takes all that is left.
    fn fill(&self) {
        let full = fs::write(self.0.join("ballast"), vec![1; 4 << 20]);
        assert_eq!(full.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// A space, a disk in it, and the environment that puts the cache there.
fn on_a_disk() -> Option<(Disk, Space)> {
    let space = Space::new();
    Some((Disk::mount(space.path("disk"))?, space))
}

fn doctor(space: &Space, cache: &Path) -> Command {
    let mut doctor = space.kiln(&["doctor", "--json"]);
    doctor.env("KILN_DIR", cache);
    doctor
}

#[test]
fn a_disk_that_cannot_be_written_to() {
    let Some((disk, space)) = on_a_disk() else { return };
    let cache = disk.0.join("cache");
    succeeds(space.kiln(&["stats"]).env("KILN_DIR", &cache));
    disk.remount("ro");
    let (level, says, advice) = finding(&report(&mut doctor(&space, &cache)), "cache");
    assert_eq!(level, "problem");
    assert!(says.contains("Read-only file system"), "{says}");
    assert!(advice.contains("KILN_DIR"), "{advice}");
    let (level, says, _) = finding(&report(doctor(&space, &cache).env("KILN_READ_ONLY", "1")), "cache");
    assert_eq!(level, "ok");
    assert!(says.ends_with("which cannot be written; nor need it, with `read-only`"), "{says}");
    let (level, says, _) = finding(&report(&mut doctor(&space, &disk.0.join("another"))), "cache");
    assert_eq!(level, "problem");
    assert!(says.contains("cannot be used") && says.contains("Read-only file system"), "{says}");
    // What only looks can look.
    let stats = out(&succeeds(space.kiln(&["stats"]).env("KILN_DIR", &cache)));
    assert!(stats.starts_with("units "), "{stats}");
    succeeds(space.kiln(&["explain"]).env("KILN_DIR", &cache));
    let refused = space.kiln(&["clear", "--yes"]).env("KILN_DIR", &cache).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("Read-only file system"), "{}", err(&refused));
}

#[test]
fn a_disk_that_is_full() {
    let Some((disk, space)) = on_a_disk() else { return };
    let cache = disk.0.join("cache");
    let mut compile = space.wrapped(&[], &[]);
    assert_eq!(space.run(compile.env("KILN_DIR", &cache)).outcome, "miss");
    disk.fill();
    let report = report(&mut doctor(&space, &cache));
    let (level, says, advice) = finding(&report, "cache");
    assert_eq!(level, "problem");
    assert!(says.contains("No space left on device"), "{says}");
    assert!(advice.contains("`kiln clear`"), "{advice}");
    let (level, says, _) = finding(&report, "room");
    assert_eq!(level, "warning");
    assert!(says.contains("0.0 GiB free on the disk"), "{says}");
    // Making room is what has to work now.
    let cleared = succeeds(space.kiln(&["clear", "--yes"]).env("KILN_DIR", &cache));
    assert!(out(&cleared).starts_with("removed 1 result, "), "{}", out(&cleared));
}

/// The loader takes nothing from such a disk, and says so on the compiler's standard error.
#[test]
fn a_disk_that_nothing_is_executed_from() {
    let Some((disk, space)) = on_a_disk() else { return };
    disk.remount("noexec");
    let cache = disk.0.join("cache");
    let compile = || {
        let mut compile = space.wrapped(&[], &[]);
        compile.env("KILN_DIR", &cache);
        let outcome = space.run(&mut compile).outcome;
        fs::remove_dir_all(space.path("project/target/debug/deps")).unwrap();
        fs::create_dir(space.path("project/target/debug/deps")).unwrap();
        outcome
    };
    space.write("project/lib.rs", "pub fn g() {}\n");
    let printed = err(&succeeds(space.wrapped(&[], &[]).env("KILN_DIR", &cache)));
    assert!(!printed.contains("LD_PRELOAD"), "{printed}");
    assert_eq!(compile(), "hit", "it was recorded and kept all the same");
    let (level, _, _) = finding(&report(&mut doctor(&space, &cache)), "recorder");
    assert_eq!(level, "ok");
}

#[test]
fn a_cache_of_somebody_else() {
    const STRANGER: u32 = 54321;
    let space = Space::new();
    succeeds(&mut space.kiln(&["stats"]));
    let cache = space.path("cache");
    if chown(cache.join("v1"), Some(STRANGER), None).is_err() {
        return skipped("only root can give a directory away");
    }
    let (level, says, advice) = finding(&report(&mut doctor(&space, &cache)), "cache");
    assert_eq!(level, "warning");
    assert!(says.ends_with("/cache/v1 belongs to user 54321, and this is user 0"), "{says}");
    assert!(advice.contains("have a cache of your own"), "{advice}");

    // And seen by the stranger: root's directory, closed to him.
    chown(cache.join("v1"), Some(0), None).unwrap();
    fs::set_permissions(space.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(space.path("tmp"), fs::Permissions::from_mode(0o777)).unwrap();
    let output = match doctor(&space, &cache).uid(STRANGER).gid(STRANGER).output() {
        Ok(output) if !output.stdout.is_empty() => output,
        _ => return skipped("kiln is in a directory that is closed to others"),
    };
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (level, says, _) = finding(&report, "cache");
    assert_eq!((output.status.code(), level.as_str()), (Some(1), "problem"));
    assert!(says.contains("Permission denied"), "{says}");
}

#[test]
fn a_cache_that_others_can_write_to() {
    let space = Space::new();
    succeeds(&mut space.kiln(&["stats"]));
    fs::set_permissions(space.path("cache/v1"), fs::Permissions::from_mode(0o777)).unwrap();
    let (level, says, advice) = finding(&report(&mut doctor(&space, &space.path("cache"))), "cache");
    assert_eq!(level, "warning");
    assert!(says.ends_with("can be written by others (mode 777)"), "{says}");
    assert!(advice.starts_with("`chmod go-w "), "{advice}");
}

/// rustc links with the `cc` of the path, and behind kiln's link is a compiler with a linker.
#[test]
fn the_linker_behind_a_link_to_kiln() {
    let space = Space::new();
    let path = std::env::var("PATH").unwrap();
    let linker = |path: &str| {
        let report = report(space.kiln(&["doctor", "--json"]).env("PATH", path));
        let (_, says, _) = finding(&report, "linker");
        let end = says.find([';', ' ']).unwrap_or(says.len());
        says[..end].to_owned()
    };
    let expected = linker(&path);
    assert!(!expected.is_empty() && expected != "an", "{expected}");
    fs::create_dir(space.path("links")).unwrap();
    symlink(env!("CARGO_BIN_EXE_kiln"), space.path("links/cc")).unwrap();
    assert_eq!(linker(&format!("{}:{path}", space.path("links").display())), expected);
}
