//! Exit codes, in one place for both programs. Where the wrapper can run the compiler, its code is the compiler's.
#![allow(dead_code, reason = "each program uses its part")]

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

/// What `--help` says about them, after some examples.
pub const HELP: &str = "\
Examples:
  kiln cargo build             one build through kiln, with nothing set up
  kiln setup && cargo build    every build through kiln
  kiln doctor                  is everything as it should be?
  KILN_OFF=1 cargo build       one build without kiln

Exit codes:
  0    it worked; a check found nothing wrong
  1    it did not work, or a check found something wrong
  2    the command line is not understood
  126  a program is there and cannot be run
  127  a program is not there
  `kiln cargo` ends as cargo does, the wrapper as the compiler does.";
