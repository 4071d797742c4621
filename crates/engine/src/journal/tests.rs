use super::*;

#[test]
fn times_are_written_as_people_read_them() {
    assert_eq!(stamp(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(stamp(951_782_399_999), "2000-02-28T23:59:59.999Z");
    assert_eq!(stamp(951_782_400_000), "2000-02-29T00:00:00.000Z");
    assert_eq!(stamp(1_795_154_400_123), "2026-11-20T06:00:00.123Z");
}

#[test]
fn what_was_not_cached_is_worth_a_warning() {
    let mut event = Event::new(0, Outcome::Bypass, "a", "lib");
    event.reason = "asked".into();
    event.detail = "a macro asks for the time".into();
    event.took_us = 1500;
    assert_eq!(in_words(&event), "not cached a (lib): asked: a macro asks for the time; 1.5 ms");
    assert_eq!(level(&event), LogLevel::Warn);
    event.outcome = Outcome::Hit;
    assert_eq!(level(&event), LogLevel::Info);
}
