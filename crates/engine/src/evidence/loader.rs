//! What the loader looked for: a library that appears where it looks earlier is another one from then on. Where it looks is known by the
//! words that the program and its libraries hold (RPATH, RUNPATH), by `LD_LIBRARY_PATH` as the program was given it, and by the system's
//! list; that each was looked at, and in which order, is not: a place too much is asked for in vain, and that is all.

use crate::inputs::BY_PROCESSOR;
use kiln_action::Reason;
use kiln_action::os::OsStrExt;
use kiln_recorder::Process;
use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Libraries that were loaded after the start.
#[derive(Debug, Default)]
pub struct Late {
    /// By whoever asked for a path.
    asked: HashSet<PathBuf>,
    /// All that were there in the end, and where they make the loader look.
    found: Vec<(PathBuf, OsString)>,
    /// Whether these are all.
    all: bool,
}

impl Late {
    /// A library was asked for by this path.
    pub fn ask(&mut self, path: &Path) {
        self.asked.insert(path.to_owned());
    }

    /// It is there.
    pub fn find(&mut self, path: &Path, search: &OsStr) {
        self.found.push((path.to_owned(), search.to_owned()));
    }

    /// There are no others.
    pub fn end(&mut self) {
        self.all = true;
    }

    /// Whether libraries may have been loaded that no record names.
    pub fn is_in_doubt(&self, counts: impl Fn(&Path) -> bool) -> bool {
        !self.all && self.asked.iter().any(|path| counts(path))
    }

    /// Those that nobody named, so that the loader searched for them.
    pub fn searched_for(&self) -> impl Iterator<Item = &PathBuf> {
        self.found.iter().map(|(path, _)| path).filter(|path| !self.asked.contains(*path))
    }
}

/// What is to be asked of a search.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Names for which the system's list and `LD_LIBRARY_PATH` are asked.
    pub names: BTreeSet<Vec<u8>>,
    /// Places besides, in which something else may appear.
    pub places: BTreeSet<PathBuf>,
    /// Directories in which the loader looks in others first, by the processor.
    pub directories: BTreeSet<PathBuf>,
}

/// The search of a process for these libraries, given the variable that is asked for anyway.
pub fn search<'a>(
    process: &Process,
    late: &Late,
    libraries: impl Iterator<Item = &'a PathBuf>,
    variable: Option<&OsStr>,
) -> Result<Search, Reason> {
    let mut found = Search::default();
    let libraries: Vec<(&Path, &OsStr)> = libraries
        .filter_map(|path| Some((path.as_path(), path.file_name()?)))
        .filter(|(_, name)| !is_loader(name))
        .collect();
    if libraries.is_empty() {
        return Ok(found);
    }
    found.names = libraries.iter().map(|(_, name)| name.as_bytes().to_vec()).collect();
    let late = late.found.iter().map(|(path, search)| (path, search));
    for (whose, words) in process.searches.iter().map(|(whose, words)| (whose, words)).chain(late) {
        for word in words.as_bytes().split(|byte| *byte == b':').filter(|_| !words.is_empty()) {
            found.directories.insert(directory(word, whose, process)?);
        }
    }
    if process.library_path.as_deref() != variable {
        let words = process.library_path.as_deref().unwrap_or_default().as_bytes();
        for word in words.split(|byte| matches!(byte, b':' | b';')).filter(|_| !words.is_empty()) {
            found.directories.insert(directory(word, &process.exe, process)?);
        }
    }
    for directory in &found.directories {
        let here = libraries.iter().map(|(path, name)| (path, directory.join(name)));
        found.places.extend(here.filter(|(path, here)| here != *path).map(|(_, here)| here));
        found.places.extend(BY_PROCESSOR.iter().map(|below| directory.join(below)));
    }
    Ok(found)
}

/// The loader itself is named by the program, and the kernel's own library by nobody.
fn is_loader(name: &OsStr) -> bool {
    ["ld-linux", "ld-musl", "ld64", "linux-vdso"]
        .iter()
        .any(|start| name.as_bytes().starts_with(start.as_bytes()))
}

/// A directory of a list, as the loader understands it. `$LIB` and `$PLATFORM` are for it alone to know.
fn directory(word: &[u8], whose: &Path, process: &Process) -> Result<PathBuf, Reason> {
    let origin = whose.parent().unwrap_or(Path::new("/")).as_os_str().as_bytes();
    let mut text = Vec::new();
    let mut rest = word;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        text.extend(&rest[..at]);
        rest = ["$ORIGIN", "${ORIGIN}"]
            .iter()
            .find_map(|known| rest[at..].strip_prefix(known.as_bytes()))
            .ok_or_else(|| {
                Reason::Nondeterministic(format!(
                    "the dynamic loader searches {}, which kiln cannot resolve",
                    String::from_utf8_lossy(word)
                ))
            })?;
        text.extend(origin);
    }
    text.extend(rest);
    Ok(process.cwd.join(OsStr::from_bytes(&text)))
}

#[cfg(test)]
mod tests;
