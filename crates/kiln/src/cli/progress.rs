//! Saying on a terminal that a command is at work and how far it is, once that takes longer than a second.

use kiln_sys::clock::Moment;
use kiln_sys::process::{self, Channel};
use kiln_sys::thread::JoinHandle;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A shorter wait is not shown.
const QUIET: Duration = Duration::from_secs(1);
/// How often the line is written anew.
const TICK: Duration = Duration::from_millis(250);

/// A line that is there while this lives, and gone without a trace after.
pub struct Progress {
    shared: Arc<Shared>,
    teller: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// How far it is, if it says so.
    far: Option<String>,
    ended: bool,
}

impl Progress {
    /// Begins to wait for a second, if there is somebody to tell.
    pub fn start(what: &'static str, wanted: bool) -> Progress {
        let shared = Arc::new(Shared::default());
        let to_tell = wanted.then(|| Arc::clone(&shared));
        let teller = to_tell.and_then(|shared| kiln_sys::thread::start(move || shared.tell(what)).ok());
        Progress { shared, teller }
    }

    /// It is this far now.
    pub fn reached(&self, far: impl FnOnce() -> String) {
        if self.teller.is_some() {
            self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).far = Some(far());
        }
    }
}

impl Shared {
    fn tell(&self, what: &str) {
        let started = Moment::now();
        let mut reported = String::new();
        let mut wait = QUIET;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.ended {
            (state, _) = self.ended.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            if state.ended || started.elapsed() < QUIET {
                continue; // the end, or a wait that was cut short
            }
            let far = state.far.clone().unwrap_or_else(|| format!("{} s", started.elapsed().as_secs()));
            let line = format!("\r\x1b[K{what}: {far}");
            if line != reported {
                process::say(Channel::Err, line.as_bytes());
                reported = line;
            }
            wait = TICK;
        }
        if !reported.is_empty() {
            process::say(Channel::Err, b"\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.ended.notify_all();
        if let Some(teller) = self.teller.take() {
            let _ = teller.join(); // it ends at once, and the line with it
        }
    }
}
