//! The queue of uploads: a file for each thing, written by whoever made it, so that no death of the daemon loses one.

use crate::Product;
use kiln_action::digest;
use kiln_action::wire::{Malformed, Reader, Writer, seal, unseal};
use kiln_sys::files::{self, FileError};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Something that is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Where to: what [`crate::Hello::stores`] says.
    pub remotes: [u8; 32],
    /// What is to be uploaded.
    pub product: Product,
}

const MAGIC: [u8; 4] = *b"KQUE";
const FORMAT: u8 = 3;
/// The format before, of which files may wait when a newer kiln comes: nothing that was to be uploaded is lost by that.
const UNITS_ONLY: u8 = 2;
/// Longer than any of them.
const LONGEST: u64 = 4096;

impl Queued {
    fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.0.extend(self.remotes);
        self.product.write(&mut to);
        let file = seal(MAGIC, FORMAT, &[], &to.0);
        debug_assert!(file.len() as u64 <= LONGEST, "a reader refuses a longer file");
        debug_assert_eq!(Queued::decode(&file).as_ref(), Ok(self), "what is written is what is read");
        file
    }

    fn decode(file: &[u8]) -> Result<Queued, Malformed> {
        if file.get(MAGIC.len()) == Some(&UNITS_ONLY) {
            return Queued::decode_units_only(file);
        }
        let mut from = Reader(unseal(MAGIC, FORMAT, &[], file)?);
        let (remotes, product) = (from.array()?, Product::read(&mut from)?);
        from.end()?;
        Ok(Queued { remotes, product })
    }

    /// Reads a file of the format before, which did not say of anything that it is a unit, for there was nothing else.
    fn decode_units_only(file: &[u8]) -> Result<Queued, Malformed> {
        let mut from = Reader(unseal(MAGIC, UNITS_ONLY, &[], file)?);
        let remotes = from.array()?;
        let product = Product::read_unit(&mut from)?;
        from.end()?;
        Ok(Queued { remotes, product })
    }

    fn name(&self) -> String {
        format!("{}{}", digest::hex(self.product.name()), ending(&self.remotes))
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
    /// The entry in the queue's file.
    pub queued: Queued,
    /// When it was put there, in nanoseconds since the epoch.
    pub since_ns: i64,
}

/// How the names of all files for these stores end.
fn ending(remotes: &[u8; 32]) -> String {
    format!("-{}", &digest::hex(remotes)[..16])
}

/// Everything in the queue for these stores, the oldest first. What cannot be read, as what a much older kiln left, is removed: how many
/// files that were.
pub fn waiting(queue: &Path, remotes: &[u8; 32]) -> (Vec<Waiting>, usize) {
    let (mut all, mut dropped) = (Vec::new(), 0);
    let ending = ending(remotes);
    for name in names(queue).into_iter().filter(|name| name.to_string_lossy().ends_with(&ending)) {
        let path = queue.join(&name);
        let Ok(Some(stat)) = files::lstat(&path) else { continue };
        match files::read_own(&path, LONGEST).map(|bytes| Queued::decode(&bytes)) {
            Ok(Ok(queued)) if queued.remotes == *remotes => {
                all.push(Waiting { path, queued, since_ns: stat.identity.mtime_ns });
            }
            Ok(_) => dropped += usize::from(files::remove(&path).is_ok()),
            Err(_) => {}
        }
    }
    all.sort_by_key(|waiting| waiting.since_ns);
    (all, dropped)
}

/// How many files there are for these stores.
pub fn count(queue: &Path, remotes: &[u8; 32]) -> usize {
    let ending = ending(remotes);
    names(queue).iter().filter(|name| name.to_string_lossy().ends_with(&ending)).count()
}

/// Removes the oldest files, whoever's, until there are no more than so many.
pub fn shorten(queue: &Path, most: usize) {
    let names = names(queue);
    if names.len() <= most {
        return;
    }
    let aged = |name| {
        let path = queue.join(name);
        Some((files::lstat(&path).ok()??.identity.mtime_ns, path))
    };
    let mut aged: Vec<(i64, PathBuf)> = names.into_iter().filter_map(aged).collect();
    aged.sort();
    let surplus = aged.len().saturating_sub(most);
    aged[..surplus].iter().for_each(|(_, path)| drop(files::remove(path)));
}

/// The files, but for those that somebody is writing.
fn names(queue: &Path) -> Vec<OsString> {
    let entries = files::list_unsorted(queue).ok().flatten().unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| !name.to_string_lossy().starts_with('.'))
        .collect()
}

#[cfg(test)]
mod tests;
