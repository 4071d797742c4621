//! Answering questions, as the world stands now.

use kiln_action::wire::Writer;
use kiln_action::{Answer, Digest, Invocation, Question};
use kiln_compiler::rustc::environment as variables;
use kiln_sys::env::Environment;
use kiln_sys::files::{self, Stat};
use kiln_sys::identity::{self, Found, Memo};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What answers rest on besides the files themselves.
pub struct World<'a> {
    /// The compile that asks.
    pub invocation: &'a Invocation,
    /// The environment it runs in.
    pub environment: &'a Environment,
    /// Its whole command line, program first.
    pub argv: &'a [OsString],
    /// Digests of files that have not changed since they were last hashed.
    pub memo: &'a Memo,
}

/// Answers of one moment: the Shapes of a unit share most of their questions, so each is answered once.
#[derive(Default)]
pub struct Answers(HashMap<Question, Answer>);

impl Answers {
    /// The answer to a question; `None` if it cannot be had (then nothing may be concluded).
    pub fn of(&mut self, question: &Question, world: &World<'_>) -> Option<Answer> {
        if let Some(known) = self.0.get(question) {
            return Some(known.clone());
        }
        let answer = answer(question, world)?;
        self.0.insert(question.clone(), answer.clone());
        Some(answer)
    }
}

/// The answer to one question now; `None` if it cannot be had.
pub fn answer(question: &Question, world: &World<'_>) -> Option<Answer> {
    let place = |placed| world.invocation.places.resolve(placed);
    match question {
        Question::File(placed) => content(&place(placed)?, world.memo),
        Question::Absent(placed) => presence(&place(placed)?),
        Question::Kind(placed) => kind(&place(placed)?),
        Question::Real(placed) => real(&place(placed)?, placed.place, world.invocation),
        Question::Listing(placed) => listing(&place(placed)?),
        Question::Env(name) => {
            let value = world.environment.get(OsStr::from_bytes(name));
            Some(value.map_or(Answer::Nothing, |value| Answer::Content(Digest::of(value.as_bytes()))))
        }
        Question::Program(name) => Some(program(OsStr::from_bytes(name), world.environment)),
        Question::Arg(name) => Some(lazy(name, world.invocation)),
        Question::Argv => Some(Answer::Content(command_line(world))),
        Question::Environ => Some(Answer::Content(whole_environment(world.environment))),
    }
}

fn content(path: &Path, memo: &Memo) -> Option<Answer> {
    match identity::digest_of(path, memo).ok()? {
        Found::Content(digest, _) => Some(Answer::Content(digest)),
        Found::Nothing => Some(Answer::Nothing),
        Found::Other(kind) => Some(Answer::NotAFile(kind)),
    }
}

fn presence(path: &Path) -> Option<Answer> {
    Some(match files::stat(path).ok()? {
        None => Answer::Nothing,
        Some(Stat { kind: kiln_action::FileKind::File, .. }) => Answer::Something,
        Some(stat) => Answer::NotAFile(stat.kind),
    })
}

/// A macro that asks `stat` sees times, too. Those of directories change with every file in them and are left out: only
/// a macro that tells something from a directory's time would notice.
fn kind(path: &Path) -> Option<Answer> {
    let Some(stat) = files::stat(path).ok()? else { return Some(Answer::Nothing) };
    let is_file = stat.kind == kiln_action::FileKind::File;
    Some(Answer::Stat {
        kind: stat.kind,
        mode: stat.mode,
        size: if is_file { stat.identity.size } else { 0 },
        mtime_ns: if is_file { stat.identity.mtime_ns } else { 0 },
    })
}

/// Where the path leads: for a literal question literally, for a placed one by place.
fn real(path: &Path, asked: kiln_action::Place, invocation: &Invocation) -> Option<Answer> {
    let Some(real) = files::real_path(path).ok()? else { return Some(Answer::Nothing) };
    let mut text = Writer::default();
    match asked {
        kiln_action::Place::Literal => text.bytes(real.as_os_str().as_bytes()),
        _ => invocation.places.place(&real).write(&mut text),
    }
    Some(Answer::Content(Digest::of(&text.0)))
}

fn listing(path: &Path) -> Option<Answer> {
    match files::stat(path).ok()? {
        None => return Some(Answer::Nothing),
        Some(stat) if stat.kind != kiln_action::FileKind::Directory => {
            return Some(Answer::NotAFile(stat.kind));
        }
        Some(_) => {}
    }
    let mut entries = files::list(path).ok()??;
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    let mut text = Writer::default();
    for entry in entries {
        text.bytes(entry.name.as_bytes());
        text.u8(entry.kind as u8);
    }
    Some(Answer::Content(Digest::of(&text.0)))
}

/// The directories of `$PATH`. An empty part is the current directory, as for `execvp`.
pub fn search_path(environment: &Environment) -> Vec<PathBuf> {
    let path = environment.get("PATH").unwrap_or(OsStr::new("/bin:/usr/bin"));
    path.as_bytes().split(|&b| b == b':').map(|part| Path::new(OsStr::from_bytes(part)).to_owned()).collect()
}

fn program(name: &OsStr, environment: &Environment) -> Answer {
    let mut candidates = search_path(environment).into_iter().map(|directory| directory.join(name));
    let is_program = |path: &PathBuf| {
        let file =
            files::stat(path).ok().flatten().is_some_and(|stat| stat.kind == kiln_action::FileKind::File);
        file && kiln_sys::process::is_executable(path)
    };
    match candidates.find(is_program) {
        Some(path) => Answer::Content(Digest::of(path.as_os_str().as_bytes())),
        None => Answer::Nothing,
    }
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

fn whole_environment(environment: &Environment) -> Digest {
    let mut variables: Vec<(&OsStr, &OsStr)> = environment
        .iter()
        .filter(|(name, _)| !name.to_str().is_some_and(variables::is_left_out_of_a_walk))
        .collect();
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
