//! Locks that belong to an open file and die with it. Others cannot read or write what is locked, so what is locked stays empty.

use super::files::{Errno, Handle};
use std::ffi::c_void;
use std::fs::TryLockError;
use std::io;
use std::os::windows::io::AsRawHandle;

const FAIL_IMMEDIATELY: u32 = 1;
const EXCLUSIVE: u32 = 2;

#[repr(C)]
struct Overlapped {
    internal: [usize; 2],
    offset: [u32; 2],
    event: *mut c_void,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn LockFileEx(file: *mut c_void, flags: u32, _: u32, low: u32, high: u32, at: *mut Overlapped) -> i32;
}

/// Locks a whole file; `false` if somebody else has. Never waits.
pub fn try_lock(file: &Handle) -> Result<bool, Errno> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Unlocks it.
pub fn unlock(file: &Handle) {
    let _ = file.unlock(); // closing does, too
}

/// Locks some bytes of a file, which need not have them; `false` if somebody else has one of them. Never waits.
pub fn try_lock_bytes(file: &Handle, start: u64, length: u64) -> Result<bool, Errno> {
    let halves = |number: u64| [number as u32, (number >> 32) as u32];
    let [low, high] = halves(length);
    let mut at = Overlapped { internal: [0; 2], offset: halves(start), event: std::ptr::null_mut() };
    // SAFETY: the handle is open for calls that return when they are done, and the structure is a whole one that lives until then.
    let done =
        unsafe { LockFileEx(file.as_raw_handle(), FAIL_IMMEDIATELY | EXCLUSIVE, 0, low, high, &raw mut at) };
    match done {
        0 => match Errno::from(io::Error::last_os_error()) {
            Errno::AGAIN => Ok(false),
            errno => Err(errno),
        },
        _ => Ok(true),
    }
}

/// Who has them is not known.
pub fn held_bytes(_: &Handle, _: u64, _: u64) -> Option<(u64, u64)> {
    None
}
