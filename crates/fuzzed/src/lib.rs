//! What every fuzz target does with its bytes. libFuzzer calls these in `fuzz/fuzz_targets`; `tests/mutated.rs` calls them for the seeds
//! and for mutations of these in every test run.

use kiln_action::os::OsStringExt;
use kiln_compiler::gcc::depfile;
use kiln_compiler::rustc::depinfo;
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
