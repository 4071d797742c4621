//! What is secret in the URL of a remote store is shown by no command, no warning and no file of kiln's; and a URL that cannot be
//! one is refused aloud.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files and processes themselves; nothing here runs in kiln"
)]

use kiln_testkit::{Outcome, TestSpace, run_with_input, tree};
use std::fs;

const SECRET: &str = "hunter2";

/// A secret in every place where one can stand. Nobody listens there.
const SHOWN: [&str; 10] = [
    "redis://:hunter2@127.0.0.1:1/0",
    "redis://hunter2@127.0.0.1:1/0",
    "rediss://hunter2:hunter2@127.0.0.1:1",
    "redis+sentinel://127.0.0.1:1?master=m&sentinel_password=hunter2",
    "redis://127.0.0.1:1#hunter2",
    "s3://hunter2:hunter2@bucket?region=auto&endpoint=http://127.0.0.1:1",
    "s3://bucket?region=auto&endpoint=http://user:hunter2@127.0.0.1:1",
    "s3://bucket?region=auto&endpoint=http%3A%2F%2Fhunter2%40127.0.0.1:1",
    "s3://bucket?region=auto&endpoint=http://127.0.0.1:1&access_key_id=hunter2&secret_access_key=hunter2",
    "s3://bucket?region=auto&endpoint=http://127.0.0.1:1&session_token=hunter2&access_key_id=a&secret_access_key=b",
];

/// Those that are none.
const REFUSED: [(&str, &str); 12] = [
    (
        "gs://user:hunter2@bucket?key=hunter2",
        "`gs://` is no kind of storage that kiln knows (file://, redis://",
    ),
    ("memcached://:hunter2@host", "`memcached://` is no kind of storage"),
    ("file://hunter2", "file:// takes an absolute path"),
    ("hunter2", "is a URL that begins with one of file://"),
    ("hunter2 hunter2://x", "is no kind of storage"),
    ("s3:// hunter2", "white space"),
    ("redis://127.0.0.1:1?unknown=hunter2", "`unknown` is no word of redis:// (prefix, expires, access)"),
    ("redis://127.0.0.1:1?hunter2", "a word of redis:// has a value"),
    ("redis://127.0.0.1:1?ca=hunter2", "`ca` is no word of redis://"),
    ("s3://bucket?region=auto&style=hunter2&endpoint=http://127.0.0.1:1", "style is one of: path, virtual"),
    ("s3://bucket?region=auto&access=hunter2", "access is one of: read-write, read-only"),
    ("file:///mnt/cache?prefix=hunter2", "`prefix` is no word of file:// (access)"),
];

#[track_caller]
fn keeps_quiet(outcome: &Outcome, shown: &str) {
    let all = format!("{}{}", outcome.out(), outcome.err());
    assert!(!all.contains(SECRET), "{shown}:\n{outcome}");
}

/// Nothing below the cache directory has it, and no other file that kiln writes.
#[track_caller]
fn is_in_no_file(space: &TestSpace, shown: &str) {
    for directory in [space.cache().to_owned(), space.path("log")] {
        for file in tree::files(&directory) {
            let content = fs::read(directory.join(&file)).unwrap_or_default();
            let found = content.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!found, "{shown}: {}", file.display());
        }
    }
}

struct Stopped(TestSpace);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kiln(&["daemon", "stop"]).output();
    }
}

#[test]
fn a_secret_in_a_url_is_shown_nowhere() {
    let mut space = Stopped(TestSpace::new());
    space.0.set_env("KILN_REMOTE", SHOWN.join(","));
    let log = space.0.write("log/kiln.log", "");
    space.0.set_env("KILN_LOG", format!("debug:{}", log.display()));
    let space = &space;
    let project = space.0.project("p");
    project.write("Cargo.toml", "[package]\nname = 'p'\nversion = '0.1.0'\nedition = '2024'\n");
    project
        .write("src/lib.rs", "pub fn p() {}\n")
        .write("Cargo.lock", "version = 4\n[[package]]\nname = 'p'\nversion = '0.1.0'\n");
    let commands: [&[&str]; 22] = [
        &["daemon", "start"],
        &["cargo", "build"],
        &["config", "list"],
        &["config", "list", "--json"],
        &["config", "get", "remote"],
        &["config", "get", "remote", "--json"],
        &["daemon", "status"],
        &["daemon", "status", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["stats"],
        &["stats", "--json"],
        &["explain"],
        &["explain", "--json"],
        &["prefetch"],
        &["prefetch", "--json"],
        &["push"],
        &["push", "--json"],
        &["verify", "--remote"],
        &["gc", "--remote"],
        &["daemon", "wait", "--for", "1s"],
        &["daemon", "stop"],
    ];
    for words in commands {
        let outcome = run_with_input(space.0.kiln(words).current_dir(project.dir()), b"");
        keeps_quiet(&outcome, &words.join(" "));
        if words.starts_with(&["config", "list"]) {
            assert!(outcome.out().contains("redis://***@127.0.0.1:1/0"), "it says where: {outcome}");
        }
    }
    is_in_no_file(&space.0, "after all");
}

#[test]
fn a_url_that_is_none_is_refused_aloud_and_without_its_secrets() {
    for (url, words) in REFUSED {
        let mut space = TestSpace::new();
        space.set_env("KILN_REMOTE", url);
        let source = space.write("p/a.c", "int a;\n");
        let compile = || {
            let mut command = space.kiln(&["gcc", "-c", "a.c", "-o", "a.o"]);
            run_with_input(command.current_dir(source.parent().unwrap()), b"")
        };
        let (first, second) = (compile(), compile());
        assert!(first.success() && second.success());
        keeps_quiet(&first, url);
        assert!(first.err().contains(words), "{url}: {first}");
        assert_eq!(second.err(), "", "{url}: once a build");
        let slow: &[&str] = if url.starts_with("gs:") { &["doctor"] } else { &["config", "list"] };
        for words_of in [slow, &["daemon", "start"], &["prefetch"], &["config", "set", "remote", url]] {
            let outcome = run_with_input(&mut space.kiln(words_of), b"");
            keeps_quiet(&outcome, &words_of.join(" "));
            assert!(!outcome.success() || words_of == slow, "{url} {words_of:?}: {outcome}");
            let shown = format!("{}{}", outcome.out(), outcome.err());
            assert!(shown.contains(words), "{url} {words_of:?}: {outcome}");
        }
        assert!(!space.cache().join("remote").exists(), "{url}: a daemon was started for nothing");
        is_in_no_file(&space, url);
    }
}
