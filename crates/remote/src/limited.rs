//! `Limited` says how many calls are under way at once and how long a store may take. The number follows the latency: it grows while
//! answers come as quickly as usual and shrinks when they do not. A store that has not answered within [`SILENT`] plus [`PROMPT`] times
//! its usual latency is unresponsive; lookups do not wait for it.

use crate::Health;
use crate::bucket::{Admission, Bucket, BucketCall, Fault, Listed};
use kiln_sys::clock::Moment;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The time that a small answer may take.
pub(crate) const SMALL: Duration = Duration::from_secs(10);
/// Bytes in a second: a transfer may take the time of a small answer and of its bytes at this rate.
const SLOWEST: u64 = 256 << 10;
/// Calls at once, in the beginning and at most.
const FIRST_LIMIT: f64 = 8.0;
const LARGEST_LIMIT: f64 = 64.0;
/// A small call that takes this many times the usual latency says that there are too many calls.
const SLOWER: f64 = 4.0;
const SILENT: Duration = Duration::from_millis(250);
const PROMPT: f64 = 4.0;
/// A call that carries this many bytes or more says nothing about latency.
const LARGE: u64 = 64 << 10;

/// How long a transfer of this many bytes may take.
pub(crate) fn within(bytes: u64) -> Duration {
    SMALL + Duration::from_secs(bytes / SLOWEST)
}

struct State {
    under_way: u32,
    limit: f64,
    /// The usual latency of a small call, in milliseconds; 0 before the first.
    latency_ms: f64,
    /// Since when a call is under way and nothing was answered.
    silent_since: Option<Moment>,
}

impl State {
    fn begin(&mut self) {
        self.under_way += 1;
        self.silent_since.get_or_insert_with(Moment::now);
    }

    fn end(&mut self) {
        self.under_way -= 1;
        self.silent_since = (self.under_way > 0).then(Moment::now);
    }

    fn answered(&mut self, took: Duration, bytes: u64) {
        if bytes >= LARGE {
            return;
        }
        let (took_ms, usual) = (took.as_secs_f64() * 1000.0, self.latency_ms);
        self.limit = match usual > 0.0 && took_ms > SLOWER * usual + 5.0 {
            true => (self.limit * 0.9).max(2.0),
            false => (self.limit + 0.5).min(LARGEST_LIMIT),
        };
        self.latency_ms = if usual == 0.0 { took_ms } else { usual * 0.8 + took_ms * 0.2 };
    }

    fn failed(&mut self) {
        self.limit = (self.limit / 2.0).max(1.0);
    }
}

/// A bucket with a limit of calls at once.
pub struct Limited<B> {
    inner: B,
    state: Mutex<State>,
    freed: Condvar,
}

impl<B: Bucket> Limited<B> {
    /// Limits calls to `inner`.
    pub fn new(inner: B) -> Limited<B> {
        let state = State { under_way: 0, limit: FIRST_LIMIT, latency_ms: 0.0, silent_since: None };
        Limited { inner, state: Mutex::new(state), freed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn, at most `within`. A call that the bucket would not take is not kept waiting, and neither is the one call that
    /// shows whether the bucket is well again.
    fn enter(&self, call: BucketCall, within: Duration) -> Result<(), Fault> {
        let came = Moment::now();
        let mut state = self.state();
        loop {
            let turn = match self.inner.asked(call) {
                Admission::No => return Err(Fault::GivenUp),
                Admission::Once => true,
                Admission::Yes => f64::from(state.under_way) < state.limit,
            };
            if turn {
                state.begin();
                return Ok(());
            }
            let left = within.checked_sub(came.elapsed()).ok_or(Fault::Late)?;
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Makes a call; `bytes` says how many it carried.
    fn call<T>(
        &self,
        call: BucketCall,
        within: Duration,
        work: impl FnOnce(&B) -> Result<T, Fault>,
        bytes: impl FnOnce(&T) -> u64,
    ) -> Result<T, Fault> {
        self.enter(call, within)?;
        let started = Moment::now();
        let answer = work(&self.inner);
        let took = started.elapsed();
        let mut state = self.state();
        state.end();
        match &answer {
            Ok(value) => state.answered(took, bytes(value)),
            Err(fault) if call == BucketCall::Change && fault.refuses_change() => state.answered(took, 0),
            Err(Fault::TooLarge | Fault::GivenUp) => {}
            Err(_) => state.failed(),
        }
        drop(state);
        self.freed.notify_all();
        answer
    }
}

impl<B: Bucket> Bucket for Limited<B> {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        let bytes = |found: &Option<Vec<u8>>| found.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.call(BucketCall::Read, within, |bucket| bucket.get(name, most, within), bytes)
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        let length = bytes.len() as u64;
        self.call(BucketCall::Change, within, |bucket| bucket.put(name, bytes, within), |()| length)
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.call(BucketCall::Read, within, |bucket| bucket.has(name, within), |_| 0)
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.call(BucketCall::Change, within, |bucket| bucket.remove(name, within), |()| 0)
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        self.call(BucketCall::Read, within, |bucket| bucket.list(prefix, within), |_| 0)
    }

    fn largest(&self) -> u64 {
        self.inner.largest()
    }

    fn asked(&self, call: BucketCall) -> Admission {
        self.inner.asked(call)
    }

    fn is_prompt(&self) -> bool {
        let state = self.state();
        let usual = Duration::from_secs_f64(PROMPT * state.latency_ms / 1000.0);
        state.silent_since.is_none_or(|since| since.elapsed() < SILENT + usual) && self.inner.is_prompt()
    }

    fn health(&self) -> Health {
        Health { latency_ms: self.state().latency_ms, ..self.inner.health() }
    }
}

#[cfg(test)]
mod tests;
