//! Puts a recorded call's outputs in place and repeats its answer.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process;

use crate::fields;

/// Replays the record under `entry` and returns its exit code. Nothing is printed unless all files are placed.
pub fn restore(entry: &Path) -> io::Result<u8> {
    let meta = fs::read(entry.join("meta"))?;
    let mut rest = &meta[..];
    let mut next = || fields::pop(&mut rest).ok_or_else(|| io::Error::other("damaged record"));
    let code = *next()?.first().ok_or_else(|| io::Error::other("damaged record"))?;
    let (stdout, stderr) = (next()?, next()?);
    for index in 0.. {
        let Ok(path) = next() else { break };
        let target = Path::new(OsStr::from_bytes(path));
        place(&entry.join(index.to_string()), target, next()?)?;
    }
    io::stdout().write_all(stdout)?;
    io::stderr().write_all(stderr)?;
    Ok(code)
}

/// One file, whole or not at all. A linked inode keeps its old stamp; copies are new files, stamped by the
/// file system's own clock, which is what keeps cargo's units fresh.
fn place(stored: &Path, target: &Path, digest: &[u8]) -> io::Result<()> {
    let private = private_name(target);
    let rlib = target.extension().is_some_and(|extension| extension == "rlib");
    if rlib {
        verify(stored, digest)?;
    }
    let put = || if rlib { fs::hard_link(stored, &private) } else { fs::copy(stored, &private).map(drop) };
    if put().is_err() {
        let _ = fs::remove_file(&private);
        fs::create_dir_all(target.parent().unwrap_or(Path::new(".")))?;
        put()?;
    }
    fs::rename(&private, target)?;
    if rlib {
        // rename() leaves both names where they already are one inode.
        let _ = fs::remove_file(&private);
    }
    Ok(())
}

fn private_name(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".replay-{}", process::id()));
    name.into()
}

fn verify(stored: &Path, digest: &[u8]) -> io::Result<()> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(stored)?)?;
    if hasher.finalize().as_bytes() == digest { Ok(()) } else { Err(io::Error::other("damaged record")) }
}
