//! Test spaces and fakes for the tests of the other crates.
//!
//! A [`TestSpace`] is one temporary directory with its own cache, home and environment; a [`Project`] is a
//! checkout inside it. A project is built by [`Cargo`] with kiln or by plain cargo, and what comes out is an
//! [`Outcome`]: exit status and both streams. [`Project::oracle`] says what plain cargo makes of the very same
//! state at the very same paths. kiln itself is only ever reached through its binary, see [`binary`].
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

pub mod binary;
mod cargo;
pub mod http;
mod loader;
pub mod mounted;
pub mod mutated;
pub mod network;
mod outcome;
pub mod proxy;
mod random;
pub mod remembering;
pub mod servers;
mod space;
mod stats;
pub mod tree;

pub use cargo::{Cargo, Toolchain};
pub use loader::deaf_loader;
pub use outcome::{Outcome, kill_group, run, run_with_input};
pub use random::Random;
pub use space::{Project, TestSpace};
pub use stats::Stats;
