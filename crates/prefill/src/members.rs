//! Who is a member of a workspace, as far as its manifest says so with patterns: a directory that is new below `crates/*` is in no lock
//! file and in no manifest yet, and decides what cargo builds and what it tells others.
//!
//! What this rests on (cargo 1.95, `find_path_deps`, `members_paths`): each of `workspace.members` is a pattern below the workspace's
//! directory, and each directory with a manifest that one matches is a member. Here a part of a pattern with a sign in it matches any
//! directory: too many are looked at, and none is missed.

use kiln_action::{Digest, FileKind};
use kiln_sys::files;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

const MANIFEST: &str = "Cargo.toml";
/// No manifest is larger.
const LARGEST: u64 = 4 << 20;
/// A pattern that leads to more directories is not followed.
const MOST: usize = 20_000;

/// The manifests of all that may be members, and what is in them. `None` where that is not known.
pub fn of(root: &Path) -> Option<Vec<(PathBuf, Digest)>> {
    let manifest = root.join(MANIFEST);
    if files::stat(&manifest).ok()?.is_none() {
        return Some(Vec::new());
    }
    let mut all = BTreeSet::new();
    for pattern in patterns(&files::read_limited(&manifest, LARGEST).ok()?)? {
        all.extend(directories(root, &pattern)?);
    }
    let mut members = Vec::new();
    for directory in all {
        let manifest = directory.join(MANIFEST);
        if files::stat(&manifest).ok()?.is_some_and(|it| it.kind == FileKind::File) {
            let content = files::read_limited(&manifest, LARGEST).ok()?;
            members.push((manifest, Digest::of(&content)));
        }
    }
    Some(members)
}

/// What stands in `workspace.members`. A manifest that cargo does not read either has none.
fn patterns(manifest: &[u8]) -> Option<Vec<String>> {
    let Ok(table) = DeTable::parse(std::str::from_utf8(manifest).ok()?) else { return Some(Vec::new()) };
    let workspace = table.get_ref().get("workspace").and_then(|it| it.get_ref().as_table());
    let Some(members) = workspace.and_then(|it| it.get("members")) else { return Some(Vec::new()) };
    members.get_ref().as_array()?.iter().map(|it| it.get_ref().as_str().map(str::to_owned)).collect()
}

/// The directories that a pattern may match, and maybe others.
fn directories(root: &Path, pattern: &str) -> Option<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::from([root.to_owned()]);
    for part in Path::new(pattern).iter() {
        let text = part.to_str()?;
        found = match text {
            "**" => below(found)?,
            _ if text.contains(['*', '?', '[']) => {
                let inside = found.iter().map(|directory| inside(directory));
                inside.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()
            }
            _ => found.into_iter().map(|directory| directory.join(part)).collect(),
        };
        if found.len() > MOST {
            return None;
        }
    }
    Some(found)
}

/// The directories themselves, and all below them; links among them are not followed any further.
fn below(mut found: BTreeSet<PathBuf>) -> Option<BTreeSet<PathBuf>> {
    let mut left: Vec<PathBuf> = found.iter().cloned().collect();
    while let Some(directory) = left.pop() {
        for directory in inside(&directory)? {
            let is_link = files::lstat(&directory).ok()?.is_none_or(|it| it.kind != FileKind::Directory);
            if found.insert(directory.clone()) && !is_link {
                left.push(directory);
            }
        }
        if found.len() > MOST {
            return None;
        }
    }
    Some(found)
}

/// The directories in a directory.
fn inside(directory: &Path) -> Option<Vec<PathBuf>> {
    let entries = match files::list(directory) {
        Ok(entries) => entries.unwrap_or_default(),
        // (it is a file, or may not be read: cargo finds nothing in it either)
        Err(_) => return Some(Vec::new()),
    };
    let is_directory = |path: &PathBuf| {
        files::stat(path).is_ok_and(|found| found.is_some_and(|it| it.kind == FileKind::Directory))
    };
    Some(entries.into_iter().map(|entry| directory.join(entry.name)).filter(is_directory).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_by_patterns() {
        let space = tempfile::tempdir().unwrap();
        let root = space.path();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            files::create_dirs(path.parent().unwrap()).unwrap();
            let _ = files::write_atomic(&path, text.as_bytes()).unwrap();
        };
        for path in ["one", "m/a", "m/b", "m/deep/c/sub", "m/.hidden", "other/x"] {
            write(&format!("{path}/Cargo.toml"), path);
        }
        write("m/none/src/lib.rs", "");
        write("m/file", "");
        let found = |members: &str| -> Vec<String> {
            write("Cargo.toml", &format!("[workspace]\nmembers = {members}\n"));
            let inside =
                |path: PathBuf| path.strip_prefix(root).unwrap().parent().unwrap().display().to_string();
            of(root).unwrap().into_iter().map(|(path, _)| inside(path)).collect()
        };
        assert_eq!(found("[]"), <[&str; 0]>::default());
        assert_eq!(found("[\"one\", \"gone\"]"), ["one"]);
        assert_eq!(found("[\"m/*\", \"one\"]"), ["m/.hidden", "m/a", "m/b", "one"]);
        assert_eq!(found("['m/[ab]']"), ["m/.hidden", "m/a", "m/b"]);
        assert_eq!(found("['m/*/*/sub', '?ne']"), ["m/deep/c/sub", "one"]);
        assert_eq!(found("['m/**']"), ["m/.hidden", "m/a", "m/b", "m/deep/c/sub"]);
        assert_eq!(found("['./m/../m/a']"), ["m/../m/a"]);
        let before = of(root).unwrap();
        write("m/a/Cargo.toml", "changed");
        assert_ne!(of(root).unwrap(), before);
        write("Cargo.toml", "[package]");
        assert_eq!(of(root), Some(Vec::new()));
        write("Cargo.toml", "[workspace]\nmembers = 'm'");
        assert_eq!(of(root), None);
    }
}
