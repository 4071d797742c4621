//! A lock between processes that dies with its holder.

use super::{FileError, Open, call, with_parent};
use crate::clock::Moment;
use crate::system::files::{self as system, Errno, Handle};
use crate::system::lock;
use std::path::Path;
use std::time::Duration;

/// An exclusive lock on a file; let go when dropped. The file stays.
#[derive(Debug)]
pub struct Lock(Handle);

impl Drop for Lock {
    fn drop(&mut self) {
        lock::unlock(&self.0);
    }
}

impl Lock {
    /// Takes the lock if it is free; `None` if somebody else has it. Never waits.
    pub fn try_exclusive(path: &Path) -> Result<Option<Lock>, FileError> {
        let file = open(path)?;
        let locked = call("lock", path, || lock::try_lock(&file))?;
        Ok(locked.then_some(Lock(file)))
    }

    /// Takes the lock, waiting a little for whoever has it: who has it for longer may be stopped, and nobody knows for how long.
    pub fn exclusive(path: &Path) -> Result<Lock, FileError> {
        const LONGEST: Duration = Duration::from_secs(2);
        let since = Moment::now();
        loop {
            match Lock::try_exclusive(path)? {
                Some(lock) => return Ok(lock),
                None if since.elapsed() > LONGEST => {
                    return Err(FileError::new("lock", path, Errno::AGAIN));
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

/// An exclusive lock on one of 2^39 places in a file, which is made once and stays empty. Belongs to the open file, like
/// `flock`; let go when dropped.
#[derive(Debug)]
pub struct PlaceLock(#[expect(dead_code, reason = "closing it lets the lock go")] Handle);

/// What came of asking for a place.
#[derive(Debug)]
pub enum PlaceClaim {
    /// It is ours.
    Taken(PlaceLock),
    /// Somebody else has it: the process, as far as that is known.
    Held(Option<u32>),
}

/// A place is as many bytes as there can be processes, and whoever has it locks one more than the number of its process: the system
/// tells others how long a lock is, and says of no such lock who has it.
const PLACE_BITS: u32 = 23;

impl PlaceLock {
    /// Takes the lock on `place` if it is free. Never waits.
    pub fn try_exclusive(path: &Path, place: u64) -> Result<PlaceClaim, FileError> {
        let file = open(path)?;
        let own = std::process::id() & ((1 << PLACE_BITS) - 1);
        let start = place >> (PLACE_BITS + 2) << PLACE_BITS;
        let length = u64::from(own) + 1;
        if call("lock", path, || lock::try_lock_bytes(&file, start, length))? {
            return Ok(PlaceClaim::Taken(PlaceLock(file)));
        }
        let held = lock::held_bytes(&file, start, length).filter(|(first, _)| *first == start);
        let holder = held.and_then(|(_, length)| u32::try_from(length.checked_sub(1)?).ok());
        Ok(PlaceClaim::Held(holder.filter(|holder| *holder > 0)))
    }
}

fn open(path: &Path) -> Result<Handle, FileError> {
    with_parent(path, || call("open", path, || system::open(path, Open::Update(0o666))))
}
