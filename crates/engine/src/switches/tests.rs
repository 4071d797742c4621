#![allow(clippy::disallowed_methods, reason = "tests make the files they ask about")]
use super::*;
use std::fs;

#[test]
fn patterns() {
    for (pattern, name, expected) in [
        ("*.sql", "0001.sql", true),
        ("*.sql", "0001.sqlx", false),
        ("a?c*", "abc", true),
        ("a?c*", "ac", false),
        ("*", "", true),
        ("**x", "yyx", true),
        ("a*b*c", "aXbXbc", true),
        ("a*b*c", "aXbXcb", false),
        ("a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
    ] {
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
    }
}

#[test]
fn nothing_set_adds_nothing() {
    let settings = Settings::default();
    assert_eq!(fields(&settings, Family::Gcc), []);
    assert_eq!(questions(&settings, &Places::new()), BTreeSet::new());
}

#[test]
fn the_salt_is_not_told_as_it_is() {
    let settings = Settings { salt: "secret".into(), ..Settings::default() };
    let told = fields(&settings, Family::Rustc);
    assert_eq!(told.len(), 1);
    assert!(!told[0].value.to_string_lossy().contains("secret"));
}

#[test]
fn a_variable_that_counts_is_not_ignored() {
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let settings = Settings {
        ignore_variables: names(&["A", "B"]),
        extra_variables: names(&["B"]),
        ..Settings::default()
    };
    assert!(is_ignored(&settings, b"A"));
    assert!(!is_ignored(&settings, b"B"));
    assert!(!is_ignored(&settings, b"C"));
}

/// What a pattern asks, as `kind path`, relative to the directory.
fn asked(root: &Path, pattern: &str) -> Vec<String> {
    let settings = Settings { extra_inputs: vec![root.join(pattern)], ..Settings::default() };
    let shown = |question: Question| {
        let path = |placed: &kiln_action::Placed| {
            let path = Path::new(OsStr::from_bytes(&placed.path)).to_owned();
            path.strip_prefix(root).unwrap().display().to_string()
        };
        match &question {
            Question::File(placed) => format!("file {}", path(placed)),
            Question::Listing(placed) => format!("list {}", path(placed)),
            other => panic!("{other:?}"),
        }
    };
    questions(&settings, &Places::new()).into_iter().map(shown).collect()
}

#[test]
fn every_directory_that_is_searched_is_listed() {
    let space = tempfile::tempdir().unwrap();
    let root = space.path();
    fs::create_dir_all(root.join("m/sub")).unwrap();
    for name in ["m/1.sql", "m/2.txt", "m/sub/3.sql"] {
        fs::write(root.join(name), "").unwrap();
    }
    std::os::unix::fs::symlink(root, root.join("m/round")).unwrap();
    assert_eq!(asked(root, "m/1.sql"), ["file m/1.sql"]);
    assert_eq!(asked(root, "not/there"), ["file not/there"]);
    assert_eq!(asked(root, "m/sub/../*.sql"), ["file m/1.sql", "list m"]);
    assert_eq!(asked(root, "m/**/*.sql"), ["file m/1.sql", "file m/sub/3.sql", "list m", "list m/sub"]);
    let whole = asked(root, "m");
    assert_eq!(asked(root, "m/**"), whole);
    assert_eq!(
        whole,
        [
            "file m",
            "file m/1.sql",
            "file m/2.txt",
            "file m/round",
            "file m/sub",
            "file m/sub/3.sql",
            "list m",
            "list m/sub"
        ]
    );
}
