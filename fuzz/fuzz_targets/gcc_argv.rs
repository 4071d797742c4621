//! Any command line of gcc and clang. `cargo +nightly fuzz run gcc_argv fuzz/seeds/gcc_argv`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::gcc_argv(bytes));
