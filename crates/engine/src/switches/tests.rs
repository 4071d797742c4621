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
    assert_eq!(fields(&settings, Subject::Compile(Family::Gcc)), []);
    assert_eq!(questions(&settings, &Places::new()), Ok(BTreeSet::new()));
}

#[test]
fn the_salt_is_only_shown_as_a_digest() {
    let settings = Settings { salt: "secret".into(), ..Settings::default() };
    let shown = fields(&settings, Subject::Compile(Family::Rustc));
    assert_eq!(shown.len(), 1);
    assert!(!shown[0].value.to_string_lossy().contains("secret"));
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
    questions(&settings, &Places::new()).unwrap().into_iter().map(shown).collect()
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

/// What becomes of a project's pattern.
fn asked_by_a_project(root: &Path, pattern: &str) -> Result<usize, Reason> {
    let settings = Settings {
        extra_inputs: vec![root.join(pattern)],
        extra_inputs_within: Some(root.to_owned()),
        ..Settings::default()
    };
    questions(&settings, &Places::new()).map(|questions| questions.len())
}

#[test]
fn a_projects_patterns_do_not_follow_links_out_of_it() {
    let space = tempfile::tempdir().unwrap();
    let root = &space.path().join("project");
    fs::create_dir_all(root.join("m")).unwrap();
    fs::write(root.join("m/1.sql"), "").unwrap();
    fs::write(space.path().join("secret"), "").unwrap();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).unwrap();
    link("m/1.sql", "inside");
    for pattern in ["m", "m/*.sql", "inside", "**", "not/there"] {
        assert!(asked_by_a_project(root, pattern).is_ok(), "{pattern}");
    }
    link("/", "all");
    link("../../secret", "m/secret");
    for pattern in ["all", "all/etc", "all/**", "all/usr/*", "**", "m", "m/secret"] {
        let refused = asked_by_a_project(root, pattern);
        assert!(
            matches!(&refused, Err(Reason::Nondeterministic(why)) if why.contains("lead out of")),
            "{pattern}: {refused:?}"
        );
    }
}

/// A tree of so many files takes as long to look through as a compile, and has to be looked through for each of them.
#[test]
fn patterns_name_no_more_than_so_many_files_and_bytes() {
    for pattern in ["/", "/**", "/**/*", "/usr/**/**/**/x"] {
        let settings = Settings { extra_inputs: vec![pattern.into()], ..Settings::default() };
        let refused = questions(&settings, &Places::new());
        assert!(
            matches!(&refused, Err(Reason::Nondeterministic(why)) if why.contains("more than")),
            "{pattern}"
        );
    }
    let space = tempfile::tempdir().unwrap();
    let sparse = |name: &str| fs::File::create(space.path().join(name)).unwrap().set_len(3 << 30).unwrap();
    sparse("one");
    let settings = Settings { extra_inputs: vec![space.path().to_owned()], ..Settings::default() };
    assert!(questions(&settings, &Places::new()).is_ok());
    sparse("two");
    assert!(questions(&settings, &Places::new()).is_err());
}
