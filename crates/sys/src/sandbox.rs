//! A process, and all that it starts, may read and write what was granted and nothing else, where the system has such a thing.

pub use crate::system::sandbox::{Sandbox, is_supported};

/// What is allowed below a path (for a file: to the file).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Reading and running files, and listing directories.
    Read,
    /// Listing directories, but reading no file in them.
    List,
    /// Everything.
    Write,
    /// Only moving files from one directory to another.
    Move,
}
