//! Where a daemon lives: `remote/` in the cache directory. A home on a network is used by several machines, each with a daemon
//! of its own, so names have the machine's boot in them.

use kiln_sys::files::{self, FileError};
use kiln_sys::identity;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The directory of a cache's daemon.
#[derive(Clone, Debug)]
pub struct Place {
    root: PathBuf,
    boot: String,
}

/// The longest path that a socket's address has room for.
const LONGEST: usize = 100;

impl Place {
    /// In this cache directory.
    pub fn new(cache: &Path) -> Place {
        let boot = identity::boot().unwrap_or_default();
        let boot: String = boot.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        Place { root: cache.join("remote"), boot }
    }

    /// The directory; for its owner only.
    pub fn make(&self) -> Result<(), FileError> {
        files::create_private_dirs(&self.root)
    }

    /// Below it everything is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.root.join(format!("socket-{}", self.boot))
    }

    /// Held by the daemon as long as it lives.
    pub fn lock(&self) -> PathBuf {
        self.root.join(format!("lock-{}", self.boot))
    }

    /// When a daemon was last started here.
    pub fn started(&self) -> PathBuf {
        self.root.join(format!("started-{}", self.boot))
    }

    /// Results that are to be uploaded.
    pub fn queue(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// What came and was wrong.
    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// The counters of daemons past and present.
    pub fn counters(&self) -> PathBuf {
        self.root.join("counters.json")
    }

    /// Speaks to the daemon.
    pub fn connect(&self) -> io::Result<UnixStream> {
        self.short(|path| UnixStream::connect(path))
    }

    /// Becomes the one who is spoken to; whoever holds the lock may.
    pub fn listen(&self) -> io::Result<UnixListener> {
        let _ = files::remove(&self.socket());
        let listener = self.short(|path| UnixListener::bind(path))?; // until the next line the directory keeps others out
        files::make_private(&self.socket()).map_err(|error| error.source)?;
        Ok(listener)
    }

    /// A path that fits into an address: through an open descriptor of the directory where the name itself is too long.
    fn short<T>(&self, work: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
        let socket = self.socket();
        if socket.as_os_str().len() <= LONGEST {
            return work(&socket);
        }
        let directory = files::Directory::open(&self.root).ok_or(io::ErrorKind::NotFound)?;
        let name = socket.file_name().unwrap_or_default();
        work(&directory.through_descriptor().join(name))
    }
}
