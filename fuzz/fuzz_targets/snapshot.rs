//! The body of any snapshot of a build. `cargo +nightly fuzz run snapshot fuzz/seeds/snapshot`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::snapshot(bytes));
