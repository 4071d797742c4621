//! Locks and threads, as everything here uses them: a thread that fell leaves what it held to the others.

use kiln_sys::thread;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a mutex guards.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a thread; whether there was room for one.
pub fn begin(work: impl FnOnce() + Send + 'static) -> bool {
    thread::start(work).is_ok()
}
