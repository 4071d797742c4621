//! What results and Shapes are found by. How these names are made stands in [`crate::key`].
//!
//! What is in a key is this crate's own, so that none is made up elsewhere: one is computed ([`crate::key`]), read from a message or a
//! file (`read`), or taken from the name that a file or an object is found under (`of_name`; `cargo xtask arch` knows who reads such names).

use crate::digest;
use crate::wire::{Malformed, Reader, Writer};
use std::fmt;

/// Names the Shapes of a compile: no file contents in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeakKey(pub(crate) [u8; 32]);

/// Names exactly one result.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActionKey(pub(crate) [u8; 32]);

impl WeakKey {
    /// Names no compile's Shapes: what a store is asked for to see whether it answers.
    pub const NO_COMPILE: WeakKey = WeakKey([0; 32]);

    /// The key that Shapes are found under which have this name, in a store or in a bundle.
    pub const fn of_name(name: [u8; 32]) -> WeakKey {
        WeakKey(name)
    }

    /// The name that its Shapes are found under.
    pub const fn name(&self) -> &[u8; 32] {
        &self.0
    }

    /// Appends the 32 bytes of the key.
    pub fn write(&self, to: &mut Writer) {
        to.0.extend(self.0);
    }

    /// Takes the 32 bytes of a key.
    pub fn read(from: &mut Reader<'_>) -> Result<WeakKey, Malformed> {
        Ok(WeakKey(from.array()?))
    }
}

impl ActionKey {
    /// The key that a result is found under which has this name, in a store or in a bundle.
    pub const fn of_name(name: [u8; 32]) -> ActionKey {
        ActionKey(name)
    }

    /// The name that its result is found under.
    pub const fn name(&self) -> &[u8; 32] {
        &self.0
    }

    /// Appends the 32 bytes of the key.
    pub fn write(&self, to: &mut Writer) {
        to.0.extend(self.0);
    }

    /// Takes the 32 bytes of a key.
    pub fn read(from: &mut Reader<'_>) -> Result<ActionKey, Malformed> {
        Ok(ActionKey(from.array()?))
    }
}

impl fmt::Debug for WeakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weak:{}", &digest::hex(&self.0)[..12])
    }
}

impl fmt::Debug for ActionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "action:{}", &digest::hex(&self.0)[..12])
    }
}
