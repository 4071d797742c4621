//! The two links that `kiln setup --c` names as `HOST_CC` and `HOST_CXX` in cargo's configuration. cc-rs asks for these before it
//! asks for `CC` and `CXX` (cc 1.0 to 1.4, and whatever else follows its rules), so that what the user says there would be
//! lost: a link by these names is therefore whatever compiler they name, and `cc` or `c++` where they name none.

use std::path::Path;

/// Where the links are, below cargo's home. Nowhere else, for a cache may be removed at any time.
pub const DIRECTORY: &str = "kiln/host";

/// What the links are called, the variable that names each, and the one that is followed.
pub const LINKS: [(&str, &str, &str); 2] = [("cc", "HOST_CC", "CC"), ("c++", "HOST_CXX", "CXX")];

/// Which of the links it is, by the path that it was called by.
pub fn link(called: &Path) -> Option<&'static (&'static str, &'static str, &'static str)> {
    called.parent()?.ends_with(DIRECTORY).then_some(())?;
    LINKS.iter().find(|(name, ..)| called.file_name().is_some_and(|file| file == *name))
}
