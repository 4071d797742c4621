//! From what the recorder saw to what must be asked: the second ring of evidence.
//!
//! Who looked decides what a look means. **The compiler's own** looks at its toolchain, at the dependency directories
//! and at its own outputs are filtered by place, because the toolchain's and the externs' identity are in the key
//! already. **A linker** (whatever the compiler's own code starts) is known by its files. **A macro** (code loaded into
//! the compiler, and whatever it starts) may do anything with what it sees, so everything it asks is kept literally.
//! **A tool** of a C compile (driver, cc1, as) has no files of its own that stand for it in the key: all that it looks at
//! is asked.
//!
//! **A build script** is to be taken as literally as a macro, and so is what it runs. The compilers and linkers among that are known
//! to ask for variables by name, and to want the time and their number for nothing that matters. kiln itself, asked for a compile
//! by a script, says what that hangs on ([`Act::Question`]).

use crate::inputs;
use kiln_action::os::OsStrExt;
use kiln_action::place::{below, same};
use kiln_action::wire::Reader;
use kiln_action::{Family, Given, Invocation, Placed, Places, Question, Reason};
use kiln_compiler::gcc::environment as c_variables;
use kiln_compiler::rustc::args;
use kiln_compiler::rustc::environment as variables;
use kiln_compiler::script;
use kiln_recorder::{Act, Ask, By, Event, OpenMode, Process, Record, What};
use loader::Late;
use made::Made;
use spellings::Spellings;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

mod loader;
mod made;
mod spellings;

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

/// Who looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Compiler,
    Linker,
    Macro,
    Tool,
}

/// What the reading of a record rests on.
pub struct Scene<'a> {
    /// The compile.
    pub invocation: &'a Invocation,
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
    /// Whether a path leads to that, under whatever name.
    pub is_kiln: &'a dyn Fn(&Path) -> bool,
    /// Whether something exists now.
    pub exists: &'a dyn Fn(&Path) -> bool,
    /// Whether it is a directory, or a link to one.
    pub is_directory: &'a dyn Fn(&Path) -> bool,
    /// Where a path leads now, if anything is there.
    pub real_path: &'a dyn Fn(&Path) -> Option<PathBuf>,
}

/// Reads a record; a reason if the run cannot be kept.
pub fn read(record: &Record, scene: &Scene<'_>) -> Result<Evidence, Reason> {
    let made_in = record.events.iter().filter_map(|event| made_by(&event.act)?.parent());
    let spellings = Spellings::new(scene.invocation, scene.real_path, made_in);
    let followed = |paths: &[PathBuf]| paths.iter().map(|path| spellings.place(path).into_owned()).collect();
    let mut reading = Reading {
        scene,
        temporary: followed(scene.temporary),
        responses: followed(scene.responses),
        who: roles(&record.processes, scene),
        linkers: record.processes.iter().map(|process| is_linker(&process.exe)).collect(),
        own: record.processes.iter().map(|process| is_own(&process.exe, scene)).collect(),
        careful: match scene.invocation.family {
            Family::Script => record.processes.iter().map(|process| is_careful(&process.exe)).collect(),
            _ => Vec::new(),
        },
        walkers: record.processes.iter().map(|process| is_walker(&process.exe)).collect(),
        bashes: record.processes.iter().map(|process| is_bash(&process.exe)).collect(),
        rustcs: match scene.invocation.family {
            Family::Script => record.processes.iter().map(|process| (scene.is_rustc)(&process.exe)).collect(),
            _ => Vec::new(),
        },
        proper: record.processes.iter().map(|process| is_compiler_proper(&process.exe)).collect(),
        mapped: scene.invocation.places.remapped(),
        searched: scene.search.iter().map(|directory| directory.as_os_str()).collect(),
        made: Made::default(),
        spellings,
        older: BTreeSet::new(),
        late: HashMap::new(),
        found: Evidence::default(),
    };
    let unknown = scene.invocation.family == Family::Rustc && reading.who.first() == Some(&Who::Macro);
    if unknown && !scene.responses.is_empty() {
        return Err(Reason::UncachedFlag(args::IN_A_FILE.to_owned())); // it may do anything with the file's name
    }
    for (process, who) in record.processes.iter().zip(reading.who.clone()) {
        reading.process(process, who);
    }
    for event in &record.events {
        reading.event(event)?;
    }
    for (index, process) in record.processes.iter().enumerate() {
        reading.libraries(index, process)?;
    }
    reading.finish()
}

/// What an act makes, if it does.
fn made_by(act: &Act) -> Option<&Path> {
    match act {
        Act::Open { path, mode, errno: 0 } if mode.write || mode.create => Some(path),
        Act::Create { path, errno: 0, .. } | Act::Rename { to: path, errno: 0, .. } => Some(path),
        _ => None,
    }
}

/// The role of every process: the root is the compiler, what its own code starts is a linker, what loaded code or an
/// unknown wrapper starts is a macro's.
fn roles(processes: &[Process], scene: &Scene<'_>) -> Vec<Who> {
    if scene.invocation.family == Family::Script {
        let called = |exe: &Path| is_linker(exe) || is_c_tool(exe) || is_helper(exe);
        let installed = |exe: &Path| is_of_the_system(exe) || is_of_the_toolchain(exe, scene);
        let known = |exe: &Path| is_own(exe, scene) || called(exe) && installed(exe) || (scene.is_rustc)(exe);
        let role = |process: &Process| if known(&process.exe) { Who::Tool } else { Who::Macro };
        return processes.iter().map(role).collect();
    }
    if scene.invocation.family.is_c() {
        let role = |process: &Process| if is_c_tool(&process.exe) { Who::Tool } else { Who::Macro };
        return processes.iter().map(role).collect();
    }
    let mut roles: Vec<Who> = Vec::with_capacity(processes.len());
    for process in processes {
        let parent = process.parent.map(|at| at as usize);
        let ours = (scene.owns)(&process.exe);
        let role = match parent.and_then(|at| Some((roles.get(at)?, &processes[at]))) {
            None if ours => Who::Compiler,
            None => Who::Macro, // a wrapper that kiln does not know: whatever it looks at counts
            Some((Who::Macro, parent)) if parent.parent.is_none() && ours && is_compiler(&process.exe) => {
                Who::Compiler
            }
            Some((Who::Macro, _)) => Who::Macro,
            Some(_) if process.spawned_by == By::Loaded => Who::Macro,
            Some(_) => Who::Linker,
        };
        roles.push(role);
    }
    roles
}

/// Whether a program is kiln itself, which says what its answers hang on.
fn is_own(exe: &Path, scene: &Scene<'_>) -> bool {
    scene.own.is_some_and(|own| same(own, exe))
}

/// The drivers and linkers whose reading of the environment is known: they ask by name. Debian's carry their target in
/// front and their version behind.
fn is_linker(exe: &Path) -> bool {
    const KNOWN: [&str; 18] = [
        "cc",
        "c++",
        "gcc",
        "g++",
        "clang",
        "clang++",
        "collect2",
        "lto-wrapper",
        "lto1",
        "as",
        "ld",
        "ld.bfd",
        "ld.gold",
        "ld.lld",
        "lld",
        "rust-lld",
        "mold",
        "wild",
    ];
    let Some(name) = exe.file_name().and_then(OsStr::to_str) else { return false };
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    let bare = unversioned.rsplit_once("-linux-gnu-").map_or(unversioned, |(_, bare)| bare);
    KNOWN.contains(&bare) || KNOWN.contains(&name)
}

/// The programs that a C compile is known to consist of, with a target in front or a version behind.
fn is_c_tool(exe: &Path) -> bool {
    const KNOWN: [&str; 10] =
        ["cc", "c++", "gcc", "g++", "clang", "clang++", "cc1", "cc1plus", "cc1obj", "cc1objplus"];
    let Some(name) = exe.file_name().and_then(OsStr::to_str) else { return false };
    let is = |tool: &str| name == tool || name.strip_suffix(tool).is_some_and(|rest| rest.ends_with('-'));
    // (gcc splits debug information off an object with objcopy)
    // (clang-cl is clang, unless somebody copied it)
    let is_clang_cl = || is("clang-cl") || name.starts_with("clang-cl-");
    if KNOWN.contains(&name) || is("as") || is("objcopy") || is_clang_cl() {
        return true;
    }
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    KNOWN.contains(&unversioned.rsplit('-').next().unwrap_or_default())
}

/// The shell that has no variable for its user, and those of coreutils that ask for it only to know whether they may do everything.
fn is_careful(exe: &Path) -> bool {
    const KNOWN: [&str; 8] = ["dash", "cp", "mv", "rm", "ln", "mkdir", "install", "chmod"];
    let name = exe.file_name().and_then(OsStr::to_str).unwrap_or_default();
    KNOWN.contains(&name) && is_of_the_system(exe)
}

/// Whether a program is where the system's own are: elsewhere a name says nothing.
fn is_of_the_system(exe: &Path) -> bool {
    const ROOTS: [&str; 6] = ["/usr/bin", "/bin", "/usr/lib", "/usr/libexec", "/lib", "/usr/lib64"];
    ROOTS.iter().any(|root| below(exe, Path::new(root)).is_some())
}

/// Whether it is one of the toolchain's own, by where that is and not by what a directory is called.
fn is_of_the_toolchain(exe: &Path, scene: &Scene<'_>) -> bool {
    scene.rustlib.is_some_and(|root| below(exe, root).is_some())
}

/// Those of the system's that ask for the kind of a file system to walk it faster, besides the careful ones.
fn is_walker(exe: &Path) -> bool {
    const KNOWN: [&str; 5] = ["find", "grep", "chown", "tail", "cat"];
    let name = exe.file_name().and_then(OsStr::to_str).unwrap_or_default();
    is_of_the_system(exe) && KNOWN.contains(&name)
}

fn is_bash(exe: &Path) -> bool {
    is_of_the_system(exe) && exe.file_name() == Some(OsStr::new("bash"))
}

/// Other programs that build scripts run and that are known to ask for variables by name. (What they ask of limits and the time is how
/// many files they may open, and what their temporary ones are called.)
fn is_helper(exe: &Path) -> bool {
    const KNOWN: [&str; 8] = ["ar", "ranlib", "nm", "strip", "objcopy", "objdump", "readelf", "pkgconf"];
    let Some(name) = exe.file_name().and_then(OsStr::to_str) else { return false };
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    KNOWN.contains(&unversioned.rsplit('-').next().unwrap_or_default()) || name == "pkg-config"
}

fn is_compiler_proper(exe: &Path) -> bool {
    exe.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("cc1"))
}

fn is_compiler(exe: &Path) -> bool {
    matches!(exe.file_name().and_then(OsStr::to_str), Some("rustc" | "clippy-driver"))
}

struct Reading<'a> {
    scene: &'a Scene<'a>,
    who: Vec<Who>,
    /// Whether the program of each process is one whose reading is known.
    linkers: Vec<bool>,
    /// Whether it is gcc's compiler proper.
    proper: Vec<bool>,
    /// Whether it is kiln itself.
    own: Vec<bool>,
    /// Whether it is a program that asks who it is and tells nobody; only where a script runs it.
    careful: Vec<bool>,
    /// Whether it walks directories and asks what file system they are on; whether it is bash.
    walkers: Vec<bool>,
    bashes: Vec<bool>,
    /// Whether it is a toolchain's rustc; only where a script runs it.
    rustcs: Vec<bool>,
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

impl Reading<'_> {
    fn ask(&mut self, question: Question) {
        self.found.questions.insert(question);
    }

    fn placed(&self, who: Who, path: &Path) -> Placed {
        match who {
            // What a macro sees is literal; only where the user maps the workspace, its files are those of this one.
            Who::Macro => self.mapped.place(path),
            Who::Compiler | Who::Linker => self.spellings.placed(path, &self.scene.invocation.places),
            Who::Tool => self.scene.invocation.places.place(path),
        }
    }

    /// The program and the libraries a process consists of. The compiler's own are its toolchain; system libraries under
    /// it do not reach its output.
    fn process(&mut self, process: &Process, who: Who) {
        if who == Who::Compiler || is_own(&process.exe, self.scene) {
            return;
        }
        let script = self.is_script() && process.parent.is_none();
        if !script && who == Who::Macro || who == Who::Linker && !is_linker(&process.exe) {
            // A shell or an interpreter takes over its whole environment, without asking for a name.
            self.ask(Question::Environ);
        }
        for file in process.modules.iter().chain([&process.exe]) {
            if file.is_absolute() && !(self.scene.owns)(file) && !is_of_the_kernel(file) {
                self.ask(Question::File(Placed::literal(file)));
            }
            let examined = who == Who::Macro && !self.scene.invocation.family.is_c();
            if examined && file.is_absolute() && !is_of_the_kernel(file) {
                self.found.programs.insert(file.clone());
            }
        }
    }

    /// Where the loader looked for the libraries of a process, and found nothing yet. The compiler's own at its start are the toolchain's.
    fn libraries(&mut self, index: usize, process: &Process) -> Result<(), Reason> {
        let late = self.late.remove(&(index as u32)).unwrap_or_default();
        if self.own[index] {
            return Ok(());
        }
        let who = self.who[index];
        let foreign = |path: &Path| path.is_absolute() && !(self.scene.owns)(path) && !is_of_the_kernel(path);
        if matches!(who, Who::Compiler | Who::Macro) && late.is_in_doubt(foreign) {
            let what = format!("{} ended without a word about what it had loaded", process.exe.display());
            return Err(Reason::Unrecorded(what));
        }
        let at_start = process.modules.iter().filter(|_| who != Who::Compiler);
        let libraries = at_start.chain(late.searched_for()).filter(|path| foreign(path));
        let search = loader::search(process, &late, libraries, self.scene.library_path)?;
        if !search.names.is_empty() && !self.scene.invocation.family.is_c() {
            self.ask(Question::File(Placed::literal(Path::new("/etc/ld.so.preload"))));
        }
        search.names.into_iter().for_each(|name| self.ask(Question::Library(name)));
        let who = if who == Who::Compiler { Who::Macro } else { who };
        for path in &search.places {
            let by_processor = || path.parent().is_some_and(|above| search.directories.contains(above));
            let is_choice =
                path.file_name().is_some_and(|name| inputs::BY_PROCESSOR.iter().any(|it| name == *it));
            if is_choice && by_processor() && (self.scene.exists)(path) {
                return Err(Reason::Asked(format!(
                    "the loader chooses by the processor in {}",
                    path.display()
                )));
            }
            if !self.is_made(path) && !self.spellings.holds(&self.place(path)) {
                let placed = self.placed(who, path);
                self.ask(Question::Absent(placed));
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), Reason> {
        let who = match self.who.get(event.process as usize) {
            Some(Who::Compiler) if event.by == By::Loaded => Who::Macro,
            Some(who) => *who,
            None => return Err(Reason::Unrecorded("a process that never reported".into())),
        };
        match &event.act {
            Act::Open { path, mode, errno } => self.open(who, event.process, (path, *mode), *errno),
            Act::Stat { path, follow, errno } => {
                let directory = || who == Who::Tool && (self.scene.is_directory)(path);
                if *errno == 0 && (!follow && self.counts_every_look(who, event.process) || directory()) {
                    self.looked_at_itself(who, path);
                }
                self.asked_about(who, event.process, path, *errno)
            }
            Act::Access { path, errno, .. } => self.asked_about(who, event.process, path, *errno),
            Act::ReadLink { path, errno } | Act::RealPath { path, errno } => {
                self.resolved(who, event.process, path, *errno)
            }
            Act::List { path, errno } => self.listed(who, path, *errno),
            Act::Load { path, errno } => {
                if *errno == 0 {
                    self.late.entry(event.process).or_default().ask(path);
                }
                self.loaded(who, event.process, path, *errno)
            }
            Act::Loaded { path, search } => {
                self.late.entry(event.process).or_default().find(path, search);
                self.loaded(who, event.process, path, 0)
            }
            Act::LoadedAll => {
                self.late.entry(event.process).or_default().end();
                Ok(())
            }
            Act::Getenv { name } => self.variable(who, event.process, name),
            Act::Search if self.is_script() => Ok(()), // what is found, and what is not, is asked instead
            Act::Search => self.variable(who, event.process, b"PATH"),
            Act::Question { question } => self.told(event.process, question),
            Act::Probe { path, .. } if self.is_script() && self.is_searched(path) => {
                self.searched_for(who, path);
                Ok(())
            }
            Act::Probe { path, present } => self.looked(who, path, if *present { 0 } else { ENOENT }),
            Act::Exec { path, .. } if self.is_script() && (self.scene.is_kiln)(path) => Ok(()),
            Act::Exec { path, errno } => {
                self.found.code.insert(path.clone());
                self.opened(who, event.process, path, *errno)
            }
            Act::Rename { from, to, errno } if *errno == 0 => self.renamed(from, to),
            Act::Remove { path, errno } if *errno == 0 => self.removed(path),
            Act::Remove { path, errno } if who == Who::Tool => self.had_nothing_to_remove(path, *errno),
            Act::Create { path, what: What::Symlink | What::Link, errno: 0 } if who == Who::Macro => {
                // What it shows is not its own: reading through it would look like reading what the run made.
                Err(Reason::WroteElsewhere(format!("{} (a link)", path.display())))
            }
            Act::Create { path, what: What::Dir | What::TempDir, errno: 0 } => {
                let place = self.spellings.place(path);
                if !self.spellings.is_private(&place) {
                    self.made.add_directory(&place);
                }
                Ok(())
            }
            Act::Create { path, errno, .. } if *errno == 0 => {
                self.make(path);
                Ok(())
            }
            Act::Create { path, errno, .. } => self.looked(who, path, *errno),
            Act::Modify { path, errno } if *errno == 0 => {
                self.may_write(path, false)?;
                self.written(path, false)
            }
            Act::Rename { .. } | Act::Remove { .. } | Act::Modify { .. } => Ok(()),
            Act::Ask(ask) => self.asked(who, event.process, *ask),
        }
    }

    fn open(
        &mut self,
        who: Who,
        process: u32,
        (path, mode): (&Path, OpenMode),
        errno: i32,
    ) -> Result<(), Reason> {
        let both = mode.read && mode.write;
        if who == Who::Macro && path == Path::new(TERMINAL) {
            self.terminal(process, both, errno)
        } else if who == Who::Macro && both && errno == 0 && is_of_the_kernel(path) {
            self.no_secret_door(who, path)
        } else if errno == 0 && (mode.write || mode.create || mode.truncate) {
            let anew = mode.create && mode.truncate && self.is_temporary(path);
            self.may_write(path, mode.exclusive || anew)?;
            self.written(path, mode.read && !mode.truncate)
        } else if errno == 0 && !mode.read {
            self.looked(who, path, 0) // only to name it
        } else {
            self.opened(who, process, path, errno)
        }
    }

    /// Whether a look at this path says nothing about the inputs.
    fn beside_the_point(&self, who: Who, path: &Path) -> bool {
        let place = &*self.place(path);
        if self.made.holds(place) || is_of_the_kernel(place) || self.spellings.holds(place) {
            return true;
        }
        let is_one_of = |paths: &[PathBuf]| paths.iter().any(|known| same(known, place));
        // (of rustc the compiler itself: what a macro sees in it may be its name)
        if matches!(who, Who::Tool | Who::Compiler) && is_one_of(&self.responses) {
            return true;
        }
        if who == Who::Tool && is_one_of(&self.temporary) {
            return true;
        }
        who != Who::Macro
            && (self.owns(path, place) || self.spellings.is_private(place) || self.spellings.declares(place))
    }

    fn place<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        self.spellings.place(path)
    }

    /// Whether it belongs to the toolchain, and is still there where a path with `..` in it leads.
    fn owns(&self, path: &Path, place: &Path) -> bool {
        (self.scene.owns)(path) && (!spellings::has_detour(path) || (self.scene.owns)(place))
    }

    fn is_of_the_kernel(&self, path: &Path) -> bool {
        is_of_the_kernel(&self.place(path))
    }

    fn is_made(&self, path: &Path) -> bool {
        self.made.holds(&self.place(path))
    }

    fn is_script(&self) -> bool {
        self.scene.invocation.family == Family::Script
    }

    /// Whether it is directly in a directory of `$PATH`.
    fn is_searched(&self, path: &Path) -> bool {
        path.parent().is_some_and(|directory| self.searched.contains(directory.as_os_str()))
    }

    /// A build script's search for a program: what `$PATH` names for it, and whether it is in this very place, since it may be searched
    /// for along another path than kiln's own.
    fn searched_for(&mut self, who: Who, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        self.ask(Question::Program(name.as_bytes().to_vec()));
        if !(self.scene.is_kiln)(path) && !self.is_made(path) {
            let placed = self.placed(who, path);
            self.ask(Question::Absent(placed));
        }
    }

    /// What kiln says of a compile that the run asked it for. Only kiln may say so: a script could write anything.
    fn told(&mut self, process: u32, question: &[u8]) -> Result<(), Reason> {
        let own = self.own.get(process as usize).is_some_and(|own| *own);
        let question = Question::read(&mut Reader(question));
        let Some(question) = question.ok().filter(|_| own) else {
            return Err(Reason::Unrecorded("a process that says it is kiln".into()));
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

    fn is_dependency(&self, path: &Path) -> bool {
        let placed = self.spellings.placed(path, &self.scene.invocation.places);
        matches!(placed.place, kiln_action::Place::Deps(_) | kiln_action::Place::Out)
    }

    /// Whether a file that is called like an output was there before. It is an input, unless the run replaces it: rustc and
    /// the known linkers open what they are about to replace (lld, to unlink it in the background) and do not read it.
    fn is_older_than_the_run(&self, who: Who, path: &Path) -> bool {
        let place = self.place(path);
        let called =
            || who != Who::Macro && self.spellings.declares(&place) && !self.spellings.is_private(&place);
        called() && !self.made.holds(&place) && !is_of_the_kernel(&place) && !self.owns(path, &place)
    }

    /// gcc's compiler proper looks for an output only where a source asks for it (`__has_include("a.d")`, `#include "a.d"`),
    /// and clang for the rule for make: then the run hangs on what an earlier one left, which nothing can be asked about once this one has written.
    fn asks_for_no_output(&self, who: Who, process: u32, path: &Path) -> Result<(), Reason> {
        let place = self.place(path);
        let proper = || self.proper.get(process as usize).is_some_and(|proper| *proper);
        let depfile = self.scene.invocation.depfile.as_ref();
        let depends = || depfile.is_some() && self.spellings.output(&place).as_ref() == depfile;
        let asked = || proper() && self.spellings.declares(&place) || depends();
        if who == Who::Tool && asked() && !self.is_made(path) && !self.is_script() {
            return Err(Reason::Asked(format!(
                "a source asks for {}, which the compile writes",
                path.display()
            )));
        }
        Ok(())
    }

    fn opened(&mut self, who: Who, process: u32, path: &Path, errno: i32) -> Result<(), Reason> {
        self.asks_for_no_output(who, process, path)?;
        if errno == 0 && self.is_older_than_the_run(who, path) {
            self.older.insert(self.spellings.output(&self.place(path)).unwrap_or_else(|| path.to_owned()));
            return Ok(());
        }
        if self.beside_the_point(who, path) {
            let source = || !self.is_script() || self.proper.get(process as usize).is_some_and(|it| *it);
            let odd = who == Who::Tool
                && errno == 0
                && self.is_of_the_kernel(path)
                && !is_known_of_the_kernel(path);
            if odd && source() {
                return Err(Reason::Asked(format!("a source reads {}", path.display())));
            }
            return self.no_secret_door(who, path);
        }
        if errno != 0 {
            return self.looked(who, path, errno);
        }
        self.read(who, path);
        Ok(())
    }

    fn read(&mut self, who: Who, path: &Path) {
        self.found.opened.insert(path.to_owned());
        let placed = self.placed(who, path);
        if self.is_script() {
            self.ask(Question::Mode(placed.clone())); // which a copy takes along
        }
        self.ask(Question::File(placed));
    }

    /// A macro that reads `/proc/self/cmdline` or a device asks something no question stands for.
    fn no_secret_door(&self, who: Who, path: &Path) -> Result<(), Reason> {
        const HARMLESS: [&str; 7] = [
            "/dev/null",
            "/dev/zero",
            "/dev/full",
            "/dev/urandom",
            "/dev/random",
            "/proc/self/exe",
            "/proc/self/maps",
        ];
        let kernel = who == Who::Macro && self.is_of_the_kernel(path) && !self.is_made(path);
        // The jobserver's, or a file that was seen when it was opened; and what coreutils look at to see whether files have labels.
        let labels =
            || below(path, Path::new("/sys/fs/selinux")).is_some() || path == Path::new("/proc/filesystems");
        if kernel && self.is_script() && (is_descriptor(path) || labels()) {
            return Ok(());
        }
        if kernel && !HARMLESS.iter().any(|known| path == Path::new(known)) {
            return Err(Reason::Asked(path.display().to_string()));
        }
        Ok(())
    }

    /// Whether there is a terminal can be asked for; what somebody types there cannot. (bash opens it at its start, to see whether it is
    /// there.)
    fn terminal(&mut self, process: u32, both: bool, errno: i32) -> Result<(), Reason> {
        let bash = self.bashes.get(process as usize).is_some_and(|it| *it);
        if errno == 0 && !(bash && both) {
            return Err(Reason::Asked(TERMINAL.into()));
        }
        self.ask(Question::Given(Given::Terminal));
        Ok(())
    }

    /// Whether what `stat` tells may decide: macros, and programs in front of the linker that nobody knows.
    fn counts_every_look(&self, who: Who, process: u32) -> bool {
        let known = |at: u32| self.linkers.get(at as usize).is_none_or(|known| *known);
        who == Who::Macro || who == Who::Linker && !known(process)
    }

    fn asked_about(&mut self, who: Who, process: u32, path: &Path, errno: i32) -> Result<(), Reason> {
        if who == Who::Macro && errno == 0 && self.is_made(path) {
            self.ask(Question::Given(Given::Umask)); // which shows in the permissions of what it made
        }
        self.asks_for_no_output(who, process, path)?;
        let there = !matches!(errno, ENOENT | ENOTDIR); // what it may not do counts as well
        let counts = who == Who::Linker && there && self.counts_every_look(who, process);
        if counts && !self.beside_the_point(who, path) {
            let placed = self.placed(who, path);
            self.ask(Question::Kind(placed));
        }
        self.looked(who, path, errno)
    }

    /// `lstat`: what is there before any link is followed. Compilers tell from `stat` whether two names are one directory, and
    /// look in it once, for headers of the system if either name says so.
    fn looked_at_itself(&mut self, who: Who, path: &Path) {
        if !self.beside_the_point(who, path) {
            let placed = self.placed(who, path);
            self.ask(Question::Real(placed));
        }
    }

    fn looked(&mut self, who: Who, path: &Path, errno: i32) -> Result<(), Reason> {
        if self.beside_the_point(who, path) {
            return self.no_secret_door(who, path);
        }
        let missing = matches!(errno, ENOENT | ENOTDIR);
        let source = path.extension().is_some_and(|extension| extension == "rs"); // `foo/mod.rs` beside `foo.rs`
        let of_rustc = matches!(who, Who::Compiler | Who::Linker);
        if of_rustc && !source && self.is_dependency(path) && (missing || who == Who::Compiler) {
            return Ok(()); // which files of a dependency are there yet is pipelining's affair; externs are in the key
        }
        if missing {
            self.found.absent.insert(path.as_os_str().to_owned());
        }
        if who != Who::Macro
            && let (Some(directory), Some(name)) = (path.parent(), path.file_name())
            && self.searched.contains(directory.as_os_str())
        {
            self.ask(Question::Program(name.as_bytes().to_vec()));
        }
        let placed = self.placed(who, path);
        self.ask(if who == Who::Macro { Question::Kind(placed) } else { Question::Absent(placed) });
        Ok(())
    }

    fn resolved(&mut self, who: Who, process: u32, path: &Path, errno: i32) -> Result<(), Reason> {
        // Where a dependency really lies is in no output; its content is asked for.
        let known = !self.counts_every_look(who, process) && who != Who::Tool;
        if self.beside_the_point(who, path) || known && self.is_dependency(path) {
            return self.no_secret_door(who, path);
        }
        if matches!(errno, ENOENT | ENOTDIR) {
            if who == Who::Tool {
                return self.looked(who, path, errno); // gcc asks so for every place where a header might be
            }
            self.found.absent.insert(path.as_os_str().to_owned());
        }
        let placed = self.placed(who, path);
        if who == Who::Macro && placed.place != kiln_action::Place::Literal {
            self.ask(Question::Argv); // it sees where the mapped workspace really is
        }
        self.ask(Question::Real(placed));
        Ok(())
    }

    fn listed(&mut self, who: Who, path: &Path, errno: i32) -> Result<(), Reason> {
        if self.beside_the_point(who, path) || who == Who::Compiler && self.is_dependency(path) {
            return self.no_secret_door(who, path);
        }
        if errno != 0 {
            return self.looked(who, path, errno);
        }
        let placed = self.placed(who, path);
        self.ask(Question::Listing(placed));
        Ok(())
    }

    /// Code that was not there when the process started: proc macros, and what they bring with them. It is to be examined,
    /// whoever loaded it.
    fn loaded(&mut self, who: Who, process: u32, path: &Path, errno: i32) -> Result<(), Reason> {
        if !path.is_absolute() {
            return match who {
                // The loader's search for a bare name is not seen; a linker's plugins are named by path.
                Who::Macro => Err(Reason::Untrusted(format!("a macro loaded {}", path.display()))),
                Who::Compiler | Who::Linker => Ok(()),
                Who::Tool => Err(Reason::Untrusted(format!("the compiler loaded {}", path.display()))),
            };
        }
        self.found.code.insert(path.to_owned());
        if errno == 0 && matches!(who, Who::Compiler | Who::Macro) && !self.owns(path, &self.place(path)) {
            self.found.macros.insert(path.to_owned());
        }
        self.opened(if who == Who::Macro { Who::Compiler } else { who }, process, path, errno)
    }

    fn variable(&mut self, who: Who, process: u32, name: &[u8]) -> Result<(), Reason> {
        let text = std::str::from_utf8(name).unwrap_or("");
        let inert = match who {
            // rustc's own reads: those that count are in the WeakKey, those that do not are listed with the reason
            // (PATH only for starting the linker, which is asked for as a program)
            Who::Compiler => {
                // Only dep-info tells these from `env!("CI")`; nobody means the jobserver by that.
                let told = self.scene.invocation.outputs.dep_info || text.ends_with("FLAGS");
                told && (variables::is_inert(text) || variables::SEARCH.contains(&text))
                    || self.scene.invocation.environment.contains(&text)
            }
            Who::Linker => variables::SEARCH.contains(&text) || variables::is_linker_inert(text),
            Who::Macro | Who::Tool if self.is_script() => {
                let rustc =
                    || self.rustcs.get(process as usize).is_some_and(|it| *it) && variables::is_inert(text);
                let tool = || variables::is_linker_inert(text) || rustc();
                script::is_inert(text) || (self.scene.ignored)(name) || who == Who::Tool && tool()
            }
            Who::Macro => (self.scene.ignored)(name),
            Who::Tool => {
                text == "PATH"
                    || c_variables::is_inert(text)
                    || self.scene.invocation.environment.contains(&text)
            }
        };
        if !inert && who == Who::Compiler {
            self.found.variables.insert(name.to_vec());
        } else if !inert {
            self.ask(Question::Env(name.to_vec()));
        }
        Ok(())
    }

    fn asked(&mut self, who: Who, process: u32, ask: Ask) -> Result<(), Reason> {
        match who {
            Who::Macro => {}
            Who::Tool => return self.asked_by_tool(ask),
            Who::Compiler | Who::Linker => return Ok(()),
        }
        let is = |list: &[bool]| list.get(process as usize).is_some_and(|it| *it);
        if is(&self.careful) && matches!(ask, Ask::User | Ask::Pid) {
            return Ok(()); // at its start, to be careful where it has another user's rights
        }
        if (is(&self.careful) || is(&self.walkers)) && ask == Ask::Space {
            return Ok(()); // how to walk it fastest
        }
        let what = match ask {
            // A map with random hashing asks for it; a result that depends on it is as good as any other run's.
            Ask::Random => return Ok(()),
            Ask::Cwd => {
                if !self.mapped.roots().is_empty() {
                    self.ask(Question::Argv);
                }
                return Ok(()); // the directory is in the key
            }
            Ask::Time => "asks for the time",
            Ask::Monotonic => "asks for the uptime",
            Ask::Pid => "asks for the process id",
            Ask::Host => "asks for the host's name",
            Ask::User => "asks for the user",
            Ask::Cpus => "asks for the number of processors",
            Ask::Limits => "asks for the machine's limits",
            Ask::Network => "uses the network",
            Ask::Date => "asks for the time zone",
            Ask::Utc => return Ok(()), // a conversion only: the time itself is asked for elsewhere
            Ask::Umask => return self.given(Given::Umask),
            Ask::Signals => return self.given(Given::Signals),
            Ask::Processor => return self.given(Given::Processor),
            Ask::Terminal => "asks the user at the terminal",
            Ask::Attributes => "looks at or sets extended attributes",
            Ask::Space => "asks about a file system",
            Ask::Others => "looks at other processes",
            Ask::Unknown => "makes a system call that kiln does not know",
            Ask::Unseen => "has libc look at what kiln does not see",
        };
        let whose = if self.is_script() { "a build script" } else { "a macro" };
        Err(Reason::Asked(format!("{whose} {what}")))
    }

    fn given(&mut self, what: Given) -> Result<(), Reason> {
        self.ask(Question::Given(what));
        Ok(())
    }

    /// gcc and clang ask for the time, chance and their number for temporary names and statistics; a date only where a
    /// source expands one.
    fn asked_by_tool(&self, ask: Ask) -> Result<(), Reason> {
        match ask {
            Ask::Date if !self.scene.dates => {
                Err(Reason::Asked("a source expands __DATE__, __TIME__ or __TIMESTAMP__".into()))
            }
            Ask::Network => Err(Reason::Asked("the compiler uses the network".into())),
            _ => Ok(()),
        }
    }

    /// Whether it is directly in a directory for temporary files.
    fn is_temporary(&self, path: &Path) -> bool {
        let place = self.place(path);
        let parent = place.parent();
        parent.is_some_and(|parent| self.temporary.iter().any(|directory| same(directory, parent)))
    }

    /// A build script may do what it likes anywhere. What it writes to and has not made was there before, or it may have been: what was in
    /// it may count, and that it is another file afterwards is an effect that no hit has.
    fn may_write(&self, path: &Path, made_by_it: bool) -> Result<(), Reason> {
        let fine = made_by_it || self.is_of_the_kernel(path) || self.is_made(path) || self.is_allowed(path);
        if fine || !self.is_script() {
            return Ok(());
        }
        Err(Reason::WroteElsewhere(path.display().to_string()))
    }

    fn written(&mut self, path: &Path, also_read: bool) -> Result<(), Reason> {
        if self.is_of_the_kernel(path) {
            return Ok(());
        }
        let known = self.is_made(path) || self.is_allowed(path);
        if also_read && !known && (self.scene.exists)(path) {
            return Err(Reason::WroteElsewhere(path.display().to_string()));
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
    fn is_allowed(&self, path: &Path) -> bool {
        self.spellings.may_leave(&self.place(path))
    }

    fn renamed(&mut self, from: &Path, to: &Path) -> Result<(), Reason> {
        self.may_remove(from)?;
        self.may_write(to, false)?;
        let (from, to) = (self.spellings.place(from), self.spellings.place(to));
        match self.spellings.is_private(&to) {
            true => self.made.remove(&from),
            false => self.made.rename(&from, &to),
        }
        Ok(())
    }

    fn removed(&mut self, path: &Path) -> Result<(), Reason> {
        self.may_remove(path)?;
        self.made.remove(&self.spellings.place(path));
        Ok(())
    }

    fn may_remove(&self, path: &Path) -> Result<(), Reason> {
        if self.is_made(path) || self.is_allowed(path) {
            return Ok(());
        }
        Err(Reason::WroteElsewhere(format!("{} (removed)", path.display())))
    }

    /// What a compiler tries to remove and what is not there: where it is there the run is another. (gcc removes the counts
    /// of an earlier run of the program, `.gcda`, where a fixed seed gives the new ones the same stamp.)
    fn had_nothing_to_remove(&mut self, path: &Path, errno: i32) -> Result<(), Reason> {
        if self.is_temporary(path) || self.is_allowed(path) {
            return Ok(());
        }
        self.looked(Who::Tool, path, errno)
    }

    fn finish(mut self) -> Result<Evidence, Reason> {
        for path in std::mem::take(&mut self.made).into_paths() {
            if !(self.scene.exists)(&path) {
                continue;
            }
            if let Some(output) = self.spellings.output(&path) {
                self.found.outputs.insert(output);
            } else if !self.is_allowed(&path) {
                return Err(Reason::WroteElsewhere(path.display().to_string()));
            }
        }
        for path in std::mem::take(&mut self.older) {
            if !self.found.outputs.contains(&path) {
                self.read(Who::Compiler, &path);
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

/// What the kernel makes up as it is read. `/dev/shm` is a place for files like any other.
fn is_of_the_kernel(path: &Path) -> bool {
    if !matches!(path.as_os_str().as_bytes(), [b'/', b'p' | b's' | b'd' | b'/' | b'.', ..]) {
        return false;
    }
    let is_in = |root: &str| below(path, Path::new(root)).is_some();
    ["/proc", "/sys", "/dev"].into_iter().any(is_in) && !is_in("/dev/shm")
}

/// What compilers open for themselves: the processor is in the key where it counts, how much memory there is decides only
/// when gcc collects its garbage. Anything else there a source has asked for (`#include "/dev/stdin"`).
fn is_known_of_the_kernel(path: &Path) -> bool {
    const KNOWN: [&str; 9] = [
        "/dev/null",
        "/dev/urandom",
        "/dev/random",
        "/dev/tty",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/self/exe",
        "/proc/self/maps",
        "/proc/self/status",
    ];
    KNOWN.iter().any(|known| path == Path::new(known)) || path.starts_with("/sys/devices/system")
}

/// An open file by its number, other than the standard streams.
fn is_descriptor(path: &Path) -> bool {
    let directories = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    let number = path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
    path.parent().is_some_and(|directory| directories.contains(&directory)) && number.is_some_and(|it| it > 2)
}

/// The terminal of whoever sits there.
const TERMINAL: &str = "/dev/tty";
const ENOENT: i32 = 2;
const ENOTDIR: i32 = 20;

#[cfg(test)]
mod tests;
