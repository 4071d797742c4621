//! What happened, for whoever wonders: a line each, in a file that stays small.

use kiln_sys::{clock, files};
use std::path::{Path, PathBuf};

/// Over this it begins anew.
const LONGEST: u64 = 1 << 20;

/// The daemon's log.
#[derive(Clone)]
pub struct Log(PathBuf);

impl Log {
    /// In the daemon's directory.
    pub fn open(root: &Path) -> Log {
        let path = root.join("daemon.log");
        if files::lstat(&path).ok().flatten().is_some_and(|stat| stat.identity.size > LONGEST) {
            let _ = files::remove(&path);
        }
        Log(path)
    }

    /// Adds a line.
    pub fn say(&self, what: &str) {
        let _ = files::append(&self.0, format!("{} {what}\n", clock::now_ms()).as_bytes());
    }
}
