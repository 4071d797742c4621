//! The byte encoding of everything kiln writes itself: little-endian integers, length-prefixed byte strings.
//!
//! Reading is total: whatever the bytes are, the outcome is a value or [`Malformed`], never a panic and never an
//! allocation larger than the input.

use crate::{ContentHasher, Digest};

/// The bytes are not what the format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed bytes")]
pub struct Malformed;

/// Appends values to a byte string.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Appends four bytes, little-endian.
    pub fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    /// Appends eight bytes, little-endian.
    pub fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// A length (u32) and that many bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        debug_assert!(u32::try_from(value.len()).is_ok(), "a single value over 4 GiB");
        self.u32(value.len() as u32);
        self.0.extend(value);
    }

    /// A digest: 32 bytes of hash, then the size.
    pub fn digest(&mut self, value: &Digest) {
        self.0.extend(value.hash);
        self.u64(value.size);
    }
}

/// Takes values from the front of a byte string.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    /// Takes exactly `N` bytes; [`Malformed`] if fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    /// Takes four bytes, little-endian.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Takes eight bytes, little-endian.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A length and that many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let count = self.u32()?;
        self.take(count as usize)
    }

    /// Takes a digest: 32 bytes of hash and eight of size.
    pub fn digest(&mut self) -> Result<Digest, Malformed> {
        Ok(Digest { hash: self.array()?, size: self.u64()? })
    }

    /// A count (u32) and that many values.
    pub fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u32()? as usize;
        if count > self.0.len() {
            return Err(Malformed); // every value takes a byte at least
        }
        let mut values = Vec::with_capacity(count.min(self.0.len() / size_of::<T>().max(1)));
        for _ in 0..count {
            let before = self.0.len();
            values.push(item(self)?);
            debug_assert!(
                self.0.len() < before,
                "a value takes a byte at least, or a count of them could be any"
            );
        }
        Ok(values)
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Bytes before the body of a sealed file: magic, version, checksum.
const HEAD: usize = 4 + 1 + 8;

/// A file of kiln's own: magic, version and a checksum over `name` and `body`, so that a torn, zeroed or foreign file, and one
/// that belongs under another name, is recognised before a byte of it is believed. The name is the key that the file is found
/// under; it is empty for what is found by its content.
pub fn seal(magic: [u8; 4], version: u8, name: &[u8], body: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(body.len() + HEAD);
    file.extend(magic);
    file.push(version);
    file.extend(checksum(name, body));
    file.extend(body);
    debug_assert_eq!(file.len(), HEAD + body.len(), "magic, version and checksum, and the body behind them");
    file
}

/// The body of a sealed file, if magic, version and checksum are right and it was sealed for this name.
pub fn unseal<'a>(magic: [u8; 4], version: u8, name: &[u8], file: &'a [u8]) -> Result<&'a [u8], Malformed> {
    let (head, body) = file.split_at_checked(HEAD).ok_or(Malformed)?;
    let right = head[..4] == magic && head[4] == version && head[5..] == checksum(name, body);
    if right { Ok(body) } else { Err(Malformed) }
}

fn checksum(name: &[u8], body: &[u8]) -> [u8; 8] {
    let mut hasher = ContentHasher::new();
    hasher.update(&(name.len() as u32).to_le_bytes());
    hasher.update(name);
    hasher.update(body);
    let mut checksum = [0; 8];
    checksum.copy_from_slice(&hasher.finish().hash[..8]);
    checksum
}

#[cfg(test)]
mod tests;
