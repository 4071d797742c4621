//! What the wrapper and the daemon say to each other over a unix socket, and the wrapper's end of it.
//!
//! Architecture invariant: nothing here waits for a network, and nothing of a daemon that is gone, hangs or talks nonsense is
//! more to its caller than "no".

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves"))]

mod client;
mod hello;
pub mod message;
mod place;
pub mod queue;
mod remote;
mod status;

pub use client::{Client, PATIENCE, Refusal};
pub use hello::Hello;
pub use place::DaemonPlace;
pub use queue::Queued;
pub use remote::{Made, Product, RemoteCache, Resolve, Resolved, Wanted, Workspace};
pub use status::{
    Chore, Health, Maintained, Message, Prefetched, Pushed, Status, StoreStatus, Swept, Tried, TriedStore,
    Waited, decode_counters, encode_counters,
};
