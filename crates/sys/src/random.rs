//! Chance, from the system: for names that nobody can know beforehand.

use crate::fault;
use std::fmt::Write;
use std::io;

/// `N` bytes from the system's source of randomness.
pub fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    const { assert!(N <= 256, "the system gives no more at once") };
    fault::pass()?;
    let mut bytes = [0; N];
    crate::system::random::fill(&mut bytes)?;
    Ok(bytes)
}

/// A name that nobody else makes up: 128 bits, as hexadecimal digits.
pub fn name() -> io::Result<String> {
    let bytes: [u8; 16] = bytes()?;
    Ok(bytes.iter().fold(String::with_capacity(32), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    }))
}
