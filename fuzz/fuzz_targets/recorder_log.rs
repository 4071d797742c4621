//! Any log of a recorded run. `cargo +nightly fuzz run recorder_log fuzz/seeds/recorder_log`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kiln_fuzzed::recorder_log(bytes));
