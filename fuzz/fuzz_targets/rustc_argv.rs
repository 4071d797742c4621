//! Any command line of rustc. `cargo +nightly fuzz run rustc_argv fuzz/seeds/rustc_argv`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::rustc_argv(bytes));
