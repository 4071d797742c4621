//! Any argv: one argument a line. Reading it never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let args: Vec<OsString> =
        bytes.split(|&b| b == b'\n').map(|word| OsString::from_vec(word.to_vec())).collect();
    let first = args.get(1).map(OsString::as_os_str);
    let Some(recognised) = kiln_compiler::recognise("rustc".as_ref(), first) else { return };
    let remap = kiln_compiler::Remap { work: "/w".into(), target: Some("/w/target".into()) };
    let context = kiln_compiler::Context {
        args: &args,
        directory: Path::new("/w"),
        response: &|path| path.ends_with("r").then(|| bytes.to_vec()),
        remap: Some(&remap),
        base: None,
        getenv: &|_| None,
    };
    let _ = kiln_compiler::parse(&recognised, &context);
});
