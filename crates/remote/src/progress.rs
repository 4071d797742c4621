//! Whether anything comes: a number that grows with every answer of a store, with every piece of an object, and with everything that is
//! unpacked. Who waits for a store sees by it that waiting is not in vain.

use std::sync::atomic::{AtomicU64, Ordering};

static CAME: AtomicU64 = AtomicU64::new(0);

/// Counts that something has arrived from a store.
pub fn note() {
    CAME.fetch_add(1, Ordering::Relaxed);
}

/// How much has come to this process, from whichever store.
pub fn seen() -> u64 {
    CAME.load(Ordering::Relaxed)
}
