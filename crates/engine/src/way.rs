//! How outputs are put in place: taken or copied, and below what.

use kiln_sys::files::Beneath;
use std::path::{Path, PathBuf};

/// How outputs are put in place.
#[derive(Clone, Copy, Default)]
pub struct Way<'a> {
    /// Whether the store's own files that would be copied are taken: they have just come from elsewhere, and are put back behind the
    /// caller's back. Else they stay.
    pub take: bool,
    /// Where a recording names the places, and nobody has today: below what they must be.
    pub beneath: Option<&'a Beneath>,
}

impl Way<'_> {
    /// Where a file is written that is to be at this place.
    pub fn file(&self, to: &Path) -> Option<PathBuf> {
        self.beneath.map_or_else(|| Some(to.to_owned()), |beneath| beneath.file(to).ok())
    }
}
