//! Looking for bytes in a file.

use super::{FileError, Source};
use memchr::memmem::Finder;
use std::path::Path;

/// The first of `needles` that the file contains, by its index.
pub fn find_any(path: &Path, needles: &[&[u8]]) -> Result<Option<usize>, FileError> {
    let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
    let overlap = needles.iter().map(|needle| needle.len()).max().unwrap_or(0).saturating_sub(1);
    let find = |bytes: &[u8]| finders.iter().position(|finder| finder.find(bytes).is_some());
    let mut seam: Vec<u8> = Vec::new(); // the end of what was read, and then the beginning of the next piece
    let mut found = None;
    Source::open(path)?.each_piece(|piece, _| {
        if found.is_none() && !needles.is_empty() {
            seam.extend_from_slice(&piece[..overlap.min(piece.len())]);
            found = find(&seam).or_else(|| find(piece));
            let kept = if piece.len() >= overlap { piece } else { seam.as_slice() };
            seam = kept[kept.len().saturating_sub(overlap)..].to_vec();
        }
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
