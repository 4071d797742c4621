//! The preload object that watches a run, and the reader of its log.
//!
//! A [`Recorder`] is made for one run. The root process gets two more variables ([`Recorder::environment`]); the
//! object that they name is loaded into it and into every process it starts, and writes into a log that all of them
//! share. After the root has ended, [`Recorder::finish`] says what the run looked at, or why this is not known:
//! silence of any process is never read as "looked at nothing".
//!
//! The same object puts kiln before the C compilers that a tree of processes starts, recorded or not: see [`Wiring`].
//!
//! What the object sees are calls of libc's functions. Code that makes system calls by itself (static programs are
//! refused, an inline instruction is not noticed), and a walk over the environment block, leave no record.
//!
//! Architecture invariant: this is the one crate besides `kiln_sys` that makes system calls (descriptors of a memory file, its seals,
//! mappings). What it does with them is one protocol with the object, which is C, and nothing that anybody else needs.

#[cfg(not(unix))]
mod elsewhere;
pub mod known;
mod launcher;
#[cfg(unix)]
mod log;
#[cfg(unix)]
mod object;
mod record;
#[cfg(unix)]
mod recorder;
#[cfg(unix)]
mod reporter;
#[cfg(unix)]
mod watchable;
mod wiring;

#[cfg(not(unix))]
use elsewhere as object;

pub use launcher::launcher;
pub use record::{Act, Ask, By, OpenMode, Process, Record, RecordedEvent, Unrecorded, What};
pub use wiring::{Below, VARIABLES, Wiring, called, calling};

#[cfg(not(unix))]
pub use elsewhere::{Recorder, Reporter, is_supported, watchable};
#[cfg(unix)]
pub use log::read_log;
#[cfg(unix)]
pub use recorder::{Recorder, is_supported};
#[cfg(unix)]
pub use reporter::Reporter;
#[cfg(unix)]
pub use watchable::watchable;
