//! Any dep-info. `cargo +nightly fuzz run rustc_depinfo fuzz/seeds/rustc_depinfo`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::rustc_depinfo(bytes));
