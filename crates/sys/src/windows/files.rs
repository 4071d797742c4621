//! Files, by std and a few calls of kernel32.

use crate::files::{Identity, NOBODY, Open, Stat};
use kiln_action::FileKind;
use std::ffi::{OsStr, c_void};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// An open file.
pub type Handle = File;

type Outcome<T> = Result<T, Errno>;

/// Why a call failed: Windows's own number, of several that mean the same thing always the same one. The names are those of Unix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(i32);

impl Errno {
    pub const NOENT: Errno = Errno(2);
    pub const ACCESS: Errno = Errno(5);
    pub const XDEV: Errno = Errno(17);
    pub const ROFS: Errno = Errno(19);
    pub const AGAIN: Errno = Errno(33);
    pub const OPNOTSUPP: Errno = Errno(50);
    pub const NOSPC: Errno = Errno(112);
    pub const NOSYS: Errno = Errno(120);
    pub const NOTEMPTY: Errno = Errno(145);
    pub const EXIST: Errno = Errno(183);
    pub const NOTDIR: Errno = Errno(267);
    /// No call is ever interrupted.
    pub const INTR: Errno = Errno(995);
    pub const STALE: Errno = Errno(1006);
    pub const MLINK: Errno = Errno(1142);
    pub const PERM: Errno = Errno(1314);
    pub const INVAL: Errno = Errno(4390);
    const IO: Errno = Errno(1117);

    /// The reason that a call of std's gave.
    pub fn from_io_error(error: &io::Error) -> Option<Errno> {
        error.raw_os_error().map(Errno::from_raw_os_error)
    }

    /// The reason with this number.
    pub fn from_raw_os_error(number: i32) -> Errno {
        match number {
            3 | 53 | 67 | 123 | 161 => Errno::NOENT, // a directory on the way, a machine, a share, and names that nothing can have
            32 => Errno::AGAIN,
            80 => Errno::EXIST,
            number => Errno(number),
        }
    }

    /// Its number.
    #[cfg(any(test, feature = "fault"))]
    pub fn raw_os_error(self) -> i32 {
        self.0
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        Errno::from_io_error(&error).unwrap_or(match error.kind() {
            io::ErrorKind::InvalidInput => Errno::NOENT, // a NUL in a name
            _ => Errno::IO,
        })
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno.0)
    }
}

const SHARE_ALL: u32 = 7;
/// Only what a file is, not what is in it.
const ATTRIBUTES_ONLY: u32 = 0x80;
/// Directories, too.
const BACKUP_SEMANTICS: u32 = 0x0200_0000;
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

const READ_ONLY: u32 = 0x1;
const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;
/// Symbolic links and junctions.
const LINKS: [u32; 2] = [0xa000_000c, 0xa000_0003];

#[repr(C)]
#[derive(Default)]
struct BasicInfo {
    creation: i64,
    last_access: i64,
    last_write: i64,
    change: i64,
    attributes: u32,
}

#[repr(C)]
#[derive(Default)]
struct StandardInfo {
    allocated: i64,
    end: i64,
    links: u32,
    delete_pending: u8,
    is_directory: u8,
}

#[repr(C)]
#[derive(Default)]
struct TagInfo {
    attributes: u32,
    tag: u32,
}

#[repr(C)]
#[derive(Default)]
struct IdInfo {
    volume: u64,
    file: [u64; 2],
}

/// What `GetFileInformationByHandleEx` fills, with its number.
trait Info: Default {
    const CLASS: i32;
}

impl Info for BasicInfo {
    const CLASS: i32 = 0;
}
impl Info for StandardInfo {
    const CLASS: i32 = 1;
}
impl Info for TagInfo {
    const CLASS: i32 = 9;
}
impl Info for IdInfo {
    const CLASS: i32 = 18;
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetFileInformationByHandleEx(file: *mut c_void, class: i32, into: *mut c_void, size: u32) -> i32;
    fn GetDiskFreeSpaceExW(directory: *const u16, free: *mut u64, total: *mut u64, all: *mut u64) -> i32;
}

fn info<T: Info>(file: &Handle) -> Outcome<T> {
    let mut info = T::default();
    // SAFETY: the handle is open; the structure is the one of this number, as large as its length says, and any bytes are one.
    let done = unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            T::CLASS,
            (&raw mut info).cast(),
            size_of::<T>() as u32,
        )
    };
    if done == 0 { Err(io::Error::last_os_error().into()) } else { Ok(info) }
}

/// From 100 ns since 1601 to ns since 1970.
pub fn nanoseconds(time: i64) -> i64 {
    time.saturating_sub(116_444_736_000_000_000).saturating_mul(100)
}

/// What is there.
pub fn stat(path: &Path, follow: bool) -> Outcome<Stat> {
    let flags = BACKUP_SEMANTICS | if follow { 0 } else { OPEN_REPARSE_POINT };
    let mut options = OpenOptions::new();
    stat_open(&options.access_mode(ATTRIBUTES_ONLY).share_mode(SHARE_ALL).custom_flags(flags).open(path)?)
}

/// What an open file is. A `mode` says no more than whether it may be written to, and nobody is known to own it.
pub fn stat_open(file: &Handle) -> Outcome<Stat> {
    let (basic, standard, id): (BasicInfo, StandardInfo, IdInfo) = (info(file)?, info(file)?, info(file)?);
    let kind = if basic.attributes & REPARSE_POINT != 0 && LINKS.contains(&info::<TagInfo>(file)?.tag) {
        FileKind::Symlink
    } else if basic.attributes & DIRECTORY != 0 {
        FileKind::Directory
    } else {
        FileKind::File
    };
    let all = if kind == FileKind::File { 0o666 } else { 0o777 };
    let identity = Identity {
        dev: id.volume,
        ino: id.file[0] ^ id.file[1].wrapping_mul(0x9e37_79b9_7f4a_7c15), // (the second half is 0 on NTFS)
        size: u64::try_from(standard.end).unwrap_or(0),
        mtime_ns: nanoseconds(basic.last_write),
        ctime_ns: nanoseconds(basic.change),
    };
    Ok(Stat {
        identity,
        kind,
        mode: if basic.attributes & READ_ONLY != 0 { all & 0o555 } else { all },
        links: u64::from(standard.links),
        owner: NOBODY,
        group: NOBODY,
    })
}

/// Opens a file. Permissions are those of the directory.
pub fn open(path: &Path, how: Open) -> Outcome<Handle> {
    let mut options = OpenOptions::new();
    options.share_mode(SHARE_ALL);
    match how {
        Open::Read => return Ok(options.read(true).custom_flags(BACKUP_SEMANTICS).open(path)?),
        Open::New(_) => return Ok(options.read(true).write(true).create_new(true).open(path)?),
        Open::AppendToNamed(_) => return Ok(options.append(true).create(true).open(path)?),
        Open::ReadOwn => options.read(true),
        Open::Update(_) => options.read(true).write(true).create(true),
        Open::Append(_) => options.append(true).create(true),
    };
    let file = options.custom_flags(BACKUP_SEMANTICS | OPEN_REPARSE_POINT).open(path)?;
    if stat_open(&file)?.kind == FileKind::Symlink { Err(Errno::ACCESS) } else { Ok(file) }
}

/// How many bytes were read there; 0 at the end.
pub fn read_at(file: &Handle, buffer: &mut [u8], offset: u64) -> Outcome<usize> {
    const AT_END: i32 = 38;
    match file.seek_read(buffer, offset) {
        Err(error) if error.raw_os_error() == Some(AT_END) => Ok(0),
        read => Ok(read?),
    }
}

/// How many bytes were written there.
pub fn write_at(file: &Handle, bytes: &[u8], offset: u64) -> Outcome<usize> {
    Ok(file.seek_write(bytes, offset)?)
}

/// How many bytes were written, by one call, where the file was opened for.
pub fn write(mut file: &Handle, bytes: &[u8]) -> Outcome<usize> {
    Ok(file.write(bytes)?)
}

/// Makes a file this long.
pub fn set_length(file: &Handle, length: u64) -> Outcome<()> {
    Ok(file.set_len(length)?)
}

/// Nobody has measured whether it helps.
pub fn reserve(_: &Handle, _: u64) -> Outcome<()> {
    Err(Errno::OPNOTSUPP)
}

/// ReFS could; nobody has looked.
pub fn share_blocks(_: &Handle, _: &Handle) -> Outcome<()> {
    Err(Errno::OPNOTSUPP)
}

/// Makes a directory.
pub fn make_directory(path: &Path, _: u32) -> Outcome<()> {
    Ok(fs::create_dir(path)?)
}

/// Gives a file another name, over whatever has it.
pub fn rename(from: &Path, to: &Path) -> Outcome<()> {
    Ok(fs::rename(from, to)?)
}

/// Gives a file one more name.
pub fn link(file: &Path, name: &Path) -> Outcome<()> {
    Ok(fs::hard_link(file, name)?)
}

/// Makes a symbolic link, to what is there now: links to directories are others than links to files.
pub fn symlink(target: &Path, link: &Path) -> Outcome<()> {
    let from = link.parent().unwrap_or(Path::new("")).join(target);
    match stat(&from, true) {
        Ok(found) if found.kind == FileKind::Directory => {
            Ok(std::os::windows::fs::symlink_dir(target, link)?)
        }
        _ => Ok(std::os::windows::fs::symlink_file(target, link)?),
    }
}

/// What a symbolic link says; [`Errno::INVAL`] if it is none.
pub fn read_link(path: &Path) -> Outcome<PathBuf> {
    Ok(fs::read_link(path)?)
}

/// Removes a file or link.
pub fn remove(path: &Path) -> Outcome<()> {
    match stat(path, false)? {
        // a link to a directory is removed as one
        found if found.kind == FileKind::Symlink => {
            Ok(fs::remove_file(path).or_else(|_| fs::remove_dir(path))?)
        }
        _ => Ok(fs::remove_file(path)?),
    }
}

/// Removes an empty directory.
pub fn remove_directory(path: &Path) -> Outcome<()> {
    Ok(fs::remove_dir(path)?)
}

/// Sets whether a file may be written to, which is all of its permissions that there is here.
pub fn set_mode(path: &Path, mode: u32) -> Outcome<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o222 == 0);
    Ok(fs::set_permissions(path, permissions)?)
}

/// The same for an open file.
pub fn set_mode_open(file: &Handle, mode: u32) -> Outcome<()> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(mode & 0o222 == 0);
    Ok(file.set_permissions(permissions)?)
}

/// Sets when a file was written: then, or now.
pub fn set_times(path: &Path, ns: Option<i64>) -> Outcome<()> {
    let since = |ns: i64| SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(ns).unwrap_or(0));
    let time = ns.map_or_else(SystemTime::now, since);
    Ok(OpenOptions::new().write(true).open(path)?.set_modified(time)?)
}

/// Where a path leads, as a person would write it; `None` where that is not known, or needs the form that begins with `\\?\`.
pub fn real_path(path: &Path) -> Option<PathBuf> {
    const LONGEST: usize = 248;
    let real = fs::canonicalize(path).ok()?;
    let plain = real.to_str()?.strip_prefix(r"\\?\")?;
    let is_of_a_drive = plain.as_bytes().get(1..3) == Some(br":\");
    (is_of_a_drive && plain.len() < LONGEST).then(|| PathBuf::from(plain))
}

/// Whether a file may be executed, as far as its name tells.
pub fn is_executable(path: &Path) -> bool {
    let suffix = path.extension().map(OsStr::to_ascii_lowercase);
    let named =
        suffix.is_some_and(|suffix| ["exe", "com", "bat", "cmd"].iter().any(|known| suffix == *known));
    named && stat(path, true).is_ok_and(|found| found.kind == FileKind::File)
}

/// No kind that anything is known of.
pub fn filesystem(_: &Path) -> Outcome<u32> {
    Ok(0)
}

/// Nor this.
pub fn filesystem_open(_: &Handle) -> Outcome<u32> {
    Ok(0)
}

/// That is not known here.
pub fn is_encrypted(_: &Path) -> Outcome<bool> {
    Err(Errno::NOSYS)
}

/// How many bytes may still be written to the file system that a path is on.
pub fn free_bytes(path: &Path) -> Outcome<u64> {
    let directory = if stat(path, true)?.kind == FileKind::Directory { Some(path) } else { path.parent() };
    let name = directory.unwrap_or(path).as_os_str();
    let name: Vec<u16> = name.encode_wide().chain([0]).collect();
    let mut free = 0;
    // SAFETY: the name ends with a zero, the first number is ours, and the others are not asked for.
    let done = unsafe {
        GetDiskFreeSpaceExW(name.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut())
    };
    if done == 0 { Err(io::Error::last_os_error().into()) } else { Ok(free) }
}

/// A directory that is looked into by name.
pub struct OpenDirectory(PathBuf);

impl OpenDirectory {
    /// That a directory is there. To keep it there, which whoever follows links asks for ([`crate::files::Beneath`]), is unsupported here:
    /// std opens nothing below an open directory.
    pub fn open(path: &Path, follow: bool) -> Outcome<OpenDirectory> {
        match stat(path, follow)?.kind {
            _ if follow => Err(Errno::NOSYS),
            FileKind::Directory => Ok(OpenDirectory(path.to_owned())),
            _ => Err(Errno::NOTDIR),
        }
    }

    /// What is there by this name.
    pub fn stat(&self, name: &Path, follow: bool) -> Outcome<Stat> {
        stat(&self.0.join(name), follow)
    }

    /// A path that leads to it.
    pub fn path(&self) -> PathBuf {
        self.0.clone()
    }

    /// Unsupported here.
    pub fn step(&self, _: &OsStr) -> Outcome<OpenDirectory> {
        Err(Errno::NOSYS)
    }

    /// Unsupported here.
    pub fn make(&self, _: &OsStr) -> Outcome<()> {
        Err(Errno::NOSYS)
    }

    /// Unsupported here.
    pub fn at_once(&self, _: &Path) -> Outcome<OpenDirectory> {
        Err(Errno::NOSYS)
    }
}
