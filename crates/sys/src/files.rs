//! Files: whole or not there.
//!
//! Everything that is written appears under its name by one `rename` or `link`, from a private name in the same
//! directory (`.kiln-<pid>-<n>`), which is removed again when something fails. Every error says what was tried, on which
//! path and why it failed. Every system call passes [`fault`] first, so that tests can make any one of them fail.

use crate::system::files::{self as system, Errno, Handle, OpenDirectory};
use crate::{env, random};
use kiln_action::{ContentHasher, Digest, FileKind};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

mod beneath;
mod draft;
pub use crate::fault;
mod kind;
mod lock;
mod place;
mod search;

pub use beneath::Beneath;
pub use draft::{
    Draft, PRIVATE_PREFIX, create_shared_dirs, write_atomic, write_executable, write_private, write_shared,
};
use kind::filesystem_kind_of;
pub use kind::{FilesystemKind, filesystem_kind, free_bytes, stamps_names};
pub use lock::{Lock, PlaceClaim, PlaceLock};
pub use place::{place_copy, place_copy_checked, place_copy_hashing, place_link};
pub use search::{Search, find_any};

/// Something could not be done to a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}: {source}", .path.display())]
pub struct FileError {
    /// What was tried, as a verb: `read`, `create`, `link`.
    pub verb: &'static str,
    /// The file that the operation was about.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

impl FileError {
    /// An error of this verb on this path.
    pub fn new(verb: &'static str, path: &Path, source: impl Into<io::Error>) -> FileError {
        FileError { verb, path: path.to_owned(), source: source.into() }
    }

    /// Whether it failed because there is nothing by that name.
    pub fn is_missing(&self) -> bool {
        matches!(self.errno(), Some(Errno::NOENT | Errno::NOTDIR))
    }

    /// Whether a hard link cannot be had here, so that a copy is to be made instead: another file system, too many links
    /// already, or a file system or owner that does not allow it.
    pub fn wants_copy(&self) -> bool {
        let errno = self.errno();
        matches!(errno, Some(Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS))
    }

    /// Whether somebody else has replaced it on a server meanwhile (NFS): looking it up by its name once more helps.
    pub fn is_stale(&self) -> bool {
        self.errno() == Some(Errno::STALE)
    }

    fn errno(&self) -> Option<Errno> {
        Errno::from_io_error(&self.source)
    }
}

/// Runs one system call: `fault` may fail it, an interrupted one is run again, an error is given its verb and path.
fn call<T>(verb: &'static str, path: &Path, run: impl FnMut() -> Result<T, Errno>) -> Result<T, FileError> {
    let outcome = fault::pass().and_then(|()| uninterrupted(run));
    outcome.map_err(|errno| FileError::new(verb, path, errno))
}

/// Runs an interrupted system call again.
fn uninterrupted<T>(mut run: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match run() {
            Err(Errno::INTR) => {}
            outcome => return outcome,
        }
    }
}

/// Makes "there is nothing by that name" a value.
fn found<T>(outcome: Result<T, FileError>) -> Result<Option<T>, FileError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What tells one state of one file from every other state and file, as far as `stat` can tell. Linking and unlinking
/// change `ctime_ns`, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The number of the device (`st_dev`).
    pub dev: u64,
    /// The inode on it.
    pub ino: u64,
    /// Length in bytes.
    pub size: u64,
    /// When the content was written, by the file system's clock, in nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// When anything about the file was changed, likewise.
    pub ctime_ns: i64,
}

impl Identity {
    /// Whether the content can be the same although links came or went: everything but `ctime_ns` is equal.
    pub fn same_content(&self, other: &Identity) -> bool {
        let relinked = Identity { ctime_ns: other.ctime_ns, ..*self };
        relinked == *other
    }
}

/// What `stat` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Which file, in which state.
    pub identity: Identity,
    /// Whether it is a file, a directory, a link or something else.
    pub kind: FileKind,
    /// Permission bits (the lowest twelve of `st_mode`).
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// Whose it is: the number of a user; [`NOBODY`] where there are no such numbers.
    pub owner: u32,
    /// And of a group.
    pub group: u32,
}

/// The owner of what has none with a number (Windows).
pub const NOBODY: u32 = u32::MAX;

/// What a file is opened for, and the permissions that it gets (less the umask) where it is made. None of these waits for a pipe's
/// other end. For files of the cache ([`Open::ReadOwn`], [`Open::Update`], [`Open::Append`]) a symbolic link is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// Reading.
    Read,
    /// Reading a file of kiln's own.
    ReadOwn,
    /// Reading and writing; made if it is not there.
    Update(u32),
    /// Writing behind what is there; made if it is not there.
    Append(u32),
    /// The same to whatever a user has named.
    AppendToNamed(u32),
    /// Reading and writing; nothing may be there.
    New(u32),
}

/// What is there, symbolic links followed; `None` if nothing is.
pub fn stat(path: &Path) -> Result<Option<Stat>, FileError> {
    look(path, || system::stat(path, true))
}

/// Looks at a name. Thousands are not there, so that is no error on the way.
fn look(path: &Path, run: impl FnMut() -> Result<Stat, Errno>) -> Result<Option<Stat>, FileError> {
    match fault::pass().and_then(|()| uninterrupted(run)) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(FileError::new("look at", path, errno)),
    }
}

/// An open directory, in which many files are looked at by name.
pub struct Directory(OpenDirectory);

impl Directory {
    /// Opens a directory; `None` if there is none by this very name (a link to one is another), or it cannot be opened.
    pub fn open(path: &Path) -> Option<Directory> {
        fault::pass().ok()?;
        OpenDirectory::open(path, false).ok().map(Directory)
    }

    /// What is there by this name, symbolic links followed; `None` if nothing is.
    pub fn stat(&self, name: &OsStr) -> Result<Option<Stat>, FileError> {
        let name = Path::new(name);
        look(name, || self.0.stat(name, true))
    }

    /// The same, a link being itself.
    pub fn lstat(&self, name: &OsStr) -> Result<Option<Stat>, FileError> {
        let name = Path::new(name);
        look(name, || self.0.stat(name, false))
    }

    /// A short path that leads to it as long as this is open.
    pub fn through_descriptor(&self) -> PathBuf {
        self.0.path()
    }
}

/// Looks at many files, the neighbours of the last one through their directory: a name costs the kernel a third of what a
/// path of ten names does.
#[derive(Default)]
pub struct Round {
    last: PathBuf,
    directory: Option<Directory>,
}

impl Round {
    /// What is there, symbolic links followed; `None` if nothing is.
    pub fn stat(&mut self, path: &Path) -> Result<Option<Stat>, FileError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return stat(path) };
        if self.last != parent {
            parent.clone_into(&mut self.last);
            self.directory = None; // the first one of a directory may be the only one
            return stat(path);
        }
        if self.directory.is_none() {
            self.directory = Directory::open(parent);
        }
        self.directory.as_ref().map_or_else(|| stat(path), |directory| directory.stat(name))
    }
}

/// The numeric user that it belongs to, symbolic links followed; `None` if nothing is there, or nobody is known to own it.
pub fn owner(path: &Path) -> Result<Option<u32>, FileError> {
    Ok(stat(path)?.map(|stat| stat.owner).filter(|owner| *owner != NOBODY))
}

/// The numeric user that it belongs to, a symbolic link being itself; `None` likewise.
pub fn lstat_owner(path: &Path) -> Result<Option<u32>, FileError> {
    Ok(lstat(path)?.map(|stat| stat.owner).filter(|owner| *owner != NOBODY))
}

/// What is there, a symbolic link being itself; `None` if nothing is.
pub fn lstat(path: &Path) -> Result<Option<Stat>, FileError> {
    look(path, || system::stat(path, false))
}

/// A file that is open for reading, with what it was when it was opened.
pub struct Source {
    file: Handle,
    path: PathBuf,
    stat: Stat,
}

/// What reading a file to its end gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// The digest of what was read.
    pub digest: Digest,
    /// The file's identity afterwards.
    pub identity: Identity,
    /// Whether the file stayed the same from before the first byte was read until after the last.
    pub stable: bool,
}

const BUFFER: u64 = 256 << 10;

impl Source {
    /// Opens a file. Never waits for a pipe's other end.
    pub fn open(path: &Path) -> Result<Source, FileError> {
        Source::open_with(path, Open::Read)
    }

    /// Opens a file of kiln's own books. What is there may be anybody's doing: what is no regular file by this very name is an error.
    pub fn open_own(path: &Path) -> Result<Source, FileError> {
        let source = Source::open_with(path, Open::ReadOwn)?;
        source.is_regular().then_some(()).ok_or_else(|| not_regular(path))?;
        Ok(source)
    }

    fn open_with(path: &Path, how: Open) -> Result<Source, FileError> {
        let file = call("open", path, || system::open(path, how))?;
        let stat = fstat(&file, path)?;
        Ok(Source { file, path: path.to_owned(), stat })
    }

    fn is_regular(&self) -> bool {
        self.stat.kind == FileKind::File
    }

    /// What it was when it was opened.
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Hands all bytes to `take`, in pieces.
    fn each_piece(&self, mut take: impl FnMut(&[u8], u64) -> Result<(), FileError>) -> Result<(), FileError> {
        if !self.is_regular() {
            return Err(not_regular(&self.path)); // it may never end
        }
        let mut buffer = self.buffer();
        let mut offset = 0;
        loop {
            let read = self.read_at(&mut buffer, offset)?;
            if read == 0 {
                return Ok(());
            }
            take(&buffer[..read], offset)?;
            offset += read as u64;
        }
    }

    fn buffer(&self) -> Vec<u8> {
        vec![0; self.stat.identity.size.clamp(512, BUFFER) as usize]
    }

    /// How many bytes were read there; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, FileError> {
        call("read", &self.path, || system::read_at(&self.file, buffer, offset))
    }

    /// What it is now.
    pub fn stat_again(&self) -> Result<Stat, FileError> {
        fstat(&self.file, &self.path)
    }

    /// What kind of file system it is on.
    pub fn filesystem_kind(&self) -> Result<FilesystemKind, FileError> {
        filesystem_kind_of(&self.file, &self.path)
    }

    /// Reads it to its end for its digest.
    pub fn hash(&self) -> Result<Hashed, FileError> {
        self.hash_showing(|_| ())
    }

    /// The same, and `see` sees all that is read.
    pub fn hash_showing(&self, mut see: impl FnMut(&[u8])) -> Result<Hashed, FileError> {
        let mut hasher = ContentHasher::new();
        self.each_piece(|piece, _| {
            hasher.update(piece);
            see(piece);
            Ok(())
        })?;
        let (digest, identity) = (hasher.finish(), self.stat_again()?.identity);
        let stable = identity == self.stat.identity && digest.size == identity.size;
        Ok(Hashed { digest, identity, stable })
    }
}

fn fstat(file: &Handle, path: &Path) -> Result<Stat, FileError> {
    call("look at", path, || system::stat_open(file))
}

/// The digest of a file's content and its identity.
pub fn hash_file(path: &Path) -> Result<Hashed, FileError> {
    Source::open(path)?.hash()
}

fn not_regular(path: &Path) -> FileError {
    FileError::new("read", path, io::Error::other("it is no regular file"))
}

/// The whole content of a regular file that is not too large to be held.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    const LARGEST: u64 = 1 << 30;
    let source = Source::open(path)?;
    source.is_regular().then_some(()).ok_or_else(|| not_regular(path))?;
    read_source(&source, LARGEST)
}

/// The whole content of a file of kiln's own books (see [`Source::open_own`]), if it is at most `limit` bytes long.
pub fn read_own(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    read_source(&Source::open_own(path)?, limit)
}

/// The whole content, if it is at most `limit` bytes long; else an error of the kind [`io::ErrorKind::FileTooLarge`].
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    read_source(&Source::open(path)?, limit)
}

/// The whole content of an open file, likewise.
pub fn read_source(source: &Source, limit: u64) -> Result<Vec<u8>, FileError> {
    if source.is_regular() && source.stat.identity.size > limit {
        return Err(FileError::new("read", &source.path, io::ErrorKind::FileTooLarge));
    }
    let mut bytes = vec![0; source.stat.identity.size.clamp(512, limit.clamp(512, 1 << 30)) as usize + 1];
    let mut done = 0;
    loop {
        let rest = &mut bytes[done..];
        match call("read", &source.path, || system::read_at(&source.file, rest, done as u64))? {
            0 => break,
            read => done += read,
        }
        if done as u64 > limit {
            return Err(FileError::new("read", &source.path, io::ErrorKind::FileTooLarge));
        }
        if done == bytes.len() {
            bytes.resize(2 * done, 0); // it grows, or does not say how long it is
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// Up to `buffer.len()` bytes from `offset`; fewer only at the end of the file.
pub(crate) fn read_at(
    file: &Handle,
    path: &Path,
    buffer: &mut [u8],
    offset: u64,
) -> Result<usize, FileError> {
    let mut done = 0;
    while done < buffer.len() {
        let rest = &mut buffer[done..];
        match call("read", path, || system::read_at(file, rest, offset + done as u64))? {
            0 => break,
            more => done += more,
        }
    }
    Ok(done)
}

/// No more than this is written at once. Linux makes the pages of a file as large as a write, up to 2 MiB, and memory in such large pieces is
/// what nobody has used for long: where a hypervisor provides it only then, a MB costs 2 ms instead of 0.2 (measured; docs/benchmarks.md).
/// Smaller pieces get what was used a moment ago, and cost no more elsewhere.
const AT_ONCE: usize = 128 << 10;

/// All of `bytes` at `offset`.
fn write_at(file: &Handle, path: &Path, mut bytes: &[u8], mut offset: u64) -> Result<(), FileError> {
    while !bytes.is_empty() {
        let piece = &bytes[..fault::piece(bytes.len().min(AT_ONCE))];
        let done = call("write", path, || system::write_at(file, piece, offset))?;
        if done == 0 {
            return Err(FileError::new("write", path, io::ErrorKind::WriteZero));
        }
        bytes = &bytes[done..];
        offset += done as u64;
    }
    Ok(())
}

/// A small fixed-size record file that is read and written in place, for things that may be lost: counters, memos.
pub struct Scratch {
    file: Handle,
    path: PathBuf,
}

impl Scratch {
    /// Opens or creates it, readable by its owner only. In a place that cannot be written to, one that is there can be
    /// read, and writing to it fails.
    pub fn open(path: &Path) -> Result<Scratch, FileError> {
        let open = |how| call("open", path, || system::open(path, how));
        let file = open(Open::Update(0o600)).or_else(|error| match error.errno() {
            Some(Errno::ROFS | Errno::ACCESS | Errno::PERM) => open(Open::ReadOwn),
            _ => Err(error),
        })?;
        Scratch::of(file, path)
    }

    /// A device has no end, a pipe no places.
    fn of(file: Handle, path: &Path) -> Result<Scratch, FileError> {
        let stat = fstat(&file, path)?;
        (stat.kind == FileKind::File).then_some(()).ok_or_else(|| not_regular(path))?;
        Ok(Scratch { file, path: path.to_owned() })
    }

    /// Opens one that is there, for reading only; `None` if it is not.
    pub fn look(path: &Path) -> Result<Option<Scratch>, FileError> {
        let file = found(call("open", path, || system::open(path, Open::ReadOwn)))?;
        file.map(|file| Scratch::of(file, path)).transpose()
    }

    /// Reads into `buffer` from `offset`; says how many bytes there were.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, FileError> {
        read_at(&self.file, &self.path, buffer, offset)
    }

    /// Writes `bytes` at `offset`, in place.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), FileError> {
        write_at(&self.file, &self.path, bytes, offset)
    }
}

/// Appends one record by one `write` with `O_APPEND`, so that records of several writers do not mix. Creates the file and
/// its directory if need be.
pub fn append(path: &Path, record: &[u8]) -> Result<(), FileError> {
    append_to(path, record, Open::Append(0o666))
}

/// The same to a file that a user has named: it may be a link, a device, or a pipe, which nobody waits for.
pub fn append_to_named(path: &Path, record: &[u8]) -> Result<(), FileError> {
    append_to(path, record, Open::AppendToNamed(0o666))
}

fn append_to(path: &Path, record: &[u8], how: Open) -> Result<(), FileError> {
    let file = with_parent(path, || call("open", path, || system::open(path, how)))?;
    match call("append to", path, || system::write(&file, record))? {
        written if written == record.len() => Ok(()),
        _ => Err(FileError::new("append to", path, Errno::NOSPC)),
    }
}

/// Runs `create`; if that fails for want of a directory, makes it and tries once more.
fn with_parent<T>(path: &Path, create: impl Fn() -> Result<T, FileError>) -> Result<T, FileError> {
    match create() {
        Err(error) if error.errno() == Some(Errno::NOENT) => {
            if let Some(parent) = path.parent() {
                create_dirs(parent)?;
            }
            create()
        }
        outcome => outcome,
    }
}

/// Creates a directory and those above it. It is fine if they are there.
pub fn create_dirs(path: &Path) -> Result<(), FileError> {
    create_dirs_mode(path, 0o777)
}

/// Like [`create_dirs`]; those that are new are for their owner only. A home directory that is not there is nobody's to make: whoever has
/// none is told one that is not to be (`/nonexistent`, `/homeless-shelter`), and root could make it.
pub fn create_private_dirs(path: &Path) -> Result<(), FileError> {
    if let Some(home) = env::home().filter(|home| path.starts_with(home))
        && stat(&home)?.is_none()
    {
        let why = io::Error::new(io::ErrorKind::NotFound, "the home directory is not there");
        return Err(FileError::new("create directory", path, why));
    }
    create_dirs_mode(path, 0o700)
}

/// Who besides this user and root can put something into a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// The user that it belongs to.
    Owner(u32),
    /// Anybody.
    Anybody,
}

/// Who else can put something into a directory, if that is no group's affair; `None` if nobody can, or nothing is there.
pub fn stranger(directory: &Path) -> Result<Option<Stranger>, FileError> {
    let Some(Stat { owner, mode, .. }) = stat(directory)? else { return Ok(None) };
    Ok(match owner {
        NOBODY => None, // lists of access are not looked at; what is in a user's profile is theirs
        owner if owner != 0 && owner != env::user() => Some(Stranger::Owner(owner)),
        _ => (mode & 0o002 != 0).then_some(Stranger::Anybody),
    })
}

fn create_dirs_mode(path: &Path, mode: u32) -> Result<(), FileError> {
    let create = || call("create directory", path, || system::make_directory(path, mode));
    let created = match create() {
        Err(error) if error.errno() == Some(Errno::NOENT) => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).ok_or(error)?;
            create_dirs_mode(parent, mode)?;
            create() // once more only: below /proc there is never anything, whatever is made above it
        }
        created => created,
    };
    created.or_else(|error| match stat(path) {
        Ok(Some(there)) if there.kind == FileKind::Directory => Ok(()),
        _ => Err(error),
    })
}

/// A new directory in `parent`, for its owner only, by a name that nobody can have known and put something under before.
pub fn create_private_room(parent: &Path, prefix: &str) -> Result<PathBuf, FileError> {
    let name = random::name().map_err(|error| FileError::new("name a directory in", parent, error))?;
    let room = parent.join(format!("{prefix}{name}"));
    call("create directory", &room, || system::make_directory(&room, 0o700))?;
    Ok(room)
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name, without its directory.
    pub name: OsString,
    /// What it is; a symbolic link is itself.
    pub kind: FileKind,
}

/// What is in a directory, sorted by name; `None` if there is no such directory.
pub fn list(path: &Path) -> Result<Option<Vec<Entry>>, FileError> {
    let mut entries = list_unsorted(path)?;
    if let Some(entries) = &mut entries {
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(entries)
}

/// What is in a directory, in the order in which the system tells it; `None` if there is no such directory.
pub fn list_unsorted(path: &Path) -> Result<Option<Vec<Entry>>, FileError> {
    let failed = |error: io::Error| FileError::new("list", path, error);
    let Some(()) = found(call("list", path, || Ok(())))? else { return Ok(None) };
    let names = match std::fs::read_dir(path) {
        Ok(names) => names,
        Err(error) => return found(Err(failed(error))),
    };
    let mut entries = Vec::new();
    for name in names {
        let name = name.map_err(failed)?;
        let Ok(kind) = name.file_type() else { continue }; // gone since
        let kind = match kind {
            kind if kind.is_file() => FileKind::File,
            kind if kind.is_dir() => FileKind::Directory,
            kind if kind.is_symlink() => FileKind::Symlink,
            _ => FileKind::Other,
        };
        entries.push(Entry { name: name.file_name(), kind });
    }
    Ok(Some(entries))
}

/// Where a path leads with all symbolic links resolved; `None` if nowhere.
pub fn real_path(path: &Path) -> Result<Option<PathBuf>, FileError> {
    let Some(()) = found(call("resolve", path, || Ok(())))? else { return Ok(None) };
    if let Some(real) = system::real_path(path) {
        return Ok(Some(real));
    }
    found(std::fs::canonicalize(path).map_err(|error| FileError::new("resolve", path, error)))
}

/// Makes a symbolic link, in the place of whatever file or link has its name.
pub fn symlink(target: &Path, link: &Path) -> Result<(), FileError> {
    let beside = link.with_extension(format!("new-{}", std::process::id()));
    let _ = remove(&beside);
    call("link", &beside, || system::symlink(target, &beside))?;
    call("rename", link, || system::rename(&beside, link))
}

/// What a symbolic link says; `None` if nothing is there or it is no link.
pub fn read_link(path: &Path) -> Result<Option<PathBuf>, FileError> {
    match call("read link", path, || system::read_link(path)) {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.errno() == Some(Errno::INVAL) => Ok(None),
        Err(error) => found(Err(error)),
    }
}

/// Gives a file another name in the same file system, over whatever has it.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    call("rename", from, || system::rename(from, to))
}

/// Removes a file or link; says whether there was one.
pub fn remove(path: &Path) -> Result<bool, FileError> {
    Ok(found(call("remove", path, || system::remove(path)))?.is_some())
}

/// Removes a directory with everything in it; symbolic links are removed and not followed.
pub fn remove_tree(path: &Path) -> Result<(), FileError> {
    let Some(()) = found(call("remove", path, || Ok(())))? else { return Ok(()) };
    let removed = std::fs::remove_dir_all(path).map_err(|error| FileError::new("remove", path, error));
    found(removed).map(|_| ())
}

/// Removes an empty directory; says whether it did. One that is in use is left alone.
pub fn remove_empty_dir(path: &Path) -> Result<bool, FileError> {
    match call("remove directory", path, || system::remove_directory(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.errno() == Some(Errno::NOTEMPTY) => Ok(false),
        Err(error) => Ok(found(Err::<(), _>(error))?.is_some()),
    }
}

/// Takes away everybody else's permission to write.
pub fn close_to_others(path: &Path) -> Result<(), FileError> {
    let Some(there) = stat(path)? else { return Ok(()) };
    call("close", path, || system::set_mode(path, there.mode & !0o022))
}

/// Makes a file its owner's alone, to read and to write.
pub fn make_private(path: &Path) -> Result<(), FileError> {
    call("close", path, || system::set_mode(path, 0o600))
}

/// Makes a file one that may be executed, by whoever may read it.
pub fn make_executable(path: &Path) -> Result<(), FileError> {
    let Some(stat) = stat(path)? else { return Ok(()) };
    let mode = (stat.mode | (stat.mode & 0o444) >> 2) & 0o7777;
    call("make executable", path, || system::set_mode(path, mode))
}

/// Sets when a file was modified, a symbolic link being itself. Only to a time that the same file system gave to another file, or just
/// before (no other clock is the same), or to one that somebody else had set.
pub fn set_modified(path: &Path, mtime_ns: i64) -> Result<(), FileError> {
    call("touch", path, || system::set_times(path, Some(mtime_ns)))
}

/// Sets a file's times to now, by the file system's own clock. Only for files nobody else has a link to: cargo compares
/// times.
pub fn touch_now(path: &Path) -> Result<(), FileError> {
    call("touch", path, || system::set_times(path, None))
}

#[cfg(test)]
mod tests;
