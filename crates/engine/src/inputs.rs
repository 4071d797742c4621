//! Answering questions, as the world stands now.

use crate::switches;
use kiln_action::os::{LIST_SEPARATOR, OsStrExt};
use kiln_action::wire::Writer;
use kiln_action::{Answer, Digest, Given, Invocation, Placed, Question, Subject};
use kiln_compiler::programs::{self, ProgramRole};
use kiln_compiler::rustc::{depinfo, environment as variables};
use kiln_compiler::script;
use kiln_config::Settings;
use kiln_sys::env::Environment;
use kiln_sys::files::{self, Stat};
use kiln_sys::identity::{Allowance, Memo};
use kiln_sys::{machine, process};
use libraries::Libraries;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use view::{Spot, View};

mod libraries;
mod view;

pub use libraries::BY_PROCESSOR;

/// What is read anew for one look-up.
const OF_A_LOOK_UP: Allowance = Allowance { one: 1 << 30, left: 4 << 30 };

/// What answers rest on besides the files themselves.
pub struct World<'a> {
    /// The compile that asks.
    pub invocation: &'a Invocation,
    /// The environment it runs in.
    pub environment: &'a Environment,
    /// Its whole command line, program first.
    pub argv: &'a [OsString],
    /// Files whose words are part of the command line (`@file`), as they were read; absolute.
    pub responses: &'a [PathBuf],
    /// What the user set.
    pub settings: &'a Settings,
    /// Digests of files that have not changed since they were last hashed.
    pub memo: &'a Memo,
}

/// Answers of one moment to questions that live as long as `'q`.
#[derive(Default)]
pub struct Answers<'q> {
    /// The Shapes of a unit share most of their questions: where there are several, each is answered once.
    known: Option<HashMap<Question<&'q [u8]>, Answer>>,
    view: View<'q>,
    libraries: Option<Libraries>,
}

impl<'q> Answers<'q> {
    /// For this many Shapes, to look something up: whoever made them, nobody waits for a file so large that reading it takes
    /// longer than many a compile. What has been read before is remembered, whatever its size.
    pub fn for_shapes(count: usize) -> Answers<'q> {
        let view = View::within_bounds(OF_A_LOOK_UP);
        Answers { known: (count > 1).then(HashMap::new), view, libraries: None }
    }

    /// The answers to all questions of a Shape, in order; else the first that cannot be answered (then nothing may be
    /// concluded).
    pub fn of_all(
        &mut self,
        questions: &[Question<&'q [u8]>],
        world: &World<'_>,
    ) -> Result<Vec<Answer>, Question<&'q [u8]>> {
        let mut answers = Vec::with_capacity(questions.len());
        self.each(questions, world, |_, answer| answers.push(answer))?;
        debug_assert_eq!(answers.len(), questions.len(), "every question has its answer");
        Ok(answers)
    }

    /// The same, handed to `take` one by one.
    pub fn each(
        &mut self,
        questions: &[Question<&'q [u8]>],
        world: &World<'_>,
        mut take: impl FnMut(&Question<&'q [u8]>, Answer),
    ) -> Result<(), Question<&'q [u8]>> {
        let (view, places) = (&mut self.view, &world.invocation.places);
        view.begin();
        let spots: Vec<Option<Spot<'q>>> = questions
            .iter()
            .map(|question| match question {
                Question::Absent(placed) => view.expect(placed, true, places),
                Question::File(placed) | Question::Real(placed) => view.expect(placed, false, places),
                _ => None,
            })
            .collect();
        for (question, spot) in questions.iter().zip(spots) {
            take(question, self.of(question, spot, world).ok_or_else(|| question.clone())?);
        }
        Ok(())
    }

    /// What a regular file was when it was asked what it holds, if it has been asked by this very name.
    pub fn file(&self, placed: &Placed<&[u8]>) -> Option<Stat> {
        self.view.file(placed)
    }

    fn of(
        &mut self,
        question: &Question<&'q [u8]>,
        spot: Option<Spot<'q>>,
        world: &World<'_>,
    ) -> Option<Answer> {
        if let Some(known) = self.known.as_ref().and_then(|known| known.get(question)) {
            return Some(known.clone());
        }
        let (view, memo) = (&mut self.view, world.memo);
        let answer = match (question, spot) {
            (Question::Absent(_), Some(spot)) => view.presence(spot, memo)?,
            (Question::File(placed), Some(spot)) => view.content(placed, spot, memo)?,
            (Question::File(placed), None) => {
                view.content_at(&world.invocation.places.resolve(placed)?, memo)?
            }
            (Question::Real(placed), Some(spot)) => {
                let (real, link) = view.real_path(placed, spot, memo)?;
                leads(real.as_deref(), link.as_deref(), placed.place, world.invocation)
            }
            (Question::Library(name), _) => {
                let libraries = self.libraries.get_or_insert_with(|| Libraries::of(view, world));
                libraries.answer(OsStr::from_bytes(name), view, memo)?
            }
            (question, _) => answer(question, world)?,
        };
        if let Some(known) = &mut self.known {
            known.insert(question.clone(), answer.clone());
        }
        Some(answer)
    }
}

/// The answer to one question now; `None` if it cannot be had.
fn answer(question: &Question<&[u8]>, world: &World<'_>) -> Option<Answer> {
    let place = |placed| world.invocation.places.resolve(placed);
    match question {
        Question::File(placed) => View::default().content_at(&place(placed)?, world.memo),
        Question::Absent(placed) => view::presence(&place(placed)?),
        Question::Kind(placed) => kind(&place(placed)?),
        Question::Mode(placed) => match kind(&place(placed)?)? {
            Answer::Stat { kind, mode, owner, .. } => {
                Some(Answer::Stat { kind, mode, owner, size: 0, mtime_ns: 0 })
            }
            other => Some(other),
        },
        Question::Real(placed) => {
            let (real, link) = view::real_path(&place(placed)?)?;
            Some(leads(real.as_deref(), link.as_deref(), placed.place, world.invocation))
        }
        Question::Listing(placed) => listing(&place(placed)?),
        Question::Env(name) => {
            let value = variable(OsStr::from_bytes(name), world);
            Some(value.map_or(Answer::Nothing, |value| Answer::Content(Digest::of(value.as_bytes()))))
        }
        Question::Where(name) => Some(leads_to(OsStr::from_bytes(name), world)),
        Question::Program(name) => Some(program(OsStr::from_bytes(name), world.environment)),
        Question::Arg(name) => Some(lazy(name, world.invocation)),
        Question::Library(name) => {
            let mut view = View::default();
            Libraries::of(&mut view, world).answer(OsStr::from_bytes(name), &mut view, world.memo)
        }
        Question::Here => Some(Answer::Content(directories(world.invocation))),
        Question::Argv => Some(Answer::Content(command_line(world))),
        Question::Environ => Some(Answer::Content(whole_environment(world, |_| true))),
        Question::Inherited => {
            Some(Answer::Content(whole_environment(world, |name| !script::is_session(name))))
        }
        Question::Given(what) => given(*what),
    }
}

/// What every process is given without a name under which it could be asked.
fn given(what: Given) -> Option<Answer> {
    let text = match what {
        Given::Umask => process::umask()?.to_le_bytes().to_vec(),
        Given::Signals => process::inherited_signals()?.map(u64::to_le_bytes).concat(),
        Given::Terminal => vec![u8::from(process::has_terminal())],
        Given::Processor => Some(machine::processor()).filter(|text| !text.is_empty())?,
        Given::Arithmetic => machine::arithmetic()?,
    };
    Some(Answer::Content(Digest::of(&text)))
}

/// What a variable says. A build script's variables name kiln, in front of rustc and of C compilers: that is left out, since it is
/// somewhere else for everybody and changes nothing.
fn variable<'a>(name: &OsStr, world: &World<'a>) -> Option<Cow<'a, OsStr>> {
    let value = world.environment.get(name).map(Cow::Borrowed);
    match name.to_str() {
        Some(name) if variables::OF_MAKE.contains(&name) => {
            let counts = |value: Cow<'a, OsStr>| match value.to_str() {
                Some(text) => variables::without_jobserver(text).map(|text| Cow::Owned(text.into())),
                None => Some(value),
            };
            value.and_then(counts)
        }
        _ if world.invocation.subject != Subject::BuildScript => value,
        Some("RUSTC_WRAPPER") => value.filter(|value| !is_kiln(Path::new(value))),
        Some("PATH") => path_without_kiln(world.environment).map(Cow::Owned).or(value),
        _ => value,
    }
}

/// A macro that asks `stat` sees times, too. Those of directories change with every file in them and are left out: only
/// a macro that tells something from a directory's time would notice.
fn kind(path: &Path) -> Option<Answer> {
    let Some(stat) = files::stat(path).ok()? else { return Some(Answer::Nothing) };
    let is_file = stat.kind == kiln_action::FileKind::File;
    Some(Answer::Stat {
        kind: stat.kind,
        mode: stat.mode,
        owner: [stat.owner, stat.group],
        size: if is_file { stat.identity.size } else { 0 },
        mtime_ns: if is_file { stat.identity.mtime_ns } else { 0 },
    })
}

/// Where the path leads: for a literal question literally, for a placed one by place; and what a link says itself, which
/// `readlink` shows and which may lead nowhere.
fn leads(
    real: Option<&Path>,
    link: Option<&Path>,
    asked: kiln_action::Place,
    invocation: &Invocation,
) -> Answer {
    let mut text = Writer::default();
    match (real, asked) {
        (None, _) if link.is_none() => return Answer::Nothing,
        (None, _) => {}
        (Some(real), kiln_action::Place::Literal) => text.bytes(real.as_os_str().as_bytes()),
        (Some(real), _) => invocation.places.place(real).write(&mut text),
    }
    if let Some(link) = link {
        text.bytes(b"link");
        text.bytes(link.as_os_str().as_bytes());
    }
    Answer::Content(Digest::of(&text.0))
}

/// The names in the order in which the system lists them: tmpfs and btrfs tell them by age, and not every macro sorts them.
fn listing(path: &Path) -> Option<Answer> {
    match files::stat(path).ok()? {
        None => return Some(Answer::Nothing),
        Some(stat) if stat.kind != kiln_action::FileKind::Directory => {
            return Some(Answer::NotAFile(stat.kind));
        }
        Some(_) => {}
    }
    let mut text = Writer::default();
    for entry in files::list_unsorted(path).ok()?? {
        text.bytes(entry.name.as_bytes());
        text.u8(entry.kind as u8);
    }
    Some(Answer::Content(Digest::of(&text.0)))
}

/// Dep-info with today's values of its variables: it is stored without them, for they may be secrets.
pub fn with_values(dep_info: &[u8], world: &World<'_>) -> Vec<u8> {
    let today = |name: &[u8]| Some(world.environment.get(OsStr::from_bytes(name))?.as_bytes().to_vec());
    depinfo::with_environment(dep_info, &today)
}

/// The directories of `$PATH`. An empty part is the current directory, as for `execvp`.
pub fn search_path(environment: &Environment) -> Vec<PathBuf> {
    let path = environment.get("PATH").unwrap_or(OsStr::new("/bin:/usr/bin"));
    let parts = path.as_bytes().split(|&byte| byte == LIST_SEPARATOR);
    parts.map(|part| Path::new(OsStr::from_bytes(part)).to_owned()).collect()
}

/// Where programs put temporary files (libiberty's and LLVM's lists).
pub fn temporary_directories(world: &World<'_>) -> Vec<PathBuf> {
    let named =
        ["TMPDIR", "TMP", "TEMP", "TEMPDIR"].into_iter().filter_map(|name| world.environment.get(name));
    let named = named.map(|path| world.invocation.absolute(Path::new(path)));
    named.chain(["/tmp", "/var/tmp", "/usr/tmp"].map(PathBuf::from)).collect()
}

fn program(name: &OsStr, environment: &Environment) -> Answer {
    match find_program(name, environment) {
        Some(path) => Answer::Content(Digest::of(path.as_os_str().as_bytes())),
        None => Answer::Nothing,
    }
}

/// The file that `$PATH` names for a program.
pub fn find_program(name: &OsStr, environment: &Environment) -> Option<PathBuf> {
    search_path(environment).into_iter().find_map(|directory| another_program(&directory.join(name)))
}

/// A program by its path, unless it is the running one by another name.
pub fn another_program(path: &Path) -> Option<PathBuf> {
    let is_file =
        || files::stat(path).ok().flatten().is_some_and(|stat| stat.kind == kiln_action::FileKind::File);
    (is_file() && process::is_executable(path) && !is_kiln(path)).then(|| path.to_owned())
}

/// Whether this is the running program by another name: a link to it in the place of a compiler.
pub fn is_kiln(path: &Path) -> bool {
    let same = |one: &files::Identity, other: &files::Identity| (one.dev, one.ino) == (other.dev, other.ino);
    let Some(it) = files::stat(path).ok().flatten() else { return false };
    let own = files::stat(Path::new("/proc/self/exe")).ok().flatten();
    own.is_some_and(|own| same(&own.identity, &it.identity))
}

/// `$PATH` without the directories in which compilers' names are links to kiln, if there are any: a compiler must not find kiln
/// where it looks for its own programs, and kiln must never start itself.
pub fn path_without_kiln(environment: &Environment) -> Option<OsString> {
    let path = environment.get("PATH")?;
    let links = programs::names(ProgramRole::Link);
    let masked = |part: &&[u8]| {
        let directory = Path::new(OsStr::from_bytes(part));
        !part.is_empty() && links.iter().any(|name| is_kiln(&directory.join(name)))
    };
    let parts: Vec<&[u8]> = path.as_bytes().split(|&byte| byte == LIST_SEPARATOR).collect();
    let kept: Vec<&[u8]> = parts.iter().copied().filter(|part| !masked(part)).collect();
    (kept.len() < parts.len()).then(|| OsStr::from_bytes(&kept.join(&LIST_SEPARATOR)).to_owned())
}

/// The file that the loader would take for a library's name, whatever a program says of it.
pub fn find_library(name: &OsStr, world: &World<'_>) -> Option<PathBuf> {
    let mut view = View::default();
    Libraries::of(&mut view, world).find(name, &mut view, world.memo)
}

/// The directories that places stand for today, less those that are outputs by themselves.
fn directories(invocation: &Invocation) -> Digest {
    let mut text = Writer::default();
    text.bytes(invocation.directory.as_os_str().as_bytes());
    let mut roots: Vec<_> = invocation.places.roots().iter().collect();
    roots.sort_unstable();
    for (place, root) in roots {
        if !matches!(place, kiln_action::Place::Output(_)) {
            text.bytes(root.as_os_str().as_bytes());
        }
    }
    Digest::of(&text.0)
}

/// Where the path in a variable leads, by place.
fn leads_to(name: &OsStr, world: &World<'_>) -> Answer {
    let Some(value) = world.environment.get(name) else { return Answer::Nothing };
    let mut text = Writer::default();
    world.invocation.places.remapped().place(Path::new(value)).write(&mut text);
    Answer::Content(Digest::of(&text.0))
}

fn lazy(name: &[u8], invocation: &Invocation) -> Answer {
    let mut text = Writer::default();
    let asked = invocation.lazy.iter().filter(|lazy| lazy.name.as_bytes() == name);
    asked.for_each(|lazy| text.bytes(lazy.value.as_bytes()));
    if text.0.is_empty() { Answer::Nothing } else { Answer::Content(Digest::of(&text.0)) }
}

fn command_line(world: &World<'_>) -> Digest {
    let mut text = Writer::default();
    text.bytes(world.invocation.directory.as_os_str().as_bytes());
    world.argv.iter().for_each(|argument| text.bytes(argument.as_bytes()));
    Digest::of(&text.0)
}

/// Whether a variable does not count where the environment is walked.
pub fn is_left_out_of_a_walk(name: &str) -> bool {
    variables::is_left_out_of_a_walk(name) || kiln_config::is_own(name)
}

fn whole_environment(world: &World<'_>, matters: impl Fn(&str) -> bool) -> Digest {
    let ignored = |name: &OsStr| switches::is_ignored(world.settings, name.as_bytes());
    let script = world.invocation.subject == Subject::BuildScript;
    let left_out = |name: &str| is_left_out_of_a_walk(name) || script && script::is_inert(name);
    let counts = |name: &OsStr| name.to_str().is_none_or(|name| !left_out(name) && matters(name));
    let names = world.environment.iter().map(|(name, _)| name);
    let counted = names.filter(|name| !ignored(name) && counts(name));
    let mut variables: Vec<(&OsStr, Cow<'_, OsStr>)> =
        counted.filter_map(|name| Some((name, variable(name, world)?))).collect();
    variables.sort_unstable();
    let mut text = Writer::default();
    for (name, value) in variables {
        text.bytes(name.as_bytes());
        text.bytes(value.as_bytes());
    }
    Digest::of(&text.0)
}

#[cfg(test)]
mod tests;
