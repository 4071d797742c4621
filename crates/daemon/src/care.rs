//! Looking after the remotes for a person who asks: what is there, what is damaged, removing what is old or everything.

use crate::desk::Desk;
use kiln_remote::RemoteStore;
use kiln_sys::clock;
use serde_json::{Value, json};

/// Does what `word` says (`verify`, `gc`, `clear`) on every level, as JSON. `argument` is an age in seconds for `gc`.
pub fn run(desk: &Desk, word: &str, argument: u64, alive: &mut dyn FnMut()) -> Value {
    let mut told: Vec<Value> = Vec::new();
    for store in desk.levels.stores() {
        if word != "verify" && !store.is_writable() {
            continue;
        }
        told.push(match one(store, word, argument, alive) {
            Ok(value) => value,
            Err(fault) => json!({ "url": store.spec().to_string(), "error": fault.to_string() }),
        });
    }
    json!({ "schema": 1, "stores": told })
}

fn one(
    store: &RemoteStore,
    word: &str,
    argument: u64,
    alive: &mut dyn FnMut(),
) -> Result<Value, kiln_remote::Fault> {
    let all = store.list()?;
    let oldest = i64::try_from(clock::now_ms() / 1000).unwrap_or(i64::MAX)
        - i64::try_from(argument).unwrap_or(i64::MAX);
    let (mut objects, mut bytes, mut damaged, mut removed, mut removed_bytes) =
        (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for listed in all {
        alive();
        objects += 1;
        bytes += listed.size;
        let goes = match word {
            "verify" => {
                damaged += u64::from(!store.is_sound(&listed.name)?);
                false
            }
            "gc" => listed.written.is_some_and(|written| written < oldest),
            "clear" => true,
            _ => false,
        };
        if goes {
            store.remove(&listed.name)?;
            removed += 1;
            removed_bytes += listed.size;
        }
    }
    Ok(json!({
        "url": store.spec().to_string(),
        "objects": objects,
        "bytes": bytes,
        "damaged": damaged,
        "removed": removed,
        "removed_bytes": removed_bytes,
    }))
}
