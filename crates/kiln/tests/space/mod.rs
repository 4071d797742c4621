//! A temporary home, cache and project, and small crates compiled through the real wrapper.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Everything in one temporary directory.
pub struct Space(tempfile::TempDir);

/// What the wrapper told of one compile.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    pub outcome: String,
    pub reason: String,
}

impl Space {
    pub fn new() -> Space {
        let space = Space(tempfile::tempdir().unwrap());
        for directory in ["home", "tmp", "project/target/debug/deps"] {
            fs::create_dir_all(space.path(directory)).unwrap();
        }
        space.write("project/lib.rs", "pub fn f() {}\n");
        space
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A program in an environment of its own.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path("project"));
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("RUSTUP_HOME", rustup());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("KILN_DIR", self.path("cache"));
        command
    }

    /// kiln, asked by a person.
    pub fn kiln(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_kiln"));
        command.args(args);
        command
    }

    /// A compile of `project/lib.rs` through the wrapper, as cargo would ask for it.
    pub fn wrapped(&self, set: &[(&str, &str)], more: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_kiln"));
        command.arg(rustc()).args([
            "--crate-name",
            "unit",
            "--edition=2021",
            "lib.rs",
            "--error-format=json",
        ]);
        command.args(["--crate-type", "lib", "--emit=dep-info,metadata", "-C", "metadata=1", "--out-dir"]);
        command.arg(self.path("project/target/debug/deps")).args(more);
        command.envs(set.iter().copied()).env("KILN_EVENTS", self.path("events"));
        command
    }

    /// Compiles it and says what the wrapper told.
    #[track_caller]
    pub fn compile(&self, set: &[(&str, &str)]) -> Counted {
        self.run(&mut self.wrapped(set, &[]))
    }

    /// Runs a wrapped compile and says what the wrapper told.
    #[track_caller]
    pub fn run(&self, command: &mut Command) -> Counted {
        let _ = fs::remove_file(self.path("events"));
        // What was changed in the same tick of the file system's clock as the compile began is not stored.
        std::thread::sleep(std::time::Duration::from_millis(30));
        succeeds(command);
        let events = fs::read_to_string(self.path("events")).unwrap_or_default();
        let Some(event) = events.lines().next_back() else {
            return Counted { outcome: "none".into(), reason: String::new() };
        };
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        Counted { outcome: text("outcome"), reason: text("reason") }
    }

    /// Makes `project/lib.rs` use a macro, given as a block of Rust that makes a `String` of source.
    pub fn with_macro(&self, body: &str) {
        let signature = "pub fn it(_: proc_macro::TokenStream) -> proc_macro::TokenStream";
        let source = format!(
            "extern crate proc_macro;\n#[proc_macro]\n{signature} {{\n    let text: String = {{ {body} }};\n    \
             text.parse().unwrap()\n}}\n"
        );
        self.write("macro/lib.rs", &source);
        let mut command = self.command(rustc());
        command.current_dir(self.path("macro")).args(["--crate-name", "it", "--crate-type", "proc-macro"]);
        succeeds(command.args(["--edition=2021", "lib.rs"]));
        self.write("project/lib.rs", "it::it! {}\n");
    }

    /// A compile that uses the macro.
    #[track_caller]
    pub fn compile_with_macro(&self, set: &[(&str, &str)]) -> Counted {
        let library = format!("it={}", self.path("macro/libit.so").display());
        self.run(&mut self.wrapped(set, &["--extern", &library]))
    }
}

/// Where the toolchains are.
pub fn rustup() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".rustup");
    std::env::var_os("RUSTUP_HOME").map_or_else(home, Into::into)
}

/// The compiler itself, not rustup's proxy.
pub fn rustc() -> PathBuf {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    Path::new(String::from_utf8(output.stdout).unwrap().trim()).join("bin/rustc")
}

/// Runs it; it has to succeed.
#[track_caller]
pub fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}{}", out(&output), err(&output));
    output
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
