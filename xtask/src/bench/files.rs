//! File operations with the path in their errors, and the copying and counting of whole trees.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Outcome;

/// Directories that are no part of a project's sources.
const NOT_SOURCES: [&str; 4] = ["target", ".git", "bench-out", ".cargo-ok"];

/// Bytes of disk that what was put aside does not take.
const KEPT_FREE: u64 = 8 << 30;

/// Turns an error into a sentence about `path`.
pub fn about(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// Creates a directory and its parents.
pub fn make(directory: &Path) -> Outcome<()> {
    fs::create_dir_all(directory).map_err(about(directory))
}

/// Removes a directory with all it holds; one that is not there is fine.
pub fn remove(directory: &Path) -> Outcome<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(about(directory)(error)),
        _ => Ok(()),
    }
}

/// An empty directory, whatever was there.
pub fn renew(directory: &Path) -> Outcome<()> {
    remove(directory)?;
    make(directory)
}

/// Moves a directory out of the way without deleting anything: ext4 goes around inodes that were deleted in the last minutes, one by
/// one, which makes whatever creates files after a `rm -r` slower than it is where nobody deleted anything. Only a disk that
/// fills up makes this delete.
pub fn put_aside(path: &Path, trash: &Path) -> Outcome<()> {
    make(trash)?;
    let space = rustix::fs::statvfs(trash).map_err(|error| about(trash)(error.into()))?;
    if space.f_bavail * space.f_frsize < KEPT_FREE {
        renew(trash)?;
    }
    let number = entries(trash)?.len();
    match fs::rename(path, trash.join(number.to_string())) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(about(path)(error)),
        _ => Ok(()),
    }
}

/// Has what was put aside leave the memory, so that the next run gets that: as on a machine whose memory is all in use, where memory
/// that was just freed is what there is. Else every run takes memory that nobody has touched for long, and which a hypervisor may have given
/// to somebody else meanwhile: then a MB costs ten times as much, in one run and not in the next one.
pub fn forget(trash: &Path) {
    rustix::fs::sync(); // only what is written leaves
    forget_below(trash);
}

fn forget_below(directory: &Path) {
    for path in entries(directory).unwrap_or_default() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            forget_below(&path);
        } else if metadata.is_file()
            && let Ok(file) = File::open(&path)
        {
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }
}

/// Writes a whole file, creating its directory.
pub fn write(file: &Path, text: impl AsRef<[u8]>) -> Outcome<()> {
    if let Some(parent) = file.parent() {
        make(parent)?;
    }
    fs::write(file, text).map_err(about(file))
}

/// Reads a whole file.
pub fn read(file: &Path) -> Outcome<Vec<u8>> {
    fs::read(file).map_err(about(file))
}

/// Creates (or empties) a file to be written by a child.
pub fn create(file: &Path) -> Outcome<File> {
    File::create(file).map_err(about(file))
}

/// Copies a project's sources: everything but version control and build products.
pub fn copy_sources(from: &Path, to: &Path) -> Outcome<()> {
    make(to)?;
    for entry in entries(from)? {
        let name = entry.file_name().unwrap_or_default().to_owned();
        if NOT_SOURCES.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let target = to.join(&name);
        if entry.is_symlink() {
            let link = fs::read_link(&entry).map_err(about(&entry))?;
            std::os::unix::fs::symlink(link, &target).map_err(about(&target))?;
        } else if entry.is_dir() {
            copy_sources(&entry, &target)?;
        } else {
            fs::copy(&entry, &target).map_err(about(&entry))?;
        }
    }
    Ok(())
}

/// The paths in a directory, sorted.
pub fn entries(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let listing = fs::read_dir(directory).map_err(about(directory))?;
    let mut paths: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// What a target directory holds of compiler output.
#[derive(Clone, Copy, Default)]
pub struct Produce {
    /// Units that the compiler was run for.
    pub units: usize,
    /// Bytes of compiler output, each inode counted once.
    pub bytes: u64,
}

/// Counts the units (cargo keeps one `dep-*` file for each under `.fingerprint`) and their outputs.
pub fn produce(target: &Path) -> Produce {
    let (mut produce, mut inodes) = (Produce::default(), HashSet::new());
    count(target, &mut produce, &mut inodes);
    produce
}

fn count(directory: &Path, produce: &mut Produce, inodes: &mut HashSet<u64>) {
    for path in entries(directory).unwrap_or_default() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == ".fingerprint" {
            produce.units += units(&path);
        } else if metadata.is_dir() && name != "incremental" && name != "out" {
            count(&path, produce, inodes);
        } else if metadata.is_file() && inodes.insert(metadata.ino()) {
            produce.bytes += metadata.len();
        }
    }
}

fn units(fingerprints: &Path) -> usize {
    let of_package = |package: &PathBuf| entries(package).unwrap_or_default();
    let is_unit = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().starts_with("dep-");
    entries(fingerprints).unwrap_or_default().iter().flat_map(of_package).filter(is_unit).count()
}
