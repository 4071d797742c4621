//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::phases::Phase;
use super::tools::Tool;

/// `cargo xtask bench [OPTIONS]`, or one of its parts.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub part: Option<Part>,
    #[command(flatten)]
    pub builds: BuildOptions,
}

/// The parts that are not whole builds of real projects.
#[derive(Subcommand)]
pub enum Part {
    /// Single wrapper calls: a pass-through, a hit, a probe, and a hit's memory.
    Micro(MicroOptions),
    /// What a miss costs beyond the compiler, each call of a build by itself.
    Misses(MissOptions),
    /// A chain of crates that only builds quickly when early metadata notices are passed on.
    Chain(ChainOptions),
    /// What a person waits for who asks what the cache did: explain and stats over a large log.
    Telling(TellingOptions),
    /// Compiles of C and C++ beside ccache.
    C(COptions),
    /// Builds from remote stores, and beside stores that do harm.
    Remote(RemoteOptions),
}

/// What every part needs to know.
#[derive(clap::Args, Clone)]
pub struct Common {
    /// The kiln binary [default: target/release/kiln]
    #[arg(long, value_name = "FILE")]
    pub kiln: Option<PathBuf>,
    /// Where lanes are laid out, on the file system to be measured [default: the temporary directory]
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Also write all samples as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Let kiln meet the compiler before the clock starts, as sccache's server is started before it: a cache identifies a
    /// compiler once, by content
    #[arg(long)]
    pub met: bool,
}

/// Whole builds.
#[derive(clap::Args)]
pub struct BuildOptions {
    /// fd, ripgrep, webrender, exa, kiln, or a directory with a Cargo.toml
    #[arg(long, value_delimiter = ',', default_value = "fd,ripgrep,webrender")]
    pub projects: Vec<String>,
    /// The tools compared; those that are not found are left out
    #[arg(long, value_delimiter = ',', default_value = "plain,kiln,replay,sccache,kache,mbx")]
    pub tools: Vec<Tool>,
    /// What is measured; always in this order
    #[arg(long, value_delimiter = ',', default_value = "cold,noop,warm,tree,edit,check")]
    pub phases: Vec<Phase>,
    /// Rounds of every phase
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// CARGO_INCREMENTAL
    #[arg(long, value_enum, default_value = "0")]
    pub incremental: Incremental,
    /// Further arguments for cargo, separated by spaces
    #[arg(long, value_name = "ARGS", default_value = "", allow_hyphen_values = true)]
    pub cargo_args: String,
    /// Let kiln map workspace paths (KILN_REMAP=1)
    #[arg(long)]
    pub remap: bool,
    /// Put kiln in front of the C and C++ compilers of build scripts as well, as `kiln cargo` does
    #[arg(long)]
    pub c: bool,
    /// The file the edit phase changes, for projects given as a directory
    #[arg(long, value_name = "FILE")]
    pub edit_file: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// Whether CARGO_INCREMENTAL is set to 0 or left to the profile.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Incremental {
    #[value(name = "0")]
    Off,
    Default,
}

/// Single wrapper calls.
#[derive(clap::Args)]
pub struct MicroOptions {
    /// Pairs of invocations of every kind
    #[arg(short, long = "count", default_value_t = 200)]
    pub n: usize,
    #[command(flatten)]
    pub common: Common,
}

/// Misses, call by call.
#[derive(clap::Args)]
pub struct MissOptions {
    /// fd, ripgrep, webrender, exa, kiln, or a directory with a Cargo.toml
    #[arg(long, value_delimiter = ',', default_value = "fd")]
    pub projects: Vec<String>,
    /// Rounds of every call
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    #[command(flatten)]
    pub common: Common,
}

/// Questions about a large log.
#[derive(clap::Args)]
pub struct TellingOptions {
    /// Events in the log
    #[arg(long, default_value_t = 10_000)]
    pub events: usize,
    /// Runs of every question
    #[arg(short, long = "count", default_value_t = 21)]
    pub n: usize,
    #[command(flatten)]
    pub common: Common,
}

/// Compiles of C and C++.
#[derive(clap::Args)]
pub struct COptions {
    /// Rounds of every kind
    #[arg(short, long = "count", default_value_t = 11)]
    pub n: usize,
    /// Instead of single files: the sources of a project to build
    #[arg(long, value_name = "DIR")]
    pub build: Option<PathBuf>,
    /// How it is built
    #[arg(long, value_name = "COMMAND", default_value = "make -j2")]
    pub command: String,
    #[command(flatten)]
    pub common: Common,
}

/// Builds with remote stores.
#[derive(clap::Args)]
pub struct RemoteOptions {
    /// fd, ripgrep, webrender, exa, kiln, or a directory with a Cargo.toml
    #[arg(long, value_delimiter = ',', default_value = "fd")]
    pub projects: Vec<String>,
    /// The servers: redis, s3
    #[arg(long, value_delimiter = ',', default_value = "redis,s3")]
    pub servers: Vec<Kind>,
    /// Milliseconds to the server and back
    #[arg(long, value_delimiter = ',', default_value = "0,5,50")]
    pub round_trips: Vec<u64>,
    /// Bytes per second of the line to the server; 0 is no limit
    #[arg(long, default_value_t = 125_000_000)]
    pub rate: u64,
    /// Rounds of everything
    #[arg(short, long = "count", default_value_t = 3)]
    pub n: usize,
    /// What is measured
    #[arg(long, value_delimiter = ',', default_value = "warm,upload,harm")]
    pub parts: Vec<RemotePart>,
    #[command(flatten)]
    pub common: Common,
}

/// The servers that are started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Kind {
    Redis,
    S3,
}

/// What is measured with remote stores.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RemotePart {
    /// A build with an empty local cache and a full remote, beside the rivals and one tarball of `target`
    Warm,
    /// A cold build that uploads everything, beside one that does not
    Upload,
    /// Cold builds beside stores that are dead, silent, crawling, lying or empty
    Harm,
}

/// The pipelining chain.
#[derive(clap::Args)]
pub struct ChainOptions {
    /// Rounds of cold builds
    #[arg(long, default_value_t = 11)]
    pub rounds: usize,
    /// The tools compared
    #[arg(long, value_delimiter = ',', default_value = "plain,kiln")]
    pub tools: Vec<Tool>,
    #[command(flatten)]
    pub common: Common,
}
