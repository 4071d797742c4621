//! The store on this machine's disk: `v1/` in the cache directory, for many processes at once, without any lock that a
//! compile would wait for. docs/format.md has it byte by byte.

use crate::{Content, Fetch, Fetched, Keep, Key, Store, StoreError};
use kiln_action::{Digest, digest};
use kiln_sys::files::{self, FileError, Stranger};
use kiln_sys::identity::Memo;
use std::path::{Path, PathBuf};

mod blobs;
mod collect;
mod entries;
mod records;
mod removals;
mod survey;
mod usage;
mod verify;

pub use collect::{Collected, Limits};
pub use entries::Entry;
pub use survey::Contents;
pub use verify::{Damage, DamageKind, VerifyProgress, VerifyReport};

/// The directory of this format. A change of any byte below it is another directory.
const VERSION: &str = "v1";
const BLOBS: &str = "blobs";
const RESULTS: &str = "results";
const SHAPES: &str = "shapes";
const SNAPSHOTS: &str = "snapshots";
const INCREMENTAL: &str = "incremental";
/// Baselines of explanations; written by the engine, collected and verified here.
const UNITS: &str = "units";
const COLLECT_LOCK: &str = "collect.lock";

/// Tells backup programs to leave the directory out (bford.info/cachedir).
const CACHEDIR_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
# This file marks a cache directory, made by kiln. Everything in it can be made again.\n";

/// The store on disk.
pub struct LocalStore {
    root: PathBuf,
    memo: Memo,
    usage: usage::Usage,
}

impl LocalStore {
    /// Opens the store in `root`, the cache directory, and makes what is not there yet: for its owner only. A store that
    /// cannot be written to can be opened and read.
    pub fn open(root: &Path) -> Result<LocalStore, StoreError> {
        check(root)?;
        let versioned = root.join(VERSION);
        if files::stat(&versioned.join(BLOBS))?.is_none() {
            files::create_private_dirs(&versioned)?;
            files::create_dirs(&versioned.join(BLOBS))?;
            let _ = files::write_atomic(&root.join("CACHEDIR.TAG"), CACHEDIR_TAG); // a courtesy
        }
        let memo = Memo::open(&versioned);
        let usage = usage::Usage::new(&versioned);
        Ok(LocalStore { root: versioned, memo, usage })
    }

    /// The directory of this format's version.
    pub fn directory(&self) -> &Path {
        &self.root
    }

    /// Whether nothing can be found in it: results are found by Shapes.
    pub fn is_empty(&self) -> bool {
        let shapes = files::list(&self.root.join(SHAPES));
        shapes.is_ok_and(|found| found.is_none_or(|entries| entries.is_empty()))
    }

    /// The memo of file contents that lives beside the store.
    pub fn memo(&self) -> &Memo {
        &self.memo
    }

    fn shard(&self, folder: &str, hash: &[u8; 32]) -> PathBuf {
        let name = digest::hex(hash);
        let mut path = self.root.join(folder);
        path.push(&name[..1]); // sixteen: making a directory costs as much as making a file
        path.push(name);
        path
    }

    fn path(&self, key: &Key) -> PathBuf {
        match key {
            Key::Shapes(weak) => self.shard(SHAPES, weak.name()),
            Key::Result(action) => self.shard(RESULTS, action.name()),
            Key::Blob(digest) => self.shard(BLOBS, &digest.hash),
            Key::Snapshot(key) => self.shard(SNAPSHOTS, key.name()),
        }
    }
}

/// Whether a cache directory, if it is there, is nobody else's: who can write to it says what is linked into our programs.
pub fn check(root: &Path) -> Result<(), FileError> {
    let why = match files::stranger(root)? {
        None => return Ok(()),
        Some(Stranger::Owner(user)) => format!("it belongs to user {user}"),
        Some(Stranger::Anybody) => "anybody can write to it (`chmod o-w` it)".to_owned(),
    };
    let why = format!(
        "{why}, who could change what is linked into your programs; set KILN_DIR to a directory of your own"
    );
    Err(FileError::new("use", root, std::io::Error::new(std::io::ErrorKind::PermissionDenied, why)))
}

impl Store for LocalStore {
    fn get(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        keys.iter().map(|key| self.record(key)).collect()
    }

    fn fetch(&self, digest: &Digest, to: &Path, how: Fetch) -> Result<Fetched, StoreError> {
        match how {
            Fetch::Link => self.fetch_link(digest, to),
            Fetch::Copy { executable } => self.fetch_copy(digest, to, executable),
            Fetch::Take { executable } => match self.take(digest, to, executable)? {
                Some(taken) => Ok(taken),
                None => self.fetch_copy(digest, to, executable),
            },
        }
    }

    fn put(&self, key: &Key, content: Content<'_>) -> Result<(), StoreError> {
        match (key, content) {
            (Key::Blob(digest), Content::Bytes(bytes)) => self.put_bytes(digest, bytes),
            (Key::Blob(digest), Content::File { path, how: Keep::Copy }) => self.put_copy(digest, path),
            (Key::Blob(digest), Content::File { path, how: Keep::Link }) => self.put_link(digest, path),
            (_, Content::Bytes(bytes)) => self.put_record(key, bytes),
            (_, Content::File { path, .. }) => {
                let bytes = files::read_limited(path, records::LARGEST)?;
                self.put_record(key, &bytes)
            }
        }
    }

    fn missing(&self, digests: &[Digest]) -> Vec<Digest> {
        digests.iter().copied().filter(|digest| !self.has(digest)).collect()
    }
}

#[cfg(test)]
mod tests;
