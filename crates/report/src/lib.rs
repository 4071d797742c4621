//! What happened: an append-only log of events, and folds over it.
//!
//! Architecture invariant: telling never changes a build. Every failure here is swallowed by the caller of
//! [`log::Log::append`].

pub mod cause;
pub mod explanation;
pub mod log;
pub mod summary;

pub use summary::Summary;
