//! Running a compile: the [`Executor`] trait and the one that runs it on this machine.
//!
//! Architecture invariant: an executor knows nothing of keys or stores. It runs the command as it came and streams what
//! it says; cargo starts dependants on the early rmeta notice, so nothing is held back until the end.

pub mod local;
pub mod single_flight;

use kiln_action::Stream;
use std::ffi::OsStr;
use std::io;

pub use local::Local;

/// A command to run, as it came, with what the recorder needs set in its environment.
pub struct Job<'a> {
    /// The program's file.
    pub program: &'a OsStr,
    /// What it is called in its first argument, where that is something else.
    pub called: Option<&'a OsStr>,
    /// Its arguments.
    pub args: &'a [&'a OsStr],
    /// Variables on top of the inherited ones.
    pub set: &'a [(&'a OsStr, &'a OsStr)],
    /// The source, where it came on standard input.
    pub input: Option<&'a [u8]>,
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Hears what the command says, while it says it.
pub trait Sink {
    /// The next piece.
    fn piece(&mut self, stream: Stream, bytes: &[u8]);
}

/// Runs commands.
pub trait Executor {
    /// Runs one to its end. An error means that it did not start, or that it could not be heard out.
    fn run(&self, job: &Job<'_>, sink: &mut dyn Sink) -> io::Result<Ended>;
}
