//! Whether the directory that a compile runs in, or an absolute path, can reach its outputs whatever the sources say.
//!
//! `__FILE__` and its like are not meant: they are in the sources.

use super::table::Shows;
use crate::Context;
use kiln_action::os::{LIST_SEPARATOR, OsStrExt};
use kiln_action::{Field, Place, Places};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What has been asked for so far.
#[derive(Debug, Default)]
pub struct Shown {
    paths: bool,
    debug: bool,
    directory: bool,
    everything: bool,
    /// Debug information names another directory instead.
    replaced: bool,
    /// What `-ffile-prefix-map` and `-fdebug-prefix-map` map.
    maps: Vec<PathBuf>,
    /// What is mapped in other things than debug information.
    others: Vec<PathBuf>,
}

impl Shown {
    /// Takes what a row says.
    pub fn add(&mut self, shows: Shows) {
        match shows {
            Shows::Nothing => {}
            Shows::Paths => self.paths = true,
            Shows::Debug => self.debug = true,
            Shows::Directory => self.directory = true,
            Shows::Everything => self.everything = true,
        }
    }

    /// Takes a prefix map.
    pub fn map(&mut self, from: &Path) {
        self.maps.push(from.to_owned());
    }

    /// Takes a prefix map that does not reach debug information.
    pub fn map_otherwise(&mut self, from: &Path) {
        self.others.push(from.to_owned());
    }

    /// Takes a directory that stands in for the one it runs in.
    pub fn replaces_directory(&mut self) {
        self.replaced = true;
    }

    /// Whether a prefix map says something about `work`, what is in it, or what it is in.
    pub fn maps_of(&self, work: &Path) -> bool {
        let work = work.as_os_str().as_bytes();
        let touches = |from: &[u8]| work.starts_with(from) || from.starts_with(work);
        self.maps.iter().any(|from| touches(from.as_os_str().as_bytes()))
    }

    /// Debug information is covered by no prefix map in preprocessed text (`# 1 "/dir//"`), nor for assembler in clang.
    pub fn settle(&mut self, uncovered: bool) {
        self.directory |= self.debug && uncovered;
    }

    /// Whether the whole command line is shown.
    pub fn is_everything(&self) -> bool {
        self.everything
    }

    /// Whether the directory or an absolute path can be in an output.
    pub fn directory(&self, fields: &[Field], places: &Places, context: &Context<'_>) -> bool {
        let absolute = || {
            let paths = fields.iter().filter(|field| field.path).map(|field| Path::new(&field.value));
            paths.filter(|path| places.place(path).place != Place::Literal)
        };
        let named = || absolute().filter(|path| !self.maps.iter().any(|from| from == path));
        self.directory
            || self.everything
            || (self.paths && named().next().is_some())
            || (self.debug && !self.covered(named(), places, context))
            || self.maps_beside(fields, places, context)
    }

    /// Whether a map of something in a place reaches a path that is not in it: compilers compare bytes, so that a map of
    /// `/a/work` changes `/a/work-more/a.h`, and one of another checkout does not.
    fn maps_beside(&self, fields: &[Field], places: &Places, context: &Context<'_>) -> bool {
        let maps = || self.maps.iter().chain(&self.others);
        let placed = |from: &Path| places.place(from).place != Place::Literal;
        let reached = |path: &[u8]| {
            let beside = |from: &&PathBuf| path.starts_with(from.as_os_str().as_bytes()) && placed(from);
            let outside = !placed(Path::new(OsStr::from_bytes(path)));
            outside && maps().any(|from| beside(&from))
        };
        let variables = ["CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH"];
        let values: Vec<_> = variables.into_iter().filter_map(context.getenv).collect();
        maps().next().is_some()
            && (fields.iter().any(|field| field.path && reached(field.value.as_bytes()))
                || values
                    .iter()
                    .any(|value| value.as_bytes().split(|&byte| byte == LIST_SEPARATOR).any(reached)))
    }

    /// Whether every place that debug information can show is mapped. A map covers a path if both are in the same place:
    /// then the same is left of the path in another checkout. One that begins outside would leave part of the place's own
    /// path.
    fn covered<'a>(
        &self,
        mut absolute: impl Iterator<Item = &'a Path>,
        places: &Places,
        context: &Context<'_>,
    ) -> bool {
        let mapped = |path: &Path| {
            let root = places.roots().iter().find(|(_, root)| path.starts_with(root));
            let fits = |from: &&PathBuf| {
                path.as_os_str().as_bytes().starts_with(from.as_os_str().as_bytes())
                    && !from.as_os_str().is_empty()
            };
            let mut fitting = self.maps.iter().filter(fits).peekable();
            fitting.peek().is_some()
                && root.is_some_and(|(_, root)| fitting.all(|from| from.starts_with(root)))
        };
        let directory = self.replaced || (has_one_name(context) && mapped(context.directory));
        directory && absolute.all(mapped)
    }
}

/// Whether the compiler calls its directory what kiln calls it. Both compilers take `PWD` where it is a name for the
/// directory that they are in, and as it is written: one with a slash at its end is mapped to one with a slash.
fn has_one_name(context: &Context<'_>) -> bool {
    (context.getenv)("PWD").is_none_or(|name| name.is_empty() || name == context.directory.as_os_str())
}

#[cfg(test)]
mod tests;
