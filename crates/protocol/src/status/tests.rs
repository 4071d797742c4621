use super::*;
use std::fmt::Debug;

fn health(n: u64) -> Health {
    Health {
        answered: n,
        bytes_in: n * 1000,
        latency_ms: n as f64 / 8.0,
        given_up: n == 1,
        last_fault: format!("fault {n}"),
        last_fault_ms: n,
        ..Health::default()
    }
}

fn store() -> StoreStatus {
    StoreStatus { url: "file:///a".into(), writable: true, health: health(7) }
}

/// It comes back whole; and cut short it is nothing.
#[track_caller]
fn comes_back<T: Message + PartialEq + Debug>(value: &T) {
    let bytes = value.encode();
    assert_eq!(T::decode(&bytes).as_ref(), Ok(value));
    for end in 0..bytes.len() {
        assert!(T::decode(&bytes[..end]).is_err(), "{value:?}");
    }
    assert!(T::decode(&[&bytes[..], b"x"].concat()).is_err());
}

#[test]
fn answers_come_back() {
    comes_back(&Status {
        version: "1.2.3".into(),
        protocol: 4,
        process: 99,
        up_ms: 5,
        queue: 2,
        complaints: vec!["a".into(), String::new()],
        stores: vec![store(), StoreStatus { writable: false, ..store() }],
    });
    comes_back(&Waited { left: 3, done: false });
    comes_back(&Prefetched { segments: 1, fetched_segments: 2, results: 3, bytes: 4 });
    comes_back(&Pushed { results: 1, stayed: 3, failed: 2 });
    let swept = Swept { objects: 1, bytes: 2, damaged: 3, removed: 4, removed_bytes: 5 };
    comes_back(&vec![
        Maintained { url: "a".into(), outcome: Ok(swept) },
        Maintained { url: "b".into(), outcome: Err("it is away".into()) },
    ]);
    let tried = |outcome| TriedStore { url: "a".into(), writable: false, outcome };
    comes_back(&Tried { complaints: Vec::new(), stores: vec![tried(Ok(1.5)), tried(Err("no".into()))] });
    for chore in [Chore::Verify, Chore::Collect { older_than_s: u64::MAX }, Chore::Clear] {
        comes_back(&chore);
    }
}

#[test]
fn counters_add_up_and_what_is_no_count_is_the_latest() {
    let sum = health(1).and(&health(2));
    assert_eq!((sum.answered, sum.bytes_in, sum.latency_ms), (3, 3000, 0.25));
    assert_eq!((sum.given_up, sum.last_fault.as_str(), sum.last_fault_ms), (false, "fault 2", 2));
    assert_eq!(health(1).and(&Health { answered: u64::MAX, ..Health::default() }).answered, u64::MAX);
    let file = encode_counters(&vec![store()]);
    assert_eq!(decode_counters(&file), Ok(vec![store()]));
    assert!(decode_counters(b"{\"stores\":{}}").is_err());
}

proptest::proptest! {
    /// Whatever comes over the socket: an answer or none.
    #[test]
    fn any_bytes(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = (Status::decode(&noise), Tried::decode(&noise), Chore::decode(&noise));
        let _ = Vec::<Maintained>::decode(&noise);
        let _ = decode_counters(&noise);
    }
}
