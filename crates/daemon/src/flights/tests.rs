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
