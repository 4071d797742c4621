#![allow(clippy::disallowed_methods, reason = "tests look at the files they made")]
use super::*;
use kiln_action::Outcome;

fn hit() -> Event {
    Event {
        at_ms: 1,
        outcome: Outcome::Hit,
        name: "x".repeat(2000),
        kind: "lib".into(),
        reason: String::new(),
        detail: String::new(),
        took_us: 1,
        compile_ms: 1,
        bytes: 0,
        directory: String::new(),
    }
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
