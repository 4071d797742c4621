use super::*;
use kiln_action::ActionKey;

fn word(group: &str, name: &str, value: &str) -> Word {
    Word { group: group.into(), name: name.into(), value: value.into() }
}

fn literal(path: &str) -> Placed {
    Placed::literal(Path::new(path))
}

fn answered(question: Question, answer: Answered, details: &[&str]) -> AnsweredQuestion {
    AnsweredQuestion {
        question,
        answer,
        details: details.iter().map(|text| text.as_bytes().to_vec()).collect(),
    }
}

fn run(key: u8, words: &[Word], answers: Vec<AnsweredQuestion>) -> BaselineRun {
    let mut answers = answers;
    answers.sort_by(|one, other| one.question.cmp(&other.question));
    BaselineRun {
        at_ms: 0,
        compiler: "rustc 1.95.0 (a 2026-04-14)".into(),
        key: ActionKey::of_name([key; 32]),
        variant: [0; 8],
        words: words.to_vec(),
        answers,
    }
}

fn cause_of(old: Vec<BaselineRun>, new: &BaselineRun) -> Difference {
    let directory = b"/w".to_vec();
    of(
        &Baseline { unit: "a lib".into(), directory, project: "/w".into(), runs: old },
        new,
        &Removals::default(),
    )
}

const ONE: Answered = Answered::Content([1; 16]);
const TWO: Answered = Answered::Content([2; 16]);

fn between(question: &Question, before: (Answered, &[&str]), after: (Answered, &[&str])) -> String {
    let old = run(1, &[], vec![answered(question.clone(), before.0, before.1)]);
    let new = run(2, &[], vec![answered(question.clone(), after.0, after.1)]);
    cause_of(vec![old], &new).words
}

#[test]
fn every_kind_of_question_has_its_words() {
    let stat = |kind, mode, size| Answered::Stat { kind, mode, size, mtime_ns: size };
    let file = Question::File(literal("/w/src/lib.rs"));
    assert_eq!(between(&file, (ONE, &[]), (TWO, &[])), "src/lib.rs changed");
    assert_eq!(between(&file, (ONE, &[]), (Answered::Nothing, &[])), "src/lib.rs is gone");
    assert_eq!(between(&file, (Answered::Nothing, &[]), (ONE, &[])), "src/lib.rs appeared");
    let absent = Question::Absent(literal("/w/src/foo.rs"));
    assert_eq!(between(&absent, (Answered::Nothing, &[]), (Answered::Something, &[])), "src/foo.rs appeared");
    let library = Question::Library(b"libisl.so.23".to_vec());
    let found = between(&library, (Answered::Nothing, &[]), (ONE, &["/own/libisl.so.23"]));
    assert_eq!(found, "the library `libisl.so.23` is on LD_LIBRARY_PATH now: /own/libisl.so.23");
    let here = between(&Question::Here, (ONE, &[]), (TWO, &[]));
    assert!(here.starts_with("it stands in another directory"), "{here}");
    let kind = Question::Kind(literal("/elsewhere/tool"));
    assert_eq!(
        between(&kind, (stat(0, 0o644, 1), &[]), (stat(0, 0o755, 1), &[])),
        "/elsewhere/tool has other permissions: 755 (was 644)"
    );
    assert_eq!(
        between(&kind, (stat(0, 0o644, 1), &[]), (stat(1, 0o755, 0), &[])),
        "/elsewhere/tool is a directory now"
    );
    assert_eq!(between(&kind, (stat(0, 0o644, 1), &[]), (stat(0, 0o644, 2), &[])), "/elsewhere/tool changed");
    let real = Question::Real(literal("/w/link"));
    assert_eq!(between(&real, (ONE, &[]), (TWO, &[])), "link leads elsewhere now");
    let listing = Question::Listing(literal("/w/migrations"));
    assert_eq!(between(&listing, (ONE, &["0006"]), (TWO, &["0006", "0007"])), "migrations/ lists 0007 now");
    assert_eq!(
        between(&listing, (ONE, &["a", "b", "c"]), (TWO, &[])),
        "migrations/ does not list a, b and 1 more any more"
    );
    assert_eq!(between(&listing, (ONE, &["a"]), (TWO, &["b"])), "migrations/ lists b now, and not a");
    let variable = Question::Env(b"DATABASE_URL".to_vec());
    assert_eq!(between(&variable, (ONE, &[]), (Answered::Nothing, &[])), "DATABASE_URL was unset");
    assert_eq!(between(&variable, (Answered::Nothing, &[]), (ONE, &[])), "DATABASE_URL was set");
    assert_eq!(between(&variable, (ONE, &[]), (TWO, &[])), "DATABASE_URL changed");
    let program = Question::Program(b"protoc".to_vec());
    assert_eq!(
        between(&program, (ONE, &["/a/protoc"]), (TWO, &["/b/protoc"])),
        "the program `protoc` on PATH is another one: /b/protoc (was /a/protoc)"
    );
    let width = Question::Arg(b"diagnostic-width".to_vec());
    assert_eq!(
        between(&width, (ONE, &["80"]), (TWO, &["120"])),
        "the terminal's width changed: 120 (was 80)"
    );
    assert_eq!(
        between(&Question::Argv, (ONE, &["a"]), (TWO, &["a", "--cfg=b"])),
        "the command line differs: --cfg=b"
    );
    assert_eq!(
        between(&Question::Environ, (ONE, &["A\0one", "B\0one"]), (TWO, &["A\0two", "C\0one"])),
        "a macro reads the whole environment, and A changed, B was unset and 1 more"
    );
}

#[test]
fn arguments_the_compiler_and_dependencies_have_their_words() {
    let cause = |old: &[Word], new: &[Word]| {
        let found = cause_of(vec![run(1, old, Vec::new())], &run(2, new, Vec::new()));
        (found.words, found.follows)
    };
    let alone = |text: &str| (text.to_owned(), String::new());
    let cfg = word("arguments", "cfg", "feature=\"x\"");
    let metadata = |value| word("arguments", "C.metadata", value);
    assert_eq!(
        cause(&[metadata("1")], &[cfg.clone(), metadata("2")]),
        alone("an argument differs: --cfg feature=\"x\"")
    );
    assert_eq!(cause(&[cfg], &[]), alone("an argument is gone: --cfg feature=\"x\""));
    let level = |value| word("arguments", "C.opt-level", value);
    assert_eq!(cause(&[level("0")], &[level("3")]), alone("an argument differs: -C opt-level=3 (was 0)"));
    let variable = |value| word("environment", "RUSTC_BOOTSTRAP", value);
    assert_eq!(cause(&[variable("")], &[variable("aa")]), alone("RUSTC_BOOTSTRAP was set"));
    let serde = |value| word("externs", "serde", value);
    assert_eq!(
        cause(
            &[serde("libserde-0123456789abcdef.rmeta"), metadata("1")],
            &[serde("libserde-1123456789abcdef.rmeta"), metadata("2")]
        ),
        ("the dependency serde is another build of it".into(), "serde-1123456789abcdef".into())
    );
    let compiler = |value| word("toolchain", "digest", value);
    assert_eq!(
        cause(&[compiler("1")], &[compiler("2")]),
        alone("the compiler changed: other files of the same version (rustc 1.95.0)")
    );
    let mut newer = run(2, &[compiler("2")], Vec::new());
    newer.compiler = "rustc 1.96.0 (b 2026-06-01)".into();
    assert_eq!(
        cause_of(vec![run(1, &[compiler("1")], Vec::new())], &newer).words,
        "the compiler changed: rustc 1.95.0 -> rustc 1.96.0"
    );
}

#[test]
fn what_was_done_comes_before_what_follows_from_it() {
    let dependency =
        Question::File(Placed { place: Place::Deps(0), path: b"libleaf-0123456789abcdef.rmeta".to_vec() });
    let source = Question::File(literal("/w/src/lib.rs"));
    let both = |answer: &Answered| {
        vec![answered(dependency.clone(), answer.clone(), &[]), answered(source.clone(), answer.clone(), &[])]
    };
    let found = differences(&run(1, &[], both(&ONE)), &run(2, &[], both(&TWO)), Path::new("/w"));
    let words: Vec<&str> = found.iter().map(|difference| difference.words.as_str()).collect();
    assert_eq!(words, ["src/lib.rs changed", "the dependency leaf changed"]);
    assert_eq!(found[1].follows, "leaf-0123456789abcdef");
}

#[test]
fn options_of_c_compilers_are_shown_as_they_are_typed() {
    let cause = |name: &str, value: &str| {
        let old = run(1, &[], Vec::new());
        cause_of(vec![old], &run(2, &[word("arguments", name, value)], Vec::new())).words
    };
    assert_eq!(cause("-D", "NDEBUG"), "an argument differs: -DNDEBUG");
    assert_eq!(cause("-fuse-ld=", "mold"), "an argument differs: -fuse-ld=mold");
    assert_eq!(cause("-include", "a.h"), "an argument differs: -include a.h");
    assert_eq!(cause("-c", ""), "an argument differs: -c");
    assert_eq!(cause("-f", "-fPIC"), "an argument differs: -fPIC");
    assert_eq!(cause("-O", "-O2"), "an argument differs: -O2");
}

#[test]
fn a_switched_setting_comes_first_and_an_older_kiln_did_not_tell() {
    let remap = |value| word("settings", "remap", value);
    let directory = |value| word("arguments", "directory", value);
    let cause =
        |old: &[Word], new: &[Word]| cause_of(vec![run(1, old, Vec::new())], &run(2, new, Vec::new())).words;
    assert_eq!(
        cause(&[directory("/w"), remap("off")], &[directory("<workspace>/"), remap("on")]),
        "the setting remap is on now"
    );
    assert_eq!(
        cause(&[directory("/w")], &[directory("/x"), remap("off")]),
        "it is compiled in another directory: /x (was /w)"
    );
    assert_eq!(
        cause(&[directory("/w")], &[directory("/w"), remap("off")]),
        "it looks at less than before now"
    );
    assert_eq!(cause(&[word("settings", "salt", "ab")], &[]), "the setting salt is unset, or names one less");
}

#[test]
fn an_argument_that_makes_the_directory_count_comes_before_the_directory() {
    let directory = |value| word("arguments", "directory", value);
    let debug = word("arguments", "-g", "");
    let cause =
        |old: &[Word], new: &[Word]| cause_of(vec![run(1, old, Vec::new())], &run(2, new, Vec::new())).words;
    let (anywhere, here) = ([directory("<project>/")], [directory("/w"), debug.clone()]);
    assert_eq!(cause(&anywhere, &here), "an argument differs: -g");
    assert_eq!(cause(&here, &anywhere), "an argument is gone: -g");
    assert_eq!(cause(&here, &[directory("/x"), debug]), "it is compiled in another directory: /x (was /w)");
    assert_eq!(
        cause(&anywhere, &[directory("/w")]),
        "it is compiled in another directory: /w (was <project>/)"
    );
}

#[test]
fn the_nearest_run_counts() {
    let answers = |a: &Answered, b: &Answered| {
        vec![
            answered(Question::File(literal("/w/a")), a.clone(), &[]),
            answered(Question::File(literal("/w/b")), b.clone(), &[]),
        ]
    };
    let far = run(1, &[], answers(&TWO, &TWO));
    let near = run(2, &[], answers(&ONE, &TWO));
    let now = run(3, &[], answers(&ONE, &ONE));
    assert_eq!(cause_of(vec![far, near], &now).words, "b changed");
    assert_eq!(cause_of(Vec::new(), &now).words, "never seen here");
    assert_eq!(cause_of(vec![now.clone()], &now).words, "its result is no longer in the cache");
    let more = run(4, &[], vec![answered(Question::File(literal("/w/c")), ONE, &[])]);
    assert_eq!(cause_of(vec![now], &more).words, "it looks at c now");
}

#[test]
fn what_removed_a_result_since_it_was_kept() {
    const DAY: u64 = 86_400_000;
    let now = run(1, &[], Vec::new());
    let kept = BaselineRun { at_ms: 20_000 * DAY, ..now.clone() };
    let answered = |runs: Vec<BaselineRun>, everything_ms, cleared_ms, evicted_ms| {
        let earlier = Baseline { runs, ..Baseline::default() };
        of(&earlier, &now, &Removals { everything_ms, cleared_ms, evicted_ms }).words
    };
    let gone = |cleared, evicted| answered(vec![kept.clone()], 0, cleared, evicted);
    let (before, since) = (19_999 * DAY, 20_000 * DAY + 1);
    assert_eq!(gone(before, before), "its result is no longer in the cache");
    assert_eq!(gone(since, before), "its result is no longer in the cache: `kiln clear` ran on 2024-10-04");
    assert_eq!(gone(before, since), "its result was evicted for age or room (`max-age`, `max-size`)");
    assert!(gone(since, since).contains("ran on 2024-10-04, or it was evicted for age or room"));
    assert_eq!(answered(Vec::new(), 0, since, since), "never seen here");
    assert_eq!(
        answered(Vec::new(), since, since, 0),
        "never seen here since the cache was cleared on 2024-10-04"
    );
}

#[test]
fn of_a_build_script_the_program_changed_and_not_the_compiler() {
    let compiler = |value| word("toolchain", "digest", value);
    let script = Baseline {
        unit: "zlib build-script-run".into(),
        runs: vec![run(1, &[compiler("1")], Vec::new())],
        ..Baseline::default()
    };
    let found = of(&script, &run(2, &[compiler("2")], Vec::new()), &Removals::default());
    assert_eq!(
        (found.words.as_str(), found.follows.as_str()),
        ("the build script's program changed", ITS_PROGRAM)
    );
    let environ = |value: &[u8]| {
        vec![AnsweredQuestion {
            details: vec![value.to_vec()],
            ..answered(Question::Environ, if value == b"A\0one" { ONE } else { TWO }, &[])
        }]
    };
    let script = Baseline { runs: vec![run(1, &[], environ(b"A\0one"))], ..script };
    let found = of(&script, &run(2, &[], environ(b"A\0two")), &Removals::default());
    assert_eq!(found.words, "the build script reads the whole environment, and A changed");
}

#[test]
fn a_compiler_called_by_another_name_is_no_other_compiler() {
    let program = |name| word("arguments", "program", name);
    let found = cause_of(vec![run(1, &[program("gcc")], Vec::new())], &run(2, &[program("cc")], Vec::new()));
    assert_eq!(found.words, "the compiler is called `cc` now (was `gcc`)");
}

#[test]
fn what_a_build_script_made_follows_from_its_run() {
    let made = |path: &str| {
        let question = Question::File(literal(path));
        let [old, new] = [ONE, TWO].map(|answer| vec![answered(question.clone(), answer, &[])]);
        differences(&run(1, &[], old), &run(2, &[], new), Path::new("/w")).remove(0)
    };
    let found = made("/w/target/debug/build/add-0123456789abcdef/out/libadd.a");
    assert_eq!((found.follows.as_str(), found.rank), ("add-0123456789abcdef", Rank::Dependency));
    assert_eq!(made("/w/target/debug/build/add/0123456789abcdef/out/b/x").follows, "add-0123456789abcdef");
    for other in ["/w/out/libadd.a", "/w/build/add-1/out/libadd.a", "/w/build/out/libadd.a"] {
        assert_eq!((made(other).follows.as_str(), made(other).rank), ("", Rank::File), "{other}");
    }
}
