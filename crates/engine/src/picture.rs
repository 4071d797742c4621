//! A picture of what a build left in an empty `target`: its calls, and cargo's own small files beside what they made. Whoever has the
//! same lock file, manifest, settings of cargo's and command line may find it, and [`crate::fill`] makes the same calls again before
//! cargo looks, each under its own key.

use crate::afar;
use crate::note::Note;
use kiln_action::wire::{Malformed, Reader, Writer, seal, unseal};
use kiln_action::{ActionKey, ActionResult, Digest, FileKind, Output, Placed, Role, WeakKey, shape};
use kiln_store::{Content, Fetch, Key, LocalStore, Store, StoreError};
use kiln_sys::env::Environment;
use kiln_sys::files;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// No picture has more bytes.
const LARGEST: u64 = 64 << 20;
/// No file of cargo's own is larger: hashes, lists of sources, what a build script said.
const LARGEST_NOTE: u64 = 4 << 20;
const MAGIC: [u8; 4] = *b"KPIC";
const VERSION: u8 = 2;

/// Which picture is meant: what a build is going to do, as far as one can tell before cargo runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Of the lock file, the manifest, cargo's configuration, variables and command line, and of where all this is.
    pub print: [u8; 32],
    /// The target directory; absolute.
    pub target: PathBuf,
    /// Where cargo locks: the profile's directory in it.
    pub profile: PathBuf,
}

/// What a plan is made of.
pub struct Intent<'a> {
    /// Cargo's command line, without what changes no output.
    pub words: &'a [OsString],
    /// The directory with the lock file.
    pub root: &'a Path,
    /// The directory in which cargo is started.
    pub here: &'a Path,
    /// The target directory; absolute.
    pub target: &'a Path,
    /// The profile's directory in it.
    pub profile: &'a str,
    /// Cargo's environment.
    pub environment: &'a Environment,
}

impl Plan {
    /// Reads what it is made of; `None` if there is no lock file.
    pub fn of(intent: &Intent<'_>) -> Option<Plan> {
        let mut text = Writer::default();
        text.bytes(b"kiln plan 1");
        text.u32(intent.words.len() as u32);
        intent.words.iter().for_each(|word| text.bytes(word.as_bytes()));
        for path in [intent.root, intent.here, intent.target] {
            text.bytes(path.as_os_str().as_bytes());
        }
        text.digest(&Digest::of(&files::read(&intent.root.join("Cargo.lock")).ok()?));
        let manifests = [intent.root.join("Cargo.toml"), intent.here.join("Cargo.toml")];
        for path in manifests.into_iter().chain(configurations(intent)) {
            let content = files::read(&path).ok();
            if content.as_deref().is_some_and(includes_others) && !path.ends_with("Cargo.toml") {
                return None;
            }
            text.u8(u8::from(content.is_some()));
            text.digest(&Digest::of(&content.unwrap_or_default()));
        }
        for (name, value) in variables(intent.environment) {
            text.bytes(name.as_bytes());
            text.bytes(value.as_bytes());
        }
        Some(Plan {
            print: Digest::of(&text.0).hash,
            target: intent.target.to_owned(),
            profile: intent.target.join(intent.profile),
        })
    }

    /// As it is handed to the wrapper.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.0.extend(self.print);
        to.bytes(self.target.as_os_str().as_bytes());
        to.bytes(self.profile.as_os_str().as_bytes());
        to.0
    }

    /// Reads one.
    pub fn decode(bytes: &[u8]) -> Result<Plan, Malformed> {
        let mut from = Reader(bytes);
        let path = |from: &mut Reader<'_>| Ok(PathBuf::from(OsString::from_vec(from.bytes()?.to_vec())));
        let plan = Plan { print: from.array()?, target: path(&mut from)?, profile: path(&mut from)? };
        from.end()?;
        Ok(plan)
    }

    /// Its file among the notes: whoever removes it fills.
    pub fn file(notes: &Path) -> PathBuf {
        notes.join("plan")
    }

    /// A file among the notes that says that all of a picture came true: another one need not be taken.
    pub fn done(notes: &Path) -> PathBuf {
        notes.join("filled")
    }

    /// The names under which its picture is kept, for a compiler. Nothing is asked: the plan says it all, and what the picture says is
    /// held against today's answers call by call.
    pub fn names(&self, rustc: &Path) -> (WeakKey, ActionKey) {
        let mut text = Writer::default();
        text.bytes(b"kiln picture 1");
        text.0.extend(self.print);
        match afar::driver(rustc) {
            Some(driver) => text.bytes(&driver),
            None => text.bytes(rustc.as_os_str().as_bytes()),
        }
        let weak = WeakKey(Digest::of(&text.0).hash);
        (weak, ActionKey::new::<Vec<u8>>(&weak, []))
    }
}

/// Where cargo looks for its configuration (the cargo book, "Hierarchical structure"). A variable in its `[env]` is one that calls have
/// and we cannot see.
fn configurations(intent: &Intent<'_>) -> Vec<PathBuf> {
    let home = intent.environment.get("CARGO_HOME").map(|home| intent.here.join(home));
    let home = home.or_else(|| Some(kiln_sys::env::home()?.join(".cargo")));
    let above = intent.here.ancestors().map(|directory| directory.join(".cargo"));
    let all = above.chain(home);
    all.flat_map(|directory| ["config.toml", "config"].map(|name| directory.join(name))).collect()
}

/// Whether a configuration takes in other files, which nobody reads here.
fn includes_others(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.trim_ascii().starts_with(b"include"))
}

/// Variables that say what cargo builds and how.
fn variables(environment: &Environment) -> Vec<(&OsStr, &OsStr)> {
    const STARTS: [&str; 6] =
        ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_UNSTABLE_", "RUSTC", "RUSTUP_TOOLCHAIN"];
    const NAMES: [&str; 5] =
        ["CARGO_ENCODED_RUSTFLAGS", "CARGO_HOME", "CARGO_INCREMENTAL", "LD_LIBRARY_PATH", "RUSTFLAGS"];
    let counts = |name: &str| {
        name != "RUSTC_WRAPPER" // that is us
            && (NAMES.contains(&name) || STARTS.into_iter().any(|start| name.starts_with(start)))
    };
    let mut all: Vec<_> = environment.iter().filter(|(name, _)| name.to_str().is_some_and(counts)).collect();
    all.sort_unstable();
    all
}

/// One call, and cargo's files about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The call.
    pub note: Note,
    /// Cargo's own files: where they are, below the target directory, and what is in them.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// A question to the compiler: by what it is looked up, and what is found then, as the store keeps it. Only cargo asks it, before there
/// is anything else, so that it travels with the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    weak: WeakKey,
    shapes: Vec<u8>,
    key: ActionKey,
    result: Vec<u8>,
}

impl Asked {
    fn of(note: &Note, store: &LocalStore) -> Option<Asked> {
        let mut found = store.get(&[Key::Shapes(note.weak), Key::Result(note.key)]).into_iter();
        let (shapes, result) = (found.next()??, found.next()??);
        Some(Asked { weak: note.weak, shapes, key: note.key, result })
    }

    /// Puts the answer where it is looked for; if it is one, and nothing but words.
    pub fn answer(&self, store: &LocalStore) -> Option<()> {
        ActionResult::decode(&self.key, &self.result).ok().filter(|result| result.outputs.is_empty())?;
        store.put(&Key::Result(self.key), Content::Bytes(&self.result)).ok()?;
        let bounds = kiln_sys::env::bounds(); // whoever took the picture
        let shapes = shape::decode_shapes(&self.weak, &self.shapes).ok()?;
        for shape in shapes.into_iter().filter(|shape| bounds.hold(shape.questions()).is_ok()) {
            kiln_store::add_shape(store, &self.weak, shape).ok()?;
        }
        Some(())
    }
}

/// The whole of it: every unit behind those that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The units.
    pub units: Vec<Unit>,
    /// What cargo asked the compiler, and was answered.
    pub questions: Vec<Asked>,
    /// What cargo writes into a target directory that it makes, to mark it.
    pub tag: Vec<u8>,
}

impl Picture {
    /// Takes it of a target directory in which a build has just ended well. `None` where the build hangs on the processor: what cargo
    /// tells build scripts of that is another machine's.
    pub fn take(plan: &Plan, notes: Vec<Note>, store: &LocalStore) -> Option<Picture> {
        let native = |word: &OsString| word.as_bytes().ends_with(b"-cpu=native");
        if notes.iter().any(|note| note.argv.iter().any(native)) {
            return None;
        }
        let (questions, notes): (Vec<Note>, Vec<Note>) = notes.into_iter().partition(|note| note.question);
        let questions = questions.iter().filter_map(|note| Asked::of(note, store)).collect();
        let found = notes.into_iter().filter_map(|note| {
            let files = files_of(&plan.target, &note)?;
            Some(Unit { note, files })
        });
        let tag = files::read_limited(&plan.target.join(TAG), LARGEST_NOTE).unwrap_or_default();
        Some(Picture { units: in_order(found.collect()), questions, tag })
    }

    /// Whether the same calls came to the same.
    pub fn is_of_the_same_calls(&self, other: &Picture) -> bool {
        let keys = |picture: &Picture| -> HashSet<[u8; 32]> {
            picture.units.iter().map(|unit| unit.note.key.0).collect()
        };
        keys(self) == keys(other)
    }

    /// Its file.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.bytes(&self.tag);
        to.u32(self.units.len() as u32);
        for unit in &self.units {
            unit.note.write(&mut to);
            to.u32(unit.files.len() as u32);
            for (path, content) in &unit.files {
                to.bytes(path.as_os_str().as_bytes());
                to.bytes(content);
            }
        }
        to.u32(self.questions.len() as u32);
        for asked in &self.questions {
            to.0.extend(asked.weak.0);
            to.bytes(&asked.shapes);
            to.0.extend(asked.key.0);
            to.bytes(&asked.result);
        }
        seal(MAGIC, VERSION, &[], &to.0)
    }

    /// Reads it. Its files lie where cargo's own files lie, whoever wrote it.
    pub fn decode(file: &[u8]) -> Result<Picture, Malformed> {
        let mut from = Reader(unseal(MAGIC, VERSION, &[], file)?);
        let tag = from.bytes()?.to_vec();
        let units = from.list(|from| {
            let note = Note::read(from)?;
            let files = from.list(|from| {
                let path = PathBuf::from(OsString::from_vec(from.bytes()?.to_vec()));
                if is_cargos_own(&path) { Ok((path, from.bytes()?.to_vec())) } else { Err(Malformed) }
            })?;
            Ok(Unit { note, files })
        })?;
        let questions = from.list(|from| {
            Ok(Asked {
                weak: WeakKey(from.array()?),
                shapes: from.bytes()?.to_vec(),
                key: ActionKey(from.array()?),
                result: from.bytes()?.to_vec(),
            })
        })?;
        from.end()?;
        Ok(Picture { units, questions, tag })
    }

    /// Keeps it under the plan's names, in the place of an older one: it is a hint, and each of its calls is looked up under its own key.
    pub fn keep(
        &self,
        plan: &Plan,
        rustc: &Path,
        store: &LocalStore,
    ) -> Result<(WeakKey, ActionKey), StoreError> {
        let (weak, key) = plan.names(rustc);
        let bytes = self.encode();
        let digest = Digest::of(&bytes);
        store.put(&Key::Blob(digest), Content::Bytes(&bytes))?;
        store.forget(&key)?;
        let output = Output {
            path: Placed::literal(&Path::new("/").join(FILE)),
            role: Role::File,
            executable: false,
            digest,
        };
        let result = ActionResult {
            outputs: vec![output],
            unit: "cargo picture".into(),
            cost_ms: WORTH_MS,
            ..ActionResult::default()
        };
        store.put(&Key::Result(key), Content::Bytes(&result.encode(&key)))?;
        Ok((weak, key))
    }

    /// The one that is kept under a name.
    pub fn find(key: &ActionKey, store: &LocalStore, scratch: &Path) -> Option<Picture> {
        let result = store.get(&[Key::Result(*key)]).pop()??;
        let result = ActionResult::decode(key, &result).ok()?;
        let digest = result.outputs.first().filter(|output| output.role == Role::File)?.digest;
        if digest.size > LARGEST {
            return None;
        }
        let file = scratch.join(FILE);
        store.fetch(&digest, &file, Fetch::Copy { executable: false }).ok()?;
        let bytes = files::read_limited(&file, LARGEST).ok();
        let _ = files::remove(&file);
        Picture::decode(&bytes?).ok()
    }
}

/// What it is worth to wait for it, in milliseconds: as much as a unit of a second. It has no Shapes, for it asks nothing.
pub const WORTH_MS: u32 = 1000;
/// What its one output is called.
const FILE: &str = "picture";
const TAG: &str = "CACHEDIR.TAG";
const FINGERPRINT: &str = ".fingerprint";

/// Whether cargo keeps files of its own at this place below a target directory, and nobody else does:
/// `debug/.fingerprint/<unit>/<file>`, `debug/build/<unit>/<file>`, with the name of a target in front or not.
fn is_cargos_own(path: &Path) -> bool {
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    let parts: Vec<&OsStr> = path.iter().collect();
    let [.., place, _, file] = parts[..] else { return false };
    let of_run = || place == "build" && RUN.iter().any(|name| file == *name);
    path.is_relative() && path.components().all(plain) && (place == FINGERPRINT || of_run())
}

/// What cargo writes about the run of a build script, beside its `OUT_DIR`.
const RUN: [&str; 4] = ["output", "root-output", "stderr", "invoked.timestamp"];

/// Cargo's files about a call; `None` if it is none of cargo's units, or not in this target directory.
fn files_of(target: &Path, note: &Note) -> Option<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let (profile, hash) = match note.variable("OUT_DIR").filter(|_| note.after("--out-dir").is_none()) {
        Some(out) => {
            let run = Path::new(out).parent()?;
            for name in RUN {
                let content = files::read_limited(&run.join(name), LARGEST_NOTE).ok()?;
                found.push((run.join(name).strip_prefix(target).ok()?.to_owned(), content));
            }
            (run.parent()?.parent()?, hash_of(run.file_name()?)?)
        }
        None => {
            let out = Path::new(note.after("--out-dir")?);
            let in_build = out.parent().filter(|build| build.ends_with("build"));
            (in_build.unwrap_or(out).parent()?, hash_of(&extra_filename(note)?)?)
        }
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
        found.push((path.strip_prefix(target).ok()?.to_owned(), content));
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

/// Every unit behind those whose outputs it names: a wrapper may be over before that of a dependency, which cargo does not wait for
/// longer than it takes to write metadata.
fn in_order(units: Vec<Unit>) -> Vec<Unit> {
    let mut by_output: HashMap<Vec<u8>, usize> = HashMap::new();
    for (at, unit) in units.iter().enumerate() {
        if let Some(hash) = extra_filename(&unit.note).and_then(|name| hash_of(&name)) {
            by_output.insert(hash, at);
        }
    }
    let needs: Vec<Vec<usize>> = units
        .iter()
        .map(|unit| {
            let words = unit.note.argv.iter().filter_map(|word| {
                let path = Path::new(OsStr::from_bytes(word.as_bytes().rsplit(|byte| *byte == b'=').next()?));
                path.is_absolute().then(|| path.file_stem()).flatten()
            });
            let script = unit.note.argv.first().and_then(|program| Path::new(program).file_stem());
            let named = words.chain(script).filter_map(hash_of);
            named.filter_map(|hash| by_output.get(&hash).copied()).collect()
        })
        .collect();
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
