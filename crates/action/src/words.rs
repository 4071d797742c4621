//! Facts of a key as words for people, and salted digests of what must not be shown.

use crate::Digest;
use crate::wire::Writer;

/// One fact of the WeakKey, as words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// The group's name.
    pub group: String,
    /// What it is: a flag's field, an extern, a variable.
    pub name: String,
    /// Its value; for variables and the toolchain a digest.
    pub value: String,
}

/// The first 16 bytes of a hash: enough to tell answers apart for people.
pub type Print = [u8; 16];

/// A digest with the salt of a cache directory: equal values have equal digests, and a digest shows nothing else.
pub fn salted(salt: &[u8], value: &Digest) -> Print {
    let mut text = Writer::default();
    text.bytes(salt);
    text.digest(value);
    cut(&Digest::of(&text.0))
}

/// The first bytes of a digest.
pub fn cut(digest: &Digest) -> Print {
    let mut print = [0; 16];
    print.copy_from_slice(&digest.hash[..16]);
    print
}
