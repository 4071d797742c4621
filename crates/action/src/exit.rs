//! Exit codes, in one place for all programs. Where the wrapper can run the compiler, its code is the compiler's.

/// It worked; a check found nothing wrong.
pub const FINE: i32 = 0;
/// It did not work, or a check found something wrong.
pub const WRONG: i32 = 1;

/// The command line is not understood.
pub const MISUNDERSTOOD: i32 = 2;

/// A program is there and cannot be run (as shells have it).
pub const CANNOT_RUN: i32 = 126;
/// A program is not there (as shells have it).
pub const NOT_THERE: i32 = 127;
