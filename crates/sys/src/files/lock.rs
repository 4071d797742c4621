//! A lock between processes that dies with its holder.

use super::{FileError, call, with_parent};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

/// An exclusive `flock` on a file; let go when dropped. The file stays.
#[derive(Debug)]
pub struct Lock(OwnedFd);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, but for a child that is just being started and has the file open until its `exec`.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Lock {
    /// Takes the lock if it is free; `None` if somebody else has it. Never waits.
    pub fn try_exclusive(path: &Path) -> Result<Option<Lock>, FileError> {
        let file = open(path)?;
        match call("lock", path, || rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(error) if error.errno() == Some(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the lock, waiting for it as long as it takes.
    pub fn exclusive(path: &Path) -> Result<Lock, FileError> {
        let file = open(path)?;
        call("lock", path, || rustix::fs::flock(&file, FlockOperation::LockExclusive))?;
        Ok(Lock(file))
    }
}

fn open(path: &Path) -> Result<OwnedFd, FileError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o666);
    with_parent(path, || call("open", path, || rustix::fs::open(path, flags, mode)))
}
