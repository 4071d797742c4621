use super::*;
use std::path::Path;

fn places(out: &str) -> Places {
    let mut places = Places::new();
    places.add(Place::Out, Path::new(out));
    places
}

#[test]
fn a_template_is_filled_in_elsewhere() {
    let here = places("/a b/deps");
    let there = places("/c/d e/deps");
    for (spelling, text, expected) in [
        (
            Spelling::Json,
            &br#"{"artifact":"/a b/deps/x.d"} /a b/depsy /x/a b/deps"#[..],
            &br#"{"artifact":"/c/d e/deps/x.d"} /a b/depsy /x/a b/deps"#[..],
        ),
        (Spelling::Make, br"/a\ b/deps/x.d: src/lib.rs", br"/c/d\ e/deps/x.d: src/lib.rs"),
        (Spelling::Plain, b"", b""),
    ] {
        let template = Template::cut(text, &here, &[spelling]);
        let mut wire = Writer::default();
        template.write(&mut wire);
        let read = Template::read(&mut Reader(&wire.0)).unwrap();
        assert_eq!(read, template);
        assert_eq!(read.fill(&here).unwrap(), text);
        assert_eq!(read.fill(&there).unwrap(), expected);
    }
}

#[test]
fn a_hole_without_a_place_is_not_filled() {
    let template = Template::cut(b"/out/x", &places("/out"), &[Spelling::Plain]);
    assert_eq!(template.fill(&Places::new()), None);
}

#[test]
fn dep_info_escapes_prerequisites_and_not_targets() {
    let text = br"/a b/deps/x.d: /a\ b/deps/gen.rs";
    let template = Template::cut(text, &places("/a b/deps"), &[Spelling::Make, Spelling::Plain]);
    assert_eq!(template.fill(&places("/c d")).unwrap(), br"/c d/x.d: /c\ d/gen.rs");
}

#[test]
fn a_directory_that_begins_like_a_place_is_another() {
    for text in [&b"/w+x/a.rs"[..], b"/w@x", b"/w~", b"/wx/a", b"x/w/a", b"/w=1", b"/w#"] {
        let template = Template::cut(text, &places("/w"), &[Spelling::Plain]);
        assert_eq!(template.fill(&places("/elsewhere")).unwrap(), text, "{}", text.escape_ascii());
        assert!(template.holds(b"/w"));
    }
    assert!(!Template::cut(b"/w/a.rs", &places("/w"), &[Spelling::Plain]).holds(b"/w"));
}

#[test]
fn colours_stand_before_paths() {
    let mut here = Places::new();
    here.add(Place::Base, Path::new("/one"));
    let mut there = Places::new();
    there.add(Place::Base, Path::new("/another"));
    for (text, expected) in [
        ("\u{1b}[01m\u{1b}[K/one/a.c:1", "\u{1b}[01m\u{1b}[K/another/a.c:1"),
        ("\u{1b}[1m/one/a.c:1", "\u{1b}[1m/another/a.c:1"),
        ("\u{1b}[0;1m/one/a.c", "\u{1b}[0;1m/another/a.c"),
        ("[1m/one/a.c item/one/a.c", "[1m/one/a.c item/one/a.c"),
    ] {
        let template = Template::cut(text.as_bytes(), &here, &[Spelling::Plain]);
        assert_eq!(template.fill(&there).as_deref(), Some(expected.as_bytes()), "{text:?}");
    }
}
