//! Any command line of rustc. `cargo +nightly fuzz run rustc_argv fuzz/seeds/rustc_argv`

#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code)]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::rustc_argv(bytes));
