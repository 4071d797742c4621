//! What is told about one compile: the record that statistics, explanations and pages are folded from.

use serde::{Deserialize, Serialize};

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
    /// How it ended.
    pub outcome: Outcome,
    /// The crate's name.
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
    /// In verify mode: what comparing came to (`same`, `different: …`, `denied: …`, `not compared: …`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verified: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Event {
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
            stem: String::new(),
            cause: String::new(),
            follows: String::new(),
            key: String::new(),
            remote: false,
            verified: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
