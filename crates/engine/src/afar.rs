//! What the engine wants from a remote side, whoever that is: results brought into the local store in time, and a word about
//! what was compiled. Nothing of it is needed, and none of it can fail.

use crate::workspace::Workspace;
use kiln_action::{ActionKey, WeakKey};

/// A unit that is not in the local store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its WeakKey.
    pub weak: WeakKey,
    /// The hash of its Shapes as the local store has them; zeros for none.
    pub seen: [u8; 32],
    /// What today's answers make of them.
    pub keys: Vec<ActionKey>,
    /// The build that it is part of.
    pub build: u32,
    /// The workspace that it is built for.
    pub workspace: Option<Workspace>,
    /// Milliseconds that it takes, as far as one can tell beforehand; 0 if nobody can.
    pub cost_ms: u32,
    /// Milliseconds that it is waited for at most, whatever it takes.
    pub most_ms: u32,
}

/// What there is in the local store now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// A result under one of the keys.
    pub found: bool,
    /// Other Shapes than those that were seen.
    pub news: bool,
}

/// A unit that was compiled and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its WeakKey.
    pub weak: WeakKey,
    /// Its result.
    pub key: ActionKey,
    /// Whether the next edit replaces it.
    pub incremental: bool,
    /// The build that it is part of.
    pub build: u32,
    /// The workspace that it was built for.
    pub workspace: Option<Workspace>,
    /// Milliseconds that compiling took.
    pub took_ms: u32,
}

/// The remote side.
pub trait Afar {
    /// Brings what there is, within the time that it is worth.
    fn bring(&self, wanted: &Wanted) -> Brought;

    /// Takes note of what was made here.
    fn made(&self, made: &Made);
}
