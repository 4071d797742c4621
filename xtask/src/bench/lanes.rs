//! A lane: one tool's own copy of the sources, its cache and its daemon.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::measure::{self, Usage};
use super::options::Incremental;
use super::stats::Counts;
use super::tools::{Home, Tool};
use super::{Outcome, files};

/// Lines of a failed build's output that are shown.
const LAST_WORDS: usize = 15;

/// What all lanes of a project have in common.
pub struct Course {
    /// The cleaned environment.
    pub environment: Environment,
    /// The sources every lane is a copy of.
    pub origin: PathBuf,
    /// Arguments after `cargo build`.
    pub cargo_args: Vec<String>,
    pub incremental: Incremental,
    /// Whether kiln maps workspace paths.
    pub remap: bool,
}

/// The cargo commands that are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Build,
    Check,
}

impl Verb {
    /// cargo's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Check => "check",
        }
    }
}

/// One tool at work on one project.
pub struct Lane<'a> {
    pub tool: Tool,
    /// The command whose results cache and target now hold.
    pub holds: Option<Verb>,
    /// Why this lane was given up.
    pub failure: Option<String>,
    course: &'a Course,
    home: Home,
    root: PathBuf,
}

impl<'a> Lane<'a> {
    /// Copies the sources. `root` should be equally long for all lanes: paths end up in outputs.
    pub fn open(course: &'a Course, (tool, program): (Tool, PathBuf), root: PathBuf) -> Outcome<Self> {
        files::renew(&root)?;
        let home = Home { program, cache: root.join("cache") };
        let lane = Self { tool, holds: None, failure: None, course, home, root };
        files::copy_sources(&course.origin, &lane.sources())?;
        lane.empty_cache()?;
        Ok(lane)
    }

    /// The first checkout.
    pub fn sources(&self) -> PathBuf {
        self.root.join("src")
    }

    /// Another checkout, at a path that no round before has used.
    pub fn elsewhere(&self, round: usize) -> Outcome<PathBuf> {
        let directory = self.root.join("elsewhere").join(format!("other-{round:03}")).join("src");
        self.put_aside(&directory)?;
        files::copy_sources(&self.course.origin, &directory)?;
        Ok(directory)
    }

    /// Forgets all results. The daemon must not be running.
    pub fn empty_cache(&self) -> Outcome<()> {
        for directory in [self.home.cache.clone(), self.home.runtime()] {
            self.put_aside(&directory)?;
            files::make(&directory)?;
        }
        Ok(())
    }

    /// Removes a checkout's build products.
    pub fn clean(&self, checkout: &Path) -> Outcome<()> {
        self.put_aside(&checkout.join("target"))
    }

    /// Takes a directory away.
    pub fn put_aside(&self, directory: &Path) -> Outcome<()> {
        files::put_aside(directory, &self.root.join("aside"))
    }

    /// Starts the daemon, if there is one.
    pub fn start(&self) {
        self.tool.start(&self.dressed(), &self.home.program);
    }

    /// Stops it.
    pub fn stop(&self) {
        self.tool.stop(&self.dressed(), &self.home.program);
    }

    /// One cargo command in a checkout. Its output is in the log afterwards.
    pub fn cargo(&self, verb: Verb, checkout: &Path) -> Outcome<Usage> {
        let mut command = self.command();
        command.arg(verb.name()).args(["--offline", "--locked", "--verbose"]);
        command.args(&self.course.cargo_args).current_dir(checkout);
        command.env("CARGO_TARGET_DIR", checkout.join("target"));
        if self.tool == Tool::Replay && self.holds != Some(verb) {
            command.env("REPLAY_MODE", "record");
        }
        let log = files::create(&self.log())?;
        let copy = log.try_clone().map_err(files::about(&self.log()))?;
        command.stdin(std::process::Stdio::null()).stdout(copy).stderr(log);
        measure::settle();
        let daemon_before = measure::daemon_cpu_s(&self.home.program);
        let mut usage = measure::run(&mut command).map_err(|error| format!("cargo: {error}"))?;
        usage.cpu_s += (measure::daemon_cpu_s(&self.home.program) - daemon_before).max(0.0);
        if usage.code == Some(0) { Ok(usage) } else { Err(self.last_words(&usage)) }
    }

    /// The units that the last command compiled or found dirty, as cargo named them.
    pub fn not_fresh(&self) -> Outcome<Vec<String>> {
        let log = files::read(&self.log())?;
        Ok(not_fresh(&String::from_utf8_lossy(&log)))
    }

    /// The tool's own counts so far.
    pub fn counts(&self) -> Option<Counts> {
        match self.tool {
            Tool::Kiln => Counts::of_kiln(&self.dressed(), &self.home.program),
            Tool::Replay => Some(Counts::of_replay(&self.home.cache)),
            Tool::Plain | Tool::Sccache | Tool::Kache | Tool::Mbx => None,
        }
    }

    fn command(&self) -> std::process::Command {
        match self.tool {
            Tool::Mbx => self.dressed().command(&self.home.program),
            _ => self.dressed().cargo(),
        }
    }

    fn dressed(&self) -> Environment {
        let mut dressed = self.tool.dress(&self.course.environment, &self.home);
        if self.course.incremental == Incremental::Off {
            dressed.set("CARGO_INCREMENTAL", "0");
        }
        if self.course.remap && self.tool == Tool::Kiln {
            dressed.set("KILN_REMAP", "1");
        }
        dressed
    }

    fn log(&self) -> PathBuf {
        self.root.join("last.log")
    }

    fn last_words(&self, usage: &Usage) -> String {
        let log = files::read(&self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n");
        let code = usage.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        format!("the build ended with {code}:\n{shown}")
    }
}

/// `Dirty` lines say why; a unit that was never built has only a `Compiling` or `Checking` line.
fn not_fresh(log: &str) -> Vec<String> {
    let starting = |words: &[&str]| -> Vec<String> {
        let lines = log.lines().map(str::trim_start);
        lines.filter(|line| words.iter().any(|word| line.starts_with(word))).map(str::to_owned).collect()
    };
    let dirty = starting(&["Dirty "]);
    if dirty.is_empty() { starting(&["Compiling ", "Checking "]) } else { dirty }
}

#[cfg(test)]
mod tests {
    use super::not_fresh;

    #[test]
    fn dirty_lines_count_once_and_compiling_lines_only_without_them() {
        let log = "       Fresh a v1\n       Dirty b v1: stale\n   Compiling b v1\n    Finished";
        assert_eq!(not_fresh(log), ["Dirty b v1: stale"]);
        assert_eq!(not_fresh("   Compiling b v1"), ["Compiling b v1"]);
        assert!(not_fresh("       Fresh a v1").is_empty());
    }
}
