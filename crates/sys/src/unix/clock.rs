//! The clocks, in nanoseconds.

use rustix::time::{ClockId, clock_gettime};

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

/// Since the epoch, precisely.
pub fn realtime() -> i64 {
    read(ClockId::Realtime)
}

/// Since the epoch, as files are stamped.
pub fn stamps() -> i64 {
    read(STAMPS)
}

/// Since some point in time, by a clock that nobody sets.
pub fn steady() -> i64 {
    read(STEADY)
}
