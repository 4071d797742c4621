//! Any rules for make. `cargo +nightly fuzz run gcc_depfile fuzz/seeds/gcc_depfile`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::gcc_depfile(bytes));
