use super::*;
use crate::explanation;
use crate::log::Account;
use kiln_action::event::SCRIPT_RUN;

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
    assert_eq!(
        summary.line(),
        "kiln: 5 units, 1 restored, 3 compiled (2 of them not cached), 1 failed, 1.5 s of compiling saved; `kiln \
         explain` says why"
    );
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

/// A build as `kiln cargo` has it: questions and tries before, a unit that is put in place and asked for again, a link.
fn a_build() -> Vec<Event> {
    let unit = |outcome, stem: &str| Event { stem: stem.into(), ..event(outcome, "", 100) };
    let events = vec![
        Event { kind: PROBE.into(), ..event(Outcome::Hit, "", 10) },
        Event { kind: PROBE.into(), ..event(Outcome::Bypass, "question", 0) },
        Event { filled: true, ..unit(Outcome::Hit, "one-1") },
        Event { filled: true, ..unit(Outcome::Hit, "two-1") },
        unit(Outcome::Miss, "one-1"),
        Event { kind: String::new(), ..event(Outcome::Bypass, "not-a-compile", 50) },
        Event { kind: SCRIPT_RUN.into(), ..event(Outcome::Bypass, "used-out-dir", 50) },
    ];
    events.into_iter().map(|event| Event { parent: 7, ..event }).collect()
}

#[test]
fn all_folds_come_to_the_same_numbers() {
    let events = a_build();
    let summary = Summary::of(counted(events.iter(), &[]));
    let build = explanation::explain(&explanation::last_build(&events));
    let account = Account::of(&events);
    let tally = "3 units, 1 restored, 2 compiled (1 of them not cached)";
    assert_eq!(
        (summary.tally(), build.tally, account.total.tally()),
        (tally.into(), tally.into(), tally.into())
    );
    assert_eq!((build.units, build.hits, build.uncached.len(), build.probes), (3, 1, 1, 3));
    assert_eq!(build.misses[0].units.len(), 1);
    assert_eq!((summary.probes, summary.probe_hits, summary.saved_ms), (1, 1, 100));
}

#[test]
fn what_is_asked_for_after_it_was_put_in_place_counts_once_wherever_the_log_is_cut() {
    let events = a_build();
    for cut in 0..=events.len() {
        let (older, newer) = events.split_at(cut);
        let mut both = Summary::of(counted(older.iter(), newer));
        both.merge(&Summary::of(counted(newer.iter(), &[])));
        assert_eq!(both, Summary::of(counted(events.iter(), &[])), "{cut}");
    }
    // Two builds by processes of one number: each has put it in place once.
    let filled = || Event { filled: true, stem: "a-1".into(), ..event(Outcome::Hit, "", 1) };
    let twice = [filled(), filled()];
    assert_eq!(Summary::of(counted(twice.iter(), &[])).hits, 2);
}
