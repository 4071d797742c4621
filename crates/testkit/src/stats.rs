//! `kiln stats --json`, read back.

use std::collections::BTreeMap;
use std::ops::Sub;

use serde_json::Value;

/// Totals since the cache was created, or the difference of two of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls answered from the cache, questions and tries among them.
    pub hits: i64,
    /// Calls compiled and, where possible, stored.
    pub misses: i64,
    /// Calls passed on unchanged, by reason.
    pub bypasses: BTreeMap<String, i64>,
    /// Faults of the cache itself.
    pub errors: i64,
    /// Milliseconds of compiling that hits saved.
    pub saved_ms: i64,
    /// Bytes in the store now.
    pub store_bytes: i64,
}

impl Stats {
    /// Reads the JSON object; every field of the contract must be there.
    #[track_caller]
    pub fn parse(json: &str) -> Self {
        let value: Value = serde_json::from_str(json).unwrap_or_else(|e| panic!("not JSON ({e}): {json:?}"));
        let number = |name: &str| {
            value[name].as_i64().unwrap_or_else(|| panic!("stats need a whole number {name:?}: {json}"))
        };
        let bypasses = value["bypasses"].as_object().unwrap_or_else(|| panic!("stats need bypasses: {json}"));
        Self {
            hits: number("hits") + number("probe_hits"),
            misses: number("misses") + number("probe_misses"),
            bypasses: bypasses
                .iter()
                .map(|(name, count)| (name.clone(), count.as_i64().unwrap_or(0)))
                .collect(),
            errors: number("errors"),
            saved_ms: number("saved_ms"),
            store_bytes: number("store_bytes"),
        }
    }
}

impl Sub for &Stats {
    type Output = Stats;

    fn sub(self, earlier: Self) -> Stats {
        let mut bypasses = self.bypasses.clone();
        for (name, count) in &earlier.bypasses {
            *bypasses.entry(name.clone()).or_default() -= count;
        }
        bypasses.retain(|_, count| *count != 0);
        Stats {
            hits: self.hits - earlier.hits,
            misses: self.misses - earlier.misses,
            bypasses,
            errors: self.errors - earlier.errors,
            saved_ms: self.saved_ms - earlier.saved_ms,
            store_bytes: self.store_bytes - earlier.store_bytes,
        }
    }
}
