//! A snapshot of what a build left in an empty `target`: its calls, and cargo's own small files beside what they made. Whoever has the
//! same lock file, manifest, settings of cargo's and command line may find it, and [`crate::fill`] makes the same calls again before
//! cargo looks, each under its own key.

use crate::cargo_files::{CargoFile, metadata_of};
use crate::manifests::Manifests;
use crate::members;
use crate::note::{self, Note};
use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionResult, Digest, Family, FileKind, Shape, SnapshotKey, Subject, shape};
use kiln_engine::toolchain;
use kiln_store::{Content, Key, LocalStore, Store, StoreError};
use kiln_sys::env::Environment;
use kiln_sys::files;
use kiln_sys::identity::{self, Found};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// No file of cargo's own is larger: hashes, lists of sources, what a build script said.
const LARGEST_NOTE: u64 = 4 << 20;

/// Which snapshot is meant: what a build is going to do, as far as one can tell before cargo runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Of the lock file, the manifest, cargo's configuration, variables and command line, and of where all this is.
    pub print: [u8; 32],
    /// The target directory; absolute.
    pub target: PathBuf,
    /// When the build began, in nanoseconds since the epoch: what has changed since may not be what cargo has read.
    pub began_ns: i64,
}

/// What a plan is made of.
pub struct BuildRequest<'a> {
    /// Cargo's command line, without what changes no output.
    pub words: &'a [OsString],
    /// The workspace's directory, in which the lock file is.
    pub root: &'a Path,
    /// The package's directory, or the one in which cargo is started.
    pub here: &'a Path,
    /// The directory in which cargo is started: its configuration is looked for from there, wherever the package is.
    pub start: &'a Path,
    /// The target directory; absolute.
    pub target: &'a Path,
    /// Cargo's environment.
    pub environment: &'a Environment,
    /// When the build began.
    pub began_ns: i64,
}

impl BuildRequest<'_> {
    /// Names all that cargo goes by but the lock file, which it may write itself; `None` if it goes by something that is not read here.
    pub fn print(&self) -> Option<[u8; 32]> {
        let mut text = Writer::default();
        text.bytes(b"kiln plan 3");
        text.u32(self.words.len() as u32);
        self.words.iter().for_each(|word| text.bytes(word.as_bytes()));
        let home = cargo_home(self)?;
        for path in [self.root, self.here, self.start, self.target, &home] {
            text.bytes(path.as_os_str().as_bytes());
        }
        let manifests = [self.root.join("Cargo.toml"), self.here.join("Cargo.toml")];
        for path in manifests.into_iter().chain(configurations(self.start, &home)) {
            let content = match files::lstat(&path).ok()? {
                Some(_) => Some(files::read_limited(&path, LARGEST_NOTE).ok()?),
                None => None,
            };
            if content.as_deref().is_some_and(includes_others) && !path.ends_with("Cargo.toml") {
                return None;
            }
            text.u8(u8::from(content.is_some()));
            text.digest(&Digest::of(&content.unwrap_or_default()));
        }
        for (path, content) in members::of(self.root)? {
            text.bytes(path.as_os_str().as_bytes());
            text.digest(&content);
        }
        for (name, value) in variables(self.environment) {
            text.bytes(name.as_bytes());
            text.bytes(value.as_bytes());
        }
        Some(Digest::of(&text.0).hash)
    }

    /// The plan, with the lock file that is there now; `None` if there is none.
    pub fn plan(&self) -> Option<Plan> {
        let mut text = Writer::default();
        text.0.extend(self.print()?);
        text.digest(&Digest::of(&files::read(&self.root.join("Cargo.lock")).ok()?));
        Some(Plan {
            print: Digest::of(&text.0).hash,
            target: self.target.to_owned(),
            began_ns: self.began_ns,
        })
    }
}

impl Plan {
    /// As it is handed to the wrapper.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.0.extend(self.print);
        to.bytes(self.target.as_os_str().as_bytes());
        to.u64(self.began_ns.cast_unsigned());
        to.0
    }

    /// Reads one.
    pub fn decode(bytes: &[u8]) -> Result<Plan, Malformed> {
        let mut from = Reader(bytes);
        let path = |from: &mut Reader<'_>| Ok(PathBuf::from(OsString::from_vec(from.bytes()?.to_vec())));
        let plan =
            Plan { print: from.array()?, target: path(&mut from)?, began_ns: from.u64()?.cast_signed() };
        from.end()?;
        Ok(plan)
    }

    /// Its file among the notes: whoever removes it fills.
    pub fn file(notes: &Path) -> PathBuf {
        notes.join("plan")
    }

    /// A file among the notes that says that all of a snapshot came true: another one need not be taken.
    pub fn done(notes: &Path) -> PathBuf {
        notes.join("filled")
    }

    /// The key under which its snapshot is kept, for a compiler and a cargo. Nothing is asked: the plan says it all, and what the snapshot
    /// says is held against today's answers call by call.
    pub fn key(&self, rustc: &Path, cargo: &Path, store: &LocalStore) -> Option<SnapshotKey> {
        let mut text = Writer::default();
        text.bytes(b"kiln snapshot 3");
        text.0.extend(self.print);
        match toolchain::rustc_driver(rustc) {
            Some(driver) => text.bytes(driver.as_bytes()),
            None => text.bytes(rustc.as_os_str().as_bytes()),
        }
        // Another cargo has other layouts, hashes and variables.
        let Ok(Found::Content(cargo, _)) = identity::digest_of(cargo, store.memo()) else { return None };
        text.digest(&cargo);
        Some(SnapshotKey::of(&text.0))
    }
}

/// Where cargo has what is the user's.
fn cargo_home(request: &BuildRequest<'_>) -> Option<PathBuf> {
    let named = request.environment.get("CARGO_HOME").filter(|home| !home.is_empty());
    named.map(|home| request.start.join(home)).or_else(|| Some(kiln_sys::env::home()?.join(".cargo")))
}

/// Where cargo looks for its configuration (the cargo book, "Hierarchical structure"). A variable in its `[env]` is one that calls have
/// and we cannot see.
fn configurations(start: &Path, home: &Path) -> Vec<PathBuf> {
    let above = start.ancestors().map(|directory| directory.join(".cargo"));
    let all = above.chain([home.to_owned()]);
    all.flat_map(|directory| ["config.toml", "config"].map(|name| directory.join(name))).collect()
}

/// Whether a configuration takes in other files, which nobody reads here, or may: it cannot be read.
fn includes_others(text: &[u8]) -> bool {
    let table = std::str::from_utf8(text).ok().and_then(|text| DeTable::parse(text).ok());
    table.is_none_or(|table| table.get_ref().contains_key("include"))
}

/// Variables that say what cargo builds and how; and those that are called like some that it sets: where it does not set them they reach
/// its calls as they are.
fn variables(environment: &Environment) -> Vec<(&OsStr, &OsStr)> {
    const STARTS: [&str; 8] = [
        "CARGO_ALIAS_",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "CARGO_UNSTABLE_",
        "RUSTC",
        "RUSTUP_TOOLCHAIN",
        "__CARGO",
    ];
    const NAMES: [&str; 6] = [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_HOME",
        "CARGO_INCREMENTAL",
        "LD_LIBRARY_PATH",
        "RUSTDOC",
        "RUSTFLAGS",
    ];
    let counts = |name: &OsStr| {
        let of_cargo = || {
            [Subject::Compile(Family::Rustc), Subject::BuildScript]
                .into_iter()
                .any(|subject| note::is_of_cargo(name, subject))
        };
        let Some(text) = name.to_str() else { return false };
        // (those are us, and whoever started us)
        !["RUSTC_WRAPPER", "CARGO"].contains(&text)
            && (NAMES.contains(&text)
                || STARTS.into_iter().any(|start| text.starts_with(start))
                || of_cargo())
    };
    let mut all: Vec<_> = environment.iter().filter(|(name, _)| counts(name)).collect();
    all.sort_unstable();
    all
}

/// One call, and cargo's files about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The call.
    pub note: Note,
    /// Cargo's own files: where they are, below the target directory, and what is in them.
    pub files: Vec<(PathBuf, CargoFile)>,
}

impl Unit {
    fn write(&self, to: &mut Writer) {
        self.note.write(to);
        to.u32(self.files.len() as u32);
        for (path, content) in &self.files {
            to.bytes(path.as_os_str().as_bytes());
            content.write(to);
        }
    }

    /// What cargo keeps of what a build script said, as the file is called.
    pub fn said(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|(path, _)| {
            path.iter().rev().nth(2).is_some_and(|it| it == "build") && path.ends_with(name)
        });
        file.and_then(|(_, file)| file.text())
    }

    /// Whether it is the run of a build script.
    pub fn is_run(&self) -> bool {
        self.note.after("--out-dir").is_none()
    }
}

/// A question to the compiler, and what is found under its names, as the store keeps it. Only cargo asks it, before there is anything else,
/// so that it travels with the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The call.
    pub note: Note,
    shapes: Vec<u8>,
    result: Vec<u8>,
}

impl Asked {
    fn of(note: &Note, store: &LocalStore) -> Option<Asked> {
        let mut found = store.get(&[Key::Shapes(note.weak), Key::Result(note.key)]).into_iter();
        let (shapes, result) = (found.next()??, found.next()??);
        Some(Asked { note: Note { at_ns: 0, ..note.clone() }, shapes, result })
    }

    fn write(&self, to: &mut Writer) {
        self.note.write(to);
        to.bytes(&self.shapes);
        to.bytes(&self.result);
    }

    /// The Shapes, and the answer.
    pub fn read(&self) -> Option<(Vec<Shape>, ActionResult)> {
        let shapes = shape::decode_shapes(&self.note.weak, &self.shapes).ok()?;
        Some((shapes, ActionResult::decode(&self.note.key, &self.result).ok()?))
    }
}

/// The whole of it: every unit behind those that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The units.
    pub units: Vec<Unit>,
    /// What cargo asked the compiler, and was answered.
    pub questions: Vec<Asked>,
    /// What cargo writes into a target directory that it makes, to mark it.
    pub tag: Vec<u8>,
    /// What it took all that it told the units from.
    pub manifests: Manifests,
}

impl Snapshot {
    /// Takes it of a target directory in which a build has just ended well. `None` where the build hangs on the processor: what cargo
    /// tells build scripts of that is another machine's; and where it built into a directory in which something had been built `before`.
    pub fn take(
        plan: &Plan,
        before: &BTreeSet<PathBuf>,
        notes: Vec<Note>,
        store: &LocalStore,
    ) -> Option<Snapshot> {
        let native = |word: &OsString| word.as_bytes().ends_with(b"-cpu=native");
        if notes.iter().any(|note| note.argv.iter().any(native)) {
            return None;
        }
        let (questions, notes): (Vec<Note>, Vec<Note>) = notes.into_iter().partition(|note| note.question);
        let questions: Vec<Asked> = questions.iter().filter_map(|note| Asked::of(note, store)).collect();
        let found = notes.into_iter().filter_map(|note| {
            let files = files_of(&plan.target, &note)?;
            Some(Unit { note, files })
        });
        let found: Vec<Unit> = found.collect();
        let was_there =
            |unit: &Unit| profile_of(&plan.target, &unit.note).is_none_or(|it| before.contains(&it));
        if found.iter().any(was_there) {
            return None;
        }
        let mut units = explained(in_order(found));
        units.iter_mut().for_each(|unit| unit.note.at_ns = 0); // their order says it
        if units.is_empty() || questions.is_empty() {
            return None;
        }
        let manifests = Manifests::of(units.iter().map(|unit| &unit.note), plan.began_ns, store.memo())?;
        let tag = files::read_limited(&plan.target.join(TAG), LARGEST_NOTE).unwrap_or_default();
        Some(Snapshot { units, questions, tag, manifests })
    }

    /// The directories in a target directory that its units are built into, one for each profile and target; `None` if a unit is built
    /// into any other directory than cargo's own for it.
    pub fn profiles(&self, target: &Path) -> Option<BTreeSet<PathBuf>> {
        let profile = |unit: &Unit| {
            let profile = profile_of(target, &unit.note)?;
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
            let weak = &unit.note.weak;
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
            let note = Note::read(from)?;
            let files = from.list(|from| {
                let path = PathBuf::from(OsString::from_vec(from.bytes()?.to_vec()));
                if is_cargos_own(&path) { Ok((path, CargoFile::read(from)?)) } else { Err(Malformed) }
            })?;
            Ok(Unit { note, files })
        })?;
        let questions = from.list(|from| {
            Ok(Asked {
                note: Note::read(from)?,
                shapes: from.bytes()?.to_vec(),
                result: from.bytes()?.to_vec(),
            })
        })?;
        let manifests = Manifests::read(&mut from)?;
        from.end()?;
        Ok(Snapshot { units, questions, tag, manifests })
    }

    /// Keeps it under the plan's key, in the place of an older one: it is a hint, and each of its calls is looked up under its own key.
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
const TAG: &str = "CACHEDIR.TAG";
const FINGERPRINT: &str = ".fingerprint";

/// Whether cargo keeps files of its own at this place below a target directory, and nobody else does:
/// `debug/.fingerprint/<unit>/<file>`, `debug/build/<unit>/<file>`, with the name of a target in front or not.
fn is_cargos_own(path: &Path) -> bool {
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    let parts: Vec<&OsStr> = path.iter().collect();
    let ([_, place, _, file] | [_, _, place, _, file]) = parts[..] else { return false };
    let of_run = || place == "build" && RUN.iter().any(|name| file == *name);
    path.is_relative() && path.components().all(plain) && (place == FINGERPRINT || of_run())
}

/// The profile's directory that one of these places is in.
fn profile_of_file(path: &Path) -> Option<&Path> {
    path.parent()?.parent()?.parent()
}

/// The directory that a call of cargo's builds into: `<target>/<profile>`, or `<target>/<triple>/<profile>` for what is built for that
/// triple (cargo 1.95, `Layout`). `None` for all that is built elsewhere.
fn profile_of(target: &Path, note: &Note) -> Option<PathBuf> {
    let out = match note.after("--out-dir") {
        Some(out) => Path::new(out),
        None => Path::new(note.variable("OUT_DIR")?).parent()?,
    };
    let is_shared = ["deps", "examples"].iter().any(|name| out.ends_with(name));
    let kind = if is_shared { out } else { out.parent().filter(|kind| kind.ends_with("build"))? };
    let profile = kind.parent()?;
    let triple = note.after("--target").or_else(|| note.variable("TARGET"));
    let parts: Vec<&OsStr> = profile.strip_prefix(target).ok()?.iter().collect();
    let is_known = match parts[..] {
        [name] => is_plain(name),
        [first, name] => is_plain(first) && is_plain(name) && Some(first) == triple,
        _ => false,
    };
    is_known.then(|| profile.to_owned())
}

/// The directories in a target directory into which something has been built.
pub fn built(target: &Path) -> BTreeSet<PathBuf> {
    let inside = |directory: &Path| -> Vec<PathBuf> {
        let entries = files::list_unsorted(directory).ok().flatten().unwrap_or_default();
        let directories = entries.into_iter().filter(|entry| entry.kind != FileKind::File);
        directories.map(|entry| directory.join(entry.name)).collect()
    };
    let is_built = |directory: &PathBuf| {
        files::lstat(&directory.join(FINGERPRINT)).map_or(true, |found| found.is_some())
    };
    let (mut built, others): (Vec<_>, Vec<_>) = inside(target).into_iter().partition(is_built);
    built.extend(others.iter().flat_map(|directory| inside(directory)).filter(is_built));
    built.into_iter().collect()
}

fn is_plain(name: &OsStr) -> bool {
    !name.is_empty() && name != "." && name != ".."
}

/// What cargo writes about the run of a build script, beside its `OUT_DIR`.
const RUN: [&str; 4] = ["output", "root-output", "stderr", INVOKED];

/// What cargo writes where its other files about a unit are (for a script's run beside its `OUT_DIR`), just before it calls it.
const INVOKED: &str = "invoked.timestamp";

/// Cargo's files about a call; `None` if it is none of cargo's units, or not in this target directory, or if cargo has called the unit once
/// more since: while a program or tests run that a build has made, others may build there, and what cargo wrote then is of other sources.
fn files_of(target: &Path, note: &Note) -> Option<Vec<(PathBuf, CargoFile)>> {
    let profile = profile_of(target, note)?;
    let mut found = Vec::new();
    let run = note.variable("OUT_DIR").filter(|_| note.after("--out-dir").is_none());
    let run = run.and_then(|out| Path::new(out).parent());
    let hash = match run {
        Some(run) => {
            for name in RUN {
                let content = files::read_limited(&run.join(name), LARGEST_NOTE).ok()?;
                let path = run.join(name).strip_prefix(target).ok()?.to_owned();
                found.push((path, CargoFile::cut(Path::new(name), &content)?));
            }
            hash_of(run.file_name()?)?
        }
        None => hash_of(&extra_filename(note)?)?,
    };
    let all = profile.join(FINGERPRINT);
    let units = files::list(&all).ok()??;
    let unit = units.into_iter().find(|unit| hash_of(&unit.name).as_ref() == Some(&hash))?;
    let directory = all.join(unit.name);
    for entry in files::list(&directory).ok()?? {
        let path = directory.join(&entry.name);
        if entry.kind != FileKind::File {
            return None;
        }
        let content = files::read_limited(&path, LARGEST_NOTE).ok()?;
        found.push((path.strip_prefix(target).ok()?.to_owned(), CargoFile::cut(&path, &content)?));
    }
    // (now that all is read: nothing of it is from a later call)
    let invoked = files::lstat(&run.unwrap_or(&directory).join(INVOKED)).ok()??;
    if u64::try_from(invoked.identity.ctime_ns).ok()? > note.at_ns {
        return None;
    }
    found.iter().all(|(path, _)| is_cargos_own(path)).then_some(found)
}

/// What is behind the last `-` of a unit's name.
fn hash_of(name: &OsStr) -> Option<Vec<u8>> {
    let name = name.as_bytes();
    let dash = memchr::memrchr(b'-', name)?;
    Some(name[dash + 1..].to_vec()).filter(|hash| !hash.is_empty())
}

fn extra_filename(note: &Note) -> Option<OsString> {
    let mut values =
        note.argv.iter().rev().filter_map(|word| word.as_bytes().strip_prefix(b"extra-filename="));
    values.next().map(|value| OsStr::from_bytes(value).to_owned())
}

/// Those of which it is known where all that cargo tells them comes from. What a script of another package said
/// (`DEP_<links>_<key>`, the cargo book, "The links Manifest Key") must have been said in this snapshot; else it may come from the user's
/// configuration, or from a run that is not kept.
fn explained(units: Vec<Unit>) -> Vec<Unit> {
    let outputs = units.iter().filter(|unit| unit.is_run()).filter_map(|unit| unit.said("output"));
    let told: HashSet<(Vec<u8>, Vec<u8>)> = outputs.flat_map(metadata_of).collect();
    let is_told = |name: &[u8], value: &[u8]| {
        let starts = memchr::memchr_iter(b'_', name).map(|at| &name[at + 1..]);
        starts.into_iter().any(|key| told.contains(&(key.to_vec(), value.to_vec())))
    };
    let fine = |unit: &Unit| {
        let of_others = unit.note.variables.iter().filter(|it| it.name.as_bytes().starts_with(b"DEP_"));
        of_others.into_iter().all(|it| is_told(&it.name.as_bytes()["DEP_".len()..], it.value.as_bytes()))
    };
    let fine: Vec<bool> = units.iter().map(fine).collect();
    let mut units: Vec<Unit> =
        units.into_iter().zip(fine).filter_map(|(unit, fine)| fine.then_some(unit)).collect();
    // What a script says to its own package stands on the command line, too (`rustc-cfg`): its run must be here.
    let out = |unit: &Unit| unit.note.variable("OUT_DIR").map(OsStr::to_owned);
    let runs: HashSet<OsString> = units.iter().filter(|unit| unit.is_run()).filter_map(out).collect();
    units.retain(|unit| unit.is_run() || out(unit).is_none_or(|out| runs.contains(&out)));
    units
}

/// For every unit the places of those whose outputs it names, and of the run whose `OUT_DIR` it is given.
pub fn needs(units: &[Unit]) -> Vec<Vec<usize>> {
    let mut by_output: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut by_run: HashMap<&OsStr, usize> = HashMap::new();
    for (at, unit) in units.iter().enumerate() {
        if let Some(hash) = extra_filename(&unit.note).and_then(|name| hash_of(&name)) {
            by_output.insert(hash, at);
        }
        if let Some(out) = unit.note.variable("OUT_DIR").filter(|_| unit.is_run()) {
            by_run.insert(out, at);
        }
    }
    let of = |unit: &Unit| {
        let words = unit.note.argv.iter().filter_map(|word| {
            let path = Path::new(OsStr::from_bytes(word.as_bytes().rsplit(|byte| *byte == b'=').next()?));
            path.is_absolute().then(|| path.file_stem()).flatten()
        });
        let script = unit.note.argv.first().and_then(|program| Path::new(program).file_stem());
        let named = words.chain(script).filter_map(hash_of).filter_map(|hash| by_output.get(&hash).copied());
        let out =
            unit.note.variable("OUT_DIR").filter(|_| !unit.is_run()).and_then(|out| by_run.get(out).copied());
        named.chain(out).collect()
    };
    units.iter().map(of).collect()
}

/// Every unit behind those that it needs: a wrapper may be over before that of a dependency, which cargo does not wait for longer than it
/// takes to write metadata.
fn in_order(units: Vec<Unit>) -> Vec<Unit> {
    let needs = needs(&units);
    let mut order = Vec::with_capacity(units.len());
    let mut seen = vec![false; units.len()];
    for at in 0..units.len() {
        visit(at, &needs, &mut seen, &mut order);
    }
    let mut units: Vec<Option<Unit>> = units.into_iter().map(Some).collect();
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
