//! `Quarantined` turns an object that is wrong into one that is not there, remembers its name and keeps some of its bytes in a directory,
//! for whoever wants to know what happened. The object is not removed from the store: the wire may be to blame, and whoever compiles
//! puts the right one in its place.

use crate::Health;
use crate::bucket::{Admission, Bucket, BucketCall, Fault, Listed};
use kiln_sys::clock::{self, Moment};
use kiln_sys::files;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The directory holds this many objects at most, and this many bytes of each.
const MOST_KEPT: usize = 32;
const MOST_OF_ONE: usize = 1 << 20;
/// This many names are remembered; objects under any more are not replaced.
const MOST_NAMES: usize = 10_000;
/// A store that gave this many wrong objects in a row, and no right one between, is doubted for a while: lookups do not wait for it.
const DOUBTED_AFTER: u32 = 3;
const DOUBT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct State {
    /// Names whose objects are wrong or lost, as long as nothing was put there.
    names: HashSet<String>,
    /// Wrong objects since the last right one.
    in_a_row: u32,
    /// Since when the store is doubted, and for how long.
    doubted: Option<(Moment, Duration)>,
    /// Wrong objects of all time.
    count: u64,
    last: String,
    last_ms: u64,
}

impl State {
    fn remember(&mut self, name: &str) {
        if self.names.len() < MOST_NAMES {
            self.names.insert(name.to_owned());
        }
    }

    fn gave(&mut self, right: bool) {
        self.in_a_row = if right { 0 } else { self.in_a_row.saturating_add(1) };
        self.doubted = (self.in_a_row >= DOUBTED_AFTER).then(|| (Moment::now(), DOUBT));
    }
}

/// A bucket whose wrong objects are not there.
pub struct Quarantined<B> {
    inner: B,
    directory: Option<PathBuf>,
    state: Mutex<State>,
}

impl<B> Quarantined<B> {
    /// Sets aside what `inner` says is wrong, in `directory` if there is one.
    pub fn new(inner: B, directory: Option<&Path>) -> Quarantined<B> {
        Quarantined { inner, directory: directory.map(Path::to_owned), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the object of this name is known to be wrong or lost, and nothing was put there since.
    pub fn is_wrong(&self, name: &str) -> bool {
        self.state().names.contains(name)
    }

    /// The object of this name should be there and is not: it counts as wrong until it is put there.
    pub fn is_lost(&self, name: &str) {
        self.state().remember(name);
    }

    /// Looks at an object: whether it is what its name says, or not there. A wrong one is set aside.
    pub fn is_sound<O>(&self, name: &str, most: u64, within: Duration) -> Result<bool, Fault>
    where
        B: Bucket<O>,
    {
        match self.inner.get(name, most, within) {
            Err(Fault::Wrong(bytes)) => {
                self.set_aside(name, &bytes);
                Ok(false)
            }
            answer => answer.map(|_| true),
        }
    }

    fn set_aside(&self, name: &str, bytes: &[u8]) {
        if let Some(directory) = &self.directory {
            make_room(directory, MOST_KEPT - 1);
            let some = &bytes[..bytes.len().min(MOST_OF_ONE)];
            let _ = files::write_private(&directory.join(name.replace('/', "-")), some);
        }
        let mut state = self.state();
        state.remember(name);
        state.count += 1;
        state.last = format!("{name} was not what its name says");
        state.last_ms = clock::now_ms();
    }
}

/// Removes the oldest files until there are no more than `most`.
fn make_room(directory: &Path, most: usize) {
    let there = files::list(directory).ok().flatten().unwrap_or_default();
    let mut aged: Vec<(i64, PathBuf)> = there
        .into_iter()
        .map(|entry| directory.join(entry.name))
        .filter_map(|path| Some((files::lstat(&path).ok()??.identity.mtime_ns, path)))
        .collect();
    aged.sort();
    let surplus = aged.len().saturating_sub(most);
    aged[..surplus].iter().for_each(|(_, path)| drop(files::remove(path)));
}

impl<O, B: Bucket<O>> Bucket<O> for Quarantined<B> {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<O>, Fault> {
        match self.inner.get(name, most, within) {
            Ok(Some(object)) => {
                self.state().gave(true);
                Ok(Some(object))
            }
            Err(Fault::Wrong(bytes)) => {
                self.state().gave(false);
                self.set_aside(name, &bytes);
                Ok(None)
            }
            answer => answer,
        }
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        self.inner.put(name, bytes, within)?;
        self.state().names.remove(name);
        Ok(())
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        if self.is_wrong(name) { Ok(false) } else { self.inner.has(name, within) }
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.inner.remove(name, within)
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        self.inner.list(prefix, within)
    }

    fn largest(&self) -> u64 {
        self.inner.largest()
    }

    fn asked(&self, call: BucketCall) -> Admission {
        self.inner.asked(call)
    }

    fn is_prompt(&self) -> bool {
        let is_doubted = self.state().doubted.is_some_and(|(since, pause)| since.elapsed() < pause);
        !is_doubted && self.inner.is_prompt()
    }

    fn health(&self) -> Health {
        let mut health = self.inner.health();
        let state = self.state();
        health.wrong = state.count;
        if state.count > 0 && state.last_ms >= health.last_fault_ms {
            (health.last_fault, health.last_fault_ms) = (state.last.clone(), state.last_ms);
        }
        health
    }
}

#[cfg(test)]
mod tests;
