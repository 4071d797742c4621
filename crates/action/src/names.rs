//! What results and Shapes are found by. How these names are made stands in [`crate::key`].

use crate::digest;
use std::fmt;

/// Names the Shapes of a compile: no file contents in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeakKey(pub [u8; 32]);

/// Names exactly one result.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActionKey(pub [u8; 32]);

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
