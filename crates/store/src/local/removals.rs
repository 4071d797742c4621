//! When results were last removed, kept for explanations: nothing hangs on it, so that what cannot be read or written is passed over.

use super::LocalStore;
use kiln_action::removals::{self, Removals};
use kiln_sys::clock;
use kiln_sys::files::{self, Scratch};
use std::path::PathBuf;

/// Who removed results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remover {
    /// Somebody who wanted everything to go.
    Everything,
    /// Somebody who chose some.
    Chosen,
    /// The collector.
    Collector,
}

impl LocalStore {
    fn removals_file(&self) -> PathBuf {
        self.root.join("removals")
    }

    /// When results were last removed, as far as that is known.
    pub fn removals(&self) -> Removals {
        let bytes = files::read_own(&self.removals_file(), removals::LENGTH as u64);
        bytes.map(|bytes| Removals::decode(&bytes)).unwrap_or_default()
    }

    /// Notes that some were removed just now. Whoever calls holds the collector's lock.
    pub(super) fn note_removal(&self, by: Remover) {
        let (mut all, now) = (self.removals(), clock::now_ms());
        match by {
            Remover::Everything => (all.everything_ms, all.cleared_ms) = (now, now),
            Remover::Chosen => all.cleared_ms = now,
            Remover::Collector => all.evicted_ms = now,
        }
        let write = || Scratch::open(&self.removals_file())?.write_at(&all.encode(), 0);
        let _ = write();
    }
}
