//! A fold over events: what was saved. Everything that is counted anywhere is counted here, unit by unit as
//! [`Event::is_unit`] says, so that the line at the end of a build, `explain` and `stats` come to the same numbers.

use kiln_action::event::{NO_UNITS, PROBE};
use kiln_action::{Event, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Counts over any number of events. Fields are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Restored from the cache.
    pub hits: u64,
    /// Those of them that came from a remote store just then.
    pub remote_hits: u64,
    /// Units that were compiled and kept.
    pub misses: u64,
    /// Not cached, by reason; calls that are no units among them.
    pub bypasses: BTreeMap<String, u64>,
    /// Compiles that failed by themselves.
    pub failures: u64,
    /// Faults of the cache itself (the builds went on).
    pub errors: u64,
    /// Questions to the compiler and tries, which are no units.
    pub probes: u64,
    /// Those of them that were answered from the cache.
    pub probe_hits: u64,
    /// Those of them that the compiler answered, and that were kept.
    pub probe_misses: u64,
    /// Units that a build script asked for, restored or not: where its run is kept nobody asks for them.
    pub for_scripts: u64,
    /// Time of compiling that hits made unnecessary, in milliseconds.
    pub saved_ms: u64,
    /// Time spent compiling, in milliseconds.
    pub compiled_ms: u64,
    /// Bytes restored by hits.
    pub restored_bytes: u64,
}

/// The events that count: of a unit that was put in place before cargo looked, and that cargo then asked for all the same, only what
/// came of the asking. `later` are events that were recorded after all of these.
pub fn counted<'a>(events: impl DoubleEndedIterator<Item = &'a Event>, later: &'a [Event]) -> Vec<&'a Event> {
    let mut asked = HashSet::new();
    let mut found: Vec<&Event> = Vec::new();
    let all = events.map(|event| (event, true)).chain(later.iter().map(|event| (event, false)));
    for (event, is_counted) in all.rev() {
        let again = match event.identity() {
            Some(unit) if event.filled => asked.remove(&unit),
            unit => {
                asked.extend(unit);
                false
            }
        };
        if is_counted && !again {
            found.push(event);
        }
    }
    found.reverse();
    found
}

impl Summary {
    /// Folds the events that count.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Summary {
        let mut summary = Summary::default();
        events.into_iter().for_each(|event| summary.add(event));
        summary
    }

    /// Takes one more event into account.
    pub fn add(&mut self, event: &Event) {
        let question = event.outcome == Outcome::Bypass && event.reason == "question";
        if event.kind == PROBE && !question {
            self.probes += 1;
            self.probe_hits += u64::from(event.outcome == Outcome::Hit);
            self.probe_misses += u64::from(event.outcome == Outcome::Miss);
            return;
        }
        self.for_scripts += u64::from(event.is_unit() && !event.script.is_empty());
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

    /// All units. Calls of a C compiler that only link, or answer a question, are none.
    pub fn units(&self) -> u64 {
        self.hits + self.misses + self.failures + self.uncached()
    }

    /// Units that were not kept, or that ran unchanged.
    pub fn uncached(&self) -> u64 {
        let units = |reason: &str| !NO_UNITS.contains(&reason);
        let bypasses = self.bypasses.iter().filter(|(reason, _)| units(reason));
        self.errors + bypasses.map(|(_, count)| count).sum::<u64>()
    }

    /// Adds another summary.
    pub fn merge(&mut self, other: &Summary) {
        self.hits += other.hits;
        self.remote_hits += other.remote_hits;
        self.misses += other.misses;
        self.failures += other.failures;
        self.errors += other.errors;
        self.probes += other.probes;
        self.probe_hits += other.probe_hits;
        self.probe_misses += other.probe_misses;
        self.for_scripts += other.for_scripts;
        self.saved_ms += other.saved_ms;
        self.compiled_ms += other.compiled_ms;
        self.restored_bytes += other.restored_bytes;
        for (reason, count) in &other.bypasses {
            *self.bypasses.entry(reason.clone()).or_default() += count;
        }
    }

    /// `148 units, 143 restored, 5 compiled (2 of them not cached), 1 failed`.
    pub fn tally(&self) -> String {
        let (units, restored, uncached) = (self.units(), self.hits, self.uncached());
        let what = if units == 1 { "unit" } else { "units" };
        let asked = match self.for_scripts {
            0 => String::new(),
            some if some == units => " (for build scripts)".to_owned(),
            some => format!(" ({some} of them for build scripts)"),
        };
        let mut text =
            format!("{units} {what}{asked}, {restored} restored, {} compiled", self.misses + uncached);
        match (uncached, self.misses) {
            (0, _) => {}
            (_, 0) => text += " (not cached)",
            _ => text += &format!(" ({uncached} of them not cached)"),
        }
        if self.failures > 0 {
            text += &format!(", {} failed", self.failures);
        }
        text
    }

    /// The one line at the end of a build.
    pub fn line(&self) -> String {
        let saved = self.saved_ms as f64 / 1000.0;
        let hint = if self.uncached() > 0 { "; `kiln explain` says why" } else { "" };
        format!("kiln: {}, {saved:.1} s of compiling saved{hint}", self.tally())
    }
}

#[cfg(test)]
mod tests;
