//! The event log: one line of JSON an event, appended in one write to `events/current.jsonl`. When that grows large it is
//! closed (renamed to a number); the oldest closed segments are folded into `totals.json`, which says up to which number
//! it holds, so that a crash between the steps counts nothing twice and loses nothing.

use crate::summary::{Summary, counted};
use kiln_action::Event;
use kiln_sys::files::{self, Lock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A segment is closed when it is this large, in bytes.
const SEGMENT_BYTES: u64 = 4 << 20;
/// No file of the log is larger: many calls at once let one grow beyond the size at which it is closed.
const LARGEST: u64 = 64 << 20;
/// Closed segments that are kept in full.
const KEPT: usize = 4;
/// The most projects that are counted apart for ever.
const MOST_PROJECTS: usize = 200;

/// The event log below a cache directory.
pub struct Log {
    directory: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Totals {
    /// The number of the last segment that is folded in.
    through: u64,
    summary: Summary,
    #[serde(default)]
    projects: BTreeMap<String, Summary>,
    /// When counting began anew, in milliseconds since the epoch; 0 if it never did.
    #[serde(default)]
    zeroed_ms: u64,
}

impl Totals {
    /// Adds events; `later` are those that were recorded after them.
    fn fold(&mut self, events: &[Event], later: &[Event]) {
        for event in counted(events.iter(), later) {
            self.summary.add(event);
            if !event.project.is_empty() {
                self.projects.entry(event.project.clone()).or_default().add(event);
            }
        }
    }

    /// Of very many projects those with the most units stay apart.
    fn limit(&mut self) {
        while self.projects.len() > MOST_PROJECTS {
            let least = self.projects.iter().min_by_key(|(_, summary)| summary.units());
            let Some(name) = least.map(|(name, _)| name.clone()) else { return };
            self.projects.remove(&name);
        }
    }
}

/// What was counted since the log began, or since it was last set to zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The counts of all projects together.
    pub total: Summary,
    /// By project. Calls without an output directory belong to none.
    pub projects: BTreeMap<String, Summary>,
    /// When counting began anew, in milliseconds since the epoch; 0 if it never did.
    pub zeroed_ms: u64,
}

impl Account {
    /// The counts of these events, by project and together.
    pub fn of(events: &[Event]) -> Account {
        let mut totals = Totals::default();
        totals.fold(events, &[]);
        Account { total: totals.summary, projects: totals.projects, zeroed_ms: 0 }
    }
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

    /// Everything since the log began (or was last set to zero).
    pub fn summary(&self) -> Summary {
        self.account().total
    }

    /// The same, by project as well.
    pub fn account(&self) -> Account {
        let _lock = self.lock();
        let mut totals = self.totals();
        let through = totals.through;
        let segments = self.segments().into_iter().filter(|(number, _)| *number > through);
        let mut events = Vec::new();
        for path in segments.map(|(_, path)| path).chain([self.current()]) {
            read_into(&path, &mut events);
        }
        totals.fold(&events, &[]);
        let Totals { summary: total, projects, zeroed_ms, .. } = totals;
        Account { total, projects, zeroed_ms }
    }

    /// The events from this moment on that are still there in full and were not set to zero, oldest first. A clock that was
    /// set back makes no event disappear: the order of the log counts, so everything after the first event that is late
    /// enough belongs to it.
    pub fn since(&self, at_ms: u64) -> Vec<Event> {
        let _lock = self.lock();
        let through = self.totals().through;
        let segments = self.segments().into_iter().filter(|(number, _)| *number > through);
        let mut events = Vec::new();
        for path in segments.map(|(_, path)| path).chain([self.current()]) {
            read_into(&path, &mut events);
        }
        let first = events.iter().position(|event| event.at_ms >= at_ms).unwrap_or(events.len());
        events.split_off(first)
    }

    /// Begins to count anew. Events that are there in full stay, for explanations.
    pub fn zero(&self, now_ms: u64) -> io::Result<()> {
        let _lock = Lock::exclusive(&self.lock_file()).map_err(io::Error::other)?;
        let mut totals = Totals { zeroed_ms: now_ms, ..Totals::default() };
        let segments = self.segments();
        totals.through = segments.last().map_or(0, |(number, _)| *number).max(self.totals().through);
        if files::stat(&self.current()).map_err(io::Error::other)?.is_some() {
            totals.through += 1;
            self.close(totals.through)?;
        }
        self.write(&totals)
    }

    fn close(&self, number: u64) -> io::Result<()> {
        let closed = self.directory.join(format!("{number}.jsonl"));
        kiln_sys::marker::rename(&self.current(), &closed).map_err(io::Error::other)
    }

    fn write(&self, totals: &Totals) -> io::Result<()> {
        let text = serde_json::to_vec(totals).map_err(io::Error::other)?;
        files::write_atomic(&self.totals_file(), &text).map(|_| ()).map_err(io::Error::other)
    }

    fn lock_file(&self) -> PathBuf {
        self.directory.join("log.lock")
    }

    /// Nobody tidies while it is held. Where it cannot be had (a directory that cannot be written to) nobody tidies either.
    fn lock(&self) -> Option<Lock> {
        files::stat(&self.directory).ok().flatten()?;
        Lock::exclusive(&self.lock_file()).ok()
    }

    /// The events that are still there in full, oldest first.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for path in self.segments().into_iter().map(|(_, path)| path).chain([self.current()]) {
            read_into(&path, &mut events);
        }
        events
    }

    /// The newest events, oldest first: those of the last segments, as many as it takes for `enough`.
    pub fn newest(&self, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        read_into(&self.current(), &mut events);
        for (_, path) in self.segments().into_iter().rev() {
            if enough(&events) {
                break;
            }
            let mut older = Vec::new();
            read_into(&path, &mut older);
            older.append(&mut events);
            events = older;
        }
        events
    }

    /// Closes a large segment and folds old ones, unless another process is at it.
    pub fn tidy(&self) -> io::Result<()> {
        let Some(_lock) = Lock::try_exclusive(&self.lock_file()).map_err(io::Error::other)? else {
            return Ok(());
        };
        let mut totals = self.totals();
        let segments = self.segments();
        if files::stat(&self.current()).ok().flatten().is_some_and(|stat| stat.identity.size > SEGMENT_BYTES)
        {
            let next = segments.last().map_or(totals.through, |(number, _)| *number).max(totals.through) + 1;
            self.close(next)?;
        }
        let segments = self.segments();
        let old = segments.len().saturating_sub(KEPT);
        for (at, (number, path)) in segments[..old].iter().enumerate() {
            if *number > totals.through {
                let next = segments.get(at + 1).map_or_else(|| self.current(), |(_, next)| next.clone());
                let (mut events, mut later) = (Vec::new(), Vec::new());
                read_into(path, &mut events);
                read_into(&next, &mut later);
                totals.fold(&events, &later);
                totals.limit();
                totals.through = *number;
                self.write(&totals)?;
            }
            let _ = files::remove(path);
        }
        Ok(())
    }

    fn totals_file(&self) -> PathBuf {
        self.directory.join("totals.json")
    }

    fn totals(&self) -> Totals {
        let text = files::read_own(&self.totals_file(), LARGEST).unwrap_or_default();
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

fn read_into(path: &Path, events: &mut Vec<Event>) {
    if let Ok(text) = files::read_own(path, LARGEST) {
        events.extend(parse(&text));
    }
}

#[cfg(test)]
mod tests;
