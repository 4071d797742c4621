//! Threads that may fail to start: where a user's processes are limited, what they would do is done without them.

use crate::fault;
use std::io;
use std::thread::{Builder, Scope};

pub use std::thread::{JoinHandle, ScopedJoinHandle, scope};

/// Starts a thread; an error where the system has no more of them.
pub fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    fault::pass()?;
    Builder::new().spawn(work)
}

/// Starts a thread that ends with its scope.
pub fn start_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    fault::pass()?;
    Builder::new().spawn_scoped(scope, work)
}

/// Does the same work in so many threads at once, or in as many as can be had, and waits for them; without any it is done in this one.
pub fn side_by_side(most: usize, work: impl Fn() + Sync) {
    scope(|scope| {
        let started = (0..most).take_while(|_| start_scoped(scope, &work).is_ok()).count();
        if started == 0 && most > 0 {
            work();
        }
    });
}

#[cfg(test)]
mod tests;
