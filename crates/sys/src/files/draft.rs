//! A file under a private name, until it is whole.

use super::{
    FileError, Identity, Open, Source, call, fault, filesystem_kind_of, fstat, stat, with_parent, write_at,
};
use crate::system::files::{self as system, Errno, Handle};
use crate::thread;
use kiln_action::{ContentHasher, Digest};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// How private names begin. What is left of a process that was killed is recognised by it.
pub const PRIVATE_PREFIX: &str = ".kiln-";

/// From this size on room is asked for before a file is written: on ext4 that makes writing 5 MB take 0.43 ms instead of
/// 0.74 (`copy_file_range` takes 0.89); for small files it costs more than it saves.
const PREALLOCATE_FROM: u64 = 128 << 10;

/// From this size on a second thread is worth its start.
const BESIDE_FROM: u64 = 1 << 20;

/// Pieces between the two threads.
const BUFFERS: usize = 3;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Runs `create` with a private name in `directory`, with another one if that is taken (process numbers come again).
pub(super) fn with_private_name<T>(
    directory: &Path,
    create: impl Fn(&Path) -> Result<T, FileError>,
) -> Result<(PathBuf, T), FileError> {
    let pid = std::process::id();
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{PRIVATE_PREFIX}{pid}-{number}"));
        match create(&path) {
            Ok(made) => return Ok((path, made)),
            Err(error) if error.errno() == Some(Errno::EXIST) && number < 1 << 20 => {}
            Err(error) => return Err(error),
        }
    }
}

/// A new file under a private name. It is removed when dropped, unless it was published.
pub struct Draft {
    file: Handle,
    path: PathBuf,
    published: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            let _ = system::remove(&self.path); // nothing more can be done; upkeep removes old ones
        }
    }
}

impl Draft {
    /// A new, empty file in `directory` with this mode (less the umask). The directory is made if it is not there.
    pub fn create(directory: &Path, mode: u32) -> Result<Draft, FileError> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        with_parent(&directory.join("any"), || Draft::create_in(directory, mode))
    }

    /// The same in a directory that is there.
    fn create_in(directory: &Path, mode: u32) -> Result<Draft, FileError> {
        let create = |path: &Path| call("create", path, || system::open(path, Open::New(mode)));
        let (path, file) = with_private_name(directory, create)?;
        Ok(Draft { file, path, published: false })
    }

    /// Writes all of its content.
    pub fn write(&self, bytes: &[u8]) -> Result<(), FileError> {
        write_at(&self.file, &self.path, bytes, 0)
    }

    /// Takes over the content of `source`: its blocks are shared where the file system can do that, else copied.
    pub fn fill(&self, source: &Source) -> Result<(), FileError> {
        if self.share(source) { Ok(()) } else { self.copy(source, |_| ()) }
    }

    /// Takes over the content of `source` and says what it is: exactly what this file now contains, whatever happens to
    /// the source meanwhile.
    pub fn fill_hashing(&self, source: &Source) -> Result<Digest, FileError> {
        if self.share(source) {
            return Ok(Source::open(&self.path)?.hash()?.digest);
        }
        let mut hasher = ContentHasher::new();
        self.copy(source, |piece| hasher.update(piece))?;
        Ok(hasher.finish())
    }

    /// The same, and `see` sees all of the content: a large file's on a second thread, for whoever is waiting for it.
    pub fn fill_showing(
        &self,
        source: &Source,
        mut see: impl FnMut(&[u8]) + Send,
    ) -> Result<Digest, FileError> {
        if self.share(source) {
            return Ok(Source::open(&self.path)?.hash_showing(see)?.digest);
        }
        let mut hasher = ContentHasher::new();
        let mut look = |piece: &[u8]| {
            hasher.update(piece);
            see(piece);
        };
        if source.stat.identity.size < BESIDE_FROM || !self.copy_beside(source, &mut look)? {
            self.copy(source, look)?;
        }
        Ok(hasher.finish())
    }

    fn copy(&self, source: &Source, mut see: impl FnMut(&[u8])) -> Result<(), FileError> {
        self.reserved(source, || {
            let mut end = 0;
            source.each_piece(|piece, offset| {
                see(piece);
                end = offset + piece.len() as u64;
                write_at(&self.file, &self.path, piece, offset)
            })?;
            Ok(end)
        })
    }

    /// Reads and writes on this thread while another one sees what was read; `false` if no other can be had, and nothing was done.
    fn copy_beside(&self, source: &Source, see: &mut (impl FnMut(&[u8]) + Send)) -> Result<bool, FileError> {
        let (give, take) = mpsc::channel::<(Vec<u8>, usize)>();
        let (give_back, back) = mpsc::channel();
        let copy = move || {
            let mut end = 0;
            for round in 0.. {
                let fresh = (round < BUFFERS).then(|| source.buffer());
                let Some(mut buffer) = fresh.or_else(|| back.recv().ok()) else { break };
                let read = source.read_at(&mut buffer, end)?;
                if read == 0 {
                    break;
                }
                write_at(&self.file, &self.path, &buffer[..read], end)?;
                end += read as u64;
                if give.send((buffer, read)).is_err() {
                    break; // it panicked, and so will the scope
                }
            }
            Ok(end)
        };
        std::thread::scope(|scope| {
            let seeing = thread::start_scoped(scope, move || {
                for (buffer, length) in take {
                    see(&buffer[..length]);
                    let _ = give_back.send(buffer); // nobody wants it at the end
                }
            });
            match seeing {
                Ok(_) => self.reserved(source, copy).map(|()| true),
                Err(_) => Ok(false),
            }
        })
    }

    /// Runs what writes the content of `source` and says how much that was, with room asked for before.
    fn reserved(
        &self,
        source: &Source,
        write: impl FnOnce() -> Result<u64, FileError>,
    ) -> Result<(), FileError> {
        let reserved = self.preallocate(source.stat.identity.size);
        let end = write()?;
        if end < reserved {
            // The source has become shorter meanwhile.
            call("shorten", &self.path, || system::set_length(&self.file, end))?;
        }
        Ok(())
    }

    /// Tries to share the blocks of `source`.
    fn share(&self, source: &Source) -> bool {
        let can = filesystem_kind_of(&self.file, &self.path).is_ok_and(|kind| kind.shares_blocks());
        can && fault::pass().is_ok() && system::share_blocks(&self.file, &source.file).is_ok()
    }

    /// Asks for room, where that makes writing faster; says how long the file is then.
    fn preallocate(&self, size: u64) -> u64 {
        let wanted = size >= PREALLOCATE_FROM
            && filesystem_kind_of(&self.file, &self.path).is_ok_and(|kind| kind.likes_preallocation());
        // With KEEP_SIZE nothing would be gained: it is the growing of the file that costs.
        let done = wanted && fault::pass().is_ok() && system::reserve(&self.file, size).is_ok();
        if done { size } else { 0 }
    }

    /// Gives it its name, over whatever has it now, and says which file it has become. The name's directory is made if it is
    /// not there; it must be on the same file system.
    pub fn publish(mut self, path: &Path) -> Result<Identity, FileError> {
        let before = fstat(&self.file, &self.path)?.identity;
        with_parent(path, || call("create", path, || system::rename(&self.path, path)))?;
        self.published = true;
        let after = fstat(&self.file, path)?.identity;
        // Renaming changes ctime and nothing else. If somebody has written to it already, it is not what was published,
        // and the identity from before can never be met again.
        Ok(if after.same_content(&before) { after } else { before })
    }
}

/// Writes a file for everybody who shares the directory `root`, whatever our umask is: it may be read and written by whom `root`
/// may, and so may directories that are new. Readers see the old content or the new one.
pub fn write_shared(root: &Path, path: &Path, bytes: &[u8]) -> Result<Identity, FileError> {
    let mode = stat(root)?.map_or(0o700, |there| there.mode);
    let directory = path.parent().unwrap_or(root);
    let draft = match Draft::create_in(directory, 0o666) {
        Err(error) if error.errno() == Some(Errno::NOENT) => {
            make_shared(root, directory, mode)?;
            Draft::create_in(directory, 0o666)?
        }
        draft => draft?,
    };
    draft.write(bytes)?;
    // Where there are no permissions (FAT, some shares of Windows) they cannot be set, and need not be.
    let _ = call("open up", &draft.path, || system::set_mode_open(&draft.file, mode & 0o666 | 0o600));
    draft.publish(path)
}

/// Creates directories for everybody who shares the directory `root`, which is there: whoever may write to it may write to them.
pub fn create_shared_dirs(root: &Path, directory: &Path) -> Result<(), FileError> {
    make_shared(root, directory, stat(root)?.map_or(0o700, |there| there.mode))
}

fn make_shared(root: &Path, directory: &Path, mode: u32) -> Result<(), FileError> {
    let create = || call("create directory", directory, || system::make_directory(directory, 0o700));
    let created = match create() {
        Err(error) if error.errno() == Some(Errno::NOENT) && directory != root => {
            make_shared(root, directory.parent().unwrap_or(root), mode)?;
            create()
        }
        created => created,
    };
    match created {
        Ok(()) => {
            let _ = call("open up", directory, || system::set_mode(directory, mode));
            Ok(())
        }
        Err(error) if error.errno() == Some(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

fn write_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<Identity, FileError> {
    let draft = Draft::create(path.parent().unwrap_or(Path::new("")), mode)?;
    draft.write(bytes)?;
    draft.publish(path)
}

/// Writes a file so that readers see the old content or the new one. Creates its directory if need be.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<Identity, FileError> {
    write_mode(path, bytes, 0o666)
}

/// Like [`write_atomic`], to be executed.
pub fn write_executable(path: &Path, bytes: &[u8]) -> Result<Identity, FileError> {
    write_mode(path, bytes, 0o777)
}

/// Like [`write_atomic`], readable by its owner only.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<Identity, FileError> {
    write_mode(path, bytes, 0o600)
}
