//! Where kiln itself is in the way: a build script finds it on `PATH` in front of compilers, and asks it for compiles.

use super::Reading;
use super::observers::{Observer, ObserverRole};
use kiln_action::os::OsStrExt;
use kiln_action::wire::Reader;
use kiln_action::{Question, Reason};
use kiln_compiler::script;
use std::path::Path;

impl Reading<'_> {
    /// Whether a path is directly in a directory of `$PATH`.
    pub(super) fn is_searched(&self, path: &Path) -> bool {
        path.parent().is_some_and(|directory| self.searched.contains(directory.as_os_str()))
    }

    /// A build script searched for a program: asks what `$PATH` names for it, and whether it is in this very place, since it may be
    /// searched for along another path than kiln's own.
    pub(super) fn searched_for(&mut self, role: ObserverRole, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        self.ask(Question::Program(name.as_bytes().to_vec()));
        if !(self.scene.is_kiln)(path) && !self.is_made(path) {
            let placed = self.placed(role, path);
            self.ask(Question::Absent(placed));
        }
    }

    /// kiln says what a compile hung on that the run asked it for. Only kiln may say so: a script could write anything.
    pub(super) fn reported_by_kiln(&mut self, by: Observer, question: &[u8]) -> Result<(), Reason> {
        let question = Question::read(&mut Reader(question));
        let Some(question) = question.ok().filter(|_| by.is_kiln) else {
            return Err(Reason::Untraceable("a process reports inputs as kiln does, and is not kiln".into()));
        };
        if let Some(placed) = question.path()
            && let Some(path) = self.scene.invocation.places.resolve(placed)
            && (self.is_made(&path)
                || self.spellings.holds(&self.place(&path))
                || self.is_of_the_kernel(&path))
        {
            return Ok(());
        }
        match question {
            Question::Env(name) if std::str::from_utf8(name).is_ok_and(script::is_inert) => {}
            question => self.ask(question.into_owned()),
        }
        Ok(())
    }
}
