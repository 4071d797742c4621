//! One recorded run: the log it is written into, and the variables that the root process needs.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::log::{self, HEAD_SIZE, LOG_SIZE};
use crate::object::{Object, memory_file, path_of, read_at};
use crate::record::{Record, Unrecorded};
use crate::watchable::image;
use crate::wiring;

/// Whether there is a recorder for this machine. Where there is none nothing is cached.
pub fn is_supported() -> bool {
    Object::is_supported()
}

/// Watches one run: one root process and all that come from it.
#[derive(Debug)]
pub struct Recorder {
    object: Object,
    log: OwnedFd,
    /// Which kiln is put before C compilers, if any.
    kiln: Option<PathBuf>,
}

impl Recorder {
    /// Prepares a run. The object is kept in `object_dir` under a name made of its content; without a directory, or
    /// where that cannot be written, named in `LD_PRELOAD` or executed from, it is in memory.
    ///
    /// # Errors
    ///
    /// [`Unrecorded::Unsupported`] on machines without an object, [`Unrecorded::Io`] where files in memory cannot be
    /// made.
    pub fn new(object_dir: Option<&Path>) -> Result<Recorder, Unrecorded> {
        if !Object::is_supported() {
            return Err(Unrecorded::Unsupported);
        }
        // Where files may not become that long (`ulimit -f`), making one ends the process by SIGXFSZ.
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
        if limit.is_some_and(|longest| longest < LOG_SIZE) {
            return Err(std::io::Error::from(rustix::io::Errno::FBIG).into());
        }
        let object = Object::place(object_dir)?;
        let log = memory_file("kiln-log", &log::head(own_file()))?;
        // Only pages that are written take memory.
        rustix::fs::ftruncate(&log, LOG_SIZE).map_err(std::io::Error::from)?;
        Ok(Recorder { object, log, kiln: None })
    }

    /// The same, and kiln is put before the C compilers that the run starts.
    #[must_use]
    pub fn wired(self, kiln: Option<PathBuf>) -> Recorder {
        Recorder { kiln, ..self }
    }

    /// The variables to set for the root process, given the value of `LD_PRELOAD` that the user has, if any. The
    /// process will not see them: the object gives it back the user's value.
    ///
    /// Only for one process, and only for a program that is [`crate::watchable`].
    pub fn environment(&self, preload: Option<&OsStr>) -> [(&'static str, OsString); 2] {
        let mut record = path_of(&self.log).into_os_string();
        record.push(format!(":{}", log::ROOT));
        if let Some(kiln) = &self.kiln {
            wiring::append(&mut record, kiln);
        }
        [("LD_PRELOAD", self.object.preload(preload)), ("KILN_RECORD", record)]
    }

    /// What the run did; to be called when the root process has ended. `program` is the file that was started as the root.
    ///
    /// # Errors
    ///
    /// Any [`Unrecorded`]: part of the run, or all of it, is not known.
    pub fn finish(self, program: &Path) -> Result<Record, Unrecorded> {
        if is_written_to(&self.log) {
            return Err(Unrecorded::Outlived);
        }
        let mut content = vec![0; HEAD_SIZE];
        let size = read_at(&self.log, &mut content, 0)?;
        content.truncate(size);
        let end = log::end(&content)?;
        content.resize(end, 0);
        let size = read_at(&self.log, &mut content, 0)?;
        content.truncate(size);
        let decoded = log::decode(&content, end)?;
        for (process, announced) in decoded.record.processes.iter().zip(&decoded.announced) {
            let announced = announced.as_deref().unwrap_or(program);
            if !is_run_by(announced, &process.exe) {
                return Err(Unrecorded::Silent { path: announced.to_owned() });
            }
        }
        Ok(decoded.record)
    }
}

/// Whether a process of the run is still there: then what it is going to do is not known. It has the log mapped, so that the kernel
/// does not seal it.
#[cfg(target_os = "linux")]
fn is_written_to(log: &OwnedFd) -> bool {
    rustix::fs::fcntl_add_seals(log, rustix::fs::SealFlags::WRITE) == Err(rustix::io::Errno::BUSY)
}

/// Where nothing is recorded nobody writes.
#[cfg(not(target_os = "linux"))]
fn is_written_to(_: &OwnedFd) -> bool {
    false
}

/// The file that this program is: its inode, and the numbers of its device.
#[cfg(target_os = "linux")]
fn own_file() -> Option<(u64, u32, u32)> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let facts = statx(CWD, "/proc/self/exe", AtFlags::empty(), StatxFlags::INO).ok()?;
    Some((facts.stx_ino, facts.stx_dev_major, facts.stx_dev_minor))
}

/// Where nothing is recorded nobody asks.
#[cfg(not(target_os = "linux"))]
fn own_file() -> Option<(u64, u32, u32)> {
    None
}

/// Whether `exe` is the program, or what the kernel starts for it if it is a script. A program whose loader leaves our object
/// out hands the variables on to the next one, which then reports in its place.
fn is_run_by(program: &Path, exe: &Path) -> bool {
    let identity = |path: &Path| rustix::fs::stat(path).ok().map(|facts| (facts.st_dev, facts.st_ino));
    identity(&image(program)).is_some_and(|started| identity(exe) == Some(started))
}
