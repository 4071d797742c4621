//! One compile from top to bottom: `argv -> Invocation -> WeakKey -> Shapes -> answers -> ActionKey -> result -> files ->
//! Event`, always forward. [`pipeline`] reads as the table of contents.
//!
//! Architecture invariant: no fault of the cache changes what the compiler says or its exit code. Every fault ends in
//! [`pipeline`], as a miss or as the compiler run unchanged.

pub mod argfile;
#[cfg(test)]
mod bare;
pub mod baseline;
pub mod cache_dir;
mod call;
pub mod capture;
mod events;
pub mod evidence;
pub mod families;
mod generated;
mod hit;
mod imports;
pub mod inputs;
pub mod inspect;
pub mod journal;
mod kept;
mod keyed;
pub mod lookup;
mod messages;
mod miss;
mod nested;
pub mod pipeline;
mod project;
mod remote;
pub mod replay;
mod request;
pub mod restore;
mod run;
mod seen;
pub mod switches;
pub mod toolchain;
mod unit;
pub mod verify;
mod way;
pub mod wire;
pub mod workspace;

pub use call::{Call, Ending, NamedResult, Wrapped};
pub use events::{looks_like_a_compile, unknown};
pub use pipeline::wrap;
