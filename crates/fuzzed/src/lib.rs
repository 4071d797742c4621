//! What every fuzz target does with its bytes. libFuzzer calls these in `fuzz/fuzz_targets`; `tests/mutated.rs` calls them for the seeds
//! and for mutations of these in every test run.

use kiln_action::os::OsStringExt;
use kiln_action::wire::{Reader, seal};
use kiln_action::{ActionKey, ActionResult, SnapshotKey, WeakKey, shape};
use kiln_compiler::gcc::depfile;
use kiln_compiler::rustc::depinfo;
use kiln_prefill::snapshot::Snapshot;
use kiln_protocol::message::{self, Incoming};
use kiln_protocol::{Hello, Message, Pushed, Resolve, Resolved, Status, Workspace};
use std::cell::Cell;
use std::ffi::OsString;
use std::path::Path;

/// Any command line of rustc, one argument a line: reading it never panics.
pub fn rustc_argv(bytes: &[u8]) {
    argv("rustc", bytes);
}

/// The same of a C compiler.
pub fn gcc_argv(bytes: &[u8]) {
    argv("gcc", bytes);
    argv("clang", bytes);
    argv("clang-cl", bytes);
}

fn argv(compiler: &str, bytes: &[u8]) {
    let args: Vec<OsString> =
        bytes.split(|&b| b == b'\n').map(|word| OsString::from_vec(word.to_vec())).collect();
    let first = args.get(1).map(OsString::as_os_str);
    let Some(recognised) = kiln_compiler::recognise(compiler.as_ref(), first) else { return };
    let read = Cell::new(0); // a file that names itself is read some thousand times, which is slow and tells nothing more
    let is_read = |path: &Path| path.ends_with("r") && read.replace(read.get() + 1) < 4;
    let remap = kiln_compiler::Remap { work: "/w".into(), target: Some("/w/target".into()) };
    let context = kiln_compiler::Context {
        args: &args,
        directory: Path::new("/w"),
        response: &|path| is_read(path).then(|| bytes.to_vec()),
        remap: Some(&remap),
        base: recognised.subject.is_c().then_some(Path::new("/w")),
        getenv: &|_| None,
    };
    let _ = kiln_compiler::parse(&recognised, &context);
}

/// Any dep-info: reading and rewriting it never panics, and what is rewritten reads the same paths.
pub fn rustc_depinfo(bytes: &[u8]) {
    let before = depinfo::parse(bytes);
    let after = depinfo::parse(&depinfo::with_environment(bytes, &|name| Some(name.to_vec())));
    assert_eq!(before.map(|info| info.inputs), after.map(|info| info.inputs));
}

/// Any rules for make: reading them never panics, and what they name is in them.
pub fn gcc_depfile(bytes: &[u8]) {
    let named: usize = depfile::prerequisites(bytes).iter().flatten().map(Vec::len).sum();
    assert!(named <= bytes.len());
}

/// The body of any result, in both formats, sealed as it should be: reading it never panics, and what is read is written as it was.
pub fn result(bytes: &[u8]) {
    let Ok(key) = ActionKey::read(&mut Reader(&[1; 32])) else { return };
    for version in [2, 3] {
        let file = seal(*b"KRES", version, key.name(), bytes);
        if let Ok(result) = ActionResult::decode(&key, &file) {
            assert_eq!(ActionResult::decode(&key, &result.encode(&key)), Ok(result));
        }
    }
}

/// The same of a list of Shapes.
pub fn shapes(bytes: &[u8]) {
    let weak = WeakKey::NO_COMPILE;
    if let Ok(shapes) = shape::decode_shapes(&weak, &seal(*b"KSHP", 2, weak.name(), bytes)) {
        let file = shape::encode_shapes(&weak, &shapes);
        assert_eq!(shape::decode_shapes(&weak, &file), Ok(shapes));
    }
}

/// The same of a build's snapshot.
pub fn snapshot(bytes: &[u8]) {
    let key = SnapshotKey::of(b"a build");
    if let Ok(snapshot) = Snapshot::decode(&key, &key.seal(bytes)) {
        let again = Snapshot::decode(&key, &snapshot.encode(&key));
        assert!(again.is_ok_and(|again| again.says_the_same(&snapshot)));
    }
}

/// Whatever a client or a daemon says, in frames: reading it never panics, takes no more memory than was sent, and ends.
pub fn frames(bytes: &[u8]) {
    let mut from = bytes;
    while let Ok((_, body)) = message::receive(&mut from) {
        let _ = (Hello::decode(&body), Resolve::decode(&body), Resolved::decode(&body));
        let _ = (Status::decode(&body), Pushed::decode(&body), Workspace::decode(&body));
    }
    let mut from = bytes;
    while let Ok(body) = Incoming::next(&mut from, 1 << 20).and_then(Incoming::body) {
        assert!(body.len() <= bytes.len());
    }
}
