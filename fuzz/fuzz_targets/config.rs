//! Any configuration file. `cargo +nightly fuzz run config fuzz/seeds/config`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::config(bytes));
