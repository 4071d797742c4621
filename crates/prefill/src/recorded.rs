//! The calls of one build, which the wrapper records for `kiln cargo` in the session's directory: each with what it takes to make the same
//! call again. A [`crate::snapshot`] is made of them.

use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionKey, Family, Mode, Subject, WeakKey, digest};
use kiln_engine::argfile;
use kiln_engine::{Call, NamedResult};
use kiln_sys::env::Environment;
use kiln_sys::{clock, files};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// No call is described in more bytes.
const LONGEST: u64 = 4 << 20;
/// How the name of a recorded call's file ends.
const END: &str = ".call";
/// The file that says that a call failed.
const FAILED: &str = "failed";

/// A call that cargo made, with its arguments and variables as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCall {
    /// The key of its result.
    pub key: ActionKey,
    /// The key under which its Shapes are kept.
    pub weak: WeakKey,
    /// Whether it is one of the probes (`rustc -vV` and the like) that cargo makes before anything else.
    pub question: bool,
    /// When it ended, in nanoseconds since the epoch; 0 in a snapshot.
    pub at_ns: u64,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The directory in which it ran.
    pub directory: PathBuf,
    /// The variables that cargo set for it; those of the user are not among them.
    pub variables: Vec<CargoVariable>,
}

/// A variable that cargo sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoVariable {
    /// Its name.
    pub name: OsString,
    /// The value that cargo sets, without the user's part.
    pub value: OsString,
    /// Whether the user's own value follows it, after a colon (cargo puts directories in front of `LD_LIBRARY_PATH`).
    pub before_users: bool,
}

/// Records the call of a unit of cargo's, or a probe, in the session's directory. Other calls are not recorded.
pub fn record(session: &Path, named: &NamedResult, call: &Call<'_>) {
    let known = matches!(named.subject, Subject::Compile(Family::Rustc) | Subject::BuildScript);
    let question = named.mode == Mode::Probe;
    let of_script = call.reporter.is_some() || question && call.environment.get("OUT_DIR").is_some();
    if !known || of_script {
        return;
    }
    let Some(of_user) = call.caller else { return };
    let recorded = RecordedCall {
        key: named.key,
        weak: named.weak,
        question,
        at_ns: clock::realtime_ns() as u64,
        argv: argfile::words(call.argv, call.directory).into_owned(), // such a file is gone when the call is made again
        directory: call.directory.to_owned(),
        variables: set_by_cargo(call.environment, of_user, named.subject),
    };
    recorded.save(session);
}

/// Notes that a call of the build's failed: what cargo leaves is not all that it was to make.
pub fn fail(session: &Path) {
    put(session, FAILED.as_ref(), b"");
}

/// Writes a file into a session's directory. A compile may outlive its cargo, and the session, which is not to come back.
fn put(session: &Path, name: &OsStr, content: &[u8]) {
    if files::lstat(session).is_ok_and(|found| found.is_some()) {
        let _ = files::write_private(&session.join(name), content);
    }
}

/// Whether a call of the build's failed.
pub fn has_failed(session: &Path) -> bool {
    files::lstat(&session.join(FAILED)).is_ok_and(|found| found.is_some())
}

/// All recorded calls of a build, in the order in which they ended.
pub fn all(session: &Path) -> Vec<RecordedCall> {
    let entries = files::list(session).ok().flatten().unwrap_or_default();
    let named = entries.iter().filter(|entry| entry.name.as_bytes().ends_with(END.as_bytes()));
    let read = |name: &OsStr| {
        let text = files::read_own(&session.join(name), LONGEST).ok()?;
        RecordedCall::read(&mut Reader(&text)).ok()
    };
    let mut all: Vec<RecordedCall> = named.filter_map(|entry| read(&entry.name)).collect();
    all.sort_by_key(|call| call.at_ns);
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
pub fn is_set_by_cargo(name: &OsStr, subject: Subject) -> bool {
    let (starts, names) = if subject == Subject::BuildScript { OF_SCRIPTS } else { OF_COMPILES };
    name.to_str()
        .is_some_and(|name| names.contains(&name) || starts.iter().any(|start| name.starts_with(start)))
}

/// The variables that cargo has set for a call: those that are called so and that cargo does not have itself, or has otherwise. They follow
/// from manifests, the command line and where things are. What the user has set is the user's, whatever it is called.
fn set_by_cargo(call: &Environment, of_user: &Environment, subject: Subject) -> Vec<CargoVariable> {
    let by_cargo = |(name, value): (&OsStr, &OsStr)| {
        let users = of_user.get(name);
        // Both are today's anyway, where this is read.
        let always = name == "CARGO" || name == "RUSTC";
        if !is_set_by_cargo(name, subject) || users == Some(value) && !always {
            return None;
        }
        let behind =
            users.and_then(|users| value.as_bytes().strip_suffix(users.as_bytes())?.strip_suffix(b":"));
        let behind = behind.filter(|_| name == "LD_LIBRARY_PATH");
        Some(CargoVariable {
            name: name.to_owned(),
            value: behind.map_or(value, OsStr::from_bytes).to_owned(),
            before_users: behind.is_some(),
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

impl RecordedCall {
    /// Writes it into the session's directory. One that cannot be written is not in the snapshot.
    pub fn save(&self, session: &Path) {
        let mut text = Writer::default();
        self.write(&mut text);
        put(session, (digest::hex(self.key.name()) + END).as_ref(), &text.0);
    }

    /// Appends its bytes (`docs/format.md`, "Snapshots").
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
            to.u8(u8::from(variable.before_users));
        }
    }

    /// Reads what [`RecordedCall::write`] wrote.
    pub fn read(from: &mut Reader<'_>) -> Result<RecordedCall, Malformed> {
        Ok(RecordedCall {
            key: ActionKey::read(from)?,
            weak: WeakKey::read(from)?,
            question: from.u8()? != 0,
            at_ns: from.u64()?,
            argv: from.list(word)?,
            directory: PathBuf::from(word(from)?),
            variables: from.list(|from| {
                Ok(CargoVariable { name: word(from)?, value: word(from)?, before_users: from.u8()? != 0 })
            })?,
        })
    }

    /// The value that cargo set for a variable; `None` if it set none.
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
    fn a_session_that_is_over_does_not_come_back() {
        let space = tempfile::tempdir().unwrap();
        let session = space.path().join("session");
        fail(&session);
        assert_eq!(files::lstat(&session).unwrap(), None);
        files::create_dirs(&session).unwrap();
        fail(&session);
        assert!(has_failed(&session));
    }

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
            let all = set_by_cargo(&call, &of_user, subject);
            all.into_iter()
                .map(|it| format!("{}={}{}", it.name.display(), it.value.display(), it.before_users))
                .collect()
        };
        assert_eq!(
            names(Subject::BuildScript),
            ["HOST=x86_64false", "DEP_Y_Z=2false", "LD_LIBRARY_PATH=/t/depstrue"]
        );
        assert_eq!(names(Subject::Compile(Family::Rustc)), ["LD_LIBRARY_PATH=/t/depstrue"]);
    }
}
