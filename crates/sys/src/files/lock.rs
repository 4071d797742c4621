//! A lock between processes that dies with its holder.

use super::{FileError, SAFELY, call, with_parent};
use crate::clock::Moment;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

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

    /// Takes the lock, waiting a little for whoever has it: who has it for longer may be stopped, and nobody knows for how long.
    pub fn exclusive(path: &Path) -> Result<Lock, FileError> {
        const LONGEST: Duration = Duration::from_secs(2);
        let since = Moment::now();
        loop {
            match Lock::try_exclusive(path)? {
                Some(lock) => return Ok(lock),
                None if since.elapsed() > LONGEST => {
                    return Err(FileError::new("lock", path, Errno::WOULDBLOCK));
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

/// An exclusive lock on one of 2^39 places in a file, which is made once and stays empty. Belongs to the open file, like
/// `flock`; let go when dropped.
#[derive(Debug)]
pub struct PlaceLock(#[expect(dead_code, reason = "closing it lets the lock go")] OwnedFd);

/// What came of asking for a place.
#[derive(Debug)]
pub enum Asked {
    /// It is ours.
    Taken(PlaceLock),
    /// Somebody else has it: the process, as far as that is known.
    Held(Option<u32>),
}

/// A place is as many bytes as there can be processes, and whoever has it locks one more than the number of its process: the system
/// tells others how long a lock is, and says of no such lock who has it.
const PLACE_BITS: u32 = 23;

impl PlaceLock {
    /// Takes the lock on `place` if it is free. Never waits.
    pub fn try_exclusive(path: &Path, place: u64) -> Result<Asked, FileError> {
        let file = open(path)?;
        let own = std::process::id() & ((1 << PLACE_BITS) - 1);
        let start = (place >> (PLACE_BITS + 2) << PLACE_BITS) as libc::off_t;
        let mut lock = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: start,
            l_len: libc::off_t::from(own) + 1,
            l_pid: 0,
        };
        match ask(&file, path, libc::F_OFD_SETLK, &mut lock) {
            Ok(()) => Ok(Asked::Taken(PlaceLock(file))),
            Err(error) if matches!(error.errno(), Some(Errno::AGAIN | Errno::ACCESS)) => {
                let told = ask(&file, path, libc::F_OFD_GETLK, &mut lock);
                let known = told.is_ok() && lock.l_type != libc::F_UNLCK as libc::c_short;
                let holder = known.then(|| u32::try_from(lock.l_len - 1).ok()).flatten();
                Ok(Asked::Held(holder.filter(|holder| *holder > 0 && lock.l_start == start)))
            }
            Err(error) => Err(error),
        }
    }
}

fn ask(file: &OwnedFd, path: &Path, question: i32, lock: &mut libc::flock) -> Result<(), FileError> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open and `lock` is a whole `struct flock`, which is all that the call reads and writes.
    call("lock", path, || match unsafe { libc::fcntl(file.as_raw_fd(), question, &raw mut *lock) } {
        -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
        _ => Ok(()),
    })
}

fn open(path: &Path) -> Result<OwnedFd, FileError> {
    let flags = OFlags::RDWR | OFlags::CREATE | SAFELY;
    let mode = Mode::from_raw_mode(0o666);
    with_parent(path, || call("open", path, || rustix::fs::open(path, flags, mode)))
}
