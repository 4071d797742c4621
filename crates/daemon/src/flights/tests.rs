use super::*;

const ASK: Ask = Ask::Result(ActionKey([1; 32]));

#[test]
fn one_flight_and_a_memory_of_what_is_not_there() {
    let flights = Flights::default();
    assert_eq!(flights.begin(ASK), Begun::Yes);
    assert_eq!(flights.begin(ASK), Begun::UnderWay);
    flights.end(ASK, End::Absent);
    assert_eq!(flights.begin(ASK), Begun::No);
    flights.forget(ASK);
    assert_eq!(flights.begin(ASK), Begun::Yes);
    flights.end(ASK, End::Landed);
    assert_eq!(flights.begin(ASK), Begun::Yes, "it may have been evicted since");
}

#[test]
fn there_is_no_swarm() {
    let flights = Flights::default();
    let begun = (0..=255).filter(|n| flights.begin(Ask::Result(ActionKey([*n; 32]))) == Begun::Yes);
    assert_eq!(begun.count(), MOST);
}

#[test]
fn a_memory_has_an_end() {
    let flights = Flights::default();
    let ask = |n: u32| {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_le_bytes());
        Ask::Result(ActionKey(key))
    };
    for n in 0..60_000 {
        assert_eq!(flights.begin(ask(n)), Begun::Yes);
        flights.end(ask(n), if n % 2 == 0 { End::Absent } else { End::Landed });
        assert!(flights.states().of.len() <= REMEMBERED);
    }
    assert_eq!(flights.states().under_way, 0);
}
