//! A comparison that finds what differs, and only that.

use super::{copy, differences, outputs};
use crate::TestSpace;

#[test]
fn differing_and_missing_files_are_named_and_extra_ones_are_not() {
    let space = TestSpace::new();
    for (path, content) in
        [("a/debug/deps/same", "1"), ("a/debug/deps/other", "1"), ("a/debug/deps/gone", "1")]
    {
        space.write(path, content);
    }
    for (path, content) in
        [("b/debug/deps/same", "1"), ("b/debug/deps/other", "2"), ("b/debug/deps/new", "1")]
    {
        space.write(path, content);
    }
    let found = differences(&outputs(&space.path("a")), &outputs(&space.path("b")));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("gone is missing") && found[1].contains("other differs"), "{found:?}");
}

#[test]
fn cargos_own_notes_are_no_outputs() {
    let space = TestSpace::new();
    for path in ["t/.rustc_info.json", "t/debug/.fingerprint/a/b", "t/debug/incremental/x", "t/debug/app.d"] {
        space.write(path, "note");
    }
    space.write("t/debug/deps/app.d", "rustc's");
    assert_eq!(outputs(&space.path("t")).len(), 1);
}

#[test]
fn a_copy_leaves_target_behind() {
    let space = TestSpace::new();
    space.write("from/src/main.rs", "source");
    space.write("from/target/debug/app", "built");
    copy(&space.path("from"), &space.path("to"));
    assert!(space.path("to/src/main.rs").exists() && !space.path("to/target").exists());
}
