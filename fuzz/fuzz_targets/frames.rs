//! Whatever a client or a daemon says. `cargo +nightly fuzz run frames fuzz/seeds/frames`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::frames(bytes));
