//! Whole directories: copied, listed, compared byte for byte, damaged.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Copies a directory with new inodes and new times; symlinks stay symlinks. `target` directories stay behind.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|e| panic!("{to:?}: {e}"));
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{from:?}: {e}")) {
        let entry = entry.expect("entry");
        let (source, destination) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("file type");
        if kind.is_symlink() {
            let aim = fs::read_link(&source).expect("link");
            std::os::unix::fs::symlink(aim, destination).expect("symlink");
        } else if kind.is_dir() && entry.file_name() != "target" {
            copy(&source, &destination);
        } else if kind.is_file() {
            fs::copy(&source, &destination).expect("copy");
        }
    }
}

/// Every regular file below `dir`, as paths relative to it, sorted. No directory: no files.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(current) = pending.pop() {
        for entry in fs::read_dir(&current).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => pending.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found.iter().map(|path| path.strip_prefix(dir).expect("below dir").to_owned()).collect()
}

/// What a build made, by relative path: all of a target directory but cargo's and kiln's own notes and incremental sessions. A script behind a
/// launcher counts as if it lay in the launcher's place.
pub fn outputs(target: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let cargos_own = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let note = [
            ".rustc_info.json",
            ".cargo-lock",
            "CACHEDIR.TAG",
            "invoked.timestamp",
            "root-output",
            ".kiln-filled",
        ];
        // Cargo makes a `.d` for each program it places outside `deps`, and names the targets in any order.
        let rustcs_own =
            path.components().any(|part| ["deps", "build"].iter().any(|dir| part.as_os_str() == *dir));
        note.contains(&name)
            || name.ends_with(".d") && !rustcs_own
            || name.ends_with(".profraw")
            || path
                .components()
                .any(|part| [".fingerprint", "incremental"].iter().any(|own| part.as_os_str() == *own))
    };
    let read = |path: PathBuf| {
        let bytes = fs::read(target.join(&path)).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        (path, bytes)
    };
    unlaunched(files(target).into_iter().filter(|path| !cargos_own(path)).map(read).collect())
}

/// Puts scripts in the places of the launchers in front of them, whatever else those are called in the same directory.
fn unlaunched(mut made: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_real = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "real");
    let reals: Vec<PathBuf> = made.keys().filter(is_real).cloned().collect();
    for real in reals {
        let Some(launcher) = made.get(&real.with_extension("")).cloned() else { continue };
        let script = made.remove(&real).expect("it is there");
        let beside = made.iter_mut().filter(|(path, _)| path.parent() == real.parent());
        beside.filter(|(_, bytes)| **bytes == launcher).for_each(|(_, bytes)| bytes.clone_from(&script));
    }
    made
}

/// Names of what is missing or differs in `got`; files that only `got` has are older builds' and do not count.
pub fn differences(expected: &BTreeMap<PathBuf, Vec<u8>>, got: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    expected
        .iter()
        .filter_map(|(path, bytes)| match got.get(path) {
            None => Some(format!("{} is missing", path.display())),
            Some(other) if other == bytes => None,
            Some(other) => Some(format!("{} differs {}", path.display(), first_difference(bytes, other))),
        })
        .collect()
}

fn first_difference(expected: &[u8], got: &[u8]) -> String {
    let at = expected.iter().zip(got).position(|(a, b)| a != b).unwrap_or(expected.len().min(got.len()));
    let around = |bytes: &[u8]| {
        let text = &bytes[at.saturating_sub(40).min(bytes.len())..(at + 40).min(bytes.len())];
        text.escape_ascii().to_string()
    };
    format!(
        "at {at} ({} and {} bytes):\n    {}\n    {}",
        expected.len(),
        got.len(),
        around(expected),
        around(got)
    )
}

/// Panics, naming the files, unless `target` holds everything that is in `expected`, byte for byte.
#[track_caller]
pub fn assert_same_outputs(expected: &Path, target: &Path) {
    let (expected, got) = (outputs(expected), outputs(target));
    assert!(!expected.is_empty(), "a comparison with nothing");
    let differences = differences(&expected, &got);
    assert!(differences.is_empty(), "not what plain cargo makes:\n{}", differences.join("\n"));
}

/// Whether the bytes occur in the file.
pub fn contains(path: &Path, needle: &[u8]) -> bool {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Digest-free identity of every file below `dir`: (path, inode, mtime in ns), to see what was re-stamped.
pub fn stamps(dir: &Path) -> BTreeMap<PathBuf, (u64, i64)> {
    files(dir)
        .into_iter()
        .filter_map(|path| {
            let meta = fs::symlink_metadata(dir.join(&path)).ok()?;
            Some((path, (meta.ino(), meta.mtime() * 1_000_000_000 + meta.mtime_nsec())))
        })
        .collect()
}

#[cfg(test)]
mod tests;
