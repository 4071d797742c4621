//! What a look at a path asks, by the role of the process that looked.

use super::observers::{Observer, ObserverRole};
use super::{ENOENT, ENOTDIR, Reading, kernel, spellings};
use kiln_action::os::OsStrExt;
use kiln_action::place::same;
use kiln_action::{Given, Place, Placed, Question, Reason};
use kiln_compiler::programs::ProgramRole;
use kiln_recorder::OpenMode;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

impl Reading<'_> {
    /// A path as a question names it.
    pub(super) fn placed(&self, role: ObserverRole, path: &Path) -> Placed {
        match role {
            // What a macro sees is literal; only where the user maps the workspace, its files are those of this one.
            ObserverRole::Macro => self.mapped.place(path),
            ObserverRole::Compiler | ObserverRole::Linker => {
                self.spellings.placed(path, &self.scene.invocation.places)
            }
            ObserverRole::Tool => self.scene.invocation.places.place(path),
        }
    }

    /// Where a path leads.
    pub(super) fn place<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        self.spellings.place(path)
    }

    /// Whether a path belongs to the toolchain, and is still there where a path with `..` in it leads.
    pub(super) fn owns(&self, path: &Path, place: &Path) -> bool {
        (self.scene.owns)(path) && (!spellings::has_detour(path) || (self.scene.owns)(place))
    }

    /// Whether a path leads to what the kernel makes up.
    pub(super) fn is_of_the_kernel(&self, path: &Path) -> bool {
        kernel::holds(&self.place(path))
    }

    /// Whether the run made it.
    pub(super) fn is_made(&self, path: &Path) -> bool {
        self.made.holds(&self.place(path))
    }

    /// Whether a path is in a directory of dependencies.
    fn is_dependency(&self, path: &Path) -> bool {
        let placed = self.spellings.placed(path, &self.scene.invocation.places);
        matches!(placed.place, Place::Deps(_) | Place::Out)
    }

    /// Whether a look at this path says nothing about the inputs.
    fn beside_the_point(&self, role: ObserverRole, path: &Path) -> bool {
        let place = &*self.place(path);
        if self.made.holds(place) || kernel::holds(place) || self.spellings.holds(place) {
            return true;
        }
        let is_one_of = |paths: &[PathBuf]| paths.iter().any(|known| same(known, place));
        // (of rustc the compiler itself: what a macro sees in it may be its name)
        if matches!(role, ObserverRole::Tool | ObserverRole::Compiler) && is_one_of(&self.responses) {
            return true;
        }
        if role == ObserverRole::Tool && is_one_of(&self.temporary) {
            return true;
        }
        role != ObserverRole::Macro
            && (self.owns(path, place) || self.spellings.is_private(place) || self.spellings.declares(place))
    }

    /// A process opened a path, or tried to.
    pub(super) fn open(
        &mut self,
        by: Observer,
        (path, mode): (&Path, OpenMode),
        errno: i32,
    ) -> Result<(), Reason> {
        let both = mode.read && mode.write;
        if by.role == ObserverRole::Macro && path == Path::new(kernel::TERMINAL) {
            self.terminal(by, both, errno)
        } else if by.role == ObserverRole::Macro && both && errno == 0 && kernel::holds(path) {
            self.no_secret_door(by.role, path)
        } else if errno == 0 && (mode.write || mode.create || mode.truncate) {
            let anew = mode.create && mode.truncate && self.is_temporary(path);
            self.may_write(path, mode.exclusive || anew)?;
            self.written(path, mode.read && !mode.truncate)
        } else if errno == 0 && !mode.read {
            self.looked(by.role, path, 0) // only to name it
        } else {
            self.opened(by, path, errno)
        }
    }

    /// A process opened a file to read or to run it, or tried to.
    pub(super) fn opened(&mut self, by: Observer, path: &Path, errno: i32) -> Result<(), Reason> {
        self.asks_for_no_output(by, path)?;
        if errno == 0 && self.is_older_than_the_run(by.role, path) {
            self.older.insert(self.spellings.output(&self.place(path)).unwrap_or_else(|| path.to_owned()));
            return Ok(());
        }
        if self.beside_the_point(by.role, path) {
            let is_odd = by.role == ObserverRole::Tool
                && errno == 0
                && self.is_of_the_kernel(path)
                && !kernel::is_opened_by_compilers(path);
            if is_odd && (self.scene.policy.tools_read_the_source || by.is(ProgramRole::CompilerProper)) {
                return Err(Reason::Nondeterministic(format!("a source reads {}", path.display())));
            }
            return self.no_secret_door(by.role, path);
        }
        if errno != 0 {
            return self.looked(by.role, path, errno);
        }
        self.read(by.role, path);
        Ok(())
    }

    /// A process read a file.
    pub(super) fn read(&mut self, role: ObserverRole, path: &Path) {
        self.found.opened.insert(path.to_owned());
        let placed = self.placed(role, path);
        if self.scene.policy.modes_count {
            self.ask(Question::Mode(placed.clone())); // which a copy takes along
        }
        self.ask(Question::File(placed));
    }

    /// Whether a file that is called like an output was there before. It is an input, unless the run replaces it: rustc and
    /// the known linkers open what they are about to replace (lld, to unlink it in the background) and do not read it.
    fn is_older_than_the_run(&self, role: ObserverRole, path: &Path) -> bool {
        let place = self.place(path);
        let called = || {
            role != ObserverRole::Macro
                && self.spellings.declares(&place)
                && !self.spellings.is_private(&place)
        };
        called() && !self.made.holds(&place) && !kernel::holds(&place) && !self.owns(path, &place)
    }

    /// gcc's compiler proper looks for an output only where a source asks for it (`__has_include("a.d")`, `#include "a.d"`),
    /// and clang for the rule for make: then the run hangs on what an earlier one left, which nothing can be asked about once this one has written.
    fn asks_for_no_output(&self, by: Observer, path: &Path) -> Result<(), Reason> {
        if by.role != ObserverRole::Tool || !self.scene.policy.tools_read_the_source {
            return Ok(());
        }
        let place = self.place(path);
        let depfile = self.scene.invocation.depfile.as_ref();
        let is_depfile = || depfile.is_some() && self.spellings.output(&place).as_ref() == depfile;
        let is_output = by.is(ProgramRole::CompilerProper) && self.spellings.declares(&place) || is_depfile();
        if is_output && !self.is_made(path) {
            return Err(Reason::Nondeterministic(format!(
                "a source includes or looks for {}, which the compile itself writes",
                path.display()
            )));
        }
        Ok(())
    }

    /// A macro that reads `/proc/self/cmdline` or a device asks something no question stands for.
    fn no_secret_door(&self, role: ObserverRole, path: &Path) -> Result<(), Reason> {
        let is_asked = role == ObserverRole::Macro && self.is_of_the_kernel(path) && !self.is_made(path);
        let is_known = self.scene.policy.knows_programs && kernel::is_harmless_to_scripts(path);
        if is_asked && !is_known && !kernel::is_harmless(path) {
            return Err(Reason::Nondeterministic(format!(
                "{} reads {}",
                self.scene.policy.literal_code,
                path.display()
            )));
        }
        Ok(())
    }

    /// `stat`: what is there, and of a link that is followed or of a directory where it leads.
    pub(super) fn stat(&mut self, by: Observer, path: &Path, follow: bool, errno: i32) -> Result<(), Reason> {
        let is_directory = || by.role == ObserverRole::Tool && (self.scene.is_directory)(path);
        if errno == 0 && (!follow && by.counts_every_look() || is_directory()) {
            self.looked_at_itself(by.role, path);
        }
        self.asked_about(by, path, errno)
    }

    /// A process asked about a path without opening it.
    pub(super) fn asked_about(&mut self, by: Observer, path: &Path, errno: i32) -> Result<(), Reason> {
        if by.role == ObserverRole::Macro && errno == 0 && self.is_made(path) {
            self.ask(Question::Given(Given::Umask)); // which shows in the permissions of what it made
        }
        self.asks_for_no_output(by, path)?;
        let there = !matches!(errno, ENOENT | ENOTDIR); // what it may not do counts as well
        let counts = by.role == ObserverRole::Linker && there && by.counts_every_look();
        if counts && !self.beside_the_point(by.role, path) {
            let placed = self.placed(by.role, path);
            self.ask(Question::Kind(placed));
        }
        self.looked(by.role, path, errno)
    }

    /// `lstat`: what is there before any link is followed. Compilers tell from `stat` whether two names are one directory, and
    /// look in it once, for headers of the system if either name says so.
    fn looked_at_itself(&mut self, role: ObserverRole, path: &Path) {
        if !self.beside_the_point(role, path) {
            let placed = self.placed(role, path);
            self.ask(Question::Real(placed));
        }
    }

    /// A process looked whether something is there.
    pub(super) fn looked(&mut self, role: ObserverRole, path: &Path, errno: i32) -> Result<(), Reason> {
        if self.beside_the_point(role, path) {
            return self.no_secret_door(role, path);
        }
        let missing = matches!(errno, ENOENT | ENOTDIR);
        let source = path.extension().is_some_and(|extension| extension == "rs"); // `foo/mod.rs` beside `foo.rs`
        let of_rustc = matches!(role, ObserverRole::Compiler | ObserverRole::Linker);
        if of_rustc && !source && self.is_dependency(path) && (missing || role == ObserverRole::Compiler) {
            return Ok(()); // which files of a dependency are there yet is pipelining's affair; externs are in the key
        }
        if missing {
            self.found.absent.insert(path.as_os_str().to_owned());
        }
        if role != ObserverRole::Macro
            && self.is_searched(path)
            && let Some(name) = path.file_name()
        {
            self.ask(Question::Program(name.as_bytes().to_vec()));
        }
        let placed = self.placed(role, path);
        self.ask(if role == ObserverRole::Macro { Question::Kind(placed) } else { Question::Absent(placed) });
        Ok(())
    }

    /// A process asked where a path leads.
    pub(super) fn resolved(&mut self, by: Observer, path: &Path, errno: i32) -> Result<(), Reason> {
        let role = by.role;
        // Where a dependency really lies is in no output; its content is asked for.
        let known = !by.counts_every_look() && role != ObserverRole::Tool;
        if self.beside_the_point(role, path) || known && self.is_dependency(path) {
            return self.no_secret_door(role, path);
        }
        if matches!(errno, ENOENT | ENOTDIR) {
            if role == ObserverRole::Tool {
                return self.looked(role, path, errno); // gcc asks so for every place where a header might be
            }
            self.found.absent.insert(path.as_os_str().to_owned());
        }
        let placed = self.placed(role, path);
        if role == ObserverRole::Macro && placed.place != Place::Literal {
            self.ask(Question::Argv); // it sees where the mapped workspace really is
        }
        self.ask(Question::Real(placed));
        Ok(())
    }

    /// A process listed a directory, or tried to.
    pub(super) fn listed(&mut self, role: ObserverRole, path: &Path, errno: i32) -> Result<(), Reason> {
        if self.beside_the_point(role, path) || role == ObserverRole::Compiler && self.is_dependency(path) {
            return self.no_secret_door(role, path);
        }
        if errno != 0 {
            return self.looked(role, path, errno);
        }
        let placed = self.placed(role, path);
        self.ask(Question::Listing(placed));
        Ok(())
    }
}
