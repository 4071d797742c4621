//! How much the store holds, roughly: a counter that every put adds to and every collection sets right. Of two additions
//! at once one may be lost.

use kiln_action::Digest;
use kiln_sys::files::{FileError, Scratch};
use kiln_sys::identity::FileTime;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const RECORD: usize = 24;

const _: () = assert!(RECORD == 3 * 8, "bytes, moment and checksum, eight bytes each");

/// The counter's file and what has not been added to it yet.
pub(super) struct Usage {
    path: PathBuf,
    pending: AtomicU64,
}

/// What the counter's file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// There is none.
    Nothing,
    /// It is torn or foreign.
    Damaged,
    /// This many bytes; counted from the ground up at that moment.
    Known { bytes: u64, counted: FileTime },
}

/// What a file takes on a disk that gives out whole blocks.
pub(super) fn on_disk(size: u64) -> u64 {
    size.next_multiple_of(4096)
}

impl Usage {
    pub(super) fn new(directory: &Path) -> Usage {
        Usage { path: directory.join("usage"), pending: AtomicU64::new(0) }
    }

    /// Adds a file of this size; written down by the next [`Usage::flush`].
    pub(super) fn grow(&self, size: u64) {
        self.pending.fetch_add(on_disk(size), Ordering::Relaxed);
    }

    /// Writes down what was added.
    pub(super) fn flush(&self) {
        let more = self.pending.swap(0, Ordering::Relaxed);
        if more == 0 {
            return;
        }
        let (bytes, counted) = match self.read() {
            Count::Known { bytes, counted } => (bytes, counted),
            Count::Nothing => (0, FileTime::now()),
            Count::Damaged => return, // stays damaged, so that a collection is due
        };
        let _ = self.write(bytes.saturating_add(more), counted); // a counter that cannot be written is rough, too
    }

    pub(super) fn read(&self) -> Count {
        let mut record = [0; RECORD];
        match Scratch::look(&self.path).and_then(|file| file.map(|f| f.read_at(&mut record, 0)).transpose()) {
            Ok(None) => Count::Nothing,
            Ok(Some(RECORD)) => decode(&record).unwrap_or(Count::Damaged),
            _ => Count::Damaged,
        }
    }

    pub(super) fn write(&self, bytes: u64, counted: FileTime) -> Result<(), FileError> {
        Scratch::open(&self.path)?.write_at(&encode(bytes, counted), 0)
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.flush();
    }
}

fn encode(bytes: u64, counted: FileTime) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&bytes.to_le_bytes());
    record[8..16].copy_from_slice(&counted.0.to_le_bytes());
    let check = Digest::of(&record[..16]).hash;
    record[16..].copy_from_slice(&check[..8]);
    record
}

fn decode(record: &[u8; RECORD]) -> Option<Count> {
    let (words, _) = record.as_chunks::<8>();
    let (bytes, counted) = (u64::from_le_bytes(words[0]), FileTime(i64::from_le_bytes(words[1])));
    (encode(bytes, counted) == *record).then_some(Count::Known { bytes, counted })
}

#[cfg(test)]
mod tests;
