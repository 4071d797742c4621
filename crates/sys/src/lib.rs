//! The only door to the operating system: files, processes, clock, environment.
//!
//! Architecture invariant: no other crate of the wrapper calls `std::fs`, `std::process`, `std::env` or a clock (clippy's
//! `disallowed-methods` holds that). Nothing here knows what a compiler is.
#![allow(clippy::disallowed_methods, reason = "this crate is the door the lint sends everybody to")]

pub mod clock;
pub mod env;
pub mod files;
pub mod identity;
pub mod machine;
pub mod marker;
pub mod process;
pub mod random;
pub mod sandbox;
pub mod socket;
pub mod thread;
