use super::*;
use crate::place::Placed;
use std::path::Path;

const NAME: [u8; 32] = [9; 32];

fn run(key: u8, variant: u8) -> BaselineRun {
    BaselineRun {
        at_ms: 1_700_000_000_000,
        compiler: "rustc 1.95.0".into(),
        key: ActionKey::of_name([key; 32]),
        variant: [variant; 8],
        words: vec![Word { group: "arguments".into(), name: "cfg".into(), value: "test".into() }],
        answers: vec![
            AnsweredQuestion {
                question: Question::Listing(Placed::literal(Path::new("/w/migrations"))),
                answer: Answered::Content([7; 16]),
                details: vec![b"0001.sql".to_vec(), b"0002.sql".to_vec()],
            },
            AnsweredQuestion {
                question: Question::Env(b"A".to_vec()),
                answer: Answered::Nothing,
                details: Vec::new(),
            },
            AnsweredQuestion {
                question: Question::Kind(Placed::literal(Path::new("/w/a"))),
                answer: Answered::Stat { kind: 1, mode: 0o755, size: 0, mtime_ns: 5 },
                details: Vec::new(),
            },
        ],
    }
}

fn baseline() -> Baseline {
    Baseline {
        unit: "a lib".into(),
        directory: b"/w".to_vec(),
        project: "/w".into(),
        runs: vec![run(1, 1), run(2, 1)],
    }
}

#[test]
fn what_is_written_is_read_and_damage_is_noticed() {
    let file = baseline().encode(&NAME);
    assert_eq!(Baseline::decode(&NAME, &file), Ok(baseline()));
    for end in 0..file.len() {
        assert_eq!(Baseline::decode(&NAME, &file[..end]), Err(Malformed));
    }
    for at in 0..file.len() {
        let mut torn = file.clone();
        torn[at] ^= 0x40;
        assert_eq!(Baseline::decode(&NAME, &torn), Err(Malformed), "byte {at}");
    }
}

#[test]
fn a_newer_version_is_not_read() {
    let mut file = baseline().encode(&NAME);
    file[4] = VERSION + 1;
    assert_eq!(Baseline::decode(&NAME, &file), Err(Malformed));
}

#[test]
fn decoding_is_total_below_the_checksum() {
    let file = baseline().encode(&NAME);
    for at in 13..file.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut body = file[13..].to_vec();
            body[at - 13] = value;
            let _ = Baseline::decode(&NAME, &seal(MAGIC, VERSION, &NAME, &body)); // anything but a panic
        }
    }
}

#[test]
fn every_variant_keeps_a_run() {
    let mut baseline = Baseline::default();
    for (key, variant) in [(1, 1), (2, 2), (3, 1), (4, 1), (5, 1), (6, 1)] {
        baseline.add(run(key, variant));
    }
    let keys: Vec<u8> = baseline.runs.iter().map(|run| run.key.name()[0]).collect();
    assert_eq!(keys, [6, 5, 4, 2]);
    baseline.add(run(5, 1));
    let keys: Vec<u8> = baseline.runs.iter().map(|run| run.key.name()[0]).collect();
    assert_eq!(keys, [5, 6, 4, 2], "the same result again is the same run");
}

#[test]
fn values_of_variables_are_salted() {
    let question = Question::Env(b"TOKEN".to_vec());
    let answer = Answer::Content(Digest::of(b"hunter2"));
    let one = Answered::of(&question, &answer, b"one");
    assert_ne!(one, Answered::of(&question, &answer, b"other"));
    assert_eq!(one, Answered::of(&question, &answer, b"one"));
    assert_ne!(one, Answered::Content(cut(&Digest::of(b"hunter2"))));
}
