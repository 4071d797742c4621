//! Settings: what there is to set ([`schema`]), and what is set, by whom ([`layers`]).
//!
//! Architecture invariant: a bad setting never stops a build. It is reported once, the default counts, the build goes on.

pub mod layers;
pub mod schema;
pub mod values;

pub use layers::{Complaint, Source, Start, load};
pub use schema::{Settings, is_own};
