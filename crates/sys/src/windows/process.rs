//! Processes. There are no signals, no process becomes another, and none has two lives.

use crate::process::{Channel, Ended, Program, Side, hear};
use std::io::{self, IsTerminal, Read};
use std::os::windows::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::mpsc;

/// What is to be done to a program before it is started: nothing. (A name in its first argument that is not its file's cannot be set.)
pub fn prepare(_: &mut Command, _: &Program<'_>) {}

/// Runs the program, and ends as it does; returns only when it cannot be started.
pub fn become_program(command: &mut Command) -> io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// A console's interrupt goes to all of its processes.
pub fn end_with_this_process(_: &mut Command) {}

/// The same.
pub struct Interrupts;

impl Interrupts {
    /// Nothing is to be done.
    pub fn forwarded_to(_: &Child) -> Interrupts {
        Interrupts
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {}
}

/// How a program ended.
pub fn ended(status: ExitStatus) -> Ended {
    Ended::Code(status.code().unwrap_or(1))
}

/// Hands on what comes from either stream until both are closed: a thread reads each.
pub fn listen(out: ChildStdout, err: ChildStderr, heard: &mut dyn FnMut(Channel, &[u8])) -> io::Result<()> {
    let (give, take) = mpsc::channel::<(Channel, Vec<u8>)>();
    let (give_err, mut failed) = (give.clone(), Ok(()));
    let err = crate::thread::start(move || pass(err, Channel::Err, &give_err))?;
    let out = crate::thread::start(move || pass(out, Channel::Out, &give))?;
    for (channel, piece) in take {
        heard(channel, &piece);
    }
    for reader in [out, err] {
        let read = reader.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")));
        failed = failed.and(read);
    }
    failed
}

fn pass(mut from: impl Read, channel: Channel, to: &mpsc::Sender<(Channel, Vec<u8>)>) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut send = |channel, piece: &[u8]| drop(to.send((channel, piece.to_vec())));
    while hear(&mut from, channel, &mut buffer, &mut send)? {}
    Ok(())
}

/// What is to be done to a program that goes on without us.
pub fn detach(command: &mut Command) {
    const DETACHED: u32 = 0x8;
    const GROUP_OF_ITS_OWN: u32 = 0x200;
    command.creation_flags(DETACHED | GROUP_OF_ITS_OWN);
}

/// There is no other one: the caller waits.
pub fn go_on_behind() -> Side {
    Side::Behind
}

/// There is no other one, and nobody waits for so long.
pub fn leave_behind() -> Option<Side> {
    None
}

/// There is nobody behind.
pub fn leave_directory() {}

/// That cannot be told here.
pub fn wait_for_end(_: u32, _: impl Fn() -> bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// std gives no handle to what it starts but the standard ones.
pub fn close_inherited() {}

/// Nothing is to be done.
pub fn begin() {}

/// Nothing is to be done.
pub fn begin_late() {}

/// There are no such limits.
pub fn is_cramped() -> bool {
    false
}

/// Nor this one.
pub fn is_crowded() -> bool {
    false
}

/// Unsupported here.
pub fn give_input_back(_: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing is to be done.
pub fn share_memory() {}

/// Ends this process with the code that shells give for a signal.
pub fn end_by_signal(signal: i32) -> ! {
    std::process::exit(128 + signal)
}

/// Whether the caller of this process wants nothing to happen where nobody reads what it says: there is no signal that would.
pub fn ignores_closed_pipes() -> bool {
    true
}

/// Ends this process as one ends that says something which nobody reads.
pub fn end_by_closed_pipe() -> ! {
    std::process::exit(1)
}

/// Kills this process.
#[cfg(any(test, feature = "fault"))]
pub fn die() -> ! {
    std::process::abort()
}

/// Users have no numbers.
pub fn user() -> u32 {
    0
}

/// The process that started this one: that is not asked.
pub fn parent() -> u32 {
    0
}

/// The process group: there are none.
pub fn group() -> u32 {
    0
}

/// There is none.
pub fn umask() -> Option<u32> {
    None
}

/// There are none.
pub fn inherited_signals() -> Option<[u64; 2]> {
    None
}

/// Whether there is a console that this process could talk to somebody through.
pub fn has_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Is not done.
pub fn be_nice() {}

/// Is not asked.
pub fn terminal_width() -> Option<u16> {
    None
}
