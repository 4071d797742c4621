//! Arguments, questions and answers of earlier runs of a unit: what a miss is explained against. It decides
//! nothing: a baseline that is lost costs an explanation, never a result.
//!
//! Values of variables are here only as digests with a salt of this cache directory, cut to 16 bytes.

use crate::Digest;
use crate::names::ActionKey;
use crate::shape::{Answer, FileKind, Question};
use crate::wire::{Malformed, Reader, Writer, seal, unseal};
pub use crate::words::{Print, Word, cut, salted};

/// The longest baseline that is read, in bytes.
pub const LARGEST: u64 = 16 << 20;
/// The most runs of one unit that are kept.
pub const MOST_RUNS: usize = 4;
/// The most answers that its runs have together, where there are several: it is written on every miss.
pub const MOST_ANSWERS: usize = 2000;
/// The most lines of detail (names of a listing, variables) that one answer keeps.
pub const MOST_DETAILS: usize = 4096;

const MAGIC: [u8; 4] = *b"KUNI";
const VERSION: u8 = 2;

/// An answer, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// There was nothing, or the variable was unset.
    Nothing,
    /// Something was there.
    Something,
    /// Content, or any longer answer.
    Content(Print),
    /// The answer of `stat`.
    Stat {
        /// What it was.
        kind: u8,
        /// Permission bits.
        mode: u32,
        /// Length in bytes.
        size: u64,
        /// Nanoseconds since the epoch.
        mtime_ns: u64,
    },
    /// A file was asked for and something else was there.
    NotAFile(u8),
}

impl Answered {
    /// An answer as it is kept; answers that come from values of variables or arguments are salted.
    pub fn of(question: &Question, answer: &Answer, salt: &[u8]) -> Answered {
        let open = question.path().is_some();
        match answer {
            Answer::Nothing => Answered::Nothing,
            Answer::Something => Answered::Something,
            Answer::Content(digest) if open => Answered::Content(cut(digest)),
            Answer::Content(digest) => Answered::Content(salted(salt, digest)),
            Answer::Stat { kind, mode, size, mtime_ns, .. } => Answered::Stat {
                kind: kind_code(*kind),
                mode: *mode,
                size: *size,
                mtime_ns: *mtime_ns as u64,
            },
            Answer::NotAFile(kind) => Answered::NotAFile(kind_code(*kind)),
        }
    }

    fn write(&self, to: &mut Writer) {
        match self {
            Answered::Nothing => to.u8(0),
            Answered::Something => to.u8(1),
            Answered::Content(print) => {
                to.u8(2);
                to.0.extend(print);
            }
            Answered::Stat { kind, mode, size, mtime_ns } => {
                to.u8(3);
                to.u8(*kind);
                to.u32(*mode);
                to.u64(*size);
                to.u64(*mtime_ns);
            }
            Answered::NotAFile(kind) => {
                to.u8(4);
                to.u8(*kind);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Answered, Malformed> {
        Ok(match from.u8()? {
            0 => Answered::Nothing,
            1 => Answered::Something,
            2 => Answered::Content(from.array()?),
            3 => Answered::Stat {
                kind: from.u8()?,
                mode: from.u32()?,
                size: from.u64()?,
                mtime_ns: from.u64()?,
            },
            4 => Answered::NotAFile(from.u8()?),
            _ => return Err(Malformed),
        })
    }
}

fn kind_code(kind: FileKind) -> u8 {
    match kind {
        FileKind::File => 0,
        FileKind::Directory => 1,
        FileKind::Symlink => 2,
        FileKind::Other => 3,
    }
}

/// A question with the answer it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredQuestion {
    /// What the run asked the system.
    pub question: Question,
    /// The answer, with contents and values as digests.
    pub answer: Answered,
    /// More about the answer, for words: the names of a listing; the file of a program; the value of an argument; the words
    /// of a command line; of a whole environment `NAME`, a zero byte and the salted print of the value.
    pub details: Vec<Vec<u8>>,
}

/// One run of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineRun {
    /// Milliseconds since the epoch when it was kept.
    pub at_ms: u64,
    /// What the compiler calls itself, if that is known.
    pub compiler: String,
    /// What it was kept as.
    pub key: ActionKey,
    /// Tells variants of the unit apart (cargo's `-C metadata`).
    pub variant: [u8; 8],
    /// The WeakKey, as words.
    pub words: Vec<Word>,
    /// The questions, sorted, with their answers.
    pub answers: Vec<AnsweredQuestion>,
}

/// The last few runs of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The crate's name and the kind of unit.
    pub unit: String,
    /// The directory the compiler ran in.
    pub directory: Vec<u8>,
    /// The project it was built for.
    pub project: String,
    /// The runs, newest first.
    pub runs: Vec<BaselineRun>,
}

impl Baseline {
    /// The name of a unit's baseline: unit, target and directory.
    pub fn name(unit: &str, target: &[u8], directory: &[u8]) -> Digest {
        let mut text = Writer::default();
        text.bytes(b"kiln unit 1");
        text.bytes(unit.as_bytes());
        text.bytes(target);
        text.bytes(directory);
        Digest::of(&text.0)
    }

    /// Adds a run. If that makes too many, the oldest run of the variant that has the most goes, so that a change of
    /// features can still be told from the other variant's run.
    pub fn add(&mut self, run: BaselineRun) {
        let key = run.key;
        self.runs.retain(|known| known.key != key);
        self.runs.insert(0, run);
        let answers = |runs: &[BaselineRun]| runs.iter().map(|run| run.answers.len()).sum::<usize>();
        while self.runs.len() > MOST_RUNS || self.runs.len() > 1 && answers(&self.runs) > MOST_ANSWERS {
            let count =
                |run: &BaselineRun| self.runs.iter().filter(|other| other.variant == run.variant).count();
            let oldest = (1..self.runs.len()).max_by_key(|&at| (count(&self.runs[at]), at)).unwrap_or(0);
            self.runs.remove(oldest);
        }
        debug_assert!(self.runs.len() <= MOST_RUNS, "a baseline has a bound");
        debug_assert!(
            self.runs.first().is_some_and(|first| first.key == key),
            "the run that was added stays"
        );
    }

    /// The sealed file of this baseline (`docs/format.md`, "Baseline").
    pub fn encode(&self, name: &[u8; 32]) -> Vec<u8> {
        let mut to = Writer::default();
        to.bytes(self.unit.as_bytes());
        to.bytes(&self.directory);
        to.bytes(self.project.as_bytes());
        to.u32(self.runs.len() as u32);
        for run in &self.runs {
            to.u64(run.at_ms);
            to.bytes(run.compiler.as_bytes());
            to.0.extend(run.key.0);
            to.0.extend(run.variant);
            to.u32(run.words.len() as u32);
            for word in &run.words {
                [&word.group, &word.name, &word.value].iter().for_each(|text| to.bytes(text.as_bytes()));
            }
            to.u32(run.answers.len() as u32);
            for answered in &run.answers {
                answered.question.write(&mut to);
                answered.answer.write(&mut to);
                to.u32(answered.details.len() as u32);
                answered.details.iter().for_each(|detail| to.bytes(detail));
            }
        }
        seal(MAGIC, VERSION, name, &to.0)
    }

    /// Reads what [`Baseline::encode`] wrote for the same name; anything else is [`Malformed`].
    pub fn decode(name: &[u8; 32], file: &[u8]) -> Result<Baseline, Malformed> {
        let mut from = Reader(unseal(MAGIC, VERSION, name, file)?);
        let unit = text(&mut from)?;
        let directory = from.bytes()?.to_vec();
        let project = text(&mut from)?;
        let runs = from.list(read_run)?;
        from.end()?;
        if runs.len() > MOST_RUNS { Err(Malformed) } else { Ok(Baseline { unit, directory, project, runs }) }
    }
}

fn text(from: &mut Reader<'_>) -> Result<String, Malformed> {
    String::from_utf8(from.bytes()?.to_vec()).map_err(|_| Malformed)
}

fn read_run(from: &mut Reader<'_>) -> Result<BaselineRun, Malformed> {
    Ok(BaselineRun {
        at_ms: from.u64()?,
        compiler: text(from)?,
        key: ActionKey::read(from)?,
        variant: from.array()?,
        words: from.list(|r| Ok(Word { group: text(r)?, name: text(r)?, value: text(r)? }))?,
        answers: from.list(|r| {
            Ok(AnsweredQuestion {
                question: Question::read(r)?.into_owned(),
                answer: Answered::read(r)?,
                details: r.list(|r| Ok(r.bytes()?.to_vec()))?,
            })
        })?,
    })
}

#[cfg(test)]
mod tests;
