//! Finding the executables that are compared, and building the replay tool.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::environment::Environment;
use super::options::Common;
use super::tools::{Home, Tool};
use super::{Outcome, files, measure};

/// The replay tool starts as fast as a program can: static, and without relocations.
const STATIC_FLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static";

/// Everything needed to run any tool.
pub struct Kit {
    /// What measured commands start from.
    pub environment: Environment,
    /// The workspace this belongs to.
    pub workspace: PathBuf,
    /// Where lanes are laid out.
    pub work: PathBuf,
    kiln: PathBuf,
    target: PathBuf,
}

impl Kit {
    /// Asks cargo where things are.
    pub fn assemble(common: &Common) -> Outcome<Self> {
        let target = cargo_says("target_directory")?;
        let kiln = common.kiln.clone().unwrap_or_else(|| target.join("release/kiln"));
        let work = common.work.clone().unwrap_or_else(|| env::temp_dir().join("kiln-bench"));
        files::make(&work)?;
        Ok(Self {
            environment: Environment::clean(),
            workspace: cargo_says("workspace_root")?,
            work: work.canonicalize().map_err(files::about(&work))?,
            kiln: std::path::absolute(&kiln).map_err(files::about(&kiln))?,
            target,
        })
    }

    /// The tools that can take part, each with its executable; for every other one a line says why not.
    pub fn muster(&self, tools: &[Tool]) -> Vec<(Tool, PathBuf)> {
        let mut present = Vec::new();
        for &tool in tools {
            match self.program(tool) {
                Ok(program) => present.push((tool, program)),
                Err(reason) => eprintln!("bench: {} is left out: {reason}", tool.name()),
            }
        }
        present
    }

    /// A tool's executable; for plain cargo an empty path.
    pub fn program(&self, tool: Tool) -> Outcome<PathBuf> {
        match tool {
            Tool::Plain => Ok(PathBuf::new()),
            Tool::Kiln => existing(self.kiln.clone(), "build it with `cargo build --release` or pass --kiln"),
            Tool::Replay => Ok(self.build_replay()?.join("kiln-replay")),
            Tool::Sccache | Tool::Kache | Tool::Mbx => self.rival(tool.name()),
        }
    }

    /// A tool with an empty cache of its own below `root`.
    pub fn home(&self, tool: Tool, root: &Path) -> Outcome<Home> {
        let home = Home { program: self.program(tool)?, cache: root.join(tool.name()) };
        files::make(&home.cache).map(|()| home)
    }

    /// The small program that reports a command's peak memory.
    pub fn peak(&self) -> Outcome<PathBuf> {
        Ok(self.build_replay()?.join("kiln-peak"))
    }

    /// What an executable says of its version.
    pub fn version(&self, program: &Path) -> String {
        let output = measure::output(self.environment.command(program).arg("--version")).unwrap_or_default();
        output.lines().next().unwrap_or("unknown").to_owned()
    }

    fn rival(&self, name: &str) -> Outcome<PathBuf> {
        if let Some(folder) = env::var_os("KILN_BENCH_PEERS") {
            let program = PathBuf::from(folder).join(name).join("bin").join(name);
            return existing(program, "KILN_BENCH_PEERS holds no such executable");
        }
        self.environment.find(name).ok_or_else(|| {
            format!("not on PATH (install it with `cargo install {name}`, or set KILN_BENCH_PEERS)")
        })
    }

    /// Builds the replay package and returns the folder of its executables.
    fn build_replay(&self) -> Outcome<PathBuf> {
        let host = self.host()?;
        let mut build = self.environment.cargo();
        build.args(["build", "--quiet", "--release", "--package", "kiln-replay", "--target", &host]);
        build.env("RUSTFLAGS", STATIC_FLAGS).env("CARGO_TARGET_DIR", &self.target);
        measure::output(build.current_dir(&self.workspace))?;
        Ok(self.target.join(host).join("release"))
    }

    fn host(&self) -> Outcome<String> {
        let version = measure::output(self.environment.command("rustc").arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        host.map(str::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
    }
}

/// This workspace's target directory.
pub fn target() -> Outcome<PathBuf> {
    cargo_says("target_directory")
}

/// A path of `cargo metadata`.
fn cargo_says(field: &str) -> Outcome<PathBuf> {
    let manifest = env::var("CARGO_MANIFEST_DIR").map_err(|_| "run this as `cargo xtask`")?;
    let metadata = measure::output(
        Command::new(cargo())
            .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
            .current_dir(manifest),
    )?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    Ok(PathBuf::from(metadata[field].as_str().unwrap_or(".")))
}

fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

fn existing(program: PathBuf, hint: &str) -> Outcome<PathBuf> {
    if program.is_file() { Ok(program) } else { Err(format!("{} does not exist: {hint}", program.display())) }
}
