use super::*;

#[test]
fn only_errors_in_the_source_are_answers() {
    let about = |text: &str| are_about_the_source(&[(Stream::Err, text.as_bytes().to_vec())]);
    assert!(about(
        "error[E0308]: mismatched types\n --> a.rs:1:1\n\nerror: aborting due to 1 previous error\n"
    ));
    assert!(about("error: expected one of `!`\n  --> <anon>:1:5\n"));
    for other in [
        "error: failed to write to `/x`: No space left on device (os error 28)\n",
        "error[E0308]: mismatched types\n --> a.rs:1:1\n\nerror: failed to write\n",
        "Killed\n",
        "",
    ] {
        assert!(!about(other), "{other:?}");
    }
}

#[test]
fn notices_differ_from_diagnostics_and_pieces_of_a_stream_are_joined() {
    let notice = br#"{"$message_type":"artifact","artifact":"/t/out/liba.rlib","emit":"link"}"#;
    assert!(is_notice(notice));
    assert!(!is_notice(br#"{"$message_type":"diagnostic","message":"/t/out"}"#));
    let output = [(Stream::Err, b"a".to_vec()), (Stream::Err, b"b".to_vec()), (Stream::Out, b"c".to_vec())];
    assert_eq!(by_stream(&output), [(Stream::Err, b"ab".to_vec()), (Stream::Out, b"c".to_vec())]);
}
