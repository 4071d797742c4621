//! Results over a network: the store's trait over buckets that are far away, and the patience to use them.
//!
//! Architecture invariants: nothing that came over a wire is used or stored before its digest and size were held against its
//! name; whatever is wrong is a miss. No error in here is worth a build. Async stays inside `bucket/object.rs`.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves"))]

pub mod bucket;
pub mod bundle;
mod levels;
pub mod pack;
mod patience;
mod spec;
mod store;

pub use bucket::{Bucket, Fault};
pub use levels::{Brought, Levels, WriteBack};
pub use pack::{Kind, Unit};
pub use patience::{Health, Patient};
pub use spec::{Remotes, Spec};
pub use store::{Found, RemoteStore, merge_shapes};
