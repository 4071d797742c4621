//! `Breaker` says when a store is not asked any more. After [`FAILURES`] failures in a row no call is made for a pause; then one call
//! shows whether the store is well again, and every failure of it doubles the pause. A store that refuses changes or is full is read
//! on, and is not written to for a pause of its own.

use crate::Health;
use crate::bucket::{Admission, Bucket, BucketCall, Fault, Listed};
use kiln_sys::clock::Moment;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// This many failures in a row open the breaker.
pub(crate) const FAILURES: u32 = 3;
/// The first pause, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The first pause of changes.
const FIRST_PAUSE_OF_CHANGES: Duration = Duration::from_secs(60);

struct State {
    /// Failures in a row.
    failures: u32,
    pause: Duration,
    /// Since when no call is made.
    open_since: Option<Moment>,
    /// Whether the one call is under way that shows whether the store is well again.
    probing: bool,
    /// Since when nothing is changed, and for how long.
    changes_refused: Option<(Moment, Duration)>,
    /// How often the breaker opened.
    opened: u64,
}

impl State {
    fn takes_changes(&self) -> bool {
        self.changes_refused.is_none_or(|(since, pause)| since.elapsed() >= pause)
    }

    fn asked(&self, call: BucketCall) -> Admission {
        if call == BucketCall::Change && !self.takes_changes() {
            return Admission::No;
        }
        match self.open_since {
            None => Admission::Yes,
            Some(since) if since.elapsed() >= self.pause && !self.probing => Admission::Once,
            Some(_) => Admission::No,
        }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.open_since = None;
        self.pause = FIRST_PAUSE;
    }

    fn failed(&mut self) {
        self.failures += 1;
        if self.open_since.is_some() {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.open_since = Some(Moment::now());
        } else if self.failures >= FAILURES {
            self.open_since = Some(Moment::now());
            self.opened += 1;
        }
    }

    fn changed(&mut self, refused: bool) {
        self.changes_refused = refused.then(|| {
            let pause = self.changes_refused.map_or(FIRST_PAUSE_OF_CHANGES, |(_, pause)| pause * 2);
            (Moment::now(), pause.min(LONGEST_PAUSE))
        });
    }
}

/// A bucket that is not asked while it fails.
pub struct Breaker<B> {
    inner: B,
    state: Mutex<State>,
}

impl<B: Bucket> Breaker<B> {
    /// Asks `inner` as long as it answers.
    pub fn new(inner: B) -> Breaker<B> {
        let state = State {
            failures: 0,
            pause: FIRST_PAUSE,
            open_since: None,
            probing: false,
            changes_refused: None,
            opened: 0,
        };
        Breaker { inner, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call<T>(&self, call: BucketCall, work: impl FnOnce(&B) -> Result<T, Fault>) -> Result<T, Fault> {
        let asked = {
            let mut state = self.state();
            let asked = state.asked(call);
            state.probing |= asked == Admission::Once;
            asked
        };
        if asked == Admission::No {
            return Err(Fault::GivenUp);
        }
        let answer = work(&self.inner);
        let mut state = self.state();
        if asked == Admission::Once {
            state.probing = false;
        }
        match &answer {
            Err(Fault::TooLarge) => {}
            Err(fault) if call == BucketCall::Change && fault.refuses_change() => {
                state.succeeded();
                state.changed(true);
            }
            Err(_) => state.failed(),
            Ok(_) => {
                state.succeeded();
                if call == BucketCall::Change {
                    state.changed(false);
                }
            }
        }
        answer
    }
}

impl<B: Bucket> Bucket for Breaker<B> {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        self.call(BucketCall::Read, |bucket| bucket.get(name, most, within))
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        self.call(BucketCall::Change, |bucket| bucket.put(name, bytes, within))
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.call(BucketCall::Read, |bucket| bucket.has(name, within))
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.call(BucketCall::Change, |bucket| bucket.remove(name, within))
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        self.call(BucketCall::Read, |bucket| bucket.list(prefix, within))
    }

    fn largest(&self) -> u64 {
        self.inner.largest()
    }

    fn asked(&self, call: BucketCall) -> Admission {
        self.state().asked(call)
    }

    fn is_prompt(&self) -> bool {
        self.inner.is_prompt()
    }

    fn health(&self) -> Health {
        let health = self.inner.health();
        let state = self.state();
        let (given_up, writes_given_up) = (state.open_since.is_some(), !state.takes_changes());
        Health { given_up, writes_given_up, given_up_times: state.opened, ..health }
    }
}

#[cfg(test)]
mod tests;
