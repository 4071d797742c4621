use super::*;
use crate::{Hello, Resolve, Resolved, Wanted, Workspace};
use kiln_action::{ActionKey, SnapshotKey, WeakKey};

fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: "1.2.3".into(),
        urls: vec!["file:///a".into(), "redis://:pw@h".into()],
        namespaces: vec!["main".into()],
        variables: vec![("AWS_PROFILE".into(), "p".into())],
    }
}

#[test]
fn messages_come_back() {
    assert_eq!(Hello::decode(&hello().encode()).unwrap(), hello());
    let workspace = Workspace { exact: [4; 32], near: [5; 32] };
    assert_eq!(Workspace::decode(&workspace.encode()).unwrap(), workspace);
    let unit = Wanted::Unit {
        weak: WeakKey::of_name([1; 32]),
        seen: [8; 32],
        keys: vec![ActionKey::of_name([2; 32]), ActionKey::of_name([3; 32])],
        workspace: Some(workspace),
    };
    for wanted in [unit, Wanted::Snapshot(SnapshotKey::of(b"a build"))] {
        let resolve = Resolve { wanted, build: 7, cost_ms: 6, most_ms: 7 };
        assert_eq!(Resolve::decode(&resolve.encode()).unwrap(), resolve);
    }
    for flags in [(false, false), (true, false), (false, true), (true, true)] {
        let resolved = Resolved { found: flags.0, news: flags.1 };
        assert_eq!(Resolved::decode(&resolved.encode()).unwrap(), resolved);
    }
}

#[test]
fn a_hello_of_another_time_says_at_least_what_it_is() {
    let mut strange = hello().encode();
    strange[4] = 99;
    strange.truncate(4 + 4 + 4 + 5);
    let read = Hello::decode(&strange).unwrap();
    assert_eq!((read.protocol, read.version.as_str()), (99, "1.2.3"));
    assert!(Hello::decode(b"SSH-2.0").is_err());
}

#[test]
fn what_is_cut_short_is_nothing() {
    let wanted =
        Wanted::Unit { weak: WeakKey::of_name([1; 32]), seen: [0; 32], keys: vec![], workspace: None };
    let resolve = Resolve { wanted, build: 0, cost_ms: 0, most_ms: 0 };
    for bytes in [hello().encode(), resolve.encode()] {
        for at in 0..bytes.len() {
            assert!(Hello::decode(&bytes[..at]).is_err());
            assert!(Resolve::decode(&bytes[..at]).is_err());
        }
    }
}

#[test]
fn frames_come_back_and_huge_ones_are_refused() {
    let mut wire = Vec::new();
    send(&mut wire, tag::TEXT, b"words").unwrap();
    assert_eq!(receive(&mut wire.as_slice()).unwrap(), (tag::TEXT, b"words".to_vec()));
    assert!(receive(&mut u32::MAX.to_le_bytes().as_slice()).is_err());
    assert!(receive(&mut 0_u32.to_le_bytes().as_slice()).is_err());
}

/// Bodies shorter and longer than a frame, of which nobody holds more than a piece.
#[test]
fn long_messages_come_in_pieces() {
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, LONGEST as usize + 5] {
        let body: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let mut wire = Vec::new();
        send_long(&mut wire, tag::ANSWER, &mut body.as_slice()).unwrap();
        send(&mut wire, tag::TEXT, b"next").unwrap();
        let mut from = wire.as_slice();
        let mut incoming = Incoming::next(&mut from, length as u64).unwrap();
        assert_eq!(incoming.tag, tag::ANSWER);
        let (mut came, mut part) = (Vec::<u8>::new(), [0; 4096]);
        loop {
            let read = incoming.read(&mut part).unwrap();
            assert!(incoming.piece.len() <= PIECE);
            came.extend(&part[..read]);
            if read == 0 {
                break;
            }
        }
        assert!(came == body, "{length}");
        assert_eq!(receive(&mut from).unwrap(), (tag::TEXT, b"next".to_vec()));
        // In one piece; and half of it read before.
        let mut from = wire.as_slice();
        let mut incoming = Incoming::next(&mut from, u64::MAX).unwrap();
        let mut begins = vec![0; length / 2];
        incoming.read_exact(&mut begins).unwrap();
        assert!([begins, incoming.body().unwrap()].concat() == body, "{length}");
        // One byte too long, and cut short at the end.
        let too_long = |most: u64| Incoming::next(&mut wire.as_slice(), most).and_then(Incoming::body);
        assert!(length == 0 || too_long(length as u64 - 1).is_err());
        let cut = &wire[..wire.len() - 5 - b"next".len() - 1];
        assert!(Incoming::next(&mut &*cut, u64::MAX).and_then(Incoming::body).is_err(), "{length}");
    }
}

/// Whoever expects one frame does not take the first of several for all of it; and nothing comes for ever.
#[test]
fn pieces_that_do_not_fit_are_refused() {
    let sent = |frames: &[(u8, &[u8])]| {
        let mut wire = Vec::new();
        frames.iter().for_each(|(tag, body)| send(&mut wire, *tag, body).unwrap());
        wire
    };
    let whole = |wire: Vec<u8>| Incoming::next(&mut wire.as_slice(), 100).and_then(Incoming::body);
    let more = tag::ANSWER | MORE;
    assert_eq!(whole(sent(&[(more, b"a"), (more, b"b"), (tag::ANSWER, b"")])).unwrap(), b"ab");
    assert!(receive(&mut sent(&[(more, b"a"), (tag::ANSWER, b"b")]).as_slice()).is_err());
    assert!(whole(sent(&[(more, b"a"), (tag::TEXT, b"b")])).is_err(), "another message in between");
    assert!(whole(sent(&[(more, b""), (tag::ANSWER, b"b")])).is_err(), "a piece of nothing");
    assert!(whole(sent(&[(more, &[0; 60]), (tag::ANSWER, &[0; 60])])).is_err(), "more than may come");
    assert!(whole(sent(&[(more, b"a")])).is_err(), "cut short");
}

#[test]
fn credentials_do_not_make_another_store() {
    let with = |name: &str, value: &str| Hello { variables: vec![(name.into(), value.into())], ..hello() };
    assert_eq!(with("AWS_SESSION_TOKEN", "a").stores(), with("AWS_SESSION_TOKEN", "b").stores());
    assert_ne!(with("AWS_SESSION_TOKEN", "a").print(), with("AWS_SESSION_TOKEN", "b").print());
    assert_ne!(with("AWS_ENDPOINT_URL", "a").stores(), with("AWS_ENDPOINT_URL", "b").stores());
    assert_ne!(Hello { namespaces: vec!["x".into()], ..hello() }.stores(), hello().stores());
}

proptest::proptest! {
    /// Whatever comes over the socket: a message or none, and never a panic or more memory than a frame may have.
    #[test]
    fn any_bytes(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = (Hello::decode(&noise), Resolve::decode(&noise), Resolved::decode(&noise));
        let _ = receive(&mut noise.as_slice());
        let _ = Incoming::next(&mut noise.as_slice(), 100).and_then(Incoming::body);
        let mut greeting = hello().encode();
        let at = noise.len() % greeting.len();
        greeting[at] ^= noise.first().copied().unwrap_or(1);
        let _ = Hello::decode(&greeting);
    }
}
