//! Who waits for whom.
#![allow(clippy::disallowed_methods, reason = "a test")]

use kiln_exec::single_flight::{Entered, enter};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Child, Command};
use std::time::Duration;

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

fn signal(process: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &process.id().to_string()]).status().unwrap().success());
}

#[test]
fn who_is_stopped_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let locks = directory.path().join("locks");
    assert!(matches!(enter(&locks, 0, EVER), Entered::Alone(_)));
    let file = File::options().write(true).open(&locks).unwrap();
    let mut holder = Command::new("sleep").arg("1000").spawn().unwrap();
    hold(&file, holder.id());
    assert!(matches!(enter(&locks, 1 << 40, EVER), Entered::Alone(_)), "another place");
    signal(&holder, "-STOP");
    assert!(matches!(enter(&locks, 0, EVER), Entered::Waited(_)), "this would wait for an hour");
    // Who goes on is waited for as before, and what is let go is had.
    signal(&holder, "-CONT");
    let waiting = std::thread::spawn({
        let locks = locks.clone();
        move || matches!(enter(&locks, 0, EVER), Entered::Waited(_))
    });
    std::thread::sleep(Duration::from_millis(700));
    assert!(!waiting.is_finished());
    drop(file);
    assert!(waiting.join().unwrap());
    holder.kill().unwrap();
    holder.wait().unwrap();
}
