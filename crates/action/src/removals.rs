//! When results last left a cache otherwise than by being replaced: what an explanation needs to say why one that was there is gone.

use crate::Digest;

/// The bytes of its wire form.
pub const LENGTH: usize = 32;

const _: () = assert!(LENGTH == 4 * 8, "three moments and a checksum, eight bytes each");

/// Moments in milliseconds since the epoch; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removals {
    /// Somebody removed everything (`kiln clear`).
    pub everything_ms: u64,
    /// Somebody removed something, or everything.
    pub cleared_ms: u64,
    /// A collection removed something, for age or for room.
    pub evicted_ms: u64,
}

impl Removals {
    /// The wire form: the three moments, and the beginning of their digest.
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let moments = [self.everything_ms, self.cleared_ms, self.evicted_ms];
        for (place, moment) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(moments) {
            *place = moment.to_le_bytes();
        }
        let check = Digest::of(&bytes[..24]).hash;
        bytes[24..].copy_from_slice(&check[..8]);
        bytes
    }

    /// Reads it; what is damaged says nothing.
    pub fn decode(bytes: &[u8]) -> Removals {
        let read = || {
            let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
            let (words, _) = bytes.as_chunks::<8>();
            let [everything_ms, cleared_ms, evicted_ms] =
                [words[0], words[1], words[2]].map(u64::from_le_bytes);
            let read = Removals { everything_ms, cleared_ms, evicted_ms };
            (read.encode() == *bytes).then_some(read)
        };
        read().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_says_nothing() {
        let some = Removals { everything_ms: 1, cleared_ms: 2, evicted_ms: u64::MAX };
        let bytes = some.encode();
        assert_eq!(Removals::decode(&bytes), some);
        for at in 0..LENGTH {
            let mut other = bytes;
            other[at] ^= 1;
            assert_eq!(Removals::decode(&other), Removals::default());
            assert_eq!(Removals::decode(&bytes[..at]), Removals::default());
        }
    }
}
