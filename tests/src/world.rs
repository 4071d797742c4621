//! The part of the world a random project looks at: files, variables, compiler flags, and the edits made to them.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kiln_testkit::{Random, TestSpace};

use crate::native;

/// What is at a path, or in a variable, now. The number picks one of four contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// No file, no variable, no flag.
    Absent,
    /// A file with this content.
    File(u8),
    /// The same, executable.
    Program(u8),
    /// A directory with this many entries, whose names depend on the number.
    Directory(u8),
    /// A symlink to a file with this content.
    Link(u8),
    /// A variable or a flag with this value.
    Value(u8),
}

/// How the number in a [`State`] becomes bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One line; 0, 1 and 2 have the same length.
    Text,
    /// A Rust module with a function `v`, whose lines move and which warns when the number is 3.
    Module,
    /// A static library that defines this function.
    Archive(String),
    /// An object file that defines this function.
    Object(String),
    /// Linker options that define this symbol.
    Defsym(String),
    /// A linker version script.
    VersionScript,
}

/// Where a subject is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A path, absolute.
    Path(PathBuf),
    /// An environment variable.
    Variable(String),
    /// RUSTFLAGS.
    Flags,
    /// `--features` of the application.
    Feature,
}

/// One thing that is looked at and edited.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Where it is.
    pub place: Place,
    /// What its numbers stand for.
    pub content: Content,
    /// Cargo itself notices an edit (and so rebuilds in a kept target directory).
    pub declared: bool,
    /// What it may become; states that make a build fail are rarer.
    pub domain: Vec<State>,
    /// What it is.
    pub state: State,
    /// What it was.
    pub past: Vec<State>,
}

/// All subjects of a project.
pub struct World<'a> {
    space: &'a TestSpace,
    /// The subjects.
    pub subjects: Vec<Subject>,
}

/// An edit made: how the history tells it, and whether cargo can notice it in a kept target directory.
pub struct Edit {
    /// For the history that a failure prints.
    pub shown: String,
    /// Cargo notices it.
    pub declared: bool,
}

/// The values a variable may take.
pub const VALUES: [&str; 4] = ["", "one", "two", "a longer value with = and\ttab"];
/// The values of RUSTFLAGS.
pub const FLAGS: [&str; 4] = ["--cfg=pa", "--cfg=pb=\"x\"", "-Copt-level=1", "--cfg=pa --cfg=pb=\"y\""];
/// The features.
pub const FEATURES: [&str; 4] = ["fa", "fb", "fa,fb", ""];

impl<'a> World<'a> {
    /// A world without subjects.
    pub fn new(space: &'a TestSpace) -> Self {
        Self { space, subjects: Vec::new() }
    }

    /// Puts every subject into its first state.
    pub fn begin(&self) {
        for index in 0..self.subjects.len() {
            self.apply(index);
        }
    }

    /// One random edit.
    pub fn edit(&mut self, random: &mut Random) -> Edit {
        let index = random.below(self.subjects.len());
        match random.below(10) {
            0 => self.touch(index),
            1 => self.swap(index, random),
            2 => self.sneak(index, random),
            3 | 4 if !self.subjects[index].past.is_empty() => {
                let past = self.subjects[index].past.clone();
                self.set(index, *random.pick(&past), "revert")
            }
            _ => {
                let domain = self.subjects[index].domain.clone();
                self.set(index, *random.pick(&domain), "change")
            }
        }
    }

    /// The environment a build sees: (name, value or not there).
    pub fn environment(&self) -> Vec<(String, Option<String>)> {
        let value = |subject: &Subject, values: [&str; 4]| match subject.state {
            State::Value(number) => Some(values[usize::from(number)].to_owned()),
            _ => None,
        };
        let variables = self.subjects.iter().filter_map(|subject| match &subject.place {
            Place::Variable(name) => Some((name.clone(), value(subject, VALUES))),
            Place::Flags => Some(("RUSTFLAGS".to_owned(), value(subject, FLAGS))),
            Place::Feature | Place::Path(_) => None,
        });
        variables.collect()
    }

    /// The features asked for.
    pub fn features(&self) -> &'static str {
        let feature = self.subjects.iter().find(|subject| subject.place == Place::Feature);
        match feature.map(|subject| subject.state) {
            Some(State::Value(number)) => FEATURES[usize::from(number)],
            _ => "",
        }
    }

    /// All states, as the key of what plain cargo made of them.
    pub fn states(&self) -> Vec<State> {
        self.subjects.iter().map(|subject| subject.state).collect()
    }

    fn set(&mut self, index: usize, state: State, verb: &str) -> Edit {
        let subject = &mut self.subjects[index];
        subject.past.push(subject.state);
        subject.state = state;
        let edit =
            Edit { shown: format!("{verb} {:?} to {state:?}", subject.place), declared: subject.declared };
        self.apply(index);
        edit
    }

    fn touch(&self, index: usize) -> Edit {
        self.apply(index);
        Edit {
            shown: format!("touch {:?}", self.subjects[index].place),
            declared: self.subjects[index].declared,
        }
    }

    /// Exchanges two files with the same kind of content, by renaming: both keep their times.
    fn swap(&mut self, one: usize, random: &mut Random) -> Edit {
        let fits = |subject: &Subject, other: &Subject| {
            matches!((&subject.place, &other.place), (Place::Path(a), Place::Path(b)) if a != b)
                && subject.content == other.content
                && subject.domain.contains(&other.state)
                && other.domain.contains(&subject.state)
        };
        let partners: Vec<usize> = (0..self.subjects.len())
            .filter(|&other| fits(&self.subjects[one], &self.subjects[other]))
            .collect();
        if partners.is_empty() {
            return self.touch(one);
        }
        let two = *random.pick(&partners);
        let (a, b) = (self.file(one), self.file(two));
        let between = self.space.path("swapping");
        let exists = |path: &Path| fs::symlink_metadata(path).is_ok();
        for (from, to) in [(&a, &between), (&b, &a), (&between, &b)] {
            if exists(from) {
                fs::rename(from, to).expect("swap");
            }
        }
        let (state_one, state_two) = (self.subjects[one].state, self.subjects[two].state);
        self.subjects[one].past.push(state_one);
        self.subjects[two].past.push(state_two);
        self.subjects[one].state = state_two;
        self.subjects[two].state = state_one;
        Edit { shown: format!("swap {a:?} and {b:?}: now {state_two:?} and {state_one:?}"), declared: false }
    }

    /// Other bytes in place, the mtime put back: nothing but content and ctime tell.
    fn sneak(&mut self, index: usize, random: &mut Random) -> Edit {
        let (State::File(_), Place::Path(path)) =
            (self.subjects[index].state, self.subjects[index].place.clone())
        else {
            return self.touch(index);
        };
        let number = random.below(3) as u8;
        let bytes = self.bytes(&self.subjects[index].content, number);
        let before = fs::metadata(&path).and_then(|meta| meta.modified()).expect("mtime");
        let past = self.subjects[index].state;
        self.subjects[index].past.push(past);
        self.subjects[index].state = State::File(number);
        fs::write(&path, bytes).expect("write");
        File::options().append(true).open(&path).and_then(|file| file.set_modified(before)).expect("mtime");
        Edit { shown: format!("sneak content {number} into {path:?}, same mtime"), declared: false }
    }

    fn file(&self, index: usize) -> PathBuf {
        match &self.subjects[index].place {
            Place::Path(path) => path.clone(),
            other => panic!("{other:?} is no file"),
        }
    }

    /// Makes the disk what the subject's state says. Variables and flags take effect at the next build.
    fn apply(&self, index: usize) {
        let subject = &self.subjects[index];
        let Place::Path(path) = &subject.place else { return };
        remove(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("mkdir");
        match subject.state {
            State::Absent | State::Value(_) => {}
            State::File(number) => fs::write(path, self.bytes(&subject.content, number)).expect("write"),
            State::Program(number) => {
                fs::write(path, self.bytes(&subject.content, number)).expect("write");
                fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("chmod");
            }
            State::Directory(number) => {
                fs::create_dir(path).expect("mkdir");
                for entry in 0..=number {
                    fs::write(path.join(format!("entry-{entry}")), "entry").expect("write");
                }
            }
            State::Link(number) => {
                let bytes = self.bytes(&subject.content, number);
                let aim = self.space.write(format!("link-aims/{index}-{number}"), bytes);
                symlink(aim, path).expect("symlink");
            }
        }
    }

    fn bytes(&self, content: &Content, number: u8) -> Vec<u8> {
        match content {
            Content::Text => ["text 0", "text 1", "text 2", "a longer text 3"][usize::from(number)].into(),
            Content::Module => module(number).into_bytes(),
            Content::Archive(symbol) => native::archive(self.space, symbol, i32::from(number) + 1),
            Content::Object(symbol) => native::object(self.space, symbol, i32::from(number) + 1),
            Content::Defsym(symbol) => {
                format!("--defsym={symbol}=0x{}\n", 1000 + u32::from(number)).into_bytes()
            }
            // The last one is no script: whoever does not notice it links where plain cargo fails.
            Content::VersionScript => match number {
                0 => "{ local: nothing_0*; };".into(),
                1 => "{ global: main; local: *; };".into(),
                _ => "this is no version script".into(),
            },
        }
    }
}

fn module(number: u8) -> String {
    let lines = "\n".repeat(usize::from(number));
    let warns = if number == 3 { "let unused_three = 3;" } else { "" };
    format!(
        "{lines}pub fn v() -> String {{ {warns} format!(\"{number} {{}}\", std::panic::Location::caller()) }}\n"
    )
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).expect("rm -r"),
        Ok(_) => fs::remove_file(path).expect("rm"),
        Err(_) => {}
    }
}

/// When the world was last touched, for macros that print the time.
pub fn nanos_now() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos()
}
