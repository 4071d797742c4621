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
    assert_eq!(duration("90s"), Some(Duration::from_secs(90)));
    assert_eq!(duration("0"), Some(Duration::ZERO));
    for bad in ["5", "90", "7 ", "", "d", "7x", "-1d", "99999999999999999999d", "18446744073709551615w"] {
        assert_eq!(duration(bad), None, "{bad}");
    }
}

#[test]
fn switches() {
    assert_eq!(switch("1"), Some(true));
    assert_eq!(switch("Off"), Some(false));
    assert_eq!(switch("maybe"), None);
}

#[test]
fn what_is_shown_reads_the_same() {
    for bytes in [0, 1, 999, 1024, 1500, 10 << 30, 1_500_000, 3 << 40] {
        assert_eq!(size(&show_size(bytes)), Some(bytes));
    }
    assert_eq!(show_size(10 << 30), "10GiB");
    for seconds in [0, 1, 90, 3600, 7 * 86400] {
        assert_eq!(
            duration(&show_duration(Duration::from_secs(seconds))),
            Some(Duration::from_secs(seconds))
        );
    }
    assert_eq!(show_duration(Duration::from_secs(7 * 86400)), "7d");
}

#[test]
fn logs() {
    let to = |text: &str| log_to(OsStr::new(text)).map(|log| (log.level, log.path.display().to_string()));
    assert_eq!(to("/l"), Some((LogLevel::Info, "/l".into())));
    assert_eq!(to("debug:/l"), Some((LogLevel::Debug, "/l".into())));
    for bad in ["", "l", "debug:", "debug:l", "loud:/l"] {
        assert_eq!(to(bad), None, "{bad}");
    }
}
