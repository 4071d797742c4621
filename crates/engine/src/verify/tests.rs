use super::*;

fn words(list: &[&str]) -> Vec<OsString> {
    list.iter().map(OsString::from).collect()
}

#[test]
fn the_output_directory_is_another_one() {
    let out = Path::new("/private");
    let expected = words(&["a.rs", "--out-dir", "/private", "--last"]);
    for given in [&["--out-dir", "/o", "a.rs"][..], &["a.rs", "--out-dir=/o"], &["a.rs"]] {
        assert_eq!(moved(&words(given), &words(&["--last"]), out), expected);
    }
}

#[test]
fn a_denied_read_is_named_as_the_compiler_names_it() {
    let json = br#"{"message":"couldn't read `src/a.txt`: Permission denied (os error 13)","level":"error"}"#;
    assert_eq!(denied(json), Some("src/a.txt".into()));
    assert_eq!(
        denied(b"error: cannot: Permission denied"),
        Some("a file that is not among the recorded inputs".into())
    );
    assert_eq!(denied(b"error[E0425]: cannot find value"), None);
}

#[test]
fn what_was_not_asked_before_is_named() {
    let file = |path: &str| Question::File(Placed::literal(Path::new(path)));
    let (one, both) = (Shape::new(vec![file("/a")]), Shape::new(vec![file("/a"), file("/b")]));
    let invocation = crate::project::tests::built_in("/out", None);
    assert_eq!(unrecorded(&one, &both, &invocation), Some("/b".into()));
    assert_eq!(unrecorded(&both, &one, &invocation), None);
}

#[test]
fn a_sample_of_all_is_everything() {
    assert!((0..50).all(|n| is_chosen(&[n; 32], 100)));
    let some = (0..=255).filter(|n| is_chosen(&[*n; 32], 50)).count();
    assert!((60..200).contains(&some), "{some}");
}
