//! `kiln-cli`: everything a person asks. The commands are in `lib.rs`, beside this file.
#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

use kiln_sys::process;

/// C's `main`, which glibc calls: what the caller makes of signals, std forgets before its own.
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    process::begin();
    end(kiln_commands::run())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() {
    process::begin_late();
    end(kiln_commands::run())
}

#[allow(clippy::disallowed_methods, reason = "main ends the process")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}
