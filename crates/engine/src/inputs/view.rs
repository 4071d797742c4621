//! Directories seen once for many questions: a C compile asks a thousand times whether a header is somewhere, and where it
//! really lies. Each directory is looked at before the names in it: where one is missing, nothing below it is there, and
//! what names it does not have is remembered as long as it is not changed.

use kiln_action::os::OsStrExt;
use kiln_action::{Answer, FileKind, Place, Placed, Places};
use kiln_sys::files::{self, Directory, FileError, Stat};
use kiln_sys::identity::{self, Allowance, Found, Identity, Memo, Names};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// From this many names on a directory is opened, so that the way to it is gone once.
const SEVERAL: usize = 4;
/// From this many names on that may not be there it is worth knowing what names there are.
const FEW: usize = 3;
/// From this many on, reading the directory for this alone is cheaper than looking for each.
const MANY: usize = 64;
/// The most directories that are open at once: programs may have 256 files open on some systems.
const MOST_OPEN: usize = 100;

/// What has been seen, of questions that live as long as `'q`.
#[derive(Default)]
pub struct View<'q> {
    directories: Vec<Seen<'q>>,
    /// Their numbers, by how they are written.
    numbers: HashMap<Placed<&'q [u8]>, u32>,
    /// The latest of them: questions about one directory follow one another.
    latest: Option<(Placed<&'q [u8]>, u32)>,
    open: usize,
    /// Regular files that were asked for by this very name, in the state to which the answer belongs; in the order of the
    /// questions, which is that of their names.
    files: Vec<(Placed<&'q [u8]>, Stat)>,
    /// How much may still be read for it.
    allowed: Allowance,
}

/// A directory of a view that no question named.
pub struct Searched(u32);

/// A name in a directory of a view.
#[derive(Clone, Copy)]
pub struct Spot<'q> {
    directory: u32,
    name: &'q OsStr,
}

struct Seen<'q> {
    path: PathBuf,
    /// The directory in which it is, and its name there.
    above: Option<Spot<'q>>,
    /// How many names will be looked at.
    expected: usize,
    /// How many names may not be there: files that were not, and directories.
    absent: usize,
    state: State,
    /// Which directory it is, in which state.
    identity: Option<Identity>,
    open: Option<Directory>,
    /// The names in it; `None` within where there is no telling.
    names: Option<Option<Names>>,
    /// Where it really lies; `None` within is nowhere.
    real: Option<Option<PathBuf>>,
}

/// What a directory is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    /// Nothing, or no directory: there is nothing in it.
    Missing,
    /// A directory by this very name.
    Itself,
    /// A link to one, or there is no telling.
    Elsewhere,
}

/// The directory of a path and the name in it, which may be dots. `None` for a place itself, and where a path ends with a
/// slash.
fn split<'q>(placed: &Placed<&'q [u8]>) -> Option<(Placed<&'q [u8]>, &'q OsStr)> {
    let path = placed.path;
    if placed.place == Place::Literal && !path.starts_with(b"/") {
        return None;
    }
    let (above, name) = match memchr::memrchr(b'/', path) {
        None => (&path[..0], path),
        Some(0) => (&path[..1], &path[1..]),
        Some(slash) => (&path[..slash], &path[slash + 1..]),
    };
    (!name.is_empty()).then(|| (Placed { place: placed.place, path: above }, OsStr::from_bytes(name)))
}

fn is_dots(name: &OsStr) -> bool {
    name == "." || name == ".."
}

impl<'q> View<'q> {
    /// One for which no more than this is read.
    pub fn within_bounds(allowed: Allowance) -> View<'q> {
        View { allowed, ..View::default() }
    }

    /// A path as a name in a directory, of which something will be asked. `None` if it is no name in one, or has no place
    /// today.
    pub fn expect(&mut self, placed: &Placed<&'q [u8]>, absent: bool, places: &Places) -> Option<Spot<'q>> {
        let (above, name) = split(placed)?;
        let directory = self.number(above, places)?;
        let seen = &mut self.directories[directory as usize];
        seen.expected += 1;
        seen.absent += usize::from(absent);
        Some(Spot { directory, name })
    }

    /// Begins with the questions of another Shape.
    pub fn begin(&mut self) {
        self.files.clear();
    }

    fn number(&mut self, directory: Placed<&'q [u8]>, places: &Places) -> Option<u32> {
        if let Some((_, number)) = self.latest.filter(|(latest, _)| *latest == directory) {
            return Some(number);
        }
        let number = match self.numbers.get(&directory) {
            Some(number) => *number,
            None => self.add(directory, places)?,
        };
        self.latest = Some((directory, number));
        Some(number)
    }

    fn add(&mut self, directory: Placed<&'q [u8]>, places: &Places) -> Option<u32> {
        let path = places.resolve(&directory)?;
        let above = split(&directory)
            .and_then(|(above, name)| Some(Spot { directory: self.number(above, places)?, name }));
        if let Some(above) = above {
            self.directories[above.directory as usize].absent += 1;
        }
        let number = self.push(path, above, 0);
        self.numbers.insert(directory, number);
        Some(number)
    }

    fn push(&mut self, path: PathBuf, above: Option<Spot<'q>>, expected: usize) -> u32 {
        self.directories.push(Seen {
            path,
            above,
            expected,
            absent: expected,
            state: State::Unseen,
            identity: None,
            open: None,
            names: None,
            real: None,
        });
        (self.directories.len() - 1) as u32
    }

    /// A directory in which about so many names will be looked for.
    pub fn directory(&mut self, path: PathBuf, expected: usize) -> Searched {
        Searched(self.push(path, None, expected))
    }

    /// A name in such a directory, which is one name.
    pub fn within(directory: &Searched, name: &'q OsStr) -> Spot<'q> {
        Spot { directory: directory.0, name }
    }

    fn state(&mut self, directory: u32, memo: &Memo) -> State {
        if self.directories[directory as usize].state == State::Unseen {
            let above = self.directories[directory as usize].above;
            let missing = above.is_some_and(|above| self.is_known_missing(above, memo));
            let state = if missing { State::Missing } else { self.look(directory) };
            self.directories[directory as usize].state = state;
        }
        self.directories[directory as usize].state
    }

    fn look(&mut self, directory: u32) -> State {
        let seen = &mut self.directories[directory as usize];
        let (stat, state) = match files::lstat(&seen.path) {
            Ok(Some(stat)) if stat.kind == FileKind::Symlink => (files::stat(&seen.path), State::Elsewhere),
            looked => (looked, State::Itself),
        };
        match stat {
            Ok(Some(stat)) if stat.kind == FileKind::Directory => {
                seen.identity = Some(stat.identity);
                state
            }
            Ok(_) => State::Missing,
            Err(_) => State::Elsewhere,
        }
    }

    /// Whether it is known, without looking for it, that a name is not there.
    fn is_known_missing(&mut self, spot: Spot<'q>, memo: &Memo) -> bool {
        if self.state(spot.directory, memo) == State::Missing {
            return true;
        }
        let seen = &mut self.directories[spot.directory as usize];
        if seen.absent < FEW || is_dots(spot.name) {
            return false;
        }
        let names = seen.names.get_or_insert_with(|| {
            let known = seen.identity.and_then(|identity| memo.names(&seen.path, &identity));
            known.or_else(|| (seen.absent >= MANY).then(|| Names::list(&seen.path)).flatten())
        });
        names.as_ref().is_some_and(|names| !names.may_hold(spot.name))
    }

    /// Opens a directory in which several names are looked at.
    fn open(&mut self, directory: u32) {
        let seen = &mut self.directories[directory as usize];
        let wanted = seen.expected >= SEVERAL && seen.open.is_none() && seen.state == State::Itself;
        if wanted && self.open < MOST_OPEN {
            seen.open = Directory::open(&seen.path);
            self.open += usize::from(seen.open.is_some());
        }
    }

    fn stat(&mut self, spot: Spot<'q>) -> Result<Option<Stat>, FileError> {
        self.open(spot.directory);
        let seen = &self.directories[spot.directory as usize];
        match &seen.open {
            Some(directory) => directory.stat(spot.name),
            None => files::stat(&seen.path.join(spot.name)),
        }
    }

    fn lstat(&mut self, spot: Spot<'q>) -> Result<Option<Stat>, FileError> {
        self.open(spot.directory);
        let seen = &self.directories[spot.directory as usize];
        match &seen.open {
            Some(directory) => directory.lstat(spot.name),
            None => files::lstat(&seen.path.join(spot.name)),
        }
    }

    fn path(&self, spot: Spot<'q>) -> PathBuf {
        self.directories[spot.directory as usize].path.join(spot.name)
    }

    /// What is there; `None` if it is not known.
    pub fn presence(&mut self, spot: Spot<'q>, memo: &Memo) -> Option<Answer> {
        if self.is_known_missing(spot, memo) {
            return Some(Answer::Nothing);
        }
        self.stat(spot).ok().map(what)
    }

    /// What a file holds, symbolic links followed; `None` if it is not known.
    pub fn content(&mut self, placed: &Placed<&'q [u8]>, spot: Spot<'q>, memo: &Memo) -> Option<Answer> {
        if self.state(spot.directory, memo) == State::Missing {
            return Some(Answer::Nothing);
        }
        match self.lstat(spot).ok()? {
            None => Some(Answer::Nothing),
            Some(stat) if stat.kind == FileKind::Symlink => self.content_at(&self.path(spot), memo),
            Some(stat) if stat.kind == FileKind::File => {
                let found = match memo.get(&stat.identity) {
                    Some(digest) => Found::Content(digest, stat.identity),
                    None => identity::digest_within(&self.path(spot), memo, &mut self.allowed).ok()?,
                };
                if matches!(found, Found::Content(_, identity) if identity == stat.identity) {
                    self.files.push((*placed, stat));
                }
                Some(held(found))
            }
            Some(stat) => Some(Answer::NotAFile(stat.kind)),
        }
    }

    /// What a file holds, by its path alone.
    pub fn content_at(&mut self, path: &Path, memo: &Memo) -> Option<Answer> {
        identity::digest_within(path, memo, &mut self.allowed).ok().map(held)
    }

    /// What a regular file was when it was asked what it holds, if it has been asked by this very name.
    pub fn file(&self, placed: &Placed<&[u8]>) -> Option<Stat> {
        let at = self.files.binary_search_by(|(known, _)| known.cmp(placed)).ok()?;
        Some(self.files[at].1)
    }

    /// Where a path really lies, its directory being resolved once, and what it says itself if it is a link. `None` if it
    /// is not known.
    pub fn real_path(&mut self, placed: &Placed<&'q [u8]>, spot: Spot<'q>, memo: &Memo) -> Option<Real> {
        if self.state(spot.directory, memo) == State::Missing {
            return Some((None, None));
        }
        if self.file(placed).is_none() && !is_dots(spot.name) {
            match self.lstat(spot).ok()? {
                None => return Some((None, None)),
                Some(stat) if stat.kind == FileKind::Symlink => return real_path(&self.path(spot)),
                Some(_) => {}
            }
        }
        Some((self.real(spot.directory, memo)?.map(|real| inside(real, spot.name)), None))
    }

    /// Where a directory really lies: in that above it, unless its name is a link's.
    fn real(&mut self, directory: u32, memo: &Memo) -> Option<Option<&Path>> {
        if self.directories[directory as usize].real.is_none() {
            let itself = self.state(directory, memo) == State::Itself;
            let real = match self.directories[directory as usize].above.filter(|_| itself) {
                Some(above) => self.real(above.directory, memo)?.map(|real| inside(real, above.name)),
                None => files::real_path(&self.directories[directory as usize].path).ok()?,
            };
            self.directories[directory as usize].real = Some(real);
        }
        self.directories[directory as usize].real.as_ref().map(Option::as_deref)
    }
}

/// Where a name that is no link leads in a directory that really lies there.
fn inside(real: &Path, name: &OsStr) -> PathBuf {
    match name.as_bytes() {
        b"." => real.to_owned(),
        b".." => real.parent().unwrap_or(real).to_owned(),
        _ => real.join(name),
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
    files::stat(path).ok().map(what)
}

fn what(stat: Option<Stat>) -> Answer {
    match stat {
        None => Answer::Nothing,
        Some(Stat { kind: FileKind::File, .. }) => Answer::Something,
        Some(stat) => Answer::NotAFile(stat.kind),
    }
}

fn held(found: Found) -> Answer {
    match found {
        Found::Content(digest, _) => Answer::Content(digest),
        Found::Nothing => Answer::Nothing,
        Found::Other(kind) => Answer::NotAFile(kind),
    }
}

#[cfg(test)]
mod tests;
