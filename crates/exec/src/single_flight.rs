//! One compile of the same thing at a time on this machine: a file lock that dies with its holder.

use kiln_sys::clock::Moment;
use kiln_sys::files::{self, Lock};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The right to compile something, until it is dropped.
pub struct Flight(Option<(Lock, PathBuf)>);

impl Drop for Flight {
    fn drop(&mut self) {
        // Removed before it is unlocked. Whoever waits for the removed file gets it next and finds the result; whoever
        // comes later makes a new one and finds it, too.
        if let Some((_lock, path)) = self.0.take() {
            let _ = files::remove(&path);
        }
    }
}

/// What came of asking for the right.
pub enum Entered {
    /// Nobody else is at it.
    Alone(Flight),
    /// Somebody else was, and is done (or took longer than the unit is known to take): look again, then compile.
    Waited(Flight),
}

/// Asks for the right to compile what `lock` stands for, and waits at most `longest` for whoever has it. Never fails:
/// without a lock everybody compiles for themselves, which is merely work done twice.
pub fn enter(lock: &Path, longest: Duration) -> Entered {
    match Lock::try_exclusive(lock) {
        Ok(Some(held)) => return Entered::Alone(Flight(Some((held, lock.to_owned())))),
        Ok(None) => {}
        Err(_) => return Entered::Alone(Flight(None)),
    }
    let since = Moment::now();
    let mut pause = Duration::from_millis(1);
    while since.elapsed() < longest {
        std::thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(10));
        match Lock::try_exclusive(lock) {
            Ok(Some(held)) => return Entered::Waited(Flight(Some((held, lock.to_owned())))),
            Ok(None) => {}
            Err(_) => break,
        }
    }
    Entered::Waited(Flight(None))
}
