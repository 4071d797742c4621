//! Compiles of C through kiln, each held against the bare compiler in the very same place: exit code, both streams, and
//! every file that is there afterwards.
//!
//! [`Site::compile`] runs the bare compiler first, notes what it left, puts everything back as it was and then runs the same
//! command line through kiln. Paths are therefore the same in both, and sources are never touched in between.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_testkit::{Outcome, TestSpace, run_with_input};

pub mod history;
pub mod projects;

/// Whether a program is on `$PATH`.
pub fn there_is(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Whether a program is on `$PATH`; says so where it is not, for then a test proves nothing.
pub fn has(program: &str) -> bool {
    let there = there_is(program);
    if !there {
        eprintln!("SKIPPED: there is no {program} here");
    }
    there
}

/// The C compilers of this machine: gcc always, clang where it is installed.
pub fn compilers() -> Vec<&'static str> {
    if has("clang") { vec!["gcc", "clang"] } else { vec!["gcc"] }
}

/// Whether a compiler takes these arguments for a C source with this text.
pub fn takes(space: &TestSpace, compiler: &str, args: &[&str], source: &str) -> bool {
    let file = space.write("home/takes.c", source);
    let mut command = space.command(compiler);
    command.args(args).arg("-c").arg(file).arg("-o").arg(space.path("home/takes.o"));
    run_with_input(&mut command, b"").success()
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// Served from the cache.
    Hit,
    /// Compiled and kept.
    Miss,
    /// Compiled and not kept, or run unchanged; with the reason.
    Bypass(String),
    /// The compiler failed.
    Failed,
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Did::Hit => f.write_str("hit"),
            Did::Miss => f.write_str("miss"),
            Did::Bypass(reason) => write!(f, "bypass ({reason})"),
            Did::Failed => f.write_str("failed"),
        }
    }
}

/// Something in a directory.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    /// A file: its bytes and permissions.
    File(Vec<u8>, u32),
    /// A symbolic link.
    Link(PathBuf),
    /// A directory.
    Directory,
    /// A pipe or the like.
    Other,
}

/// Everything below a directory.
pub type Items = BTreeMap<PathBuf, Item>;

/// One directory with sources, and how compilers are called there.
#[derive(Clone)]
pub struct Site<'a> {
    space: &'a TestSpace,
    /// Where compilers run.
    pub directory: PathBuf,
    /// Variables, on top of the space's.
    pub variables: Vec<(OsString, OsString)>,
    /// What is on standard input.
    pub input: Vec<u8>,
    /// What kiln adds to the command line by a setting, and the oracle is given, unless kiln runs the compiler unchanged.
    pub added: Vec<OsString>,
}

/// Names in the space that are nobody's outputs.
const ASIDE: [&str; 6] = ["home", "tmp", "cargo-home", "cache", "events", "aside"];

impl<'a> Site<'a> {
    /// The directory below the space, which need not exist yet.
    pub fn new(space: &'a TestSpace, directory: impl AsRef<Path>) -> Self {
        let directory = space.path(directory);
        fs::create_dir_all(&directory).expect("mkdir");
        Self { space, directory, variables: Vec::new(), input: Vec::new(), added: Vec::new() }
    }

    /// The space.
    pub fn space(&self) -> &'a TestSpace {
        self.space
    }

    /// A path in it.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.directory.join(relative)
    }

    /// The same as text.
    pub fn text(&self, relative: impl AsRef<Path>) -> String {
        self.path(relative).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        fs::write(&path, content).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        self
    }

    /// Removes a file, a link or a directory.
    pub fn remove(&self, relative: impl AsRef<Path>) -> &Self {
        remove(&self.path(relative));
        self
    }

    /// Renames; times stay.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> &Self {
        fs::rename(self.path(from), self.path(to)).expect("rename");
        self
    }

    /// Makes a symbolic link.
    pub fn link(&self, to: impl AsRef<Path>, at: impl AsRef<Path>) -> &Self {
        symlink(to, self.path(at)).expect("symlink");
        self
    }

    /// The same with a variable set.
    pub fn with(&self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let mut site = self.clone();
        site.variables.push((name.into(), value.as_ref().to_owned()));
        site
    }

    /// A copy of its sources in another directory, with new inodes and times.
    pub fn copy_to(&self, relative: impl AsRef<Path>) -> Self {
        let directory = self.space.path(relative);
        kiln_testkit::tree::copy(&self.directory, &directory);
        Self { directory, ..self.clone() }
    }

    /// A call without kiln.
    pub fn bare(&self, compiler: &str, args: &[impl AsRef<OsStr>]) -> Outcome {
        let mut command = self.space.command(compiler);
        command.args(args).args(&self.added);
        self.run(&mut command)
    }

    /// A call through kiln, and what became of it.
    pub fn through(&self, compiler: &str, args: &[impl AsRef<OsStr>]) -> (Outcome, Did) {
        let mut command = self.space.kiln(&[]);
        command.arg(compiler).args(args);
        self.observed(&mut command)
    }

    /// A call that comes to kiln in some other way.
    pub fn observed(&self, command: &mut Command) -> (Outcome, Did) {
        let events = self.space.path("events");
        let _ = fs::remove_file(&events);
        command.env("KILN_EVENTS", &events);
        let outcome = self.run(command);
        (outcome, did(&fs::read_to_string(events).unwrap_or_default()))
    }

    fn run(&self, command: &mut Command) -> Outcome {
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        run_with_input(command.current_dir(&self.directory).envs(variables), &self.input)
    }

    /// Compiles with the bare compiler and through kiln; says how the two differ, or what became of it.
    pub fn compare(&self, compiler: &str, args: &[impl AsRef<OsStr>]) -> Result<Did, String> {
        let before = items(self.space.root());
        let expected = self.bare(compiler, args);
        let should = items(self.space.root());
        put_back(self.space.root(), &before, &should);
        let (got, did) = self.through(compiler, args);
        let is = items(self.space.root());
        let mut differences = Vec::new();
        if expected.status != got.status {
            differences.push(format!("it ended with {}, not with {}", got.status, expected.status));
        }
        if expected.stdout != got.stdout {
            differences.push(format!("it printed\n{}\nnot\n{}", got.out(), expected.out()));
        }
        if expected.stderr != got.stderr {
            differences.push(format!("it said\n{}\nnot\n{}", got.err(), expected.err()));
        }
        differences.extend(differing(&should, &is));
        if differences.is_empty() {
            return Ok(did);
        }
        if !self.added.is_empty() && matches!(did, Did::Bypass(_)) {
            put_back(self.space.root(), &before, &is);
            return Self { added: Vec::new(), ..self.clone() }.compare(compiler, args);
        }
        let shown: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
        let command = format!("{compiler} {} in {}", shown.join(" "), self.directory.display());
        Err(format!("{command}\nwas a {did}, and not what {compiler} does:\n{}", differences.join("\n")))
    }

    /// The same; panics where they differ.
    #[track_caller]
    pub fn compile(&self, compiler: &str, args: &[impl AsRef<OsStr>]) -> Did {
        self.compare(compiler, args).unwrap_or_else(|difference| panic!("{difference}"))
    }

    /// The same, and it must be served from the cache.
    #[track_caller]
    pub fn hits(&self, compiler: &str, args: &[impl AsRef<OsStr>]) {
        let did = self.compile(compiler, args);
        assert!(did == Did::Hit, "must be a hit: {did} ({compiler})");
    }

    /// The same, and it must be compiled and kept.
    #[track_caller]
    pub fn misses(&self, compiler: &str, args: &[impl AsRef<OsStr>]) {
        let did = self.compile(compiler, args);
        assert!(did == Did::Miss, "must be a miss: {did} ({compiler})");
    }

    /// Compiled once and then served: it is cached at all.
    #[track_caller]
    pub fn is_cached(&self, compiler: &str, args: &[impl AsRef<OsStr>]) {
        self.misses(compiler, args);
        self.hits(compiler, args);
    }

    /// Run unchanged or not kept, twice, for a reason in which these words stand.
    #[track_caller]
    pub fn is_not_cached(&self, compiler: &str, args: &[impl AsRef<OsStr>], words: &str) {
        for _ in 0..2 {
            match self.compile(compiler, args) {
                Did::Bypass(reason) if reason.contains(words) => {}
                did => panic!("must be a bypass ({words}): {did} ({compiler})"),
            }
        }
    }

    /// Not served from the cache: something has changed. Then served again.
    #[track_caller]
    pub fn notices(&self, compiler: &str, args: &[impl AsRef<OsStr>]) {
        let did = self.compile(compiler, args);
        assert!(did != Did::Hit, "what changed was not noticed ({compiler})");
        if did == Did::Miss {
            self.hits(compiler, args);
        }
    }
}

/// What the events of one call say.
fn did(events: &str) -> Did {
    let Some(event) = events.lines().last() else { return Did::Bypass("nothing told".to_owned()) };
    let field = |name: &str| {
        let rest = event.split_once(&format!("\"{name}\":\"")).map(|(_, rest)| rest)?;
        Some(rest.split('"').next().unwrap_or_default())
    };
    match field("outcome") {
        Some("hit") => Did::Hit,
        Some("miss") => Did::Miss,
        Some("failed") => Did::Failed,
        _ => Did::Bypass(format!(
            "{} {}",
            field("reason").unwrap_or_default(),
            field("detail").unwrap_or_default()
        )),
    }
}

/// Everything below the space's root that may be an output.
pub fn items(root: &Path) -> Items {
    let mut found = Items::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let own = ASIDE.iter().any(|aside| entry.file_name() == *aside) && directory == root;
            if let (Some(item), false) = (item(&path), own) {
                if item == Item::Directory {
                    pending.push(path.clone());
                }
                found.insert(path, item);
            }
        }
    }
    found
}

fn item(path: &Path) -> Option<Item> {
    let meta = fs::symlink_metadata(path).ok()?;
    Some(match meta.file_type() {
        kind if kind.is_dir() => Item::Directory,
        kind if kind.is_symlink() => Item::Link(fs::read_link(path).ok()?),
        kind if kind.is_file() => Item::File(fs::read(path).ok()?, meta.permissions().mode() & 0o7777),
        _ => Item::Other,
    })
}

/// Makes the directory what it was, touching nothing that is still the same.
fn put_back(root: &Path, before: &Items, now: &Items) {
    for path in now.keys().rev().filter(|path| !before.contains_key(*path)) {
        remove(path);
    }
    for (path, item) in before.iter().filter(|(path, item)| now.get(*path) != Some(item)) {
        assert!(path.starts_with(root), "{path:?}");
        remove(path);
        match item {
            Item::File(bytes, mode) => {
                fs::write(path, bytes).expect("write");
                fs::set_permissions(path, fs::Permissions::from_mode(*mode)).expect("chmod");
            }
            Item::Link(to) => symlink(to, path).expect("symlink"),
            Item::Directory => fs::create_dir(path).expect("mkdir"),
            Item::Other => panic!("{path:?} is gone"),
        }
    }
}

/// Removes whatever is there.
pub fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).expect("rm -r"),
        Ok(_) => fs::remove_file(path).expect("rm"),
        Err(_) => {}
    }
}

/// What differs, for people.
fn differing(should: &Items, is: &Items) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in should {
        match is.get(path) {
            None => found.push(format!("{} is missing", path.display())),
            Some(other) if other == item => {}
            Some(other) => found.push(format!("{} differs: {}", path.display(), difference(item, other))),
        }
    }
    let more = is.keys().filter(|path| !should.contains_key(*path));
    found.extend(more.map(|path| format!("{} should not be there", path.display())));
    found
}

fn difference(should: &Item, is: &Item) -> String {
    match (should, is) {
        (Item::File(one, mode), Item::File(two, other)) if one == two => {
            format!("its permissions are {other:o}, not {mode:o}")
        }
        (Item::File(one, _), Item::File(two, _)) => {
            let at = one.iter().zip(two).position(|(a, b)| a != b).unwrap_or(one.len().min(two.len()));
            let around = |bytes: &[u8]| {
                let (from, to) = (at.saturating_sub(60).min(bytes.len()), (at + 100).min(bytes.len()));
                bytes[from..to].escape_ascii().to_string()
            };
            format!(
                "at {at} ({} and {} bytes):\n    {}\n    {}",
                one.len(),
                two.len(),
                around(one),
                around(two)
            )
        }
        _ => format!("it is {}, not {}", kind(is), kind(should)),
    }
}

fn kind(item: &Item) -> String {
    match item {
        Item::File(bytes, _) => format!("a file of {} bytes", bytes.len()),
        Item::Link(to) => format!("a link to {}", to.display()),
        Item::Directory => "a directory".to_owned(),
        Item::Other => "something else".to_owned(),
    }
}

/// A name that is no UTF-8.
pub fn odd_name(bytes: &[u8]) -> OsString {
    OsStr::from_bytes(bytes).to_owned()
}
