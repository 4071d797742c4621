//! Reads the log that the watched processes wrote. preload/log.c has the layout, preload/kinds.h the numbers.
//!
//! Every process of the run can write into the log, so nothing in it is believed: whatever does not fit is
//! [`Unrecorded::Torn`].

use kiln_action::os::OsStringExt;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::record::{Act, Ask, By, OpenMode, Process, Record, RecordedEvent, Unrecorded, What};

/// Room for about half a million records.
pub(crate) const LOG_SIZE: u64 = 64 << 20;
/// Where the records start.
pub(crate) const HEAD_SIZE: usize = 64;
/// The serial number of the root process.
pub(crate) const ROOT: u32 = 1;

const MAGIC: u64 = u64::from_le_bytes(*b"KILNLOG1");
const RECORD_HEAD: usize = 28;
/// Detail of a load: that there were no others.
const LOAD_ALL: u8 = 2;

pub(crate) mod kind {
    pub(crate) const START: u16 = 1;
    pub(crate) const EXEC: u16 = 2;
    pub(super) const EXEC_FAILED: u16 = 3;
    pub(super) const BLIND: u16 = 4;
    pub(crate) const OPEN: u16 = 5;
    pub(super) const STAT: u16 = 6;
    pub(super) const ACCESS: u16 = 7;
    pub(super) const READ_LINK: u16 = 8;
    pub(super) const REAL_PATH: u16 = 9;
    pub(super) const LIST: u16 = 10;
    pub(super) const LOAD: u16 = 11;
    pub(super) const GETENV: u16 = 12;
    pub(super) const PROBE: u16 = 13;
    pub(super) const RENAME: u16 = 14;
    pub(super) const REMOVE: u16 = 15;
    pub(super) const CREATE: u16 = 16;
    pub(super) const MODIFY: u16 = 17;
    pub(super) const ASK: u16 = 18;
    pub(crate) const QUESTION: u16 = 19;
}

/// The head of an empty log; `own` is the file that this program is: its inode, and the numbers of its device.
pub(crate) fn head(own: Option<(u64, u32, u32)>) -> [u8; HEAD_SIZE] {
    let (inode, major, minor) = own.unwrap_or_default();
    let mut head = [0; HEAD_SIZE];
    head[0..8].copy_from_slice(&MAGIC.to_le_bytes());
    head[8..16].copy_from_slice(&LOG_SIZE.to_le_bytes());
    head[16..24].copy_from_slice(&(HEAD_SIZE as u64).to_le_bytes());
    head[24..28].copy_from_slice(&(ROOT + 1).to_le_bytes());
    head[32..40].copy_from_slice(&inode.to_le_bytes());
    head[40..44].copy_from_slice(&major.to_le_bytes());
    head[44..48].copy_from_slice(&minor.to_le_bytes());
    head
}

/// Where the records end, given the head.
pub(crate) fn end(head: &[u8]) -> Result<usize, Unrecorded> {
    let mut fields = Reader(head);
    let (magic, capacity, tail) = (fields.u64()?, fields.u64()?, fields.u64()?);
    let (_next_serial, flags) = (fields.u32()?, fields.u32()?);
    if magic != MAGIC || capacity != LOG_SIZE || tail < HEAD_SIZE as u64 {
        return Err(Unrecorded::Torn);
    }
    if flags != 0 || tail > LOG_SIZE {
        return Err(Unrecorded::Overflow);
    }
    usize::try_from(tail).map_err(|_| Unrecorded::Torn)
}

/// The record in the bytes of a whole log: its head, and all records behind it. Whether the programs that were started are those that
/// reported is not looked at.
///
/// # Errors
///
/// Any [`Unrecorded`] but those of setting up and of processes that are still there.
pub fn read_log(content: &[u8]) -> Result<Record, Unrecorded> {
    decode(content, end(content)?).map(|decoded| decoded.record)
}

/// The record of a log that was read up to `end`.
pub(crate) fn decode(content: &[u8], end: usize) -> Result<DecodedLog, Unrecorded> {
    // The head anew: it may have been flagged since its first reading.
    let now = self::end(content)?;
    if content.len() != end || now < end {
        return Err(Unrecorded::Torn);
    }
    let mut run = Run::default();
    let mut rest = Reader(content.get(HEAD_SIZE..).ok_or(Unrecorded::Torn)?);
    while !rest.0.is_empty() {
        run.take(&RawRecord::read(&mut rest)?)?;
    }
    run.finish()
}

/// The content of a log.
#[derive(Debug)]
pub(crate) struct DecodedLog {
    /// What the processes did.
    pub record: Record,
    /// For each process the program that its parent announced; nothing for the root.
    pub announced: Vec<Option<PathBuf>>,
}

/// Takes numbers and bytes off the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, size: usize) -> Result<&'a [u8], Unrecorded> {
        let (taken, rest) = self.0.split_at_checked(size).ok_or(Unrecorded::Torn)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unrecorded> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unrecorded::Torn)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u64(&mut self) -> Result<u64, Unrecorded> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, Unrecorded> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16, Unrecorded> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u8(&mut self) -> Result<u8, Unrecorded> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn size(&mut self) -> Result<usize, Unrecorded> {
        usize::try_from(self.u32()?).map_err(|_| Unrecorded::Torn)
    }
}

struct RawRecord<'a> {
    kind: u16,
    by: By,
    detail: u8,
    process: u32,
    errno: i32,
    extra: u32,
    first: &'a [u8],
    second: &'a [u8],
}

impl<'a> RawRecord<'a> {
    fn read(from: &mut Reader<'a>) -> Result<RawRecord<'a>, Unrecorded> {
        let size = from.size()?;
        if size < RECORD_HEAD || !size.is_multiple_of(8) {
            // Zero is a place that was taken and not written.
            return Err(Unrecorded::Torn);
        }
        let mut fields = Reader(from.bytes(size - 4)?);
        let kind = fields.u16()?;
        let by = match fields.u8()? {
            0 => By::Compiler,
            1 => By::Loaded,
            _ => return Err(Unrecorded::Torn),
        };
        let detail = fields.u8()?;
        let process = fields.u32()?;
        let errno = i32::from_le_bytes(fields.array()?);
        let extra = fields.u32()?;
        let (first_size, second_size) = (fields.size()?, fields.size()?);
        let (first, second) = (fields.bytes(first_size)?, fields.bytes(second_size)?);
        Ok(RawRecord { kind, by, detail, process, errno, extra, first, second })
    }

    fn path(&self) -> PathBuf {
        path(self.first)
    }

    /// What it says, unless it is about processes.
    fn act(&self) -> Result<Act, Unrecorded> {
        let (path, errno) = (self.path(), self.errno);
        Ok(match self.kind {
            kind::OPEN => Act::Open { path, mode: open_mode(self.detail)?, errno },
            kind::STAT => Act::Stat { path, follow: flag(self.detail)?, errno },
            kind::ACCESS => Act::Access { path, mode: self.detail, errno },
            kind::READ_LINK => Act::ReadLink { path, errno },
            kind::REAL_PATH => Act::RealPath { path, errno },
            kind::LIST => Act::List { path, errno },
            kind::LOAD if self.detail == LOAD_ALL => Act::LoadedAll,
            kind::LOAD if flag(self.detail)? => {
                Act::Loaded { path, search: OsString::from_vec(self.second.to_vec()) }
            }
            kind::LOAD => Act::Load { path, errno },
            kind::GETENV if flag(self.detail)? => Act::Search,
            kind::GETENV => Act::Getenv { name: self.first.to_vec() },
            kind::PROBE => Act::Probe { path, present: flag(self.detail)? },
            kind::RENAME => Act::Rename { from: path, to: self::path(self.second), errno },
            kind::REMOVE => Act::Remove { path, errno },
            kind::CREATE => Act::Create { path, what: what(self.detail)?, errno },
            kind::MODIFY => Act::Modify { path, errno },
            kind::ASK => Act::Ask(ask(self.detail)?),
            kind::QUESTION => Act::Question { question: self.first.to_vec() },
            _ => return Err(Unrecorded::Torn),
        })
    }
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

fn flag(detail: u8) -> Result<bool, Unrecorded> {
    match detail {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Unrecorded::Torn),
    }
}

fn open_mode(detail: u8) -> Result<OpenMode, Unrecorded> {
    if detail >= 64 {
        return Err(Unrecorded::Torn);
    }
    let bit = |bit: u8| detail & bit != 0;
    Ok(OpenMode {
        read: bit(1),
        write: bit(2),
        create: bit(4),
        truncate: bit(8),
        exclusive: bit(16),
        directory: bit(32),
    })
}

fn what(detail: u8) -> Result<What, Unrecorded> {
    Ok(match detail {
        1 => What::Dir,
        2 => What::Symlink,
        3 => What::Link,
        4 => What::Temp,
        5 => What::TempDir,
        6 => What::Node,
        _ => return Err(Unrecorded::Torn),
    })
}

fn ask(detail: u8) -> Result<Ask, Unrecorded> {
    Ok(match detail {
        1 => Ask::Time,
        2 => Ask::Monotonic,
        3 => Ask::Random,
        4 => Ask::Pid,
        5 => Ask::Host,
        6 => Ask::User,
        7 => Ask::Cpus,
        8 => Ask::Limits,
        9 => Ask::Network,
        10 => Ask::Cwd,
        11 => Ask::Date,
        12 => Ask::Utc,
        13 => Ask::Umask,
        14 => Ask::Signals,
        15 => Ask::Processor,
        16 => Ask::Terminal,
        17 => Ask::Attributes,
        18 => Ask::Space,
        19 => Ask::Others,
        20 => Ask::Unknown,
        21 => Ask::Unseen,
        _ => return Err(Unrecorded::Torn),
    })
}

/// A program that was started: by whom, and what came of it.
struct Started {
    parent: u32,
    by: By,
    path: PathBuf,
    /// Where its event is, to write an error into.
    event: usize,
    settled: bool,
}

/// The run as far as it has been read.
#[derive(Default)]
struct Run {
    processes: Vec<Process>,
    announced: Vec<Option<PathBuf>>,
    events: Vec<RecordedEvent>,
    /// Index in `processes` by serial.
    index: HashMap<u32, u32>,
    started: HashMap<u32, Started>,
}

impl Run {
    fn take(&mut self, record: &RawRecord<'_>) -> Result<(), Unrecorded> {
        match record.kind {
            kind::START => self.start(record),
            kind::EXEC => self.exec(record),
            kind::EXEC_FAILED => self.exec_failed(record),
            kind::BLIND => Err(Unrecorded::Blind { path: record.path() }),
            _ => {
                let process = self.process_of(record)?;
                self.events.push(RecordedEvent { process, by: record.by, act: record.act()? });
                Ok(())
            }
        }
    }

    fn process_of(&self, record: &RawRecord<'_>) -> Result<u32, Unrecorded> {
        self.index.get(&record.process).copied().ok_or(Unrecorded::Torn)
    }

    fn start(&mut self, record: &RawRecord<'_>) -> Result<(), Unrecorded> {
        let serial = record.process;
        let (parent, spawned_by, announced) = if serial == ROOT {
            (None, By::Compiler, None)
        } else {
            let started = self.started.get_mut(&serial).ok_or(Unrecorded::Torn)?;
            started.settled = true;
            (Some(started.parent), started.by, Some(started.path.clone()))
        };
        let mut texts = record.first.split(|byte| *byte == 0);
        let mut process = Process {
            serial,
            parent,
            spawned_by,
            pid: u32::try_from(record.errno).map_err(|_| Unrecorded::Torn)?,
            exe: texts.next().map(path).ok_or(Unrecorded::Torn)?,
            cwd: texts.next().map(path).ok_or(Unrecorded::Torn)?,
            modules: Vec::new(),
            library_path: None,
            searches: Vec::new(),
        };
        // A path comes with one search at most: it is copied for each, and so whoever could write many into the log
        // would make it a thousand times as large in here.
        let mut searched = false;
        for text in texts {
            let value = || OsString::from_vec(text.get(1..).unwrap_or_default().to_vec());
            match text.first() {
                Some(b'/') => {
                    process.modules.push(path(text));
                    searched = false;
                }
                Some(b'l') => process.library_path = Some(value()),
                Some(b'r') if !searched => {
                    searched = true;
                    let whose = process.modules.last().unwrap_or(&process.exe).clone();
                    process.searches.push((whose, value()));
                }
                _ => return Err(Unrecorded::Torn),
            }
        }
        let index = u32::try_from(self.processes.len()).map_err(|_| Unrecorded::Torn)?;
        if self.index.insert(serial, index).is_some() {
            return Err(Unrecorded::Torn);
        }
        self.processes.push(process);
        self.announced.push(announced);
        Ok(())
    }

    fn exec(&mut self, record: &RawRecord<'_>) -> Result<(), Unrecorded> {
        let parent = self.process_of(record)?;
        let (path, by) = (record.path(), record.by);
        let started = Started { parent, by, path: path.clone(), event: self.events.len(), settled: false };
        self.events.push(RecordedEvent { process: parent, by, act: Act::Exec { path, errno: 0 } });
        match self.started.insert(record.extra, started) {
            None => Ok(()),
            Some(_) => Err(Unrecorded::Torn),
        }
    }

    /// One whose start was not written (its path was no path) has nothing to take back.
    fn exec_failed(&mut self, record: &RawRecord<'_>) -> Result<(), Unrecorded> {
        if let Some(started) = self.started.get_mut(&record.extra) {
            started.settled = true;
            if let Some(RecordedEvent { act: Act::Exec { errno, .. }, .. }) =
                self.events.get_mut(started.event)
            {
                *errno = record.errno;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<DecodedLog, Unrecorded> {
        if self.processes.first().is_none_or(|root| root.serial != ROOT) {
            return Err(Unrecorded::NoRoot);
        }
        // The first by number, so that the same run always has the same words.
        let silent =
            self.started.iter().filter(|(_, started)| !started.settled).map(|(serial, _)| *serial).min();
        match silent.and_then(|serial| self.started.remove(&serial)) {
            Some(started) => Err(Unrecorded::Silent { path: started.path }),
            None => {
                let record = Record { processes: self.processes, events: self.events };
                Ok(DecodedLog { record, announced: self.announced })
            }
        }
    }
}

#[cfg(test)]
mod tests;
