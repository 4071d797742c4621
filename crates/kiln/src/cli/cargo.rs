//! `kiln cargo …`: cargo with the cache in front of rustc and the C compilers, and one line at the end.

use crate::{build, remote};
use kiln_config::Settings;
use kiln_sys::env::Environment;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

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
    if let Some(aim) = aim(&arguments.arguments) {
        remote::prefetch_ahead(&aim, settings, environment);
    }
    build::run(cargo, &arguments.arguments, "is cargo on PATH?", settings, environment)
}

/// Commands of cargo's that compile a workspace.
const BUILDS: [&str; 12] =
    ["b", "bench", "build", "c", "check", "clippy", "llvm-cov", "nextest", "r", "run", "t", "test"];

/// What a command line builds, as far as it says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Aim {
    /// The profile's directory in `target`.
    pub profile: String,
    /// `--target-dir`.
    pub target: Option<PathBuf>,
    /// The directory of `--manifest-path`.
    pub package: Option<PathBuf>,
}

/// What a command line builds; `None` if it says that nothing is built.
fn aim(arguments: &[OsString]) -> Option<Aim> {
    let mut words = arguments.iter().map_while(|word| word.to_str()).take_while(|word| *word != "--");
    let command = words.by_ref().find(|word| !word.starts_with(['-', '+']))?;
    if !BUILDS.contains(&command) {
        return None;
    }
    let mut aim = Aim::default();
    let mut named = None;
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (word, None),
        };
        match flag {
            "--release" | "-r" => named = Some("release"),
            "--profile" => named = value.or_else(|| words.next()),
            "--target-dir" => aim.target = value.or_else(|| words.next()).map(PathBuf::from),
            "--manifest-path" => {
                let manifest = value.or_else(|| words.next()).map(Path::new);
                aim.package = manifest.and_then(Path::parent).map(Path::to_owned);
            }
            _ => {}
        }
    }
    let profile = match named {
        None if command == "bench" => "release",
        None | Some("dev" | "test") => "debug",
        Some("bench") => "release",
        Some(name) => name,
    };
    Some(Aim { profile: profile.to_owned(), ..aim })
}

#[cfg(test)]
mod tests;
