//! One compile of the same thing at a time on this machine: a file lock that dies with its holder.

use kiln_sys::clock::Moment;
use kiln_sys::files::PlaceLock;
use std::path::Path;
use std::time::Duration;

/// The right to compile something, until it is dropped.
pub struct Flight(#[expect(dead_code, reason = "held for its lock, which ends with it")] Option<PlaceLock>);

/// What came of asking for the right.
pub enum Entered {
    /// Nobody else is at it.
    Alone(Flight),
    /// Somebody else was, and is done (or took longer than the unit is known to take): look again, then compile.
    Waited(Flight),
}

/// Asks for the right to compile what `place` in the file of locks stands for, and waits at most `longest` for whoever has
/// it. Never fails: without a lock everybody compiles for themselves, which is merely work done twice.
pub fn enter(locks: &Path, place: u64, longest: Duration) -> Entered {
    match PlaceLock::try_exclusive(locks, place) {
        Ok(Some(held)) => return Entered::Alone(Flight(Some(held))),
        Ok(None) => {}
        Err(_) => return Entered::Alone(Flight(None)),
    }
    let since = Moment::now();
    let mut pause = Duration::from_millis(1);
    while since.elapsed() < longest {
        std::thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(10));
        match PlaceLock::try_exclusive(locks, place) {
            Ok(Some(held)) => return Entered::Waited(Flight(Some(held))),
            Ok(None) => {}
            Err(_) => break,
        }
    }
    Entered::Waited(Flight(None))
}
