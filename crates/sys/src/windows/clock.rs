//! The clocks, in nanoseconds.

use super::files::nanoseconds;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

#[repr(C)]
#[derive(Default)]
struct FileTime {
    low: u32,
    high: u32,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetSystemTimeAsFileTime(time: *mut FileTime);
}

/// Since the epoch, precisely.
pub fn realtime() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Since the epoch, as files are stamped: by the clock that moves up to 16 ms at once.
pub fn stamps() -> i64 {
    let mut time = FileTime::default();
    // SAFETY: it writes one such structure, which is ours.
    unsafe { GetSystemTimeAsFileTime(&raw mut time) };
    nanoseconds(i64::from(time.high) << 32 | i64::from(time.low))
}

/// Since some point in time, by a clock that nobody sets.
pub fn steady() -> i64 {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    i64::try_from(BEGINNING.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(i64::MAX)
}
