//! The long life: brings what the wrapper asks for into the local store, and uploads behind its back.
//!
//! Architecture invariants: a daemon is never needed for a local hit, and its death at any moment costs nobody more than a compile.
//! It knows keys and bytes, and no compiler.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves"))]

mod budget;
mod bundle;
mod bundles;
mod counters;
mod in_flight;
mod log;
mod maintenance;
mod resolver;
mod server;
mod services;
mod session;
mod shelf;
mod stores;
mod sync;
mod travel;
mod uploader;

pub use server::run;
