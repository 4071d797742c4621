//! The only door to the operating system: files, processes, clock, environment.
//!
//! Architecture invariant: no other crate of the wrapper calls `std::fs`, `std::process`, `std::env` or a clock (clippy's
//! `disallowed-methods` holds that). Nothing here knows what a compiler is.
//!
//! What differs between systems is in `unix/` and `windows/`, which have the same files with the same functions in them; the modules here
//! are what they have in common, and the only ones that use them.
#![allow(clippy::disallowed_methods, reason = "this crate is the door the lint sends everybody to")]

pub mod clock;
pub mod env;
pub mod fault;
pub mod files;
pub mod identity;
pub mod machine;
pub mod marker;
pub mod process;
pub mod random;
pub mod sandbox;
pub mod socket;
pub mod thread;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;
