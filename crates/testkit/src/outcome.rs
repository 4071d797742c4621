//! What a finished process left: its status and its two streams, with the assertions tests make on them.

use std::fmt::{Display, Formatter};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// No tiny project needs this long: beyond it something waits for ever (a lock, a daemon that keeps our pipe).
const PATIENCE: Duration = Duration::from_secs(180);

/// A finished process.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Standard output, bytes as they came.
    pub stdout: Vec<u8>,
    /// Standard error, bytes as they came.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Whether it ended with exit code 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The signal that ended it, if one did.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Panics unless it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.success(), "must succeed:\n{self}");
        self
    }

    /// Panics unless it failed, and printed `message` on stderr.
    #[track_caller]
    pub fn fails_with(self, message: &str) -> Self {
        assert!(!self.success(), "must fail:\n{self}");
        assert!(self.err().contains(message), "must say {message:?}:\n{self}");
        self
    }

    /// Diagnostics on stderr (from `warning`/`error` to the next empty line), sorted, without cargo's own
    /// progress lines and counts: what a user learns from a build, whatever order its jobs ended in.
    pub fn diagnostics(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut inside = false;
        for line in self.err().lines() {
            let plain = strip_colours(line);
            // Which of two units with the same warning counts as the duplicate is cargo's race.
            let counts = plain.starts_with("warning: `") && plain.contains(" generated ");
            let starts = !counts && (plain.starts_with("warning") || plain.starts_with("error"));
            inside = starts || inside && continues_diagnostic(&plain);
            if starts {
                found.push(line.to_owned());
            } else if let (true, Some(last)) = (inside, found.last_mut()) {
                last.push('\n');
                last.push_str(line);
            }
        }
        found.sort();
        found
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n--- stdout\n{}--- stderr\n{}", self.status, self.out(), self.err())
    }
}

/// Source lines, notes and help: not the progress lines that cargo prints between diagnostics.
fn continues_diagnostic(line: &str) -> bool {
    let text = line.trim_start();
    let marks = ["|", "=", "-->", ":::", "...", "help:", "note:"];
    marks.iter().any(|mark| text.starts_with(mark)) || text.starts_with(|first: char| first.is_ascii_digit())
}

fn strip_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, tail)| tail);
    }
    plain + rest
}

/// Runs to the end with an empty stdin. Whoever hangs is killed with its whole process group, and the test fails.
#[track_caller]
pub fn run(command: &mut Command) -> Outcome {
    run_with_input(command, b"")
}

/// As [`run`], with these bytes on stdin.
#[track_caller]
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let shown = format!("{command:?}");
    if shown.contains("cargo") {
        std::thread::sleep(TICK);
    }
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{shown}: {e}"));
    let group = child.id();
    let mut stdin = child.stdin.take().expect("piped");
    // A program that does not read its input closes the pipe: that is its right.
    let _ = stdin.write_all(input);
    drop(stdin);
    let outcome = wait(child, &shown, group);
    let cache = command.get_envs().find(|(name, _)| *name == "KILN_DIR").and_then(|(_, value)| value);
    if let Some(cache) = cache {
        settle(Path::new(cache));
    }
    outcome
}

/// The kernel counts in ticks when a process was started, and what changed in the same one may have changed since: a test that has just written a
/// manifest waits as nobody else has to.
const TICK: Duration = Duration::from_millis(11);

/// Waits until nobody takes a snapshot of a build that has ended.
fn settle(cache: &Path) {
    let sessions = cache.join("sessions");
    let is_under_way = || {
        let entries = std::fs::read_dir(&sessions).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().as_encoded_bytes().starts_with(b"of-"))
    };
    for _ in 0..500 {
        if !is_under_way() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn wait(child: Child, shown: &str, group: u32) -> Outcome {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(output) => {
            let output = output.expect("waiting for a child");
            Outcome { status: output.status, stdout: output.stdout, stderr: output.stderr }
        }
        Err(_) => {
            kill_group(group);
            panic!("still running, or somebody still holds its output, after {PATIENCE:?}: {shown}")
        }
    }
}

/// Kills a process group at once, as an impatient user does.
pub fn kill_group(group: u32) {
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).output();
}

#[cfg(test)]
mod tests;
