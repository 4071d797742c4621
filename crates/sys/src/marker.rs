//! Names as facts: a file that is there because somebody made it first, a file that is closed by giving it another name.

use crate::files::FileError;
use crate::files::Open;
use crate::system::files::{self as system, Errno};
use std::path::Path;

/// Makes an empty file; `false` if somebody else has.
pub fn claim(path: &Path) -> Result<bool, FileError> {
    match system::open(path, Open::New(0o600)) {
        Ok(_) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(errno) => Err(FileError::new("create", path, errno)),
    }
}

/// Gives a file another name in the same directory.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    system::rename(from, to).map_err(|errno| FileError::new("rename", from, errno))
}
