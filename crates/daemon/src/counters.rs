//! What stores counted, over all daemons that there were: a file beside the queue, for `kiln stats`.

use crate::desk::Desk;
use kiln_protocol::Place;
use kiln_remote::Health;
use kiln_sys::files;
use serde_json::{Map, Value, json};

/// The counters of so many stores are kept.
const MOST: usize = 64;

/// What was written down.
pub fn read(place: &Place) -> Map<String, Value> {
    let bytes = files::read_own(&place.counters(), 1 << 20).unwrap_or_default();
    let read: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    read.get("stores").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Adds what a desk's stores counted.
pub fn add(counters: &mut Map<String, Value>, desk: &Desk) {
    for store in desk.levels.stores() {
        let url = store.spec().to_string();
        let before = counters.get(&url).cloned().unwrap_or(Value::Null);
        let sum = |(name, value): (String, Value)| {
            let sum = match (value.as_u64(), name.ends_with("_ms")) {
                (Some(new), false) => (before[&name].as_u64().unwrap_or(0) + new).into(),
                _ => value,
            };
            (name, sum)
        };
        let summed: Map<String, Value> = told(&store.health()).into_iter().map(sum).collect();
        counters.insert(url, Value::Object(summed));
    }
}

/// Writes them down; of too many stores those go that were asked least.
pub fn write(place: &Place, mut stores: Map<String, Value>) {
    if stores.is_empty() {
        return;
    }
    while stores.len() > MOST {
        let asked = |value: &Value| value["answered"].as_u64().unwrap_or(0);
        let least = stores.iter().min_by_key(|(_, value)| asked(value)).map(|(url, _)| url.clone());
        least.map(|url| stores.remove(&url));
    }
    let all = json!({ "schema": 1, "stores": stores });
    let _ = files::write_private(&place.counters(), all.to_string().as_bytes());
}

/// What a store counted, as JSON.
pub fn told(health: &Health) -> Map<String, Value> {
    let Value::Object(told) = json!({
        "answered": health.answered,
        "failed": health.failed,
        "late": health.late,
        "found": health.found,
        "absent": health.absent,
        "wrong": health.wrong,
        "kept": health.kept,
        "bytes_in": health.bytes_in,
        "bytes_out": health.bytes_out,
        "latency_ms": health.latency_ms,
        "given_up": health.given_up,
        "writes_given_up": health.writes_given_up,
        "given_up_times": health.given_up_times,
        "last_fault": health.last_fault,
        "last_fault_ms": health.last_fault_ms,
    }) else {
        return Map::new();
    };
    told
}
