//! The nouns of kiln: what a compile is, what it looked at, what came of it, and the event about it.
//!
//! Architecture invariant: no I/O here, and the operating system is one module ([`os`]); every other crate may depend on this one and it
//! depends on none of them. Only [`key`] and [`digest`] feed a hasher.

pub mod baseline;
pub mod bounds;
pub mod calendar;
pub mod conceal;
pub mod digest;
pub mod event;
pub mod exit;
pub mod invocation;
pub mod key;
pub mod names;
pub mod os;
pub mod place;
pub mod reason;
pub mod removals;
pub mod result;
pub mod schemes;
pub mod shape;
pub mod snapshot;
pub mod template;
pub mod wire;
pub mod words;

pub use bounds::Bounds;
pub use digest::{ContentHasher, Digest};
pub use event::{Event, Outcome};
pub use invocation::{Extern, Family, Field, Invocation, Lazy, Mode, OutputPlan, Subject, Unit};
pub use key::KeyInputs;
pub use names::{ActionKey, WeakKey};
pub use place::{Place, Placed, Places};
pub use reason::Reason;
pub use result::{ActionResult, Output, OutputRole, Stream, Times};
pub use shape::{Answer, FileKind, Given, Question, Shape};
pub use snapshot::SnapshotKey;
pub use template::Template;
