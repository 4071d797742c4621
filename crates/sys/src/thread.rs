//! Threads that may fail to start: where a user's processes are limited, what they would do is done without them.

use crate::files::fault;
use std::io;
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

/// Starts a thread.
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
