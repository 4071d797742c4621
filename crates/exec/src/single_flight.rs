//! One compile of the same thing at a time on this machine: a file lock that dies with its holder.

use kiln_sys::clock::Moment;
use kiln_sys::files::{PlaceClaim, PlaceLock};
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

/// Who has the right is not waited for any more when nothing has been done for so long by it and all that it runs: it is stopped (or one of
/// them is), frozen, or hangs on a disk that is gone.
const STILL: Duration = Duration::from_secs(1);
/// So often that is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Who has the right, watched.
struct Watched {
    holder: u32,
    done: Option<u64>,
    /// When it was last seen to do something.
    moved: Moment,
    looked: Moment,
}

impl Watched {
    fn new(holder: u32) -> Watched {
        let now = Moment::now();
        Watched { holder, done: process::work_of(holder).map(|work| work.done), moved: now, looked: now }
    }

    /// Whether nothing comes of waiting for it. Where its work is not known, all that counts is whether it is stopped itself.
    fn is_still(&mut self) -> bool {
        if self.looked.elapsed() >= LOOK {
            self.looked = Moment::now();
            let work = process::work_of(self.holder);
            let done = work.map(|work| work.done);
            let moves = work.is_none_or(|work| work.runs) || done != self.done;
            if moves && !process::is_stopped(self.holder) {
                self.moved = self.looked;
            }
            self.done = done;
        }
        self.moved.elapsed() > STILL
    }
}

/// Asks for the right to compile what `place` in the file of locks stands for, and waits at most `longest` for whoever has
/// it, and as long as that one does anything. Never fails: without a lock everybody compiles for themselves, which is merely work done twice.
pub fn enter(locks: &Path, place: u64, longest: Duration) -> Entered {
    let since = Moment::now();
    let (mut pause, mut waited, mut watched) = (Duration::from_millis(1), false, None::<Watched>);
    loop {
        let holder = match PlaceLock::try_exclusive(locks, place) {
            Ok(PlaceClaim::Taken(held)) if waited => return Entered::Waited(Flight(Some(held))),
            Ok(PlaceClaim::Taken(held)) => return Entered::Alone(Flight(Some(held))),
            Ok(PlaceClaim::Held(holder)) => holder,
            Err(_) if waited => return Entered::Waited(Flight(None)),
            Err(_) => return Entered::Alone(Flight(None)),
        };
        let same = watched.take().filter(|watched| Some(watched.holder) == holder);
        watched = same.or_else(|| holder.map(Watched::new));
        let in_vain = watched.as_mut().is_some_and(Watched::is_still);
        if in_vain || since.elapsed() > longest {
            return Entered::Waited(Flight(None));
        }
        waited = true;
        process::pause(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(10));
    }
}
