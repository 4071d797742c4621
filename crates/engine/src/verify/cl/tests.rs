use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

#[test]
fn names_of_outputs_are_left_out() {
    for (line, expected, called) in [
        ("/c a.c", "/c a.c", None),
        ("/c /Foo/a.obj a.c", "/c a.c", Some("o/a.obj")),
        ("/c -Foo/ a.c", "/c a.c", Some("o/")),
        ("/c /o x.obj a.c", "/c a.c", Some("x.obj")),
        ("/c /O2 /FA /Fax.asm /I inc a.c", "/c /O2 /FA /I inc a.c", None),
        ("/c /clang:-MD /clang:-MFx.d a.c", "/c /clang:-MD a.c", None),
        ("/c /clang:-MD /clang:-MF /clang:x.d /clang:-O2 a.c", "/c /clang:-MD /clang:-O2 a.c", None),
        ("/c -- /Foo.c", "/c -- /Foo.c", None),
    ] {
        let kept = kept(&words(line)).unwrap();
        assert_eq!((kept.args, kept.called), (words(expected), called.map(OsString::from)), "{line}");
        assert!(!kept.has_target);
    }
    assert!(kept(&words("/c /clang:-MQ /clang:x a.c")).unwrap().has_target);
}
