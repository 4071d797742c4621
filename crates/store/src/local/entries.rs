//! The results one by one: what they are of, what they take, and removing chosen ones.

use super::collect::{Collected, Sweep};
use super::removals::Remover;
use super::survey::{Record, Survey};
use super::{BLOBS, INCREMENTAL, LocalStore, RESULTS, SHAPES, SNAPSHOTS, UNITS};
use crate::{Key, StoreError};
use kiln_action::baseline::{Baseline, LARGEST as LARGEST_BASELINE};
use kiln_action::{ActionKey, FileKind, SnapshotKey, WeakKey, digest};
use kiln_sys::files::{self, Lock};
use kiln_sys::identity::FileTime;
use std::path::Path;

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key of the result.
    pub key: ActionKey,
    /// The name of the unit that was compiled.
    pub unit: String,
    /// Bytes of the result and of the blobs it names; a blob that other results name, too, counts in each.
    pub bytes: u64,
    /// Milliseconds that compiling took.
    pub cost_ms: u32,
    /// When it was last used, to the hour, in nanoseconds since the epoch.
    pub used_ns: i64,
}

fn entry(record: &Record, survey: &Survey) -> Entry {
    let blobs = record.blobs.iter().filter_map(|hash| survey.blobs.get(hash));
    Entry {
        key: record.key,
        unit: record.unit.clone(),
        bytes: record.size + blobs.map(|blob| blob.size).sum::<u64>(),
        cost_ms: record.cost_ms,
        used_ns: record.used_ns,
    }
}

impl LocalStore {
    /// Every result that can be read.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let survey = self.survey()?;
        Ok(survey.results.iter().map(|record| entry(record, &survey)).collect())
    }

    /// Every WeakKey whose Shapes are here.
    pub fn weak_keys(&self) -> Result<Vec<WeakKey>, StoreError> {
        Ok(self.names(SHAPES)?.into_iter().map(WeakKey::of_name).collect())
    }

    /// The key of every snapshot that is here.
    pub fn snapshots(&self) -> Result<Vec<SnapshotKey>, StoreError> {
        Ok(self.names(SNAPSHOTS)?.into_iter().map(SnapshotKey::of_name).collect())
    }

    /// What is remembered of each unit's last runs, as far as it can be read.
    pub fn baselines(&self) -> Result<Vec<Baseline>, StoreError> {
        let read = |name: [u8; 32]| {
            let file = files::read_own(&self.shard(UNITS, &name), LARGEST_BASELINE).ok()?;
            Baseline::decode(&name, &file).ok()
        };
        Ok(self.names(UNITS)?.into_iter().filter_map(read).collect())
    }

    /// The hashes by which the files of a folder are named.
    fn names(&self, folder: &str) -> Result<Vec<[u8; 32]>, StoreError> {
        let folder = self.root.join(folder);
        let mut names = Vec::new();
        for shard in files::list(&folder)?.unwrap_or_default() {
            for entry in files::list(&folder.join(&shard.name))?.unwrap_or_default() {
                names.extend(entry.name.to_str().and_then(digest::unhex));
            }
        }
        Ok(names)
    }

    /// Removes one result; says whether there was one. Its blobs are left to the next collection.
    pub fn forget(&self, key: &ActionKey) -> Result<bool, StoreError> {
        Ok(files::remove(&self.path(&Key::Result(*key)))?)
    }

    /// Removes the results that `pick` picks, with the blobs that only they name; `None` if a collection is under way.
    /// A compile that counted on such a blob finds a name that leads nowhere, which is a miss.
    pub fn clear(
        &self,
        pick: &dyn Fn(&Entry) -> bool,
        dry_run: bool,
    ) -> Result<Option<Collected>, StoreError> {
        let Some(_lock) = Lock::try_exclusive(&self.root.join(super::COLLECT_LOCK))? else { return Ok(None) };
        let mut survey = self.survey()?;
        let before = survey.contents();
        let mut sweep = Sweep::new(FileTime::now(), dry_run, before.bytes, i64::MIN);
        let picked: Vec<bool> = survey.results.iter().map(|record| pick(&entry(record, &survey))).collect();
        let mut picked = picked.into_iter();
        let (gone, kept): (Vec<Record>, Vec<Record>) =
            std::mem::take(&mut survey.results).into_iter().partition(|_| picked.next() == Some(true));
        gone.into_iter().for_each(|record| sweep.evict(record, &mut survey.blobs));
        let collected = sweep.end(before, kept.len(), survey.blobs.len());
        if !dry_run {
            if collected.after.results < before.results {
                self.note_removal(Remover::Chosen);
            }
            self.usage.write(collected.after.bytes, FileTime::now())?;
        }
        Ok(Some(collected))
    }

    /// Removes everything that was kept; `None` if a collection is under way.
    pub fn clear_all(&self) -> Result<Option<Collected>, StoreError> {
        let Some(_lock) = Lock::try_exclusive(&self.root.join(super::COLLECT_LOCK))? else { return Ok(None) };
        let survey = self.survey()?;
        let before = survey.contents();
        let mut stuck = 0;
        for folder in [RESULTS, SHAPES, SNAPSHOTS, INCREMENTAL, BLOBS, UNITS] {
            stuck += remove_below(&self.root.join(folder))?;
        }
        let left = if stuck == 0 { Survey::default() } else { self.survey()? };
        let after = left.contents();
        if after.results < before.results {
            self.note_removal(Remover::Everything);
        }
        self.usage.write(after.bytes, FileTime::now())?;
        let shared =
            |blob: &super::survey::Blob| if blob.alone { 0 } else { super::usage::on_disk(blob.size) };
        let shared = survey.blobs.values().map(shared).sum();
        let freed = before.bytes.saturating_sub(after.bytes).saturating_sub(shared); // (others put something there meanwhile)
        Ok(Some(Collected { before, after, freed, stuck }))
    }
}

/// Removes the files below a folder of shards, and the shards where they are empty then; says how many could not be.
fn remove_below(folder: &Path) -> Result<u64, StoreError> {
    let mut stuck = 0;
    for entry in files::list(folder)?.unwrap_or_default() {
        let path = folder.join(&entry.name);
        if entry.kind == FileKind::Directory {
            stuck += remove_below(&path)?;
            let _ = files::remove_empty_dir(&path); // somebody may just be putting something there
        } else if files::remove(&path).is_err() {
            stuck += 1;
        }
    }
    Ok(stuck)
}

#[cfg(test)]
mod tests;
