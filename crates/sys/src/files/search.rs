//! Looking for bytes in a file.

use super::{FileError, Source};
use memchr::memmem::Finder;
use std::path::Path;

/// The first of `needles` that the file contains, by its index.
pub fn find_any(path: &Path, needles: &[&[u8]]) -> Result<Option<usize>, FileError> {
    let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
    let overlap = needles.iter().map(|needle| needle.len()).max().unwrap_or(0).saturating_sub(1);
    let mut window: Vec<u8> = Vec::new();
    let mut found = None;
    Source::open(path)?.each_piece(|piece, _| {
        if found.is_none() {
            window.extend_from_slice(piece);
            found = finders.iter().position(|finder| finder.find(&window).is_some());
            let done = window.len().saturating_sub(overlap);
            window.drain(..done);
        }
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
