//! A bucket that is given up on in time: a breaker, a limit of calls under way that follows how quickly answers come, and
//! counters.

use crate::bucket::{Bucket, Fault, Listed};
use kiln_sys::clock::{self, Moment};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many failures in a row open the breaker.
const FAILURES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Who says that it may not be written to, or is full, is read on and not written to for so long.
const FIRST_PAUSE_OF_WRITES: Duration = Duration::from_secs(60);
const FIRST_LIMIT: f64 = 8.0;
const LARGEST_LIMIT: f64 = 64.0;
/// A call that takes so many times as long as usual says that there are too many.
const SLOWER: f64 = 4.0;
/// Who says nothing for so long, and so many times as long as usual, is not waited for.
const SILENT: Duration = Duration::from_millis(250);
const PROMPT: f64 = 4.0;
/// What is larger says nothing about latency.
const SMALL: u64 = 64 << 10;

/// How a store does, for status pages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that failed, other than for want of time.
    pub failed: u64,
    /// Calls that were not answered in time.
    pub late: u64,
    /// Objects that were found.
    pub found: u64,
    /// Objects that were asked for and not there.
    pub absent: u64,
    /// Objects that were not what their name says.
    pub wrong: u64,
    /// Objects that were kept.
    pub kept: u64,
    /// Bytes that came.
    pub bytes_in: u64,
    /// Bytes that went.
    pub bytes_out: u64,
    /// Milliseconds until a call is answered, lately.
    pub latency_ms: f64,
    /// Whether it is left alone at the moment.
    pub given_up: bool,
    /// Whether it is not written to at the moment, since it refuses that or is full.
    pub writes_given_up: bool,
    /// How often it was given up on.
    pub given_up_times: u64,
    /// The last fault.
    pub last_fault: String,
    /// When that was, in milliseconds since the epoch.
    pub last_fault_ms: u64,
}

struct State {
    health: Health,
    under_way: u32,
    /// Since when something is under way and nothing was answered.
    silent_since: Option<Moment>,
    limit: f64,
    failures: u32,
    /// Objects in a row that were not what their names say.
    wrong: u32,
    /// Since when it is not waited for because of them, and for how long.
    doubted: Option<(Moment, Duration)>,
    pause: Duration,
    /// Since when it is left alone.
    open_since: Option<Moment>,
    probing: bool,
    /// Since when it is not written to, and for how long.
    writes_refused: Option<(Moment, Duration)>,
}

impl State {
    fn takes(&self) -> bool {
        self.writes_refused.is_none_or(|(since, pause)| since.elapsed() >= pause)
    }
}

/// A bucket with patience.
pub struct Patient {
    inner: Box<dyn Bucket>,
    state: Mutex<State>,
    freed: Condvar,
}

impl Patient {
    /// Patience with a bucket.
    pub fn new(inner: Box<dyn Bucket>) -> Patient {
        let state = State {
            health: Health::default(),
            under_way: 0,
            silent_since: None,
            limit: FIRST_LIMIT,
            failures: 0,
            wrong: 0,
            doubted: None,
            pause: FIRST_PAUSE,
            open_since: None,
            probing: false,
            writes_refused: None,
        };
        Patient { inner, state: Mutex::new(state), freed: Condvar::new() }
    }

    /// How it does.
    pub fn health(&self) -> Health {
        let state = self.state();
        let (given_up, writes_given_up) = (state.open_since.is_some(), !state.takes());
        Health { given_up, writes_given_up, ..state.health.clone() }
    }

    /// Whether a call would be made now.
    pub fn is_asked(&self) -> bool {
        let state = self.state();
        state.open_since.is_none_or(|since| since.elapsed() >= state.pause && !state.probing)
    }

    /// Whether something would be written now: not to what refused that or was full a while ago.
    pub fn takes(&self) -> bool {
        self.is_asked() && self.state().takes()
    }

    /// Whether it is worth waiting for an answer: not if it is asked and has said nothing for longer than it usually takes,
    /// and not for a while if the last things that it said were wrong.
    pub fn is_prompt(&self) -> bool {
        let state = self.state();
        if state.doubted.is_some_and(|(since, pause)| since.elapsed() < pause) {
            return false;
        }
        let usual = Duration::from_secs_f64(PROMPT * state.health.latency_ms / 1000.0);
        state.silent_since.is_none_or(|since| since.elapsed() < SILENT + usual)
    }

    /// How long a small answer takes, lately.
    pub fn latency(&self) -> Duration {
        Duration::from_secs_f64(self.state().health.latency_ms / 1000.0)
    }

    /// An object turned out to be wrong.
    pub fn found_wrong(&self, name: &str) {
        let mut state = self.state();
        state.health.wrong += 1;
        state.health.last_fault = format!("{name} was not what its name says");
        state.health.last_fault_ms = clock::now_ms();
    }

    /// An object was what its name says, or not. Who tells nothing but lies is asked, and corrected, but not waited
    /// for: until something right comes, or a while later, since what is absent is neither.
    pub fn told(&self, right: bool) {
        let mut state = self.state();
        state.wrong = if right { 0 } else { state.wrong.saturating_add(1) };
        state.doubted = (state.wrong >= FAILURES).then(|| (Moment::now(), FIRST_PAUSE));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn; what is left of `within`.
    fn enter(&self, within: Duration) -> Result<(Moment, bool), Fault> {
        let asked = Moment::now();
        let mut state = self.state();
        loop {
            if let Some(since) = state.open_since {
                if state.probing || since.elapsed() < state.pause {
                    return Err(Fault::GivenUp);
                }
                state.probing = true;
                begin(&mut state);
                return Ok((Moment::now(), true));
            }
            if f64::from(state.under_way) < state.limit {
                begin(&mut state);
                return Ok((Moment::now(), false));
            }
            let left = within.checked_sub(asked.elapsed()).ok_or(Fault::Late)?;
            let (guard, _) = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            state = guard;
        }
    }

    /// Something that changes the bucket. That it is refused, or that there is no room, says nothing about reading.
    fn change(
        &self,
        within: Duration,
        work: impl FnOnce(&dyn Bucket) -> Result<(), Fault>,
        count: impl FnOnce(&mut Health),
    ) -> Result<(), Fault> {
        if !self.state().takes() {
            return Err(Fault::GivenUp);
        }
        let work = |bucket: &dyn Bucket| match work(bucket) {
            Err(fault @ (Fault::Refused(_) | Fault::Full(_))) => Ok(Err(fault)),
            answer => answer.map(Ok),
        };
        let counted = |health: &mut Health, done: &Result<(), Fault>| {
            if done.is_ok() {
                count(health);
            }
        };
        let answer = self.call(within, work, counted)?;
        let mut state = self.state();
        match &answer {
            Ok(()) => state.writes_refused = None,
            Err(fault) => {
                let pause = state.writes_refused.map_or(FIRST_PAUSE_OF_WRITES, |(_, pause)| pause * 2);
                state.writes_refused = Some((Moment::now(), pause.min(LONGEST_PAUSE)));
                tell(&mut state.health, fault);
            }
        }
        answer
    }

    fn call<T>(
        &self,
        within: Duration,
        work: impl FnOnce(&dyn Bucket) -> Result<T, Fault>,
        count: impl FnOnce(&mut Health, &T),
    ) -> Result<T, Fault> {
        let (started, probe) = self.enter(within)?;
        let answer = work(&*self.inner);
        let mut state = self.state();
        state.under_way -= 1;
        state.silent_since = (state.under_way > 0).then(Moment::now);
        if probe {
            state.probing = false;
        }
        match &answer {
            Ok(value) => {
                let before = state.health.bytes_in + state.health.bytes_out;
                count(&mut state.health, value);
                let small = state.health.bytes_in + state.health.bytes_out - before < SMALL;
                succeeded(&mut state, started.elapsed(), small);
            }
            Err(Fault::TooLarge) => {}
            Err(fault) => failed(&mut state, fault),
        }
        drop(state);
        self.freed.notify_all();
        answer
    }
}

fn begin(state: &mut State) {
    state.under_way += 1;
    state.silent_since.get_or_insert_with(Moment::now);
}

fn succeeded(state: &mut State, took: Duration, small: bool) {
    let took_ms = took.as_secs_f64() * 1000.0;
    let usual = state.health.latency_ms;
    state.health.answered += 1;
    if small {
        state.limit = match usual > 0.0 && took_ms > SLOWER * usual + 5.0 {
            true => (state.limit * 0.9).max(2.0),
            false => (state.limit + 0.5).min(LARGEST_LIMIT),
        };
        state.health.latency_ms = if usual == 0.0 { took_ms } else { usual * 0.8 + took_ms * 0.2 };
    }
    state.failures = 0;
    state.open_since = None;
    state.pause = FIRST_PAUSE;
}

fn tell(health: &mut Health, fault: &Fault) {
    match fault {
        Fault::Late => health.late += 1,
        _ => health.failed += 1,
    }
    health.last_fault = fault.to_string();
    health.last_fault_ms = clock::now_ms();
}

fn failed(state: &mut State, fault: &Fault) {
    tell(&mut state.health, fault);
    state.limit = (state.limit / 2.0).max(1.0);
    state.failures += 1;
    if state.open_since.is_some() {
        state.pause = (state.pause * 2).min(LONGEST_PAUSE);
        state.open_since = Some(Moment::now());
    } else if state.failures >= FAILURES {
        state.open_since = Some(Moment::now());
        state.health.given_up_times += 1;
    }
}

impl Bucket for Patient {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        let count = |health: &mut Health, found: &Option<Vec<u8>>| match found {
            Some(bytes) => {
                health.found += 1;
                health.bytes_in += bytes.len() as u64;
            }
            None => health.absent += 1,
        };
        self.call(within, |bucket| bucket.get(name, most, within), count)
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        let count = |health: &mut Health| {
            health.kept += 1;
            health.bytes_out += bytes.len() as u64;
        };
        self.change(within, |bucket| bucket.put(name, bytes, within), count)
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.call(within, |bucket| bucket.has(name, within), |_, _| {})
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.change(within, |bucket| bucket.remove(name, within), |_| {})
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        self.call(within, |bucket| bucket.list(prefix, within), |_, _| {})
    }

    fn largest(&self) -> u64 {
        self.inner.largest()
    }
}

#[cfg(test)]
mod tests;
