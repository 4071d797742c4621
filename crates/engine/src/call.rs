//! What comes in, and how it ends.

use kiln_action::{ActionKey, Mode, Reason, Subject, WeakKey};
use kiln_config::Settings;
use kiln_exec::{Ended, Runner};
use kiln_protocol::RemoteCache;
use kiln_recorder::Reporter;
use kiln_sys::clock::Moment;
use kiln_sys::env::Environment;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A call of the wrapper, read once.
pub struct Call<'a> {
    /// The compiler and its arguments.
    pub argv: &'a [OsString],
    /// What the compiler is called by whoever started it, where that is not its path.
    pub called: Option<&'a OsStr>,
    /// The environment that the compiler is called with.
    pub environment: &'a Environment,
    /// That of the program that calls, where calls are recorded (the build's session).
    pub caller: Option<&'a Environment>,
    /// The directory that the compiler is called in, absolute.
    pub directory: &'a Path,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The number of the build that it is part of.
    pub build: u32,
    /// No build tool started it.
    pub by_hand: bool,
    /// When the wrapper started.
    pub started: Moment,
    /// Where a miss is compiled.
    pub runner: &'a dyn Runner,
    /// The remote stores, where there are any.
    pub remote: Option<&'a dyn RemoteCache>,
    /// The record of the build script's run that this call is part of, if it is.
    pub reporter: Option<&'a Reporter>,
}

/// How a call ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// By becoming the compiler, unchanged; the reason says why.
    Unchanged(Reason),
}

impl From<Ended> for Ending {
    fn from(ended: Ended) -> Ending {
        match ended {
            Ended::Code(code) => Ending::Code(code),
            Ended::Signal(signal) => Ending::Signal(signal),
        }
    }
}

/// What came of a call.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// How the wrapper is to end.
    pub ending: Ending,
    /// What the result is called, where the store has one for it now.
    pub named: Option<NamedResult>,
}

/// A result in the store, by the call that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedResult {
    /// What its Shapes are found by.
    pub weak: WeakKey,
    /// What it is found by.
    pub key: ActionKey,
    /// What ran, by whose rules it was made.
    pub subject: Subject,
    /// Whether it is a unit or the answer to a question.
    pub mode: Mode,
}

impl Wrapped {
    /// A call of which nothing is in the store.
    pub fn ended(ending: Ending) -> Wrapped {
        Wrapped { ending, named: None }
    }

    /// A call for which the compiler is to run as if kiln were not there.
    pub fn unchanged(reason: Reason) -> Wrapped {
        Wrapped::ended(Ending::Unchanged(reason))
    }
}
