//! A miss, kept: what the run declared and what was observed become a Shape, today's answers an ActionKey, its outputs
//! blobs. Finished before the wrapper exits; blobs first, then the result, then the Shape.
//!
//! Nothing is kept unless every input stood still from before the compiler started until its answer was taken, the run was
//! recorded completely, and it wrote nothing but its outputs.

use crate::c;
use crate::evidence::{self, Evidence, Scene};
use crate::generated;
use crate::guilt;
use crate::inputs::{self, Answers, World};
use crate::project;
use crate::switches;
use crate::toolchain::{self, Owned};
use kiln_action::template::Spelling;
use kiln_action::{
    ActionKey, ActionResult, Answer, Digest, Family, FileKind, Given, Output, OutputPlan, Place, Placed,
    Question, Reason, Role, Shape, Stream, Template, WeakKey,
};
use kiln_compiler::rustc::{depinfo, table};
use kiln_recorder::{Record, Unrecorded};
use kiln_store::{Content, Keep, Key, LocalStore, Store, StoreError};
use kiln_sys::clock::Moment;
use kiln_sys::files;
use kiln_sys::identity::{self, Found, Writer};
use kiln_sys::process;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run that ended well.
pub struct Ran {
    /// What the recorder saw.
    pub record: Result<Record, Unrecorded>,
    /// What it said, in order.
    pub said: Vec<(Stream, Vec<u8>)>,
    /// Its exit code: 0, or 1 for a probe.
    pub exit_code: u8,
    /// When it was asked for; the command line was read after that.
    pub called: Moment,
    /// When it was started.
    pub started: Moment,
    /// How long it took.
    pub took: Duration,
}

/// Where it is kept.
pub struct Shelf<'a> {
    /// The store.
    pub store: &'a LocalStore,
    /// Where what is known of macros' files is remembered.
    pub guilt: &'a Path,
}

/// What was kept.
pub struct Kept {
    /// Bytes of its outputs.
    pub bytes: u64,
    /// Under which name.
    pub key: ActionKey,
    /// What it had asked.
    pub shape: Shape,
    /// What it was answered, in the Shape's order.
    pub answers: Vec<Answer>,
    /// The files that it made.
    pub outputs: Vec<PathBuf>,
}

/// What the recorder saw of a run, read.
fn observed(record: &Record, world: &World<'_>, toolchain: &Owned) -> Result<Evidence, Reason> {
    let search = inputs::search_path(world.environment);
    let exists = |path: &Path| files::lstat(path).is_ok_and(|found| found.is_some());
    let is_directory = |path: &Path| {
        files::stat(path).is_ok_and(|found| found.is_some_and(|it| it.kind == FileKind::Directory))
    };
    let owns = |path: &Path| toolchain.owns(path);
    let ignored = |name: &[u8]| switches::is_ignored(world.settings, name);
    let temporary = inputs::temporary_directories(world);
    let own = kiln_sys::env::own_program();
    let rustlib = rustlib(world);
    let scene = Scene {
        invocation: world.invocation,
        owns: &owns,
        search: &search,
        library_path: world.environment.get("LD_LIBRARY_PATH"),
        ignored: &ignored,
        responses: world.responses,
        temporary: &temporary,
        dates: world.settings.time_macros,
        own: own.as_deref(),
        rustlib: rustlib.as_deref(),
        is_rustc: &|exe| kiln_compiler::is_rustc(exe.as_os_str()) && toolchain::rustc_driver(exe).is_some(),
        is_kiln: &inputs::is_kiln,
        exists: &exists,
        is_directory: &is_directory,
        real_path: &|path| files::real_path(path).ok().flatten(),
    };
    evidence::read(record, &scene)
}

/// Where the toolchain that a script is told of keeps its own programs.
fn rustlib(world: &World<'_>) -> Option<PathBuf> {
    let rustc = world.environment.get("RUSTC").filter(|_| world.invocation.family == Family::Script)?;
    let rustc = files::real_path(&world.invocation.absolute(Path::new(rustc))).ok()??;
    toolchain::rustc_driver(&rustc)?;
    Some(rustc.parent()?.parent()?.join("lib/rustlib"))
}

/// What a run that failed hung on, for whoever is recorded and asked for it: nothing of it is kept.
pub fn asked_by_failed(ran: &Ran, world: &World<'_>, toolchain: &Owned) -> Result<Shape, Reason> {
    let record = ran.record.as_ref().map_err(|silence| Reason::Unrecorded(silence.to_string()))?;
    let mut evidence = observed(record, world, toolchain)?;
    if !evidence.macros.is_empty() {
        return Err(Reason::Untrusted("a macro ran in a compile that failed".into()));
    }
    let named = evidence.variables.iter().map(|name| Question::Env(name.clone()));
    evidence.questions.extend(named);
    ask_preloaded(&mut evidence, world);
    Ok(Shape::new(evidence.questions.into_iter().collect()))
}

/// Keeps a run. Tells what was kept, or why it cannot be.
pub fn capture(
    ran: &Ran,
    weak: &WeakKey,
    world: &World<'_>,
    toolchain: &Owned,
    shelf: &Shelf<'_>,
) -> Result<Kept, Reason> {
    let record = ran.record.as_ref().map_err(|silence| Reason::Unrecorded(silence.to_string()))?;
    if ran.exit_code != 0 && !is_about_the_source(&ran.said) {
        return Err(Reason::Failed); // a full disk, a directory that cannot be written: not an answer
    }
    let script = world.invocation.family == Family::Script;
    let mut evidence = observed(record, world, toolchain)?;
    let texts = if script {
        suspect_script(&mut evidence, world, shelf.guilt)?;
        HashMap::new()
    } else if world.invocation.family.is_c() {
        c::declared(&mut evidence, ran, world)?
    } else {
        let texts = declared(&mut evidence, ran.exit_code, world)?;
        ask_variables(&mut evidence, world);
        texts
    };
    ask_preloaded(&mut evidence, world);
    suspect(&mut evidence, world, shelf.guilt)?;
    if said_something(&ran.said) && !script {
        let names: Vec<&str> = match world.invocation.family.is_c() {
            true => vec![project::TERMINAL],
            false => lazy_names().collect(),
        };
        evidence.questions.extend(names.into_iter().map(|name| Question::Arg(name.as_bytes().to_vec())));
    }
    evidence.questions.extend(switches::questions(world.settings, &world.invocation.places)?);
    let mut shape = Shape::new(evidence.questions.iter().cloned().collect());
    let mut answers = settled_answers(&shape, &evidence, ran, world)?;
    if world.invocation.family.is_c() {
        let more = c::of_twins(&shape, &answers, &evidence, world)?;
        if !more.is_empty() {
            evidence.questions.extend(more);
            shape = Shape::new(evidence.questions.iter().cloned().collect());
            answers = settled_answers(&shape, &evidence, ran, world)?;
        }
    }
    let key = ActionKey::new(weak, shape.questions().iter().zip(&answers));
    let result = keep_outputs(&evidence, ran, weak, world, texts, shelf.store)?;
    if ran.started.clock_jumped() {
        return Err(Reason::ClockJumped);
    }
    let unkept = |error: StoreError| Reason::NoStore(error.to_string());
    shelf.store.put(&Key::Result(key), Content::Bytes(&result.encode(&key))).map_err(unkept)?;
    kiln_store::add_shape(shelf.store, weak, shape.clone()).map_err(unkept)?;
    let bytes = result.blobs().map(|digest| digest.size).sum();
    Ok(Kept { bytes, key, shape, answers, outputs: evidence.outputs.into_iter().collect() })
}

/// The first ring: what the compiler wrote down itself. The record counts only if it saw all of that.
fn declared(
    evidence: &mut Evidence,
    exit_code: u8,
    world: &World<'_>,
) -> Result<HashMap<PathBuf, Template>, Reason> {
    let invocation = world.invocation;
    for path in invocation.externs.iter().filter_map(|krate| krate.path.as_deref()) {
        evidence.questions.insert(Question::File(invocation.places.place(path)));
    }
    let mut texts = HashMap::new();
    let written: Vec<PathBuf> = evidence
        .outputs
        .iter()
        .filter(|path| invocation.outputs.dep_info && is_dep_info(path))
        .cloned()
        .collect();
    if invocation.outputs.dep_info && exit_code == 0 && written.is_empty() {
        return Err(Reason::BadOutputs("no dep-info was written".into()));
    }
    let seen = Seen::new(&evidence.opened);
    // Without dep-info this is all that shows whether the record is of this compile.
    let input = invocation.fields.iter().find(|field| field.name == "input" && !invocation.stdin);
    if let Some(input) = input.map(|field| invocation.absolute(Path::new(&field.value)))
        && !invocation.outputs.stems.is_empty()
        && !seen.holds(&input)
        && !evidence.absent.contains(input.as_os_str())
    {
        return Err(Reason::Unrecorded(format!("{} was read unseen", input.display())));
    }
    for path in written {
        let text = files::read(&path).map_err(|error| Reason::BadOutputs(error.to_string()))?;
        let parsed = depinfo::parse(&text)
            .ok_or_else(|| Reason::BadOutputs(format!("{} is not dep-info", path.display())))?;
        for source in &parsed.inputs {
            let source = invocation.absolute(Path::new(std::ffi::OsStr::from_bytes(source)));
            if evidence.outputs.contains(&source) {
                continue;
            }
            if !seen.holds(&source) {
                return Err(Reason::Unrecorded(format!("{} was read unseen", source.display())));
            }
            evidence.questions.insert(Question::File(invocation.places.place(&source)));
        }
        evidence.variables.extend(parsed.environment.into_iter().map(|(name, _)| name));
        let names = |root: &PathBuf| memchr::memmem::find(&text, root.as_os_str().as_bytes()).is_some();
        if let Some(root) = evidence.aliases.iter().find(|root| names(root)) {
            return Err(Reason::BadOutputs(format!("its dep-info holds the path {}", root.display())));
        }
        let valueless = depinfo::with_environment(&text, &|_| None);
        if inputs::with_values(&valueless, world) != text {
            return Err(Reason::BadOutputs(format!("{} cannot be told again", path.display())));
        }
        texts.insert(path, Template::cut(&valueless, &invocation.places, &[Spelling::Make, Spelling::Plain]));
    }
    Ok(texts)
}

/// What a run opened, by where it leads.
pub struct Seen<'a> {
    opened: &'a HashSet<PathBuf>,
    real: OnceCell<HashSet<PathBuf>>,
}

impl<'a> Seen<'a> {
    /// Of paths as they were spelled.
    pub fn new(opened: &'a HashSet<PathBuf>) -> Seen<'a> {
        Seen { opened, real: OnceCell::new() }
    }

    /// Whether a file is among it. The compiler may call it otherwise where it tells of it than where it opens it: rarely, so
    /// only then it is looked where all of them are.
    pub fn holds(&self, path: &Path) -> bool {
        let lead = |path: &Path| files::real_path(path).ok().flatten();
        let all = || self.opened.iter().filter_map(|path| lead(path)).collect();
        self.opened.contains(path)
            || lead(path).is_some_and(|leads| self.real.get_or_init(all).contains(&leads))
    }
}

/// What `env!` and `option_env!` asked for. A macro's own asking for the same variable is in the questions already.
fn ask_variables(evidence: &mut Evidence, world: &World<'_>) {
    for name in std::mem::take(&mut evidence.variables) {
        let literal = Question::Env(name.clone());
        let by_place = name == generated::OUT_DIR
            && !evidence.questions.contains(&literal)
            && is_mapped(&name, world)
            && only_finds_files(evidence, world);
        evidence.questions.insert(if by_place { Question::Where(name) } else { literal });
    }
}

/// What a user preloads into the compiler: its names are in the key, its content is asked for, and where the loader finds it.
fn ask_preloaded(evidence: &mut Evidence, world: &World<'_>) {
    let value = world.environment.get("LD_PRELOAD").unwrap_or_default().as_bytes();
    for word in value.split(|byte| b": \t\n".contains(byte)).filter(|word| word.contains(&b'/')) {
        let path = world.invocation.absolute(Path::new(std::ffi::OsStr::from_bytes(word)));
        evidence.questions.insert(Question::File(Placed::literal(&path)));
    }
    let names =
        value.split(|byte| b": \t\n".contains(byte)).filter(|word| !word.is_empty() && !word.contains(&b'/'));
    for name in names {
        evidence.questions.insert(Question::Library(name.to_vec()));
        if let Some(path) = inputs::find_library(std::ffi::OsStr::from_bytes(name), world) {
            evidence.questions.insert(Question::File(Placed::literal(&path)));
        }
    }
}

fn is_mapped(name: &[u8], world: &World<'_>) -> bool {
    let value = world.environment.get(std::ffi::OsStr::from_bytes(name));
    value.is_some_and(|value| {
        world.invocation.places.remapped().place(Path::new(value)).place != Place::Literal
    })
}

/// Whether the unit's own sources use `OUT_DIR` for nothing but includes, and nothing else it reads (metadata with
/// exported macros, proc macros) knows the word.
fn only_finds_files(evidence: &Evidence, world: &World<'_>) -> bool {
    evidence.questions.iter().all(|question| {
        let Question::File(placed) = question else { return true };
        let Some(path) = world.invocation.places.resolve(placed) else { return false };
        if matches!(placed.place, Place::Deps(_) | Place::Out) {
            return matches!(files::find_any(&path, &[generated::OUT_DIR]), Ok(None));
        }
        files::read(&path).is_ok_and(|source| generated::only_includes(&source))
    })
}

fn is_dep_info(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "d")
}

/// The third ring: macros that could look at things unseen.
fn suspect(evidence: &mut Evidence, world: &World<'_>, memory: &Path) -> Result<(), Reason> {
    for path in std::mem::take(&mut evidence.macros) {
        let Ok(Found::Content(digest, _)) = identity::digest_of(&path, world.memo) else {
            return Err(Reason::Untrusted(format!("{} cannot be read", path.display())));
        };
        evidence.questions.insert(Question::File(world.invocation.places.place(&path)));
        let guilt = guilt::of(&path, &digest, memory)?;
        if guilt.unseen {
            return Err(Reason::Untrusted(format!("{} contains system calls", path.display())));
        }
        if guilt.time {
            return Err(Reason::Asked("a macro takes the time from the processor".into()));
        }
        if guilt.processor {
            evidence.questions.insert(Question::Given(Given::Processor));
        }
        if guilt.environment {
            evidence.questions.insert(Question::Environ);
        }
        let mapped = !world.invocation.places.remapped().roots().is_empty();
        if guilt.arguments || guilt.locations && mapped {
            evidence.questions.insert(Question::Argv);
        }
    }
    Ok(())
}

/// The same of a script's own code: where it walks the environment, all of that counts.
fn suspect_script(evidence: &mut Evidence, world: &World<'_>, memory: &Path) -> Result<(), Reason> {
    let program = &world.invocation.compiler;
    let Ok(Found::Content(digest, _)) = identity::digest_of(program, world.memo) else {
        return Err(Reason::Untrusted(format!("{} cannot be read", program.display())));
    };
    let guilt = guilt::of(program, &digest, memory)?;
    if guilt.unseen_alone {
        return Err(Reason::Untrusted("it contains system calls, or opens libraries".into()));
    }
    if guilt.time {
        return Err(Reason::Asked("a build script takes the time from the processor".into()));
    }
    if guilt.processor {
        evidence.questions.insert(Question::Given(Given::Processor));
    }
    // What it leaves has the permissions of new files, or says of some that it made itself which these are.
    evidence.questions.insert(Question::Given(Given::Umask));
    if guilt.walk {
        evidence.questions.insert(Question::Environ);
    }
    if guilt.handing {
        evidence.questions.insert(Question::Inherited);
    }
    Ok(())
}

/// The arguments that count where diagnostics were rendered.
fn lazy_names() -> impl Iterator<Item = &'static str> {
    table::rows().filter(|flag| matches!(flag.effect, table::Effect::Lazy)).map(|flag| flag.field)
}

/// Whether diagnostics were rendered (anything but cargo's artifact notices), so that the terminal's width counts.
fn said_something(said: &[(Stream, Vec<u8>)]) -> bool {
    let all: Vec<u8> =
        said.iter().filter(|(s, _)| *s == Stream::Err).flat_map(|(_, text)| text.clone()).collect();
    all.split(|&b| b == b'\n').any(|line| !line.is_empty() && !is_notice(line))
}

/// Whether every error that a failed probe told is about the source: with a code, or with a place in it.
fn is_about_the_source(said: &[(Stream, Vec<u8>)]) -> bool {
    let all: Vec<u8> =
        said.iter().filter(|(s, _)| *s == Stream::Err).flat_map(|(_, text)| text.clone()).collect();
    let lines: Vec<&[u8]> = all.split(|&b| b == b'\n').collect();
    let errors = || lines.iter().enumerate().filter(|(_, line)| line.starts_with(b"error"));
    let placed =
        |at: usize| lines.get(at + 1).is_some_and(|next| next.trim_ascii_start().starts_with(b"--> "));
    let fine = |at: usize, line: &[u8]| {
        line.starts_with(b"error[E") || line.starts_with(b"error: aborting due to ") || placed(at)
    };
    errors().next().is_some() && errors().all(|(at, line)| fine(at, line))
}

/// Today's answers, each about something that has not changed since before the run began.
fn settled_answers(
    shape: &Shape,
    evidence: &Evidence,
    ran: &Ran,
    world: &World<'_>,
) -> Result<Vec<Answer>, Reason> {
    let changed = |path: &Path| Reason::InputChanged(path.display().to_string());
    let unanswered = |question: Question<&[u8]>| {
        Reason::InputChanged(format!("{:?} has no answer", question.into_owned()))
    };
    let mut view = Answers::default();
    let questions: Vec<_> = shape.questions().iter().map(Question::borrowed).collect();
    let answers = view.of_all(&questions, world).map_err(unanswered)?;
    let path_of = |question: &Question| world.invocation.places.resolve(question.path()?);
    let asked = shape.questions().iter().zip(&answers);
    let still_absent: HashSet<OsString> = asked
        .filter(|(question, answer)| matches!(question, Question::Absent(_)) && **answer == Answer::Nothing)
        .filter_map(|(question, _)| Some(path_of(question)?.into_os_string()))
        .collect();
    for path in evidence.absent.difference(&still_absent).map(Path::new) {
        if !evidence.outputs.contains(path) && files::lstat(path).is_ok_and(|found| found.is_some()) {
            return Err(changed(path));
        }
    }
    let mut still = Still::since(ran.started.realtime_ns());
    if let Some(link) = still.link_that_changed(&world.invocation.outputs) {
        return Err(changed(&link)); // what is found there now may be another run's
    }
    let mut since_called = Still::since(ran.called.realtime_ns());
    for response in world.responses {
        if !since_called.of(&Question::File(Placed::literal(response)), response, &view) {
            return Err(changed(response));
        }
    }
    for (question, answer) in shape.questions().iter().zip(&answers) {
        let path = path_of(question);
        if let (Question::File(_), Answer::NotAFile(FileKind::Other), Some(path)) = (question, answer, &path)
        {
            return Err(Reason::Asked(format!("{} is no file, and may say anything", path.display())));
        }
        if let Some(path) = path {
            let still = match answer {
                Answer::Nothing if matches!(question, Question::Absent(_)) => still.above(&path),
                Answer::Nothing => !evidence.opened.contains(&path) && still.above(&path),
                _ => still.of(question, &path, &view),
            };
            if !still {
                return Err(changed(&path));
            }
        }
    }
    Ok(answers)
}

/// Whether what was looked at has not changed since the run began.
struct Still {
    since: i64,
    /// Directories and links that are known to be as they were, and all above them, as they are spelled.
    ways: HashSet<OsString>,
    /// The latest of them.
    last: PathBuf,
    /// Links that have been followed.
    links: HashSet<PathBuf>,
}

impl Still {
    fn since(since: i64) -> Still {
        Still { since, ways: HashSet::new(), last: PathBuf::new(), links: HashSet::new() }
    }

    /// A link on the way to outputs that leads elsewhere than before the run, or may.
    fn link_that_changed(&mut self, outputs: &OutputPlan) -> Option<PathBuf> {
        let parents = outputs.files.iter().filter_map(|file| file.parent());
        let directories =
            [outputs.directory.as_path()].into_iter().chain(outputs.tree.as_deref()).chain(parents);
        let on_the_way: HashSet<&Path> = directories.flat_map(Path::ancestors).collect();
        let is_link =
            |path: &Path| files::lstat(path).ok().flatten().filter(|stat| stat.kind == FileKind::Symlink);
        let changed = |path: &&Path| is_link(path).is_some_and(|stat| !self.part(path, &stat));
        on_the_way.into_iter().find(changed).map(Path::to_owned)
    }

    /// A file that was asked for by its own name was this one when its answer was taken: it need not be looked at again.
    fn of(&mut self, question: &Question, path: &Path, view: &Answers<'_>) -> bool {
        let seen = match question {
            Question::File(placed) | Question::Real(placed) => view.file(&placed.borrowed()),
            _ => None, // has been answered by itself, later
        };
        let leaf = seen.or_else(|| files::lstat(path).ok().flatten());
        let itself = match &leaf {
            None => true, // where nothing is, the way ends above it
            Some(stat) if stat.kind == FileKind::Symlink => {
                let leads = files::stat(path).ok().flatten();
                self.part(path, stat) && leads.is_none_or(|stat| self.file(question, &stat))
            }
            Some(stat) => self.file(question, stat) && self.part(path, stat),
        };
        itself && self.above(path)
    }

    /// Whether the way to a path is the same. Questions about one directory follow one another.
    fn above(&mut self, path: &Path) -> bool {
        let Some(above) = above(path) else { return true };
        if self.last.as_os_str() == above.as_os_str() {
            return true;
        }
        let still = self.way(above);
        if still {
            above.clone_into(&mut self.last);
        }
        still
    }

    /// A dependency's `.rlib` is linked into other target directories and unlinked from them at any time, which changes its
    /// ctime but not its content.
    fn file(&self, question: &Question, stat: &files::Stat) -> bool {
        let of_dependency =
            matches!(question.path(), Some(Placed { place: Place::Deps(_) | Place::Out, .. }));
        let linked = stat.links > 1 && of_dependency;
        let identity = &stat.identity;
        match question {
            Question::File(_) if stat.kind == FileKind::File => {
                identity.mtime_ns <= self.since && (linked || identity.ctime_ns <= self.since)
            }
            Question::Kind(_) if stat.kind == FileKind::File => identity.ctime_ns <= self.since,
            Question::Listing(_) => identity.mtime_ns <= self.since,
            _ => true,
        }
    }

    /// Whether the way to a file is the same: a directory that was renamed into place brings files that are old themselves,
    /// and so does a link that was retargeted.
    fn way(&mut self, directory: &Path) -> bool {
        let mut seen = Vec::new();
        let mut next = Some(directory);
        while let Some(part) = next.filter(|part| !self.ways.contains(part.as_os_str())) {
            seen.push(part);
            if files::lstat(part).ok().flatten().is_some_and(|stat| !self.part(part, &stat)) {
                return false;
            }
            next = above(part);
        }
        self.ways.extend(seen.into_iter().map(OsString::from)); // what is known has a known way above it
        true
    }

    /// Renaming shows in a directory's ctime alone; where names were added or removed in it, its mtime moves as well.
    fn part(&mut self, path: &Path, stat: &files::Stat) -> bool {
        match stat.kind {
            FileKind::Directory => {
                stat.identity.ctime_ns <= self.since || stat.identity.mtime_ns > self.since
            }
            FileKind::Symlink => stat.identity.ctime_ns <= self.since && self.behind(path),
            _ => true,
        }
    }

    /// Whether what a link leads through is the same: there may be more links on that way.
    fn behind(&mut self, link: &Path) -> bool {
        if !self.links.insert(link.to_owned()) {
            return true; // has been followed, or leads round in a circle
        }
        let Ok(Some(target)) = files::read_link(link) else { return false };
        self.way(&link.parent().unwrap_or(link).join(target))
    }
}

/// What a path is in, as far as it is spelled: `a/.` is in `a`. There are thousands.
fn above(path: &Path) -> Option<&Path> {
    let text = path.as_os_str().as_bytes();
    match memchr::memrchr(b'/', text)? {
        0 => (text.len() > 1).then_some(Path::new("/")),
        slash => Some(Path::new(std::ffi::OsStr::from_bytes(&text[..slash]))),
    }
}

fn keep_outputs(
    evidence: &Evidence,
    ran: &Ran,
    weak: &WeakKey,
    world: &World<'_>,
    mut texts: HashMap<PathBuf, Template>,
    store: &LocalStore,
) -> Result<ActionResult, Reason> {
    let invocation = world.invocation;
    let has = |extension: &str| {
        evidence.outputs.iter().any(|path| path.extension().is_some_and(|e| e == extension))
    };
    let named = !invocation.outputs.files.is_empty(); // `-o FILE` is metadata under any name
    if ran.exit_code == 0 && invocation.outputs.metadata && !named && !has("rmeta") {
        return Err(Reason::BadOutputs("no metadata was written".into()));
    }
    let (inert, streams) = if invocation.family.is_c() {
        (Vec::new(), c::said(ran, world))
    } else {
        let inert = inert_roots(evidence, world);
        let streams = said_for_anywhere(&ran.said, world, &inert)?;
        (inert, streams)
    };
    let mut result = ActionResult {
        exit_code: ran.exit_code,
        streams,
        cost_ms: u32::try_from(ran.took.as_millis()).unwrap_or(u32::MAX),
        unit: format!("{} {}", invocation.unit.name, invocation.unit.kind),
        incremental: invocation.incremental.then_some(weak.0),
        ..ActionResult::default()
    };
    if let Some(tree) = &invocation.outputs.tree {
        result.outputs = keep_tree(tree, world, store)?;
        return Ok(result);
    }
    for path in &evidence.outputs {
        let placed = invocation.places.place(path);
        let (role, digest, executable) = match texts.remove(path) {
            Some(text) => {
                result.texts.push(text);
                (Role::DepInfo(result.texts.len() as u32 - 1), Digest::of(b""), false)
            }
            None => keep_file(path, world, store, &inert)?,
        };
        result.outputs.push(Output { path: placed, role, executable, digest });
    }
    Ok(result)
}

/// Whether it has the permissions that new files have, for a program or for none: others are not restored.
fn is_plain(path: &Path, umask: u32) -> bool {
    let mode = |stat: &files::Stat| stat.mode & 0o7777;
    let fits = |mode: u32| mode == 0o777 & !umask || mode == 0o666 & !umask;
    files::lstat(path).is_ok_and(|found| found.is_some_and(|stat| fits(mode(&stat))))
}

/// Keeps everything below a directory that was empty before the run.
fn keep_tree(tree: &Path, world: &World<'_>, store: &LocalStore) -> Result<Vec<Output>, Reason> {
    let odd = |error: files::FileError| Reason::BadOutputs(error.to_string());
    let (mut outputs, mut left) = (Vec::new(), vec![tree.to_owned()]);
    let umask = process::umask().ok_or_else(|| Reason::BadOutputs("the umask cannot be told".into()))?;
    while let Some(directory) = left.pop() {
        let entries = files::list(&directory).map_err(odd)?;
        let entries =
            entries.ok_or_else(|| Reason::BadOutputs(format!("{} is gone", directory.display())))?;
        for entry in entries {
            let path = directory.join(&entry.name);
            let placed = Placed::literal(&path);
            let kept = matches!(entry.kind, FileKind::File | FileKind::Directory);
            if kept && !is_plain(&path, umask) {
                return Err(Reason::BadOutputs(format!("{} has other permissions", path.display())));
            }
            match entry.kind {
                FileKind::File => {
                    let (role, digest, executable) = keep_file(&path, world, store, &[])?;
                    outputs.push(Output { path: placed, role, executable, digest });
                }
                FileKind::Directory => {
                    let (role, digest) = (Role::Directory, Digest::of(b""));
                    outputs.push(Output { path: placed, role, executable: false, digest });
                    left.push(path);
                }
                FileKind::Symlink | FileKind::Other => {
                    return Err(Reason::BadOutputs(format!("{} is a link or no file", path.display())));
                }
            }
        }
    }
    Ok(outputs)
}

/// Directories that the key does not hold, because they do not reach the outputs: the output directory, those of
/// dependencies, what is remapped. Where the key holds one all the same (in an argument, or in a variable that was asked
/// for) it may.
fn inert_roots(evidence: &Evidence, world: &World<'_>) -> Vec<Vec<u8>> {
    let invocation = world.invocation;
    let whole = |question| evidence.questions.contains(question);
    if whole(&Question::Argv) || whole(&Question::Environ) {
        return Vec::new();
    }
    let values = evidence.questions.iter().filter_map(|question| match question {
        Question::Env(name) => world.environment.get(std::ffi::OsStr::from_bytes(name)),
        _ => None,
    });
    let remapped = !invocation.places.remapped().roots().is_empty();
    let fields =
        invocation.fields.iter().filter(|field| !(remapped && field.path)).map(|f| f.value.as_os_str());
    let directory = (!remapped).then_some(invocation.directory.as_os_str());
    let literal: Vec<&[u8]> = values.chain(fields).chain(directory).map(OsStrExt::as_bytes).collect();
    let roots = invocation.places.roots().iter().map(|(_, root)| root).chain(&evidence.aliases);
    let roots = roots.map(|root| root.as_os_str().as_bytes());
    let held = |root: &[u8]| literal.iter().any(|text| text.windows(root.len()).any(|part| part == root));
    // `/tmp` stands in every program; a real output directory is longer.
    roots
        .filter(|root| root.iter().filter(|&&b| b == b'/').count() > 1 && !held(root))
        .map(<[u8]>::to_vec)
        .collect()
}

/// Keeps an output, with an assertion on that rule: one in which such a directory stands is not kept.
fn keep_file(
    path: &Path,
    world: &World<'_>,
    store: &LocalStore,
    inert: &[Vec<u8>],
) -> Result<(Role, Digest, bool), Reason> {
    let odd = |error: files::FileError| Reason::BadOutputs(error.to_string());
    let stat = files::lstat(path).map_err(odd)?;
    let Some(stat) = stat.filter(|stat| stat.kind == FileKind::File) else {
        return Err(Reason::BadOutputs(format!("{} is not a file", path.display())));
    };
    let script = world.invocation.family == Family::Script;
    let rlib = path.extension().is_some_and(|extension| extension == "rlib") && !script;
    let (role, how) = if rlib { (Role::Rlib, Keep::Link) } else { (Role::File, Keep::Copy) };
    let inert: Vec<&[u8]> = inert.iter().map(Vec::as_slice).collect();
    let digest = store.keep(path, how, &inert).map_err(|error| match error {
        StoreError::Banned(..) => Reason::BadOutputs(error.to_string()),
        error => Reason::NoStore(error.to_string()),
    })?;
    // Linking changed the identity; what was just read is known to be this run's own output.
    if let Ok(Some(now)) = files::stat(path)
        && now.identity.same_content(&stat.identity)
    {
        world.memo.put(&now.identity, &digest, Writer::Kiln);
    }
    // (what C compiles to is never run: where it may be, an older file's permissions were left)
    Ok((role, digest, !world.invocation.family.is_c() && stat.mode & 0o100 != 0))
}

/// The streams with holes for this place's directories; neighbouring pieces of one stream are joined first, so that no
/// path is cut in two. Only cargo's artifact notices are known to mean the output directory by its name: in any other
/// line it may be a piece of somebody's source, and the run is not kept.
fn said_for_anywhere(
    said: &[(Stream, Vec<u8>)],
    world: &World<'_>,
    inert: &[Vec<u8>],
) -> Result<Vec<(Stream, Template)>, Reason> {
    let mut joined: Vec<(Stream, bool, Vec<u8>)> = Vec::new();
    for (stream, text) in by_stream(said) {
        for line in text.split_inclusive(|&b| b == b'\n') {
            let notice = stream == Stream::Err && is_notice(line);
            match joined.last_mut() {
                Some((last, same, text)) if (*last, *same) == (stream, notice) => text.extend(line),
                _ => joined.push((stream, notice, line.to_vec())),
            }
        }
    }
    let (all, mapped) = (&world.invocation.places, world.invocation.places.remapped());
    let mut templates = Vec::with_capacity(joined.len());
    for (stream, notice, text) in joined {
        let template = Template::cut(&text, if notice { all } else { &mapped }, &[Spelling::Json]);
        let holds = |root: &&Vec<u8>| template.holds(&Spelling::Json.spell(root)) || template.holds(root);
        if let Some(root) = inert.iter().find(holds).filter(|_| !notice) {
            let root = String::from_utf8_lossy(root);
            return Err(Reason::BadOutputs(format!("its messages hold the path {root}")));
        }
        templates.push((stream, template));
    }
    Ok(templates)
}

/// What was said, with neighbouring pieces of one stream joined.
pub fn by_stream(said: &[(Stream, Vec<u8>)]) -> Vec<(Stream, Vec<u8>)> {
    let mut joined: Vec<(Stream, Vec<u8>)> = Vec::new();
    for (stream, bytes) in said {
        match joined.last_mut() {
            Some((last, text)) if last == stream => text.extend(bytes),
            _ => joined.push((*stream, bytes.clone())),
        }
    }
    joined
}

/// Whether a line is one of cargo's artifact notices.
fn is_notice(line: &[u8]) -> bool {
    line.starts_with(br#"{"$message_type":"artifact""#)
}

#[cfg(test)]
mod tests;
