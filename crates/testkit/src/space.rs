//! A temporary directory with a cache, a home and projects of its own.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::binary;
use crate::cargo::{Cargo, Toolchain};
use crate::outcome::{Outcome, run};
use crate::stats::Stats;
use crate::tree;

/// What a build may know of the machine; everything else in the tester's environment is left out.
const KEPT: [&str; 4] = ["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_AUTO_INSTALL"];

/// One temporary directory: projects, home, TMPDIR and KILN_DIR are all inside, and it is removed at the end.
pub struct TestSpace {
    root: TempDir,
    cache: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Default for TestSpace {
    fn default() -> Self {
        Self::new()
    }
}

impl TestSpace {
    /// A new space in the system's temporary directory.
    pub fn new() -> Self {
        Self::inside(&std::env::temp_dir())
    }

    /// A new space below `parent`, to have it on another file system.
    pub fn inside(parent: &Path) -> Self {
        let root =
            tempfile::Builder::new().prefix("kiln-test-").tempdir_in(parent).expect("a temporary directory");
        for dir in ["home", "tmp", "cargo-home"] {
            fs::create_dir(root.path().join(dir)).expect("mkdir");
        }
        let cache = root.path().join("cache");
        Self { root, cache, env: Vec::new() }
    }

    /// The directory everything is in.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path in it.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root().join(relative)
    }

    /// KILN_DIR.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Another KILN_DIR from here on.
    pub fn set_cache(&mut self, cache: impl Into<PathBuf>) {
        self.cache = cache.into();
    }

    /// Sets a variable for everything started from here on.
    pub fn set_env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        write(&path, content.as_ref());
        path
    }

    /// Writes an executable script, with the directories above it.
    pub fn script(&self, relative: impl AsRef<Path>, content: &str) -> PathBuf {
        let path = self.write(relative, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        path
    }

    /// A process in the scrubbed environment, without kiln.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.root());
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(home) = std::env::var_os("HOME").filter(|_| std::env::var_os("RUSTUP_HOME").is_none()) {
            command.env("RUSTUP_HOME", Path::new(&home).join(".rustup"));
        }
        command
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("CARGO_HOME", self.path("cargo-home"))
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TERM_COLOR", "never");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes kiln the wrapper of a cargo call in this space's cache.
    pub fn wrap(&self, command: &mut Command) {
        command.env("RUSTC_WRAPPER", binary::kiln()).env("KILN_DIR", &self.cache);
    }

    /// A call of kiln itself.
    pub fn kiln(&self, args: &[&str]) -> Command {
        let mut command = self.command(binary::kiln());
        command.env("KILN_DIR", &self.cache).args(args);
        command
    }

    /// Asks rustc a question through kiln until the answer is from the cache: the first one is the compiler's own, which is
    /// identified behind it.
    #[track_caller]
    pub fn meet(&self, ask: &dyn Fn() -> Command) {
        const TRIES: u32 = 1000;
        for _ in 0..TRIES {
            let before = self.stats().hits;
            run(&mut ask()).ok();
            if self.stats().hits > before {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the compiler is not identified");
    }

    /// Whoever identifies or compiles something waits as long as this lives.
    pub fn hold_units_in_flight(&self) -> File {
        let path = self.cache.join("v1/flights.lock");
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        let file = File::create(&path).expect("a file of locks");
        rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
        file
    }

    /// The cache's totals.
    #[track_caller]
    pub fn stats(&self) -> Stats {
        Stats::parse(&run(&mut self.kiln(&["stats", "--json"])).ok().out())
    }

    /// What happened since `earlier`.
    #[track_caller]
    pub fn since(&self, earlier: &Stats) -> Stats {
        &self.stats() - earlier
    }

    /// A project in this directory, which need not exist yet.
    pub fn project(&self, relative: impl AsRef<Path>) -> Project<'_> {
        let dir = self.path(relative);
        fs::create_dir_all(&dir).expect("mkdir");
        Project { space: self, target: dir.join("target"), foreign_target: false, dir }
    }
}

/// One checkout: a directory with a Cargo.toml, built into its `target` unless a test sets another directory.
#[derive(Clone)]
pub struct Project<'a> {
    space: &'a TestSpace,
    dir: PathBuf,
    target: PathBuf,
    foreign_target: bool,
}

impl<'a> Project<'a> {
    /// The space it is in.
    pub fn space(&self) -> &'a TestSpace {
        self.space
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path in it.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.join(relative)
    }

    /// Where cargo builds.
    pub fn target(&self) -> &Path {
        &self.target
    }

    pub(crate) fn has_foreign_target(&self) -> bool {
        self.foreign_target
    }

    /// The same checkout built into another target directory (CARGO_TARGET_DIR).
    pub fn with_target(&self, target: impl Into<PathBuf>) -> Self {
        Self { target: target.into(), foreign_target: true, ..self.clone() }
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        write(&self.path(relative), content.as_ref());
        self
    }

    /// Reads a file as text.
    pub fn read(&self, relative: impl AsRef<Path>) -> String {
        let path = self.path(relative);
        String::from_utf8_lossy(&fs::read(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"))).into_owned()
    }

    /// Removes a file or a directory.
    pub fn remove(&self, relative: impl AsRef<Path>) -> &Self {
        let path = self.path(relative);
        let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        gone.unwrap_or_else(|e| panic!("{path:?}: {e}"));
        self
    }

    /// Renames, with the directories above the new name; times stay.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> &Self {
        let to = self.path(to);
        fs::create_dir_all(to.parent().expect("a parent")).expect("mkdir");
        fs::rename(self.path(from), to).expect("rename");
        self
    }

    /// Sets a file's mtime to now.
    pub fn touch(&self, relative: impl AsRef<Path>) -> &Self {
        let file = File::options().append(true).open(self.path(relative)).expect("touch");
        file.set_modified(SystemTime::now()).expect("touch");
        self
    }

    /// Cargo with kiln as its wrapper.
    pub fn cargo(&self, args: &[&str]) -> Cargo<'_> {
        Cargo::new(self, args, true)
    }

    /// Plain cargo.
    pub fn plain(&self, args: &[&str]) -> Cargo<'_> {
        Cargo::new(self, args, false)
    }

    /// `kiln rustc ...` in the project's directory, as cargo would call it.
    pub fn rustc(&self, args: &[&str]) -> Command {
        let mut command = self.space.kiln(&[]);
        command.arg(Toolchain::rustc()).args(args).current_dir(&self.dir);
        command
    }

    /// rustc itself in the project's directory.
    pub fn plain_rustc(&self, args: &[&str]) -> Command {
        let mut command = self.space.command(Toolchain::rustc());
        command.args(args).current_dir(&self.dir);
        command
    }

    /// Removes the target directory.
    pub fn clean(&self) -> &Self {
        if self.target.exists() {
            fs::remove_dir_all(&self.target).expect("rm -r target");
        }
        self
    }

    /// A built program, such as `debug/app`.
    pub fn built(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// Runs a built program, such as `debug/app`.
    #[track_caller]
    pub fn run(&self, relative: &str) -> Outcome {
        run(self.space.command(self.built(relative)).current_dir(&self.dir))
    }

    /// What a built program prints; it must succeed.
    #[track_caller]
    pub fn prints(&self, relative: &str) -> String {
        self.run(relative).ok().out()
    }

    /// A second checkout: everything but `target`, with new inodes and times.
    pub fn copy_to(&self, relative: impl AsRef<Path>) -> Self {
        let dir = self.space.path(relative);
        tree::copy(&self.dir, &dir);
        Self { space: self.space, target: dir.join("target"), foreign_target: false, dir }
    }

    /// Does something in the same checkout with an empty target directory at the same path (paths are baked into
    /// what is built, so a build elsewhere would prove nothing), then puts the real target directory back.
    pub fn aside<T>(&self, act: impl FnOnce(&Self) -> T) -> T {
        let name = self.target.file_name().expect("a name").to_string_lossy().into_owned();
        let saved = self.target.with_file_name(format!("{name}.saved"));
        let had_one = self.target.exists();
        if had_one {
            fs::rename(&self.target, &saved).expect("set target aside");
        }
        let result = act(self);
        self.clean();
        if had_one {
            fs::rename(&saved, &self.target).expect("put target back");
        }
        result
    }

    /// What plain cargo does from an empty target directory, and what `look` sees in the result.
    pub fn oracle<T>(&self, args: &[&str], look: impl FnOnce(&Self, &Outcome) -> T) -> T {
        self.aside(|project| {
            let outcome = project.plain(args).run();
            look(project, &outcome)
        })
    }

    /// Panics unless cargo finds nothing to do, with kiln and without.
    #[track_caller]
    pub fn assert_fresh(&self, args: &[&str]) {
        let verbose = [args, &["-v"]].concat();
        self.assert_fresh_after(self.cargo(&verbose));
    }

    /// Panics unless this (verbose) call finds nothing to do.
    #[track_caller]
    pub fn assert_fresh_after(&self, call: Cargo<'_>) {
        let outcome = call.ok();
        let err = outcome.err();
        let work: Vec<_> = err.lines().filter(|line| is_work(line.trim_start())).collect();
        assert!(work.is_empty(), "not all fresh:\n{}", work.join("\n"));
        assert!(err.contains("Fresh "), "was anything looked at?\n{outcome}");
    }

    /// How many rustc units a verbose cargo call started.
    pub fn units(outcome: &Outcome) -> i64 {
        let unit = |line: &&str| line.trim_start().starts_with("Running `") && is_unit(line);
        outcome.err().lines().filter(unit).count() as i64
    }
}

/// Whether cargo tells of work by this line: tests and programs that it runs are none.
fn is_work(line: &str) -> bool {
    let runs_a_step = is_unit(line) || line.contains("build-script-build");
    ["Dirty ", "Compiling ", "Checking "].iter().any(|start| line.starts_with(start))
        || line.starts_with("Running `") && runs_a_step
}

/// Whether a call that cargo tells of is one of rustc: rustdoc's (doctests) are nobody's unit.
fn is_unit(line: &str) -> bool {
    line.contains("--crate-name ") && !line.contains("bin/rustdoc ")
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    fs::write(path, content).unwrap_or_else(|e| panic!("{path:?}: {e}"));
}
