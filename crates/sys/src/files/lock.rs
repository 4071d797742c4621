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

/// An exclusive lock on one of 2^62 places in a file, which is made once and stays empty. Belongs to the open file, like
/// `flock`; let go when dropped.
#[derive(Debug)]
pub struct PlaceLock(#[expect(dead_code, reason = "closing it lets the lock go")] OwnedFd);

impl PlaceLock {
    /// Takes the lock on `place` if it is free; `None` if somebody else has it. Never waits.
    pub fn try_exclusive(path: &Path, place: u64) -> Result<Option<PlaceLock>, FileError> {
        use std::os::fd::AsRawFd;
        let file = open(path)?;
        let lock = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: (place >> 2) as libc::off_t,
            l_len: 1,
            l_pid: 0,
        };
        let taken = call("lock", path, || {
            // SAFETY: the descriptor is open and `lock` is a whole `struct flock` that the call only reads.
            match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
                -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
                _ => Ok(()),
            }
        });
        match taken {
            Ok(()) => Ok(Some(PlaceLock(file))),
            Err(error) if matches!(error.errno(), Some(Errno::AGAIN | Errno::ACCESS)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn open(path: &Path) -> Result<OwnedFd, FileError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o666);
    with_parent(path, || call("open", path, || rustix::fs::open(path, flags, mode)))
}
