//! `kiln cargo …`: cargo with the cache in front of rustc and the C compilers, and one line at the end.

use crate::launch::Command;
use crate::session::Session;
use crate::site::Aim;
use crate::sketch::Sketch;
use crate::{build, remote};
use kiln_config::Settings;
use kiln_recorder::Below;
use kiln_sys::env::{self, Environment};
use kiln_sys::process::Ended;
use std::ffi::{OsStr, OsString};

/// What to run.
#[derive(clap::Args)]
#[command(
    disable_help_flag = true,
    after_help = "\
Everything after `cargo` goes to cargo as it is (`kiln cargo --help` is cargo's help), and its exit code is kiln's.
C and C++ that build scripts compile goes through kiln as well (`kiln config set wire-c false` leaves it alone).

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
pub fn run(arguments: &Arguments, settings: &Settings, environment: &Environment) -> i32 {
    // Cargo tells its subcommands where it is; `kiln cargo` inside `cargo` should use the same one.
    let cargo = environment.get("CARGO").unwrap_or(OsStr::new("cargo"));
    let aim = env::directory().and_then(|start| Aim::of(&arguments.arguments, &start, environment));
    if let Some(aim) = &aim {
        remote::prefetch_ahead(aim, settings, environment);
    }
    let session = Session::begin(settings);
    let sketch = Sketch::begin(aim.as_ref(), &arguments.arguments, settings, environment, &session);
    let notes = sketch.as_ref().map(Sketch::notes);
    let command = Command { program: cargo, args: &arguments.arguments, below: Below::Scripts };
    let ended = build::run(&command, settings, environment, &session, notes);
    if let Some(sketch) = sketch {
        sketch.end(ended == Ended::Code(0), settings, environment);
    }
    session.end();
    build::code(ended)
}
