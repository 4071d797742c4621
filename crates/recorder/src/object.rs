//! The preload object as a file, where the loader of the watched processes finds it.

use kiln_action::os::OsStrExt;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags};
use rustix::process::getpid;

pub(crate) static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/preload.so"));
const DIGEST: &str = env!("KILN_PRELOAD_DIGEST");

/// The object in a place that lasts at least as long as this value.
#[derive(Debug)]
pub(crate) struct Object {
    path: PathBuf,
    /// Holds the object where it has no file.
    _memory: Option<OwnedFd>,
}

impl Object {
    /// Whether there is an object for this machine.
    pub(crate) fn is_supported() -> bool {
        !OBJECT.is_empty()
    }

    /// In that directory if it can be used, else in memory.
    pub(crate) fn place(directory: Option<&Path>) -> io::Result<Object> {
        if let Some(directory) = directory.filter(|directory| loader_can_name(directory))
            && let Ok(path) = write_under(directory)
            && loader_can_map(&path)
        {
            return Ok(Object { path, _memory: None });
        }
        let memory = memory_file("kiln-recorder", OBJECT)?;
        Ok(Object { path: path_of(&memory), _memory: Some(memory) })
    }

    /// Whether it lies in the directory that was named.
    pub(crate) fn is_a_file(&self) -> bool {
        self._memory.is_none()
    }

    /// A list of libraries to load, given the one that the user has: theirs, then this. A leading colon alone says that the user
    /// has an empty value, not none.
    pub(crate) fn preload(&self, users: Option<&OsStr>) -> OsString {
        preload(users, self.path.as_os_str())
    }
}

/// The user's list of libraries to load with the object behind it.
pub(crate) fn preload(users: Option<&OsStr>, object: &OsStr) -> OsString {
    let mut list = users.map(OsStr::to_owned).unwrap_or_default();
    if users.is_some() {
        list.push(":");
    }
    list.push(object);
    list
}

/// An unnamed file that other processes open by [`path_of`].
#[cfg(target_os = "linux")]
pub(crate) fn memory_file(name: &str, content: &[u8]) -> io::Result<OwnedFd> {
    let file = fs::memfd_create(name, fs::MemfdFlags::CLOEXEC | fs::MemfdFlags::ALLOW_SEALING)?;
    write_all(&file, content)?;
    Ok(file)
}

/// Where there is an object, there are such files.
#[cfg(not(target_os = "linux"))]
pub(crate) fn memory_file(_: &str, _: &[u8]) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The name under which others find one of our open files as long as we hold it.
pub(crate) fn path_of(file: &OwnedFd) -> PathBuf {
    use std::os::fd::AsRawFd;
    PathBuf::from(format!("/proc/{}/fd/{}", getpid().as_raw_nonzero(), file.as_raw_fd()))
}

/// The loader splits LD_PRELOAD at colons and white space, and replaces what starts with a dollar sign.
fn loader_can_name(directory: &Path) -> bool {
    let bytes = directory.as_os_str().as_bytes();
    directory.is_absolute()
        && !bytes.iter().any(|byte| matches!(byte, b':' | b'$' | b'\\') || byte.is_ascii_whitespace())
}

/// From a file system that is mounted `noexec` the loader takes nothing, and says so on the program's standard error.
#[cfg(target_os = "linux")]
fn loader_can_map(path: &Path) -> bool {
    fs::statvfs(path).is_ok_and(|mounted| !mounted.f_flag.contains(fs::StatVfsMountFlags::NOEXEC))
}

#[cfg(not(target_os = "linux"))]
fn loader_can_map(_: &Path) -> bool {
    false
}

fn write_under(directory: &Path) -> io::Result<PathBuf> {
    let path = directory.join(format!("{DIGEST}.so"));
    if read_all(&path).is_ok_and(|content| content == OBJECT) {
        return Ok(path);
    }
    make_directories(directory)?;
    let mut name = OsString::from(&path);
    name.push(format!(".{}", getpid().as_raw_nonzero()));
    let temporary = PathBuf::from(name);
    let written = write_new(&temporary).and_then(|()| Ok(fs::renameat(CWD, &temporary, CWD, &path)?));
    if written.is_err() {
        // Best effort: what failed is reported, not that its remains could not be removed.
        let _ = fs::unlinkat(CWD, &temporary, AtFlags::empty());
    }
    written.map(|()| path)
}

fn make_directories(directory: &Path) -> io::Result<()> {
    for ancestor in directory.ancestors().collect::<Vec<_>>().into_iter().rev() {
        match fs::mkdirat(CWD, ancestor, Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            // Read-only ancestors do not matter if the last one is there or can be made.
            Err(error) if ancestor == directory => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(())
}

fn write_new(path: &Path) -> io::Result<()> {
    let mode = Mode::RUSR | Mode::WUSR | Mode::XUSR | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let _ = fs::unlinkat(CWD, path, AtFlags::empty()); // of a process that was killed and had this number
    write_all(&fs::openat(CWD, path, flags, mode)?, OBJECT)
}

fn read_all(path: &Path) -> io::Result<Vec<u8>> {
    // What lies there may be anybody's doing: a pipe is not waited for, and a link leads nowhere.
    let safely = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = fs::openat(CWD, path, OFlags::RDONLY | safely, Mode::empty())?;
    let mut content = vec![0; OBJECT.len() + 1];
    let size = read_at(&file, &mut content, 0)?;
    content.truncate(size);
    Ok(content)
}

fn write_all(file: &OwnedFd, mut content: &[u8]) -> io::Result<()> {
    while !content.is_empty() {
        match rustix::io::write(file, content) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(size) => content = &content[size..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Fills the buffer from that offset as far as the file goes.
pub(crate) fn read_at(file: &OwnedFd, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(size) => filled += size,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
