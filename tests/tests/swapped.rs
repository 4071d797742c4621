//! What is kept under one key is served under no other: two files of the cache that changed places are damage.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files and processes themselves; nothing here runs in kiln"
)]

use kiln_testkit::{TestSpace, run_with_input, tree};
use kiln_tests::c::{Did, Site};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The files below a folder of the cache.
fn kept(space: &TestSpace, folder: &str) -> Vec<PathBuf> {
    let directory = space.cache().join("v1").join(folder);
    let names = tree::files(&directory);
    names.into_iter().map(|name| directory.join(name)).filter(|path| !path.ends_with("salt")).collect()
}

fn change_places(one: &Path, other: &Path) {
    let between = one.with_extension("between");
    fs::rename(one, &between).unwrap();
    fs::rename(other, one).unwrap();
    fs::rename(between, other).unwrap();
}

const ONE: [&str; 4] = ["-c", "one.c", "-o", "one.o"];
const TWO: [&str; 4] = ["-c", "two.c", "-o", "two.o"];

/// Two compiles that are in the cache.
fn filled(space: &TestSpace) -> Site<'_> {
    let site = Site::new(space, "p");
    site.write("one.c", "int one(void) { return 1; }\n").write("two.c", "int two(void) { return 2; }\n");
    std::thread::sleep(Duration::from_millis(40)); // a tick of the file system's clock
    for arguments in [ONE, TWO] {
        site.misses("gcc", &arguments);
        site.hits("gcc", &arguments);
    }
    site
}

#[test]
fn results_that_changed_places_are_compiled_anew() {
    for folder in ["results", "shapes"] {
        let space = TestSpace::new();
        let site = filled(&space);
        let files = kept(&space, folder);
        let [one, two] = &files[..] else { panic!("{folder}: {files:?}") };
        change_places(one, two);
        for arguments in [ONE, TWO] {
            assert_eq!(site.compile("gcc", &arguments), Did::Miss, "{folder}");
            site.hits("gcc", &arguments);
        }
    }
}

#[test]
fn verify_finds_what_changed_places_and_removes_it() {
    for (folder, words) in [
        ("results", "a result cannot be read, or belongs to another key"),
        ("shapes", "Shapes cannot be read, or belong to another key"),
        ("units", "a baseline for explanations cannot be read, or belongs to another unit"),
    ] {
        let space = TestSpace::new();
        filled(&space);
        let files = kept(&space, folder);
        let [one, two] = &files[..] else { panic!("{folder}: {files:?}") };
        change_places(one, two);
        let found = run_with_input(&mut space.kiln(&["verify"]), b"");
        assert!(
            found.status.code() == Some(1) && found.out().matches(words).count() == 2,
            "{folder}: {found}"
        );
        assert!(run_with_input(&mut space.kiln(&["verify", "--repair"]), b"").success());
        assert!(run_with_input(&mut space.kiln(&["verify"]), b"").success());
    }
}
