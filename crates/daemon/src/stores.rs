//! One set of remote stores with somebody's credentials, and the local store before them. Everything that serves a client reads this, and
//! nothing changes it.

use crate::log::Log;
use crate::shelf;
use kiln_action::bounds::{Beyond, Bounds};
use kiln_action::{Question, WeakKey, digest};
use kiln_protocol::{DaemonPlace, Hello};
use kiln_remote::{Levels, Remotes};
use kiln_store::LocalStore;
use std::sync::Arc;

/// The stores that a client means.
pub struct Stores {
    /// Names the remote stores, as the queue's files do.
    pub id: [u8; 32],
    /// The local store.
    pub local: Arc<LocalStore>,
    /// The remote stores.
    pub levels: Levels,
    /// What is wrong with the settings.
    pub complaints: Vec<String>,
    /// Where the daemon lives.
    pub place: DaemonPlace,
    /// The daemon's log file.
    pub log: Log,
    /// What Shapes from a remote store may ask.
    bounds: Bounds,
}

impl Stores {
    /// Those that a client names.
    pub fn open(hello: &Hello, local: &Arc<LocalStore>, place: &DaemonPlace, log: &Log) -> Stores {
        let urls = hello.urls.iter().map(String::as_str);
        let namespaces = hello.namespaces.iter().map(String::as_str);
        let (levels, complaints) = match Remotes::parse(urls, namespaces) {
            Ok(remotes) => Levels::open(&remotes, &hello.variables, &place.quarantine()),
            Err(what) => (Levels::of(Vec::new()), vec![what]),
        };
        complaints.iter().for_each(|what| log.say(what));
        Stores {
            id: hello.stores(),
            local: local.clone(),
            levels,
            complaints,
            place: place.clone(),
            log: log.clone(),
            bounds: kiln_sys::env::bounds(),
        }
    }

    /// Keeps Shapes that came. Those that ask for what may be a secret are refused, and logged.
    pub fn keep_shapes(&self, weak: &WeakKey, shapes: &[u8]) {
        let refused = |beyond: &Beyond| {
            self.log.say(&format!("refused a Shape of {}: it {beyond}", digest::hex(weak.name())));
        };
        shelf::keep_shapes(&self.local, weak, shapes, &self.bounds, refused);
    }

    /// The Shapes of a WeakKey that others may be asked; `None` if there are none.
    pub fn shared_shapes(&self, weak: &WeakKey) -> Option<Vec<u8>> {
        shelf::shared_shapes(&self.local, weak, &self.bounds)
    }

    /// Whether the keys of a run that asked these may be sent to others.
    pub fn may_tell<T: AsRef<[u8]>>(&self, questions: &[Question<T>]) -> bool {
        self.bounds.hold(questions).is_ok()
    }

    /// How many objects were uploaded.
    pub fn uploaded(&self) -> u64 {
        self.levels.stores().iter().map(|store| store.health().kept).sum()
    }
}
