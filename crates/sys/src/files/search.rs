//! Looking for bytes in a file.

use super::{FileError, Source};
use memchr::memmem::Finder;
use std::path::Path;

/// The first of `needles` that the file contains, by its index.
pub fn find_any(path: &Path, needles: &[&[u8]]) -> Result<Option<usize>, FileError> {
    let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
    let overlap = needles.iter().map(|needle| needle.len()).max().unwrap_or(0).saturating_sub(1);
    // Directories have the same beginning: where that is not, none of them is.
    let beginning = needles.iter().copied().reduce(common).filter(|text| text.len() > 3).map(Finder::new);
    let find = |bytes: &[u8]| {
        let possible = beginning.as_ref().is_none_or(|finder| finder.find(bytes).is_some());
        finders.iter().position(|finder| possible && finder.find(bytes).is_some())
    };
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

/// What both begin with.
fn common<'a>(one: &'a [u8], other: &'a [u8]) -> &'a [u8] {
    let length = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    &one[..length]
}

#[cfg(test)]
mod tests;
