//! Which content a file has, without reading it again: a memo from identity (`stat`) to digest.
//!
//! The memo is one file, a table of fixed size that is read and written in place, slot by slot. It may forget; it may not
//! lie: each slot has a checksum, and a slot counts only for the very same device, inode, size, mtime and ctime. It is not
//! mapped into memory, because writing to a mapped file on a full disk is a signal instead of an error. Its name has the
//! machine's boot id in it, so that nothing is believed after a power cut, which may leave zeros of the right length.
//! The layout is in docs/format.md.

use crate::files::{self, FileError, Hashed, Scratch, Source};
use kiln_action::{Digest, FileKind};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use crate::files::Identity;
pub use names::Names;

mod names;

/// How the names of memo files begin; the boot id follows.
pub const MEMO_PREFIX: &str = "memo-";

const SLOT: usize = 80;
const WAYS: usize = 4;
const BUCKETS: u64 = 1 << 14;
/// Bytes of a slot's checksum.
const CHECK: usize = 8;
const CHECKED: usize = SLOT - CHECK;

/// A moment by the clock that file systems stamp with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTime(pub i64);

impl FileTime {
    /// Now, in nanoseconds since the epoch, by the kernel's coarse clock: a file that is written after this call is never
    /// stamped earlier.
    pub fn now() -> FileTime {
        FileTime(crate::clock::file_time_ns())
    }
}

/// Who wrote a file, and so what its times are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenBy {
    /// kiln, under a private name that it then renamed or linked.
    Kiln,
    /// Somebody else, who may write again within the same tick of the clock without `stat` showing it. The moment is one
    /// before the first byte was read for the digest.
    Other(FileTime),
    /// Somebody else, on a file system whose times may come from another machine's clock.
    Remote(FileTime),
}

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1000 * MILLISECOND;

impl WrittenBy {
    /// Whether a file with these times cannot have been written to unnoticed since it was read.
    fn settled(self, identity: &Identity) -> bool {
        let (moment, margin) = match self {
            WrittenBy::Kiln => return true,
            WrittenBy::Remote(moment) => (moment, 600 * SECOND),
            // Whole seconds: a file system without finer times (ext3, FAT with two seconds).
            WrittenBy::Other(moment) if identity.ctime_ns % SECOND == 0 => (moment, 3 * SECOND),
            // A tick is 10 ms at most.
            WrittenBy::Other(moment) => (moment, 20 * MILLISECOND),
        };
        // A time in the future is later than the moment, too: such a file is never remembered.
        identity.mtime_ns.max(identity.ctime_ns) < moment.0.saturating_sub(margin)
    }
}

/// The memo. Without a file (no boot id, no room, no permission) it knows nothing and remembers nothing.
pub struct Memo {
    table: Option<Scratch>,
    /// The memo of directories, and where it is: few need it.
    names: OnceLock<Option<Scratch>>,
    names_path: Option<PathBuf>,
}

impl Memo {
    /// Opens or creates the memo in `directory`. Never fails.
    pub fn open(directory: &Path) -> Memo {
        let boot = boot();
        let path = |prefix: &str| Some(directory.join(format!("{prefix}{}", boot.as_deref()?)));
        let table = path(MEMO_PREFIX).and_then(|path| Scratch::open(&path).ok());
        Memo { table, names: OnceLock::new(), names_path: path(names::PREFIX) }
    }

    /// A memo that knows nothing and remembers nothing.
    pub fn none() -> Memo {
        Memo { table: None, names: OnceLock::new(), names_path: None }
    }

    /// The digest of the file with this identity, if it is remembered.
    pub fn get(&self, identity: &Identity) -> Option<Digest> {
        let mut bucket = [0; SLOT * WAYS];
        let slots = read_bucket(self.table.as_ref()?, identity, &mut bucket)?;
        slots.iter().find_map(|slot| read_slot(slot, identity))
    }

    /// Remembers the digest of the file with this identity, if its times are worth it.
    pub fn put(&self, identity: &Identity, digest: &Digest, writer: WrittenBy) {
        let Some(table) = &self.table else { return };
        if !writer.settled(identity) || digest.size != identity.size {
            return;
        }
        let mut bucket = [0; SLOT * WAYS];
        let Some(slots) = read_bucket(table, identity, &mut bucket) else { return };
        let same_file = |slot: &[u8; SLOT]| slot[..16] == head(identity);
        let empty = |slot: &[u8; SLOT]| slot.iter().all(|&byte| byte == 0);
        let victim = (mix(identity.ctime_ns as u64) >> 32) as usize % WAYS;
        let way = slots.iter().position(same_file).or_else(|| slots.iter().position(empty)).unwrap_or(victim);
        let offset = bucket_offset(identity) + (way * SLOT) as u64;
        let _ = table.write_at(&slot_bytes(identity, digest), offset); // it may forget
    }
}

/// The file name of this boot's memo.
pub fn memo_name() -> Option<OsString> {
    Some(format!("{MEMO_PREFIX}{}", boot()?).into())
}

/// Whether a memo's file is of this boot.
pub fn is_of_this_boot(name: &str) -> bool {
    boot().is_some_and(|boot| name.ends_with(&boot))
}

/// The kernel's name for this boot of this machine.
pub fn boot() -> Option<String> {
    let id = files::read_limited(Path::new("/proc/sys/kernel/random/boot_id"), 64).ok()?;
    let id = id.strip_suffix(b"\n").unwrap_or(&id);
    let sound = id.len() >= 32 && id.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    sound.then(|| String::from_utf8_lossy(id).into_owned())
}

/// splitmix64's finisher: every bit of the input moves every bit of the output.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Tells a torn or damaged slot, at a hundredth of the cost of a digest: a C++ file has a thousand headers.
fn checksum(bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks().0.iter();
    words.fold(0x6b69_6c6e_6d65_6d6f, |sum, word| mix(sum ^ u64::from_le_bytes(*word)))
}

fn bucket_offset(identity: &Identity) -> u64 {
    let bucket = mix(identity.ino.wrapping_add(mix(identity.dev))) % BUCKETS;
    bucket * (SLOT * WAYS) as u64
}

fn read_bucket<'a>(
    table: &Scratch,
    identity: &Identity,
    bucket: &'a mut [u8; SLOT * WAYS],
) -> Option<&'a [[u8; SLOT]]> {
    table.read_at(bucket, bucket_offset(identity)).ok()?; // past the end: zeros
    Some(bucket.as_chunks().0)
}

fn head(identity: &Identity) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&identity.dev.to_le_bytes());
    bytes[8..].copy_from_slice(&identity.ino.to_le_bytes());
    bytes
}

fn identity_bytes(identity: &Identity) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..16].copy_from_slice(&head(identity));
    bytes[16..24].copy_from_slice(&identity.size.to_le_bytes());
    bytes[24..32].copy_from_slice(&identity.mtime_ns.to_le_bytes());
    bytes[32..40].copy_from_slice(&identity.ctime_ns.to_le_bytes());
    bytes
}

fn slot_bytes(identity: &Identity, digest: &Digest) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..40].copy_from_slice(&identity_bytes(identity));
    slot[40..72].copy_from_slice(&digest.hash);
    let check = checksum(&slot[..CHECKED]);
    slot[CHECKED..].copy_from_slice(&check.to_le_bytes());
    slot
}

fn read_slot(slot: &[u8; SLOT], identity: &Identity) -> Option<Digest> {
    let hash = slot[40..72].try_into().ok()?;
    let digest = Digest { hash, size: identity.size };
    // Comparing the first bytes first spares the checksum for slots of other files.
    (slot[..16] == head(identity) && *slot == slot_bytes(identity, &digest)).then_some(digest)
}

/// What is to be found under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A regular file with this content.
    Content(Digest, Identity),
    /// Something else.
    Other(FileKind),
    /// Nothing.
    Nothing,
}

/// How many bytes may be read for digests that are not remembered.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// The most bytes that are hashed of one file.
    pub one: u64,
    /// Of all that are still to come.
    pub left: u64,
}

impl Default for Allowance {
    fn default() -> Allowance {
        Allowance::ALL
    }
}

impl Allowance {
    /// No limit.
    pub const ALL: Allowance = Allowance { one: u64::MAX, left: u64::MAX };

    /// Takes so many bytes out of it, if they are allowed.
    fn take(&mut self, size: u64) -> bool {
        let left = self.left.checked_sub(size).filter(|_| size <= self.one);
        left.is_some_and(|left| {
            self.left = left;
            true
        })
    }
}

/// The digest of the file at `path`, symbolic links followed: remembered, or read and remembered. A file that does not
/// hold still while it is read is an error.
pub fn digest_of(path: &Path, memo: &Memo) -> Result<Found, FileError> {
    digest_within(path, memo, &mut Allowance::default())
}

/// The same; a file that is not remembered and larger than is allowed is an error, and not read.
pub fn digest_within(path: &Path, memo: &Memo, allowed: &mut Allowance) -> Result<Found, FileError> {
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        match files::stat(path)? {
            None => return Ok(Found::Nothing),
            Some(stat) if stat.kind != FileKind::File => return Ok(Found::Other(stat.kind)),
            Some(stat) => {
                if let Some(digest) = memo.get(&stat.identity) {
                    return Ok(Found::Content(digest, stat.identity));
                }
                if !allowed.take(stat.identity.size) {
                    let large = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
                    return Err(FileError::new("read", path, large));
                }
            }
        }
        let source = match Source::open(path) {
            Err(error) if error.is_missing() => continue,
            source => source?,
        };
        let hashed = hash_and_remember(&source, memo)?;
        if hashed.stable && source.stat().kind == FileKind::File {
            return Ok(Found::Content(hashed.digest, hashed.identity));
        }
    }
    let busy = std::io::Error::other("it keeps changing");
    Err(FileError::new("read", path, busy))
}

/// Reads an open file for its digest and remembers it, if it held still and its times are worth it.
pub fn hash_and_remember(source: &Source, memo: &Memo) -> Result<Hashed, FileError> {
    hash_showing(source, memo, |_| ())
}

/// The same, and `see` sees all that is read.
pub fn hash_showing(source: &Source, memo: &Memo, see: impl FnMut(&[u8])) -> Result<Hashed, FileError> {
    let moment = FileTime::now();
    let hashed = source.hash_showing(see)?;
    if hashed.stable {
        let local = source.filesystem_kind().is_ok_and(|kind| !kind.is_remote());
        let writer = if local { WrittenBy::Other(moment) } else { WrittenBy::Remote(moment) };
        memo.put(&hashed.identity, &hashed.digest, writer);
    }
    Ok(hashed)
}

#[cfg(test)]
mod tests;
