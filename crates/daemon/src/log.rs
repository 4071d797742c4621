//! What happened, for whoever wonders: a line each, in a file that stays small.

use kiln_sys::{clock, files};
use std::path::{Path, PathBuf};

/// Over this a new one is begun.
const LONGEST: u64 = 1 << 20;

/// The daemon's log.
#[derive(Clone)]
pub struct Log(PathBuf);

impl Log {
    /// In the daemon's directory.
    pub fn open(root: &Path) -> Log {
        Log(root.join("daemon.log"))
    }

    /// Adds a line. What becomes too long is set aside, in the place of what was set aside before.
    pub fn say(&self, what: &str) {
        if files::lstat(&self.0).ok().flatten().is_some_and(|stat| stat.identity.size > LONGEST) {
            let _ = files::rename(&self.0, &self.0.with_extension("log.old"));
        }
        let line: String = what.chars().take(1000).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = files::append(&self.0, format!("{} {line}\n", clock::now_ms()).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_small() {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::open(directory.path());
        for n in 0..5000 {
            log.say(&format!("{n} {}\nanother line", "x".repeat(2000)));
        }
        let sizes =
            std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len());
        let sizes: Vec<u64> = sizes.collect();
        assert!(sizes.len() == 2 && sizes.iter().sum::<u64>() < 3 * LONGEST, "{sizes:?}");
        let text = std::fs::read_to_string(directory.path().join("daemon.log")).unwrap();
        assert!(text.lines().last().unwrap().contains(" 4999 x"));
    }
}
