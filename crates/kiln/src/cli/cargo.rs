//! `kiln cargo …`: cargo with the cache in front of rustc, and one line at the end.

use crate::fail;
use kiln_report::{Summary, log};
use kiln_sys::env::{self, Environment};
use kiln_sys::process::{self, Channel, Ended, Program};
use kiln_sys::{files, process::own_id};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What to run.
#[derive(clap::Args)]
#[command(
    disable_help_flag = true,
    after_help = "\
Everything after `cargo` goes to cargo as it is (`kiln cargo --help` is cargo's help), and its exit code is kiln's.

Examples:
  kiln cargo build --release
  kiln cargo nextest run
  KILN_RECACHE=1 kiln cargo build    compile everything anew and store it"
)]
pub struct Arguments {
    /// Arguments for cargo, such as `build --release`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CARGO ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// Runs cargo; its exit code is ours.
pub fn run(arguments: &Arguments, environment: &Environment) -> i32 {
    let Some(wrapper) = env::own_program().map(|own| own.with_file_name("kiln")) else {
        return fail("cannot tell where kiln is installed");
    };
    let events = env::temporary_directory().join(format!("kiln-build-{}-{}", env::user(), own_id()));
    let _ = files::remove(&events);
    // Cargo tells its subcommands where it is; `kiln cargo` inside `cargo` should use the same one.
    let cargo = environment.get("CARGO").unwrap_or(OsStr::new("cargo"));
    let args: Vec<&OsStr> = arguments.arguments.iter().map(OsString::as_os_str).collect();
    let set =
        [(OsStr::new("RUSTC_WRAPPER"), wrapper.as_os_str()), (OsStr::new("KILN_EVENTS"), events.as_os_str())];
    let ended = match process::run_inherited(&Program { program: cargo, args: &args, set: &set }) {
        Ok(ended) => ended,
        Err(error) => return fail(&format!("cannot run `{}`: {error}; is cargo on PATH?", cargo.display())),
    };
    sum_up(events);
    match ended {
        Ended::Code(code) => code,
        Ended::Signal(signal) => process::end_by_signal(signal),
    }
}

/// The one line. A build that called no compiler has nothing to say.
fn sum_up(events: PathBuf) {
    let text = files::read(&events).unwrap_or_default();
    let _ = files::remove(&events);
    let mut summary = Summary::default();
    log::parse(&text).for_each(|event| summary.add(&event));
    if summary.units() > 0 {
        process::say(Channel::Err, format!("{}\n", summary.line()).as_bytes());
    }
}
