//! What a toolchain calls itself: rustc's answer to `-vV`, for explanations only.

use kiln_action::Digest;
use kiln_sys::files;
use std::path::{Path, PathBuf};

/// The longest first line of an answer that is remembered, in bytes.
const LONGEST: usize = 200;

/// The file that holds a toolchain's name for itself.
fn note(memory: &Path, toolchain: &Digest) -> PathBuf {
    memory.join(format!("{}-version", &toolchain.hex()[..32]))
}

/// Remembers a compiler's answer to `-vV`.
pub fn keep(memory: &Path, toolchain: &Digest, output: &[u8]) {
    let line = output.split(|&b| b == b'\n').next().unwrap_or_default();
    if line.len() < LONGEST && line.starts_with(b"rustc ") {
        let _ = files::write_private(&note(memory, toolchain), line);
    }
}

/// A toolchain's name for itself; empty if it was never asked.
pub fn of(memory: &Path, toolchain: &Digest) -> String {
    let note = files::read_own(&note(memory, toolchain), 256).unwrap_or_default();
    String::from_utf8(note).unwrap_or_default()
}

#[cfg(test)]
mod tests;
