#![allow(clippy::disallowed_methods, reason = "tests make the files that are looked at")]
use super::*;
use std::os::unix::fs::symlink;
use std::time::Duration;

/// Longer than one tick of the clock that stamps files.
fn tick() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Whether the way to `src/lib.rs` counts as unchanged when this was done after the start.
fn still_after(change: impl FnOnce(&Path)) -> bool {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("lib.rs"), name).unwrap();
    }
    std::fs::rename(dir.path().join("a"), dir.path().join("src")).unwrap();
    symlink("src", dir.path().join("link")).unwrap();
    symlink("src", dir.path().join("middle")).unwrap();
    symlink("middle", dir.path().join("links")).unwrap();
    tick();
    let started = Moment::now();
    tick();
    change(dir.path());
    let still = |name: &str| {
        let mut still = Still::since(started.realtime_ns());
        still.way(&dir.path().join(name).join("lib.rs"))
    };
    still("src") && still("link") && still("links")
}

#[test]
fn a_directory_renamed_into_place_brings_old_files() {
    assert!(still_after(|_| ()));
    assert!(still_after(|dir| std::fs::write(dir.join("src/new.rs"), "").unwrap()), "a new neighbour");
    assert!(!still_after(|dir| {
        std::fs::rename(dir.join("src"), dir.join("old")).unwrap();
        std::fs::rename(dir.join("b"), dir.join("src")).unwrap();
    }));
}

#[test]
fn a_link_that_is_retargeted_leads_to_old_files() {
    assert!(!still_after(|dir| {
        std::fs::remove_file(dir.join("link")).unwrap();
        symlink("b", dir.join("link")).unwrap();
    }));
}

#[test]
fn a_link_behind_a_link_is_retargeted() {
    assert!(!still_after(|dir| {
        std::fs::remove_file(dir.join("middle")).unwrap();
        symlink("b", dir.join("middle")).unwrap();
    }));
}

/// Where outputs were to go, and whether they count as this run's when a link was made to lead elsewhere after the start.
#[test]
fn outputs_behind_a_link_that_is_retargeted_may_be_another_runs() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir_all(path("disk/out")).unwrap();
    for (target, link) in [("disk", "middle"), ("middle", "outer")] {
        symlink(target, path(link)).unwrap();
    }
    tick();
    let started = Moment::now().realtime_ns();
    tick();
    let plans = || {
        let plain = OutputPlan { directory: path("disk/out"), ..OutputPlan::default() };
        let directory = OutputPlan { directory: path("outer/out"), ..OutputPlan::default() };
        let tree = OutputPlan { tree: Some(path("outer/out")), ..plain.clone() };
        let file = OutputPlan { files: vec![path("outer/out/a.o")], ..plain.clone() };
        [plain, directory, tree, file]
    };
    let changed = || plans().map(|plan| Still::since(started).link_that_changed(&plan).is_some());
    std::fs::write(path("disk/out/new"), "").unwrap();
    assert_eq!(changed(), [false; 4]);
    std::fs::remove_file(path("middle")).unwrap();
    symlink("disk", path("middle")).unwrap();
    assert_eq!(changed(), [false, true, true, true]);
}
