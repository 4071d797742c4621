//! What stores counted, over all daemons that there were: a file beside the queue, for `kiln stats`.

use kiln_protocol::{DaemonPlace, StoreStatus, decode_counters, encode_counters};
use kiln_remote::{Level, Levels};
use kiln_sys::files;
use std::collections::BTreeMap;

/// The counters of so many stores are kept.
const MOST: usize = 64;

/// The counters of stores, by URL.
pub type Counters = BTreeMap<String, StoreStatus>;

/// What was written down.
pub fn read(place: &DaemonPlace) -> Counters {
    let file = files::read_own(&place.counters(), 1 << 20).unwrap_or_default();
    let stores = decode_counters(&file).unwrap_or_default();
    stores.into_iter().map(|store| (store.url.clone(), store)).collect()
}

/// Adds what these stores counted.
pub fn add(counters: &mut Counters, levels: &Levels) {
    for mut store in levels.stores().iter().map(status) {
        if let Some(before) = counters.get(&store.url) {
            store.health = before.health.and(&store.health);
        }
        counters.insert(store.url.clone(), store);
    }
}

/// Writes them down; of too many stores those go that were asked least.
pub fn write(place: &DaemonPlace, mut counters: Counters) {
    if counters.is_empty() {
        return;
    }
    while counters.len() > MOST {
        let least =
            counters.values().min_by_key(|store| store.health.answered).map(|store| store.url.clone());
        least.map(|url| counters.remove(&url));
    }
    let stores = counters.into_values().collect();
    let _ = files::write_private(&place.counters(), &encode_counters(&stores));
}

/// How a store does.
pub fn status(store: &Level) -> StoreStatus {
    StoreStatus { url: store.spec().to_string(), writable: store.is_writable(), health: store.health() }
}
