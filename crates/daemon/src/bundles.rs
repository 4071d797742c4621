//! Bundles: what each workspace will need, fetched at its first miss, and written when its build has been quiet.

use crate::bundle::Bundle;
use crate::session::{self, Session};
use crate::stores::Stores;
use crate::sync::{begin, locked};
use kiln_action::{ActionKey, WeakKey};
use kiln_protocol::{Prefetched, Workspace};
use kiln_remote::Fault;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// So many workspaces' bundles are known at once.
const MOST_BUNDLES: usize = 24;
/// So many workspaces' sessions are known at once.
const MOST_SESSIONS: usize = 64;

/// The bundles of one set of stores.
pub struct Bundles {
    stores: Arc<Stores>,
    loaded: Mutex<HashMap<[u8; 32], Arc<Bundle>>>,
    sessions: Mutex<HashMap<[u8; 32], (Workspace, Session)>>,
}

impl Bundles {
    /// Of these stores; none is loaded yet.
    pub fn new(stores: &Arc<Stores>) -> Bundles {
        Bundles { stores: stores.clone(), loaded: Mutex::default(), sessions: Mutex::default() }
    }

    /// The bundle of a workspace; loading begins when it is first asked for.
    pub fn of(&self, workspace: &Workspace) -> Arc<Bundle> {
        let mut bundles = locked(&self.loaded);
        if let Some(known) = bundles.get(&workspace.exact).filter(|bundle| !bundle.is_old()) {
            return known.clone();
        }
        bundles.remove(&workspace.exact);
        while bundles.len() >= MOST_BUNDLES {
            let over = bundles.iter().filter(|(_, bundle)| bundle.progress().over);
            let Some(oldest) = over.max_by_key(|(_, bundle)| bundle.age()).map(|(name, _)| *name) else {
                return Arc::new(Bundle::empty()); // all of them are under way
            };
            bundles.remove(&oldest);
        }
        let bundle = Arc::new(Bundle::new());
        bundles.insert(workspace.exact, bundle.clone());
        let (loading, stores, workspace) = (bundle.clone(), self.stores.clone(), *workspace);
        if !begin(move || loading.load(&stores, &workspace)) {
            bundles.remove(&workspace.exact);
            return Arc::new(Bundle::empty());
        }
        bundle
    }

    /// Brings a workspace's bundle, all of it.
    pub fn prefetch(&self, workspace: &Workspace, alive: &mut dyn FnMut()) -> Prefetched {
        let bundle = self.of(workspace);
        loop {
            let progress = bundle.progress();
            if progress.over {
                return Prefetched {
                    segments: progress.segments as u64,
                    fetched_segments: progress.came as u64,
                    results: progress.results as u64,
                    bytes: progress.bytes,
                };
            }
            bundle.wait(Duration::from_millis(200));
            alive();
        }
    }

    /// A unit of a workspace was used.
    pub fn used(&self, workspace: &Workspace, weak: WeakKey, key: ActionKey) {
        let mut sessions = locked(&self.sessions);
        if sessions.len() >= MOST_SESSIONS && !sessions.contains_key(&workspace.exact) {
            // One that is written already, if there is any: the hint of another is lost.
            let oldest = sessions.iter().max_by_key(|(_, (_, session))| (!session.is_dirty(), session.age()));
            oldest.map(|(name, _)| *name).map(|name| sessions.remove(&name));
        }
        sessions.entry(workspace.exact).or_insert_with(|| (*workspace, Session::default())).1.note(weak, key);
    }

    /// Sessions that are to be written, of those to which nothing was added for so long.
    fn due(&self, quiet: Duration) -> Vec<(Workspace, Session)> {
        let sessions = locked(&self.sessions);
        let dirty = sessions.values().filter(|(_, session)| session.is_dirty() && session.is_quiet(quiet));
        dirty.cloned().collect()
    }

    /// Whether there is anything to be written.
    pub fn is_written(&self) -> bool {
        self.due(Duration::ZERO).is_empty()
    }

    /// Writes what builds used that have been quiet for so long; whether some store took each. A bundle is a hint: a store that does not take
    /// it now does without it.
    pub fn write(&self, quiet: Duration) -> bool {
        let levels = &self.stores.levels;
        let mut all_written = true;
        for (workspace, session) in self.due(quiet) {
            let mut outcome = Err(Fault::GivenUp);
            for store in levels.stores().iter().filter(|store| store.takes()) {
                match session::write_bundle(&self.stores, store, &workspace, &session) {
                    Ok(()) => outcome = Ok(()),
                    Err(fault) => {
                        self.stores.log.say(&format!("{}: no bundle was written: {fault}", store.spec()));
                    }
                }
            }
            if outcome.is_ok() || levels.stores().iter().all(|store| !store.is_writable()) {
                if let Some((_, known)) = locked(&self.sessions).get_mut(&workspace.exact) {
                    known.is_written(session.length()); // as it was then
                }
            } else {
                all_written = false;
            }
        }
        all_written
    }
}
