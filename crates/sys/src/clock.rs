//! The clocks. Time stamps of files come from the kernel's coarse clock, which runs up to one tick behind these.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What files are stamped by.
#[cfg(target_os = "linux")]
const STAMPS: ClockId = ClockId::RealtimeCoarse;
#[cfg(not(target_os = "linux"))]
const STAMPS: ClockId = ClockId::Realtime;

/// What goes on while the machine is asleep (on macOS the monotonic clock does).
#[cfg(target_os = "linux")]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const STEADY: ClockId = ClockId::Monotonic;

fn read(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Nanoseconds since the epoch, precisely. A file changed before this was read has a `ctime` not after it.
pub fn realtime_ns() -> i64 {
    read(ClockId::Realtime)
}

/// Nanoseconds since the epoch as the kernel stamps files with (never ahead of a stamp made later).
pub fn file_time_ns() -> i64 {
    read(STAMPS)
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
    /// Now.
    pub fn now() -> Moment {
        Moment { monotonic_ns: read(STEADY), realtime_ns: realtime_ns() }
    }

    /// What the wall clock showed then, in nanoseconds since the epoch.
    pub fn realtime_ns(&self) -> i64 {
        self.realtime_ns
    }

    /// The time since then.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(u64::try_from(read(STEADY) - self.monotonic_ns).unwrap_or(0))
    }

    /// Whether the wall clock was set since then: it and the steady clock disagree by more than 20 ms plus 0.1 %
    /// (an adjusted clock may run up to 500 ppm fast or slow).
    pub fn clock_jumped(&self) -> bool {
        let steady = read(STEADY) - self.monotonic_ns;
        let wall = realtime_ns() - self.realtime_ns;
        (wall - steady).abs() > 20_000_000 + steady.abs() / 1000
    }
}
