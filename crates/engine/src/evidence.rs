//! From what the recorder saw to what must be asked: the second ring of evidence.
//!
//! The role of the process that looked decides what a look means. **The compiler's own** looks at its toolchain, at the dependency
//! directories and at its own outputs are filtered by place, because the toolchain's and the externs' identity are in the key already.
//! **A linker** (every program that the compiler's own code starts) is known by its files. **A macro** (code loaded into the compiler, and
//! every program that this starts) may do anything with what it sees, so everything it asks is kept literally. **A tool** of a C compile
//! (driver, cc1, as) has no files of its own that stand for it in the key: all that it looks at is asked.
//!
//! **A build script** is to be taken as literally as a macro, and so is every program that it runs. The compilers and linkers among them are
//! known to ask for variables by name, and to want the time and their number for nothing that matters. kiln itself, asked for a compile by
//! a script, says what that hangs on ([`Act::Question`]).
//!
//! What is known of programs is in the table of [`kiln_compiler::programs`]; what differs between families is a [`Policy`].

use kiln_action::{Given, Invocation, Places, Question, Reason};
use kiln_compiler::rustc::args;
use kiln_recorder::{Act, Process, Record, RecordedEvent};
use loader::Late;
use made::Made;
use observers::{Observer, ObserverRole};
use policy::Policy;
use spellings::Spellings;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

mod asked;
mod kernel;
mod loader;
mod looks;
mod made;
pub mod observers;
pub mod policy;
mod processes;
mod search;
mod spellings;
pub mod variables;
mod writes;

/// What a run looked at and made.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What must be asked.
    pub questions: BTreeSet<Question>,
    /// Paths that were looked for and were not there, as they were spelled (a thousand): they must still not be there when the
    /// run is kept.
    pub absent: HashSet<OsString>,
    /// Files the run opened for reading, as absolute paths.
    pub opened: HashSet<PathBuf>,
    /// Those of them that were run or loaded.
    pub code: HashSet<PathBuf>,
    /// Variables that the compiler's own code asked for: `env!` and `option_env!`.
    pub variables: BTreeSet<Vec<u8>>,
    /// Declared outputs that it wrote, as they were declared.
    pub outputs: BTreeSet<PathBuf>,
    /// Other names of the directories of outputs and dependencies: where they really are, if they are called otherwise.
    pub aliases: Vec<PathBuf>,
    /// Code loaded into the compiler that does not belong to the toolchain: proc macros.
    pub macros: BTreeSet<PathBuf>,
    /// Programs that may do anything, and the libraries they consist of: build scripts, and what scripts and macros start.
    pub programs: BTreeSet<PathBuf>,
}

/// What the reading of a record rests on.
pub struct Scene<'a> {
    /// The compile that was recorded.
    pub invocation: &'a Invocation,
    /// How its family reads a record.
    pub policy: &'a Policy,
    /// Whether a path belongs to the toolchain: then it is in the key by content.
    pub owns: &'a dyn Fn(&Path) -> bool,
    /// Directories of `$PATH`, in order.
    pub search: &'a [PathBuf],
    /// The value of `LD_LIBRARY_PATH`.
    pub library_path: Option<&'a OsStr>,
    /// Whether the user promised that a variable does not count for macros.
    pub ignored: &'a dyn Fn(&[u8]) -> bool,
    /// Files whose words are part of the command line already.
    pub responses: &'a [PathBuf],
    /// Directories for temporary files: whether they are there decides only where temporary files go.
    pub temporary: &'a [PathBuf],
    /// Whether the user allows C results to hold the date at which they were made.
    pub dates: bool,
    /// The program that kiln is itself.
    pub own: Option<&'a Path>,
    /// Where the toolchain in use keeps its own programs for linking; only where a script runs.
    pub rustlib: Option<&'a Path>,
    /// Whether a program is a toolchain's rustc.
    pub is_rustc: &'a dyn Fn(&Path) -> bool,
    /// Whether a path leads to it, under whatever name.
    pub is_kiln: &'a dyn Fn(&Path) -> bool,
    /// Whether something exists now.
    pub exists: &'a dyn Fn(&Path) -> bool,
    /// Whether it is a directory, or a link to one.
    pub is_directory: &'a dyn Fn(&Path) -> bool,
    /// Where a path leads now, if anything is there.
    pub real_path: &'a dyn Fn(&Path) -> Option<PathBuf>,
}

impl Evidence {
    /// libc's mathematics are others on another processor, or by a variable that takes some of what it can do from it.
    pub fn ask_arithmetic(&mut self) {
        let tunables = Question::Env(b"GLIBC_TUNABLES".to_vec());
        self.questions.extend([Question::Given(Given::Arithmetic), tunables]);
    }
}

/// Reads a record; a reason if the run cannot be kept.
pub fn read(record: &Record, scene: &Scene<'_>) -> Result<Evidence, Reason> {
    let observers = observers::of(&record.processes, scene);
    let is_wrapped =
        scene.policy.may_be_wrapped && observers.first().is_some_and(|it| it.role == ObserverRole::Macro);
    if is_wrapped && !scene.responses.is_empty() {
        return Err(Reason::UncachedFlag(args::IN_A_FILE.to_owned())); // it may do anything with the file's name
    }
    let mut reading = Reading::new(record, scene);
    for (process, observer) in record.processes.iter().zip(&observers) {
        reading.process(process, *observer);
    }
    for event in &record.events {
        let observer = observers.get(event.process as usize);
        let observer = observer.ok_or_else(|| {
            Reason::Untraceable("a process was started and never loaded the recorder".into())
        })?;
        let read = reading.event(event, observer.of_code(event.by));
        read.map_err(|reason| by_program(reason, &record.processes, event.process))?;
    }
    for ((number, process), observer) in (0..).zip(&record.processes).zip(&observers) {
        reading.libraries(number, process, *observer)?;
    }
    reading.finish()
}

/// What was asked for, with the program that did where it is one that the run started: nobody finds `git` in a build script's code.
fn by_program(reason: Reason, processes: &[Process], number: u32) -> Reason {
    let started = processes.get(number as usize).filter(|process| process.parent.is_some());
    let name = started.and_then(|process| process.exe.file_name());
    match (reason, name) {
        (Reason::Nondeterministic(what), Some(name)) => {
            Reason::Nondeterministic(format!("{what} (`{}`)", name.display()))
        }
        (reason, _) => reason,
    }
}

struct Reading<'a> {
    scene: &'a Scene<'a>,
    mapped: Places,
    /// Directories of `$PATH`.
    searched: HashSet<&'a OsStr>,
    /// Directories for temporary files, where they lead.
    temporary: Vec<PathBuf>,
    /// Files whose words are part of the command line, where they lead.
    responses: Vec<PathBuf>,
    /// By where paths lead.
    made: Made,
    spellings: Spellings<'a>,
    /// Files that were opened, are called like outputs and were there before.
    older: BTreeSet<PathBuf>,
    /// What each process loaded after its start.
    late: HashMap<u32, Late>,
    found: Evidence,
}

impl<'a> Reading<'a> {
    fn new(record: &Record, scene: &'a Scene<'a>) -> Reading<'a> {
        let made_in = record.events.iter().filter_map(|event| writes::made_by(&event.act)?.parent());
        let spellings = Spellings::new(scene.invocation, scene.real_path, made_in);
        let followed =
            |paths: &[PathBuf]| paths.iter().map(|path| spellings.place(path).into_owned()).collect();
        Reading {
            scene,
            temporary: followed(scene.temporary),
            responses: followed(scene.responses),
            mapped: scene.invocation.places.remapped(),
            searched: scene.search.iter().map(|directory| directory.as_os_str()).collect(),
            made: Made::default(),
            spellings,
            older: BTreeSet::new(),
            late: HashMap::new(),
            found: Evidence::default(),
        }
    }

    fn ask(&mut self, question: Question) {
        self.found.questions.insert(question);
    }

    fn event(&mut self, event: &RecordedEvent, by: Observer) -> Result<(), Reason> {
        let finds_kiln = self.scene.policy.finds_kiln;
        match &event.act {
            Act::Open { path, mode, errno } => self.open(by, (path, *mode), *errno),
            Act::Stat { path, follow, errno } => self.stat(by, path, *follow, *errno),
            Act::Access { path, errno, .. } => self.asked_about(by, path, *errno),
            Act::ReadLink { path, errno } | Act::RealPath { path, errno } => self.resolved(by, path, *errno),
            Act::List { path, errno } => self.listed(by.role, path, *errno),
            Act::Load { path, errno } => {
                if *errno == 0 {
                    self.late.entry(event.process).or_default().ask(path);
                }
                self.loaded(by, path, *errno)
            }
            Act::Loaded { path, search } => {
                self.late.entry(event.process).or_default().find(path, search);
                self.loaded(by, path, 0)
            }
            Act::LoadedAll => {
                self.late.entry(event.process).or_default().end();
                Ok(())
            }
            Act::Getenv { name } => {
                self.variable(by, name);
                Ok(())
            }
            Act::Search => {
                // (with kiln in the way, what is found and what is not is asked instead)
                if !finds_kiln {
                    self.variable(by, b"PATH");
                }
                Ok(())
            }
            Act::Question { question } => self.reported_by_kiln(by, question),
            Act::Probe { path, .. } if finds_kiln && self.is_searched(path) => {
                self.searched_for(by.role, path);
                Ok(())
            }
            Act::Probe { path, present } => self.looked(by.role, path, if *present { 0 } else { ENOENT }),
            Act::Exec { path, .. } if finds_kiln && (self.scene.is_kiln)(path) => Ok(()),
            Act::Exec { path, errno } => {
                self.found.code.insert(path.clone());
                self.opened(by, path, *errno)
            }
            Act::Rename { from, to, errno: 0 } => self.renamed(from, to),
            Act::Remove { path, errno: 0 } => self.removed(path),
            Act::Remove { path, errno } if by.role == ObserverRole::Tool => {
                self.had_nothing_to_remove(path, *errno)
            }
            Act::Create { path, what, errno } => self.created(by, path, *what, *errno),
            Act::Modify { path, errno: 0 } => self.modified(path),
            Act::Rename { .. } | Act::Remove { .. } | Act::Modify { .. } => Ok(()),
            Act::Ask(ask) => self.asked(by, *ask),
        }
    }

    fn finish(mut self) -> Result<Evidence, Reason> {
        self.outputs()?;
        for path in std::mem::take(&mut self.older) {
            if !self.found.outputs.contains(&path) {
                self.read(ObserverRole::Compiler, &path);
            }
        }
        let (spellings, outputs) = (&self.spellings, &self.found.outputs);
        let is_output =
            |path: &Path| spellings.output(&spellings.place(path)).is_some_and(|it| outputs.contains(&it));
        self.found.absent.retain(|path| !is_output(Path::new(path)));
        self.found.aliases = self.spellings.into_aliases();
        Ok(self.found)
    }
}

const ENOENT: i32 = 2;
const ENOTDIR: i32 = 20;

#[cfg(test)]
mod tests;
