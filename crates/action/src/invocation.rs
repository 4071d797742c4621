//! A command line, understood: what counts for its result, what it writes and where, and what it is called.

use crate::os::OsStrExt;
use crate::place::{Place, Places, below, same};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A family of compilers that kiln knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// rustc, and clippy-driver in front of it.
    Rustc,
    /// gcc, its other names (`g++`, `cc`, `c99`) and its cross compilers.
    Gcc,
    /// clang and clang++.
    Clang,
    /// clang where it takes the command line of Microsoft's compiler: clang-cl.
    ClangCl,
    /// Microsoft's compiler: cl.
    Msvc,
}

impl Family {
    /// Whether it compiles C and its relatives: then paths below the project count by place ([`Place::Base`]).
    ///
    /// [`Place::Base`]: crate::Place::Base
    pub fn is_c(self) -> bool {
        matches!(self, Family::Gcc | Family::Clang | Family::ClangCl | Family::Msvc)
    }
}

/// What a command line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A compiler.
    Compile(Family),
    /// A cargo package's build script.
    BuildScript,
}

impl Subject {
    /// The version of the rules for it: raised when a rule changes, so that only entries by that rule expire.
    pub fn version(self) -> u32 {
        match self {
            Subject::Compile(
                Family::Rustc | Family::Gcc | Family::Clang | Family::ClangCl | Family::Msvc,
            ) => 1,
            Subject::BuildScript => 2,
        }
    }

    /// The family of the compiler, if it is one.
    pub fn family(self) -> Option<Family> {
        match self {
            Subject::Compile(family) => Some(family),
            Subject::BuildScript => None,
        }
    }

    /// Whether it is a compiler of C and its relatives.
    pub fn is_c(self) -> bool {
        self.family().is_some_and(Family::is_c)
    }
}

/// What a command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A unit of cargo's.
    Compile,
    /// A question: `-vV`, `--print`, or a build script's "does this compile?". Failing (exit 1) is an answer.
    Probe,
}

/// What a unit is called, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// The crate's name; for C and its relatives the source's file name.
    pub name: String,
    /// `lib`, `bin`, `proc-macro`, `test`, `build-script`, `check`, `probe`, …; `c`, `c++`, `assembler`, …
    pub kind: String,
}

/// One part of a command line that counts for the result, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The flag's name as the table has it (`cfg`, `C.opt-level`, `input`).
    pub name: &'static str,
    /// Its value. Paths that remapping applies to are kept by [`Field::path`].
    pub value: OsString,
    /// Whether the value is (or ends in) a path under which places may be looked for when remapping.
    pub path: bool,
}

/// A part of a command line that counts only for runs that looked at it (the width of a terminal counts only where
/// diagnostics were rendered).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lazy {
    /// The flag as the key names it, such as `C.opt-level` or `-D`.
    pub name: &'static str,
    /// The flag's value, as it counts in the key.
    pub value: OsString,
}

/// `--extern [options:]name=path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// `priv,noprelude` and the like; mostly empty.
    pub options: OsString,
    /// The name under which the crate is known.
    pub name: OsString,
    /// The file, absolute; `None` when only named.
    pub path: Option<PathBuf>,
}

/// What a command line may write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputPlan {
    /// The directory for everything that has no path of its own; absolute.
    pub directory: PathBuf,
    /// File names there begin with one of these, followed by nothing or a `.` (`serde-0a1b`, `libserde-0a1b`).
    pub stems: Vec<OsString>,
    /// Files named one by one (`-o`, `--emit kind=FILE`); absolute. For C and its relatives the n-th file has the same
    /// meaning in every compile of equal key, whatever it is called: the output itself comes first.
    pub files: Vec<PathBuf>,
    /// A directory that is empty before, and everything in which is output (a build script's `OUT_DIR`); absolute.
    pub tree: Option<PathBuf>,
    /// Directories that belong to the compiler alone (`-C incremental`, temporaries): what happens there is its own
    /// affair.
    pub private: Vec<PathBuf>,
    /// Whether a dep-info file is asked for.
    pub dep_info: bool,
    /// Whether metadata (`.rmeta`) is asked for.
    pub metadata: bool,
}

impl OutputPlan {
    /// Whether nothing is to be written: a question, whose answer is on the standard streams.
    pub fn is_empty(&self) -> bool {
        self.stems.is_empty() && self.files.is_empty() && self.tree.is_none()
    }

    /// Whether `path` is in the directory that holds nothing but outputs, or is that directory.
    pub fn holds(&self, path: &Path) -> bool {
        self.tree.as_deref().is_some_and(|tree| below(path, tree).is_some())
    }

    /// Whether `path` is one of the outputs.
    pub fn declares(&self, path: &Path) -> bool {
        if self.holds(path) || self.files.iter().any(|file| same(file, path)) {
            return true;
        }
        let inside = path.parent().is_some_and(|parent| same(parent, &self.directory));
        let Some(name) = path.file_name().filter(|_| inside) else { return false };
        self.stems.iter().any(|stem| match name.as_bytes().strip_prefix(stem.as_bytes()) {
            Some(rest) => rest.is_empty() || rest[0] == b'.',
            None => false,
        })
    }

    /// Whether `path` lies in a directory that belongs to the compiler alone.
    pub fn is_private(&self, path: &Path) -> bool {
        self.private.iter().any(|directory| below(path, directory).is_some())
    }
}

/// A compile, understood.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// What runs, by whose rules it is understood.
    pub subject: Subject,
    /// What it asks for.
    pub mode: Mode,
    /// What it is called.
    pub unit: Unit,
    /// The compiler whose toolchain counts (`rustc`), as given.
    pub compiler: PathBuf,
    /// A program between kiln and the compiler (`clippy-driver`, another workspace wrapper), as given.
    pub wrapper: Option<PathBuf>,
    /// `--target`, as given: part of the toolchain's identity.
    pub target: Option<OsString>,
    /// What counts, in order.
    pub fields: Vec<Field>,
    /// What counts only when looked at.
    pub lazy: Vec<Lazy>,
    /// The crates it may use, in order.
    pub externs: Vec<Extern>,
    /// The files that the compile is going to write.
    pub outputs: OutputPlan,
    /// The directories its paths may be relative to.
    pub places: Places,
    /// Whether the source comes on standard input.
    pub stdin: bool,
    /// Whether `-C incremental` is on: then outputs are not reproducible.
    pub incremental: bool,
    /// Whether a flag says `native`, so that the processor's identity counts.
    pub native: bool,
    /// Whether something is linked (so the linker's own questions are expected).
    pub links: bool,
    /// Environment variables that always count (those the compiler reads for itself).
    pub environment: &'static [&'static str],
    /// Arguments to append to the user's (only the remap setting does that).
    pub append: Vec<OsString>,
    /// The directory it runs in; absolute.
    pub directory: PathBuf,
    /// C families: the main source file; absolute.
    pub source: Option<PathBuf>,
    /// C families: the rule for make that a `-M` flag of the user's writes (for clang-cl behind `/clang:`); absolute, and one of the outputs.
    pub depfile: Option<PathBuf>,
    /// C families: whether the directory it runs in, or an absolute path, can reach an output whatever the sources say
    /// (debug information, coverage). Then the directory and all paths count literally.
    pub shows_directory: bool,
}

impl Invocation {
    /// The places that paths in the key are relative to: what the remap setting maps, and for C and its relatives the
    /// project. Where a C compile shows its directory, none: not even the remap setting's, for it does not cover what is
    /// shown.
    pub fn key_places(&self) -> Places {
        match (self.subject.is_c(), self.shows_directory) {
            (false, _) => self.places.remapped(),
            (true, false) => {
                self.places.only(|place| matches!(place, Place::Base | Place::Work | Place::Out))
            }
            (true, true) => Places::new(),
        }
    }

    /// An absolute path for one that may be relative to the invocation's directory.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.directory.join(path)
    }
}

#[cfg(test)]
mod tests;
