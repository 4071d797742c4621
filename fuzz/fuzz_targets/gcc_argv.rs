//! Any command line of gcc and clang. `cargo +nightly fuzz run gcc_argv fuzz/seeds/gcc_argv`

#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code)]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::gcc_argv(bytes));
