//! Looking at everything: each blob hashed against its name, each record decoded, each name a result holds followed.

use super::records::{self, decode_newest};
use super::{BLOBS, INCREMENTAL, LocalStore, RESULTS, SHAPES, SNAPSHOTS, UNITS};
use crate::{Key, StoreError};
use kiln_action::baseline::Baseline;
use kiln_action::shape::decode_shapes;
use kiln_action::wire::Malformed;
use kiln_action::{ActionKey, ActionResult, Digest, SnapshotKey, WeakKey, digest};
use kiln_sys::{files, machine, thread};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamageKind {
    /// Others than the owner can write to it.
    Exposed,
    /// A blob is not what its name says, or cannot be read.
    Blob,
    /// A result cannot be read as one, or not as the one of its key.
    Result,
    /// A result names a blob that is not there, or is not as long as it should be.
    Dangling,
    /// Shapes that cannot be read as such, or not as those of their key.
    Shapes,
    /// A snapshot that cannot be read as one, or not as the one of its key.
    Snapshot,
    /// A list of newest results that cannot be read as one, or not as the one of its unit.
    List,
    /// A baseline of explanations that cannot be read as one, or not as the one of its unit.
    Baseline,
}

impl DamageKind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            DamageKind::Exposed => "exposed",
            DamageKind::Blob => "blob",
            DamageKind::Result => "result",
            DamageKind::Dangling => "dangling",
            DamageKind::Shapes => "shapes",
            DamageKind::Snapshot => "snapshot",
            DamageKind::List => "list",
            DamageKind::Baseline => "baseline",
        }
    }

    /// A sentence for people about what is wrong.
    pub fn words(self) -> &'static str {
        match self {
            DamageKind::Exposed => "others can write to the cache directory",
            DamageKind::Blob => "a blob is not what its name says",
            DamageKind::Result => "a result cannot be read, or belongs to another key",
            DamageKind::Dangling => "a result names a blob that is not there",
            DamageKind::Shapes => "Shapes cannot be read, or belong to another key",
            DamageKind::Snapshot => "a snapshot cannot be read, or belongs to another key",
            DamageKind::List => "a list of incremental results cannot be read, or belongs to another unit",
            DamageKind::Baseline => "a baseline for explanations cannot be read, or belongs to another unit",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong with the file.
    pub fault: DamageKind,
    /// The damaged file.
    pub path: PathBuf,
    /// What was compiled, where that is known.
    pub unit: String,
    /// Whether it was put right: removed, or closed to others.
    pub repaired: bool,
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many blobs were read.
    pub blobs: u64,
    /// How many results were read.
    pub results: u64,
    /// How many other records.
    pub records: u64,
    /// How many bytes of blobs were hashed.
    pub bytes: u64,
    /// What is wrong, sorted.
    pub damage: Vec<Damage>,
}

/// Hears how far it is: bytes hashed, and how many there are.
pub type VerifyProgress<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl LocalStore {
    /// Looks at everything. With `repair`, what is damaged is removed (a lost result costs a compile), and what others can
    /// write to is closed to them.
    pub fn verify(&self, repair: bool, progress: VerifyProgress<'_>) -> Result<VerifyReport, StoreError> {
        let mut verified = VerifyReport::default();
        self.check_access(repair, &mut verified)?;
        self.check_blobs(repair, progress, &mut verified)?;
        self.check_results(repair, &mut verified)?;
        self.check_records(SHAPES, DamageKind::Shapes, repair, &mut verified, |name, file| {
            decode_shapes(&WeakKey::of_name(*name), file).map(|_| ())
        })?;
        self.check_records(SNAPSHOTS, DamageKind::Snapshot, repair, &mut verified, |name, file| {
            SnapshotKey::of_name(*name).unseal(file).map(|_| ())
        })?;
        self.check_records(INCREMENTAL, DamageKind::List, repair, &mut verified, |name, file| {
            decode_newest(name, file).map(|_| ())
        })?;
        self.check_records(UNITS, DamageKind::Baseline, repair, &mut verified, |name, file| {
            Baseline::decode(name, file).map(|_| ())
        })?;
        verified.damage.sort_by(|a, b| (a.fault, &a.path).cmp(&(b.fault, &b.path)));
        Ok(verified)
    }

    fn check_access(&self, repair: bool, verified: &mut VerifyReport) -> Result<(), StoreError> {
        let folders = [BLOBS, RESULTS, SHAPES, INCREMENTAL, UNITS];
        for path in [self.root.clone()].into_iter().chain(folders.map(|folder| self.root.join(folder))) {
            // The directory above is for its owner only, unless somebody opened it.
            let open = files::stat(&path)?.is_some_and(|stat| stat.mode & 0o002 != 0);
            let top = path == self.root && files::stat(&path)?.is_some_and(|stat| stat.mode & 0o022 != 0);
            if open || top {
                let repaired = repair && files::close_to_others(&path).is_ok();
                verified.damage.push(Damage {
                    fault: DamageKind::Exposed,
                    path,
                    unit: String::new(),
                    repaired,
                });
            }
        }
        Ok(())
    }

    fn check_blobs(
        &self,
        repair: bool,
        progress: VerifyProgress<'_>,
        verified: &mut VerifyReport,
    ) -> Result<(), StoreError> {
        let mut blobs: Vec<(PathBuf, [u8; 32], u64)> = Vec::new();
        self.each_file(BLOBS, &mut Vec::new(), |path, hash, stat| {
            blobs.push((path, hash, stat.identity.size));
        })?;
        let total = blobs.iter().map(|(_, _, size)| size).sum();
        let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
        let found: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
        let work = || {
            while let Some((path, hash, size)) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sound = match files::hash_file(path) {
                    Ok(hashed) => hashed.digest.hash == *hash,
                    Err(error) => error.is_missing(), // collected meanwhile
                };
                if !sound && let Ok(mut found) = found.lock() {
                    found.push(path.clone());
                }
                progress(done.fetch_add(*size, Ordering::Relaxed) + size, total);
            }
        };
        thread::side_by_side(machine::processors().min(8), work);
        verified.blobs = blobs.len() as u64;
        verified.bytes = total;
        for path in found.into_inner().unwrap_or_default() {
            verified.damage.push(removed(DamageKind::Blob, path, String::new(), repair));
        }
        Ok(())
    }

    fn check_results(&self, repair: bool, verified: &mut VerifyReport) -> Result<(), StoreError> {
        let mut paths = Vec::new();
        self.each_file(RESULTS, &mut Vec::new(), |path, name, _| paths.push((path, name)))?;
        for (path, name) in paths {
            verified.results += 1;
            let Some(bytes) = read(&path) else { continue };
            let Ok(result) = ActionResult::decode(&ActionKey::of_name(name), &bytes) else {
                verified.damage.push(removed(DamageKind::Result, path, String::new(), repair));
                continue;
            };
            if result.blobs().any(|blob| !self.is_there(blob, verified)) {
                verified.damage.push(removed(DamageKind::Dangling, path, result.unit, repair));
            }
        }
        Ok(())
    }

    /// Whether a blob is there and was not found damaged just now.
    fn is_there(&self, blob: &Digest, verified: &VerifyReport) -> bool {
        let name = digest::hex(&blob.hash);
        let damaged = verified.damage.iter().any(|d| d.fault == DamageKind::Blob && d.path.ends_with(&name));
        !damaged && self.has(blob)
    }

    fn check_records(
        &self,
        folder: &str,
        fault: DamageKind,
        repair: bool,
        verified: &mut VerifyReport,
        decode: impl Fn(&[u8; 32], &[u8]) -> Result<(), Malformed>,
    ) -> Result<(), StoreError> {
        let mut paths = Vec::new();
        self.each_file(folder, &mut Vec::new(), |path, name, _| paths.push((path, name)))?;
        for (path, name) in paths {
            verified.records += 1;
            if read(&path).is_some_and(|bytes| decode(&name, &bytes).is_err()) {
                verified.damage.push(removed(fault, path, String::new(), repair));
            }
        }
        Ok(())
    }

    /// The file of a blob, for tests and for looking at by hand.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.path(&Key::Blob(*digest))
    }
}

/// The bytes of a record; nothing is what cannot be read as one; `None` if it is gone since.
fn read(path: &Path) -> Option<Vec<u8>> {
    match files::read_own(path, records::LARGEST) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.is_missing() => None,
        Err(_) => Some(Vec::new()),
    }
}

fn removed(fault: DamageKind, path: PathBuf, unit: String, repair: bool) -> Damage {
    let repaired = repair && files::remove(&path).is_ok();
    Damage { fault, path, unit, repaired }
}

#[cfg(test)]
mod tests;
