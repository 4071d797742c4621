//! What kind of file system a path is on, as far as that decides anything here.

use super::{FileError, call};
use crate::system::files::{self as system, Handle};
use std::path::Path;

/// A kind of file system, by the magic number of `statfs` (linux/magic.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesystemKind(pub u32);

const EXT: u32 = 0xef53;
const SHARING: [u32; 4] = [0x9123_683e, 0x5846_5342, 0xca45_1a4e, 0x2fc1_2fc1]; // btrfs, xfs, bcachefs, zfs
// nfs, smb, smb2, cifs, 9p, fuse (sshfs, virtiofs), ceph, afs, afs (kafs), coda, gfs2, ocfs2
const REMOTE: [u32; 12] = [
    0x6969,
    0x517b,
    0xfe53_4d42,
    0xff53_4d42,
    0x0102_1997,
    0x6573_5546,
    0x00c3_6400,
    0x5346_414f,
    0x6b41_4653,
    0x7375_7245,
    0x0116_1970,
    0x7461_636f,
];

// ext2 to ext4, btrfs, xfs, tmpfs
const STAMPING: [u32; 4] = [EXT, 0x9123_683e, 0x5846_5342, 0x0102_1994];

impl FilesystemKind {
    /// Whether files can share blocks until one of them is written to (`FICLONE`).
    pub fn shares_blocks(self) -> bool {
        cfg!(target_os = "linux") && SHARING.contains(&self.0)
    }

    /// Whether asking for room first makes writing faster (measured on ext4 only).
    pub(super) fn likes_preallocation(self) -> bool {
        cfg!(target_os = "linux") && self.0 == EXT
    }

    /// Whether its times may come from another machine's clock.
    pub fn is_remote(self) -> bool {
        !cfg!(target_os = "linux") || REMOTE.contains(&self.0) // elsewhere these numbers mean something else
    }
}

pub(super) fn filesystem_kind_of(file: &Handle, path: &Path) -> Result<FilesystemKind, FileError> {
    call("look at the file system of", path, || system::filesystem_open(file)).map(FilesystemKind)
}

/// The kind of file system that `path` is on.
pub fn filesystem_kind(path: &Path) -> Result<FilesystemKind, FileError> {
    call("look at the file system of", path, || system::filesystem(path)).map(FilesystemKind)
}

/// Whether every name that comes or goes is known to give this directory other times, and no name is there unlisted. In
/// overlays it is not so: a directory in several layers has the times of the uppermost, and another mount may have the same
/// one above others. Nor in encrypted directories, which have other names without their key. Nobody has looked what holds on other
/// systems than Linux.
pub fn stamps_names(directory: &Path) -> bool {
    cfg!(target_os = "linux")
        && call("look at", directory, || system::is_encrypted(directory)).is_ok_and(|encrypted| !encrypted)
        && filesystem_kind(directory).is_ok_and(|kind| STAMPING.contains(&kind.0))
}

/// How many bytes may still be written to the file system that `path` is on.
pub fn free_bytes(path: &Path) -> Result<u64, FileError> {
    call("look at the file system of", path, || system::free_bytes(path))
}
