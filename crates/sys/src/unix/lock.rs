//! Locks that belong to an open file and die with it.

use crate::system::files::{Errno, Handle};
use rustix::fs::FlockOperation;
use std::os::fd::AsRawFd;

/// Locks a whole file; `false` if somebody else has. Never waits.
pub fn try_lock(file: &Handle) -> Result<bool, Errno> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Unlocks it. Closing would do, but for a child that is just being started and has the file open until its `exec`.
pub fn unlock(file: &Handle) {
    let _ = rustix::fs::flock(file, FlockOperation::Unlock);
}

fn region(start: u64, length: u64) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start as libc::off_t,
        l_len: length as libc::off_t,
        l_pid: 0,
    }
}

/// Locks some bytes of a file, which need not have them; `false` if somebody else has one of them. Never waits.
pub fn try_lock_bytes(file: &Handle, start: u64, length: u64) -> Result<bool, Errno> {
    match ask(file, libc::F_OFD_SETLK, &mut region(start, length)) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Where the lock of somebody else lies that is in the way of such a one: its first byte, and how many there are.
pub fn held_bytes(file: &Handle, start: u64, length: u64) -> Option<(u64, u64)> {
    let mut lock = region(start, length);
    let answer = ask(file, libc::F_OFD_GETLK, &mut lock);
    let known = answer.is_ok() && lock.l_type != libc::F_UNLCK as libc::c_short;
    known.then(|| Some((u64::try_from(lock.l_start).ok()?, u64::try_from(lock.l_len).ok()?))).flatten()
}

fn ask(file: &Handle, question: i32, lock: &mut libc::flock) -> Result<(), Errno> {
    // SAFETY: the descriptor is open and `lock` is a whole `struct flock`, which is all that the call reads and writes.
    rustix::io::retry_on_intr(|| match unsafe { libc::fcntl(file.as_raw_fd(), question, &raw mut *lock) } {
        -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
        _ => Ok(()),
    })
}
