//! Single flight: of several who want the same from the remote stores one asks, and the others wait for its answer. What was not there a
//! moment ago is not asked for again.

use kiln_action::{ActionKey, SnapshotKey, WeakKey};
use kiln_sys::clock::Moment;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// The Shapes of a WeakKey.
    Shapes(WeakKey),
    /// A result.
    Result(ActionKey),
    /// The snapshot of a build.
    Snapshot(SnapshotKey),
}

/// "Not there" counts for so long; "could not say" for as long as the shorter one.
const ABSENT: Duration = Duration::from_secs(60);
const UNKNOWN: Duration = Duration::from_secs(5);
/// So many are under way at most; whoever comes then hears "no".
const MOST: usize = 64;
/// So many are enough where nobody waits for them.
const FEW: usize = 4;
/// So many ends are remembered.
const REMEMBERED: usize = 20_000;

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is here now.
    Here,
    /// It is nowhere.
    Absent,
    /// Nobody could say.
    Unknown,
}

#[derive(Clone, Copy)]
enum State {
    UnderWay,
    Over(End, Moment),
}

/// The questions to remote stores that are under way.
#[derive(Default)]
pub struct InFlight {
    states: Mutex<States>,
    changed: Condvar,
}

#[derive(Default)]
struct States {
    of: HashMap<Ask, State>,
    under_way: usize,
}

/// What somebody who wants to ask is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Whoever claims it asks, and calls [`InFlight::end`].
    Ours,
    /// Somebody else asks already: wait for the answer.
    InFlight,
    /// It would lead to nothing.
    InVain,
}

impl InFlight {
    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims a question, for one who is about to ask it.
    pub fn claim(&self, ask: Ask) -> Claim {
        let mut states = self.states();
        match states.of.get(&ask) {
            Some(State::UnderWay) => return Claim::InFlight,
            Some(State::Over(End::Absent, at)) if at.elapsed() < ABSENT => return Claim::InVain,
            Some(State::Over(End::Unknown, at)) if at.elapsed() < UNKNOWN => return Claim::InVain,
            _ => {}
        }
        if states.under_way >= MOST {
            return Claim::InVain;
        }
        if states.of.len() >= REMEMBERED {
            states.of.retain(|_, state| matches!(state, State::UnderWay));
        }
        states.of.insert(ask, State::UnderWay);
        states.under_way += 1;
        Claim::Ours
    }

    /// Whether enough are under way for a build that does not wait for them.
    pub fn is_busy(&self) -> bool {
        self.states().under_way >= FEW
    }

    /// Ends a request that is under way, and wakes all that wait for it.
    pub fn end(&self, ask: Ask, end: End) {
        let mut states = self.states();
        match end {
            End::Here => states.of.remove(&ask), // whoever asks next finds it here
            _ => states.of.insert(ask, State::Over(end, Moment::now())),
        };
        states.under_way -= 1;
        drop(states);
        self.changed.notify_all();
    }

    /// What was put there meanwhile is not absent any more.
    pub fn forget(&self, ask: Ask) {
        let mut states = self.states();
        if matches!(states.of.get(&ask), Some(State::Over(..))) {
            states.of.remove(&ask);
        }
    }

    /// Whether it is under way.
    pub fn is_under_way(&self, ask: Ask) -> bool {
        matches!(self.states().of.get(&ask), Some(State::UnderWay))
    }

    /// Waits until something ends, but not longer than `most`.
    pub fn wait(&self, asks: &[Ask], most: Duration) {
        let states = self.states();
        if asks.iter().all(|ask| matches!(states.of.get(ask), Some(State::UnderWay))) {
            drop(self.changed.wait_timeout(states, most).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests;
