//! Kiln before the C compilers that a build script starts, whether its run is recorded or not.

use crate::cache_dir::CacheDir;
use kiln_config::Settings;
use kiln_recorder::{Below, Wiring};
use kiln_sys::env;
use std::path::PathBuf;

/// The kiln that build scripts are to find before C compilers: this one.
pub fn kiln(settings: &Settings) -> Option<PathBuf> {
    let wanted = settings.wire_c && !settings.off;
    wanted.then(env::own_program).flatten()
}

/// The wiring of a script whose run is not recorded.
pub fn unrecorded(settings: &Settings) -> Option<Wiring> {
    let kiln = kiln(settings)?;
    let cache = CacheDir::open(settings).ok()?;
    Wiring::new(Some(&cache.recorder()), &kiln, Below::All).ok()
}
