//! Numbers, times and plurals as the commands write and read them.

use kiln_config::values;
use std::path::{Path, PathBuf};

/// Bytes, in the unit that suits.
pub fn bytes(bytes: u64) -> String {
    let scaled = |shift: u32| bytes as f64 / (1_u64 << shift) as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{:.1} KiB", scaled(10)),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", scaled(20)),
        _ => format!("{:.2} GiB", scaled(30)),
    }
}

/// A time span, in the unit that suits.
pub fn span(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{:.1} s", ms as f64 / 1000.0),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// How long ago that was, roughly.
pub fn ago(at_ms: u64, now_ms: u64) -> String {
    let minutes = now_ms.saturating_sub(at_ms) / 60_000;
    match minutes {
        0 => "just now".into(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}

/// `1 unit`, `2 units`.
pub fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A point in time, in milliseconds since the epoch: how long ago (`2h`, `3d`), or a date with or without a time of day
/// (`2026-11-20`, `2026-11-20T06:00`), in UTC.
pub fn moment(text: &str, now_ms: u64) -> Option<u64> {
    if let Some(span) = values::duration(text) {
        return Some(now_ms.saturating_sub(u64::try_from(span.as_millis()).ok()?));
    }
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let numbers = |text: &str, separator| -> Option<Vec<u64>> {
        text.split(separator).map(|part| part.parse().ok()).collect()
    };
    let [year, month @ 1..=12, day @ 1..=31] = numbers(date, '-')?[..] else { return None };
    let (hours, minutes, seconds) = match numbers(time.trim_end_matches('Z'), ':')?[..] {
        [hours @ 0..24, minutes @ 0..60] => (hours, minutes, 0),
        [hours @ 0..24, minutes @ 0..60, seconds @ 0..61] => (hours, minutes, seconds),
        _ => return None,
    };
    let day_number = days(year, month, day)?;
    Some((day_number * 86_400 + hours * 3600 + minutes * 60 + seconds) * 1000)
}

/// Days since 1970-01-01 (Howard Hinnant's `days_from_civil`).
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..10_000).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

/// A directory as it is written, absolute and without `.`, `..` and symbolic links.
pub fn directory(written: &Path, here: &Path) -> PathBuf {
    let path = here.join(written);
    kiln_sys::files::real_path(&path).ok().flatten().unwrap_or(path)
}

/// Whether a project is the directory or lies in it.
pub fn is_in(project: &str, directory: &Path) -> bool {
    !project.is_empty() && Path::new(project).starts_with(directory)
}

#[cfg(test)]
mod tests;
