use super::*;

#[test]
fn sizes() {
    assert_eq!(size("10GiB"), Some(10 << 30));
    assert_eq!(size("1.5 MB"), Some(1_500_000));
    assert_eq!(size("0"), Some(0));
    assert_eq!(size("2G"), Some(2 << 30));
    for bad in ["", "G", "ten", "1 XB", "-1", "1e400GiB", "999999999999999999999TiB"] {
        assert_eq!(size(bad), None, "{bad}");
    }
}

#[test]
fn durations() {
    assert_eq!(duration("7d"), Some(Duration::from_secs(7 * 86400)));
    assert_eq!(duration("90"), Some(Duration::from_secs(90)));
    for bad in ["", "d", "7x", "-1d", "99999999999999999999d", "18446744073709551615w"] {
        assert_eq!(duration(bad), None, "{bad}");
    }
}

#[test]
fn switches() {
    assert_eq!(switch("1"), Some(true));
    assert_eq!(switch("Off"), Some(false));
    assert_eq!(switch("maybe"), None);
}
