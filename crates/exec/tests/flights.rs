//! Who waits for whom.
#![allow(clippy::disallowed_methods, reason = "a test")]

use kiln_exec::single_flight::{Entered, enter};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const EVER: Duration = Duration::from_secs(3600);

/// Has place 0 in the name of another process: a lock that is one longer than its number.
fn hold(file: &File, process: u32) {
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: i64::from(process) + 1,
        l_pid: 0,
    };
    // SAFETY: the file is open and the lock is a whole one, which is only read.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) }, 0);
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// A process that runs a line of the shell, which ends with the test.
struct Holder(Child);

impl Holder {
    fn of(line: &str) -> Holder {
        Holder(Command::new("setsid").args(["bash", "-c", line]).spawn().unwrap())
    }

    /// The first process below it, once there is one.
    fn below(&self) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", self.0.id());
        loop {
            let output = std::fs::read_to_string(&children).unwrap();
            if let Some(first) = output.split_whitespace().next() {
                return first.parse().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

/// A file of locks, the first place of which such a process has.
fn held(holder: &Holder) -> (tempfile::TempDir, PathBuf, File) {
    let directory = tempfile::tempdir().unwrap();
    let locks = directory.path().join("locks");
    assert!(matches!(enter(&locks, 0, EVER), Entered::Alone(_)));
    let file = File::options().write(true).open(&locks).unwrap();
    hold(&file, holder.0.id());
    (directory, locks, file)
}

/// Somebody who waits for the first place.
fn waiting(locks: &Path) -> JoinHandle<()> {
    let locks = locks.to_owned();
    std::thread::spawn(move || assert!(matches!(enter(&locks, 0, EVER), Entered::Waited(_))))
}

/// It comes to an end, which an hour is not.
#[track_caller]
fn ends(waiting: JoinHandle<()>, what: &str) {
    let started = Instant::now();
    while !waiting.is_finished() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what} is waited for");
        std::thread::sleep(Duration::from_millis(20));
    }
    waiting.join().unwrap();
}

const BUSY: &str = "while :; do :; done";

#[test]
fn who_is_stopped_is_not_waited_for() {
    let holder = Holder::of(BUSY);
    let (_directory, locks, file) = held(&holder);
    assert!(matches!(enter(&locks, 1 << 40, EVER), Entered::Alone(_)), "another place");
    signal(holder.0.id(), "-STOP");
    ends(waiting(&locks), "who is stopped");
    // Who goes on is waited for as before, and what is let go is had.
    signal(holder.0.id(), "-CONT");
    let waiting = waiting(&locks);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!waiting.is_finished());
    drop(file);
    ends(waiting, "who has let go");
}

/// The compiler is stopped, and not who waits for it; and the other way round.
#[test]
fn whose_compiler_is_stopped_is_not_waited_for() {
    let holder = Holder::of(&format!("({BUSY}) & wait"));
    let (_directory, locks, _file) = held(&holder);
    let compiler = holder.below();
    let patient = waiting(&locks);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!patient.is_finished(), "its compiler is at it");
    signal(compiler, "-STOP");
    ends(patient, "whose compiler is stopped");
    signal(compiler, "-CONT");
    signal(holder.0.id(), "-STOP");
    ends(waiting(&locks), "who is stopped while its compiler is at it");
}

/// Whatever it is that it hangs on.
#[test]
fn who_does_nothing_is_not_waited_for() {
    let holder = Holder::of("sleep 1000");
    let (_directory, locks, _file) = held(&holder);
    ends(waiting(&locks), "who does nothing");
}
