//! What a process consists of: its program, the libraries that it starts with, and those that it loads later.

use super::observers::{Observer, ObserverRole};
use super::{Reading, kernel, loader};
use crate::inputs;
use kiln_action::{Placed, Question, Reason};
use kiln_compiler::programs::ProgramRole;
use kiln_recorder::Process;
use std::path::Path;

impl Reading<'_> {
    /// Asks for the program and the libraries that a process starts with. The compiler's own are its toolchain; system libraries under
    /// it do not reach its output.
    pub(super) fn process(&mut self, process: &Process, by: Observer) {
        if by.role == ObserverRole::Compiler || by.is_kiln {
            return;
        }
        let is_own_code = self.scene.policy.runs_inspected_code && process.parent.is_none();
        let is_unknown = by.role == ObserverRole::Linker && !by.is(ProgramRole::Linker);
        if !is_own_code && by.role == ObserverRole::Macro || is_unknown {
            // A shell or an interpreter takes over its whole environment, without asking for a name.
            self.ask(Question::Environ);
        }
        for file in process.modules.iter().chain([&process.exe]) {
            if self.is_foreign(file) {
                self.ask(Question::File(Placed::literal(file)));
            }
            let is_inspected = by.role == ObserverRole::Macro && self.scene.policy.inspects_programs;
            if is_inspected && file.is_absolute() && !kernel::holds(file) {
                self.found.programs.insert(file.clone());
            }
        }
    }

    /// Whether a file of code is neither the toolchain's nor the kernel's.
    fn is_foreign(&self, path: &Path) -> bool {
        path.is_absolute() && !(self.scene.owns)(path) && !kernel::holds(path)
    }

    /// Asks for the places where the loader looked for the libraries of a process and found nothing. The compiler's own at its start are
    /// the toolchain's.
    pub(super) fn libraries(&mut self, index: u32, process: &Process, by: Observer) -> Result<(), Reason> {
        let late = self.late.remove(&index).unwrap_or_default();
        if by.is_kiln {
            return Ok(());
        }
        let foreign = |path: &Path| self.is_foreign(path);
        if matches!(by.role, ObserverRole::Compiler | ObserverRole::Macro) && late.is_in_doubt(foreign) {
            let what =
                format!("{} ended before it recorded which libraries it had loaded", process.exe.display());
            return Err(Reason::Untraceable(what));
        }
        let at_start = process.modules.iter().filter(|_| by.role != ObserverRole::Compiler);
        let libraries = at_start.chain(late.searched_for()).filter(|path| foreign(path));
        let search = loader::search(process, &late, libraries, self.scene.library_path)?;
        if !search.names.is_empty() && self.scene.policy.asks_for_preload {
            self.ask(Question::File(Placed::literal(Path::new("/etc/ld.so.preload"))));
        }
        self.searched_by_loader(
            search,
            if by.role == ObserverRole::Compiler { ObserverRole::Macro } else { by.role },
        )
    }

    fn searched_by_loader(&mut self, search: loader::Search, role: ObserverRole) -> Result<(), Reason> {
        search.names.into_iter().for_each(|name| self.ask(Question::Library(name)));
        for path in &search.places {
            let by_processor = || path.parent().is_some_and(|above| search.directories.contains(above));
            let is_choice =
                path.file_name().is_some_and(|name| inputs::BY_PROCESSOR.iter().any(|it| name == *it));
            if is_choice && by_processor() && (self.scene.exists)(path) {
                return Err(Reason::Nondeterministic(format!(
                    "the dynamic loader chooses a library by the processor in {}",
                    path.display()
                )));
            }
            if !self.is_made(path) && !self.spellings.holds(&self.place(path)) {
                let placed = self.placed(role, path);
                self.ask(Question::Absent(placed));
            }
        }
        Ok(())
    }

    /// A process loaded code that was not there when it started: proc macros, and what they bring with them. The code is to be inspected,
    /// whichever code loaded it.
    pub(super) fn loaded(&mut self, by: Observer, path: &Path, errno: i32) -> Result<(), Reason> {
        if !path.is_absolute() {
            return match by.role {
                // The loader's search for a bare name is not seen; a linker's plugins are named by path.
                ObserverRole::Macro => {
                    let code = self.scene.policy.literal_code;
                    Err(Reason::Untrusted(format!("{code} loaded {}", path.display())))
                }
                ObserverRole::Compiler | ObserverRole::Linker => Ok(()),
                ObserverRole::Tool => {
                    Err(Reason::Untrusted(format!("the compiler loaded {}", path.display())))
                }
            };
        }
        self.found.code.insert(path.to_owned());
        let may_be_macro = matches!(by.role, ObserverRole::Compiler | ObserverRole::Macro);
        if errno == 0 && may_be_macro && !self.owns(path, &self.place(path)) {
            self.found.macros.insert(path.to_owned());
        }
        let loader = if by.role == ObserverRole::Macro { by.in_role(ObserverRole::Compiler) } else { by };
        self.opened(loader, path, errno)
    }
}
