//! One compile from top to bottom: `argv -> Invocation -> WeakKey -> Shapes -> answers -> ActionKey -> result -> files ->
//! Event`, always forward. [`pipeline`] reads as the table of contents.
//!
//! Architecture invariant: no fault of the cache changes what the compiler says or its exit code. Every fault ends in
//! [`pipeline`], as a miss or as the compiler run unchanged.

pub mod afar;
pub mod argfile;
mod asked;
pub mod baseline;
pub mod c;
pub mod capture;
mod cargo_files;
mod events;
pub mod evidence;
pub mod fill;
mod generated;
pub mod guilt;
pub mod inputs;
pub mod journal;
pub mod lookup;
mod manifests;
mod nested;
pub mod note;
pub mod picture;
pub mod pipeline;
mod project;
pub mod restore;
pub mod script;
pub mod switches;
pub mod toolchain;
pub mod verify;
pub mod wire;
pub mod workshop;

pub use afar::Afar;
pub use events::{looks_like_a_compile, unknown};
pub use pipeline::{Call, Ending, wrap};
