//! What the store holds, counted from the ground up.

use super::usage::on_disk;
use super::{BLOBS, INCREMENTAL, LocalStore, RESULTS, SHAPES, SNAPSHOTS, UNITS, records};
use crate::StoreError;
use kiln_action::digest::unhex;
use kiln_action::{ActionKey, ActionResult, FileKind};
use kiln_sys::files::{self, PRIVATE_PREFIX, Stat};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What the store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The number of results.
    pub results: u64,
    /// The number of blobs.
    pub blobs: u64,
    /// Bytes on disk in whole blocks, everything together. Blobs that are linked into target directories count as well.
    pub bytes: u64,
}

pub(super) struct Blob {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    /// Whether no target directory shares it, so that removing it gives its room back.
    pub(super) alone: bool,
    pub(super) written_ns: i64,
    /// How many results name it.
    pub(super) named: u64,
}

pub(super) struct Record {
    pub(super) path: PathBuf,
    pub(super) key: ActionKey,
    pub(super) unit: String,
    pub(super) size: u64,
    pub(super) used_ns: i64,
    pub(super) cost_ms: u32,
    pub(super) incremental: Option<[u8; 32]>,
    pub(super) blobs: Vec<[u8; 32]>,
}

/// A file with a time, for things that are only ever removed by age.
pub(super) struct Aged {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) touched_ns: i64,
}

#[derive(Default)]
pub(super) struct Survey {
    pub(super) blobs: HashMap<[u8; 32], Blob>,
    pub(super) results: Vec<Record>,
    /// Results that cannot be read as such.
    pub(super) damaged: Vec<Aged>,
    pub(super) shapes: Vec<Aged>,
    pub(super) snapshots: Vec<Aged>,
    pub(super) lists: Vec<Aged>,
    pub(super) units: Vec<Aged>,
    pub(super) orphans: Vec<Aged>,
}

impl Survey {
    pub(super) fn contents(&self) -> Contents {
        let Survey { damaged, shapes, snapshots, lists, units, orphans, .. } = self;
        let aged = [damaged, shapes, snapshots, lists, units, orphans];
        let bytes = self.blobs.values().map(|blob| on_disk(blob.size)).sum::<u64>()
            + self.results.iter().map(|result| on_disk(result.size)).sum::<u64>()
            + aged.into_iter().flatten().map(|file| on_disk(file.size)).sum::<u64>();
        Contents { results: self.results.len() as u64, blobs: self.blobs.len() as u64, bytes }
    }
}

impl LocalStore {
    /// Counts what the store holds; reads every result, so it takes its time.
    pub fn contents(&self) -> Result<Contents, StoreError> {
        Ok(self.survey()?.contents())
    }

    /// Blobs are listed before results: a blob is written before the result that names it, so one that appears in between
    /// only makes a young result look incomplete, and young results are left alone.
    pub(super) fn survey(&self) -> Result<Survey, StoreError> {
        let mut survey = Survey::default();
        self.each_file(BLOBS, &mut survey.orphans, |path, hash, stat| {
            let identity = stat.identity;
            let alone = stat.links <= 1;
            let blob = Blob { path, size: identity.size, alone, written_ns: identity.mtime_ns, named: 0 };
            survey.blobs.insert(hash, blob);
        })?;
        let (results, damaged) = (&mut survey.results, &mut survey.damaged);
        self.each_file(RESULTS, &mut survey.orphans, |path, name, stat| {
            match read_result(path, ActionKey::of_name(name), stat) {
                Ok(record) => results.push(record),
                Err(Some(file)) => damaged.push(file),
                Err(None) => {} // gone since
            }
        })?;
        self.each_file(SHAPES, &mut survey.orphans, |path, _, stat| survey.shapes.push(aged(path, stat)))?;
        self.each_file(SNAPSHOTS, &mut survey.orphans, |path, _, stat| {
            survey.snapshots.push(aged(path, stat));
        })?;
        self.each_file(INCREMENTAL, &mut survey.orphans, |path, _, stat| {
            survey.lists.push(aged(path, stat));
        })?;
        self.each_file(UNITS, &mut survey.orphans, |path, _, stat| survey.units.push(aged(path, stat)))?;
        for result in &survey.results {
            for hash in &result.blobs {
                if let Some(blob) = survey.blobs.get_mut(hash) {
                    blob.named += 1;
                }
            }
        }
        Ok(survey)
    }

    /// Calls `each` for every file of a folder whose name is a hash; private names are orphans; all others are left alone.
    pub(super) fn each_file(
        &self,
        folder: &str,
        orphans: &mut Vec<Aged>,
        mut each: impl FnMut(PathBuf, [u8; 32], Stat),
    ) -> Result<(), StoreError> {
        let folder = self.root.join(folder);
        for entry in files::list(&folder)?.unwrap_or_default() {
            let path = folder.join(&entry.name);
            if entry.kind != FileKind::Directory {
                note_orphan(&path, orphans)?;
                continue;
            }
            for entry in files::list(&path)?.unwrap_or_default() {
                let path = path.join(&entry.name);
                let Some(hash) = entry.name.to_str().and_then(unhex) else {
                    note_orphan(&path, orphans)?;
                    continue;
                };
                match files::lstat(&path)? {
                    Some(stat) if stat.kind == FileKind::File => each(path, hash, stat),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn note_orphan(path: &Path, orphans: &mut Vec<Aged>) -> Result<(), StoreError> {
    let private =
        path.file_name().and_then(|name| name.to_str()).is_some_and(|n| n.starts_with(PRIVATE_PREFIX));
    if let Some(stat) = files::lstat(path)?.filter(|stat| private && stat.kind == FileKind::File) {
        orphans.push(aged(path.to_owned(), stat));
    }
    Ok(())
}

fn aged(path: PathBuf, stat: Stat) -> Aged {
    Aged { path, size: stat.identity.size, touched_ns: stat.identity.mtime_ns }
}

fn read_result(path: PathBuf, key: ActionKey, stat: Stat) -> Result<Record, Option<Aged>> {
    let bytes = match files::read_own(&path, records::LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return Err(None),
        Err(_) => return Err(Some(aged(path, stat))),
    };
    let Ok(result) = ActionResult::decode(&key, &bytes) else {
        return Err(Some(aged(path, stat)));
    };
    let mut blobs: Vec<[u8; 32]> = result.blobs().map(|digest| digest.hash).collect();
    blobs.sort_unstable();
    blobs.dedup();
    Ok(Record {
        path,
        key,
        unit: result.unit,
        size: stat.identity.size,
        used_ns: stat.identity.mtime_ns,
        cost_ms: result.cost_ms,
        incremental: result.incremental,
        blobs,
    })
}
