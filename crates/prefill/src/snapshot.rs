//! A snapshot of what a build left in an empty `target`: its calls, and cargo's own small files beside what they made. Whoever has the
//! same lock file, manifest, settings of cargo's and command line may find it, and [`crate::fill`] makes the same calls again before
//! cargo looks, each under its own key.

use crate::cargo_files::{CargoFile, metadata_of};
use crate::manifests::Manifests;
use crate::recorded::RecordedCall;
use crate::request::BuildRequest;
use crate::target_dir::{
    Fingerprints, LARGEST_FILE, TAG, extra_filename, hash_of, is_cargos_own, profile_of, profile_of_file,
};
use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionResult, Digest, Shape, SnapshotKey, shape};
use kiln_store::{Content, Key, LocalStore, Store, StoreError};
use kiln_sys::files;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// One call, and cargo's files about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedUnit {
    /// The call of the compiler or of the build script.
    pub call: RecordedCall,
    /// Cargo's own files: where they are, below the target directory, and what is in them.
    pub files: Vec<(PathBuf, CargoFile)>,
}

impl RecordedUnit {
    fn write(&self, to: &mut Writer) {
        self.call.write(to);
        to.u32(self.files.len() as u32);
        for (path, content) in &self.files {
            to.bytes(path.as_os_str().as_bytes());
            content.write(to);
        }
    }

    /// A file in which cargo keeps a build script's output (`output`, `stderr`, `root-output`); `None` if this unit has none.
    pub fn script_output(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|(path, _)| {
            path.iter().rev().nth(2).is_some_and(|it| it == "build") && path.ends_with(name)
        });
        file.and_then(|(_, file)| file.text())
    }

    /// Whether it is the run of a build script.
    pub fn is_run(&self) -> bool {
        self.call.after("--out-dir").is_none()
    }
}

/// A probe of the compiler, with its Shapes and its result as the store keeps them. Only cargo makes it, before there is anything else, so
/// that it travels with the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// The call of the compiler or of the build script.
    pub call: RecordedCall,
    shapes: Vec<u8>,
    result: Vec<u8>,
}

impl RecordedAnswer {
    fn of(call: &RecordedCall, store: &LocalStore) -> Option<RecordedAnswer> {
        let mut found = store.get(&[Key::Shapes(call.weak), Key::Result(call.key)]).into_iter();
        let (shapes, result) = (found.next()??, found.next()??);
        Some(RecordedAnswer { call: RecordedCall { at_ns: 0, ..call.clone() }, shapes, result })
    }

    fn write(&self, to: &mut Writer) {
        self.call.write(to);
        to.bytes(&self.shapes);
        to.bytes(&self.result);
    }

    /// The Shapes, and the answer.
    pub fn read(&self) -> Option<(Vec<Shape>, ActionResult)> {
        let shapes = shape::decode_shapes(&self.call.weak, &self.shapes).ok()?;
        Some((shapes, ActionResult::decode(&self.call.key, &self.result).ok()?))
    }
}

/// A snapshot of a build: every unit behind those that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Its units, each behind those that it needs.
    pub units: Vec<RecordedUnit>,
    /// The probes that cargo made, with their results.
    pub questions: Vec<RecordedAnswer>,
    /// What cargo writes into a target directory that it makes, to mark it.
    pub tag: Vec<u8>,
    /// The manifests from which cargo took the variables, features and profiles of the units.
    pub manifests: Manifests,
}

impl Snapshot {
    /// Takes it of a target directory in which a build has just ended well. `None` where the build hangs on the processor: what cargo
    /// tells build scripts of that is another machine's; and where it built into a directory in which something had been built `before`.
    pub fn take(
        request: &BuildRequest,
        before: &BTreeSet<PathBuf>,
        calls: Vec<RecordedCall>,
        store: &LocalStore,
    ) -> Option<Snapshot> {
        let native = |word: &OsString| word.as_bytes().ends_with(b"-cpu=native");
        if calls.iter().any(|call| call.argv.iter().any(native)) {
            return None;
        }
        let (questions, calls): (Vec<RecordedCall>, Vec<RecordedCall>) =
            calls.into_iter().partition(|call| call.question);
        let questions: Vec<RecordedAnswer> =
            questions.iter().filter_map(|call| RecordedAnswer::of(call, store)).collect();
        let mut fingerprints = Fingerprints::of(&request.target);
        let found = calls.into_iter().filter_map(|call| {
            let files = fingerprints.files_of(&call)?;
            Some(RecordedUnit { call, files })
        });
        let found: Vec<RecordedUnit> = found.collect();
        let was_there = |unit: &RecordedUnit| {
            profile_of(&request.target, &unit.call).is_none_or(|it| before.contains(&it))
        };
        if found.iter().any(was_there) {
            return None;
        }
        let mut units = explained(in_order(found));
        units.iter_mut().for_each(|unit| unit.call.at_ns = 0); // their order says it
        if units.is_empty() || questions.is_empty() {
            return None;
        }
        let manifests = Manifests::of(units.iter().map(|unit| &unit.call), request.began_ns, store.memo())?;
        let tag = files::read_limited(&request.target.join(TAG), LARGEST_FILE).unwrap_or_default();
        Some(Snapshot { units, questions, tag, manifests })
    }

    /// The directories in a target directory that its units are built into, one for each profile and target; `None` if a unit is built
    /// into any other directory than cargo's own for it.
    pub fn profiles(&self, target: &Path) -> Option<BTreeSet<PathBuf>> {
        let profile = |unit: &RecordedUnit| {
            let profile = profile_of(target, &unit.call)?;
            let inside = profile.strip_prefix(target).ok()?;
            unit.files.iter().all(|(path, _)| profile_of_file(path) == Some(inside)).then_some(profile)
        };
        self.units.iter().map(profile).collect()
    }

    /// Whether it may leave this machine: it names results, and the name of one says something of the answers that it is made of. None of
    /// them may hang on what nobody else may ask.
    pub fn may_travel(&self, store: &LocalStore) -> bool {
        let bounds = kiln_sys::env::bounds();
        self.units.iter().all(|unit| {
            let weak = &unit.call.weak;
            let file = store.get(&[Key::Shapes(*weak)]).pop().flatten();
            let shapes = file.and_then(|file| shape::decode_shapes(weak, &file).ok());
            shapes.is_some_and(|shapes| shapes.iter().all(|shape| bounds.hold(shape.questions()).is_ok()))
        })
    }

    /// Whether it says the same, whenever that was.
    pub fn says_the_same(&self, other: &Snapshot) -> bool {
        let parts = |snapshot: &Snapshot| -> HashSet<[u8; 32]> {
            let units = snapshot.units.iter().map(|unit| {
                let mut to = Writer::default();
                unit.write(&mut to);
                to
            });
            let questions = snapshot.questions.iter().map(|asked| {
                let mut to = Writer::default();
                asked.write(&mut to);
                to
            });
            units.chain(questions).map(|text| Digest::of(&text.0).hash).collect()
        };
        parts(self) == parts(other) && self.manifests == other.manifests
    }

    /// Its file, sealed for its key.
    pub fn encode(&self, key: &SnapshotKey) -> Vec<u8> {
        let mut to = Writer::default();
        to.bytes(&self.tag);
        to.u32(self.units.len() as u32);
        for unit in &self.units {
            unit.write(&mut to);
        }
        to.u32(self.questions.len() as u32);
        for asked in &self.questions {
            asked.write(&mut to);
        }
        self.manifests.write(&mut to);
        key.seal(&to.0)
    }

    /// Reads it. Its files lie where cargo's own files lie, whoever wrote it.
    pub fn decode(key: &SnapshotKey, file: &[u8]) -> Result<Snapshot, Malformed> {
        let mut from = Reader(key.unseal(file)?);
        let tag = from.bytes()?.to_vec();
        let units = from.list(|from| {
            let call = RecordedCall::read(from)?;
            let files = from.list(|from| {
                let path = PathBuf::from(OsString::from_vec(from.bytes()?.to_vec()));
                if is_cargos_own(&path) { Ok((path, CargoFile::read(from)?)) } else { Err(Malformed) }
            })?;
            Ok(RecordedUnit { call, files })
        })?;
        let questions = from.list(|from| {
            Ok(RecordedAnswer {
                call: RecordedCall::read(from)?,
                shapes: from.bytes()?.to_vec(),
                result: from.bytes()?.to_vec(),
            })
        })?;
        let manifests = Manifests::read(&mut from)?;
        from.end()?;
        Ok(Snapshot { units, questions, tag, manifests })
    }

    /// Keeps it under the key of its request, in the place of an older one: it is a hint, and each of its calls is looked up under its own key.
    pub fn keep(&self, key: &SnapshotKey, store: &LocalStore) -> Result<(), StoreError> {
        store.put(&Key::Snapshot(*key), Content::Bytes(&self.encode(key)))
    }

    /// The one that is kept under a key.
    pub fn find(key: &SnapshotKey, store: &LocalStore) -> Option<Snapshot> {
        let file = store.get(&[Key::Snapshot(*key)]).pop()??;
        Snapshot::decode(key, &file).ok()
    }
}

/// What it is worth to wait for it, in milliseconds: as much as a unit of a second.
pub const WORTH_MS: u32 = 1000;
/// The units all of whose variables have a known origin. The metadata of another package's script (`DEP_<links>_<key>`, the cargo book,
/// "The links Manifest Key") must be in the output of a script in this snapshot; else it may come from the user's configuration, or from a
/// run that is not kept.
fn explained(units: Vec<RecordedUnit>) -> Vec<RecordedUnit> {
    let outputs = units.iter().filter(|unit| unit.is_run()).filter_map(|unit| unit.script_output("output"));
    let published: HashSet<(Vec<u8>, Vec<u8>)> = outputs.flat_map(metadata_of).collect();
    let is_published = |name: &[u8], value: &[u8]| {
        let starts = memchr::memchr_iter(b'_', name).map(|at| &name[at + 1..]);
        starts.into_iter().any(|key| published.contains(&(key.to_vec(), value.to_vec())))
    };
    let fine = |unit: &RecordedUnit| {
        let of_others = unit.call.variables.iter().filter(|it| it.name.as_bytes().starts_with(b"DEP_"));
        of_others.into_iter().all(|it| is_published(&it.name.as_bytes()["DEP_".len()..], it.value.as_bytes()))
    };
    let fine: Vec<bool> = units.iter().map(fine).collect();
    let mut units: Vec<RecordedUnit> =
        units.into_iter().zip(fine).filter_map(|(unit, fine)| fine.then_some(unit)).collect();
    // What a script says to its own package stands on the command line, too (`rustc-cfg`): its run must be here.
    let out = |unit: &RecordedUnit| unit.call.variable("OUT_DIR").map(OsStr::to_owned);
    let runs: HashSet<OsString> = units.iter().filter(|unit| unit.is_run()).filter_map(out).collect();
    units.retain(|unit| unit.is_run() || out(unit).is_none_or(|out| runs.contains(&out)));
    units
}

/// For every unit the places of those whose outputs it names, and of the run whose `OUT_DIR` it is given.
pub fn needs(units: &[RecordedUnit]) -> Vec<Vec<usize>> {
    let mut by_output: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut by_run: HashMap<&OsStr, usize> = HashMap::new();
    for (at, unit) in units.iter().enumerate() {
        if let Some(hash) = extra_filename(&unit.call).and_then(|name| hash_of(&name)) {
            by_output.insert(hash, at);
        }
        if let Some(out) = unit.call.variable("OUT_DIR").filter(|_| unit.is_run()) {
            by_run.insert(out, at);
        }
    }
    let of = |unit: &RecordedUnit| {
        let words = unit.call.argv.iter().filter_map(|word| {
            let path = Path::new(OsStr::from_bytes(word.as_bytes().rsplit(|byte| *byte == b'=').next()?));
            path.is_absolute().then(|| path.file_stem()).flatten()
        });
        let script = unit.call.argv.first().and_then(|program| Path::new(program).file_stem());
        let named = words.chain(script).filter_map(hash_of).filter_map(|hash| by_output.get(&hash).copied());
        let out =
            unit.call.variable("OUT_DIR").filter(|_| !unit.is_run()).and_then(|out| by_run.get(out).copied());
        named.chain(out).collect()
    };
    units.iter().map(of).collect()
}

/// Every unit behind those that it needs: a wrapper may be over before that of a dependency, which cargo does not wait for longer than it
/// takes to write metadata.
fn in_order(units: Vec<RecordedUnit>) -> Vec<RecordedUnit> {
    let needs = needs(&units);
    let mut order = Vec::with_capacity(units.len());
    let mut seen = vec![false; units.len()];
    for at in 0..units.len() {
        visit(at, &needs, &mut seen, &mut order);
    }
    let mut units: Vec<Option<RecordedUnit>> = units.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| units[at].take()).collect()
}

/// Depth first, without recursion: chains of crates are long.
fn visit(from: usize, needs: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    let mut left = vec![(from, 0)];
    if std::mem::replace(&mut seen[from], true) {
        return;
    }
    while let Some((at, next)) = left.pop() {
        match needs[at].get(next) {
            None => order.push(at),
            Some(&need) => {
                left.push((at, next + 1));
                if !std::mem::replace(&mut seen[need], true) {
                    left.push((need, 0));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
