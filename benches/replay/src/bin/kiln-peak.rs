//! Runs a command and prints its peak memory in KiB, then its exit code.
//!
//! A child's `ru_maxrss` begins at its parent's size at the time of `exec`, so the parent must be smaller than
//! what it measures: this program is nothing else than that small parent.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring tool beside kiln: it must not share the code it is compared with"
)]

use std::env;
use std::ffi::{OsString, c_int, c_long};
use std::io;
use std::process::{Command, ExitCode, Stdio};

/// `struct rusage` of Linux.
#[repr(C)]
#[derive(Default)]
struct ResourceUsage {
    times: [c_long; 4],
    peak_kib: c_long,
    others: [c_long; 13],
}

unsafe extern "C" {
    fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut ResourceUsage) -> c_int;
}

fn main() -> ExitCode {
    let argv: Vec<OsString> = env::args_os().skip(1).collect();
    match peak(&argv) {
        Ok((kib, status)) => {
            println!("{kib} {status}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kiln-peak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Peak resident KiB and exit code (the raw wait status where it did not exit) of one run.
fn peak(argv: &[OsString]) -> io::Result<(c_long, c_int)> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "usage: kiln-peak COMMAND [ARGUMENT…]"));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let pid = command.spawn()?.id().cast_signed();
    let (mut status, mut usage) = (0, ResourceUsage::default());
    // SAFETY: both pointers are valid for the call, and `ResourceUsage` has the layout of `struct rusage`.
    if unsafe { wait4(pid, &raw mut status, 0, &raw mut usage) } != pid {
        return Err(io::Error::last_os_error());
    }
    let exited = status & 0x7f == 0;
    Ok((usage.peak_kib, if exited { status >> 8 & 0xff } else { status }))
}
