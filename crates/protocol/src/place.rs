//! Where a daemon lives: `remote/` in the cache directory. A home on a network is used by several machines, each with a daemon
//! of its own, so names have the machine's boot in them.

use kiln_sys::files::{self, FileError, Stat};
use kiln_sys::socket::{self, Listener, Stream};
use kiln_sys::{env, identity};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The directory of a cache's daemon.
#[derive(Clone, Debug)]
pub struct DaemonPlace {
    root: PathBuf,
    boot: String,
}

/// Names with the machine's boot in them begin so.
const OF_A_BOOT: [&str; 4] = ["socket-", "lock-", "started-", "silent-"];
/// A file under a private name that is older is nobody's.
const LEFT: Duration = Duration::from_secs(24 * 3600);
/// What is older belongs to no boot that lasts.
const LONG_AGO: Duration = Duration::from_secs(30 * 24 * 3600);

/// A file server's clock may be ahead of ours by so much.
const AHEAD_NS: i64 = 60_000_000_000;

/// How long ago something was written; `None` if that was in the future: somebody has set a clock.
pub(crate) fn age(stat: Stat) -> Option<Duration> {
    let age = kiln_sys::clock::realtime_ns().saturating_sub(stat.identity.mtime_ns);
    (age > -AHEAD_NS).then(|| Duration::from_nanos(u64::try_from(age).unwrap_or(0)))
}

/// The longest path that a socket's address has room for.
const LONGEST: usize = 100;

impl DaemonPlace {
    /// In this cache directory.
    pub fn new(cache: &Path) -> DaemonPlace {
        let boot = identity::boot().unwrap_or_default();
        let boot: String = boot.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        DaemonPlace { root: cache.join("remote"), boot }
    }

    /// The directory; for its owner only.
    pub fn make(&self) -> Result<(), FileError> {
        files::create_private_dirs(&self.root)?;
        self.check().map_err(|error| FileError::new("use", &self.root, error))
    }

    /// Whether the directory is ours and nobody else can put anything there: a socket of somebody else's would be told our
    /// credentials, and would say what we link into our programs.
    pub fn check(&self) -> io::Result<()> {
        let there = files::stat(&self.root).map_err(|error| error.source)?.ok_or(io::ErrorKind::NotFound)?;
        let owner = files::owner(&self.root).map_err(|error| error.source)?;
        if owner == Some(env::user()) && there.mode & 0o022 == 0 {
            return Ok(());
        }
        let what = format!("{} is not ours alone; `chmod 700` it, or remove it", self.root.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
    }

    /// Below it everything is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of the daemon's socket.
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

    /// When a daemon last did not answer for too long.
    pub fn silent(&self) -> PathBuf {
        self.root.join(format!("silent-{}", self.boot))
    }

    /// Removes what is left of boots long ago (nobody's, unless a machine was up for that long and will start another daemon), and
    /// of writers that were killed.
    pub fn tidy(&self) {
        let old = |path: &Path, than| {
            let stat = files::lstat(path).ok().flatten();
            stat.and_then(age).is_some_and(|age| age > than)
        };
        for directory in [self.root.clone(), self.queue(), self.quarantine()] {
            for entry in files::list_unsorted(&directory).ok().flatten().unwrap_or_default() {
                let (name, path) = (entry.name.to_string_lossy(), directory.join(&entry.name));
                let of_a_boot = OF_A_BOOT.iter().any(|start| name.starts_with(start));
                let gone = of_a_boot && !name.ends_with(&self.boot) && old(&path, LONG_AGO);
                if gone || name.starts_with(files::PRIVATE_PREFIX) && old(&path, LEFT) {
                    let _ = files::remove(&path);
                }
            }
        }
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
        self.root.join("counters")
    }

    /// Speaks to the daemon. Never waits: a daemon that accepts nobody is [`io::ErrorKind::WouldBlock`].
    pub fn connect(&self) -> io::Result<Stream> {
        self.check()?;
        self.short(socket::connect)
    }

    /// Becomes the one who is spoken to; whoever holds the lock may.
    pub fn listen(&self) -> io::Result<Listener> {
        let _ = files::remove(&self.socket());
        let listener = self.short(socket::listen)?; // until the next line the directory keeps others out
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
