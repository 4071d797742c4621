//! kiln's own part in somebody else's record. A build script that is being recorded asks kiln for compiles; kiln is static, so that
//! nothing can be preloaded into it, and says by itself what such a compile hangs on. Until it has said so the run counts as
//! unrecorded.

use kiln_action::os::OsStrExt;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::fs::{self, CWD, Mode, OFlags};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::log::{self, HEAD_SIZE, kind};
use crate::object::{self, read_at};
use crate::wiring::{self, VARIABLES};

/// The log of the run that this process is part of.
pub struct Reporter {
    /// The whole of it, for as long as this process lives.
    mapped: *mut u8,
    /// Its path, for whoever comes next.
    path: OsString,
    serial: u32,
    /// The recorder's object, and the value of `LD_PRELOAD` that the user has.
    object: OsString,
    preload: Option<OsString>,
}

impl Reporter {
    /// What these values of [`crate::VARIABLES`] say; `None` if they are not a recorder's.
    pub fn of(preload: &OsStr, record: &OsStr) -> Option<Reporter> {
        let (path, serial, _) = wiring::parts(record)?;
        let serial = serial.parse().ok()?;
        // The object is the last of the list; without a colon the user has no value of their own.
        let own = preload.as_bytes().iter().rposition(|byte| *byte == b':');
        let (users, object) = match own {
            Some(at) => (Some(&preload.as_bytes()[..at]), &preload.as_bytes()[at + 1..]),
            None => (None, preload.as_bytes()),
        };
        let log = fs::openat(CWD, path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let size = fs::fstat(&log).ok()?.st_size;
        if u64::try_from(size).ok()? != log::LOG_SIZE || !is_a_log(&log) {
            return None;
        }
        let (length, both) = (usize::try_from(size).ok()?, ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: a new mapping at a place of the kernel's choice; it is never unmapped.
        let mapped = unsafe { mmap(std::ptr::null_mut(), length, both, MapFlags::SHARED, &log, 0) }.ok()?;
        Some(Reporter {
            mapped: mapped.cast(),
            path: path.to_owned(),
            serial,
            object: OsStr::from_bytes(object).to_owned(),
            preload: users.map(|users| OsStr::from_bytes(users).to_owned()),
        })
    }

    /// The user's own `LD_PRELOAD`.
    pub fn preload(&self) -> Option<&OsStr> {
        self.preload.as_deref()
    }

    fn tail(&self) -> &AtomicU64 {
        // SAFETY: the head lies at the start of the mapping, which is aligned to a page and never unmapped; everybody who maps it uses
        // atomic operations for this field.
        unsafe { AtomicU64::from_ptr(self.mapped.add(16).cast()) }
    }

    fn counter(&self, at: usize) -> &AtomicU32 {
        // SAFETY: as for the tail; the next serial and the flags are at 24 and 28.
        unsafe { AtomicU32::from_ptr(self.mapped.add(at).cast()) }
    }

    /// This process takes part: it is `exe`, and was started in `directory`.
    pub fn started(&self, exe: &Path, directory: &Path) {
        let mut text = exe.as_os_str().as_bytes().to_vec();
        text.push(0);
        text.extend(directory.as_os_str().as_bytes());
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        self.write(kind::START, 0, pid, 0, &text);
    }

    /// What its answer hangs on, in words that the reader of the record understands.
    pub fn question(&self, question: &[u8]) {
        self.write(kind::QUESTION, 0, 0, 0, question);
    }

    /// It wrote a file; absolute.
    pub fn wrote(&self, path: &Path) {
        const ANEW: u8 = 2 | 4 | 8; // to write, made if absent, emptied
        self.write(kind::OPEN, ANEW, 0, 0, path.as_os_str().as_bytes());
    }

    /// It becomes that program, which is to report in turn: the variables for it. Below it `kiln` is put before C compilers.
    pub fn becomes(&self, program: &Path, kiln: Option<&Path>) -> [(&'static str, OsString); 2] {
        let serial = self.counter(24).fetch_add(1, Ordering::Relaxed);
        self.write(kind::EXEC, 0, 0, serial, program.as_os_str().as_bytes());
        let mut record = self.path.clone();
        record.push(format!(":{serial}"));
        if let Some(kiln) = kiln {
            wiring::append(&mut record, kiln);
        }
        let list = object::preload(self.preload.as_deref(), &self.object);
        [(VARIABLES[0], list), (VARIABLES[1], record)]
    }

    /// One record, whole or not at all; without room for it the log says that it is not complete.
    fn write(&self, kind: u16, detail: u8, errno: i32, extra: u32, text: &[u8]) {
        const OVERFLOW: u32 = 1;
        let mut record = vec![0; 4]; // its size is written last
        record.extend(kind.to_le_bytes());
        record.extend([0, detail]);
        record.extend(self.serial.to_le_bytes());
        record.extend(errno.to_le_bytes());
        record.extend(extra.to_le_bytes());
        record.extend((text.len() as u32).to_le_bytes());
        record.extend(0_u32.to_le_bytes());
        record.extend(text);
        record.resize(record.len().next_multiple_of(8), 0);
        let size = record.len() as u64;
        let full = || self.tail().load(Ordering::Relaxed).saturating_add(size) > log::LOG_SIZE;
        let at = if full() { log::LOG_SIZE } else { self.tail().fetch_add(size, Ordering::Relaxed) };
        if at.saturating_add(size) > log::LOG_SIZE {
            self.counter(28).fetch_or(OVERFLOW, Ordering::Relaxed);
            return;
        }
        // SAFETY: these bytes lie in the mapping and were given to nobody else; the size comes last, so that nobody takes a record for
        // written before it is.
        unsafe {
            let to = self.mapped.add(at as usize);
            std::ptr::copy_nonoverlapping(record[4..].as_ptr(), to.add(4), record.len() - 4);
            AtomicU32::from_ptr(to.cast()).store(record.len() as u32, Ordering::Release);
        }
    }
}

fn is_a_log(file: &OwnedFd) -> bool {
    let mut head = [0; HEAD_SIZE];
    read_at(file, &mut head, 0).is_ok_and(|read| read == HEAD_SIZE) && log::end(&head).is_ok()
}
