//! Landlock: a process, and all that it starts, may read and write what was granted and nothing else. It needs no
//! privilege and costs nothing that can be measured. It does not restrict `stat`, `readlink` and `chdir`.
//!
//! Numbers and structures are those of `linux/landlock.h`; the system calls have the same numbers on all architectures.

use crate::files::FileError;
use crate::sandbox::Grant;
use crate::system::files::LOOK;
use rustix::fd::{AsRawFd, FromRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use std::ffi::c_long;
use std::io;
use std::path::Path;

const CREATE_RULESET: c_long = 444;
const ADD_RULE: c_long = 445;
const RESTRICT_SELF: c_long = 446;
#[cfg(target_os = "linux")]
const VERSION_FLAG: u64 = 1;
const PATH_BENEATH: u64 = 1;

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
/// From version 2.
const REFER: u64 = 1 << 13;
/// From version 3.
const TRUNCATE: u64 = 1 << 14;
/// Everything of version 1.
const FIRST: u64 = (1 << 13) - 1;

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

#[repr(C)]
struct RulesetAttributes {
    handled_access_fs: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// The version of Landlock that the kernel has; 0 is none.
#[cfg(not(target_os = "linux"))]
fn version() -> c_long {
    0
}

/// The version of Landlock that the kernel has; 0 is none.
#[cfg(target_os = "linux")]
fn version() -> c_long {
    // SAFETY: with a null pointer and this flag the call only tells the version.
    let version = unsafe { syscall(CREATE_RULESET, std::ptr::null::<u8>(), 0_usize, VERSION_FLAG) };
    version.max(0)
}

/// Whether the kernel can do it.
pub fn is_supported() -> bool {
    version() > 0
}

fn checked(outcome: c_long) -> io::Result<i32> {
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(outcome as i32) }
}

/// What a process may do; grants are added until it is enforced.
pub struct Sandbox {
    ruleset: OwnedFd,
    handled: u64,
}

impl Sandbox {
    /// Nothing is allowed yet. `None` where the kernel has no Landlock.
    pub fn new() -> io::Result<Option<Sandbox>> {
        let handled = match version() {
            0 => return Ok(None),
            1 => FIRST,
            2 => FIRST | REFER,
            _ => FIRST | REFER | TRUNCATE,
        };
        let attributes = RulesetAttributes { handled_access_fs: handled };
        let size = size_of::<RulesetAttributes>();
        // SAFETY: the structure is that of version 1 and lives through the call.
        let ruleset = checked(unsafe { syscall(CREATE_RULESET, &raw const attributes, size, 0_u64) })?;
        // SAFETY: the call has just made this descriptor, and nobody else knows it.
        let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset) };
        Ok(Some(Sandbox { ruleset, handled }))
    }

    /// Grants something. A path that does not exist needs no grant.
    pub fn grant(&self, path: &Path, grant: Grant) -> Result<(), FileError> {
        let file = match rustix::fs::open(path, LOOK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(()),
            Err(errno) => return Err(FileError::new("allow", path, errno)),
        };
        let is_directory = rustix::fs::fstat(&file)
            .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir());
        let wanted = match grant {
            Grant::Read => EXECUTE | READ_FILE | READ_DIR,
            Grant::List => READ_DIR,
            Grant::Write => self.handled,
            Grant::Move => REFER,
        };
        let of_files = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;
        let allowed = wanted & self.handled & if is_directory { u64::MAX } else { of_files };
        if allowed == 0 {
            return Ok(());
        }
        let rule = PathBeneath { allowed_access: allowed, parent_fd: file.as_raw_fd() };
        // SAFETY: the structure is the packed one of the interface, and its descriptor is open.
        let added = checked(unsafe {
            syscall(ADD_RULE, self.ruleset.as_raw_fd(), PATH_BENEATH, &raw const rule, 0_u64)
        });
        added.map(|_| ()).map_err(|error| FileError::new("allow", path, error))
    }

    /// Runs `work` in a thread that is restricted from now on, with everything it starts. Other threads are not.
    pub fn enforce<T: Send>(self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let restricted = move || {
            #[cfg(target_os = "linux")]
            rustix::thread::set_no_new_privs(true)?;
            // SAFETY: takes a descriptor and flags, and no pointer.
            checked(unsafe { syscall(RESTRICT_SELF, self.ruleset.as_raw_fd(), 0_u64) })?;
            drop(self);
            Ok(work())
        };
        std::thread::scope(|scope| {
            let restricted = crate::thread::start_scoped(scope, restricted)?;
            restricted.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
        })
    }
}

#[cfg(test)]
mod tests;
