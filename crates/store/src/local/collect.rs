//! Making room: which results go, and with them which blobs.
//!
//! Only one collector works at a time; nobody else waits for it. It removes results before their blobs. A compile that
//! meets it halfway finds a result whose blob is gone, which is a miss.

use super::LocalStore;
use super::records::MOST_INCREMENTAL;
use super::removals::Remover;
use super::survey::{Aged, Blob, Contents, Record, Survey};
use super::usage::{Count, on_disk};
use crate::StoreError;
use kiln_sys::files::{self, Lock};
use kiln_sys::identity::{self, FileTime, MEMO_PREFIX};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

const SECOND_NS: i64 = 1_000_000_000;
const HOUR_NS: i64 = 3600 * SECOND_NS;
const DAY_NS: i64 = 24 * HOUR_NS;
/// What is younger may belong to a put in progress.
const GRACE_NS: i64 = 600 * SECOND_NS;
/// A unit that was not compiled for so long has no baseline for explanations any more.
const UNIT_NS: i64 = 90 * DAY_NS;
/// Collections for want of room are not closer together than this.
const PAUSE_NS: i64 = 60 * SECOND_NS;

/// How much may be kept and for how long. `None` is for ever and everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes on disk, everything together.
    pub max_bytes: Option<u64>,
    /// How long a result is kept without being used (a use is noticed to the hour).
    pub max_age: Option<Duration>,
}

/// What a collection did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// What the store held before the collection.
    pub before: Contents,
    /// What the store holds after it.
    pub after: Contents,
    /// Bytes that the disk has got back: blobs that are linked into a target directory give nothing back.
    pub freed: u64,
    /// Files that should have gone and could not be removed.
    pub stuck: u64,
}

impl LocalStore {
    /// Whether a collection is worth its while. Cheap: reads 24 bytes.
    pub fn due(&self, limits: &Limits) -> bool {
        if *limits == Limits::default() {
            return false;
        }
        match self.usage.read() {
            Count::Nothing => false,
            Count::Damaged => true,
            Count::Known { bytes, counted } => {
                let age = FileTime::now().0.saturating_sub(counted.0);
                let full = limits.max_bytes.is_some_and(|most| bytes > most);
                !(0..=DAY_NS).contains(&age) || (full && age > PAUSE_NS)
            }
        }
    }

    /// Roughly how many bytes the store holds, without counting.
    pub fn estimate(&self) -> Option<u64> {
        match self.usage.read() {
            Count::Known { bytes, .. } => Some(bytes),
            Count::Nothing => Some(0),
            Count::Damaged => None,
        }
    }

    /// Makes room; `None` if somebody else is at it. With `dry_run` nothing is removed.
    pub fn collect(
        &self,
        limits: &Limits,
        now: FileTime,
        dry_run: bool,
    ) -> Result<Option<Collected>, StoreError> {
        let Some(_lock) = Lock::try_exclusive(&self.root.join(super::COLLECT_LOCK))? else { return Ok(None) };
        let counted_before = self.estimate();
        let survey = self.survey()?;
        let before = survey.contents();
        let mut sweep = Sweep::new(now, dry_run, before.bytes, GRACE_NS);
        let after = sweep.run(survey, limits);
        sweep.old_memos(&self.root);
        if !dry_run {
            // What was put meanwhile is in the counter and maybe not in the survey.
            let meanwhile = match (counted_before, self.estimate()) {
                (Some(before), Some(after)) => after.saturating_sub(before),
                _ => 0,
            };
            if after.results < before.results {
                self.note_removal(Remover::Collector);
            }
            self.usage.write(after.bytes.saturating_add(meanwhile), now)?;
        }
        Ok(Some(Collected { before, after, freed: sweep.freed, stuck: sweep.stuck }))
    }
}

pub(super) struct Sweep {
    now: FileTime,
    /// What is younger is left alone.
    grace_ns: i64,
    dry_run: bool,
    /// Bytes in the store, as far as the sweep has come.
    total: u64,
    freed: u64,
    stuck: u64,
}

impl Sweep {
    pub(super) fn new(now: FileTime, dry_run: bool, total: u64, grace_ns: i64) -> Sweep {
        Sweep { now, grace_ns, dry_run, total, freed: 0, stuck: 0 }
    }

    /// What it came to.
    pub(super) fn end(&self, before: Contents, results: usize, blobs: usize) -> Collected {
        let after = Contents { results: results as u64, blobs: blobs as u64, bytes: self.total };
        Collected { before, after, freed: self.freed, stuck: self.stuck }
    }

    fn run(&mut self, mut survey: Survey, limits: &Limits) -> Contents {
        for file in std::mem::take(&mut survey.damaged) {
            self.remove(&file.path, file.size);
        }
        let results = std::mem::take(&mut survey.results);
        let (useless, rest): (Vec<_>, Vec<_>) =
            results.into_iter().partition(|result| self.is_useless(result, &survey.blobs, limits));
        let (rest, surplus) = newest_incremental(rest);
        for result in useless.into_iter().chain(surplus) {
            self.evict(result, &mut survey.blobs);
        }
        self.unnamed(&mut survey.blobs);
        self.orphans(&survey.orphans);
        let kept = match limits.max_bytes {
            Some(most) if self.total > most => {
                self.shrink_snapshots(&mut survey.snapshots, most / 10);
                self.shrink(rest, &mut survey.blobs, most / 10 * 9)
            }
            _ => rest,
        };
        let forgotten = self.forgotten(&kept, limits);
        for file in survey.shapes.iter().chain(&survey.lists).chain(&survey.snapshots) {
            if file.touched_ns < forgotten {
                self.remove(&file.path, file.size);
            }
        }
        for file in &survey.units {
            if self.age(file.touched_ns) > UNIT_NS {
                self.remove(&file.path, file.size);
            }
        }
        Contents { results: kept.len() as u64, blobs: survey.blobs.len() as u64, bytes: self.total }
    }

    fn age(&self, time_ns: i64) -> i64 {
        self.now.0.saturating_sub(time_ns)
    }

    /// Whether a result was not used for too long, or lacks a blob and is not just being replaced.
    fn is_useless(&self, result: &Record, blobs: &HashMap<[u8; 32], Blob>, limits: &Limits) -> bool {
        let age = self.age(result.used_ns);
        let too_old =
            limits.max_age.is_some_and(|most| age > i64::try_from(most.as_nanos()).unwrap_or(i64::MAX));
        too_old || (age > GRACE_NS && result.blobs.iter().any(|hash| !blobs.contains_key(hash)))
    }

    /// Removes a result, and the blobs that only it named.
    pub(super) fn evict(&mut self, result: Record, blobs: &mut HashMap<[u8; 32], Blob>) {
        if !self.remove(&result.path, result.size) {
            return;
        }
        self.freed += on_disk(result.size);
        for hash in result.blobs {
            if let Some(blob) = blobs.get_mut(&hash) {
                blob.named -= 1;
                self.drop_if_unnamed(&hash, blobs);
            }
        }
    }

    fn drop_if_unnamed(&mut self, hash: &[u8; 32], blobs: &mut HashMap<[u8; 32], Blob>) {
        let Some(blob) = blobs.get(hash) else { return };
        if blob.named == 0 && self.age(blob.written_ns) >= self.grace_ns && self.remove(&blob.path, blob.size)
        {
            self.freed += if blob.alone { on_disk(blob.size) } else { 0 };
            blobs.remove(hash);
        }
    }

    fn unnamed(&mut self, blobs: &mut HashMap<[u8; 32], Blob>) {
        let unnamed: Vec<[u8; 32]> =
            blobs.iter().filter(|(_, b)| b.named == 0).map(|(hash, _)| *hash).collect();
        for hash in unnamed {
            self.drop_if_unnamed(&hash, blobs);
        }
    }

    fn orphans(&mut self, orphans: &[Aged]) {
        for file in orphans {
            if self.age(file.touched_ns) > HOUR_NS && self.remove(&file.path, file.size) {
                self.freed += on_disk(file.size);
            }
        }
    }

    /// Removes the snapshots that were not used for longest, until they take no more than `most` bytes.
    fn shrink_snapshots(&mut self, snapshots: &mut Vec<Aged>, most: u64) {
        snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.touched_ns));
        let mut bytes = 0;
        snapshots.retain(|snapshot| {
            bytes += on_disk(snapshot.size);
            let stays = bytes <= most || self.age(snapshot.touched_ns) <= GRACE_NS;
            let goes = !stays && self.remove(&snapshot.path, snapshot.size);
            self.freed += if goes { on_disk(snapshot.size) } else { 0 };
            !goes
        });
    }

    /// Evicts results, the least worth keeping first, until the store is down to `target` bytes. Those that may still be
    /// in the making stay.
    fn shrink(
        &mut self,
        results: Vec<Record>,
        blobs: &mut HashMap<[u8; 32], Blob>,
        target: u64,
    ) -> Vec<Record> {
        let mut ranked: Vec<(bool, f64, Record)> = results
            .into_iter()
            .map(|result| (result.incremental.is_none(), self.worth(&result, blobs), result))
            .collect();
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut kept = Vec::new();
        for (_, _, result) in ranked {
            if self.total <= target || self.age(result.used_ns) <= GRACE_NS {
                kept.push(result);
            } else {
                self.evict(result, blobs);
            }
        }
        kept
    }

    /// Milliseconds saved per byte that removing would give back and per second since the last use. A blob of several
    /// results counts in parts; one that a target directory shares would give nothing back.
    fn worth(&self, result: &Record, blobs: &HashMap<[u8; 32], Blob>) -> f64 {
        let share = |hash| match blobs.get(hash) {
            Some(blob) if blob.alone => on_disk(blob.size) / blob.named.max(1),
            _ => 0,
        };
        let bytes = on_disk(result.size) + result.blobs.iter().map(share).sum::<u64>();
        let unused_s = self.age(result.used_ns).max(SECOND_NS) / SECOND_NS;
        (f64::from(result.cost_ms) + 1.0) / bytes.max(1) as f64 / unused_s as f64
    }

    /// Shapes and lists that were last used before this moment can belong to no result that is left: they are touched
    /// together with the result, to the hour.
    fn forgotten(&self, kept: &[Record], limits: &Limits) -> i64 {
        let oldest = kept.iter().map(|result| result.used_ns).min().unwrap_or(self.now.0);
        let unused = limits.max_age.map_or(i64::MIN, |most| {
            self.now.0.saturating_sub(i64::try_from(most.as_nanos()).unwrap_or(i64::MAX))
        });
        oldest.saturating_sub(2 * HOUR_NS).max(unused)
    }

    /// Memos of earlier boots. A cache directory may be shared with other machines, so those in use are left.
    fn old_memos(&mut self, root: &Path) {
        for entry in files::list(root).ok().flatten().unwrap_or_default() {
            let old = |name: &str| name.starts_with(MEMO_PREFIX) && !identity::is_of_this_boot(name);
            if !entry.name.to_str().is_some_and(old) {
                continue;
            }
            let path = root.join(&entry.name);
            let old = |stat: &files::Stat| self.age(stat.identity.mtime_ns) > DAY_NS;
            if files::lstat(&path).ok().flatten().is_some_and(|stat| old(&stat)) && !self.dry_run {
                let _ = files::remove(&path); // it harms nobody
            }
        }
    }

    /// Removes one file; says whether it is gone.
    fn remove(&mut self, path: &Path, size: u64) -> bool {
        if !self.dry_run && files::remove(path).is_err() {
            self.stuck += 1;
            return false;
        }
        self.total = self.total.saturating_sub(on_disk(size));
        true
    }
}

/// Of the results of each incremental unit the newest few; the others apart.
fn newest_incremental(mut results: Vec<Record>) -> (Vec<Record>, Vec<Record>) {
    results.sort_by_key(|result| std::cmp::Reverse(result.used_ns));
    let mut seen: HashMap<[u8; 32], usize> = HashMap::new();
    results.into_iter().partition(|result| match result.incremental {
        None => true,
        Some(weak) => {
            let count = seen.entry(weak).or_default();
            *count += 1;
            *count <= MOST_INCREMENTAL
        }
    })
}

#[cfg(test)]
mod tests;
