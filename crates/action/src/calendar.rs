//! Days of the calendar, in UTC.

/// Year, month and day of a moment in milliseconds since the epoch (Howard Hinnant's `civil_from_days`).
pub fn date(at_ms: u64) -> (u64, u64, u64) {
    let shifted = at_ms / 86_400_000 + 719_468; // days since 0000-03-01
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_those_of_the_calendar() {
        let of = |seconds: u64| date(seconds * 1000);
        assert_eq!(of(0), (1970, 1, 1));
        assert_eq!(of(951_782_400), (2000, 2, 29));
        assert_eq!(of(951_868_800), (2000, 3, 1));
        assert_eq!(of(1_735_689_599), (2024, 12, 31));
        assert_eq!(of(1_735_689_600), (2025, 1, 1));
        assert_eq!(of(4_107_542_400), (2100, 3, 1));
        assert!(date(u64::MAX).0 > 9999);
    }
}
