//! The nouns of a recorded run: processes, and what each of them asked and did.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// All that a run did, complete: a run that could not be followed to the end has no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// In the order in which they started; the first is the root.
    pub processes: Vec<Process>,
    /// In the order of the log. Between processes, and between threads, that is the order in which they wrote.
    pub events: Vec<RecordedEvent>,
}

/// One program that ran. A process that replaces itself by `exec` is two; one that only forks is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number in the log.
    pub serial: u32,
    /// Index in [`Record::processes`] of the one that started it; none for the root.
    pub parent: Option<u32>,
    /// Which code of the parent started it; [`By::Compiler`] for the root.
    pub spawned_by: By,
    /// The system's number for it at its start.
    pub pid: u32,
    /// The program, as the kernel names it: symbolic links resolved, for a script the interpreter.
    pub exe: PathBuf,
    /// The directory it started in.
    pub cwd: PathBuf,
    /// The libraries that were loaded before its first instruction, without the program and the recorder's object.
    pub modules: Vec<PathBuf>,
    /// The value of `LD_LIBRARY_PATH` that the loader saw.
    pub library_path: Option<OsString>,
    /// Where the program and its libraries make the loader look (RPATH, RUNPATH), each by whose words it is.
    pub searches: Vec<(PathBuf, OsString)>,
}

/// One thing that a process asked or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The process: an index in [`Record::processes`].
    pub process: u32,
    /// Whose code made the call.
    pub by: By,
    /// What the process did.
    pub act: Act,
}

/// Which code of a process called: known by the address that the call returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// The program or a library that it started with.
    Compiler,
    /// Anything loaded later: in rustc, a proc macro.
    Loaded,
}

/// A question or a change. Paths are absolute but not normalised: `.`, `..` and symbolic links are as the caller wrote
/// them. `errno` is 0 for success.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // The fields `path` and `errno` mean the same in each.
pub enum Act {
    /// A file was opened, or the attempt failed.
    Open { path: PathBuf, mode: OpenMode, errno: i32 },
    /// Facts about a file (`stat` and its kin, extended attributes, file system); `follow` a symbolic link or not.
    Stat { path: PathBuf, follow: bool, errno: i32 },
    /// Whether a file may be read (4), written (2), executed (1); 0: is there. `chdir` counts as 1.
    Access { path: PathBuf, mode: u8, errno: i32 },
    /// Where a symbolic link points.
    ReadLink { path: PathBuf, errno: i32 },
    /// A path with all links resolved: every part of it was looked at.
    RealPath { path: PathBuf, errno: i32 },
    /// The names in a directory.
    List { path: PathBuf, errno: i32 },
    /// `dlopen`; a name without a slash was searched for by the loader and is given as it was. The error is that of
    /// reading the file, since the loader tells none.
    Load { path: PathBuf, errno: i32 },
    /// A library that was there in the end and not at the start, asked for or brought by another, and where it makes the loader look.
    Loaded { path: PathBuf, search: OsString },
    /// These were all: written when the process ends in the ordinary way.
    LoadedAll,
    /// A variable was asked for by name.
    Getenv { name: Vec<u8> },
    /// A program was looked for along `PATH`, by libc; each place is an [`Act::Probe`].
    Search,
    /// kiln, asked for a compile by a recorded run, says what that hangs on, in words of its own.
    Question { question: Vec<u8> },
    /// A place along PATH where a program was looked for.
    Probe { path: PathBuf, present: bool },
    /// A program was started, or the attempt failed.
    Exec { path: PathBuf, errno: i32 },
    /// A name was moved.
    Rename { from: PathBuf, to: PathBuf, errno: i32 },
    /// A file or directory was removed.
    Remove { path: PathBuf, errno: i32 },
    /// A name other than an opened file's was made.
    Create { path: PathBuf, what: What, errno: i32 },
    /// Content (by name) or attributes were changed.
    Modify { path: PathBuf, errno: i32 },
    /// Something about the moment or the machine; once for each process, question and caller.
    Ask(Ask),
}

/// How a file was opened. All false: only to name it (`O_PATH`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OpenMode {
    /// Whether it was opened for reading.
    pub read: bool,
    /// For writing, appending included.
    pub write: bool,
    /// To be made if absent.
    pub create: bool,
    /// Whether its content was removed (`O_TRUNC`).
    pub truncate: bool,
    /// To fail if it is there.
    pub exclusive: bool,
    /// Only if it is a directory.
    pub directory: bool,
}

/// What was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A hard link; the existing name is in a [`Act::Stat`] just before.
    Link,
    /// A temporary file with a name nobody chose (`mkstemp`), or none (`tmpfile`; the path is its directory).
    Temp,
    /// A temporary directory (`mkdtemp`).
    TempDir,
    /// A pipe, socket or device.
    Node,
}

/// A question that no file answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ask {
    /// The time of day.
    Time,
    /// A clock that only measures.
    Monotonic,
    /// Random numbers.
    Random,
    /// Its own or its parent's number.
    Pid,
    /// The machine's name, system or time zone.
    Host,
    /// Who runs it.
    User,
    /// Processors or memory.
    Cpus,
    /// Resource limits, uptime.
    Limits,
    /// A socket, an address.
    Network,
    /// The working directory.
    Cwd,
    /// What date a time is here: the time zone, which libc reads inside itself.
    Date,
    /// What date a time is in Greenwich: a conversion only.
    Utc,
    /// Which permissions new files do not get.
    Umask,
    /// What becomes of a signal: which ones are ignored from the start.
    Signals,
    /// The processor's features.
    Processor,
    /// Something of whoever sits at the terminal.
    Terminal,
    /// Extended attributes of a file; or they were set.
    Attributes,
    /// A file system: its kind, how full it is.
    Space,
    /// Other processes, or what they left.
    Others,
    /// A system call of which it is not known what it looks at.
    Unknown,
    /// Something that libc looks at by itself, of which no record could tell.
    Unseen,
}

/// Why there is no record. Never an error of the run itself.
#[derive(Debug, Error)]
pub enum Unrecorded {
    /// There is no preload object for this machine.
    #[error("recording is not supported on this machine")]
    Unsupported,
    /// A program that cannot be watched ran, or a call that goes past the hooks was made.
    #[error("{} cannot be traced", path.display())]
    Blind {
        /// The program, or what the call was about.
        path: PathBuf,
    },
    /// A program was started and never reported.
    #[error("{} was started and never loaded the recorder", path.display())]
    Silent {
        /// The program.
        path: PathBuf,
    },
    /// The log was too small, or a path could not be read.
    #[error("the run did more than the recorder's log can hold")]
    Overflow,
    /// The log makes no sense; a process that still runs, or was killed while writing, leaves it so.
    #[error("the recorder's log is incomplete: a process was killed while it wrote")]
    Torn,
    /// A process of the run is still there.
    #[error("it left a process behind that is still running")]
    Outlived,
    /// The root process never reported.
    #[error("the program never loaded the recorder")]
    NoRoot,
    /// The log or the object could not be made.
    #[error("the recorder could not be set up")]
    Io(#[from] io::Error),
}
