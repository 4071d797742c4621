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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
}
