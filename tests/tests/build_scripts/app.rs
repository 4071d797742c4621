//! A package with a build script, built with kiln and without.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_testkit::{Outcome, Project, TestSpace, run};
use kiln_tests::projects::workspace;

/// What every script here begins with.
pub const PRELUDE: &str = r##"#![allow(unused)]
use std::{env, fs, io::{self, Read, Write}, path::{Path, PathBuf}, process::{Command, Stdio}};
use std::os::unix::fs::PermissionsExt;

fn out() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").unwrap())
}

/// What the program is to print.
fn tell(seen: impl AsRef<[u8]>) {
    fs::write(out().join("seen"), seen).unwrap();
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    format!("{} {:?}", String::from_utf8_lossy(&text), output.status.code())
}

fn succeeds(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn main() {
"##;

pub const PRINTS: &str = "fn main() {\n    print!(\"{}\", String::from_utf8_lossy(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/seen\"))));\n}\n";

pub const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

/// A package with a build script, and the environment that it is built in.
pub struct App<'a> {
    pub project: Project<'a>,
    pub env: Vec<(OsString, OsString)>,
    pub args: Vec<&'a str>,
    /// The program, if there is one.
    pub program: Option<&'a str>,
    pub way: Way,
}

/// How kiln is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Cargo asks for every unit and runs every script.
    Asked,
    /// `kiln cargo`, which may fill an empty target directory before cargo looks.
    Filled,
}

/// What came of a build.
#[derive(Debug)]
pub struct Built {
    pub outcome: Outcome,
    /// What was told of the runs of build scripts.
    pub runs: Vec<String>,
    pub made: Made,
}

/// What a build made, as far as build scripts matter.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    pub code: Option<i32>,
    pub prints: String,
    pub warnings: Vec<String>,
    /// What each script said, and all that it left in `OUT_DIR`: permissions and bytes.
    pub left: BTreeMap<PathBuf, (u32, String)>,
}

impl Built {
    /// How many runs were told to have ended so.
    pub fn outcomes(&self, outcome: &str) -> usize {
        let word = format!("\"outcome\":\"{outcome}\"");
        self.runs.iter().filter(|line| line.contains(&word)).count()
    }
}

pub fn app<'a>(space: &'a TestSpace, script: &str) -> App<'a> {
    app_in(space, "app", script)
}

/// A package whose script is this, and whose program prints what the script tells.
pub fn app_in<'a>(space: &'a TestSpace, directory: impl AsRef<Path>, script: &str) -> App<'a> {
    let project = space.project(directory);
    project.write("Cargo.toml", MANIFEST).write("src/main.rs", PRINTS);
    let app =
        App { project, env: Vec::new(), args: vec!["build"], program: Some("debug/app"), way: Way::Asked };
    app.script(script);
    app
}

/// Two packages: the script of one tells the other's what a file says, by `links`.
pub fn links_app(space: &TestSpace) -> App<'_> {
    let app = app(space, "");
    app.project.remove("build.rs").remove("src");
    app.project
        .write("Cargo.toml", workspace(&["low", "app"]))
        .write("low/Cargo.toml", format!("{}links = \"low\"\n", MANIFEST.replace("app", "low")))
        .write("low/build.rs", "fn main() {\n    println!(\"cargo:include={}\", std::fs::read_to_string(\"where\").unwrap());\n}\n")
        .write("low/where", "here")
        .write("low/src/lib.rs", "")
        .write("app/Cargo.toml", format!("{MANIFEST}\n[dependencies]\nlow = {{ path = \"../low\" }}\n"))
        .write("app/build.rs", format!("{PRELUDE}tell(env::var(\"DEP_LOW_INCLUDE\").unwrap());\n}}\n"))
        .write("app/src/main.rs", PRINTS);
    app
}

impl App<'_> {
    pub fn script(&self, body: &str) {
        self.project.write("build.rs", format!("{PRELUDE}{body}\n}}\n"));
    }

    pub fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        self.project.write(relative, content);
    }

    pub fn remove(&self, relative: impl AsRef<Path>) {
        self.project.remove(relative);
    }

    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.unset(&name);
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
    }

    pub fn unset(&mut self, name: impl AsRef<OsStr>) {
        self.env.retain(|(known, _)| known != name.as_ref());
    }

    pub fn space(&self) -> &TestSpace {
        self.project.space()
    }

    /// `kiln cargo …` as it would be started; without filling, plain cargo behind the wrapper.
    pub fn kiln(&self) -> Command {
        let mut command = match self.way {
            Way::Filled => self.space().kiln(&["cargo"]),
            Way::Asked => {
                let mut cargo = self.space().command("cargo");
                self.space().wrap(&mut cargo);
                cargo.env("KILN_PREFILL", "false");
                cargo
            }
        };
        command.args(&self.args).current_dir(self.project.dir());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// All that was told of runs of build scripts.
    pub fn events(&self) -> Vec<String> {
        let log = self.space().cache().join("v1/events/current.jsonl");
        let text = fs::read_to_string(log).unwrap_or_default();
        text.lines()
            .filter(|line| line.contains("\"kind\":\"build-script-run\""))
            .map(str::to_owned)
            .collect()
    }

    /// Built through kiln in what is there.
    #[track_caller]
    pub fn again(&self, command: &mut Command) -> Built {
        let before = self.events().len();
        let outcome = run(command);
        let runs = self.events().split_off(before);
        Built { made: self.made(&outcome), outcome, runs }
    }

    /// Built through kiln from an empty target directory.
    #[track_caller]
    pub fn build(&self) -> Built {
        self.project.clean();
        self.again(&mut self.kiln())
    }

    /// What plain cargo makes from an empty target directory.
    #[track_caller]
    pub fn plainly(&self) -> Made {
        self.project.clean().aside(|project| {
            let call = project.plain(&self.args);
            let call = self.env.iter().fold(call, |call, (name, value)| call.env(name, value));
            self.made(&call.run())
        })
    }

    #[track_caller]
    pub fn made(&self, outcome: &Outcome) -> Made {
        let prints = self.program.filter(|_| outcome.success()).map(|program| self.project.prints(program));
        Made {
            code: outcome.status.code(),
            prints: prints.unwrap_or_default(),
            warnings: outcome.diagnostics(),
            left: left(self.project.target()),
        }
    }

    /// What plain cargo makes and what is built through kiln are the same.
    #[track_caller]
    pub fn right(&self) -> Built {
        let expected = self.plainly();
        let built = self.build();
        assert!(built.outcome.success(), "{}", built.outcome);
        same(&built, &expected);
        built
    }

    /// Built once more from an empty target directory: what is there is `expected`, and no script ran.
    #[track_caller]
    pub fn hits(&self, expected: &Made) {
        let built = self.build();
        assert_eq!(&built.made, expected, "left: now, right: before; {:#?}", built.runs);
        let (hits, runs) = (built.outcomes("hit"), built.runs.len());
        assert!(hits == runs && hits > 0, "all runs must be hits:\n{}", built.runs.join("\n"));
    }
}

#[track_caller]
pub fn same(built: &Built, expected: &Made) {
    let shown = || format!("{}\n{}", built.outcome, built.runs.join("\n"));
    assert_eq!(&built.made, expected, "left: built through kiln, right: by plain cargo\n{}", shown());
}

/// What each build script below a target directory said and left.
pub fn left(target: &Path) -> BTreeMap<PathBuf, (u32, String)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![target.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            let relative = path.strip_prefix(target).expect("below").to_owned();
            let of_run = directory.parent().is_some_and(|above| above.ends_with("build"));
            let prints = of_run && ["output", "stderr"].map(OsString::from).contains(&entry.file_name());
            let is_out = relative.components().any(|part| part.as_os_str() == "out");
            if kind.is_dir() && !kind.is_symlink() {
                pending.push(path.clone());
            }
            if is_out || prints {
                let mode = fs::symlink_metadata(&path).expect("metadata").permissions().mode();
                let content = match (kind.is_file(), kind.is_symlink()) {
                    (true, _) => fs::read(&path).expect("read").escape_ascii().to_string(),
                    (_, true) => format!("to {:?}", fs::read_link(&path).expect("a link")),
                    _ => String::new(),
                };
                found.insert(relative, (mode, content));
            }
        }
    }
    found
}

/// The same twice, then after an edit, then after the way back: always what plain cargo makes, and found again where nothing changed.
#[track_caller]
pub fn follows(app: &mut App<'_>, edit: impl FnOnce(&mut App<'_>), undo: impl FnOnce(&mut App<'_>)) {
    let first = app.right();
    app.hits(&first.made);
    edit(app);
    let other = app.right();
    assert_ne!(other.made, first.made, "an edit that does not matter proves nothing");
    undo(app);
    let back = app.right();
    assert_eq!(back.made, first.made, "left: after the way back");
    app.hits(&first.made);
}

/// The same where it is no loss if the run is not kept.
#[track_caller]
pub fn follows_at_least(app: &mut App<'_>, edit: impl FnOnce(&mut App<'_>), undo: impl FnOnce(&mut App<'_>)) {
    let first = app.right();
    assert_eq!(app.build().made, first.made);
    edit(app);
    let other = app.right();
    assert_ne!(other.made, first.made, "an edit that does not matter proves nothing");
    undo(app);
    assert_eq!(app.right().made, first.made);
}

/// Never found again, and always what plain cargo makes, as far as that is the same from run to run.
#[track_caller]
pub fn never_kept(app: &App<'_>, same_every_time: bool) {
    let expected = app.plainly();
    for _ in 0..3 {
        let built = app.build();
        if same_every_time {
            same(&built, &expected);
        }
        assert_eq!(built.made.code, expected.code, "{}", built.outcome);
        assert_eq!(built.outcomes("hit"), 0, "must never be a hit:\n{}", built.runs.join("\n"));
        assert_eq!(built.outcomes("miss"), 0, "must not be kept:\n{}", built.runs.join("\n"));
        assert!(!built.runs.is_empty(), "nothing is told of the run");
    }
}

pub fn executable(path: &Path, executable: bool) {
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// The tester's PATH behind these directories.
pub fn path_behind(directories: &[&Path]) -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = directories.iter().map(|path| (*path).to_owned()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).expect("a PATH")
}
