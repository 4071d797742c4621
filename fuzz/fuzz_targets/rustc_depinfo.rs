//! Any dep-info. `cargo +nightly fuzz run rustc_depinfo fuzz/seeds/rustc_depinfo`

#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code)]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::rustc_depinfo(bytes));
