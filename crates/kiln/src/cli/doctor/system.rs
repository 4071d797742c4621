//! What this system does not have at all.

use super::Finding;
use kiln_sys::socket;
use std::env::consts::{ARCH, OS};

const NAME: &str = "system";

/// Says what is unsupported here; nothing where all of it is there.
pub(super) fn look() -> Vec<Finding> {
    missing(kiln_recorder::is_supported(), socket::ARE_SUPPORTED)
}

pub(super) fn missing(recorder: bool, sockets: bool) -> Vec<Finding> {
    let unrecorded = || {
        let says = format!(
            "compiles cannot be recorded on {OS} on {ARCH}: every one runs unchanged, and nothing is cached"
        );
        Finding::problem(NAME, says, "use Linux on x86-64 or aarch64, or build without kiln")
    };
    let alone = || {
        let says = format!("there is no daemon on {OS}: what is shared through remote stores is not used");
        Finding::warning(NAME, says, "nothing is wrong with the builds; they are no faster")
    };
    (!recorder).then(unrecorded).into_iter().chain((!sockets).then(alone)).collect()
}
