//! What a run makes, changes, moves and removes: it may leave its outputs, and nothing else.

use super::Reading;
use super::observers::{Observer, ObserverRole};
use kiln_action::Reason;
use kiln_action::place::same;
use kiln_recorder::{Act, What};
use std::path::Path;

/// What an act makes, if it does.
pub fn made_by(act: &Act) -> Option<&Path> {
    match act {
        Act::Open { path, mode, errno: 0 } if mode.write || mode.create => Some(path),
        Act::Create { path, errno: 0, .. } | Act::Rename { to: path, errno: 0, .. } => Some(path),
        _ => None,
    }
}

impl Reading<'_> {
    /// A process made something that is no file to write to, or tried to.
    pub(super) fn created(
        &mut self,
        by: Observer,
        path: &Path,
        what: What,
        errno: i32,
    ) -> Result<(), Reason> {
        if errno != 0 {
            return self.looked(by.role, path, errno);
        }
        match what {
            What::Symlink | What::Link if by.role == ObserverRole::Macro => {
                // What it shows is not its own: reading through it would look like reading what the run made.
                return Err(Reason::WritesOutside(format!("{} (a link)", path.display())));
            }
            What::Dir | What::TempDir => {
                let place = self.spellings.place(path);
                if !self.spellings.is_private(&place) {
                    self.made.add_directory(&place);
                }
            }
            _ => self.make(path),
        }
        Ok(())
    }

    /// A process changed something by its name.
    pub(super) fn modified(&mut self, path: &Path) -> Result<(), Reason> {
        self.may_write(path, false)?;
        self.written(path, false)
    }

    /// Whether a path is directly in a directory for temporary files.
    pub(super) fn is_temporary(&self, path: &Path) -> bool {
        let place = self.place(path);
        let parent = place.parent();
        parent.is_some_and(|parent| self.temporary.iter().any(|directory| same(directory, parent)))
    }

    /// A build script may do what it likes anywhere. What it writes to and has not made was there before, or it may have been: what was in
    /// it may count, and that it is another file afterwards is an effect that no hit has.
    pub(super) fn may_write(&self, path: &Path, made_by_it: bool) -> Result<(), Reason> {
        let fine = made_by_it || self.is_of_the_kernel(path) || self.is_made(path) || self.is_allowed(path);
        if fine || !self.scene.policy.writes_only_anew {
            return Ok(());
        }
        Err(Reason::WritesOutside(path.display().to_string()))
    }

    /// A process wrote to a file.
    pub(super) fn written(&mut self, path: &Path, also_read: bool) -> Result<(), Reason> {
        if self.is_of_the_kernel(path) {
            return Ok(());
        }
        let known = self.is_made(path) || self.is_allowed(path);
        if also_read && !known && (self.scene.exists)(path) {
            return Err(Reason::WritesOutside(path.display().to_string()));
        }
        self.make(path);
        Ok(())
    }

    fn make(&mut self, path: &Path) {
        let place = self.spellings.place(path);
        if !self.spellings.is_private(&place) {
            self.made.add(&place);
        }
    }

    /// Whether the run may leave something here.
    pub(super) fn is_allowed(&self, path: &Path) -> bool {
        self.spellings.may_leave(&self.place(path))
    }

    /// A process moved something.
    pub(super) fn renamed(&mut self, from: &Path, to: &Path) -> Result<(), Reason> {
        self.may_remove(from)?;
        self.may_write(to, false)?;
        let (from, to) = (self.spellings.place(from), self.spellings.place(to));
        match self.spellings.is_private(&to) {
            true => self.made.remove(&from),
            false => self.made.rename(&from, &to),
        }
        Ok(())
    }

    /// A process removed something.
    pub(super) fn removed(&mut self, path: &Path) -> Result<(), Reason> {
        self.may_remove(path)?;
        self.made.remove(&self.spellings.place(path));
        Ok(())
    }

    fn may_remove(&self, path: &Path) -> Result<(), Reason> {
        if self.is_made(path) || self.is_allowed(path) {
            return Ok(());
        }
        Err(Reason::WritesOutside(format!("{} (removed)", path.display())))
    }

    /// A compiler tried to remove something that is not there: where it is there the run is another. (gcc removes the counts
    /// of an earlier run of the program, `.gcda`, where a fixed seed gives the new ones the same stamp.)
    pub(super) fn had_nothing_to_remove(&mut self, path: &Path, errno: i32) -> Result<(), Reason> {
        if self.is_temporary(path) || self.is_allowed(path) {
            return Ok(());
        }
        self.looked(ObserverRole::Tool, path, errno)
    }

    /// What is left of all that the run made.
    pub(super) fn outputs(&mut self) -> Result<(), Reason> {
        for path in std::mem::take(&mut self.made).into_paths() {
            if !(self.scene.exists)(&path) {
                continue;
            }
            if let Some(output) = self.spellings.output(&path) {
                self.found.outputs.insert(output);
            } else if !self.is_allowed(&path) {
                return Err(Reason::WritesOutside(path.display().to_string()));
            }
        }
        Ok(())
    }
}
