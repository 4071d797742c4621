//! The body of any list of Shapes. `cargo +nightly fuzz run shapes fuzz/seeds/shapes`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::shapes(bytes));
