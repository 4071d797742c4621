//! Files, by the system's own calls. None of them waits for a pipe's other end.

use crate::files::{Identity, Open, Stat};
use kiln_action::FileKind;
use kiln_action::os::OsStringExt;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

pub use rustix::io::Errno;

/// An open file.
pub type Handle = OwnedFd;

type Outcome<T> = Result<T, Errno>;

/// Opened for nothing but looking.
#[cfg(target_os = "linux")]
pub const LOOK: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
pub const LOOK: OFlags = OFlags::RDONLY;

/// For files in the cache: a symbolic link must not lead elsewhere, and a pipe must not be waited for.
const SAFELY: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

#[allow(
    clippy::cast_possible_truncation,
    clippy::unnecessary_cast,
    reason = "the type differs between systems"
)]
fn mode_of(mode: u32) -> Mode {
    Mode::from_raw_mode(mode as rustix::fs::RawMode)
}

#[allow(clippy::unnecessary_cast, reason = "the types of the fields differ between architectures")]
fn stat_of(raw: &rustix::fs::Stat) -> Stat {
    let ns = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    let kind = match rustix::fs::FileType::from_raw_mode(raw.st_mode) {
        rustix::fs::FileType::RegularFile => FileKind::File,
        rustix::fs::FileType::Directory => FileKind::Directory,
        rustix::fs::FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    };
    let identity = Identity {
        dev: raw.st_dev as u64,
        ino: raw.st_ino as u64,
        size: raw.st_size as u64,
        mtime_ns: ns(raw.st_mtime as i64, raw.st_mtime_nsec as i64),
        ctime_ns: ns(raw.st_ctime as i64, raw.st_ctime_nsec as i64),
    };
    Stat {
        identity,
        kind,
        mode: raw.st_mode as u32 & 0o7777,
        links: raw.st_nlink as u64,
        owner: raw.st_uid,
        group: raw.st_gid,
    }
}

/// What is there.
pub fn stat(path: &Path, follow: bool) -> Outcome<Stat> {
    stat_at(CWD, path, follow)
}

fn stat_at(at: impl AsFd, path: &Path, follow: bool) -> Outcome<Stat> {
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    rustix::fs::statat(at, path, flags).map(|raw| stat_of(&raw))
}

/// What an open file is.
pub fn stat_open(file: &Handle) -> Outcome<Stat> {
    rustix::fs::fstat(file).map(|raw| stat_of(&raw))
}

/// Opens a file in the given way, close-on-exec.
pub fn open(path: &Path, how: Open) -> Outcome<Handle> {
    let (flags, mode) = match how {
        Open::Read => (OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY, 0),
        Open::ReadOwn => (OFlags::RDONLY | SAFELY, 0),
        Open::Update(mode) => (OFlags::RDWR | OFlags::CREATE | SAFELY, mode),
        Open::Append(mode) => (OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | SAFELY, mode),
        Open::AppendToNamed(mode) => {
            (OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | SAFELY.difference(OFlags::NOFOLLOW), mode)
        }
        Open::New(mode) => (OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC, mode),
    };
    rustix::fs::open(path, flags, mode_of(mode))
}

/// How many bytes were read there; 0 at the end.
pub fn read_at(file: &Handle, buffer: &mut [u8], offset: u64) -> Outcome<usize> {
    rustix::io::pread(file, buffer, offset)
}

/// How many bytes were written there.
pub fn write_at(file: &Handle, bytes: &[u8], offset: u64) -> Outcome<usize> {
    rustix::io::pwrite(file, bytes, offset)
}

/// How many bytes were written, by one call, where the file was opened for.
pub fn write(file: &Handle, bytes: &[u8]) -> Outcome<usize> {
    rustix::io::write(file, bytes)
}

/// Makes a file this long.
pub fn set_length(file: &Handle, length: u64) -> Outcome<()> {
    rustix::fs::ftruncate(file, length)
}

/// Asks for room for so many bytes; the file is as long as that then.
pub fn reserve(file: &Handle, length: u64) -> Outcome<()> {
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, length)
}

/// Lets a file share the blocks of another until one of them is written to.
#[cfg(target_os = "linux")]
pub fn share_blocks(to: &Handle, from: &Handle) -> Outcome<()> {
    rustix::fs::ioctl_ficlone(to, from)
}

/// Nobody has looked at what there is.
#[cfg(not(target_os = "linux"))]
pub fn share_blocks(_: &Handle, _: &Handle) -> Outcome<()> {
    Err(Errno::OPNOTSUPP)
}

/// Makes a directory.
pub fn make_directory(path: &Path, mode: u32) -> Outcome<()> {
    rustix::fs::mkdir(path, mode_of(mode))
}

/// Gives a file another name, over whatever has it.
pub fn rename(from: &Path, to: &Path) -> Outcome<()> {
    rustix::fs::rename(from, to)
}

/// Gives a file one more name.
pub fn link(file: &Path, name: &Path) -> Outcome<()> {
    rustix::fs::link(file, name)
}

/// Makes a symbolic link.
pub fn symlink(target: &Path, link: &Path) -> Outcome<()> {
    rustix::fs::symlink(target, link)
}

/// What a symbolic link says; [`Errno::INVAL`] if it is none.
pub fn read_link(path: &Path) -> Outcome<PathBuf> {
    let target = rustix::fs::readlink(path, Vec::new())?;
    Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
}

/// Removes a file or link.
pub fn remove(path: &Path) -> Outcome<()> {
    rustix::fs::unlink(path)
}

/// Removes an empty directory.
pub fn remove_directory(path: &Path) -> Outcome<()> {
    rustix::fs::rmdir(path)
}

/// Sets permissions.
pub fn set_mode(path: &Path, mode: u32) -> Outcome<()> {
    rustix::fs::chmod(path, mode_of(mode))
}

/// Sets those of an open file.
pub fn set_mode_open(file: &Handle, mode: u32) -> Outcome<()> {
    rustix::fs::fchmod(file, mode_of(mode))
}

/// Sets a file's times: to this one, or to now by the file system's own clock. A symbolic link is itself.
pub fn set_times(path: &Path, ns: Option<i64>) -> Outcome<()> {
    #[allow(clippy::useless_conversion, reason = "the types differ between systems")]
    let time = match ns {
        Some(ns) => rustix::fs::Timespec {
            tv_sec: ns.div_euclid(1_000_000_000).into(),
            tv_nsec: ns.rem_euclid(1_000_000_000).try_into().unwrap_or_default(),
        },
        None => rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
    };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
}

/// The kernel's own answer to where a path leads, three calls instead of one for every directory and link on the way; `None` where it does
/// not tell (no `/proc`, nothing there) or may mean something else: what has been removed since is marked by words behind its name, and
/// what is outside of this process's root does not begin with it.
#[cfg(target_os = "linux")]
pub fn real_path(path: &Path) -> Option<PathBuf> {
    let file = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    let target = rustix::fs::readlink(name, Vec::with_capacity(256)).ok()?.into_bytes();
    let plain = target.starts_with(b"/") && !target.ends_with(b" (deleted)");
    plain.then(|| PathBuf::from(OsString::from_vec(target)))
}

/// It does not tell.
#[cfg(not(target_os = "linux"))]
pub fn real_path(_: &Path) -> Option<PathBuf> {
    None
}

/// Whether this process may execute a file.
pub fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// The magic number of the file system that a path is on.
#[allow(clippy::unnecessary_cast, reason = "the type differs between architectures")]
pub fn filesystem(path: &Path) -> Outcome<u32> {
    rustix::fs::statfs(path).map(|found| found.f_type as u32)
}

/// Of the one that an open file is on.
#[allow(clippy::unnecessary_cast, reason = "the type differs between architectures")]
pub fn filesystem_open(file: &Handle) -> Outcome<u32> {
    rustix::fs::fstatfs(file).map(|found| found.f_type as u32)
}

/// Whether what is in a directory has other names without a key.
#[cfg(target_os = "linux")]
pub fn is_encrypted(directory: &Path) -> Outcome<bool> {
    use rustix::fs::{StatxAttributes, StatxFlags, statx};
    let looked = statx(CWD, directory, AtFlags::empty(), StatxFlags::empty())?;
    Ok(looked.stx_attributes.contains(StatxAttributes::ENCRYPTED))
}

/// That is not known here.
#[cfg(not(target_os = "linux"))]
pub fn is_encrypted(_: &Path) -> Outcome<bool> {
    Err(Errno::NOSYS)
}

/// How many bytes may still be written to the file system that a path is on.
pub fn free_bytes(path: &Path) -> Outcome<u64> {
    rustix::fs::statvfs(path).map(|found| found.f_bavail.saturating_mul(found.f_frsize))
}

/// An open directory.
pub struct OpenDirectory(OwnedFd);

impl OpenDirectory {
    /// Opens a directory. A link to one is another, unless it is followed.
    pub fn open(path: &Path, follow: bool) -> Outcome<OpenDirectory> {
        let follow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = LOOK | OFlags::DIRECTORY | OFlags::CLOEXEC | follow;
        rustix::fs::openat(CWD, path, flags, Mode::empty()).map(OpenDirectory)
    }

    /// What is there by this name.
    pub fn stat(&self, name: &Path, follow: bool) -> Outcome<Stat> {
        stat_at(&self.0, name, follow)
    }

    /// A short path that leads to it as long as this is open.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// The directory by this name in it; a link to one is none.
    pub fn step(&self, name: &OsStr) -> Outcome<OpenDirectory> {
        let flags = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.0, name, flags, Mode::empty()).map(OpenDirectory)
    }

    /// Makes a directory in it.
    pub fn make(&self, name: &OsStr) -> Outcome<()> {
        rustix::fs::mkdirat(&self.0, name, mode_of(0o777))
    }

    /// The directory at the end of a way that leads through no link, in one call (openat2, Linux 5.6); sandboxes may not know it.
    #[cfg(target_os = "linux")]
    pub fn at_once(&self, inside: &Path) -> Outcome<OpenDirectory> {
        use rustix::fs::ResolveFlags;
        let flags = LOOK | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(&self.0, inside, flags, Mode::empty(), resolve).map(OpenDirectory)
    }

    /// There is no such call.
    #[cfg(not(target_os = "linux"))]
    pub fn at_once(&self, _: &Path) -> Outcome<OpenDirectory> {
        Err(Errno::NOSYS)
    }
}
