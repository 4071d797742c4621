//! `kiln-cli`: what a person asks kiln for, one file a command.

mod cargo;
mod gc;
mod stats;

use clap::{Parser, Subcommand};
use kiln_config::layers::Loaded;
use kiln_sys::env::Environment;
use kiln_sys::process::{self, Channel};

/// A compiler cache for Rust that is never wrong and as fast as the disk.
///
/// Put it in front of rustc (`RUSTC_WRAPPER=kiln cargo build`, or `rustc-wrapper = "kiln"` under `[build]` in
/// ~/.cargo/config.toml), or just start cargo through it: `kiln cargo build`.
#[derive(Parser)]
#[command(name = "kiln", bin_name = "kiln", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run cargo with the cache in front of rustc, and say at the end what it saved
    Cargo(cargo::Arguments),
    /// Show what the cache did so far
    Stats(stats::Arguments),
    /// Remove what is old, and the least useful results beyond the size limit
    Gc(gc::Arguments),
}

fn main() {
    let cli = Cli::parse();
    let environment = Environment::capture();
    let loaded = kiln_config::load(&environment);
    let code = match cli.command {
        Command::Cargo(arguments) => cargo::run(&arguments, &environment),
        Command::Stats(arguments) => stats::run(&arguments, &complained(loaded)),
        Command::Gc(arguments) => gc::run(&arguments, &complained(loaded)),
    };
    end(code)
}

fn complained(loaded: Loaded) -> kiln_config::Settings {
    for complaint in &loaded.complaints {
        process::say(Channel::Err, format!("kiln: warning: {complaint}\n").as_bytes());
    }
    loaded.settings
}

/// Says what went wrong and what to do next; the exit code for it.
fn fail(what: &str) -> i32 {
    process::say(Channel::Err, format!("kiln: error: {what}\n").as_bytes());
    1
}

/// Writes to standard output.
fn say(text: &str) {
    process::say(Channel::Out, text.as_bytes());
}

#[allow(clippy::disallowed_methods, reason = "main ends the process")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}
