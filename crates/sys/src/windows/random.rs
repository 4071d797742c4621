//! Chance.

use std::io;

#[link(name = "advapi32")]
unsafe extern "system" {
    /// RtlGenRandom.
    fn SystemFunction036(into: *mut u8, length: u32) -> u8;
}

/// Fills at most 256 bytes.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    // SAFETY: it writes as many bytes as there are, which are ours.
    match unsafe { SystemFunction036(bytes.as_mut_ptr(), length) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
