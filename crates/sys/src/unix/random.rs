//! Chance.

use std::io;

/// Fills at most 256 bytes.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    // SAFETY: it writes as many bytes as there are, which are ours.
    match unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), bytes.len()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
