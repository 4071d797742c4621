//! The event log: one line of JSON an event, appended in one write to `events/current.jsonl`. When that grows large it is
//! closed (renamed to a number); the oldest closed segments are folded into `totals.json`, which says up to which number
//! it holds, so that a crash between the steps counts nothing twice and loses nothing.

use crate::summary::Summary;
use kiln_action::Event;
use kiln_sys::files;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// A segment is closed when it is this large, in bytes.
const SEGMENT_BYTES: u64 = 4 << 20;
/// Closed segments that are kept in full.
const KEPT: usize = 4;

/// The event log below a cache directory.
pub struct Log {
    directory: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Totals {
    /// The number of the last segment that is folded in.
    through: u64,
    summary: Summary,
}

/// One event as a line.
pub fn line(event: &Event) -> Vec<u8> {
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line
}

/// The events of a file of lines; lines that are torn or from the future in a way we do not know are left out.
pub fn parse(text: &[u8]) -> impl Iterator<Item = Event> + '_ {
    text.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

impl Log {
    /// The log in `directory`, which need not exist yet.
    pub fn new(directory: &Path) -> Log {
        Log { directory: directory.to_owned() }
    }

    fn current(&self) -> PathBuf {
        self.directory.join("current.jsonl")
    }

    /// Appends one event.
    pub fn append(&self, event: &Event) -> io::Result<()> {
        files::append(&self.current(), &line(event)).map_err(io::Error::other)
    }

    /// Everything since the log began (or was last cleared).
    pub fn summary(&self) -> Summary {
        let totals = self.totals();
        let mut summary = totals.summary;
        for (number, segment) in self.segments() {
            if number > totals.through {
                fold(&segment, &mut summary);
            }
        }
        fold(&self.current(), &mut summary);
        summary
    }

    /// The events that are still there in full, oldest first.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for path in self.segments().into_iter().map(|(_, path)| path).chain([self.current()]) {
            if let Ok(text) = files::read(&path) {
                events.extend(parse(&text));
            }
        }
        events
    }

    /// Closes a large segment and folds old ones. To be called by one process at a time, outside of compiles.
    pub fn tidy(&self) -> io::Result<()> {
        let mut totals = self.totals();
        let segments = self.segments();
        if files::stat(&self.current()).ok().flatten().is_some_and(|stat| stat.identity.size > SEGMENT_BYTES) {
            let next = segments.last().map_or(totals.through, |(number, _)| *number).max(totals.through) + 1;
            kiln_sys::marker::rename(&self.current(), &self.directory.join(format!("{next}.jsonl"))).map_err(io::Error::other)?;
        }
        let segments = self.segments();
        let old = segments.len().saturating_sub(KEPT);
        for (number, path) in &segments[..old] {
            if *number > totals.through {
                fold(path, &mut totals.summary);
                totals.through = *number;
                let text = serde_json::to_vec(&totals).map_err(io::Error::other)?;
                files::write_atomic(&self.totals_file(), &text).map_err(io::Error::other)?;
            }
            let _ = files::remove(path);
        }
        Ok(())
    }

    fn totals_file(&self) -> PathBuf {
        self.directory.join("totals.json")
    }

    fn totals(&self) -> Totals {
        let text = files::read(&self.totals_file()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The closed segments by number.
    fn segments(&self) -> Vec<(u64, PathBuf)> {
        let names = files::list(&self.directory).ok().flatten().unwrap_or_default();
        let number = |name: &std::ffi::OsStr| name.to_str()?.strip_suffix(".jsonl")?.parse().ok();
        let mut segments: Vec<(u64, PathBuf)> = names
            .into_iter()
            .filter_map(|entry| Some((number(&entry.name)?, self.directory.join(&entry.name))))
            .collect();
        segments.sort_unstable();
        segments
    }
}

fn fold(path: &Path, summary: &mut Summary) {
    if let Ok(text) = files::read(path) {
        parse(&text).for_each(|event| summary.add(&event));
    }
}

#[cfg(test)]
mod tests;
