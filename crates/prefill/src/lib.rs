//! Whole builds: a `target` that is empty is filled before cargo looks. What a build did is kept as a [`snapshot`]: its calls, and
//! cargo's own small files beside what they made. [`fill`] makes the same calls again, each under its own key of today.
//!
//! Architecture invariant: the engine below knows nothing of this. A snapshot says which calls to make and what to ask; every answer is
//! today's, or is proved unchanged by the digests of all that it is derived from.

pub mod cargo_command;
mod cargo_files;
pub mod configuration;
pub mod descent;
pub mod fill;
mod manifests;
mod members;
pub mod recorded;
pub mod recording;
pub mod request;
pub mod session;
pub mod snapshot;
mod target_dir;
