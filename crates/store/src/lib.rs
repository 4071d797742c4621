//! Remembers results: the trait with four verbs, the store on disk behind it, and the helper for Shapes.
//!
//! Architecture invariants: a store knows no compiler. Blobs are written before the result that names them and read after
//! it; readers see whole files or none. Whatever is damaged becomes "not there" in here and is dropped. Nothing here
//! decides whether a build goes on: an error is handed up, and the caller compiles.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves"))]

use kiln_action::{ActionKey, Digest, SnapshotKey, WeakKey};
use kiln_sys::files::{FileError, Identity};
use std::path::{Path, PathBuf};

mod local;
mod shapes;

pub use local::{
    Collected, Contents, Damage, DamageKind, Entry, Limits, LocalStore, VerifyProgress, VerifyReport, check,
};
pub use shapes::{add_shape, shapes};

/// What a store can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The Shapes of a WeakKey, as [`kiln_action::shape::encode_shapes`] writes them.
    Shapes(WeakKey),
    /// A result, as [`kiln_action::ActionResult::encode`] writes it.
    Result(ActionKey),
    /// Plain content.
    Blob(Digest),
    /// The snapshot of a build, as [`SnapshotKey::seal`] writes it. A put replaces the one that is there.
    Snapshot(SnapshotKey),
}

/// What is to be kept.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// What a file contains; only for [`Key::Blob`], whose digest is the file's. The caller has taken it.
    File {
        /// The file.
        path: &'a Path,
        /// How it is kept.
        how: Keep,
    },
}

/// How a file gets into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// As another name of the same file where that can be, else as a copy. Only for files that are replaced and never
    /// written to: an `.rlib`.
    Link,
    /// As a copy, sharing blocks where the file system can.
    Copy,
}

/// How a blob gets out of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// As another name of the same file where that can be, else as a copy. Its times are not touched.
    Link,
    /// As a file of its own, with fresh times.
    Copy {
        /// Whether it may be executed.
        executable: bool,
    },
    /// The same without a copy where that can be: the store has it no more, until somebody puts it back. Only for what is elsewhere, too.
    Take {
        /// Whether it may be executed.
        executable: bool,
    },
}

/// A blob that was put into place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What is there now.
    pub identity: Identity,
    /// Whether it shares its inode with the store.
    pub linked: bool,
    /// Whether it is gone from the store.
    pub taken: bool,
}

/// Why a store could not do what was asked. For a build every one of them means "compile".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The blob is not there (or no more).
    #[error("the cache has no blob {0:?}")]
    Missing(Digest),
    /// The blob was not what its name says. It has been dropped.
    #[error("blob {0:?} in the cache was damaged and has been dropped")]
    Damaged(Digest),
    /// The bytes to be kept are not what their key says: the file was written to meanwhile, or the record is malformed.
    #[error("{} is not what its key says", .0.display())]
    NotTheKey(PathBuf),
    /// The file holds bytes that may not be in it.
    #[error("{} holds the path {}", .0.display(), String::from_utf8_lossy(.1))]
    Banned(PathBuf, Vec<u8>),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Remembers Shapes, results and blobs. All calls block. Object safe.
pub trait Store: Send + Sync {
    /// Small things by value, one answer for each key, in order. `None` is "not there, or damaged"; what is damaged is
    /// dropped.
    fn get(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>>;

    /// Puts a blob into a file, over whatever is there, whole or not at all.
    fn fetch(&self, digest: &Digest, to: &Path, how: Fetch) -> Result<Fetched, StoreError>;

    /// Keeps something. What is kept already, and known to be right, is left alone.
    fn put(&self, key: &Key, content: Content<'_>) -> Result<(), StoreError>;

    /// Those of `digests` that are not there, in order.
    fn missing(&self, digests: &[Digest]) -> Vec<Digest>;
}
