//! The clocks. Time stamps of files come from the kernel's coarse clock, which runs up to one tick behind these.

use crate::system::clock;
use std::time::Duration;

/// Nanoseconds since the epoch, precisely. A file changed before this was read has a `ctime` not after it.
pub fn realtime_ns() -> i64 {
    clock::realtime()
}

/// Nanoseconds since the epoch as the kernel stamps files with (never ahead of a stamp made later).
pub fn file_time_ns() -> i64 {
    clock::stamps()
}

/// Nanoseconds since the machine was started, asleep or not.
pub fn since_start_ns() -> i64 {
    clock::steady()
}

/// Milliseconds since the epoch.
pub fn now_ms() -> u64 {
    u64::try_from(realtime_ns() / 1_000_000).unwrap_or(0)
}

/// A point in time that never jumps.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    monotonic_ns: i64,
    realtime_ns: i64,
}

impl Moment {
    /// The present moment, by the monotonic and by the real-time clock.
    pub fn now() -> Moment {
        Moment { monotonic_ns: clock::steady(), realtime_ns: realtime_ns() }
    }

    /// What the wall clock showed then, in nanoseconds since the epoch.
    pub fn realtime_ns(&self) -> i64 {
        self.realtime_ns
    }

    /// The time since then.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(u64::try_from(clock::steady() - self.monotonic_ns).unwrap_or(0))
    }

    /// Whether the wall clock was set since then: it and the steady clock disagree by more than 20 ms plus 0.1 %
    /// (an adjusted clock may run up to 500 ppm fast or slow).
    pub fn clock_jumped(&self) -> bool {
        let steady = clock::steady() - self.monotonic_ns;
        let wall = realtime_ns() - self.realtime_ns;
        (wall - steady).abs() > 20_000_000 + steady.abs() / 1000
    }
}
