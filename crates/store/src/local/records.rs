//! Small things by value: results, Shapes, snapshots, and the lists of an incremental unit's newest results.

use super::{INCREMENTAL, LocalStore};
use crate::{Key, StoreError};
use kiln_action::shape::read_shapes;
use kiln_action::wire::{Malformed, Reader, Writer, seal, unseal};
use kiln_action::{ActionKey, ActionResult, Digest};
use kiln_sys::files::{self, Source};
use kiln_sys::identity::FileTime;
use std::io::ErrorKind;

/// Nothing longer is taken for a result, a list of Shapes or a snapshot.
pub(super) const LARGEST: u64 = kiln_action::snapshot::LARGEST;
/// The most results of one incremental WeakKey that are kept.
pub(super) const MOST_INCREMENTAL: usize = 4;
/// A use is written down only if the last one is longer ago than this.
const USE_AFTER_NS: i64 = 3600 * 1_000_000_000;

const MAGIC: [u8; 4] = *b"KINC";
const FORMAT: u8 = 2;

impl LocalStore {
    pub(super) fn record(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.path(key);
        let source = Source::open_own(&path).ok()?;
        let limit = match key {
            Key::Blob(digest) => digest.size,
            _ => LARGEST,
        };
        let sound = match files::read_source(&source, limit) {
            Ok(bytes) if is_sound(key, &bytes) => Some(bytes),
            Ok(_) => None,
            Err(error) if error.source.kind() == ErrorKind::FileTooLarge => None,
            Err(_) => return None,
        };
        if sound.is_none() {
            let _ = files::remove(&path); // if it stays, it is not there for anybody either
        } else if !matches!(key, Key::Blob(_)) {
            let age = FileTime::now().0.saturating_sub(source.stat().identity.mtime_ns);
            if age > USE_AFTER_NS {
                let _ = files::touch_now(&path); // in a store that cannot be written to, nothing is evicted either
            }
        }
        sound
    }

    pub(super) fn put_record(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(key);
        if bytes.len() as u64 > LARGEST || !is_sound(key, bytes) {
            return Err(StoreError::NotTheKey(path));
        }
        let replaced = files::lstat(&path)?.map_or(0, |stat| stat.identity.size);
        files::write_private(&path, bytes)?;
        if replaced == 0 {
            self.usage.grow(bytes.len() as u64);
        }
        if let Key::Result(action) = key {
            self.usage.flush();
            if let Ok(ActionResult { incremental: Some(weak), .. }) = ActionResult::decode(action, bytes) {
                self.keep_newest(&weak, action)?;
            }
        }
        Ok(())
    }

    /// Puts `action` at the head of its unit's list and drops the results that fall off its end. Their blobs are left to
    /// the next collection.
    fn keep_newest(&self, weak: &[u8; 32], action: &ActionKey) -> Result<(), StoreError> {
        let path = self.shard(INCREMENTAL, weak);
        let list = files::read_own(&path, 4096).ok();
        let mut newest = list.and_then(|bytes| decode_newest(weak, &bytes).ok()).unwrap_or_default();
        newest.retain(|known| known != action);
        newest.insert(0, *action);
        for old in newest.drain(newest.len().min(MOST_INCREMENTAL)..) {
            files::remove(&self.path(&Key::Result(old)))?;
        }
        files::write_private(&path, &encode_newest(weak, &newest))?;
        Ok(())
    }
}

fn is_sound(key: &Key, bytes: &[u8]) -> bool {
    match key {
        Key::Shapes(weak) => read_shapes(weak, bytes).is_ok(),
        Key::Result(action) => ActionResult::decode(action, bytes).is_ok(),
        Key::Blob(digest) => Digest::of(bytes) == *digest,
        Key::Snapshot(key) => key.unseal(bytes).is_ok(),
    }
}

pub(super) fn encode_newest(weak: &[u8; 32], newest: &[ActionKey]) -> Vec<u8> {
    debug_assert!(newest.len() <= MOST_INCREMENTAL, "a reader refuses a longer list");
    debug_assert!((1..newest.len()).all(|at| !newest[..at].contains(&newest[at])), "a result is in it once");
    let mut body = Writer::default();
    body.u32(newest.len() as u32);
    newest.iter().for_each(|action| action.write(&mut body));
    seal(MAGIC, FORMAT, weak, &body.0)
}

pub(super) fn decode_newest(weak: &[u8; 32], file: &[u8]) -> Result<Vec<ActionKey>, Malformed> {
    let mut body = Reader(unseal(MAGIC, FORMAT, weak, file)?);
    let keys = body.list(ActionKey::read)?;
    body.end()?;
    if keys.len() > MOST_INCREMENTAL { Err(Malformed) } else { Ok(keys) }
}
