//! What serves clients of one set of stores: siblings, each with its own state, wired together here and nowhere else. A page with the
//! daemon's state and the farm's client have their places beside them.

use crate::bundles::Bundles;
use crate::in_flight::InFlight;
use crate::log::Log;
use crate::maintenance::Maintenance;
use crate::resolver::Resolver;
use crate::stores::Stores;
use crate::sync::locked;
use crate::uploader::Uploader;
use kiln_protocol::{DaemonPlace, Hello};
use kiln_store::LocalStore;
use kiln_sys::clock::Moment;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Settings with something wrong in them are looked at again after so long: what was wrong may be right by now.
const COMPLAINING: Duration = Duration::from_secs(5);

/// Everything that serves one set of stores and credentials.
pub struct Services {
    /// The local store and the remote ones.
    pub stores: Arc<Stores>,
    /// Brings what builds want.
    pub resolver: Arc<Resolver>,
    /// Knows what workspaces will need.
    pub bundles: Arc<Bundles>,
    /// Uploads what was made here.
    pub uploader: Arc<Uploader>,
    /// Does what a person asks for.
    pub maintenance: Maintenance,
    opened: Moment,
    /// When a client last sent its Hello.
    greeted: Mutex<Moment>,
}

impl Services {
    /// For what a client says.
    pub fn open(hello: &Hello, local: &Arc<LocalStore>, place: &DaemonPlace, log: &Log) -> Services {
        let stores = Arc::new(Stores::open(hello, local, place, log));
        let in_flight = Arc::new(InFlight::default());
        let bundles = Arc::new(Bundles::new(&stores));
        let uploader = Arc::new(Uploader::new(&stores, &bundles, &in_flight));
        let resolver = Arc::new(Resolver::new(&stores, &bundles, &in_flight, &uploader));
        let maintenance = Maintenance::new(&stores);
        let (opened, greeted) = (Moment::now(), Mutex::new(Moment::now()));
        Services { stores, resolver, bundles, uploader, maintenance, opened, greeted }
    }

    /// Whether they are to be opened anew.
    pub fn is_stale(&self) -> bool {
        !self.stores.complaints.is_empty() && self.opened.elapsed() > COMPLAINING
    }

    /// A client says Hello.
    pub fn greet(&self) {
        *locked(&self.greeted) = Moment::now();
    }

    /// How long ago one last did.
    pub fn unused(&self) -> Duration {
        locked(&self.greeted).elapsed()
    }
}
