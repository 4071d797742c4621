//! What a build is going to do, as far as it is known before cargo runs: whoever has the same lock file, manifests, configuration,
//! variables and command line asks for the same snapshot.

use crate::recorded;
use crate::{configuration, members};
use kiln_action::os::OsStrExt;
use kiln_action::wire::Writer;
use kiln_action::{Digest, Family, SnapshotKey, Subject};
use kiln_engine::toolchain;
use kiln_store::LocalStore;
use kiln_sys::env::Environment;
use kiln_sys::files;
use kiln_sys::identity::{self, Found};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// No manifest and no configuration file is larger.
const LARGEST_FILE: u64 = 4 << 20;

/// What a build is going to do, as far as it is known before cargo runs: it names the snapshot, and is handed to the wrapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// A hash of the lock file, manifests, cargo's configuration, variables and command line, and of the directories.
    pub fingerprint: [u8; 32],
    /// The target directory; absolute.
    pub target: PathBuf,
    /// When the build began, in nanoseconds since the epoch: what has changed since may not be what cargo has read.
    pub began_ns: i64,
}

/// Everything that cargo goes by in a build, as far as it is known before cargo runs.
pub struct BuildInputs<'a> {
    /// Cargo's command line, without what changes no output ([`crate::cargo_command::essential`]).
    pub words: &'a [OsString],
    /// The workspace's directory, in which the lock file is.
    pub root: &'a Path,
    /// The package's directory, or the one in which cargo is started.
    pub here: &'a Path,
    /// The directory in which cargo is started: its configuration is looked for from there, wherever the package is.
    pub start: &'a Path,
    /// The target directory; absolute.
    pub target: &'a Path,
    /// The environment that cargo is started with.
    pub environment: &'a Environment,
    /// When the build began, in nanoseconds since the epoch.
    pub began_ns: i64,
}

impl BuildInputs<'_> {
    /// A hash of all of it but the lock file, which cargo may write itself; `None` if cargo goes by something that is not read here.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        let mut text = Writer::default();
        text.bytes(b"kiln plan 3");
        text.u32(self.words.len() as u32);
        self.words.iter().for_each(|word| text.bytes(word.as_bytes()));
        let home = configuration::cargo_home(self.environment, self.start)?;
        for path in [self.root, self.here, self.start, self.target, &home] {
            text.bytes(path.as_os_str().as_bytes());
        }
        let manifests = [self.root.join("Cargo.toml"), self.here.join("Cargo.toml")];
        for path in manifests.into_iter().chain(configuration::candidates(self.start, &home)) {
            let content = match files::lstat(&path).ok()? {
                Some(_) => Some(files::read_limited(&path, LARGEST_FILE).ok()?),
                None => None,
            };
            if content.as_deref().is_some_and(configuration::includes_others) && !path.ends_with("Cargo.toml")
            {
                return None;
            }
            text.u8(u8::from(content.is_some()));
            text.digest(&Digest::of(&content.unwrap_or_default()));
        }
        for (path, content) in members::of(self.root)? {
            text.bytes(path.as_os_str().as_bytes());
            text.digest(&content);
        }
        for (name, value) in variables(self.environment) {
            text.bytes(name.as_bytes());
            text.bytes(value.as_bytes());
        }
        Some(Digest::of(&text.0).hash)
    }

    /// The request for a fingerprint of these inputs, with the lock file that is there now; `None` if there is none.
    pub fn request(&self, fingerprint: &[u8; 32]) -> Option<BuildRequest> {
        let mut text = Writer::default();
        text.0.extend(fingerprint);
        text.digest(&Digest::of(&files::read(&self.root.join("Cargo.lock")).ok()?));
        Some(BuildRequest {
            fingerprint: Digest::of(&text.0).hash,
            target: self.target.to_owned(),
            began_ns: self.began_ns,
        })
    }
}

impl BuildRequest {
    /// A file in the session's directory that is there once every unit of a snapshot was restored: another one need not be taken.
    pub fn done(session: &Path) -> PathBuf {
        session.join("filled")
    }

    /// The key under which its snapshot is kept, for a compiler and a cargo; `None` if cargo cannot be read. The snapshot's calls are
    /// compared with today's answers one by one.
    pub fn key(&self, rustc: &Path, cargo: &Path, store: &LocalStore) -> Option<SnapshotKey> {
        let mut text = Writer::default();
        text.bytes(b"kiln snapshot 3");
        text.0.extend(self.fingerprint);
        match toolchain::rustc_driver(rustc) {
            Some(driver) => text.bytes(driver.as_bytes()),
            None => text.bytes(rustc.as_os_str().as_bytes()),
        }
        // Another cargo has other layouts, hashes and variables.
        let Ok(Found::Content(cargo, _)) = identity::digest_of(cargo, store.memo()) else { return None };
        text.digest(&cargo);
        Some(SnapshotKey::of(&text.0))
    }
}

/// Variables that say what cargo builds and how; and those that are called like some that it sets: where it does not set them they reach
/// its calls as they are.
fn variables(environment: &Environment) -> Vec<(&OsStr, &OsStr)> {
    const STARTS: [&str; 8] = [
        "CARGO_ALIAS_",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "CARGO_UNSTABLE_",
        "RUSTC",
        "RUSTUP_TOOLCHAIN",
        "__CARGO",
    ];
    const NAMES: [&str; 6] = [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_HOME",
        "CARGO_INCREMENTAL",
        "LD_LIBRARY_PATH",
        "RUSTDOC",
        "RUSTFLAGS",
    ];
    let counts = |name: &OsStr| {
        let of_cargo = || {
            [Subject::Compile(Family::Rustc), Subject::BuildScript]
                .into_iter()
                .any(|subject| recorded::is_set_by_cargo(name, subject))
        };
        let Some(text) = name.to_str() else { return false };
        // (those are us, and whoever started us)
        !["RUSTC_WRAPPER", "CARGO"].contains(&text)
            && (NAMES.contains(&text)
                || STARTS.into_iter().any(|start| text.starts_with(start))
                || of_cargo())
    };
    let mut all: Vec<_> = environment.iter().filter(|(name, _)| counts(name)).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests;
