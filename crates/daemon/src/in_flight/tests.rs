use super::*;

const ASK: Ask = Ask::Result(ActionKey::of_name([1; 32]));

#[test]
fn one_flight_and_a_memory_of_what_is_not_there() {
    let in_flight = InFlight::default();
    assert_eq!(in_flight.claim(ASK), Claim::Ours);
    assert_eq!(in_flight.claim(ASK), Claim::InFlight);
    in_flight.end(ASK, End::Absent);
    assert_eq!(in_flight.claim(ASK), Claim::InVain);
    in_flight.forget(ASK);
    assert_eq!(in_flight.claim(ASK), Claim::Ours);
    in_flight.end(ASK, End::Here);
    assert_eq!(in_flight.claim(ASK), Claim::Ours, "it may have been evicted since");
}

#[test]
fn there_is_no_swarm() {
    let in_flight = InFlight::default();
    let begun =
        (0..=255).filter(|n| in_flight.claim(Ask::Result(ActionKey::of_name([*n; 32]))) == Claim::Ours);
    assert_eq!(begun.count(), MOST);
}

#[test]
fn a_memory_has_an_end() {
    let in_flight = InFlight::default();
    let ask = |n: u32| {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_le_bytes());
        Ask::Result(ActionKey::of_name(key))
    };
    for n in 0..60_000 {
        assert_eq!(in_flight.claim(ask(n)), Claim::Ours);
        in_flight.end(ask(n), if n % 2 == 0 { End::Absent } else { End::Here });
        assert!(in_flight.states().of.len() <= REMEMBERED);
    }
    assert_eq!(in_flight.states().under_way, 0);
}
