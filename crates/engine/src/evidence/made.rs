//! What a run made itself: no input, wherever it looks at it again.

use kiln_action::place::{below, plain};
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Paths that a run made. An incremental compile makes hundreds and looks at thousands.
#[derive(Default)]
pub struct Made {
    /// Spelled plainly, and compared as text.
    all: HashSet<OsString>,
    directories: Vec<PathBuf>,
}

impl Made {
    /// Whether the run made this, or the directory that it is in.
    pub fn holds(&self, path: &Path) -> bool {
        self.all.contains(plain(path).as_os_str())
            || self.directories.iter().any(|directory| below(path, directory).is_some())
    }

    /// A file was made, or what it was is not known.
    pub fn add(&mut self, path: &Path) {
        self.all.insert(plain(path).into_owned().into_os_string());
    }

    /// A directory was made.
    pub fn add_directory(&mut self, path: &Path) {
        self.add(path);
        self.directories.push(path.to_owned());
    }

    /// A name was moved: a directory with all that is in it.
    pub fn rename(&mut self, from: &Path, to: &Path) {
        match self.directories.iter().any(|known| known == from) {
            true => self.add_directory(to),
            false => self.add(to),
        }
        self.remove(from);
    }

    /// It was removed again.
    pub fn remove(&mut self, path: &Path) {
        self.all.remove(plain(path).as_os_str());
        self.directories.retain(|directory| directory != path);
    }

    /// All that is left, in order.
    pub fn into_paths(self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = self.all.into_iter().map(PathBuf::from).collect();
        all.sort_unstable();
        all
    }
}
