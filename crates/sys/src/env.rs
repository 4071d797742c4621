//! The environment, arguments and directory of this process: read once, passed on as values.

use kiln_action::bounds::{Bounds, names_a_secret};
use kiln_action::os::{OsStrExt, OsStringExt, PROGRAM_SUFFIX};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The environment as it was when the process started.
#[derive(Clone, Debug, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Reads the environment of this process.
    pub fn capture() -> Environment {
        Environment(std::env::vars_os().collect())
    }

    /// An environment made up by a test.
    pub fn of(pairs: &[(&str, &str)]) -> Environment {
        Environment(pairs.iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// What a program was started with: `NAME=value`, each ended by a zero byte.
    pub fn of_block(block: &[u8]) -> Environment {
        let pair = |text: &[u8]| {
            let at = text.iter().skip(1).position(|byte| *byte == b'=')? + 1; // (as std: a name has a byte at least)
            Some((OsString::from_vec(text[..at].to_vec()), OsString::from_vec(text[at + 1..].to_vec())))
        };
        Environment(block.split(|byte| *byte == 0).filter_map(pair).collect())
    }

    /// The same without some variables.
    pub fn without(mut self, names: &[&str]) -> Environment {
        self.0.retain(|(name, _)| !names.iter().any(|other| name == other));
        self
    }

    /// The same with other values for some variables.
    pub fn with(&self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
        let mut all = self.0.clone();
        for (name, value) in variables {
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => all.push((name, value)),
            }
        }
        Environment(all)
    }

    /// The value of a variable; the first one counts, as for `getenv`.
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        let name = name.as_ref();
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// All variables, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

/// Sets or removes variables of this process, for it and for all that it starts. Only before it has other threads.
pub fn replace(variables: &[(&str, Option<&OsStr>)]) {
    for (name, value) in variables {
        match value {
            // SAFETY: the caller has no other threads yet, so that nobody reads the environment meanwhile.
            Some(value) => unsafe { std::env::set_var(name, value) },
            // SAFETY: the same.
            None => unsafe { std::env::remove_var(name) },
        }
    }
}

/// The arguments of this process, its own name first.
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// The directory of this process, without symbolic links; `None` if it is gone.
pub fn directory() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// The file of this program.
pub fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The file of another program of ours, which is beside this one.
pub fn program_beside(name: &str) -> Option<PathBuf> {
    own_program().map(|own| own.with_file_name(format!("{name}{PROGRAM_SUFFIX}")))
}

/// Where programs put temporary files.
pub fn temporary_directory() -> PathBuf {
    std::env::temp_dir()
}

/// The numeric user that this process runs as.
pub fn user() -> u32 {
    crate::system::process::user()
}

/// What a Shape from a remote store may ask on this machine.
pub fn bounds() -> Bounds {
    let home = home().filter(|home| home.parent().is_some());
    let named = ["CARGO_HOME", "RUSTUP_HOME"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let tools = named.filter(|path| path.is_absolute() && path.parent().is_some());
    let tools = tools.filter(|path| home.as_ref().is_none_or(|home| !home.starts_with(path))).collect();
    // (Those of the store itself are long and random, and whoever writes there has some of his own.)
    let secret = |name: &OsStr| !name.as_bytes().starts_with(b"AWS_") && names_a_secret(name.as_bytes());
    let secrets = std::env::vars_os().any(|(name, value)| secret(&name) && !value.is_empty());
    Bounds { home, tools, secrets }
}

/// The variable that names the user's home.
const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// The user's home: what its variable says, else what `/etc/passwd` says. (The name service would be asked through code that a static
/// program has to load; who has a home elsewhere sets `HOME`.)
pub fn home() -> Option<PathBuf> {
    let named = std::env::var_os(HOME).map(PathBuf::from).filter(|home| home.is_absolute());
    named.or_else(|| {
        let text = std::fs::read_to_string("/etc/passwd").ok()?;
        home_of(user(), &text)
    })
}

/// The home of a user by number, from the text of a password file: `name:password:user:group:comment:home:shell`.
fn home_of(user: u32, text: &str) -> Option<PathBuf> {
    let number = user.to_string();
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.get(2) == Some(&number.as_str()))?;
    line.get(5).map(PathBuf::from).filter(|home| home.is_absolute())
}

#[cfg(test)]
mod tests;
