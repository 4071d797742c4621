#![allow(clippy::disallowed_methods, reason = "tests make the files that are looked at")]
use super::*;
use std::os::unix::fs::symlink;

/// Asks a fresh view for each name, many at once.
fn asked(directory: &Path, names: &[&str]) -> Vec<Option<Answer>> {
    let mut view = View::default();
    let others = (0..MANY).map(|n| directory.join(format!("other{n}")));
    names.iter().map(|name| directory.join(name)).chain(others).for_each(|path| view.expect_absent(&path));
    names.iter().map(|name| view.presence(&directory.join(name))).collect()
}

#[test]
fn many_names_get_the_answers_of_single_ones() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("a.h"), "").unwrap();
    std::fs::create_dir(at("sub")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("a.h", at("link")).unwrap();
    let names = ["a.h", "A.h", "b.h", "sub", "dangling", "link", "sub/x.h", "none/x.h", "\u{e4}.h"];
    let single: Vec<_> = names.iter().map(|name| presence(&at(name))).collect();
    assert_eq!(asked(dir.path(), &names), single);
    std::fs::write(at("\u{e4}.h"), "").unwrap();
    let single: Vec<_> = names.iter().map(|name| presence(&at(name))).collect();
    assert_eq!(asked(dir.path(), &names), single, "with a name that not every file system compares alike");
    assert_eq!(asked(&at("none"), &["a.h", "b.h"]), [Some(Answer::Nothing), Some(Answer::Nothing)]);
    assert_eq!(asked(&at("a.h"), &["b.h"]), [presence(&at("a.h/b.h"))]);
}

#[test]
fn real_paths_are_those_of_the_system() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir_all(at("d/e")).unwrap();
    std::fs::write(at("d/e/a.h"), "").unwrap();
    symlink("d", at("link")).unwrap();
    symlink("../d/e/a.h", at("d/b.h")).unwrap();
    symlink("nowhere", at("d/dangling")).unwrap();
    let mut view = View::default();
    let paths = [
        "d/e/a.h",
        "link/e/a.h",
        "link/e/../b.h",
        "d/b.h",
        "d/dangling",
        "d/none",
        "none/x",
        "link",
        "d/e/",
        "d/e/.",
    ];
    for _ in 0..2 {
        for path in paths {
            assert_eq!(view.real_path(&at(path)), real_path(&at(path)), "{path}");
        }
    }
}
