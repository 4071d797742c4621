//! Where cargo keeps what in a target directory (cargo 1.95, `Layout` and `core/compiler/fingerprint`): the only module that knows these
//! paths.

use crate::cargo_files::CargoFile;
use crate::recorded::RecordedCall;
use kiln_action::FileKind;
use kiln_action::os::OsStrExt;
use kiln_sys::files;
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// No file of cargo's own is larger: hashes, lists of sources, a build script's output.
pub(crate) const LARGEST_FILE: u64 = 4 << 20;
/// The file with which cargo marks a target directory that it makes.
pub(crate) const TAG: &str = "CACHEDIR.TAG";
/// The directory of cargo's fingerprints in a profile's directory, one directory for each unit.
const FINGERPRINT: &str = ".fingerprint";

/// Whether cargo keeps files of its own at this place below a target directory, and nobody else does:
/// `debug/.fingerprint/<unit>/<file>`, `debug/build/<unit>/<file>`, with the name of a target in front or not.
pub(crate) fn is_cargos_own(path: &Path) -> bool {
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    let parts: Vec<&OsStr> = path.iter().collect();
    let ([_, place, _, file] | [_, _, place, _, file]) = parts[..] else { return false };
    let of_run = || place == "build" && RUN.iter().any(|name| file == *name);
    path.is_relative() && path.components().all(plain) && (place == FINGERPRINT || of_run())
}

/// The profile's directory that one of these places is in.
pub(crate) fn profile_of_file(path: &Path) -> Option<&Path> {
    path.parent()?.parent()?.parent()
}

/// The directory that a call of cargo's builds into: `<target>/<profile>`, or `<target>/<triple>/<profile>` for what is built for that
/// triple (cargo 1.95, `Layout`). `None` for all that is built elsewhere.
pub(crate) fn profile_of(target: &Path, call: &RecordedCall) -> Option<PathBuf> {
    let out = match call.after("--out-dir") {
        Some(out) => Path::new(out),
        None => Path::new(call.variable("OUT_DIR")?).parent()?,
    };
    let is_shared = ["deps", "examples"].iter().any(|name| out.ends_with(name));
    let kind = if is_shared { out } else { out.parent().filter(|kind| kind.ends_with("build"))? };
    let profile = kind.parent()?;
    let triple = call.after("--target").or_else(|| call.variable("TARGET"));
    let parts: Vec<&OsStr> = profile.strip_prefix(target).ok()?.iter().collect();
    let is_known = match parts[..] {
        [name] => is_plain(name),
        [first, name] => is_plain(first) && is_plain(name) && Some(first) == triple,
        _ => false,
    };
    is_known.then(|| profile.to_owned())
}

/// The directories in a target directory into which something has been built.
pub(crate) fn built(target: &Path) -> BTreeSet<PathBuf> {
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
const RUN: [&str; 4] = ["output", "root-output", "stderr", BEGUN];
/// The file that cargo writes where its others about a unit are (for a script's run beside its `OUT_DIR`), just before it calls it (cargo 1.95,
/// `set_invocation_time`).
const BEGUN: &str = "invoked.timestamp";

/// The directories of units' fingerprints in a target directory, each profile's listed once.
pub(crate) struct Fingerprints<'a> {
    target: &'a Path,
    /// For each profile's directory the units' names by their hashes.
    units: HashMap<PathBuf, HashMap<Vec<u8>, OsString>>,
}

impl<'a> Fingerprints<'a> {
    pub(crate) fn of(target: &'a Path) -> Fingerprints<'a> {
        Fingerprints { target, units: HashMap::new() }
    }

    fn of_unit(&mut self, profile: &Path, hash: &[u8]) -> Option<PathBuf> {
        let all = profile.join(FINGERPRINT);
        let units = self.units.entry(profile.to_owned()).or_insert_with(|| {
            let units = files::list_unsorted(&all).ok().flatten().unwrap_or_default().into_iter();
            units.filter_map(|unit| Some((hash_of(&unit.name)?, unit.name))).collect()
        });
        units.get(hash).map(|name| all.join(name))
    }

    /// Cargo's files about a call; `None` if it is none of cargo's units, is not in this target directory, or is not finished; or if cargo has
    /// called the unit once more since: while a program or tests run that a build has made, others may build there, and what cargo wrote then
    /// is of other sources.
    pub(crate) fn files_of(&mut self, call: &RecordedCall) -> Option<Vec<(PathBuf, CargoFile)>> {
        let target = self.target;
        let profile = profile_of(target, call)?;
        let mut found = Vec::new();
        let out = call.variable("OUT_DIR").filter(|_| call.after("--out-dir").is_none());
        let run = out.and_then(|out| Path::new(out).parent());
        if let Some(run) = run {
            for name in RUN {
                let content = files::read_limited(&run.join(name), LARGEST_FILE).ok()?;
                let path = run.join(name).strip_prefix(target).ok()?.to_owned();
                found.push((path, CargoFile::cut(Path::new(name), &content)?));
            }
        }
        let hash = match run {
            Some(run) => hash_of(run.file_name()?)?,
            None => hash_of(&extra_filename(call)?)?,
        };
        let directory = self.of_unit(&profile, &hash)?;
        for entry in files::list(&directory).ok()?? {
            let path = directory.join(&entry.name);
            if entry.kind != FileKind::File {
                return None;
            }
            let content = files::read_limited(&path, LARGEST_FILE).ok()?;
            found.push((path.strip_prefix(target).ok()?.to_owned(), CargoFile::cut(&path, &content)?));
        }
        let is_finished = found.iter().any(|(path, _)| path.extension().is_some_and(|it| it == "json"));
        let own = is_finished && found.iter().all(|(path, _)| is_cargos_own(path));
        (own && begun_before(run.unwrap_or(&directory), call.at_ns)).then_some(found)
    }
}

/// Whether cargo last called a unit before that time, in nanoseconds since the epoch. To be asked once all else is read, so that nothing of it
/// is from a later call.
fn begun_before(directory: &Path, at_ns: u64) -> bool {
    let begun = files::lstat(&directory.join(BEGUN)).ok().flatten().map(|stat| stat.identity.ctime_ns);
    begun.is_some_and(|begun| u64::try_from(begun).is_ok_and(|begun| begun <= at_ns))
}

/// What is behind the last `-` of a unit's name.
pub(crate) fn hash_of(name: &OsStr) -> Option<Vec<u8>> {
    let name = name.as_bytes();
    let dash = memchr::memrchr(b'-', name)?;
    Some(name[dash + 1..].to_vec()).filter(|hash| !hash.is_empty())
}

/// What the names of a unit's outputs end with (`-C extra-filename`): `-` and a hash.
pub(crate) fn extra_filename(call: &RecordedCall) -> Option<OsString> {
    let mut values =
        call.argv.iter().rev().filter_map(|word| word.as_bytes().strip_prefix(b"extra-filename="));
    values.next().map(|value| OsStr::from_bytes(value).to_owned())
}

/// Whether nothing has been built into a profile's directory.
pub(crate) fn is_new(profile: &Path) -> bool {
    files::lstat(&profile.join(FINGERPRINT)).is_ok_and(|found| found.is_none())
}

/// The lock that cargo holds while it builds into a profile's directory.
pub(crate) fn lock_of(profile: &Path) -> PathBuf {
    profile.join(".cargo-lock")
}

/// Whether a directory is one that cargo made to build into.
pub(crate) fn is_marked(directory: &Path) -> bool {
    files::lstat(&directory.join(TAG)).is_ok_and(|found| found.is_some())
}

/// The file in which cargo remembers rustc's answers.
pub(crate) fn rustc_answers(target: &Path) -> PathBuf {
    target.join(".rustc_info.json")
}

/// The file in which cargo keeps what a build script printed, from the script's `OUT_DIR`.
pub(crate) fn output_of_script(out: &Path) -> PathBuf {
    out.with_file_name("output")
}
