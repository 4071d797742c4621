use super::*;
use crate::breaker::{Breaker, FAILURES};
use crate::memory::{Closed, Memory, SOON};

/// Long enough for every caller to come while the first call is under way.
const LONG: Duration = Duration::from_millis(200);

fn at_once<B: Bucket>(limited: &Limited<B>, count: u32, within: Duration) -> Vec<Result<bool, Fault>> {
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..count).map(|_| scope.spawn(|| limited.has("x", within))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn no_more_calls_are_under_way_than_the_limit() {
    let memory = Memory::default();
    let limited = Limited::new(&memory);
    (limited.state().limit, limited.state().latency_ms) = (2.0, 0.01); // whatever is slower does not raise it
    *memory.takes.lock().unwrap() = LONG;
    assert!(at_once(&limited, 3, Duration::from_secs(60)).iter().all(Result::is_ok));
    assert!(memory.most_under_way() <= 2, "{}", memory.most_under_way());
    assert_eq!(limited.state().under_way, 0);
}

#[test]
fn a_caller_whose_turn_does_not_come_is_late() {
    let memory = Memory::default();
    let limited = Limited::new(&memory);
    limited.state().under_way = 8;
    assert_eq!(limited.has("x", Duration::from_millis(10)), Err(Fault::Late));
    assert_eq!(memory.calls(), 0);
}

#[test]
fn the_limit_follows_what_the_store_does() {
    let memory = Memory::default();
    let limited = Limited::new(&memory);
    limited.has("x", SOON).unwrap();
    assert_eq!(limited.state().limit, FIRST_LIMIT + 0.5);
    memory.fail_with([Fault::Late, Fault::Broken("x".into())]);
    assert!(limited.has("x", SOON).is_err() && limited.has("x", SOON).is_err());
    assert_eq!(limited.state().limit, (FIRST_LIMIT + 0.5) / 4.0);
    memory.fail_with([Fault::TooLarge]);
    assert!(limited.has("x", SOON).is_err());
    assert_eq!(limited.state().limit, (FIRST_LIMIT + 0.5) / 4.0, "that is no fault of the store");
    memory.fail_with([Fault::Full("no room".into())]);
    assert!(limited.put("x", b"", SOON).is_err());
    assert_eq!(limited.state().limit, (FIRST_LIMIT + 0.5) / 4.0 + 0.5, "it answered");
}

#[test]
fn large_objects_say_nothing_about_latency() {
    let memory = Memory::default();
    let limited = Limited::new(&memory);
    *memory.takes.lock().unwrap() = Duration::from_millis(1);
    limited.put("large", &vec![0; LARGE as usize], SOON).unwrap();
    limited.get("large", u64::MAX, SOON).unwrap();
    assert_eq!(limited.health().latency_ms, 0.0);
    limited.put("small", b"", SOON).unwrap();
    assert!(limited.health().latency_ms >= 1.0);
}

#[test]
fn a_silent_store_is_not_waited_for() {
    let memory = Memory::default();
    let limited = Limited::new(&memory);
    assert!(limited.is_prompt());
    let late = Moment::now();
    limited.state().silent_since = Some(late);
    assert!(limited.is_prompt(), "it was asked a moment ago");
    std::thread::sleep(SILENT + Duration::from_millis(10));
    assert!(!limited.is_prompt());
    limited.state().latency_ms = 60_000.0;
    assert!(limited.is_prompt(), "it always takes as long");
    limited.has("x", SOON).unwrap();
    limited.state().latency_ms = 0.0;
    assert!(limited.is_prompt(), "it has answered");
}

#[test]
fn a_bucket_that_takes_no_call_gets_none_and_nobody_waits() {
    let limited = Limited::new(Closed);
    limited.state().under_way = 100;
    assert_eq!(limited.has("x", SOON), Err(Fault::GivenUp), "and not late");
}

/// Callers that wait for a turn when the breaker opens are told so, and make no call of their own.
#[test]
fn whoever_waits_while_the_store_is_given_up_on_hears_of_it() {
    let memory = Memory::default();
    let limited = Limited::new(Breaker::new(&memory));
    memory.always(Some(Fault::Late));
    for _ in 1..FAILURES {
        assert_eq!(limited.has("x", SOON), Err(Fault::Late));
    }
    limited.state().limit = 1.0;
    *memory.takes.lock().unwrap() = LONG;
    let answers = at_once(&limited, 6, Duration::from_secs(600));
    let late = answers.iter().filter(|answer| **answer == Err(Fault::Late)).count();
    assert_eq!(late, 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Fault::GivenUp)).count(), 5);
    assert_eq!(memory.calls(), FAILURES);
}

#[test]
fn bytes_have_their_time() {
    assert_eq!(within(0), SMALL);
    assert_eq!(within(SLOWEST * 60), SMALL + Duration::from_secs(60));
}
