use super::*;

#[test]
fn an_old_line_and_a_newer_one_are_both_read() {
    let old = r#"{"at_ms":1,"outcome":"hit","name":"a","kind":"lib","took_us":1,"compile_ms":2}"#;
    let event: Event = serde_json::from_str(old).unwrap();
    assert_eq!((event.name.as_str(), event.parent, event.cause.as_str()), ("a", 0, ""));
    let newer = r#"{"at_ms":1,"outcome":"miss","name":"a","kind":"lib","took_us":1,"compile_ms":2,"moon":[{"full":1}]}"#;
    assert_eq!(serde_json::from_str::<Event>(newer).unwrap().outcome, Outcome::Miss);
    // An outcome that is not known here is no event, rather than another one.
    assert!(serde_json::from_str::<Event>(&newer.replace("\"miss\"", "\"borrowed\"")).is_err());
}
