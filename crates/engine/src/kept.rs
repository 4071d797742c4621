//! What was kept of a run.

use kiln_action::{ActionKey, Answer, Shape};
use std::path::PathBuf;

/// A run that is in the store now.
pub struct Kept {
    /// Bytes of its outputs.
    pub bytes: u64,
    /// The key under which the result was stored.
    pub key: ActionKey,
    /// What it had asked.
    pub shape: Shape,
    /// What it was answered, in the Shape's order.
    pub answers: Vec<Answer>,
    /// The files that it made.
    pub outputs: Vec<PathBuf>,
}
