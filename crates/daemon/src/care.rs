//! Looking after the remotes for a person who asks: what is there, what is damaged, removing what is old or everything.

use crate::desk::Desk;
use kiln_remote::Level;
use kiln_remote::bucket::Listed;
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

/// An object that says what time it is for a store: by it its objects have their ages, and our clock may be years off.
const NOW: &str = "t/now";

fn is_now(listed: &Listed) -> bool {
    listed.name == NOW
}

/// What was written before this moment is older than `age` seconds.
fn oldest(all: &[Listed], own: i64, age: i64) -> i64 {
    let now = all.iter().find(|&listed| is_now(listed)).and_then(|listed| listed.written);
    now.unwrap_or(own).saturating_sub(age)
}

fn one(
    store: &Level,
    word: &str,
    argument: u64,
    alive: &mut dyn FnMut(),
) -> Result<Value, kiln_remote::Fault> {
    if word == "gc" {
        store.keep(NOW, b"now")?;
    }
    let (mut all, own) = (store.list()?, i64::try_from(clock::now_ms() / 1000).unwrap_or(i64::MAX));
    let oldest = oldest(&all, own, i64::try_from(argument).unwrap_or(i64::MAX));
    if let Some(at) = all.iter().position(is_now) {
        store.remove(&all.swap_remove(at).name)?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_its_own_time() {
        let listed = |name: &str, written| Listed { name: name.to_owned(), size: 1, written };
        let all = [listed("r/00/x", Some(10)), listed(NOW, Some(1000))];
        assert_eq!(oldest(&all, 2_000_000_000, 100), 900);
        assert_eq!(oldest(&all[..1], 5000, 100), 4900);
        assert_eq!(oldest(&all, 5000, i64::MAX), 1000 - i64::MAX);
    }
}
