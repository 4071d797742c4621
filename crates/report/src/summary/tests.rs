use super::*;

fn event(outcome: Outcome, reason: &str, compile_ms: u64) -> Event {
    Event {
        reason: reason.into(),
        took_us: 1,
        compile_ms,
        bytes: 10,
        directory: "/w".into(),
        ..Event::new(1, outcome, "a", "lib")
    }
}

#[test]
fn events_fold_to_counts_and_a_line() {
    let mut summary = Summary::default();
    for event in [
        event(Outcome::Hit, "", 1500),
        event(Outcome::Miss, "not-seen", 100),
        event(Outcome::Bypass, "terminal", 0),
        event(Outcome::Bypass, "terminal", 0),
        event(Outcome::Failed, "failed", 5),
    ] {
        summary.add(&event);
    }
    assert_eq!((summary.hits, summary.misses, summary.failures), (1, 1, 1));
    assert_eq!(summary.bypasses["terminal"], 2);
    assert_eq!(summary.line(), "kiln: 5 units, 1 restored, 4 compiled, 1.5 s of compiling saved");
    let mut twice = summary.clone();
    twice.merge(&summary);
    assert_eq!(twice.units(), 10);
    assert_eq!(twice.saved_ms, 3000);
}

#[test]
fn one_unit_is_one_unit() {
    let line = |events: &[Event]| {
        let mut summary = Summary::default();
        events.iter().for_each(|event| summary.add(event));
        summary.line()
    };
    let hit = event(Outcome::Hit, "", 40);
    assert_eq!(
        line(std::slice::from_ref(&hit)),
        "kiln: 1 unit, 1 restored, 0 compiled, 0.0 s of compiling saved"
    );
    assert_eq!(line(&[hit.clone(), hit]), "kiln: 2 units, 2 restored, 0 compiled, 0.1 s of compiling saved");
    assert_eq!(line(&[]), "kiln: 0 units, 0 restored, 0 compiled, 0.0 s of compiling saved");
}
