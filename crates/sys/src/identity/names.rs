//! Which names a directory does not have, without reading it again: a memo from a directory's identity to a filter of its
//! names. A C compile looks for a thousand headers where they are not, and the directories hardly ever change.
//!
//! A name that comes, goes or is changed gives its directory another `mtime` and `ctime`, so what is remembered stands as
//! long as they do, by the same rule as for files: the directory was old when it was read. That holds for file systems that
//! are known to do so; in others a name may be there that was never listed (network, automount), or the times may be those
//! of another directory (overlays show those of their uppermost layer). The layout is in docs/format.md.

use super::{CHECK, FileTime, Identity, MILLISECOND, Memo, WrittenBy, checksum, head, mix};
use crate::files::{self, Scratch};
use kiln_action::FileKind;
use std::ffi::OsStr;
use std::path::Path;

pub(super) const PREFIX: &str = "memo-names-";

const SLOT: usize = 512;
const WAYS: usize = 2;
const BUCKETS: u64 = 1 << 12;
const IDENTITY: usize = 40;
const FILTER: usize = SLOT - IDENTITY - CHECK;
/// Directories with more names are not worth it: too many others would look like one of them.
const MOST: usize = 900;
/// What has just been changed will be changed again: reading it costs more than it saves. (For being sure less would do.)
const RESTS: i64 = 100 * MILLISECOND;

/// A filter of names, in which letters count in any case, for file systems that do not tell them apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names([u8; FILTER]);

impl Names {
    /// The names in a directory; `None` if it cannot be read, or there is none.
    pub fn list(directory: &Path) -> Option<Names> {
        let entries = files::list_unsorted(directory).ok()??;
        Some(Names::of(entries.iter().map(|entry| entry.name.as_os_str())))
    }

    fn of<'a>(names: impl ExactSizeIterator<Item = &'a OsStr>) -> Names {
        let mut filter = Names([0; FILTER]);
        if names.len() > MOST {
            return Names([0xff; FILTER]);
        }
        for name in names {
            if !name.is_ascii() {
                return Names([0xff; FILTER]); // who knows what is alike to the file system
            }
            for bit in bits(name) {
                filter.0[bit / 8] |= 1 << (bit % 8);
            }
        }
        filter
    }

    /// Whether the directory may have this name. "No" is certain.
    pub fn may_hold(&self, name: &OsStr) -> bool {
        !name.is_ascii() || bits(name).into_iter().all(|bit| self.0[bit / 8] & 1 << (bit % 8) != 0)
    }
}

/// The bits of a name: from the four quarters of its FNV-1a hash, finished as in a bucket's number.
fn bits(name: &OsStr) -> [usize; 4] {
    let hash = name.as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = mix(hash);
    [0, 16, 32, 48].map(|shift| ((hash >> shift & 0xffff) as usize * FILTER * 8) >> 16)
}

impl Memo {
    /// The names in the directory that is at `path` and has this identity: remembered, or read and remembered if it has
    /// not been changed for a while. `None` if that is not known.
    pub fn names(&self, path: &Path, identity: &Identity) -> Option<Names> {
        let table = self.names_table()?;
        let mut bucket = [0; SLOT * WAYS];
        let place = mix(identity.ino.wrapping_add(mix(identity.dev))) % BUCKETS * (SLOT * WAYS) as u64;
        table.read_at(&mut bucket, place).ok()?; // past the end: zeros
        let slots: &[[u8; SLOT]] = bucket.as_chunks().0;
        if let Some(names) = slots.iter().find_map(|slot| read_slot(slot, identity)) {
            return Some(names);
        }
        let names = learn(path, identity)?;
        let way = slots.iter().position(|slot| slot[..16] == head(identity));
        let way = way.unwrap_or(identity.ctime_ns as usize % WAYS);
        let _ = table.write_at(&slot_bytes(identity, &names), place + (way * SLOT) as u64); // it may forget
        Some(names)
    }

    fn names_table(&self) -> Option<&Scratch> {
        self.names.get_or_init(|| Scratch::open(self.names_path.as_ref()?).ok()).as_ref()
    }
}

/// Reads a directory, if what is read can be remembered.
fn learn(path: &Path, identity: &Identity) -> Option<Names> {
    if !rests(identity, FileTime::now()) || !files::stamps_names(path) {
        return None;
    }
    let names = Names::list(path)?;
    let now = files::stat(path).ok()??;
    (now.kind == FileKind::Directory && now.identity == *identity).then_some(names)
}

/// Whether a directory, which has not been read yet, has not been changed for a while and cannot be changed unnoticed.
fn rests(identity: &Identity, now: FileTime) -> bool {
    let changed = identity.mtime_ns.max(identity.ctime_ns);
    WrittenBy::Other(now).settled(identity) && changed < now.0.saturating_sub(RESTS)
}

fn slot_bytes(identity: &Identity, names: &Names) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..IDENTITY].copy_from_slice(&super::identity_bytes(identity));
    slot[IDENTITY..SLOT - CHECK].copy_from_slice(&names.0);
    let check = checksum(&slot[..SLOT - CHECK]);
    slot[SLOT - CHECK..].copy_from_slice(&check.to_le_bytes());
    slot
}

fn read_slot(slot: &[u8; SLOT], identity: &Identity) -> Option<Names> {
    let (body, check) = slot.split_at(SLOT - CHECK);
    let right = body[..IDENTITY] == super::identity_bytes(identity) && *check == checksum(body).to_le_bytes();
    right.then(|| Names(body[IDENTITY..].try_into().unwrap_or([0xff; FILTER])))
}

#[cfg(test)]
mod tests;
