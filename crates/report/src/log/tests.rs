#![allow(clippy::disallowed_methods, reason = "tests look at the files they made")]
use super::*;
use kiln_action::Outcome;

fn hit() -> Event {
    Event { took_us: 1, compile_ms: 1, ..Event::new(1, Outcome::Hit, &"x".repeat(2000), "lib") }
}

#[test]
fn a_torn_line_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(dir.path());
    log.append(&hit()).unwrap();
    let path = dir.path().join("current.jsonl");
    let mut text = std::fs::read(&path).unwrap();
    text.extend(b"{\"at_ms\":1,\"outc\n");
    std::fs::write(&path, &text).unwrap();
    log.append(&hit()).unwrap();
    assert_eq!(log.summary().hits, 2);
    assert_eq!(log.events().len(), 2);
}

#[test]
fn tidying_loses_no_count_even_when_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(dir.path());
    let mut expected = 0;
    for round in 0..7 {
        let many: Vec<u8> = std::iter::repeat_n(line(&hit()), 2200).flatten().collect();
        std::fs::write(dir.path().join("current.jsonl"), many).unwrap();
        expected += 2200;
        log.tidy().unwrap();
        assert_eq!(log.summary().hits, expected, "round {round}");
    }
    // as if the machine had died after the totals were written and before the segment was removed
    let line = line(&hit());
    std::fs::write(dir.path().join("1.jsonl"), line).unwrap();
    assert_eq!(log.summary().hits, expected);
}

#[test]
fn zero_keeps_the_events_and_counts_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(dir.path());
    log.zero(5).unwrap(); // of nothing
    for _ in 0..3 {
        log.append(&hit()).unwrap();
    }
    assert_eq!(log.summary().hits, 3);
    log.zero(7).unwrap();
    assert_eq!((log.summary().hits, log.account().zeroed_ms), (0, 7));
    log.append(&hit()).unwrap();
    assert_eq!((log.summary().hits, log.since(0).len(), log.events().len()), (1, 1, 4));
    log.zero(8).unwrap();
    log.append(&hit()).unwrap();
    for _ in 0..9 {
        log.tidy().unwrap();
    }
    assert_eq!((log.summary().hits, log.events().len()), (1, 5));
}

#[test]
fn projects_are_counted_apart_and_kept_when_segments_go() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(dir.path());
    let of = |project: &str| Event { project: project.into(), ..hit() };
    for _ in 0..7 {
        let many: Vec<u8> = std::iter::repeat_n(line(&of("/w/a")), 2200).flatten().collect();
        std::fs::write(dir.path().join("current.jsonl"), many).unwrap();
        log.tidy().unwrap();
    }
    log.append(&of("/w/b")).unwrap();
    let account = log.account();
    assert_eq!((account.projects["/w/a"].hits, account.projects["/w/b"].hits), (7 * 2200, 1));
    assert_eq!(account.total.hits, 7 * 2200 + 1);
}

#[test]
fn a_clock_that_jumps_loses_no_event() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(dir.path());
    for at_ms in [100, 200, 20, 30, 210] {
        log.append(&Event { at_ms, ..hit() }).unwrap();
    }
    let times = |since| log.since(since).iter().map(|event| event.at_ms).collect::<Vec<_>>();
    assert_eq!(times(150), [200, 20, 30, 210], "set back: what came later is not lost");
    assert_eq!(times(0), [100, 200, 20, 30, 210]);
    assert_eq!(times(211), [0; 0]);
}

#[test]
fn totals_of_an_older_kiln_are_read() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("totals.json"), r#"{"through":3,"summary":{"hits":5},"later":true}"#)
        .unwrap();
    assert_eq!(Log::new(dir.path()).summary().hits, 5);
}
