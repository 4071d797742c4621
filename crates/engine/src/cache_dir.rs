//! What a compile works with: the store and what lies beside it in the cache directory.

use crate::baseline::Units;
use crate::toolchain::Whereabouts;
use kiln_action::Reason;
use kiln_config::Settings;
use kiln_report::log::Log;
use kiln_store::{Limits, LocalStore};
use std::path::PathBuf;

/// The cache directory, open.
pub struct CacheDir {
    /// The local store of Shapes, results and blobs.
    pub store: LocalStore,
    /// Below it everything else is kept.
    pub directory: PathBuf,
}

impl CacheDir {
    /// Opens the cache directory of the settings, and makes it where it is missing.
    pub fn open(settings: &Settings) -> Result<CacheDir, Reason> {
        let root = settings.directory.as_deref();
        let root = root.ok_or_else(|| Reason::NoStore("there is no home directory; set KILN_DIR".into()))?;
        let store = LocalStore::open(root).map_err(|error| Reason::NoStore(error.to_string()))?;
        let directory = store.directory().to_owned();
        Ok(CacheDir { store, directory })
    }

    /// The event log in this directory.
    pub fn log(&self) -> Log {
        Log::new(&self.directory.join("events"))
    }

    /// What is remembered of toolchains.
    pub fn toolchains(&self) -> PathBuf {
        self.directory.join("toolchains")
    }

    /// By what a toolchain is identified.
    pub fn whereabouts(&self) -> Whereabouts<'_> {
        Whereabouts { memo: self.store.memo(), memory: self.toolchains(), locks: self.in_flight() }
    }

    /// What is remembered of macros' files.
    pub fn inspected(&self) -> PathBuf {
        self.directory.join("macros")
    }

    /// The last few runs of every unit.
    pub fn units(&self) -> Units {
        Units::new(self.directory.join("units"))
    }

    /// The file whose places are locked by compiles in progress.
    pub fn in_flight(&self) -> PathBuf {
        self.directory.join("flights.lock")
    }

    /// The directory of the recorder's preload object.
    pub fn recorder(&self) -> PathBuf {
        self.directory.join("recorder")
    }
}

/// The store's limits, as set.
pub fn limits(settings: &Settings) -> Limits {
    Limits { max_bytes: settings.max_size, max_age: settings.max_age }
}
