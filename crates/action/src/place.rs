//! Where a path belongs: paths under a directory that is proven inert (the output directory, a `-L dependency`
//! directory) or that the user asked to map (remap) are kept relative to it; every other path is literal.

use crate::os::OsStrExt;
use crate::wire::{Malformed, Reader, Writer};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A directory that paths can be relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// No directory: the path as it is.
    Literal,
    /// The directory the compiler writes its outputs to.
    Out,
    /// The n-th directory of dependencies (`-L dependency=`, parents of `--extern` paths), in argv order.
    Deps(u8),
    /// The workspace, when remapping.
    Work,
    /// The target directory, when remapping.
    Target,
    /// The project that a C compile belongs to.
    Base,
    /// The n-th file that a C compile declares as an output, whatever it is called.
    Output(u8),
}

impl Place {
    fn code(self) -> (u8, u8) {
        match self {
            Place::Literal => (0, 0),
            Place::Out => (1, 0),
            Place::Deps(n) => (2, n),
            Place::Work => (3, 0),
            Place::Target => (4, 0),
            Place::Base => (5, 0),
            Place::Output(n) => (6, n),
        }
    }

    pub(crate) fn write(self, to: &mut Writer) {
        let (kind, n) = self.code();
        to.u8(kind);
        to.u8(n);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Place, Malformed> {
        match (from.u8()?, from.u8()?) {
            (0, 0) => Ok(Place::Literal),
            (1, 0) => Ok(Place::Out),
            (2, n) => Ok(Place::Deps(n)),
            (3, 0) => Ok(Place::Work),
            (4, 0) => Ok(Place::Target),
            (5, 0) => Ok(Place::Base),
            (6, n) => Ok(Place::Output(n)),
            _ => Err(Malformed),
        }
    }
}

/// A path with the place it is relative to. `path` is absolute for [`Place::Literal`], else relative, and empty for
/// the place itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placed<T = Vec<u8>> {
    /// What the path is relative to.
    pub place: Place,
    /// Raw bytes of the path.
    pub path: T,
}

impl Placed {
    /// A path that is kept as it is.
    pub fn literal(path: &Path) -> Placed {
        Placed { place: Place::Literal, path: path.as_os_str().as_bytes().to_vec() }
    }

    /// Takes the wire form.
    pub fn read(from: &mut Reader<'_>) -> Result<Placed, Malformed> {
        Ok(Placed { place: Place::read(from)?, path: from.bytes()?.to_vec() })
    }

    /// For messages: the path, with its place in angle brackets.
    pub fn display(&self) -> String {
        let path = String::from_utf8_lossy(&self.path);
        match self.place {
            Place::Literal => path.into_owned(),
            Place::Out => format!("<out>/{path}"),
            Place::Deps(_) => format!("<deps>/{path}"),
            Place::Work => format!("<workspace>/{path}"),
            Place::Target => format!("<target>/{path}"),
            Place::Base => format!("<project>/{path}"),
            Place::Output(_) => "<output>".to_owned(),
        }
    }
}

impl<T: AsRef<[u8]>> Placed<T> {
    /// Appends the wire form.
    pub fn write(&self, to: &mut Writer) {
        self.place.write(to);
        to.bytes(self.path.as_ref());
    }

    /// The same without a copy of the bytes.
    pub fn borrowed(&self) -> Placed<&[u8]> {
        Placed { place: self.place, path: self.path.as_ref() }
    }
}

/// The places of one invocation, today.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(Place, PathBuf)>);

impl Places {
    /// No places: every path is literal.
    pub fn new() -> Places {
        Places::default()
    }

    /// Adds a directory. It must be absolute; others are ignored. Of equal directories the first one wins, of nested
    /// ones the deepest.
    pub fn add(&mut self, place: Place, root: &Path) {
        if root.is_absolute() && !self.0.iter().any(|(_, known)| known == root) {
            self.0.push((place, root.to_owned()));
            self.0.sort_by_key(|(_, root)| std::cmp::Reverse(root.as_os_str().len()));
        }
    }

    /// The roots, deepest first.
    pub fn roots(&self) -> &[(Place, PathBuf)] {
        &self.0
    }

    /// Only the roots that the remap setting maps, in keys and outputs alike.
    pub fn remapped(&self) -> Places {
        self.only(|place| matches!(place, Place::Work | Place::Target))
    }

    /// Only the roots that `wanted` says.
    pub fn only(&self, wanted: impl Fn(Place) -> bool) -> Places {
        Places(self.0.iter().filter(|(place, _)| wanted(*place)).cloned().collect())
    }

    /// The place of an absolute path.
    pub fn place(&self, path: &Path) -> Placed {
        for (place, root) in &self.0 {
            if let Some(rest) = below(path, root) {
                return Placed { place: *place, path: rest.as_os_str().as_bytes().to_vec() };
            }
        }
        Placed::literal(path)
    }

    /// Where a placed path is today; `None` if this invocation has no such place, or the path would leave it. What a C
    /// compile calls `../common/a.h` lies beside its project, and in another checkout beside that.
    pub fn resolve<T: AsRef<[u8]>>(&self, placed: &Placed<T>) -> Option<PathBuf> {
        let path = Path::new(OsStr::from_bytes(placed.path.as_ref()));
        if placed.place == Place::Literal {
            return Some(path.to_owned());
        }
        let (_, root) = self.0.iter().find(|(place, _)| *place == placed.place)?;
        let may_leave = placed.place == Place::Base;
        let mut depth = 0i32;
        let inside = path.is_relative()
            && path.components().all(|component| {
                depth += match component {
                    std::path::Component::ParentDir => -1,
                    std::path::Component::Normal(_) => 1,
                    _ => 0,
                };
                depth >= 0 || may_leave
            });
        inside.then(|| if path.as_os_str().is_empty() { root.clone() } else { root.join(path) })
    }
}

/// What is left of a path below a directory (nothing for the directory itself): what [`Path::strip_prefix`] says, ten times
/// faster where paths are spelled plainly. A compile has thousands.
pub fn below<'a>(path: &'a Path, directory: &Path) -> Option<&'a Path> {
    let (text, start) = (path.as_os_str().as_bytes(), directory.as_os_str().as_bytes());
    if differ_plainly(text, start) {
        return None;
    }
    match text.strip_prefix(start) {
        Some([]) if is_plain(start) => Some(Path::new("")),
        Some([b'/', rest @ ..]) if is_plain(start) && is_plain(text) => {
            Some(Path::new(OsStr::from_bytes(rest)))
        }
        _ => path.strip_prefix(directory).ok(),
    }
}

/// Whether two paths are the same but for empty parts and `.`: what `==` says, and faster.
pub fn same(one: &Path, other: &Path) -> bool {
    let (text, against) = (one.as_os_str().as_bytes(), other.as_os_str().as_bytes());
    text == against || !differ_plainly(text, against) && one == other
}

/// A path without empty parts and parts that say `.`, and without a slash at its end.
pub fn plain(path: &Path) -> Cow<'_, Path> {
    match is_plain(path.as_os_str().as_bytes()) {
        true => Cow::Borrowed(path),
        false => Cow::Owned(path.components().collect()),
    }
}

/// Whether the first byte in which two texts differ makes them different paths, of which neither can be above the other: it
/// does unless one of the two is a slash or a dot there, which may say nothing.
fn differ_plainly(one: &[u8], other: &[u8]) -> bool {
    let differs = one.iter().zip(other).find(|(a, b)| a != b);
    differs.is_some_and(|(a, b)| !b"/.".contains(a) && !b"/.".contains(b))
}

/// Whether a path has no empty parts, none that say `.`, and no slash at its end.
fn is_plain(text: &[u8]) -> bool {
    let mut parts = text.split(|&byte| byte == b'/');
    let first = parts.next().unwrap_or_default(); // empty for an absolute path
    first != b"." && text.len() > 1 && parts.all(|part| !part.is_empty() && part != b".")
}

#[cfg(test)]
mod tests;
