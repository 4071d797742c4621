//! The preload object that watches a run, and the reader of its log.
//!
//! A [`Recorder`] is made for one run. The root process gets two more variables ([`Recorder::environment`]); the
//! object that they name is loaded into it and into every process it starts, and writes into a log that all of them
//! share. After the root has ended, [`Recorder::finish`] says what the run looked at, or that this cannot be told:
//! silence of any process is never read as "looked at nothing".
//!
//! The same object puts kiln before the C compilers that a tree of processes starts, recorded or not: see [`Wiring`].
//!
//! What the object sees are calls of libc's functions. Code that makes system calls by itself (static programs are
//! refused, an inline instruction is not noticed), and a walk over the environment block, leave no record.

mod launcher;
mod log;
mod object;
mod record;
mod recorder;
mod reporter;
mod watchable;
mod wiring;

pub use launcher::launcher;
pub use record::{Act, Ask, By, Event, OpenMode, Process, Record, Unrecorded, What};
pub use recorder::Recorder;
pub use reporter::{Reporter, VARIABLES};
pub use watchable::watchable;
pub use wiring::{Below, Wiring, called, calling};
