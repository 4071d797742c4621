//! Arguments, questions and answers of a run, kept for `kiln explain`: the last few runs of every unit, below `units/` in the
//! cache directory. Touched on a miss only. Nothing here changes what is compiled or kept.

use crate::inputs::{self, World};
use crate::kept::Kept;
use crate::unit;
use kiln_action::baseline::{
    Answered, AnsweredQuestion, Baseline, BaselineRun, LARGEST, MOST_DETAILS, Word, salted,
};
use kiln_action::conceal;
use kiln_action::key::WordSink;
use kiln_action::os::OsStrExt;
use kiln_action::removals::Removals;
use kiln_action::{Answer, Digest, Invocation, KeyInputs, Question, digest};
use kiln_compiler::script;
use kiln_report::cause::{self, Difference};
use kiln_sys::env::Environment;
use kiln_sys::files::{self, Lock};
use kiln_sys::{process, random};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const SALT: usize = 32;

/// The baselines of all units.
pub struct Units {
    directory: PathBuf,
}

/// What is needed of a miss besides what was kept.
pub struct Missed<'a> {
    /// What its WeakKey is made of.
    pub key: &'a KeyInputs<'a>,
    /// The world it asked.
    pub world: &'a World<'a>,
    /// The project it was built for.
    pub project: &'a str,
    /// What the compiler calls itself.
    pub compiler: String,
    /// Milliseconds since the epoch.
    pub at_ms: u64,
    /// When results were last removed here.
    pub removals: Removals,
}

impl Units {
    /// The baselines in this directory, which need not exist yet.
    pub fn new(directory: PathBuf) -> Units {
        Units { directory }
    }

    fn path(&self, invocation: &Invocation) -> PathBuf {
        let unit = unit::name(invocation);
        let target = invocation.target.as_deref().unwrap_or_default().as_bytes();
        // C has many files of one name; the source's path tells them apart.
        let place = invocation.source.as_deref().unwrap_or(&invocation.directory);
        let name = Baseline::name(&unit, target, place.as_os_str().as_bytes()).hex();
        self.directory.join(&name[..1]).join(name)
    }

    /// What is remembered in a file that is named by [`Units::path`], if it is that unit's.
    fn read(path: &Path) -> Option<Baseline> {
        Baseline::decode(&name_of(path)?, &files::read_own(path, LARGEST).ok()?).ok()
    }

    /// All baselines that can be read.
    pub fn all(&self) -> Vec<Baseline> {
        let below = |directory: &Path| -> Vec<PathBuf> {
            let names = files::list(directory).ok().flatten().unwrap_or_default();
            names.into_iter().map(|entry| directory.join(entry.name)).collect()
        };
        let files = below(&self.directory).into_iter().flat_map(|shard| below(&shard));
        files.filter_map(|path| Units::read(&path)).collect()
    }

    /// The salt of this cache directory: made once, known to nobody else. Of two that would make it at once the second one takes the
    /// first one's: with another salt the same answer looks like another one.
    fn salt(&self) -> Option<Vec<u8>> {
        const TRIES: u32 = 100;
        let path = self.directory.join("salt");
        let read = || files::read_own(&path, SALT as u64).ok().filter(|salt| salt.len() == SALT);
        for _ in 0..TRIES {
            if let Some(salt) = read() {
                return Some(salt);
            }
            files::create_dirs(&self.directory).ok()?;
            if let Some(_held) = Lock::try_exclusive(&self.directory.with_extension("lock")).ok()? {
                if let Some(salt) = read() {
                    return Some(salt);
                }
                let salt: [u8; SALT] = random::bytes().ok()?;
                files::write_private(&path, &salt).ok()?;
                return read();
            }
            process::pause(Duration::from_millis(1));
        }
        None
    }

    /// Says what a miss came of and remembers it for the next one. `None` if nothing can be remembered here.
    pub fn explain_and_keep(&self, missed: &Missed<'_>, kept: &Kept) -> Option<Difference> {
        let invocation = missed.world.invocation;
        let path = self.path(invocation);
        let salt = self.salt()?;
        let mut baseline = Units::read(&path).unwrap_or_default();
        let run = run_of(missed, kept, &salt);
        let difference = cause::of(&baseline, &run, &missed.removals);
        baseline.unit = unit::name(invocation);
        baseline.directory = invocation.directory.as_os_str().as_bytes().to_vec();
        missed.project.clone_into(&mut baseline.project);
        baseline.add(run);
        // ext4 starts writing a file out when it takes the name of another one, which costs more than all of this.
        let _ = files::remove(&path);
        files::write_private(&path, &baseline.encode(&name_of(&path)?)).ok()?;
        Some(difference)
    }
}

/// The hash by which a file is named.
fn name_of(path: &Path) -> Option<[u8; 32]> {
    path.file_name().and_then(OsStr::to_str).and_then(digest::unhex)
}

fn run_of(missed: &Missed<'_>, kept: &Kept, salt: &[u8]) -> BaselineRun {
    let mut words = WordSink::new(salt);
    missed.key.tell(&mut words);
    // It changes how paths are written into the key, and is no part of it otherwise.
    let remapped = !missed.world.invocation.places.remapped().roots().is_empty();
    words.words.push(Word {
        group: "settings".into(),
        name: "remap".into(),
        value: if remapped { "on" } else { "off" }.into(),
    });
    let answered = kept.shape.questions().iter().zip(&kept.answers);
    BaselineRun {
        at_ms: missed.at_ms,
        compiler: missed.compiler.clone(),
        key: kept.key,
        variant: unit::variant(missed.world.invocation),
        words: words.words,
        answers: answered
            .map(|(question, answer)| answered_question(question, answer, missed.world, salt))
            .collect(),
    }
}

fn answered_question(
    question: &Question,
    answer: &Answer,
    world: &World<'_>,
    salt: &[u8],
) -> AnsweredQuestion {
    let mut details = match answer {
        Answer::Nothing => Vec::new(), // there is nothing to tell more about
        _ => details(question, world, salt),
    };
    details.truncate(MOST_DETAILS);
    AnsweredQuestion { question: question.clone(), answer: Answered::of(question, answer, salt), details }
}

/// What explains an answer that is only a digest.
fn details(question: &Question, world: &World<'_>, salt: &[u8]) -> Vec<Vec<u8>> {
    match question {
        Question::Listing(placed) => {
            let path = world.invocation.places.resolve(placed);
            let entries = path.and_then(|path| files::list(&path).ok().flatten()).unwrap_or_default();
            entries.iter().map(|entry| entry.name.as_bytes().to_vec()).collect()
        }
        Question::Program(name) => inputs::find_program(OsStr::from_bytes(name), world.environment)
            .map(|path| path.as_os_str().as_bytes().to_vec())
            .into_iter()
            .collect(),
        Question::Arg(name) => {
            let asked = world.invocation.lazy.iter().filter(|lazy| lazy.name.as_bytes() == name);
            asked.map(|lazy| lazy.value.as_bytes().to_vec()).collect()
        }
        Question::Library(name) => inputs::find_library(OsStr::from_bytes(name), world)
            .map(|path| path.as_os_str().as_bytes().to_vec())
            .into_iter()
            .collect(),
        Question::Argv => conceal::command_line(world.argv, salt),
        Question::Environ => whole_environment(world.environment, |_| true, salt),
        Question::Inherited => whole_environment(world.environment, |name| !script::is_session(name), salt),
        _ => Vec::new(),
    }
}

fn whole_environment(environment: &Environment, matters: impl Fn(&str) -> bool, salt: &[u8]) -> Vec<Vec<u8>> {
    let left_out = |name: &str| inputs::is_left_out_of_a_walk(name) || !matters(name);
    let counts = |name: &OsStr| !name.to_str().is_some_and(left_out);
    let counted = environment.iter().filter(|(name, _)| counts(name));
    let print = |(name, value): (&OsStr, &OsStr)| {
        let mut text = name.as_bytes().to_vec();
        text.push(0);
        text.extend(salted(salt, &Digest::of(value.as_bytes())));
        text
    };
    let mut all: Vec<Vec<u8>> = counted.map(print).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests;
