//! Compilers, directories to run them in, and command lines read by kiln.

use kiln_action::key::KeyInputs;
use kiln_action::{Digest, Family, Invocation, Reason, Subject};
use kiln_compiler::{Context, Recognised, Remap};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A compiler, and how kiln is set.
#[derive(Clone, Copy)]
pub struct Compiler {
    pub name: &'static str,
    pub family: Family,
    /// Whether the remap setting is on.
    pub remaps: bool,
}

/// gcc, and clang where it is installed.
pub fn installed() -> Vec<Compiler> {
    let known = [("gcc", Family::Gcc), ("clang", Family::Clang)];
    let runs = |name: &str| Command::new(name).arg("--version").output().is_ok();
    assert!(runs("gcc"), "gcc is needed to test this");
    let (here, missing): (Vec<_>, Vec<_>) = known.into_iter().partition(|(name, _)| runs(name));
    for (name, _) in missing {
        eprintln!("NOT TESTED: {name} is not installed");
    }
    here.into_iter().map(|(name, family)| Compiler { name, family, remaps: false }).collect()
}

/// Whether `name` is the release that the tables were measured with; another one's new options are run uncached, by name.
pub fn is_measured(name: &str, family: Family) -> bool {
    let version = Command::new(name).arg("-dumpversion").output().expect("the version").stdout;
    let measured: &[u8] = if family == Family::Clang { b"14." } else { b"12" };
    version.starts_with(measured)
}

/// A directory whose name has the given length.
pub struct Room {
    _space: TempDir,
    /// The directory itself.
    pub path: PathBuf,
}

impl Room {
    pub fn new(name: &str) -> Room {
        let space = TempDir::new().expect("a directory");
        let path = space.path().canonicalize().expect("its path").join(name);
        for directory in ["src", "inc", "out"] {
            std::fs::create_dir_all(path.join(directory)).expect("a directory");
        }
        Room { _space: space, path }
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path.join(name), text).expect("a file");
    }

    /// All files, by their path in the directory.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut left = vec![self.path.clone()];
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => left.push(path),
                    false => drop(found.insert(path.clone(), std::fs::read(&path).expect("a file"))),
                }
            }
        }
        found
    }
}

/// Reads a command line that is run in `directory`, which is the project as well.
pub fn parse(compiler: &Compiler, args: &[OsString], directory: &Path) -> Result<Invocation, Reason> {
    let recognised = Recognised {
        subject: Subject::Compile(compiler.family),
        compiler: compiler.name.into(),
        wrapper: None,
        skip: 0,
    };
    let remap = Remap { work: directory.to_owned(), target: None };
    let context = Context {
        args,
        directory,
        response: &|path| std::fs::read(directory.join(path)).ok(),
        remap: Some(&remap).filter(|_| compiler.remaps),
        base: Some(directory),
        getenv: &|_| None,
    };
    kiln_compiler::gcc::parse(&recognised, compiler.family, &context)
}

/// The key, with a toolchain that is always the same.
pub fn key(invocation: &Invocation) -> [u8; 32] {
    let toolchain = Digest::of(b"toolchain");
    let environment: Vec<(&'static str, Option<&OsStr>)> =
        invocation.environment.iter().map(|name| (*name, None)).collect();
    let inputs = KeyInputs {
        invocation,
        toolchain: &toolchain,
        stdin: None,
        environment: &environment,
        settings: &[],
    };
    *inputs.weak_key().name()
}

/// Runs a compiler, with little of an environment.
pub fn run(compiler: &str, args: &[OsString], directory: &Path) -> Output {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new(compiler);
    command.args(args).current_dir(directory).env_clear().env("PATH", path).env("LC_ALL", "C");
    command.stdin(std::process::Stdio::null()).output().expect("a compiler that starts")
}

/// Words of a command line.
pub fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}
