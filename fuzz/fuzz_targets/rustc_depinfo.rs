//! Any dep-info: reading and rewriting it never panics, and what is rewritten reads the same paths.

#![no_main]

use kiln_compiler::rustc::depinfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let before = depinfo::parse(bytes);
    let after = depinfo::parse(&depinfo::with_environment(bytes, &|name| Some(name.to_vec())));
    assert_eq!(before.map(|info| info.inputs), after.map(|info| info.inputs));
});
