//! Snapshots of whole builds, as stores see them: a name, and bytes that are sealed for it. What is in them, kiln-prefill knows.

use crate::wire::{Malformed, Reader, Writer, seal, unseal};
use crate::{Digest, digest};
use std::fmt;

const MAGIC: [u8; 4] = *b"KPIC";
const VERSION: u8 = 4;

/// No sealed snapshot has more bytes.
pub const LARGEST: u64 = 64 << 20;

/// Names the snapshot of a build. Unlike a result, a snapshot is a hint, and a newer one takes its place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotKey([u8; 32]);

impl fmt::Debug for SnapshotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot:{}", &digest::hex(&self.0)[..12])
    }
}

impl SnapshotKey {
    /// The key of the build that this text describes.
    pub fn of(text: &[u8]) -> SnapshotKey {
        SnapshotKey(Digest::of(text).hash)
    }

    /// The key that a snapshot is found under which has this name, in a store.
    pub const fn of_name(name: [u8; 32]) -> SnapshotKey {
        SnapshotKey(name)
    }

    /// The name that its snapshot is found under.
    pub const fn name(&self) -> &[u8; 32] {
        &self.0
    }

    /// Appends the 32 bytes of the key.
    pub fn write(&self, to: &mut Writer) {
        to.0.extend(self.0);
    }

    /// Takes the 32 bytes of a key.
    pub fn read(from: &mut Reader<'_>) -> Result<SnapshotKey, Malformed> {
        Ok(SnapshotKey(from.array()?))
    }

    /// The file of a snapshot with this body.
    pub fn seal(&self, body: &[u8]) -> Vec<u8> {
        seal(MAGIC, VERSION, &self.0, body)
    }

    /// The body of a file that was sealed for this key.
    pub fn unseal<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], Malformed> {
        unseal(MAGIC, VERSION, &self.0, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_sealed_for_its_key_alone() {
        let (key, other) = (SnapshotKey::of(b"a build"), SnapshotKey::of(b"another"));
        let file = key.seal(b"body");
        assert_eq!(key.unseal(&file), Ok(&b"body"[..]));
        assert!(other.unseal(&file).is_err());
        for end in 0..file.len() {
            assert!(key.unseal(&file[..end]).is_err());
        }
    }
}
