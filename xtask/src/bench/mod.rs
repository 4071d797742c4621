//! `cargo xtask bench`: what kiln costs and saves, measured through its binary alone.
//!
//! Whole builds run in interleaved rounds, every tool in a lane of its own (sources, target, cache, daemon);
//! ratios are formed within a round and their median is reported, so that a drifting machine cancels out.

mod builds;
mod c;
mod calls;
mod chain;
pub mod environment;
pub mod files;
pub mod kit;
mod lanes;
mod machine;
pub mod measure;
mod micro;
mod misses;
mod numbers;
mod options;
mod phases;
mod projects;
mod remote;
mod report;
mod stats;
pub mod table;
mod telling;
mod tools;
mod verdicts;

pub use options::Args;

use options::Part;

/// What a bench step returns; an error is a sentence for the person at the terminal.
type Outcome<T> = Result<T, String>;

/// Runs the part of the benchmark that the arguments ask for.
pub fn run(args: Args) -> Outcome<()> {
    let common = match &args.part {
        None => &args.builds.common,
        Some(Part::Micro(options)) => &options.common,
        Some(Part::Misses(options)) => &options.common,
        Some(Part::Chain(options)) => &options.common,
        Some(Part::Telling(options)) => &options.common,
        Some(Part::C(options)) => &options.common,
        Some(Part::Remote(options)) => &options.common,
    };
    tools::WIRE_C.store(args.builds.c, std::sync::atomic::Ordering::Relaxed);
    tools::MET.store(common.met, std::sync::atomic::Ordering::Relaxed);
    match args.part {
        None => builds::run(&args.builds),
        Some(Part::Micro(options)) => micro::run(&options),
        Some(Part::Misses(options)) => misses::run(&options),
        Some(Part::Chain(options)) => chain::run(&options),
        Some(Part::Telling(options)) => telling::run(&options),
        Some(Part::C(options)) => c::run(&options),
        Some(Part::Remote(options)) => remote::run(&options),
    }
}
