//! What every fuzz target does with its bytes. libFuzzer calls these in `fuzz/fuzz_targets`; `tests/mutated.rs` calls them for the seeds
//! and for mutations of these in every test run. (Packs, indexes and segments of bundles are fuzzed by the tests of `kiln-remote`, in the
//! same way: nothing here needs a network.)

use kiln_action::baseline::Baseline;
use kiln_action::os::OsStringExt;
use kiln_action::wire::{Reader, seal};
use kiln_action::{ActionKey, ActionResult, SnapshotKey, WeakKey, shape};
use kiln_compiler::gcc::depfile;
use kiln_compiler::rustc::depinfo;
use kiln_config::layers::{self, Source};
use kiln_config::schema::ROWS;
use kiln_prefill::snapshot::Snapshot;
use kiln_protocol::message::{self, Incoming};
use kiln_protocol::{Hello, Message, Pushed, Resolve, Resolved, Status, Workspace};
use std::cell::Cell;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

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

/// The same of what earlier runs of a unit are kept as, and one more run makes it no longer than it may be.
pub fn baseline(bytes: &[u8]) {
    let name = [9; 32];
    if let Ok(mut baseline) = Baseline::decode(&name, &seal(*b"KUNI", 2, &name, bytes)) {
        assert_eq!(Baseline::decode(&name, &baseline.encode(&name)).as_ref(), Ok(&baseline));
        if let Some(run) = baseline.runs.last().cloned() {
            baseline.add(run);
            assert!(Baseline::decode(&name, &baseline.encode(&name)).is_ok());
        }
    }
}

/// Any configuration file: reading it never panics, complaints name lines that it has, and a project's file sets nothing that reaches
/// beyond the project.
pub fn config(bytes: &[u8]) {
    let lines = String::from_utf8_lossy(bytes).lines().count().max(1) + 1;
    for project in [false, true] {
        let read = layers::read(Path::new("/p/kiln.toml"), bytes, project);
        for complaint in &read.complaints {
            let line = complaint.place.strip_prefix("/p/kiln.toml:").and_then(|line| line.parse().ok());
            assert!(line.is_some_and(|line| (1..=lines).contains(&line)), "{complaint}");
        }
        for (row, source) in ROWS.iter().zip(&read.sources) {
            assert!(!project || row.project || *source == Source::Default, "{} was set", row.name);
            let _ = (row.show)(&read.settings);
        }
        let stays = |path: &PathBuf| {
            path.starts_with("/p") && path.components().all(|part| part != Component::ParentDir)
        };
        assert!(!project || read.settings.extra_inputs.iter().all(stays));
    }
}

/// Any log of a recorded run, as it is and as records behind a right head: reading it never panics, and what happened was done by a
/// process that was there.
#[cfg(unix)]
pub fn recorder_log(bytes: &[u8]) {
    let end = 64 + bytes.len() as u64;
    let fields = [u64::from_le_bytes(*b"KILNLOG1"), 64 << 20, end, 2, 0, 0, 0, 0];
    let head: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    for log in [bytes, &[&head, bytes].concat()] {
        let Ok(record) = kiln_recorder::read_log(log) else { continue };
        let processes = || (0u32..).zip(&record.processes);
        assert!(processes().all(|(at, process)| process.parent.map_or(at == 0, |parent| parent < at)));
        let searches = record.processes.iter().flat_map(|process| &process.searches);
        let copied: usize = searches.map(|(whose, search)| whose.as_os_str().len() + search.len()).sum();
        assert!(copied <= 2 * log.len(), "more than there is in the log");
        assert!(record.events.iter().all(|event| record.processes.get(event.process as usize).is_some()));
    }
}
