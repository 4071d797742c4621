//! Places below a directory that are found by descriptor: whoever named them, and whatever is planted meanwhile, nothing outside is
//! reached. Used for paths that a recording names.

use super::{Directory, FileError, call};
use crate::system::files::{Errno, OpenDirectory};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// So many directories are kept open: those of a target that most outputs go to.
const MOST_OPEN: usize = 16;

/// A directory below which everything is found that is named through this.
pub struct Beneath {
    root: PathBuf,
    directory: OpenDirectory,
    /// Directories below it that were used last, the latest one first.
    open: RefCell<Vec<(PathBuf, Directory)>>,
}

impl Beneath {
    /// A directory that is there. It may itself be reached through links: that is its owner's doing.
    pub fn open(root: &Path) -> Result<Beneath, FileError> {
        let directory = call("open", root, || OpenDirectory::open(root, true))?;
        Ok(Beneath { root: root.to_owned(), directory, open: RefCell::default() })
    }

    /// A path through the descriptor of its directory, for a file that is to be made below the root; the directories on the way are
    /// made. Good until sixteen other directories were asked for. The last name may be a link: none of this module's ways to put a
    /// file in place follows it. An error where the path is not spelled as one below the root, or leads through a link.
    pub fn file(&self, path: &Path) -> Result<PathBuf, FileError> {
        let outside = || FileError::new("place", path, Errno::XDEV);
        let (parent, name) = path.parent().zip(path.file_name()).ok_or_else(outside)?;
        Ok(self.directory(parent)?.join(name))
    }

    /// Whether a path is spelled as one below the root, or as the root. Nothing is looked at.
    pub fn is_spelled_below(&self, path: &Path) -> bool {
        self.inside(path).is_some()
    }

    fn inside<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let inside = path.strip_prefix(&self.root).ok()?;
        inside.components().all(|part| matches!(part, Component::Normal(_))).then_some(inside)
    }

    /// The same for a directory, which is made where it is not there.
    pub fn directory(&self, path: &Path) -> Result<PathBuf, FileError> {
        let inside = self.inside(path).ok_or_else(|| FileError::new("place", path, Errno::XDEV))?;
        let mut open = self.open.borrow_mut();
        if let Some(at) = open.iter().position(|(known, _)| known == inside) {
            open[..=at].rotate_right(1);
        } else {
            let directory = Directory::beneath(&self.directory, inside, path)?;
            open.truncate(MOST_OPEN - 1);
            open.insert(0, (inside.to_owned(), directory));
        }
        Ok(open[0].1.through_descriptor())
    }
}

impl Directory {
    /// A directory below another, made where it is not there; no link on the way is followed.
    fn beneath(root: &OpenDirectory, inside: &Path, path: &Path) -> Result<Directory, FileError> {
        match at_once(root, inside, path) {
            Err(error) if matches!(error.errno(), Some(Errno::NOENT | Errno::NOSYS | Errno::PERM)) => {}
            found => return found.map(Directory),
        }
        let mut found = step(root, OsStr::new("."), path)?;
        for part in inside.iter() {
            match call("create directory", path, || found.make(part)) {
                Err(error) if error.errno() != Some(Errno::EXIST) => return Err(error),
                _ => {}
            }
            found = step(&found, part, path)?;
        }
        Ok(Directory(found))
    }
}

fn step(directory: &OpenDirectory, name: &OsStr, path: &Path) -> Result<OpenDirectory, FileError> {
    call("open", path, || directory.step(name))
}

/// The whole way in one call, where the system has one.
fn at_once(root: &OpenDirectory, inside: &Path, path: &Path) -> Result<OpenDirectory, FileError> {
    let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
    call("open", path, || root.at_once(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn room() -> (tempfile::TempDir, Beneath) {
        let space = tempfile::tempdir().unwrap();
        fs::create_dir_all(space.path().join("root/there")).unwrap();
        fs::create_dir(space.path().join("outside")).unwrap();
        let beneath = Beneath::open(&space.path().join("root")).unwrap();
        (space, beneath)
    }

    #[test]
    fn what_is_below_is_found_and_made() {
        let (space, beneath) = room();
        for inside in ["a", "there/a", "new/deep/a"] {
            let path = beneath.file(&space.path().join("root").join(inside)).unwrap();
            fs::write(path, inside).unwrap();
            assert_eq!(fs::read_to_string(space.path().join("root").join(inside)).unwrap(), inside);
        }
    }

    #[test]
    fn more_directories_than_are_kept_open() {
        let (space, beneath) = room();
        for round in 0..2 {
            for number in 0..3 * MOST_OPEN {
                let path = space.path().join(format!("root/{number}/file"));
                fs::write(beneath.file(&path).unwrap(), number.to_string()).unwrap();
                assert_eq!(fs::read_to_string(path).unwrap(), number.to_string(), "{round}");
            }
        }
    }

    #[test]
    fn nothing_outside_is_reached() {
        let (space, beneath) = room();
        let root = space.path().join("root");
        symlink("../outside", root.join("out")).unwrap();
        symlink("there", root.join("in")).unwrap();
        symlink(space.path().join("outside"), root.join("there/absolute")).unwrap();
        for path in
            ["out/a", "in/a", "there/absolute/a", "there/../../outside/a", "../outside/a", "there/../a"]
        {
            assert!(beneath.file(&root.join(path)).is_err(), "{path}");
            assert!(beneath.directory(&root.join(path)).is_err(), "{path}");
        }
        assert!(beneath.file(&space.path().join("outside/a")).is_err());
        assert!(beneath.file(Path::new("/")).is_err());
        assert_eq!(fs::read_dir(space.path().join("outside")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(root.join("there")).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_is_replaced_meanwhile_stays_what_it_was() {
        let (space, beneath) = room();
        let there = space.path().join("root/there");
        let path = beneath.file(&there.join("a")).unwrap();
        fs::rename(&there, space.path().join("root/moved")).unwrap();
        symlink("../outside", &there).unwrap();
        fs::write(path, "x").unwrap();
        assert_eq!(fs::read_dir(space.path().join("outside")).unwrap().count(), 0);
        assert!(space.path().join("root/moved/a").exists());
    }
}
