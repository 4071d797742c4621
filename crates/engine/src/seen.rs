//! What a run opened, held against what it says it read.

use kiln_sys::files;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What a run opened, by where it leads.
pub struct Seen<'a> {
    opened: &'a HashSet<PathBuf>,
    real: OnceCell<HashSet<PathBuf>>,
}

impl<'a> Seen<'a> {
    /// Of paths as they were spelled.
    pub fn new(opened: &'a HashSet<PathBuf>) -> Seen<'a> {
        Seen { opened, real: OnceCell::new() }
    }

    /// Whether a file is among it. The compiler may call it otherwise where it tells of it than where it opens it: rarely, so
    /// only then it is looked where all of them are.
    pub fn holds(&self, path: &Path) -> bool {
        let lead = |path: &Path| files::real_path(path).ok().flatten();
        let all = || self.opened.iter().filter_map(|path| lead(path)).collect();
        self.opened.contains(path)
            || lead(path).is_some_and(|leads| self.real.get_or_init(all).contains(&leads))
    }
}
