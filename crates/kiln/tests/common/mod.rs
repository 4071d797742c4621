//! A directory with a cache, a compiler behind kiln, and what kiln says.
#![allow(dead_code, reason = "not every test file uses all of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A macro that looks at what it is told to.
pub const MACRO: &str = r#"
extern crate proc_macro;
use proc_macro::TokenStream;

#[proc_macro]
pub fn look(input: TokenStream) -> TokenStream {
    let text = input.to_string();
    let text = text.trim_matches('"');
    let (step, about) = text.split_once(' ').unwrap_or((text, ""));
    let answer = match step {
        "read" => std::fs::read_to_string(about).unwrap_or_default(),
        "exists" => std::fs::metadata(about).is_ok().to_string(),
        "list" => std::fs::read_dir(about).unwrap().count().to_string(),
        "env" => std::env::var(about).unwrap_or_default().len().to_string(),
        OTHER
        _ => panic!("{step}"),
    };
    format!("{answer:?}").parse().unwrap()
}
"#;

/// The steps that make kiln distrust the whole macro are only in macros that need them.
const SUSPICIOUS: [&str; 3] = [
    r#""argv" => std::env::args().count().to_string(),"#,
    r#""envs" => std::env::vars().count().to_string(),"#,
    r#""time" => format!("{:?}", std::time::SystemTime::now().elapsed().is_ok()),"#,
];

pub struct Space {
    directory: tempfile::TempDir,
    root: PathBuf,
}

pub fn text_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub fn sysroot() -> String {
    text_of(Command::new("rustc").args(["--print", "sysroot"])).trim().to_owned()
}

pub fn rustc() -> String {
    format!("{}/bin/rustc", sysroot())
}

/// A library of a toolchain that small programs do without.
pub fn some_library(toolchain: &Path) -> PathBuf {
    let host = text_of(Command::new("rustc").args(["--print", "host-tuple"]));
    let libraries = toolchain.join("lib/rustlib").join(host.trim()).join("lib");
    let mut names = std::fs::read_dir(libraries).unwrap().map(|entry| entry.unwrap().path());
    names.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("libgetopts-")).unwrap()
}

/// A copy of the toolchain; of links where that can be.
pub fn copy_of_the_toolchain(copy: &Path) {
    let copied =
        |how: &str| Command::new("cp").args([how, &sysroot()]).arg(copy).output().unwrap().status.success();
    assert!(copied("-al") || copied("-a"));
}

/// A copy of the toolchain that works and says that it is another version: the release is written into the compiler's
/// library (but not into LLVM's name there), and into the standard library's metadata, where rustc compares it. Nothing can
/// be linked with it: the version is in the names of symbols.
pub fn toolchain_of_another_version(copy: &Path, release: &str, other: &str) {
    copy_of_the_toolchain(copy);
    let (old, new) = (release.replace('.', "\\."), other);
    let write = |rule: &str, directory: &Path, beginning: &str| {
        let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let files = names.filter(|path| {
            path.is_file() && path.file_name().unwrap().to_str().unwrap().starts_with(beginning)
        });
        // `sed -i` makes new files: the links' other ends stay as they are.
        text_of(Command::new("sed").env("LC_ALL", "C").args(["-b", "-i", "-e", rule]).args(files));
    };
    write(&format!("s/\\([^-]\\){old}/\\1{new}/g"), &copy.join("lib"), "librustc_driver");
    write(&format!("s/rustc {old} (/rustc {new} (/g"), some_library(copy).parent().unwrap(), "lib");
}

impl Space {
    pub fn new() -> Space {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for made in ["home", "out"] {
            std::fs::create_dir(root.join(made)).unwrap();
        }
        Space { directory, root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub fn write(&self, relative: &str, content: &str) {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        // What is changed within a clock tick of its use is not kept.
        std::thread::sleep(std::time::Duration::from_millis(30));
    }

    /// Every file below a directory, as text.
    pub fn files(&self, relative: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut pending = vec![self.path(relative)];
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let content = std::fs::read(&path).unwrap();
                    found.push((path.display().to_string(), String::from_utf8_lossy(&content).into_owned()));
                }
            }
        }
        found
    }

    pub fn events(&self) -> Vec<serde_json::Value> {
        let log = std::fs::read_to_string(self.path("cache/v1/events/current.jsonl")).unwrap();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn clean(&self, command: &mut Command, environment: &[(&str, &str)]) {
        command.env_clear().current_dir(&self.root);
        for name in ["PATH", "RUSTUP_TOOLCHAIN"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let rustup = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
        let rustup = rustup.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".rustup")));
        command.envs(rustup.map(|home| ("RUSTUP_HOME", home)));
        command
            .env("HOME", self.path("home"))
            .env("CARGO_HOME", self.path("home"))
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_INCREMENTAL", "0")
            .env("KILN_DIR", self.path("cache"))
            .envs(environment.iter().copied());
    }

    /// kiln, started by a process of its own, so that every call is a build.
    pub fn kiln_command(&self, args: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "\"$@\"; exit $?", "sh", env!("CARGO_BIN_EXE_kiln")]).args(args);
        self.clean(&mut command, environment);
        command
    }

    /// kiln itself, started by this process.
    pub fn direct(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
        command.args(args);
        self.clean(&mut command, &[]);
        command
    }

    pub fn kiln(&self, args: &[&str], environment: &[(&str, &str)]) -> String {
        text_of(&mut self.kiln_command(args, environment))
    }

    /// Asks this compiler for its version until the cache answers: it is identified behind the first question.
    pub fn meet(&self, rustc: &str) {
        let answered = || {
            self.kiln(&[rustc, "-vV"], &[]);
            let log = std::fs::read_to_string(self.path("cache/v1/events/current.jsonl")).unwrap_or_default();
            log.lines().next_back().is_some_and(|last| last.contains("\"outcome\":\"hit\""))
        };
        assert!((0..1000).any(|_| answered()), "{rustc} is not identified");
    }

    /// What a command says.
    pub fn tell(&self, args: &[&str]) -> String {
        self.kiln(args, &[])
    }

    pub fn rustc(&self, name: &str, args: &[&str]) {
        self.rustc_in(name, args, &[]);
    }

    /// Compiles `src/lib.rs` through kiln.
    pub fn rustc_in(&self, name: &str, args: &[&str], environment: &[(&str, &str)]) {
        let all = [&["--crate-type=lib", "src/lib.rs"], args].concat();
        self.rustc_bare(name, &all, environment);
    }

    pub fn rustc_of(&self, rustc: &str, name: &str, args: &[&str]) {
        let all = [
            rustc,
            "--crate-type=lib",
            "src/lib.rs",
            "--crate-name",
            name,
            "--edition=2024",
            "--out-dir",
            "out",
        ];
        self.kiln(&[&all, args].concat(), &[]);
    }

    pub fn rustc_bare(&self, name: &str, args: &[&str], environment: &[(&str, &str)]) {
        let compiler = rustc();
        let emit: &[&str] = if args.iter().any(|a| a.starts_with("--emit")) {
            &[]
        } else {
            &["--emit=link,metadata,dep-info"]
        };
        let all = [compiler.as_str(), "--crate-name", name, "--edition=2024", "--out-dir", "out"];
        self.kiln(&[&all, emit, args].concat(), environment);
    }

    /// Compiles without kiln.
    pub fn plain_rustc(&self, args: &[&str]) {
        let mut command = Command::new(rustc());
        command.args(args);
        self.clean(&mut command, &[]);
        text_of(&mut command);
    }

    /// Makes `liblook.so`, able to do this step.
    pub fn with_macro(&self, step: &str) {
        let wanted = SUSPICIOUS.iter().filter(|line| line.starts_with(&format!("\"{step}\"")));
        let wanted: String = wanted.copied().collect();
        self.write("look.rs", &MACRO.replace("OTHER", &wanted));
        self.plain_rustc(&["--edition=2024", "--crate-type=proc-macro", "--crate-name=look", "look.rs"]);
    }

    /// Three packages in a row: app, mid, leaf.
    pub fn workspace(&self) {
        self.write("Cargo.toml", "[workspace]\nmembers = [\"app\", \"mid\", \"leaf\"]\nresolver = \"3\"\n");
        for (name, dependency) in [("leaf", ""), ("mid", "leaf"), ("app", "mid")] {
            let dependency = match dependency {
                "" => String::new(),
                of => format!("{of} = {{ path = \"../{of}\" }}"),
            };
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[features]\nx = []\n[dependencies]\n{dependency}\n"
            );
            self.write(&format!("{name}/Cargo.toml"), &manifest);
        }
        self.write("leaf/src/lib.rs", "pub fn leaf() -> u32 { 1 }");
        self.write("mid/src/lib.rs", "pub fn mid() -> u32 { leaf::leaf() }");
        self.write("app/src/main.rs", "fn main() { println!(\"{}\", mid::mid()); }");
    }

    pub fn cargo_command(&self, args: &[&str]) -> Command {
        self.cargo_of("cargo".as_ref(), args)
    }

    /// The same with the cargo of a toolchain: rustup's lets the libraries of its own toolchain go first.
    pub fn cargo_of(&self, cargo: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(cargo);
        command.args(args);
        self.clean(&mut command, &[]);
        command.env("RUSTC_WRAPPER", env!("CARGO_BIN_EXE_kiln"));
        command.env("KILN_PREFILL", "false"); // nobody takes snapshots behind a test's back
        command
    }

    pub fn cargo(&self, args: &[&str]) {
        text_of(&mut self.cargo_command(args));
    }
}
