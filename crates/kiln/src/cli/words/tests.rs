use super::*;

#[test]
fn numbers_have_the_unit_that_suits() {
    assert_eq!(bytes(1023), "1023 B");
    assert_eq!(bytes(5 << 20), "5.0 MiB");
    assert_eq!(bytes(10 << 30), "10.00 GiB");
    assert_eq!(span(1540), "1.5 s");
    assert_eq!(span(125_000), "2 min 5 s");
    assert_eq!(span(7_260_000), "2 h 1 min");
    assert_eq!((count(1, "unit"), count(0, "unit")), ("1 unit".into(), "0 units".into()));
    assert_eq!(ago(0, 59_000), "just now");
    assert_eq!(ago(0, 5 * 3_600_000), "5 h ago");
    assert_eq!(ago(10, 0), "just now", "the clock was set back");
}

#[test]
fn moments_are_spans_or_dates() {
    let now = 1_800_000_000_000;
    assert_eq!(moment("2h", now), Some(now - 7_200_000));
    assert_eq!(moment("1970-01-02", now), Some(86_400_000));
    assert_eq!(moment("2000-02-29T12:30", now), Some(951_827_400_000));
    assert_eq!(moment("2026-11-20 06:00:01Z", now), Some(1_795_154_401_000));
    for odd in ["", "yesterday", "2026-13-01", "2026-11", "2026-11-20T25:00", "1969-01-01"] {
        assert_eq!(moment(odd, now), None, "{odd}");
    }
}
