//! `Counted` counts what a bucket answers, for status pages. It stands directly over the backend: a call that is not made is not counted.

use crate::bucket::{Bucket, Fault, Listed};
use crate::progress;
use kiln_protocol::Health;
use kiln_sys::clock;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A bucket whose answers are counted.
pub struct Counted<B> {
    inner: B,
    health: Mutex<Health>,
}

impl<B: Bucket> Counted<B> {
    /// Counts what `inner` answers.
    pub fn new(inner: B) -> Counted<B> {
        Counted { inner, health: Mutex::default() }
    }

    fn counters(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, answer: Result<T, Fault>, count: impl FnOnce(&mut Health, &T)) -> Result<T, Fault> {
        let mut health = self.counters();
        match &answer {
            Ok(value) => {
                progress::note();
                health.answered += 1;
                count(&mut health, value);
            }
            Err(fault) => note(&mut health, fault),
        }
        answer
    }

    fn change(&self, answer: Result<(), Fault>, count: impl FnOnce(&mut Health, &())) -> Result<(), Fault> {
        if answer.as_ref().is_err_and(Fault::refuses_change) {
            self.counters().answered += 1;
        }
        self.read(answer, count)
    }
}

/// What is too large is no fault of the store.
fn note(health: &mut Health, fault: &Fault) {
    match fault {
        Fault::TooLarge => return,
        Fault::Late => health.late += 1,
        _ => health.failed += 1,
    }
    health.last_fault = fault.to_string();
    health.last_fault_ms = clock::now_ms();
}

impl<B: Bucket> Bucket for Counted<B> {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        self.read(self.inner.get(name, most, within), |health, found| match found {
            Some(bytes) => {
                health.found += 1;
                health.bytes_in += bytes.len() as u64;
            }
            None => health.absent += 1,
        })
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        self.change(self.inner.put(name, bytes, within), |health, ()| {
            health.kept += 1;
            health.bytes_out += bytes.len() as u64;
        })
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.read(self.inner.has(name, within), |_, _| {})
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.change(self.inner.remove(name, within), |_, ()| {})
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        self.read(self.inner.list(prefix, within), |_, _| {})
    }

    fn largest(&self) -> u64 {
        self.inner.largest()
    }

    fn health(&self) -> Health {
        self.counters().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Memory, SOON};

    #[test]
    fn answers_and_faults_are_counted() {
        let memory = Memory::default();
        let counted = Counted::new(&memory);
        counted.put("a", b"1234", SOON).unwrap();
        counted.get("a", 9, SOON).unwrap();
        counted.get("b", 9, SOON).unwrap();
        assert_eq!(counted.get("a", 1, SOON), Err(Fault::TooLarge));
        assert_eq!(counted.health().last_fault, "");
        memory.fail_with([Fault::Late, Fault::Full("no room".into()), Fault::Refused("no".into())]);
        assert!(counted.get("a", 9, SOON).is_err());
        assert!(counted.put("a", b"", SOON).is_err());
        assert!(counted.get("a", 9, SOON).is_err());
        let health = counted.health();
        assert_eq!((health.answered, health.failed, health.late), (4, 2, 1), "{health:?}");
        assert_eq!((health.found, health.absent, health.kept), (1, 1, 1), "{health:?}");
        assert_eq!((health.bytes_in, health.bytes_out), (4, 4));
        assert_eq!(health.last_fault, "refused: no");
    }
}
