//! Any rules for make. `cargo +nightly fuzz run gcc_depfile fuzz/seeds/gcc_depfile`

#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code)]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::gcc_depfile(bytes));
