//! One compile of the same thing at a time on this machine: a file lock that dies with its holder.

use kiln_sys::clock::Moment;
use kiln_sys::files::{Asked, PlaceLock};
use kiln_sys::process;
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

/// Who has the right and is stopped for so long is not waited for any more.
const STOPPED: Duration = Duration::from_millis(500);

/// Asks for the right to compile what `place` in the file of locks stands for, and waits at most `longest` for whoever has
/// it. Never fails: without a lock everybody compiles for themselves, which is merely work done twice.
pub fn enter(locks: &Path, place: u64, longest: Duration) -> Entered {
    let since = Moment::now();
    let (mut pause, mut waited, mut stopped) = (Duration::from_millis(1), false, None::<Moment>);
    loop {
        let holder = match PlaceLock::try_exclusive(locks, place) {
            Ok(Asked::Taken(held)) if waited => return Entered::Waited(Flight(Some(held))),
            Ok(Asked::Taken(held)) => return Entered::Alone(Flight(Some(held))),
            Ok(Asked::Held(holder)) => holder,
            Err(_) if waited => return Entered::Waited(Flight(None)),
            Err(_) => return Entered::Alone(Flight(None)),
        };
        stopped =
            holder.filter(|holder| process::is_stopped(*holder)).and(stopped.or_else(|| Some(Moment::now())));
        let in_vain = stopped.is_some_and(|stopped| stopped.elapsed() > STOPPED);
        if in_vain || since.elapsed() > longest {
            return Entered::Waited(Flight(None));
        }
        waited = true;
        std::thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(10));
    }
}
