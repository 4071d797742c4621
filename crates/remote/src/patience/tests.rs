use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

struct Scripted {
    asked: Arc<AtomicU32>,
    broken: Arc<AtomicU32>,
}

impl Bucket for Scripted {
    fn get(&self, _: &str, _: u64, _: Duration) -> Result<Option<Vec<u8>>, Fault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.broken.load(Ordering::SeqCst) {
            0 => Ok(None),
            _ => Err(Fault::Late),
        }
    }
    fn put(&self, _: &str, _: &[u8], _: Duration) -> Result<(), Fault> {
        Err(Fault::TooLarge)
    }
    fn has(&self, _: &str, _: Duration) -> Result<bool, Fault> {
        Ok(false)
    }
    fn remove(&self, _: &str, _: Duration) -> Result<(), Fault> {
        Ok(())
    }
    fn list(&self, _: &str, _: Duration) -> Result<Vec<Listed>, Fault> {
        Ok(Vec::new())
    }
}

const SOON: Duration = Duration::from_secs(1);

fn scripted() -> (Patient, Arc<AtomicU32>, Arc<AtomicU32>) {
    let (asked, broken) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    (Patient::new(Box::new(Scripted { asked: asked.clone(), broken: broken.clone() })), asked, broken)
}

#[test]
fn a_store_that_fails_is_left_alone() {
    let (patient, asked, broken) = scripted();
    broken.store(1, Ordering::SeqCst);
    for _ in 0..100 {
        assert!(patient.get("x", 9, SOON).is_err());
    }
    assert_eq!(asked.load(Ordering::SeqCst), FAILURES);
    assert!(patient.health().given_up);
    assert_eq!(patient.get("x", 9, SOON), Err(Fault::GivenUp));
    assert!(!patient.is_asked());
}

#[test]
fn one_probe_closes_the_breaker() {
    let (patient, asked, broken) = scripted();
    broken.store(1, Ordering::SeqCst);
    for _ in 0..FAILURES {
        assert!(patient.get("x", 9, SOON).is_err());
    }
    broken.store(0, Ordering::SeqCst);
    patient.state().pause = Duration::ZERO;
    assert_eq!(patient.get("x", 9, SOON), Ok(None));
    assert_eq!(patient.get("x", 9, SOON), Ok(None));
    assert_eq!(asked.load(Ordering::SeqCst), FAILURES + 2);
    assert!(!patient.health().given_up);
}

#[test]
fn a_probe_that_fails_makes_the_pause_longer() {
    let (patient, _, broken) = scripted();
    broken.store(1, Ordering::SeqCst);
    for _ in 0..FAILURES {
        assert!(patient.get("x", 9, SOON).is_err());
    }
    patient.state().pause = Duration::from_nanos(1);
    assert_eq!(patient.get("x", 9, SOON), Err(Fault::Late));
    assert_eq!(patient.state().pause, Duration::from_nanos(2));
}

#[test]
fn what_is_too_large_is_no_failure() {
    let (patient, ..) = scripted();
    for _ in 0..10 {
        assert_eq!(patient.put("x", b"", SOON), Err(Fault::TooLarge));
    }
    assert!(!patient.health().given_up);
}

struct ReadOnly(Arc<AtomicU32>);

impl Bucket for ReadOnly {
    fn get(&self, _: &str, _: u64, _: Duration) -> Result<Option<Vec<u8>>, Fault> {
        Ok(None)
    }
    fn put(&self, _: &str, _: &[u8], _: Duration) -> Result<(), Fault> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err(Fault::Full("no room".into())),
            _ => Ok(()),
        }
    }
    fn has(&self, _: &str, _: Duration) -> Result<bool, Fault> {
        Ok(false)
    }
    fn remove(&self, _: &str, _: Duration) -> Result<(), Fault> {
        Ok(())
    }
    fn list(&self, _: &str, _: Duration) -> Result<Vec<Listed>, Fault> {
        Ok(Vec::new())
    }
}

#[test]
fn what_takes_nothing_is_read_on_and_tried_again_later() {
    let asked = Arc::new(AtomicU32::new(0));
    let patient = Patient::new(Box::new(ReadOnly(asked.clone())));
    for _ in 0..10 {
        assert!(patient.put("x", b"", SOON).is_err());
        assert_eq!(patient.get("x", 9, SOON), Ok(None));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(patient.is_asked() && !patient.takes());
    assert_eq!(patient.health().last_fault, "is full: no room");
    let later = |patient: &Patient| {
        let (since, pause) = patient.state().writes_refused.unwrap();
        patient.state().writes_refused = Some((since, Duration::ZERO));
        pause
    };
    assert_eq!(later(&patient), FIRST_PAUSE_OF_WRITES);
    assert!(patient.put("x", b"", SOON).is_err());
    assert!(!patient.takes() || later(&patient).is_zero());
    later(&patient);
    assert_eq!(patient.put("x", b"", SOON), Ok(()));
    assert!(patient.takes());
}

#[test]
fn who_tells_nothing_but_lies_is_asked_but_not_waited_for() {
    let patient = Patient::new(Box::new(ReadOnly(Arc::default())));
    for right in [false, false, true, false, false] {
        patient.told(right);
        assert!(patient.is_prompt());
    }
    patient.told(false);
    assert!(!patient.is_prompt() && patient.is_asked() && patient.takes());
    patient.told(true);
    assert!(patient.is_prompt());
    (0..3).for_each(|_| patient.told(false));
    assert!(!patient.is_prompt());
    patient.state().doubted = Some((Moment::now(), Duration::ZERO));
    assert!(patient.is_prompt(), "it may have nothing right to say");
}
