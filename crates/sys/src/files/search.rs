//! Looking for bytes in a file.

use super::{FileError, Source};
use memchr::memmem::Finder;
use std::path::Path;

/// A search through bytes that come in pieces, for the first of some needles that is among them.
pub struct Search<'n> {
    finders: Vec<Finder<'n>>,
    /// Directories have the same beginning: where that is not, none of them is.
    beginning: Option<Finder<'n>>,
    overlap: usize,
    /// The end of what was seen, and then the beginning of the next piece.
    seam: Vec<u8>,
    found: Option<usize>,
}

impl<'n> Search<'n> {
    /// A search that has seen nothing yet.
    pub fn new(needles: &[&'n [u8]]) -> Search<'n> {
        Search {
            finders: needles.iter().copied().map(Finder::new).collect(),
            beginning: needles.iter().copied().reduce(common).filter(|text| text.len() > 3).map(Finder::new),
            overlap: needles.iter().map(|needle| needle.len()).max().unwrap_or(0).saturating_sub(1),
            seam: Vec::new(),
            found: None,
        }
    }

    /// Searches the next piece of the content; a match may begin in an earlier one.
    pub fn see(&mut self, piece: &[u8]) {
        if self.found.is_none() && !self.finders.is_empty() {
            self.seam.extend_from_slice(&piece[..self.overlap.min(piece.len())]);
            self.found = self.find(&self.seam).or_else(|| self.find(piece));
            let kept = if piece.len() >= self.overlap { piece } else { self.seam.as_slice() };
            self.seam = kept[kept.len().saturating_sub(self.overlap)..].to_vec();
        }
    }

    /// The needle that was found so far, by its index.
    pub fn found(&self) -> Option<usize> {
        self.found
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let possible = self.beginning.as_ref().is_none_or(|finder| finder.find(bytes).is_some());
        self.finders.iter().position(|finder| possible && finder.find(bytes).is_some())
    }
}

/// The first of `needles` that the file contains, by its index.
pub fn find_any(path: &Path, needles: &[&[u8]]) -> Result<Option<usize>, FileError> {
    let mut search = Search::new(needles);
    Source::open(path)?.each_piece(|piece, _| {
        search.see(piece);
        Ok(())
    })?;
    Ok(search.found())
}

/// What both begin with.
fn common<'a>(one: &'a [u8], other: &'a [u8]) -> &'a [u8] {
    let length = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    &one[..length]
}

#[cfg(test)]
mod tests;
