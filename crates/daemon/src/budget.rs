//! How long a build may be kept waiting: no longer than a unit takes to compile, and in vain no longer than a small part of
//! what the build does anyway.

use kiln_sys::clock::Moment;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What any build may lose, in milliseconds.
const FREE: f64 = 250.0;
/// After so many guesses in a row that came to nothing nobody is kept waiting for the next one.
const HOPELESS: u32 = 8;
/// The part of its compile time that it may lose on top; of what a bundle says of it, before it is compiled.
const PART: f64 = 0.01;
/// No more is lost for what a bundle says.
const MOST_PROMISED: f64 = 1000.0;
/// The part of what it was saved that it may lose on top: who has brought much may be waited for.
const PART_OF_SAVED: f64 = 0.1;
/// What a unit is taken to cost that nobody knows.
const USUAL: f64 = 400.0;
/// Nobody is waited for longer.
const LONGEST: f64 = 20_000.0;
/// No more is believed of what a unit costs: another machine, or anybody, says so.
const DEAREST: f64 = 60_000.0;
/// So many builds are remembered.
const MOST: usize = 64;

#[derive(Clone, Copy)]
struct Build {
    lost: f64,
    compiled: f64,
    saved: f64,
    /// What a bundle says that it takes to compile.
    promised: f64,
    /// Guesses in a row that came to nothing.
    wrong: u32,
    last: Moment,
}

impl Build {
    fn left(&self) -> f64 {
        let part = (PART * self.compiled).max((PART * self.promised).min(MOST_PROMISED));
        FREE + part + PART_OF_SAVED * self.saved - self.lost
    }
}

/// The budgets of all builds.
#[derive(Default)]
pub struct Budgets(Mutex<HashMap<u32, Build>>);

impl Budgets {
    /// How long a unit of this build may wait that costs so many milliseconds (0 if nobody knows).
    pub fn allow(&self, build: u32, cost_ms: u32) -> Duration {
        let cost = if cost_ms == 0 { USUAL } else { f64::from(cost_ms).max(50.0) };
        let left = self.with(build, |build| build.left());
        milliseconds(left.min(cost).min(LONGEST))
    }

    /// What a bundle says that the build takes to compile, in milliseconds.
    pub fn promise(&self, build: u32, promised_ms: u64) {
        self.with(build, |build| build.promised = promised_ms as f64);
    }

    /// The same for a unit that no bundle names: not once the store knew nothing of the last ones.
    pub fn allow_guess(&self, build: u32, cost_ms: u32) -> Duration {
        let hopeless = self.with(build, |build| build.wrong >= HOPELESS);
        if hopeless { Duration::ZERO } else { self.allow(build, cost_ms) }
    }

    /// There was something for it after all, or nothing.
    pub fn guessed(&self, build: u32, right: bool) {
        self.with(build, |build| build.wrong = if right { 0 } else { build.wrong.saturating_add(1) });
    }

    /// It waited so long, and was compiled after all.
    pub fn in_vain(&self, build: u32, waited: Duration) {
        self.with(build, |build| build.lost += waited.as_secs_f64() * 1000.0);
    }

    /// It waited so long, and was spared a compile of so many milliseconds.
    pub fn spared(&self, build: u32, waited: Duration, cost_ms: u32) {
        let (waited, cost) = (waited.as_secs_f64() * 1000.0, f64::from(cost_ms).min(DEAREST));
        self.with(build, |build| {
            build.saved += (cost - waited).max(0.0);
            build.lost += (waited - cost).max(0.0);
        });
    }

    /// It compiled for so many milliseconds.
    pub fn compiled(&self, build: u32, took_ms: u32) {
        self.with(build, |build| build.compiled += f64::from(took_ms));
    }

    fn with<T>(&self, number: u32, work: impl FnOnce(&mut Build) -> T) -> T {
        let mut builds: MutexGuard<'_, _> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if builds.len() > MOST {
            let oldest =
                builds.iter().max_by_key(|(_, build)| build.last.elapsed()).map(|(number, _)| *number);
            oldest.map(|oldest| builds.remove(&oldest));
        }
        let fresh =
            || Build { lost: 0.0, compiled: 0.0, saved: 0.0, promised: 0.0, wrong: 0, last: Moment::now() };
        let build = builds.entry(number).or_insert_with(fresh);
        if build.last.elapsed() > Duration::from_secs(600) {
            *build = fresh(); // numbers of processes come again
        }
        build.last = Moment::now();
        work(build)
    }
}

fn milliseconds(number: f64) -> Duration {
    Duration::from_secs_f64(number.max(0.0) / 1000.0)
}

#[cfg(test)]
mod tests;
