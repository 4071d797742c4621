//! What one build through kiln has to itself: a directory below the cache directory, which nobody can name beforehand, and a number that
//! tells the build from all others. (Numbers of processes come again, in every container the same ones.)

use kiln_action::FileKind;
use kiln_config::Settings;
use kiln_sys::{clock, files, process, random};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A build that is under way.
pub struct Session {
    build: String,
    directory: Option<PathBuf>,
}

impl Session {
    /// Before the build starts. Where nothing can be written there is no directory, and the build goes on without.
    pub fn begin(settings: &Settings) -> Session {
        let root = settings.directory.as_deref().filter(|_| !settings.off);
        Session { build: number().to_string(), directory: root.and_then(make) }
    }

    /// The number of the build, which `KILN_BUILD` is set to.
    pub fn build(&self) -> &OsStr {
        OsStr::new(&self.build)
    }

    /// Its directory, for its owner only: the calls that the wrapper records are there, and the events.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The file that gets a copy of every event.
    pub fn events(&self) -> Option<PathBuf> {
        Some(self.directory()?.join("events"))
    }

    /// The content of the file of events; empty if there is none.
    pub fn recorded_events(&self) -> Vec<u8> {
        const LARGEST: u64 = 256 << 20;
        self.events().and_then(|events| files::read_own(&events, LARGEST).ok()).unwrap_or_default()
    }

    /// After the build has ended.
    pub fn end(self) {
        if let Some(directory) = &self.directory {
            let _ = files::remove_tree(directory);
        }
    }
}

fn number() -> u32 {
    let drawn = random::bytes().map(u32::from_ne_bytes);
    drawn.ok().filter(|number| *number != 0).unwrap_or_else(process::own_id)
}

fn make(root: &Path) -> Option<PathBuf> {
    kiln_store::check(root).ok()?;
    let all = root.join("sessions");
    let there = || Some(files::lstat(&all).ok().flatten()?.kind == FileKind::Directory);
    match there() {
        Some(true) => forget_old(&all),
        Some(false) => return None,
        None => {
            files::create_private_dirs(root).ok()?;
            files::create_shared_dirs(root, &all).ok()?;
        }
    }
    files::create_private_room(&all, "").ok()
}

/// Removes what builds left that were killed.
fn forget_old(all: &Path) {
    const DAY_NS: i64 = 86_400_000_000_000;
    for entry in files::list(all).ok().flatten().unwrap_or_default() {
        let path = all.join(&entry.name);
        let is_old = |stat: files::Stat| clock::realtime_ns() - stat.identity.mtime_ns > DAY_NS;
        if files::lstat(&path).ok().flatten().is_some_and(is_old) {
            let _ = files::remove_tree(&path);
        }
    }
}
