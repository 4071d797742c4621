//! Compiler calls as cargo made them, read from what the replay tool recorded of a build.

use kiln_action::os::OsStringExt;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Outcome, files};

/// A call that compiles a unit of cargo's.
pub struct Call {
    /// The compiler and its arguments.
    pub argv: Vec<OsString>,
    /// Where it writes to.
    pub out_dir: PathBuf,
    /// Where it was made.
    pub cwd: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Call {
    /// All calls of a recorded build that cargo made itself; build scripts make others.
    pub fn all(store: &Path) -> Outcome<Vec<Self>> {
        let records = files::entries(store)?.into_iter().filter(|path| path.join("meta").is_file());
        let calls = records.map(|record| Self::read(&record)).collect::<Outcome<Vec<_>>>()?;
        let of_cargo =
            |out: &Path| out.ends_with("deps") || out.parent().is_some_and(|it| it.ends_with("build"));
        Ok(calls.into_iter().flatten().filter(|call| of_cargo(&call.out_dir)).collect())
    }

    /// The recorded call for a crate.
    pub fn of_crate(store: &Path, name: &str) -> Outcome<Self> {
        let found = Self::all(store)?.into_iter().find(|call| call.crate_name().is_some_and(|it| it == name));
        found.ok_or_else(|| format!("the recorder saw no call for crate {name}"))
    }

    fn read(record: &Path) -> Outcome<Option<Self>> {
        let argv = strings(&files::read(&record.join("argv"))?);
        let Some(out_dir) = after(&argv, "--out-dir").map(PathBuf::from) else { return Ok(None) };
        Ok(Some(Self {
            out_dir,
            variables: variables(&files::read(&record.join("env"))?),
            cwd: OsString::from_vec(files::read(&record.join("cwd"))?).into(),
            argv,
        }))
    }

    fn crate_name(&self) -> Option<&OsString> {
        after(&self.argv, "--crate-name")
    }

    /// A command in this call's place. Cargo's jobserver is gone, and the wrappers' settings are the caller's.
    pub fn command(&self, program: &Path) -> Command {
        let gone = ["CARGO_MAKEFLAGS", "MAKEFLAGS", "REPLAY_DIR", "REPLAY_MODE", "RUSTC_WRAPPER"];
        let kept = self.variables.iter().filter(|(name, _)| !gone.iter().any(|other| name == other));
        let mut command = Command::new(program);
        command.env_clear().envs(kept.cloned()).current_dir(&self.cwd);
        command
    }
}

/// Takes a command's streams away.
pub fn silence(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
}

fn after<'a>(argv: &'a [OsString], flag: &str) -> Option<&'a OsString> {
    argv.iter().position(|argument| argument == flag).and_then(|at| argv.get(at + 1))
}

fn strings(text: &[u8]) -> Vec<OsString> {
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    text.split(|&byte| byte == 0).map(|part| OsString::from_vec(part.to_vec())).collect()
}

fn variables(text: &[u8]) -> Vec<(OsString, OsString)> {
    let pair = |variable: OsString| {
        let bytes = variable.into_vec();
        let equals = bytes.iter().position(|&byte| byte == b'=')?;
        let value = bytes[equals + 1..].to_vec();
        Some((OsString::from_vec(bytes[..equals].to_vec()), OsString::from_vec(value)))
    };
    strings(text).into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::{strings, variables};

    #[test]
    fn recorded_strings_may_be_empty_and_hold_equals_signs() {
        assert_eq!(strings(b"a\0\0b\0"), ["a", "", "b"]);
        assert_eq!(variables(b"A=b=c\0B=\0"), [("A".into(), "b=c".into()), ("B".into(), "".into())]);
    }
}
