//! Notes of one build's calls, written by the wrapper where `kiln cargo` asks for them: each with what it takes to make the same call
//! again. [`crate::snapshot`] is made of them.

use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionKey, Family, Mode, Subject, WeakKey, digest};
use kiln_engine::argfile;
use kiln_engine::{Call, Named};
use kiln_sys::env::Environment;
use kiln_sys::{clock, files};
use std::ffi::{OsStr, OsString};
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
    pub variables: Vec<Variable>,
}

/// A variable that cargo sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// What it is called.
    pub name: OsString,
    /// What cargo sets it to.
    pub value: OsString,
    /// Whether what the user has set it to stands behind that, after a colon (cargo puts directories in front of `LD_LIBRARY_PATH`).
    pub goes_on: bool,
}

/// Notes a unit of cargo's, or a question.
pub fn write(notes: &Path, named: &Named, call: &Call<'_>) {
    let known = matches!(named.subject, Subject::Compile(Family::Rustc) | Subject::BuildScript);
    let question = named.mode == Mode::Probe;
    let of_script = call.reporter.is_some() || question && call.environment.get("OUT_DIR").is_some();
    if !known || of_script {
        return;
    }
    let Some(of_user) = call.caller else { return };
    let note = Note {
        key: named.key,
        weak: named.weak,
        question,
        at_ns: clock::realtime_ns() as u64,
        argv: argfile::words(call.argv, call.directory).into_owned(), // such a file is gone when the call is made again
        directory: call.directory.to_owned(),
        variables: of_cargo(call.environment, of_user, named.subject),
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

/// Names of variables that cargo sets for compiles (1.95, `fill_env`, `fill_rustc_tool_env`, `prepare_rustc`). Those that begin so, and those
/// that are called so.
const OF_COMPILES: (&[&str], &[&str]) = (
    &["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"],
    &[
        "CARGO",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_RUSTC_CURRENT_DIR",
        "CARGO_TARGET_TMPDIR",
        "LD_LIBRARY_PATH",
        "OUT_DIR",
    ],
);

/// The same for build scripts (`custom_build.rs`).
const OF_SCRIPTS: (&[&str], &[&str]) = (
    &["CARGO_PKG_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_MANIFEST_", "DEP_"],
    &[
        "CARGO",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TRIM_PATHS",
        "DEBUG",
        "HOST",
        "LD_LIBRARY_PATH",
        "OPT_LEVEL",
        "OUT_DIR",
        "PROFILE",
        "RUSTC",
        "RUSTC_LINKER",
        "TARGET",
    ],
);

/// Whether cargo sets a variable of this name for such a call. A user may have set one that is called so, too.
pub fn is_of_cargo(name: &OsStr, subject: Subject) -> bool {
    let (starts, names) = if subject == Subject::BuildScript { OF_SCRIPTS } else { OF_COMPILES };
    name.to_str()
        .is_some_and(|name| names.contains(&name) || starts.iter().any(|start| name.starts_with(start)))
}

/// The variables that cargo has set for a call: those that are called so and that cargo does not have itself, or has otherwise. They follow
/// from manifests, the command line and where things are. What the user has set is the user's, whatever it is called.
fn of_cargo(call: &Environment, of_user: &Environment, subject: Subject) -> Vec<Variable> {
    let by_cargo = |(name, value): (&OsStr, &OsStr)| {
        let users = of_user.get(name);
        // Both are today's anyway, where this is read.
        let always = name == "CARGO" || name == "RUSTC";
        if !is_of_cargo(name, subject) || users == Some(value) && !always {
            return None;
        }
        let behind =
            users.and_then(|users| value.as_bytes().strip_suffix(users.as_bytes())?.strip_suffix(b":"));
        let behind = behind.filter(|_| name == "LD_LIBRARY_PATH");
        Some(Variable {
            name: name.to_owned(),
            value: behind.map_or(value, OsStr::from_bytes).to_owned(),
            goes_on: behind.is_some(),
        })
    };
    call.iter().filter_map(by_cargo).collect()
}

fn words(to: &mut Writer, all: &[OsString]) {
    to.u32(all.len() as u32);
    all.iter().for_each(|word| to.bytes(word.as_bytes()));
}

fn word(from: &mut Reader<'_>) -> Result<OsString, Malformed> {
    Ok(OsString::from_vec(from.bytes()?.to_vec()))
}

impl Note {
    /// Leaves it among the notes of a build. One that cannot be left is not in the snapshot.
    pub fn leave(&self, notes: &Path) {
        let mut text = Writer::default();
        self.write(&mut text);
        let _ = files::write_private(&notes.join(digest::hex(self.key.name()) + END), &text.0);
    }

    /// Appends its bytes.
    pub fn write(&self, to: &mut Writer) {
        self.key.write(to);
        self.weak.write(to);
        to.u8(u8::from(self.question));
        to.u64(self.at_ns);
        words(to, &self.argv);
        to.bytes(self.directory.as_os_str().as_bytes());
        to.u32(self.variables.len() as u32);
        for variable in &self.variables {
            to.bytes(variable.name.as_bytes());
            to.bytes(variable.value.as_bytes());
            to.u8(u8::from(variable.goes_on));
        }
    }

    /// Takes them.
    pub fn read(from: &mut Reader<'_>) -> Result<Note, Malformed> {
        Ok(Note {
            key: ActionKey::read(from)?,
            weak: WeakKey::read(from)?,
            question: from.u8()? != 0,
            at_ns: from.u64()?,
            argv: from.list(word)?,
            directory: PathBuf::from(word(from)?),
            variables: from.list(|from| {
                Ok(Variable { name: word(from)?, value: word(from)?, goes_on: from.u8()? != 0 })
            })?,
        })
    }

    /// The value of one of its variables.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .iter()
            .find(|variable| variable.name == name)
            .map(|variable| variable.value.as_os_str())
    }

    /// The value behind a flag that takes the next word.
    pub fn after(&self, flag: &str) -> Option<&OsStr> {
        let pairs = self.argv.iter().zip(self.argv.iter().skip(1));
        pairs.filter(|(word, _)| *word == flag).map(|(_, value)| value.as_os_str()).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_variable_is_the_users_whatever_it_is_called() {
        let of_user = Environment::of(&[
            ("HOST", "mine"),
            ("DEP_X", "1"),
            ("PROFILE", "debug"),
            ("LD_LIBRARY_PATH", "/l"),
        ]);
        let call = Environment::of(&[
            ("HOST", "x86_64"),
            ("DEP_X", "1"),
            ("DEP_Y_Z", "2"),
            ("PROFILE", "debug"),
            ("LD_LIBRARY_PATH", "/t/deps:/l"),
            ("PIN", "1"),
        ]);
        let names = |subject| -> Vec<String> {
            let all = of_cargo(&call, &of_user, subject);
            all.into_iter()
                .map(|it| format!("{}={}{}", it.name.display(), it.value.display(), it.goes_on))
                .collect()
        };
        assert_eq!(
            names(Subject::BuildScript),
            ["HOST=x86_64false", "DEP_Y_Z=2false", "LD_LIBRARY_PATH=/t/depstrue"]
        );
        assert_eq!(names(Subject::Compile(Family::Rustc)), ["LD_LIBRARY_PATH=/t/depstrue"]);
    }
}
