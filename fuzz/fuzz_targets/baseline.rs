//! The body of any baseline. `cargo +nightly fuzz run baseline fuzz/seeds/baseline`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::baseline(bytes));
