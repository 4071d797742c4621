//! What a person asks kiln for, one file a command: the library that `kiln-cli` and the pages made of its help share.

mod build;
mod cargo;
mod clear;
mod completions;
mod config;
mod daemon;
mod doctor;
mod edit;
mod explain;
mod gc;
mod help;
mod launch;
mod links;
mod paint;
mod program;
mod progress;
mod remote;
mod run;
mod setup;
mod stats;
mod verify;
mod wiring;
mod words;

pub use config::template;

use clap::{CommandFactory, Parser, Subcommand};
use kiln_action::exit;
use kiln_config::Start;
use kiln_config::layers::Loaded;
use kiln_sys::env::{self, Environment};
use kiln_sys::process::{self, Channel};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// What `--help` says about them, after some examples.
const HELP: &str = "\
Examples:
  kiln cargo build             one build through kiln, with nothing set up
  kiln setup && cargo build    every build through kiln
  kiln doctor                  is everything as it should be?
  KILN_OFF=1 cargo build       one build without kiln

Exit codes:
  0    it worked; a check found nothing wrong
  1    it did not work, or a check found something wrong
  2    the command line is not understood
  126  a program is there and cannot be run
  127  a program is not there
  `kiln cargo` ends as cargo does, the wrapper as the compiler does.";

/// A compiler cache for Rust, C and C++ that is never wrong and as fast as the disk.
///
/// Put it in front of rustc (`RUSTC_WRAPPER=kiln cargo build`, or `rustc-wrapper = "kiln"` under `[build]` in
/// ~/.cargo/config.toml), or just start cargo through it: `kiln cargo build`. For C and C++: `kiln run -- make`, `CC="kiln gcc"`,
/// `-DCMAKE_C_COMPILER_LAUNCHER=kiln`. A word that is no command is a program, and runs as it is (`kiln ar`; `kiln -- stats`, if one is
/// called as a command is).
#[derive(Parser)]
#[command(name = "kiln", bin_name = "kiln", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = HELP)]
struct Cli {
    /// Whether output has colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: paint::When,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run cargo with the cache in front of rustc, and say at the end what it saved
    Cargo(cargo::Arguments),
    /// Run any other build (make, cmake, ninja, meson) with the cache in front of its compilers
    Run(run::Arguments),
    /// Show what the cache did so far
    Stats(stats::Arguments),
    /// Say why units were compiled, and what to do about those that are not cached
    Explain(explain::Arguments),
    /// Remove what is cached: everything, one crate or C source, one project, or what is old
    Clear(clear::Arguments),
    /// Look for damage in the cache, or hold hits against real compiles
    Verify(verify::Arguments),
    /// Remove what is old, and the least useful results beyond the size limit
    Gc(gc::Arguments),
    /// Make kiln the wrapper of every build (cargo's user configuration), or undo that
    Setup(setup::Arguments),
    /// Look whether everything is as it should be, and say what to do if not
    Doctor(doctor::Arguments),
    /// Show and change settings
    Config(config::Arguments),
    /// Start, stop and watch what fetches from remote stores and uploads to them
    Daemon(daemon::Arguments),
    /// Fetch what this workspace will need from the remote stores
    Prefetch(remote::Prefetch),
    /// Upload what is in the cache and not in the remote stores
    Push(remote::Push),
    /// Print what a shell needs to complete kiln's command lines
    Completions(completions::Arguments),
    /// Print help, for kiln or for a command
    Help(help::Arguments),
    /// Print the version
    Version,
}

/// Does what the command line asks; the exit code.
pub fn run() -> i32 {
    let arguments = env::arguments();
    let environment = Environment::capture();
    if let Some(words) = program::meant(&arguments, &command()) {
        return program::become_it(words, &environment);
    }
    let cli = Cli::parse();
    let directory = env::directory().unwrap_or_else(|| PathBuf::from("/"));
    let loaded = kiln_config::load(&environment, &Start { directory: &directory, out: None });
    let paint = paint::Paint::new(&environment, cli.color);
    let code = match cli.command {
        Command::Cargo(arguments) => cargo::run(&arguments, &loaded.settings, &environment),
        Command::Run(arguments) => run::run(&arguments, &loaded.settings, &environment),
        Command::Stats(arguments) => stats::run(&arguments, &complained(loaded), &directory),
        Command::Explain(arguments) => explain::run(&arguments, &complained(loaded), paint),
        Command::Clear(arguments) => clear::run(&arguments, &complained(loaded), &directory, paint),
        Command::Verify(arguments) => verify::run(&arguments, &complained(loaded), &environment, paint),
        Command::Gc(arguments) => gc::run(&arguments, &complained(loaded), paint),
        Command::Setup(arguments) => setup::run(&arguments, &environment, &directory),
        Command::Doctor(arguments) => doctor::run(&arguments, &loaded, &environment, &directory, paint),
        Command::Config(arguments) => {
            tell(&loaded);
            let place = config::CalledFrom { environment: &environment, directory: &directory };
            config::run(&arguments, &loaded, &place)
        }
        Command::Daemon(arguments) => daemon::run(&arguments, &complained(loaded), &environment),
        Command::Prefetch(arguments) => {
            remote::prefetch(&arguments, &complained(loaded), &environment, &directory)
        }
        Command::Push(arguments) => remote::push(&arguments, &complained(loaded), &environment),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Help(arguments) => help::run(&arguments),
        Command::Version => {
            say(concat!("kiln ", env!("CARGO_PKG_VERSION"), "\n"));
            exit::FINE
        }
    };
    if code == exit::FINE && UNSAID.load(Ordering::Relaxed) { exit::WRONG } else { code }
}

/// Whether something could not be written to standard output, other than because nobody reads it any more.
static UNSAID: AtomicBool = AtomicBool::new(false);

/// All commands with their help, for completions and generated pages.
pub fn command() -> clap::Command {
    Cli::command()
}

fn complained(loaded: Loaded) -> kiln_config::Settings {
    tell(&loaded);
    loaded.settings
}

fn tell(loaded: &Loaded) {
    for complaint in &loaded.complaints {
        process::say(Channel::Err, format!("kiln: warning: {complaint}\n").as_bytes());
    }
}

/// Says what went wrong and what to do next; the exit code for it.
fn fail(what: &str) -> i32 {
    process::say(Channel::Err, format!("kiln: error: {what}\n").as_bytes());
    exit::WRONG
}

/// Writes to standard output.
fn say(text: &str) {
    let Err(error) = process::try_say(Channel::Out, text.as_bytes()) else { return };
    if error.kind() != std::io::ErrorKind::BrokenPipe && !UNSAID.swap(true, Ordering::Relaxed) {
        fail(&format!("cannot write to standard output: {error}"));
    }
}
