//! What a kiln of before left is read or left alone, never taken for something else: a cache, a queue of uploads, a remote store, the words
//! of a client and of a daemon, as `tests/fixtures/before/make.sh` made them with one; and with `KILN_BEFORE=/path/to/an/older/kiln`, builds
//! by both in turns.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use kiln_action::{ActionKey, ActionResult, SnapshotKey, WeakKey, digest, shape};
use kiln_protocol::message::{self, PROTOCOL, tag};
use kiln_protocol::{DaemonPlace, Hello, queue};
use kiln_store::{Key, LocalStore, Store};
use kiln_testkit::{TestSpace, run, tree};
use kiln_tests::projects::chain;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/before").join(name)
}

/// A space whose cache is the one of before.
fn space() -> TestSpace {
    let space = TestSpace::new();
    tree::copy(&fixture("cache"), space.cache());
    space
}

/// Builds a workspace twice from nothing; the second time nothing is compiled, and nobody is told of anything.
fn builds(space: &TestSpace) {
    let project = chain(space, "ws");
    for round in 0..2 {
        let before = space.stats().misses;
        let outcome = project.clean().cargo(&["build", "--workspace"]).ok();
        assert!(!outcome.err().contains("kiln:"), "{outcome}");
        assert_eq!(project.prints("debug/app"), "4\n");
        assert_eq!(space.stats().misses == before, round == 1, "{round}: {outcome}");
    }
}

fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = tree::files(directory).into_iter();
    files.map(|path| (path.clone(), fs::read(directory.join(path)).unwrap())).collect()
}

/// Each record of it is what its name says, or is not there.
#[test]
fn a_cache_of_before_is_read_or_ignored() {
    let space = space();
    let store = LocalStore::open(space.cache()).unwrap();
    let mut names = 0;
    for path in tree::files(&space.cache().join("v1")) {
        let Some(name) = path.file_name().and_then(|name| digest::unhex(name.to_str()?)) else { continue };
        names += 1;
        let get = |key| store.get(&[key]).pop().unwrap();
        if path.starts_with("results") {
            let key = ActionKey::of_name(name);
            let result = get(Key::Result(key));
            assert!(
                result.is_none_or(|file| ActionResult::decode(&key, &file).is_ok()),
                "{}",
                path.display()
            );
        } else if path.starts_with("shapes") {
            let weak = WeakKey::of_name(name);
            let shapes = get(Key::Shapes(weak));
            assert!(
                shapes.is_none_or(|file| shape::decode_shapes(&weak, &file).is_ok()),
                "{}",
                path.display()
            );
        } else if path.starts_with("snapshots") {
            let key = SnapshotKey::of_name(name);
            assert!(
                get(Key::Snapshot(key)).is_none_or(|file| key.unseal(&file).is_ok()),
                "{}",
                path.display()
            );
        }
    }
    assert!(names > 10, "the fixture is there");
    builds(&space);
    let _ = run(&mut space.kiln(&["verify", "--repair"])); // what cannot be read counts as damaged
    for command in [&["stats"][..], &["explain", "--all"], &["gc"], &["verify"]] {
        run(&mut space.kiln(command)).ok();
    }
}

/// Nothing is uploaded that is not what it was, and what cannot be is counted.
#[test]
fn a_queue_of_before_is_read_or_counted() {
    let space = space();
    let directory = space.cache().join("remote/queue");
    let hello = Hello {
        urls: vec!["file:///nowhere/at/all".into()],
        namespaces: vec!["main".into()],
        ..Hello::default()
    };
    assert_eq!(queue::count(&directory, &hello.stores()), 1, "the same stores have the same name");
    let (waiting, dropped) = queue::waiting(&directory, &hello.stores());
    assert_eq!(waiting.len() + dropped, 1);
    assert_eq!(queue::count(&directory, &hello.stores()), waiting.len());
}

#[test]
fn a_remote_of_before_is_left_alone() {
    let mut space = TestSpace::new();
    let share = space.path("share");
    tree::copy(&fixture("share"), &share);
    let before = contents(&share);
    assert!(before.len() > 5, "the fixture is there");
    space.set_env("KILN_REMOTE", format!("file://{}", share.display()));
    builds(&space);
    run(&mut space.kiln(&["daemon", "wait", "--for", "60s"])).ok();
    let verified = run(&mut space.kiln(&["verify", "--remote"])).ok();
    let _ = run(&mut space.kiln(&["daemon", "stop"]));
    assert!(verified.out().contains("0 damaged"), "{verified}");
    let after = contents(&share);
    assert!(after.len() > before.len(), "nothing was uploaded");
    assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)));
}

/// Each understands of the other which protocol it speaks, and no more: a daemon goes on, and a client asks an older one to go.
#[test]
fn client_and_daemon_of_before_are_understood() {
    let mut space = space();
    space.set_env("KILN_REMOTE", format!("file://{}", space.path("").display()));
    run(&mut space.kiln(&["daemon", "start"])).ok();
    for _ in 0..2 {
        let mut stream = DaemonPlace::new(space.cache()).connect().unwrap();
        stream.write_all(&fs::read(fixture("client")).unwrap()).unwrap();
        let (answer, body) = message::receive(&mut stream).unwrap();
        assert_eq!((answer, &body[..4]), (tag::TEXT, &PROTOCOL.to_le_bytes()[..]));
        let next = message::receive(&mut stream);
        assert!(next.is_err() || next.is_ok_and(|(tag, _)| tag == tag::REFUSED));
    }
    run(&mut space.kiln(&["daemon", "status"])).ok();
    let _ = run(&mut space.kiln(&["daemon", "stop"]));
    let (answer, body) = message::receive(&mut fs::read(fixture("daemon")).unwrap().as_slice()).unwrap();
    assert_eq!(answer, tag::TEXT);
    assert!(u32::from_le_bytes(body[..4].try_into().unwrap()) < PROTOCOL);
}

/// One cache, one remote store and one daemon, used by both in turns, with an edit before each.
#[test]
fn both_at_once() {
    let Some(older) = std::env::var_os("KILN_BEFORE") else { return };
    let older = fs::canonicalize(&older).unwrap();
    let mut space = TestSpace::new();
    let share = space.path("share");
    fs::create_dir_all(&share).unwrap();
    space.set_env("KILN_REMOTE", format!("file://{}", share.display()));
    let project = chain(&space, "ws");
    for turn in 0..6 {
        let value = format!("pub fn value() -> i32 {{ 3 + {turn} - {turn} }}\n");
        project.write("base/src/lib.rs", value);
        for by in [None, Some(&older), None] {
            let mut cargo = project.clean().cargo(&["build", "--workspace"]);
            if let Some(older) = by {
                cargo = cargo.env("RUSTC_WRAPPER", older);
            }
            cargo.ok();
            assert_eq!(project.prints("debug/app"), "4\n", "{turn}: {by:?}");
        }
    }
    run(&mut space.kiln(&["daemon", "wait", "--for", "60s"])).ok();
    let _ = run(&mut space.kiln(&["verify", "--repair"])); // what only the other can read counts as damaged
    run(&mut space.kiln(&["verify"])).ok();
    let _ = run(&mut space.kiln(&["daemon", "stop"]));
    let _ = run(space.command(&older).env("KILN_DIR", space.cache()).args(["daemon", "stop"]));
    // And a machine that has nothing yet, by each.
    for (number, by) in [None, Some(&older)].into_iter().enumerate() {
        space.set_cache(space.path(format!("another-{number}")));
        let project = space.project("ws");
        let mut cargo = project.clean().cargo(&["build", "--workspace"]);
        if let Some(older) = by {
            cargo = cargo.env("RUSTC_WRAPPER", older);
        }
        cargo.ok();
        assert_eq!(project.prints("debug/app"), "4\n");
        let _ = run(&mut space.kiln(&["daemon", "stop"]));
        let _ = run(space.command(&older).env("KILN_DIR", space.cache()).args(["daemon", "stop"]));
    }
}
