//! The project's own chores: `cargo xtask <chore>`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool that prints its findings and is no part of the cache"
)]

mod arch;
mod bench;
mod ci;
mod dist;
mod docs;
mod proof;
mod toolchains;

use std::process::ExitCode;

use clap::Parser;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Everything CI checks
    Ci,
    /// The invariants of ARCHITECTURE.md
    Arch,
    /// That all crates of the program compile for other systems, without a warning
    Elsewhere,
    /// Pages that are generated from tables
    Docs {
        /// Only check that they are up to date
        #[arg(long)]
        check: bool,
    },
    /// Static executables, as packages ship them (starts 0.3 ms faster than `cargo install`'s)
    Dist,
    /// Measures kiln against plain cargo, the replay limit and the rivals found
    Bench(Box<bench::Args>),
    /// Runs tests of whole builds with other releases of rustc and cargo
    Toolchains(toolchains::Args),
    /// Builds projects of other people with and without kiln and compares every object; minutes each
    Proof(proof::Args),
}

fn main() -> ExitCode {
    let outcome = match Chore::parse() {
        Chore::Ci => ci::run(),
        Chore::Arch => arch::run(),
        Chore::Elsewhere => ci::elsewhere(),
        Chore::Docs { check } => docs::run(check),
        Chore::Dist => dist::run(),
        Chore::Bench(args) => bench::run(*args),
        Chore::Proof(args) => proof::run(&args),
        Chore::Toolchains(args) => toolchains::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
