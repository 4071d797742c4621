//! Running a compile, here or elsewhere: a [`RunRequest`] in, a [`Run`] out. [`Runner`] is the one seam for "somewhere else"; [`Local`]
//! runs compiles on this machine, under the recorder.
//!
//! Architecture invariant: a runner knows nothing of keys or stores. It runs the command as it came and streams what
//! it says; cargo starts dependants on the early rmeta notice, so nothing is held back until the end.

pub mod local;
pub mod single_flight;

use kiln_action::{Answer, Digest, Invocation, Shape, Stream};
use kiln_recorder::{Record, Unrecorded};
use kiln_sys::clock::Moment;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use kiln_sys::process::Ended;
pub use local::Local;

/// A compile to run.
pub struct RunRequest<'a> {
    /// What the command line means: what may be written stands in it.
    pub invocation: &'a Invocation,
    /// The command line as it came.
    pub command: Command<'a>,
    /// The source, where it came on standard input.
    pub input: Option<&'a [u8]>,
    /// What the run is to be watched with.
    pub watch: Watch<'a>,
    /// What an earlier run of it looked at, where a runner wants that and it is known.
    pub inputs: Option<ClosedInputs>,
}

/// A command line, to be run in the caller's environment and directory.
pub struct Command<'a> {
    /// The compiler's file.
    pub program: &'a OsStr,
    /// What it is called in its first argument, where that is something else.
    pub called: Option<&'a OsStr>,
    /// The arguments behind the program's name.
    pub args: &'a [&'a OsStr],
    /// Variables on top of the inherited ones.
    pub set: &'a [(&'a OsStr, &'a OsStr)],
}

/// What a run on this machine is watched with.
pub struct Watch<'a> {
    /// Whether anybody wants to know what it looks at.
    pub wanted: bool,
    /// The program's file, found on `$PATH` where it was named without a directory.
    pub file: &'a Path,
    /// A directory of the cache in which the recorder's object is kept.
    pub objects: &'a Path,
    /// The user's own value of `LD_PRELOAD`.
    pub preload: Option<&'a OsStr>,
    /// The kiln that is put before C compilers that the run starts, watched or not.
    pub kiln: Option<&'a Path>,
}

/// Everything that a run of a compile looks at, if it is given the same answers as an earlier run: a deterministic run that gets the same
/// answer to every question asks no other question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedInputs {
    /// The questions of the earlier run.
    pub shape: Shape,
    /// Today's answers, in the Shape's order.
    pub answers: Vec<Answer>,
}

/// A run that came to its end.
pub struct Run {
    /// How one knows what it looked at.
    pub evidence: RunEvidence,
    /// Its output on both streams, in order.
    pub output: Vec<(Stream, Vec<u8>)>,
    /// The files that it made, as far as the runner knows them; they are in place.
    pub made: Vec<MadeFile>,
    /// The exit code, or the signal, with which the compiler ended.
    pub exit: Ended,
    /// When it was started.
    pub started: Moment,
    /// How long it took.
    pub took: Duration,
}

/// How one knows what a run looked at.
pub enum RunEvidence {
    /// It was watched.
    Recorded(Record),
    /// Nothing but these was within its reach.
    Confined(ClosedInputs),
    /// One does not, and why. Such a run is not kept.
    None(Unrecorded),
}

/// A file that a run made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeFile {
    /// Where it is; one of the declared outputs.
    pub path: PathBuf,
    /// The digest of the file's content.
    pub digest: Digest,
}

/// Gets what the command says, while it says it.
pub trait OutputSink {
    /// The next piece.
    fn piece(&mut self, stream: Stream, bytes: &[u8]);
}

/// A place where compiles run: this machine, or others.
pub trait Runner {
    /// Whether a request's closed inputs are of use to it.
    fn wants_inputs(&self) -> bool {
        false
    }

    /// Runs one to its end. An error means that it did not start, or that its output could not be read to the end.
    fn run(&self, request: &RunRequest<'_>, sink: &mut dyn OutputSink) -> io::Result<Run>;
}
