use super::*;
use crate::memory::{Memory, SOON};

fn full() -> Fault {
    Fault::Full("no room".into())
}

fn opened(memory: &Memory) -> Breaker<&Memory> {
    let breaker = Breaker::new(memory);
    memory.always(Some(Fault::Late));
    for _ in 0..FAILURES {
        assert_eq!(breaker.get("x", 9, SOON), Err(Fault::Late));
    }
    breaker
}

#[test]
fn a_store_that_fails_is_left_alone() {
    let memory = Memory::default();
    let breaker = opened(&memory);
    for _ in 0..100 {
        assert_eq!(breaker.get("x", 9, SOON), Err(Fault::GivenUp));
        assert_eq!(breaker.put("x", b"", SOON), Err(Fault::GivenUp));
    }
    assert_eq!(memory.calls(), FAILURES);
    assert_eq!(breaker.asked(BucketCall::Read), Admission::No);
    let health = breaker.health();
    assert!(health.given_up && health.given_up_times == 1, "{health:?}");
}

#[test]
fn one_answer_between_failures_keeps_it_closed() {
    let memory = Memory::default();
    let breaker = Breaker::new(&memory);
    for _ in 0..10 {
        memory.fail_with([Fault::Late, Fault::Late]);
        assert!(breaker.get("x", 9, SOON).is_err() && breaker.get("x", 9, SOON).is_err());
        assert_eq!(breaker.get("x", 9, SOON), Ok(None));
    }
    assert_eq!(breaker.asked(BucketCall::Change), Admission::Yes);
}

#[test]
fn one_probe_closes_the_breaker() {
    let memory = Memory::default();
    let breaker = opened(&memory);
    memory.always(None);
    breaker.state().pause = Duration::ZERO;
    assert_eq!(breaker.asked(BucketCall::Read), Admission::Once);
    assert_eq!(breaker.get("x", 9, SOON), Ok(None));
    assert_eq!(breaker.get("x", 9, SOON), Ok(None));
    assert_eq!(memory.calls(), FAILURES + 2);
    assert!(!breaker.health().given_up);
}

#[test]
fn there_is_one_probe_at_a_time() {
    let memory = Memory::default();
    let breaker = opened(&memory);
    breaker.state().pause = Duration::ZERO;
    breaker.state().probing = true;
    assert_eq!(breaker.get("x", 9, SOON), Err(Fault::GivenUp));
}

#[test]
fn a_probe_that_fails_makes_the_pause_longer() {
    let memory = Memory::default();
    let breaker = opened(&memory);
    breaker.state().pause = Duration::from_nanos(1);
    assert_eq!(breaker.get("x", 9, SOON), Err(Fault::Late));
    assert_eq!(breaker.state().pause, Duration::from_nanos(2));
    assert!(!breaker.state().probing);
    breaker.state().pause = Duration::from_nanos(1);
    memory.fail_with([Fault::TooLarge]);
    assert_eq!(breaker.get("x", 9, SOON), Err(Fault::TooLarge));
    assert!(!breaker.state().probing, "the next one may try");
}

#[test]
fn what_is_too_large_is_no_failure() {
    let memory = Memory::default();
    let breaker = Breaker::new(&memory);
    memory.always(Some(Fault::TooLarge));
    for _ in 0..10 {
        assert_eq!(breaker.put("x", b"", SOON), Err(Fault::TooLarge));
    }
    assert_eq!(breaker.asked(BucketCall::Read), Admission::Yes);
}

#[test]
fn a_store_that_takes_nothing_is_read_on_and_tried_again_later() {
    let memory = Memory::default();
    let breaker = Breaker::new(&memory);
    memory.fail_with([full()]);
    assert_eq!(breaker.put("x", b"", SOON), Err(full()));
    for _ in 0..10 {
        assert_eq!(breaker.put("x", b"", SOON), Err(Fault::GivenUp));
        assert_eq!(breaker.get("x", 9, SOON), Ok(None));
    }
    assert_eq!(memory.calls(), 11);
    assert_eq!(
        (breaker.asked(BucketCall::Read), breaker.asked(BucketCall::Change)),
        (Admission::Yes, Admission::No)
    );
    assert!(breaker.health().writes_given_up);
    let later = || {
        let (since, pause) = breaker.state().changes_refused.unwrap();
        breaker.state().changes_refused = Some((since, Duration::ZERO));
        pause
    };
    assert_eq!(later(), FIRST_PAUSE_OF_CHANGES);
    memory.fail_with([full()]);
    assert_eq!(breaker.put("x", b"", SOON), Err(full()));
    later();
    assert_eq!(breaker.put("x", b"", SOON), Ok(()));
    assert_eq!(breaker.asked(BucketCall::Change), Admission::Yes);
}

#[test]
fn a_store_that_refuses_to_be_read_fails() {
    let memory = Memory::default();
    let breaker = Breaker::new(&memory);
    memory.always(Some(Fault::Refused("no".into())));
    for _ in 0..FAILURES {
        assert!(breaker.get("x", 9, SOON).is_err());
    }
    assert_eq!(breaker.asked(BucketCall::Read), Admission::No);
}
