//! Unix: Linux, where everything is, and macOS, where some of it is not.

pub mod clock;
pub mod files;
pub mod lock;
pub mod process;
pub mod random;
pub mod sandbox;
pub mod socket;
