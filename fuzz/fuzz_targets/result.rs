//! The body of any result. `cargo +nightly fuzz run result fuzz/seeds/result`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::result(bytes));
