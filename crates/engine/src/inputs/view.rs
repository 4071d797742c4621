//! Directories seen once for many questions: a C compile asks a thousand times whether a header is somewhere, and where it
//! really lies.

use kiln_action::{Answer, FileKind};
use kiln_sys::files::{self, Directory, Stat};
use kiln_sys::identity::Memo;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Below this many names a `stat` of each is cheaper than reading the directory.
const MANY: usize = 8;

/// What has been seen of directories.
#[derive(Default)]
pub struct View {
    /// How many names are asked for in a directory: of files that were there, and of what was not.
    expected: HashMap<PathBuf, Expected>,
    /// The names in a directory in small letters; `None` where there is no telling.
    names: HashMap<PathBuf, Option<HashSet<Vec<u8>>>>,
    /// Directories in which many files are looked at, open; `None` where there is none.
    open: HashMap<PathBuf, Option<Directory>>,
    /// Where directories really lie; `None` is nowhere.
    real: HashMap<PathBuf, Option<PathBuf>>,
}

#[derive(Default)]
struct Expected {
    files: usize,
    absent: usize,
}

impl View {
    /// Tells that a file's content will be asked for.
    pub fn expect_file(&mut self, path: &Path) {
        self.expect(path, |expected| expected.files += 1);
    }

    /// Tells that it will be asked whether something is there.
    pub fn expect_absent(&mut self, path: &Path) {
        self.expect(path, |expected| expected.absent += 1);
    }

    fn expect(&mut self, path: &Path, count: impl FnOnce(&mut Expected)) {
        let Some(directory) = path.parent() else { return };
        match self.expected.get_mut(directory) {
            Some(expected) => count(expected),
            None => count(self.expected.entry(directory.to_owned()).or_default()),
        }
    }

    /// What is there; `None` if it cannot be told.
    pub fn presence(&mut self, path: &Path) -> Option<Answer> {
        match self.lists(path) {
            Some(false) => Some(Answer::Nothing),
            Some(true) | None => presence(path),
        }
    }

    /// What a regular file holds, where its identity is remembered; `None` is for whoever looks more closely.
    pub fn content(&mut self, path: &Path, memo: &Memo) -> Option<Answer> {
        let (directory, name) = (path.parent()?, path.file_name()?);
        if self.expected.get(directory).is_none_or(|expected| expected.files < MANY) {
            return None;
        }
        let open = match self.open.get(directory) {
            Some(open) => open,
            None => self.open.entry(directory.to_owned()).or_insert_with(|| Directory::open(directory)),
        };
        let stat = open.as_ref()?.stat(name).filter(|stat| stat.kind == FileKind::File)?;
        memo.get(&stat.identity).map(Answer::Content)
    }

    /// What is there, a link being itself; nothing if it cannot be told.
    pub fn lstat(&self, path: &Path) -> Option<Stat> {
        let open = path.parent().and_then(|directory| self.open.get(directory)).and_then(Option::as_ref);
        match open.zip(path.file_name()) {
            Some((directory, name)) => directory.lstat(name),
            None => files::lstat(path).ok().flatten(),
        }
    }

    /// Whether the directory has a name like this one, if the directory is read at all. Letters are compared in any case, for
    /// a file system that does so too; other letters than ASCII's are left to it.
    fn lists(&mut self, path: &Path) -> Option<bool> {
        let (directory, name) = (path.parent()?, path.file_name()?);
        if self.expected.get(directory).is_none_or(|expected| expected.absent < MANY) || !name.is_ascii() {
            return None;
        }
        let names = match self.names.get(directory) {
            Some(names) => names,
            None => self.names.entry(directory.to_owned()).or_insert_with(|| names_in(directory)),
        };
        Some(names.as_ref()?.contains(&name.as_encoded_bytes().to_ascii_lowercase()))
    }

    /// Where a path really lies, its directory being resolved once, and what it says itself if it is a link. `None` if it
    /// cannot be told.
    pub fn real_path(&mut self, path: &Path) -> Option<Real> {
        let whole = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let (Some(directory), Some(name), false) = (path.parent(), path.file_name(), whole) else {
            return real_path(path);
        };
        match files::lstat(path).ok()? {
            None => return Some((None, None)),
            Some(stat) if stat.kind == FileKind::Symlink => return real_path(path),
            Some(_) => {}
        }
        if !self.real.contains_key(directory) {
            let real = files::real_path(directory).ok()?;
            self.real.insert(directory.to_owned(), real);
        }
        Some((self.real.get(directory)?.as_ref().map(|real| real.join(name)), None))
    }
}

/// Where a path leads with all links resolved, and what it says itself if it is a link.
type Real = (Option<PathBuf>, Option<PathBuf>);

/// Where a path really lies, by itself.
pub fn real_path(path: &Path) -> Option<Real> {
    Some((files::real_path(path).ok()?, files::read_link(path).ok()?))
}

/// What is there, by itself.
pub fn presence(path: &Path) -> Option<Answer> {
    Some(match files::stat(path).ok()? {
        None => Answer::Nothing,
        Some(Stat { kind: FileKind::File, .. }) => Answer::Something,
        Some(stat) => Answer::NotAFile(stat.kind),
    })
}

/// The names in a directory in small letters, none if it is not there. `None` where a name has other letters than ASCII's, or
/// it cannot be read.
fn names_in(directory: &Path) -> Option<HashSet<Vec<u8>>> {
    let Some(entries) = files::list_unsorted(directory).ok()? else { return Some(HashSet::new()) };
    let small = |name: &OsStr| name.is_ascii().then(|| name.as_encoded_bytes().to_ascii_lowercase());
    entries.iter().map(|entry| small(&entry.name)).collect()
}

#[cfg(test)]
mod tests;
