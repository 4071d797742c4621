//! A terminal of the kernel's, with a program on it and somebody who types.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What ends the input, typed at the beginning of a line (Ctrl-D).
pub const END: &str = "\x04";

/// Which of a program's streams are the terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// All three.
    Everything,
    /// All but standard output, which is a pipe.
    AllButOutput,
    /// All but standard error, which is a pipe.
    AllButErrors,
}

/// A program that runs on a terminal.
pub struct Session {
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    pub child: Child,
}

impl Session {
    /// Starts it on a terminal with so many columns.
    pub fn start(mut command: Command, columns: u16, on: On) -> Session {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(master.as_fd(), size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let terminal =
            OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.to_bytes())).unwrap();
        let stream = |is_terminal: bool| match is_terminal {
            true => Stdio::from(terminal.try_clone().unwrap()),
            false => Stdio::piped(),
        };
        command.stdin(stream(true));
        command.stdout(stream(on != On::AllButOutput)).stderr(stream(on != On::AllButErrors));
        let child = command.spawn().unwrap();
        drop(command); // it holds the terminal open
        drop(terminal);
        let mut output = File::from(master);
        let keyboard = output.try_clone().unwrap();
        let screen = Arc::<Mutex<Vec<u8>>>::default();
        let seen = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Where nobody has the terminal open any more, reading is an error.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                seen.lock().unwrap().extend(&buffer[..count]);
            }
        });
        Session { keyboard, screen, reader, child }
    }

    /// What is on the screen so far, with everything that moved the cursor.
    pub fn seen(&self) -> String {
        String::from_utf8(self.screen.lock().unwrap().clone()).unwrap()
    }

    /// Waits until this is on the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let started = Instant::now();
        while !self.seen().contains(text) {
            assert!(started.elapsed() < Duration::from_secs(30), "no `{text}` in {:?}", self.seen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// How it ended, what was on the screen, and what went through a pipe.
    pub fn end(mut self) -> (ExitStatus, String, String) {
        let mut piped = String::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut piped).unwrap();
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut piped).unwrap();
        }
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let screen = self.screen.lock().unwrap().clone();
        (status, String::from_utf8(screen).unwrap().replace("\r\n", "\n"), piped)
    }
}
