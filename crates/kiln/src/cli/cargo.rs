//! `kiln cargo …`: cargo with the cache in front of rustc and the C compilers, and one line at the end.

use crate::launch::Command;
use crate::{build, remote};
use kiln_action::FileKind;
use kiln_config::Settings;
use kiln_prefill::recording::Start;
use kiln_prefill::session::Session;
use kiln_recorder::Below;
use kiln_sys::env::Environment;
use kiln_sys::files;
use kiln_sys::process;
use std::ffi::{OsStr, OsString};
use std::path::Path;

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

/// Cargo tells what it runs where it is, and `kiln cargo` in there uses the same one. Anybody else's `CARGO` says something else (make
/// exports what its command line sets, be it `kiln cargo`), and plain cargo does not look at it either. Another toolchain has its own.
fn cargo<'a>(arguments: &[OsString], environment: &'a Environment) -> &'a OsStr {
    let is_other = arguments.first().is_some_and(|word| word.as_encoded_bytes().starts_with(b"+"));
    let of_cargo = environment.get("CARGO_MANIFEST_DIR").is_some() && !is_other;
    let named = environment.get("CARGO").map(Path::new).filter(|_| of_cargo);
    let is_file =
        |path: &Path| files::stat(path).is_ok_and(|it| it.is_some_and(|it| it.kind == FileKind::File));
    let is_cargo = |path: &&Path| {
        let is_called_so = path.file_name().is_some_and(|name| name == "cargo");
        is_called_so && path.is_absolute() && is_file(path) && process::is_executable(path)
    };
    named.filter(is_cargo).map_or(OsStr::new("cargo"), Path::as_os_str)
}

/// Runs cargo; its exit code is ours.
pub fn run(arguments: &Arguments, settings: &Settings, environment: &Environment) -> i32 {
    let cargo = cargo(&arguments.arguments, environment);
    let words = &arguments.arguments;
    let start = Start::now(words, environment);
    if let Some(command) = start.as_ref().and_then(Start::command) {
        remote::prefetch_ahead(&command, settings, environment);
    }
    let session = Session::begin(settings);
    if let Some(start) = start {
        start.ask_anew(settings);
    }
    let launched = Command { program: cargo, args: words, below: Below::Scripts };
    let ended = build::run(&launched, settings, environment, &session, session.directory());
    session.settle();
    session.end();
    build::code(ended)
}
