//! How values are written: sizes, durations, switches, logs.

use kiln_action::os::OsStrExt;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes: a number with an optional unit (`B`, `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB`, `TiB`, or `K`, `M`, `G`,
/// `T` for the binary ones).
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let factor: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1000 * 1000,
        "gb" => 1000 * 1000 * 1000,
        "tb" => 1000 * 1000 * 1000 * 1000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return None,
    };
    let bytes = number * factor as f64;
    (bytes.is_finite() && bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// A duration: a number with a unit (`s`, `m` or `min`, `h`, `d`, `w`). Without one it would be anybody's guess which is meant, but for 0.
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "s" => 1,
        "" if number == 0 => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_secs)
}

/// The value of a switch: `1`, `true`, `yes`, `on`, and `0`, `false`, `no`, `off` or nothing; `None` for any other text.
pub fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" | "" => Some(false),
        _ => None,
    }
}

/// Bytes as [`size`] reads them: in the largest unit that divides them.
pub fn show_size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 8] = [
        (1 << 40, "TiB"),
        (1_000_000_000_000, "TB"),
        (1 << 30, "GiB"),
        (1_000_000_000, "GB"),
        (1 << 20, "MiB"),
        (1_000_000, "MB"),
        (1 << 10, "KiB"),
        (1000, "kB"),
    ];
    let unit = UNITS.iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(unit, name)| format!("{}{name}", bytes / unit))
}

/// A duration as [`duration`] reads it: in the largest unit up to days that divides it.
pub fn show_duration(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(24 * 3600, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let seconds = time.as_secs();
    let unit = UNITS.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| "0".to_owned(), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// How much a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What was not cached, and errors.
    Warn,
    /// Every compile, in one line.
    Info,
    /// Keys and phases, too.
    Debug,
}

impl LogLevel {
    const ALL: [LogLevel; 3] = [LogLevel::Warn, LogLevel::Info, LogLevel::Debug];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        }
    }
}

/// A log: where, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTo {
    /// How much is written to the log.
    pub level: LogLevel,
    /// The log's file, absolute.
    pub path: PathBuf,
}

/// A log: an absolute path, with a level and a colon in front if it is not [`LogLevel::Info`].
pub fn log_to(text: &OsStr) -> Option<LogTo> {
    let bytes = text.as_bytes();
    let named = LogLevel::ALL.iter().find_map(|level| {
        let rest = bytes.strip_prefix(level.name().as_bytes())?.strip_prefix(b":")?;
        Some((*level, rest))
    });
    let (level, path) = named.unwrap_or((LogLevel::Info, bytes));
    let path = Path::new(OsStr::from_bytes(path));
    path.is_absolute().then(|| LogTo { level, path: path.to_owned() })
}

#[cfg(test)]
mod tests;
