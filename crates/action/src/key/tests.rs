use super::*;
use crate::invocation::{Extern, Family, Field, Mode, OutputPlan, Subject, Unit};
use crate::place::{Place, Placed};
use std::path::Path;

fn invocation() -> Invocation {
    Invocation {
        subject: Subject::Compile(Family::Rustc),
        mode: Mode::Compile,
        unit: Unit::default(),
        compiler: "/tc/bin/rustc".into(),
        wrapper: None,
        target: None,
        fields: vec![Field { name: "cfg", value: "a".into(), path: false }],
        lazy: vec![],
        externs: vec![
            Extern { options: "".into(), name: "a".into(), path: Some("/t/libx.rmeta".into()) },
            Extern { options: "".into(), name: "b".into(), path: Some("/t/liby.rmeta".into()) },
        ],
        outputs: OutputPlan::default(),
        places: Places::new(),
        stdin: false,
        incremental: false,
        native: false,
        links: false,
        environment: &[],
        append: vec![],
        directory: "/w".into(),
        source: None,
        depfile: None,
        shows_directory: false,
    }
}

fn key(invocation: &Invocation) -> WeakKey {
    let toolchain = Digest::of(b"tc");
    KeyInputs { invocation, toolchain: &toolchain, stdin: None, environment: &[], settings: &[] }.weak_key()
}

#[test]
fn swapped_externs_have_another_key() {
    let mut swapped = invocation();
    swapped.externs[0].name = "b".into();
    swapped.externs[1].name = "a".into();
    assert_ne!(key(&swapped), key(&invocation()));
}

#[test]
fn the_directory_of_an_extern_does_not_count() {
    let mut elsewhere = invocation();
    elsewhere.externs[0].path = Some("/other/libx.rmeta".into());
    assert_eq!(key(&elsewhere), key(&invocation()));
}

#[test]
fn values_do_not_run_together() {
    let field = |value: &str| Field { name: "cfg", value: value.into(), path: false };
    let (mut one, mut two) = (invocation(), invocation());
    one.fields = vec![field("ab"), field("c")];
    two.fields = vec![field("a"), field("bc")];
    assert_ne!(key(&one), key(&two));
}

#[test]
fn only_remapped_places_are_cut_out() {
    let at = |work: &str, mapped: bool| {
        let mut it = invocation();
        it.directory = work.into();
        it.fields = vec![Field { name: "input", value: format!("{work}/src/lib.rs").into(), path: true }];
        it.places.add(Place::Out, Path::new(&format!("{work}/src")));
        if mapped {
            it.places.add(Place::Work, Path::new(work));
        }
        key(&it)
    };
    assert_ne!(at("/w1", false), at("/w2", false));
    assert_eq!(at("/w1", true), at("/w2", true));
}

#[test]
fn c_paths_below_the_project_count_by_place() {
    let at = |project: &str, family: Family, shows: bool, source: &str| {
        let mut it = invocation();
        it.subject = Subject::Compile(family);
        it.shows_directory = shows;
        it.directory = format!("{project}/build").into();
        it.fields = vec![
            Field { name: "I", value: format!("{project}/include").into(), path: true },
            Field { name: "input", value: source.into(), path: true },
        ];
        it.places.add(Place::Base, Path::new(project));
        it.places.add(Place::Out, Path::new(&format!("{project}/build")));
        key(&it)
    };
    for family in [Family::Gcc, Family::Clang] {
        assert_eq!(at("/w1", family, false, "../a.c"), at("/w2", family, false, "../a.c"));
        assert_ne!(at("/w1", family, false, "../a.c"), at("/w2", family, false, "../b.c"));
        assert_ne!(at("/w1", family, false, "/w1/a.c"), at("/w2", family, false, "/w1/a.c"));
        assert_eq!(at("/w1", family, false, "/w1/a.c"), at("/w2", family, false, "/w2/a.c"));
        assert_ne!(at("/w1", family, true, "../a.c"), at("/w2", family, true, "../a.c"));
    }
    assert_ne!(at("/w1", Family::Rustc, false, "../a.c"), at("/w2", Family::Rustc, false, "../a.c"));
}

#[test]
fn a_directory_that_is_shown_counts_unless_it_is_mapped() {
    let at = |work: &str, shows: bool| {
        let mut it = invocation();
        it.subject = Subject::Compile(Family::Gcc);
        it.shows_directory = shows;
        it.directory = format!("{work}/build").into();
        it.places.add(Place::Work, Path::new(work));
        it.places.add(Place::Base, Path::new(work));
        key(&it)
    };
    assert_eq!(at("/w1", false), at("/w2", false));
    assert_ne!(at("/w1", true), at("/w2", true), "what is shown is not what the setting maps");
}

#[test]
fn keys_of_rust_units_stay_as_they_are() {
    assert_eq!(
        digest::hex(&key(&invocation()).0),
        "4ce87c9f237e0d6ef03e2a895a6ad846b172324c5742fb4d7103aa68ebe79c68"
    );
}

#[test]
fn only_whole_components_of_a_value_are_a_place() {
    let at = |work: &str, value: &str| {
        let mut it = invocation();
        it.directory = "/".into();
        it.fields = vec![Field { name: "L", value: value.replace("$W", work).into(), path: true }];
        it.places.add(Place::Work, Path::new(work));
        key(&it)
    };
    for same in ["$W", "$W/", "$W/x", "native=$W", "native=$W/x:y", "=$W/linker"] {
        assert_eq!(at("/w1", same), at("/w2", same), "{same}");
    }
    for other in
        ["$W+x", "$W:x", "$W,x", "$W x", "native=$W+x", "native=$W:", "/x$W/y", "/x=$W/y", "x=$W/y", "a $W/y"]
    {
        assert_ne!(at("/w1", other), at("/w2", other), "{other}");
    }
    assert_ne!(at("/w", "$W"), at("/w", "native=$W"));
    assert_ne!(at("/w", "$W/x"), at("/w", "x"));
}

#[test]
fn every_answer_counts() {
    let question = Question::File(Placed::literal(Path::new("/a")));
    let weak = WeakKey([0; 32]);
    let one = ActionKey::new(&weak, [(&question, &Answer::Nothing)]);
    let two = ActionKey::new(&weak, [(&question, &Answer::Content(Digest::of(b"")))]);
    assert_ne!(one, two);
    assert_ne!(one, ActionKey::new(&WeakKey([1; 32]), [(&question, &Answer::Nothing)]));
}

#[test]
fn words_show_no_values_of_variables() {
    let toolchain = Digest::of(b"tc");
    let it = invocation();
    let secret = [("TOKEN", Some(OsStr::new("s3cret")))];
    let mut words = WordSink::new(b"salt");
    KeyInputs { invocation: &it, toolchain: &toolchain, stdin: None, environment: &secret, settings: &[] }
        .tell(&mut words);
    assert!(words.words.iter().any(|word| word.name == "TOKEN" && !word.value.is_empty()));
    assert!(!format!("{:?}", words.words).contains("s3cret"));
}

#[test]
fn mapped_paths_are_words_too() {
    let words_of = |mapped: bool| -> Vec<(String, String)> {
        let mut it = invocation();
        let field = |name, value: &str| Field { name, value: value.into(), path: true };
        it.fields = vec![field("input", "/w/src/lib.rs"), field("L", "native=/usr/lib")];
        if mapped {
            it.places.add(Place::Work, Path::new("/w"));
        }
        let (toolchain, mut sink) = (Digest::of(b"tc"), WordSink::new(b"salt"));
        KeyInputs { invocation: &it, toolchain: &toolchain, stdin: None, environment: &[], settings: &[] }
            .tell(&mut sink);
        let arguments = sink.words.into_iter().filter(|word| word.group == "arguments");
        arguments.map(|word| (word.name, word.value)).collect()
    };
    let expected = |directory: &str, input: &str| {
        [("directory", directory), ("input", input), ("L", "native=/usr/lib")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    assert_eq!(words_of(false), expected("/w", "/w/src/lib.rs"));
    assert_eq!(words_of(true), expected("<workspace>/", "<workspace>/src/lib.rs"));
}
