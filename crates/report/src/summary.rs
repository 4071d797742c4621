//! A fold over events: what was saved.

use kiln_action::{Event, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts over any number of events. Fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Restored from the cache.
    pub hits: u64,
    /// Those of them that came from a remote store just then.
    pub remote_hits: u64,
    /// Compiled, and kept.
    pub misses: u64,
    /// Not cached, by reason.
    pub bypasses: BTreeMap<String, u64>,
    /// Compiles that failed by themselves.
    pub failures: u64,
    /// Faults of the cache itself (the builds went on).
    pub errors: u64,
    /// Time of compiling that hits made unnecessary, in milliseconds.
    pub saved_ms: u64,
    /// Time spent compiling, in milliseconds.
    pub compiled_ms: u64,
    /// Bytes restored by hits.
    pub restored_bytes: u64,
}

impl Summary {
    /// Takes one more event into account.
    pub fn add(&mut self, event: &Event) {
        match event.outcome {
            Outcome::Hit => {
                self.hits += 1;
                self.remote_hits += u64::from(event.remote);
                self.saved_ms += event.compile_ms;
                self.restored_bytes += event.bytes;
            }
            Outcome::Miss => self.misses += 1,
            Outcome::Bypass => *self.bypasses.entry(event.reason.clone()).or_default() += 1,
            Outcome::Failed => self.failures += 1,
            Outcome::Error => self.errors += 1,
        }
        if event.outcome != Outcome::Hit {
            self.compiled_ms += event.compile_ms;
        }
    }

    /// Everything that was asked of the cache. Calls of a C compiler that only link, or answer a question, are no units.
    pub fn units(&self) -> u64 {
        let bypasses = self
            .bypasses
            .iter()
            .filter(|(reason, _)| !["not-a-compile", "question"].contains(&reason.as_str()));
        self.hits + self.misses + self.failures + self.errors + bypasses.map(|(_, count)| count).sum::<u64>()
    }

    /// Adds another summary.
    pub fn merge(&mut self, other: &Summary) {
        self.hits += other.hits;
        self.remote_hits += other.remote_hits;
        self.misses += other.misses;
        self.failures += other.failures;
        self.errors += other.errors;
        self.saved_ms += other.saved_ms;
        self.compiled_ms += other.compiled_ms;
        self.restored_bytes += other.restored_bytes;
        for (reason, count) in &other.bypasses {
            *self.bypasses.entry(reason.clone()).or_default() += count;
        }
    }

    /// The one line at the end of a build.
    pub fn line(&self) -> String {
        let compiled = self.units() - self.hits;
        let saved = self.saved_ms as f64 / 1000.0;
        let (units, restored) = (self.units(), self.hits);
        let what = if units == 1 { "unit" } else { "units" };
        format!(
            "kiln: {units} {what}, {restored} restored, {compiled} compiled, {saved:.1} s of compiling saved"
        )
    }
}

#[cfg(test)]
mod tests;
