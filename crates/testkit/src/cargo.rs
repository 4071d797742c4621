//! A cargo (or rustc) call in a project: with kiln, or plain.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::outcome::{Outcome, run};
use crate::space::Project;

/// A cargo call being put together; nothing happens before [`Cargo::run`].
#[must_use]
pub struct Cargo<'a> {
    project: &'a Project<'a>,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    kiln: bool,
}

impl<'a> Cargo<'a> {
    pub(crate) fn new(project: &'a Project<'a>, args: &[&str], kiln: bool) -> Self {
        Self { project, args: args.iter().map(OsString::from).collect(), env: Vec::new(), kiln }
    }

    /// Sets a variable for this call.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes a variable for this call.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// The process as it would be started.
    pub fn command(&self) -> Command {
        let mut command = self.project.space().command("cargo");
        command.current_dir(self.project.dir()).args(&self.args);
        if self.project.has_foreign_target() {
            command.env("CARGO_TARGET_DIR", self.project.target());
        }
        if self.kiln {
            self.project.space().wrap(&mut command);
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Runs it to the end.
    #[track_caller]
    pub fn run(self) -> Outcome {
        run(&mut self.command())
    }

    /// Runs it to the end; it must succeed.
    #[track_caller]
    pub fn ok(self) -> Outcome {
        self.run().ok()
    }
}

/// The real compiler behind the proxies.
pub struct Toolchain;

impl Toolchain {
    /// The toolchain's directory.
    pub fn sysroot() -> &'static Path {
        static SYSROOT: OnceLock<PathBuf> = OnceLock::new();
        SYSROOT.get_or_init(|| {
            let output = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc starts");
            PathBuf::from(String::from_utf8(output.stdout).expect("UTF-8").trim())
        })
    }

    /// rustc itself, absolute.
    pub fn rustc() -> PathBuf {
        Self::sysroot().join("bin/rustc")
    }

    /// The target that it compiles for without `--target`.
    pub fn host() -> &'static str {
        static HOST: OnceLock<String> = OnceLock::new();
        HOST.get_or_init(|| {
            let output = Command::new(Self::rustc()).arg("-vV").output().expect("rustc starts");
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
        })
    }

    /// Whether it has another target's standard library; a test that goes on without it says so.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub fn has_target(triple: &str) -> bool {
        let there = Toolchain::sysroot().join("lib/rustlib").join(triple).join("lib").exists();
        if !there {
            eprintln!("SKIPPED: rustup target add {triple}");
        }
        there
    }

    /// Whether a program of this name is on PATH.
    pub fn has(program: &str) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
    }
}
