//! What a command line of cargo's builds, and where, as far as that is known before cargo runs. A wrong guess costs a target directory that
//! is not filled, and nothing else.

use crate::configuration::{self, Configuration};
use kiln_sys::env::Environment;
use kiln_sys::files;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use toml::Table;

/// Commands of cargo's that compile a workspace.
const BUILDS: [&str; 12] =
    ["b", "bench", "build", "c", "check", "clippy", "llvm-cov", "nextest", "r", "run", "t", "test"];
/// Options of cargo's, wherever they stand, whose value is the next word.
const WITH_VALUE: [&str; 4] = ["--color", "--config", "-C", "-Z"];
/// An alias may be of an alias; cargo refuses those that come back to themselves.
const DEEPEST: usize = 8;

/// What a command line builds, as far as it says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CargoCommand {
    /// The profile's directory in `target`.
    pub profile: String,
    /// The value of `--target-dir`.
    pub target: Option<PathBuf>,
    /// The directory of `--manifest-path`.
    pub package: Option<PathBuf>,
    /// Whether it names files or directories that are not read here.
    pub unclear: bool,
    /// How often it asks for more messages. At twice (`-vv`) cargo shows what scripts say, and the warnings of other people's packages, of
    /// what it calls: nothing of what is there already.
    pub verbosity: usize,
}

/// Where a build takes place.
pub struct Layout {
    /// The package's directory, or the one that cargo is started in; absolute, as the others.
    pub package: PathBuf,
    /// The workspace's directory, in which the lock file is.
    pub workspace: PathBuf,
    /// The target directory, as cargo spells it.
    pub target: PathBuf,
    /// Whether some of what is made goes elsewhere (`build.build-dir`).
    pub is_split: bool,
}

impl CargoCommand {
    /// What cargo builds when it is started like this; `None` if it builds nothing.
    pub fn of(arguments: &[OsString], start: &Path, environment: &Environment) -> Option<CargoCommand> {
        let texts = arguments.iter().map_while(|word| word.to_str());
        let words = texts.take_while(|word| *word != "--").map(str::to_owned).collect();
        let configured = Configuration::of(start, environment);
        let (before, words) = unalias(words, &configured)?;
        let mut found = CargoCommand::default();
        let mut named = None;
        let (command, words) = words.split_first()?;
        // A profile of nextest's own is called as one of cargo's is elsewhere.
        let of_nextest =
            command == "nextest" || command == "llvm-cov" && words.iter().any(|it| it == "nextest");
        let profile = if of_nextest { "--cargo-profile" } else { "--profile" };
        let words: Vec<String> = before.iter().chain(words).flat_map(|word| apart(word)).collect();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
                _ => (word, None),
            };
            let mut value = || value.or_else(|| words.next());
            match flag {
                "-v" | "--verbose" => found.verbosity += 1,
                "--release" | "-r" => named = Some("release"),
                flag if flag == profile => named = value(),
                "--target-dir" => found.target = value().map(PathBuf::from),
                "--manifest-path" => {
                    let manifest = value().map(Path::new);
                    found.package = manifest.and_then(Path::parent).map(Path::to_owned);
                }
                "--config" => found.unclear |= value().is_none_or(|value| is_elsewhere(value, start)),
                "--target" => found.unclear |= value().is_none_or(|target| target.ends_with(".json")),
                "--lockfile-path" | "-C" | "-Z" => found.unclear = true,
                _ => {}
            }
        }
        let profile = match named {
            None if command == "bench" => "release",
            None | Some("dev" | "test") => "debug",
            Some("bench") => "release",
            Some(name) => name,
        };
        Some(CargoCommand { profile: profile.to_owned(), ..found })
    }

    /// The directories of a build that is started in a directory with this command line.
    pub fn layout(&self, start: &Path, environment: &Environment) -> Layout {
        let package = self.package.as_ref().map_or_else(|| start.to_owned(), |package| start.join(package));
        let configured = Configuration::of(start, environment);
        let root = workspace(&package);
        // What is named is named from where cargo runs, or from where the file is that names it (cargo 1.95, `target_dir`).
        let variable =
            |name| environment.get(name).filter(|value| !value.is_empty()).map(|value| start.join(value));
        let target = self.target.as_ref().map(|target| start.join(target));
        let target =
            target.or_else(|| variable("CARGO_TARGET_DIR")).or_else(|| variable("CARGO_BUILD_TARGET_DIR"));
        let target = target.or_else(|| configured.directory("target-dir"));
        let is_split =
            environment.get("CARGO_BUILD_BUILD_DIR").is_some() || configured.directory("build-dir").is_some();
        Layout { package, target: target.unwrap_or_else(|| root.join("target")), workspace: root, is_split }
    }
}

impl Layout {
    /// Whether something was built for the profile already.
    pub fn is_built(&self, command: &CargoCommand) -> bool {
        files::stat(&self.target.join(&command.profile)).is_ok_and(|found| found.is_some())
    }
}

/// The flags of one letter that are joined in a word, each by itself (`-vr`), up to the first that takes what is behind it for its value, or
/// that cargo does not have: how clap reads them.
fn apart(word: &str) -> Vec<String> {
    let joined = word.strip_prefix('-').filter(|rest| !rest.starts_with('-') && rest.len() > 1);
    let Some(joined) = joined else { return vec![word.to_owned()] };
    let alone = joined.find(|flag| !"qrv".contains(flag)).unwrap_or(joined.len());
    let flags = joined[..alone].chars().map(|flag| format!("-{flag}"));
    let last = joined[alone..].chars().next().map(|flag| [format!("-{flag}")]);
    flags.chain(last.into_iter().flatten()).collect()
}

/// Whether a value of `--config` is a file, or says that outputs go elsewhere.
fn is_elsewhere(value: &str, start: &Path) -> bool {
    const MOVES: [&str; 3] = ["build", "include", "alias"];
    let inline = value.parse::<Table>();
    let is_file = files::stat(&start.join(value)).is_ok_and(|found| found.is_some());
    is_file || inline.map_or(true, |table| MOVES.iter().any(|key| table.contains_key(*key)))
}

/// What stands before the command, and the command with what stands behind it, aliases resolved; `None` if nothing is built.
fn unalias(mut words: Vec<String>, configured: &Configuration) -> Option<(Vec<String>, Vec<String>)> {
    let mut before = Vec::new();
    for _ in 0..DEEPEST {
        let mut rest = words.into_iter();
        let command = loop {
            let word = rest.next()?;
            if !word.starts_with(['-', '+']) {
                break word;
            }
            let takes = WITH_VALUE.contains(&word.as_str());
            before.push(word);
            before.extend(takes.then(|| rest.next()).flatten());
        };
        // (a command of cargo's own is never an alias)
        if command.len() > 1 && BUILDS.contains(&command.as_str()) {
            return Some((before, [command].into_iter().chain(rest).collect()));
        }
        words = match configured.alias(&command) {
            Some(words) => words.into_iter().chain(rest).collect(),
            None if BUILDS.contains(&command.as_str()) => {
                return Some((before, [command].into_iter().chain(rest).collect()));
            }
            None => return None,
        };
    }
    None
}

/// The directory of the workspace that a package is in (cargo 1.95, `find_workspace_root`): itself, what its manifest points to, or the
/// nearest one above that has a workspace which does not leave it out.
fn workspace(package: &Path) -> PathBuf {
    let package = package.ancestors().find(|above| manifest(above).is_some()).unwrap_or(package);
    let own = manifest(package);
    let has_workspace = |text: &Table| text.get("workspace").is_some();
    if own.as_ref().is_some_and(has_workspace) {
        return package.to_owned();
    }
    let pointer = own.as_ref().and_then(|text| text.get("package")?.get("workspace")?.as_str());
    if let Some(pointer) = pointer {
        let path = package.join(pointer);
        return files::real_path(&path).ok().flatten().unwrap_or(path);
    }
    let above = package.ancestors().skip(1).find(|above| {
        manifest(above).is_some_and(|text| has_workspace(&text) && !leaves_out(&text, above, package))
    });
    above.unwrap_or(package).to_owned()
}

fn manifest(directory: &Path) -> Option<Table> {
    let file = directory.join("Cargo.toml");
    files::stat(&file).ok()??;
    Some(configuration::read(&file).unwrap_or_default())
}

fn leaves_out(workspace: &Table, root: &Path, package: &Path) -> bool {
    let lists = |key: &str| {
        let paths = workspace.get("workspace").and_then(|it| it.get(key)?.as_array());
        let mut paths = paths.into_iter().flatten().filter_map(|path| path.as_str());
        paths.any(|path| package.starts_with(root.join(path)))
    };
    lists("exclude") && !lists("members")
}

/// The words of a command line that may change outputs: without those about messages, processors and the network, and without what the
/// built program is given behind `--`.
pub fn essential(words: &[OsString]) -> Vec<OsString> {
    const ALONE: [&str; 8] = ["-q", "--quiet", "-v", "-vv", "--verbose", "--offline", "--locked", "--frozen"];
    const WITH_VALUE: [&str; 3] = ["-j", "--jobs", "--color"];
    let mut kept = Vec::new();
    let mut words = words.iter().take_while(|word| *word != OsStr::new("--"));
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let joined = |flag: &str| {
            let behind = |c: char| c == '=' || flag == "-j" && c.is_ascii_digit();
            text.strip_prefix(flag).is_some_and(|rest| rest.starts_with(behind))
        };
        if WITH_VALUE.contains(&&*text) {
            words.next();
        } else if !ALONE.contains(&&*text) && !WITH_VALUE.into_iter().any(joined) {
            kept.push(word.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests;
