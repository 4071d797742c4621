//! What a wrapper says of its own work, as the difference over one build.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::environment::Environment;
use super::measure;

/// Calls by outcome.
#[derive(Clone, Default)]
pub struct Counts {
    /// `None` where the tool does not say.
    pub hits: Option<u64>,
    pub misses: u64,
    pub errors: u64,
    /// Reason to count.
    pub bypasses: BTreeMap<String, u64>,
}

impl Counts {
    /// Asks `kiln stats --json`; `None` when it gives no sensible answer.
    pub fn of_kiln(dressed: &Environment, program: &Path) -> Option<Self> {
        let counts = measure::output(dressed.command(program).args(["stats", "--json"])).ok()?;
        Self::from_json(&serde_json::from_str(&counts).ok()?)
    }

    /// The calls that replay had no record of.
    pub fn of_replay(store: &Path) -> Self {
        let log = std::fs::read_to_string(store.join("misses.log")).unwrap_or_default();
        Self { misses: log.lines().count() as u64, ..Self::default() }
    }

    fn from_json(counts: &Value) -> Option<Self> {
        let bypasses = match &counts["bypasses"] {
            Value::Object(reasons) => {
                reasons.iter().map(|(reason, count)| (reason.clone(), count.as_u64().unwrap_or(0))).collect()
            }
            other => other.as_u64().map(|count| ("all".to_owned(), count)).into_iter().collect(),
        };
        Some(Self {
            hits: Some(counts["hits"].as_u64()?),
            misses: counts["misses"].as_u64()?,
            errors: errors(&counts["errors"]),
            bypasses,
        })
    }

    /// What was added since `before`.
    pub fn since(&self, before: &Self) -> Self {
        let added = |(reason, count): (&String, &u64)| {
            let count = count.saturating_sub(before.bypasses.get(reason).copied().unwrap_or(0));
            (count > 0).then(|| (reason.clone(), count))
        };
        Self {
            hits: self.hits.map(|hits| hits.saturating_sub(before.hits.unwrap_or(0))),
            misses: self.misses.saturating_sub(before.misses),
            errors: self.errors.saturating_sub(before.errors),
            bypasses: self.bypasses.iter().filter_map(added).collect(),
        }
    }

    /// Calls that were handed to the compiler unchanged.
    pub fn bypassed(&self) -> u64 {
        self.bypasses.values().sum()
    }
}

fn errors(counts: &Value) -> u64 {
    match counts {
        Value::Object(kinds) => kinds.values().filter_map(Value::as_u64).sum(),
        other => other.as_u64().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;
    use serde_json::json;

    #[test]
    fn a_difference_keeps_only_the_reasons_that_grew() {
        let counts = |hits: u64, probes: u64| {
            let json =
                json!({"hits": hits, "misses": 1, "errors": 0, "bypasses": {"probe": probes, "doc": 2}});
            Counts::from_json(&json).expect("complete")
        };
        let added = counts(7, 5).since(&counts(3, 1));
        assert_eq!((added.hits, added.misses, added.bypassed()), (Some(4), 0, 4));
        assert_eq!(added.bypasses.keys().collect::<Vec<_>>(), ["probe"]);
    }

    #[test]
    fn an_answer_without_counts_is_no_answer() {
        assert!(Counts::from_json(&json!({"bypasses": {}})).is_none());
    }
}
