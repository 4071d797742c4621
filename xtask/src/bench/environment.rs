//! The environment measured commands start from: the caller's, without what cargo, rustup and the tools
//! under comparison put into it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Variables with these prefixes would steer a lane from outside.
const STEERING: [&str; 10] = [
    "CARGO_BUILD_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_TARGET_DIR",
    "KACHE",
    "KILN_",
    "MBX",
    "REPLAY_",
    "RUSTC",
    "SCCACHE",
];

/// Variables that cargo sets for what it runs, or that decide how units are compiled.
const LEFTOVERS: [&str; 7] =
    ["CARGO", "CARGO_INCREMENTAL", "CARGO_MAKEFLAGS", "LD_LIBRARY_PATH", "MAKEFLAGS", "MFLAGS", "OUT_DIR"];

/// A cleaned environment and the cargo that belongs to it.
#[derive(Clone)]
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
    cargo: OsString,
}

impl Environment {
    /// Cleans this process's environment. The toolchain's own directory goes first on PATH, so that no
    /// lane pays for a toolchain manager's proxies.
    pub fn clean() -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let variables = env::vars_os().filter(|(name, _)| !is_steering(&name.to_string_lossy())).collect();
        let mut clean = Self { variables, cargo };
        if let Some(directory) = PathBuf::from(&clean.cargo).parent().filter(|path| path.is_absolute()) {
            clean.prepend_path(directory.to_path_buf());
        }
        clean.set("CARGO_TERM_COLOR", "never");
        clean
    }

    /// Sets one variable.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.into()));
    }

    /// Sets one variable in a copy.
    pub fn with(&self, name: &str, value: impl Into<OsString>) -> Self {
        let mut changed = self.clone();
        changed.set(name, value);
        changed
    }

    /// Puts a directory first on PATH.
    pub fn prepend_path(&mut self, directory: PathBuf) {
        let old = self.get("PATH").cloned().unwrap_or_default();
        let mut paths = vec![directory];
        paths.extend(env::split_paths(&old));
        if let Ok(joined) = env::join_paths(paths) {
            self.set("PATH", joined);
        }
    }

    /// The full path of a program on this environment's PATH.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let path = self.get("PATH")?;
        env::split_paths(path).map(|directory| directory.join(program)).find(|file| file.is_file())
    }

    /// A command that sees this environment and nothing else.
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.env_clear().envs(self.variables.iter().cloned());
        command
    }

    /// Cargo itself.
    pub fn cargo(&self) -> Command {
        self.command(&self.cargo)
    }

    fn get(&self, name: &str) -> Option<&OsString> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

fn is_steering(name: &str) -> bool {
    LEFTOVERS.contains(&name) || STEERING.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::is_steering;

    #[test]
    fn the_users_own_settings_stay() {
        assert!(
            ["CARGO_HOME", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "PATH"].iter().all(|name| !is_steering(name))
        );
        assert!(["RUSTC_WRAPPER", "KILN_DIR", "CARGO_TARGET_DIR", "OUT_DIR"].iter().all(|n| is_steering(n)));
    }
}
