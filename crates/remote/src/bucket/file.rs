//! `file:///mnt/cache`: a directory that several machines have mounted. A file appears under its name by a rename within the
//! file system, so a reader on another machine sees all of it or nothing.

use super::{Bucket, Fault, Listed};
use crate::Spec;
use kiln_action::FileKind;
use kiln_sys::files::{self, FileError};
use std::path::{Path, PathBuf};
use std::time::Duration;

struct Directory {
    root: PathBuf,
}

pub fn open(spec: &Spec) -> Result<Box<dyn Bucket>, String> {
    spec.allow(&[])?;
    let root = spec.url.to_file_path().map_err(|()| "file:// takes an absolute path".to_owned())?;
    Ok(Box::new(Directory { root }))
}

fn fault(error: &FileError) -> Fault {
    match error.source.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            Fault::Refused(error.to_string())
        }
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
    fn get(&self, name: &str, _: Duration) -> Result<Option<Vec<u8>>, Fault> {
        match files::read_limited(&self.root.join(name), self.largest()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_missing() => self.there().map(|()| None),
            Err(error) => Err(fault(&error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], _: Duration) -> Result<(), Fault> {
        self.there()?;
        files::write_atomic(&self.root.join(name), bytes).map(|_| ()).map_err(|error| fault(&error))
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

fn below(root: &Path, folder: &str, found: &mut Vec<Listed>) -> Result<(), FileError> {
    for entry in files::list(&root.join(folder))?.unwrap_or_default() {
        let Some(last) = entry.name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let name = format!("{folder}/{last}");
        if entry.kind == FileKind::Directory {
            below(root, &name, found)?;
        } else if let Some(stat) = files::stat(&root.join(&name))? {
            let written = Some(stat.identity.mtime_ns / 1_000_000_000);
            found.push(Listed { name, size: stat.identity.size, written });
        }
    }
    Ok(())
}
