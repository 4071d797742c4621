//! `kiln cargo …`: cargo with the cache in front of rustc and the C compilers, and one line at the end.

use crate::launch::Command;
use crate::session::Session;
use crate::sketch::Sketch;
use crate::{build, remote};
use kiln_config::Settings;
use kiln_recorder::Below;
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use kiln_sys::process::Ended;
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
    let aim = aim(&arguments.arguments);
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

/// Where a build takes place.
pub struct Site {
    /// The package's directory, or the one that cargo is started in.
    pub here: PathBuf,
    /// The workspace's, as far as it is known: where the lock file is.
    pub root: Option<PathBuf>,
    /// The target directory, where it is named.
    named: Option<PathBuf>,
}

impl Aim {
    /// Where it takes place.
    pub fn site(&self, environment: &Environment) -> Option<Site> {
        let start = env::directory()?;
        let here = self.package.as_ref().map_or_else(|| start.clone(), |package| start.join(package));
        let is_locked =
            |path: &&Path| files::stat(&path.join("Cargo.lock")).is_ok_and(|found| found.is_some());
        let root = here.ancestors().find(is_locked).map(Path::to_owned);
        // What is named is named from where cargo runs.
        let named = self.target.clone().or_else(|| environment.get("CARGO_TARGET_DIR").map(PathBuf::from));
        Some(Site { here, root, named: named.map(|target| start.join(target)) })
    }
}

impl Site {
    /// The target directory, unless cargo's configuration says another one.
    pub fn target(&self) -> Option<PathBuf> {
        self.named.clone().or_else(|| Some(self.root.as_ref()?.join("target")))
    }

    /// Whether something was built for the profile already.
    pub fn is_built(&self, aim: &Aim) -> bool {
        let has_profile =
            |target: &Path| files::stat(&target.join(&aim.profile)).is_ok_and(|found| found.is_some());
        match &self.named {
            Some(target) => has_profile(target),
            // What is not named is in the workspace, which is here or above.
            None => self.here.ancestors().any(|directory| has_profile(&directory.join("target"))),
        }
    }
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
