//! An event: the record of one compile that statistics, explanations and pages are folded from.

use serde::{Deserialize, Serialize};

/// The kind of an event about a question to the compiler, or about a try: a compile whose answer is only whether it works.
pub const PROBE: &str = "probe";
/// The kind of an event about the run of a build script.
pub const SCRIPT_RUN: &str = "build-script-run";
/// Reasons of calls which no cache of compiles could answer, such as links.
pub const NO_UNITS: [&str; 2] = ["not-a-compile", "question"];

/// How a compile ended for the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Restored from the cache.
    Hit,
    /// Compiled, and kept.
    Miss,
    /// Compiled and not kept, or run unchanged; the reason says why.
    Bypass,
    /// The compiler failed.
    Failed,
    /// Something of kiln's own went wrong; the compile was done nevertheless.
    Error,
}

/// One line of the event log. Fields are only ever added; readers ignore those they do not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since the epoch when it ended.
    pub at_ms: u64,
    /// What became of the call: hit, miss, bypass, failed, error.
    pub outcome: Outcome,
    /// The crate's name, or a C source's file name.
    pub name: String,
    /// The kind of unit.
    pub kind: String,
    /// The reason's name, for anything but a hit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What the reason is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Wall time of the wrapper, in microseconds, from its start to the moment of telling.
    pub took_us: u64,
    /// Wall time of the compile: of this one, or for a hit of the one it saved; in milliseconds.
    pub compile_ms: u64,
    /// Bytes of the outputs.
    #[serde(default)]
    pub bytes: u64,
    /// The directory the compile ran in.
    #[serde(default)]
    pub directory: String,
    /// The process that asked for the compile: the events of one cargo have the same.
    #[serde(default)]
    pub parent: u32,
    /// The project it was built for, as far as the output directory tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
    /// The profile it was built in, as far as the output directory tells: `dev`, `release`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub profile: String,
    /// What its files are called: `serde-0a1b2c3d4e5f6071`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stem: String,
    /// What a miss came of, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// The stem of the dependency whose change it came of, if it came of one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub follows: String,
    /// The ActionKey under which it was kept or found, in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// For a hit: it came from a remote store just now.
    #[serde(default, skip_serializing_if = "is_false")]
    pub remote: bool,
    /// It was put in place before cargo asked for it. If cargo asks all the same, the later event counts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub filled: bool,
    /// The stem of the build script that a C compile runs for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub script: String,
    /// No build tool started it: it belongs to what was started shortly before or after it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_hand: bool,
    /// In verify mode: what comparing came to (`same`, `different: …`, `denied: …`, `not compared: …`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verified: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Event {
    /// Whether it is about a unit: something that a build needs and that could have been restored. Questions, tries, links and
    /// other calls that no cache of compiles could answer are none; every fold goes by this.
    pub fn is_unit(&self) -> bool {
        self.kind != PROBE && !NO_UNITS.contains(&self.reason.as_str())
    }

    /// What tells a unit apart from all others of its build; `None` where nothing does (C has no names that occur once).
    pub fn identity(&self) -> Option<(u32, &str, &str, &str)> {
        let known = !self.stem.is_empty() && self.kind != PROBE;
        known.then_some((self.parent, self.stem.as_str(), self.kind.as_str(), self.directory.as_str()))
    }

    /// An event of this outcome at this time about this unit; everything else is empty.
    pub fn new(at_ms: u64, outcome: Outcome, name: &str, kind: &str) -> Event {
        Event {
            at_ms,
            outcome,
            name: name.to_owned(),
            kind: kind.to_owned(),
            reason: String::new(),
            detail: String::new(),
            took_us: 0,
            compile_ms: 0,
            bytes: 0,
            directory: String::new(),
            parent: 0,
            project: String::new(),
            profile: String::new(),
            stem: String::new(),
            cause: String::new(),
            follows: String::new(),
            key: String::new(),
            remote: false,
            filled: false,
            script: String::new(),
            by_hand: false,
            verified: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
