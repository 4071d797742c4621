//! Putting a file somewhere else: copied or linked, over whatever is there.

use super::draft::{Draft, with_private_name};
use super::{FileError, Identity, Source, call, lstat, with_parent};
use crate::system::files::{self as system, Errno};
use kiln_action::Digest;
use std::io;
use std::path::Path;

/// Copies `source` to `path`. The copy has a new inode, fresh times and the usual permissions less the umask. If the source
/// is written to meanwhile, that is an error, and nothing is placed.
pub fn place_copy(source: &Source, path: &Path, executable: bool) -> Result<Identity, FileError> {
    let draft = draft_for(path, executable)?;
    draft.fill(source)?;
    if !source.stat_again()?.identity.same_content(&source.stat().identity) {
        let changed = io::Error::other("it changed while it was copied");
        return Err(FileError::new("copy", &source.path, changed));
    }
    draft.publish(path)
}

/// Copies `source` to `path` as [`place_copy`] does and says what was copied.
pub fn place_copy_hashing(
    source: &Source,
    path: &Path,
    executable: bool,
) -> Result<(Digest, Identity), FileError> {
    let draft = draft_for(path, executable)?;
    let digest = draft.fill_hashing(source)?;
    Ok((digest, draft.publish(path)?))
}

/// Copies `source` to `path` only if its content is `expected`; else nothing is placed and the outcome is `None`.
pub fn place_copy_checked(
    source: &Source,
    path: &Path,
    executable: bool,
    expected: &Digest,
) -> Result<Option<Identity>, FileError> {
    let draft = draft_for(path, executable)?;
    if draft.fill_hashing(source)? != *expected {
        return Ok(None);
    }
    draft.publish(path).map(Some)
}

fn draft_for(path: &Path, executable: bool) -> Result<Draft, FileError> {
    let mode = if executable { 0o777 } else { 0o666 };
    Draft::create(path.parent().unwrap_or(Path::new("")), mode)
}

/// Makes `path` another name of the file `source`. See [`FileError::wants_copy`] for the errors that mean "copy it".
pub fn place_link(source: &Path, path: &Path) -> Result<Identity, FileError> {
    let link = |name: &Path| call("link", name, || system::link(source, name));
    match with_parent(path, || link(path)) {
        Err(error) if error.errno() == Some(Errno::EXIST) => {}
        outcome => outcome?,
    }
    // A link that was just made and one that was there before look alike.
    if let (Some(old), Some(new)) = (lstat(source)?, lstat(path)?)
        && (old.identity.dev, old.identity.ino) == (new.identity.dev, new.identity.ino)
    {
        return Ok(new.identity);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (name, ()) = with_private_name(directory, link)?;
    let outcome = call("create", path, || system::rename(&name, path));
    // If somebody else made the same link first, renaming does nothing and leaves the private name.
    let _ = system::remove(&name);
    outcome?;
    match lstat(path)? {
        Some(placed) => Ok(placed.identity),
        None => Err(FileError::new("link", path, Errno::NOENT)),
    }
}
