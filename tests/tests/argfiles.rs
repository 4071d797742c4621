//! Arguments in a file: its words count and not its name, which is another each time where cargo makes it.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves, and say what they skip; nothing here runs in kiln"
)]

use std::fs;
use std::process::Command;

use kiln_testkit::{Project, TestSpace, Toolchain, run, tree};

const SOURCE: &str =
    "pub fn which() -> &'static str {\n    if cfg!(feature = \"a b\") { \"it\" } else { \"not it\" }\n}\n";
const WORDS: &str = "--crate-name=x\n--crate-type=lib\n--edition=2021\n--emit=dep-info,metadata,link\n--error-format=json\n--out-dir\nout\nx.rs\n";

fn library(space: &TestSpace) -> Project<'_> {
    let project = space.project("w");
    project.write("x.rs", SOURCE);
    project
}

/// rustc makes no directory for its outputs where it writes dep-info.
fn empty(project: &Project<'_>) {
    let _ = fs::remove_dir_all(project.path("out"));
    fs::create_dir(project.path("out")).unwrap();
}

/// Compiles by kiln what `plain` compiles without it, and tells whether that was a hit.
#[track_caller]
fn same(project: &Project<'_>, mut plain: Command, mut ours: Command) -> bool {
    let made = |command: &mut Command| {
        empty(project);
        let outcome = run(command);
        (outcome.status.code(), outcome.out(), outcome.err(), tree::outputs(&project.path("out")))
    };
    let expected = made(&mut plain);
    assert_eq!(expected.0, Some(0), "{expected:?}");
    let before = project.space().stats();
    let got = made(&mut ours);
    assert_eq!(got, expected, "left: through kiln, right: rustc itself");
    let since = project.space().since(&before);
    assert_eq!(since.hits + since.misses, 1, "{since:?}");
    since.hits == 1
}

#[test]
fn the_words_count_and_not_the_name() {
    let space = TestSpace::new();
    let project = library(&space);
    let is_hit = |name: &str, words: &str| {
        project.write(name, words);
        let args = [format!("@{name}")];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        same(&project, project.plain_rustc(&args), project.rustc(&args))
    };
    let with = format!("{WORDS}--cfg\r\nfeature=\"a b\"\n");
    assert!(!is_hit("one", WORDS));
    assert!(is_hit("one", WORDS));
    assert!(is_hit("two", WORDS));
    assert!(is_hit(&project.path("three").display().to_string(), WORDS));
    assert!(!is_hit("two", &with));
    assert!(is_hit("four", &with));
    assert!(is_hit("four", WORDS));
    let words: Vec<&str> = WORDS.lines().collect();
    assert!(same(&project, project.plain_rustc(&words), project.rustc(&words)), "the same in no file");
}

/// clippy-driver looks at what stands on the command line before it reads the file.
#[test]
fn behind_clippy() {
    let space = TestSpace::new();
    let project = library(&space);
    let clippy = Toolchain::rustc().with_file_name("clippy-driver");
    if !clippy.exists() {
        eprintln!("SKIPPED: no clippy-driver here");
        return;
    }
    project.write("x.rs", "pub fn f(v: &Vec<u8>) -> bool {\n    v.len() == 0\n}\n");
    let is_hit = |args: &[&str]| {
        let mut plain = space.command(&clippy);
        plain.arg(Toolchain::rustc()).args(args).current_dir(project.dir());
        let mut ours = space.kiln(&[]);
        ours.arg(&clippy).arg(Toolchain::rustc()).args(args).current_dir(project.dir());
        same(&project, plain, ours)
    };
    for name in ["one", "two"] {
        project.write(name, WORDS).write(format!("{name}.cap"), "--cap-lints\nallow\n");
    }
    assert!(!is_hit(&["@one"]));
    assert!(is_hit(&["@two"]));
    assert!(!is_hit(&["@one", "--cap-lints", "allow"]));
    assert!(is_hit(&["@two", "--cap-lints", "allow"]));
    assert!(!is_hit(&["@one", "@one.cap"]), "in a file it is not seen by clippy-driver itself");
    assert!(is_hit(&["@two", "@two.cap"]));
}

/// Whoever stands in front of rustc and is not known may do anything with the file's name.
#[test]
fn behind_a_wrapper_that_is_not_known() {
    let space = TestSpace::new();
    let project = library(&space);
    let shell = "#!/bin/sh\nrustc=$1\nshift\nRUN=\"$*\" exec \"$rustc\" --cfg \"name=\\\"$*\\\"\" \"$@\"\n";
    for called in ["wrapper", "clippy-driver"] {
        let wrapper = space.script(format!("bin/{called}"), shell);
        for name in ["one", "two", "one"] {
            project.write(name, WORDS);
            project.write(
                "x.rs",
                "#[cfg(name = \"@one\")]\npub const ONE: u8 = 1;\n#[cfg(name = \"@two\")]\npub const TWO: u8 = 2;\n",
            );
            let mut plain = Command::new(&wrapper);
            let mut ours = space.kiln(&[]);
            ours.arg(&wrapper);
            let made = |command: &mut Command| {
                empty(&project);
                run(command.arg(Toolchain::rustc()).arg(format!("@{name}")).current_dir(project.dir())).ok();
                tree::outputs(&project.path("out"))
            };
            assert_eq!(made(&mut ours), made(&mut plain), "{called} {name}");
        }
        assert_eq!(space.stats().hits, 0, "{called}");
    }
}

/// What rustc does with them it does behind kiln, too: it ends, and nothing is kept.
#[test]
fn files_that_are_none() {
    let space = TestSpace::new();
    let project = library(&space);
    project.write("bad", [WORDS.as_bytes(), b"--cfg\n\xff\n"].concat());
    project.write("nested", format!("{WORDS}@inner\n")).write("inner", "--cfg\na\n");
    let long = format!("{WORDS}--cfg\nfeature=\"{}\"\n", "x".repeat(17 << 20));
    project.write("long", long);
    fs::create_dir(project.path("directory")).unwrap();
    empty(&project);
    for name in ["bad", "missing", "nested", "directory", "long"] {
        let args = [format!("@{name}")];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let plain = run(&mut project.plain_rustc(&args));
        let ours = run(&mut project.rustc(&args));
        assert_eq!((ours.status.code(), ours.err()), (plain.status.code(), plain.err()), "{name}");
    }
    let stats = space.stats();
    assert_eq!((stats.hits, stats.misses), (0, 0), "{stats:?}");
}

/// A pipe can be read once, and whoever writes into it notices who looks.
#[test]
fn a_pipe_is_left_to_the_compiler() {
    let space = TestSpace::new();
    let project = library(&space);
    run(Command::new("mkfifo").arg(project.path("pipe"))).ok();
    for _ in 0..2 {
        empty(&project);
        let pipe = project.path("pipe");
        let writer = std::thread::spawn(move || fs::write(pipe, WORDS));
        run(&mut project.rustc(&["@pipe"])).ok();
        writer.join().unwrap().unwrap();
        assert!(project.path("out/libx.rlib").exists());
    }
    assert_eq!(space.stats().hits, 0);
}

/// So many features that no command line is long enough for them.
fn many_features(project: &Project<'_>, on: usize) {
    let name = |n: usize| format!("feature-number-{n:05}-of-very-very-many-of-them");
    let all: String = (0..3500).map(|n| format!("{} = []\n", name(n))).collect();
    let default: Vec<String> = (0..on).map(name).collect();
    let manifest = kiln_tests::projects::manifest("app", "");
    project.write("Cargo.toml", format!("{manifest}\n[features]\ndefault = {default:?}\n{all}"));
    project.write("src/lib.rs", format!("pub const LAST: bool = cfg!(feature = {:?});\n", name(3499)));
    project.write("src/main.rs", "fn main() {\n    println!(\"{}\", app::LAST);\n}\n");
}

#[test]
fn more_features_than_a_command_line_holds() {
    let mut space = TestSpace::new();
    space.set_env("CARGO_INCREMENTAL", "0");
    let project = space.project("w");
    let cargo = |command: &mut Command| run(command.args(["build", "-v"]).current_dir(project.dir())).ok();
    for (on, prints, compiles) in
        [(3500, "true\n", true), (3500, "true\n", false), (3499, "false\n", true), (3500, "true\n", false)]
    {
        many_features(&project, on);
        project.clean();
        let before = space.stats();
        cargo(&mut project.cargo(&[]).command());
        let since = space.since(&before);
        assert_eq!(since.misses > 0, compiles, "{on}: {since:?}");
        assert_eq!(project.prints("debug/app"), prints);
        project.assert_fresh(&["build"]);
    }
    assert!(space.stats().hits >= 4);
    assert_eq!(space.stats().bypasses.len(), 0, "{:?}", space.stats());
    // And where a whole target is filled, or cargo asks for what is not.
    project.clean();
    cargo(&mut space.kiln(&["cargo"]));
    let misses = space.stats().misses;
    project.clean();
    cargo(&mut space.kiln(&["cargo"]));
    assert_eq!(space.stats().misses, misses);
    assert_eq!(project.prints("debug/app"), "true\n");
}
