//! The queue of uploads: a file for each result, written by whoever made the result, so that no death of the daemon loses one.

use crate::message::Workspace;
use kiln_action::wire::{Malformed, Reader, Writer, seal, unseal};
use kiln_action::{ActionKey, WeakKey, digest};
use kiln_sys::files::{self, FileError};
use std::path::{Path, PathBuf};

/// A result that is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Where to: what [`crate::Hello::print`] says.
    pub remotes: [u8; 32],
    /// Its WeakKey, under which its Shape is found.
    pub weak: WeakKey,
    /// The result.
    pub key: ActionKey,
    /// The workspace that it was built for.
    pub workspace: Option<Workspace>,
    /// Whether it is one of an incremental unit, which the next edit replaces.
    pub incremental: bool,
}

const MAGIC: [u8; 4] = *b"KQUE";
const FORMAT: u8 = 1;
/// Longer than any of them.
const LONGEST: u64 = 4096;

impl Queued {
    fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.0.extend(self.remotes);
        to.0.extend(self.weak.0);
        to.0.extend(self.key.0);
        to.u8(u8::from(self.incremental));
        Workspace::write(self.workspace.as_ref(), &mut to);
        seal(MAGIC, FORMAT, &to.0)
    }

    fn decode(file: &[u8]) -> Result<Queued, Malformed> {
        let mut from = Reader(unseal(MAGIC, FORMAT, file)?);
        let (remotes, weak, key) = (from.array()?, WeakKey(from.array()?), ActionKey(from.array()?));
        let incremental = from.u8()? != 0;
        let workspace = Workspace::read(&mut from)?;
        from.end()?;
        Ok(Queued { remotes, weak, key, workspace, incremental })
    }

    /// Of an incremental unit only the newest result is worth a journey.
    fn name(&self) -> String {
        let named = if self.incremental { &self.weak.0 } else { &self.key.0 };
        format!("{}-{}", digest::hex(named), &digest::hex(&self.remotes)[..16])
    }

    /// Puts it into the queue.
    pub fn enqueue(&self, queue: &Path) -> Result<(), FileError> {
        files::write_private(&queue.join(self.name()), &self.encode()).map(|_| ())
    }
}

/// A file of the queue.
pub struct Waiting {
    /// The file; removing it takes it out of the queue.
    pub path: PathBuf,
    /// What it says.
    pub queued: Queued,
    /// When it was put there, in nanoseconds since the epoch.
    pub since_ns: i64,
}

/// Everything in the queue, the oldest first. What cannot be read is removed.
pub fn waiting(queue: &Path) -> Vec<Waiting> {
    let mut all = Vec::new();
    for entry in files::list(queue).ok().flatten().unwrap_or_default() {
        if entry.name.to_string_lossy().starts_with('.') {
            continue; // somebody is writing it
        }
        let path = queue.join(&entry.name);
        let Ok(Some(stat)) = files::lstat(&path) else { continue };
        match files::read_limited(&path, LONGEST).map(|bytes| Queued::decode(&bytes)) {
            Ok(Ok(queued)) => all.push(Waiting { path, queued, since_ns: stat.identity.mtime_ns }),
            Ok(Err(Malformed)) => drop(files::remove(&path)),
            Err(_) => {}
        }
    }
    all.sort_by_key(|waiting| waiting.since_ns);
    all
}

#[cfg(test)]
mod tests;
