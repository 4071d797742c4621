//! `file:///mnt/cache`: a directory that several machines have mounted. A file appears under its name by a rename within the
//! file system, so a reader on another machine sees all of it or nothing. Whoever may use the directory may use what is in it: files
//! and directories get its permissions, whatever the umask of whoever was first.

use super::{Bucket, Fault, Listed};
use crate::Spec;
use kiln_action::FileKind;
use kiln_sys::clock;
use kiln_sys::files::{self, FileError, PRIVATE_PREFIX};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file under a private name that is older belongs to nobody who is still writing it.
const LEFT_NS: i64 = 24 * 3600 * 1_000_000_000;

struct Directory {
    root: PathBuf,
}

pub fn open(spec: &Spec) -> Result<Box<dyn Bucket>, String> {
    let root = spec.url.to_file_path().map_err(|()| "file:// takes an absolute path".to_owned())?;
    Ok(Box::new(Directory { root }))
}

fn fault(error: &FileError) -> Fault {
    match error.source.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            Fault::Refused(error.to_string())
        }
        std::io::ErrorKind::FileTooLarge => Fault::TooLarge,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Fault::Full(error.to_string()),
        _ => Fault::Broken(error.to_string()),
    }
}

impl Directory {
    /// Whether the share is mounted: a cache that is gone is a fault, and nothing is made in its place.
    fn there(&self) -> Result<(), Fault> {
        match files::stat(&self.root) {
            Ok(Some(stat)) if stat.kind == FileKind::Directory => Ok(()),
            Ok(_) => Err(Fault::Unreachable(format!("{} is no directory", self.root.display()))),
            Err(error) => Err(fault(&error)),
        }
    }
}

impl Bucket for Directory {
    fn get(&self, name: &str, most: u64, _: Duration) -> Result<Option<Vec<u8>>, Fault> {
        let read = || files::read_limited(&self.root.join(name), most);
        match read().or_else(|error| if error.is_stale() { read() } else { Err(error) }) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_missing() => self.there().map(|()| None),
            Err(error) => Err(fault(&error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], _: Duration) -> Result<(), Fault> {
        self.there()?;
        let written = files::write_shared(&self.root, &self.root.join(name), bytes);
        written.map(|_| ()).map_err(|error| fault(&error))
    }

    fn has(&self, name: &str, _: Duration) -> Result<bool, Fault> {
        match files::stat(&self.root.join(name)) {
            Ok(Some(_)) => Ok(true),
            Ok(None) => self.there().map(|()| false),
            Err(error) => Err(fault(&error)),
        }
    }

    fn remove(&self, name: &str, _: Duration) -> Result<(), Fault> {
        files::remove(&self.root.join(name)).map(|_| ()).map_err(|error| fault(&error))
    }

    fn list(&self, prefix: &str, _: Duration) -> Result<Vec<Listed>, Fault> {
        self.there()?;
        let mut found = Vec::new();
        below(&self.root, prefix.trim_end_matches('/'), &mut found).map_err(|error| fault(&error))?;
        Ok(found)
    }
}

/// Everything below a folder, with what killed writers left there: who tidies up finds it.
fn below(root: &Path, folder: &str, found: &mut Vec<Listed>) -> Result<(), FileError> {
    for entry in files::list(&root.join(folder))?.unwrap_or_default() {
        let Some(last) = entry.name.to_str() else { continue };
        let left = last.starts_with(PRIVATE_PREFIX);
        if last.starts_with('.') && !left {
            continue;
        }
        let name = format!("{folder}/{last}");
        if entry.kind == FileKind::Directory {
            below(root, &name, found)?;
        } else if let Some(stat) = files::stat(&root.join(&name))? {
            if left && clock::realtime_ns() - stat.identity.mtime_ns < LEFT_NS {
                continue;
            }
            let written = Some(stat.identity.mtime_ns / 1_000_000_000);
            found.push(Listed { name, size: stat.identity.size, written });
        }
    }
    Ok(())
}
