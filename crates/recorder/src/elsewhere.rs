//! Where there is no recorder at all (Windows): nobody can make one, so that every run is unrecorded and nothing of it is kept.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::record::{Record, Unrecorded};

/// There is none.
pub fn is_supported() -> bool {
    false
}

/// No program can be watched.
pub fn watchable(_: &Path) -> bool {
    false
}

/// The object that would be loaded.
#[derive(Debug)]
pub(crate) struct Object(Infallible);

impl Object {
    pub(crate) fn is_supported() -> bool {
        false
    }

    pub(crate) fn place(_: Option<&Path>) -> io::Result<Object> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn is_a_file(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn preload(&self, _: Option<&OsStr>) -> OsString {
        match self.0 {}
    }
}

/// Would watch one run.
#[derive(Debug)]
pub struct Recorder(Infallible);

impl Recorder {
    /// There is none.
    ///
    /// # Errors
    ///
    /// Always [`Unrecorded::Unsupported`].
    pub fn new(_: Option<&Path>) -> Result<Recorder, Unrecorded> {
        Err(Unrecorded::Unsupported)
    }

    /// The same.
    #[must_use]
    pub fn wired(self, _: Option<PathBuf>) -> Recorder {
        self
    }

    /// The variables of the root process.
    pub fn environment(&self, _: Option<&OsStr>) -> [(&'static str, OsString); 2] {
        match self.0 {}
    }

    /// What the run did.
    ///
    /// # Errors
    ///
    /// Never, for there is no run.
    pub fn finish(self, _: &Path) -> Result<Record, Unrecorded> {
        match self.0 {}
    }
}

/// Would be kiln's own part in somebody else's record.
pub struct Reporter(Infallible);

impl Reporter {
    /// There is no record to be part of.
    pub fn of(_: &OsStr, _: &OsStr) -> Option<Reporter> {
        None
    }

    /// The user's own `LD_PRELOAD`.
    pub fn preload(&self) -> Option<&OsStr> {
        match self.0 {}
    }

    /// This process takes part.
    pub fn started(&self, _: &Path, _: &Path) {
        match self.0 {}
    }

    /// What its answer hangs on.
    pub fn question(&self, _: &[u8]) {
        match self.0 {}
    }

    /// It wrote a file.
    pub fn wrote(&self, _: &Path) {
        match self.0 {}
    }

    /// It becomes that program.
    pub fn becomes(&self, _: &Path, _: Option<&Path>) -> [(&'static str, OsString); 2] {
        match self.0 {}
    }
}
