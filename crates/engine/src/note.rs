//! Notes of one build's calls, written by the wrapper where `kiln cargo` asks for them: each with what it takes to make the same call
//! again. [`crate::picture`] is made of them.

use crate::argfile;
use crate::pipeline::Call;
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionKey, Family, Invocation, Mode, WeakKey, digest};
use kiln_sys::env::Environment;
use kiln_sys::{clock, files};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// No call is described in more bytes.
const LONGEST: u64 = 4 << 20;
/// What a note's file is called at its end.
const END: &str = ".call";

/// A call of cargo's, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What came of it.
    pub key: ActionKey,
    /// By what that is looked up.
    pub weak: WeakKey,
    /// Whether it is one of the questions that cargo asks the compiler before anything else.
    pub question: bool,
    /// When it was over.
    pub at_ns: u64,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The directory.
    pub directory: PathBuf,
    /// The variables that cargo gave it, and nobody else.
    pub variables: Vec<(OsString, OsString)>,
}

/// Notes a unit of cargo's, or a question.
pub fn write(notes: &Path, weak: &WeakKey, key: &ActionKey, call: &Call<'_>, invocation: &Invocation) {
    let known = matches!(invocation.family, Family::Rustc | Family::Script);
    let question = invocation.mode == Mode::Probe;
    let of_script = call.reporter.is_some() || question && call.environment.get("OUT_DIR").is_some();
    if !known || of_script {
        return;
    }
    let note = Note {
        key: *key,
        weak: *weak,
        question,
        at_ns: clock::realtime_ns() as u64,
        argv: argfile::words(call.argv, call.directory).into_owned(), // such a file is gone when the call is made again
        directory: call.directory.to_owned(),
        variables: of_cargo(call.environment),
    };
    note.leave(notes);
}

/// All notes of a build, in the order in which the calls were over.
pub fn all(notes: &Path) -> Vec<Note> {
    let entries = files::list(notes).ok().flatten().unwrap_or_default();
    let named = entries.iter().filter(|entry| entry.name.as_bytes().ends_with(END.as_bytes()));
    let read = |name: &OsStr| {
        let text = files::read_own(&notes.join(name), LONGEST).ok()?;
        Note::read(&mut Reader(&text)).ok()
    };
    let mut all: Vec<Note> = named.filter_map(|entry| read(&entry.name)).collect();
    all.sort_by_key(|note| note.at_ns);
    all
}

/// The variables that cargo sets for a unit or a build script (the cargo book, "Environment variables"). They follow from manifests,
/// the command line and where things are. What the user has set is not among them, and neither is what may be a secret.
fn of_cargo(environment: &Environment) -> Vec<(OsString, OsString)> {
    const STARTS: [&str; 7] = [
        "CARGO_PKG_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "DEP_",
        "CARGO_RUSTC_CURRENT_DIR",
    ];
    const NAMES: [&str; 14] = [
        "CARGO",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
        "CARGO_ENCODED_RUSTFLAGS",
        "DEBUG",
        "HOST",
        "LD_LIBRARY_PATH",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC",
        "RUSTC_LINKER",
        "TARGET",
    ];
    let wanted =
        |name: &str| NAMES.contains(&name) || STARTS.into_iter().any(|start| name.starts_with(start));
    let all = environment.iter().filter(|(name, _)| name.to_str().is_some_and(wanted));
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn words(to: &mut Writer, all: &[OsString]) {
    to.u32(all.len() as u32);
    all.iter().for_each(|word| to.bytes(word.as_bytes()));
}

fn word(from: &mut Reader<'_>) -> Result<OsString, Malformed> {
    Ok(OsString::from_vec(from.bytes()?.to_vec()))
}

impl Note {
    /// Leaves it among the notes of a build. One that cannot be left is not in the picture.
    pub fn leave(&self, notes: &Path) {
        let mut text = Writer::default();
        self.write(&mut text);
        let _ = files::write_private(&notes.join(digest::hex(&self.key.0) + END), &text.0);
    }

    /// Appends its bytes.
    pub fn write(&self, to: &mut Writer) {
        to.0.extend(self.key.0);
        to.0.extend(self.weak.0);
        to.u8(u8::from(self.question));
        to.u64(self.at_ns);
        words(to, &self.argv);
        to.bytes(self.directory.as_os_str().as_bytes());
        to.u32(self.variables.len() as u32);
        for (name, value) in &self.variables {
            to.bytes(name.as_bytes());
            to.bytes(value.as_bytes());
        }
    }

    /// Takes them.
    pub fn read(from: &mut Reader<'_>) -> Result<Note, Malformed> {
        Ok(Note {
            key: ActionKey(from.array()?),
            weak: WeakKey(from.array()?),
            question: from.u8()? != 0,
            at_ns: from.u64()?,
            argv: from.list(word)?,
            directory: PathBuf::from(word(from)?),
            variables: from.list(|from| Ok((word(from)?, word(from)?)))?,
        })
    }

    /// The value of one of its variables.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// The value behind a flag that takes the next word.
    pub fn after(&self, flag: &str) -> Option<&OsStr> {
        let pairs = self.argv.iter().zip(self.argv.iter().skip(1));
        pairs.filter(|(word, _)| *word == flag).map(|(_, value)| value.as_os_str()).next()
    }
}
