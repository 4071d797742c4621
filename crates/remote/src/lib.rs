//! Results in remote stores. A backend is a [`Bucket`]: it keeps whole objects by name. Small wrappers over it, one file each, count
//! ([`Counted`]), stop asking ([`Breaker`]), limit ([`Limited`]), verify ([`Verified`]), set aside ([`Quarantined`]) and name
//! ([`Namespaced`]). A [`Level`] is one store in this dress; [`Levels`] are several, near to far.
//!
//! Architecture invariants: nothing that came over a wire is used or stored before `verified.rs` held its digest and size against its
//! name; whatever is wrong is a miss. No error in here is worth a build. Async stays inside `bucket/object.rs`.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves"))]

mod breaker;
pub mod bucket;
pub mod bundle;
mod counted;
mod level;
mod levels;
mod limited;
#[cfg(test)]
mod memory;
mod namespaced;
pub mod pack;
pub mod progress;
mod quarantined;
mod spec;
mod verified;

pub use breaker::Breaker;
pub use bucket::{Bucket, Fault};
pub use counted::Counted;
pub use level::{Found, Level, merge_shapes};
pub use levels::{Brought, Levels, WriteBack};
pub use limited::Limited;
pub use namespaced::Namespaced;
pub use pack::{Kind, PackedUnit};
pub use quarantined::Quarantined;
pub use spec::{Remotes, Spec};
pub use verified::{Opened, Sound, Verified};

use kiln_protocol::Health;
