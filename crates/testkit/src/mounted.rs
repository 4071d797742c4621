//! Small file systems of their own, unmounted when dropped: for disks that are full or may only be read. Mounting takes root; where
//! that is not to be had the test says so loudly and goes on without it.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A directory with a file system of its own.
pub struct Mounted(TempDir);

impl Mounted {
    /// One with room for so many KiB.
    pub fn with_room_for(kib: u32) -> Option<Mounted> {
        let directory = tempfile::Builder::new().prefix("kiln-mount-").tempdir().expect("a directory");
        let mounted = Mounted(directory);
        let options = format!("size={kib}k,mode=0755");
        if mount(&["-t", "tmpfs", "-o", &options, "kiln", &mounted.path().display().to_string()]) {
            return Some(mounted);
        }
        eprintln!("SKIPPED: nothing can be mounted here");
        None
    }

    /// One of a kind that a program makes (`xfs`, `btrfs`), in a file of one GiB that is empty at first.
    pub fn of_kind(kind: &str) -> Option<Mounted> {
        let directory = tempfile::Builder::new().prefix("kiln-mount-").tempdir().expect("a directory");
        let image = tempfile::NamedTempFile::new().expect("a file");
        image.as_file().set_len(1 << 30).expect("a length");
        let mut make = Command::new(format!("mkfs.{kind}"));
        make.arg("-q").arg(image.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let made = make.status().is_ok_and(|status| status.success());
        let mounted = Mounted(directory);
        let at = [image.path(), mounted.path()].map(|path| path.display().to_string());
        if made && mount(&["-o", "loop", &at[0], &at[1]]) {
            return Some(mounted); // the image has no name any more, and goes with the mount
        }
        eprintln!("SKIPPED: no {kind} can be made and mounted here");
        None
    }

    /// Another directory, by another name.
    pub fn bound(other: &Path) -> Option<Mounted> {
        let directory = tempfile::Builder::new().prefix("kiln-mount-").tempdir().expect("a directory");
        let mounted = Mounted(directory);
        if mount(&["--bind", &other.display().to_string(), &mounted.path().display().to_string()]) {
            return Some(mounted);
        }
        eprintln!("SKIPPED: nothing can be mounted here");
        None
    }

    /// A layer over another directory, which stays as it is; what is written goes beside it.
    pub fn over(lower: &Path) -> Option<Mounted> {
        let directory = tempfile::Builder::new().prefix("kiln-mount-").tempdir().expect("a directory");
        let mounted = Mounted(directory);
        let beside = |ending: &str| {
            let path = lower.with_extension(ending);
            std::fs::create_dir(&path).expect("a directory");
            path.display().to_string()
        };
        let layers =
            format!("lowerdir={},upperdir={},workdir={}", lower.display(), beside("upper"), beside("work"));
        if mount(&["-t", "overlay", "-o", &layers, "kiln", &mounted.path().display().to_string()]) {
            return Some(mounted);
        }
        eprintln!("SKIPPED: no overlay can be mounted here");
        None
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// From now on it can only be read.
    pub fn make_read_only(&self) {
        assert!(mount(&["-o", "remount,ro", &self.path().display().to_string()]));
    }
}

fn mount(arguments: &[&str]) -> bool {
    let mut command = Command::new("mount");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).stderr(Stdio::null()).status();
    }
}
