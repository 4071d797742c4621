//! Processes: become another program, run one and hear what it says as it says it, start one and forget it.

use crate::clock;
use crate::env::Environment;
use crate::system::process as system;
use kiln_action::os::OsStringExt;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

pub use crate::system::process::{
    be_nice, begin, begin_late, close_inherited, end_by_signal, give_input_back, go_on_behind, group,
    has_terminal, inherited_signals, is_cramped, is_crowded, leave_behind, leave_directory, parent,
    share_memory, terminal_width, umask,
};

/// A program to run. It inherits the environment, the directory and all descriptors (cargo's jobserver among them).
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Its file or name.
    pub program: &'a OsStr,
    /// What it is called in its first argument, where that is something else.
    pub called: Option<&'a OsStr>,
    /// The arguments behind the program's name.
    pub args: &'a [&'a OsStr],
    /// Variables to set on top of the inherited ones.
    pub set: &'a [(&'a OsStr, &'a OsStr)],
}

impl Program<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.args).envs(self.set.iter().copied());
        system::prepare(&mut command, self);
        command
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Becomes the program; returns only when that fails.
pub fn become_program(program: &Program<'_>) -> io::Error {
    system::become_program(&mut program.command())
}

/// Runs the program with standard input from `input` (inherited if `None`), and hands on every piece of its output at
/// once, in the order in which it arrives. Where this process is ended, by whatever signal, the program is ended too.
pub fn run(
    program: &Program<'_>,
    input: Option<&[u8]>,
    delivered: &mut dyn FnMut(Channel, &[u8]),
) -> io::Result<Ended> {
    let mut command = program.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    system::end_with_this_process(&mut command);
    let mut child = command.spawn()?;
    let interrupts = system::Interrupts::forwarded_to(&child);
    let feeder = input.and_then(|bytes| feed(&mut child, bytes.to_vec()));
    let listened = match (child.stdout.take(), child.stderr.take()) {
        (Some(out), Some(err)) => system::listen(out, err, delivered),
        _ => Ok(()),
    };
    let status = child.wait()?;
    drop(interrupts);
    if let Some(feeder) = feeder {
        let _ = feeder.join();
    }
    listened?;
    Ok(system::ended(status))
}

/// Writes the input from a thread of its own: the program may talk before it has read everything. Where no thread can be had it
/// is written first; compilers read all of it before they talk.
fn feed(child: &mut Child, bytes: Vec<u8>) -> Option<std::thread::JoinHandle<()>> {
    let mut pipe = child.stdin.take()?;
    let (give, take) = std::sync::mpsc::channel::<(ChildStdin, Vec<u8>)>();
    // a program that does not read it is its own affair
    let feeder = crate::thread::start(move || {
        if let Ok((mut pipe, bytes)) = take.recv() {
            let _ = pipe.write_all(&bytes);
        }
    });
    match feeder {
        Ok(feeder) => {
            let _ = give.send((pipe, bytes));
            Some(feeder)
        }
        Err(_) => {
            let _ = pipe.write_all(&bytes);
            None
        }
    }
}

/// Hands on what can be read at once; whether there may be more.
pub(crate) fn hear(
    from: &mut impl Read,
    channel: Channel,
    buffer: &mut [u8],
    delivered: &mut dyn FnMut(Channel, &[u8]),
) -> io::Result<bool> {
    match from.read(buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            delivered(channel, &buffer[..count]);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// Runs the program with everything inherited and waits for it.
pub fn run_inherited(program: &Program<'_>) -> io::Result<Ended> {
    program.command().status().map(system::ended)
}

/// The output of a program that was run for an answer.
#[derive(Debug)]
pub struct CapturedOutput {
    /// The exit code or the signal with which it ended.
    pub ended: Ended,
    /// All bytes of its standard output.
    pub out: Vec<u8>,
    /// All bytes of its standard error.
    pub err: Vec<u8>,
}

/// Runs the program with an empty standard input and collects its output.
pub fn ask(program: &Program<'_>) -> io::Result<CapturedOutput> {
    let output = program.command().stdin(Stdio::null()).output()?;
    Ok(CapturedOutput { ended: system::ended(output.status), out: output.stdout, err: output.stderr })
}

/// Starts the program in a session of its own, with nothing inherited but the environment, and does not wait for it. Where there may be few
/// processes there is none to spare.
pub fn start_detached(program: &OsStr, args: &[OsString]) -> io::Result<()> {
    if is_crowded() {
        return Err(io::ErrorKind::QuotaExceeded.into());
    }
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    system::detach(&mut command);
    command.spawn().map(drop)
}

/// Which of the two a process is that went on behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that its caller waits for.
    Caller,
    /// The other one, or the only one, where there could be no other.
    Behind,
}

/// Does nothing for a while.
pub fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}

/// All of standard input.
pub fn read_standard_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One line of standard input.
pub fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// Writes to one of this process's own streams; a closed stream is not our error.
pub fn say(channel: Channel, bytes: &[u8]) {
    let _ = try_say(channel, bytes);
}

/// The same; an error where the bytes could not be written.
pub fn try_say(channel: Channel, bytes: &[u8]) -> io::Result<()> {
    match channel {
        Channel::Out => io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().lock().flush()),
        Channel::Err => io::stderr().lock().write_all(bytes),
    }
}

/// Passes on a piece of the compiler's output. Where nobody reads it any more, this process ends as the compiler would have (rustc
/// takes SIGPIPE as it comes), unless the caller ignores that.
pub fn pass_on(channel: Channel, bytes: &[u8]) {
    let written = try_say(channel, bytes);
    if !system::ignores_closed_pipes()
        && written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    {
        system::end_by_closed_pipe()
    }
}

/// Whether the stream is a terminal.
pub fn is_terminal(channel: Channel) -> bool {
    match channel {
        Channel::Out => io::stdout().is_terminal(),
        Channel::Err => io::stderr().is_terminal(),
    }
}

/// A process, as `/proc/<pid>/stat` describes it.
struct ProcessStat {
    name: String,
    parent: u32,
    group: u32,
}

impl ProcessStat {
    fn of(process: u32) -> Option<ProcessStat> {
        let (name, fields) = stat_line(process)?;
        let mut numbers = fields.split_whitespace().skip(1).map_while(|number| number.parse().ok());
        let (parent, group) = (numbers.next()?, numbers.next()?);
        Some(ProcessStat { name, parent, group })
    }
}

/// A process's line in `/proc/<pid>/stat`, `PID (NAME) STATE PARENT GROUP …`: the name, which may hold anything, and what is behind
/// it. Read at once, for every call of the wrapper may ask.
fn stat_line(process: u32) -> Option<(String, String)> {
    let mut line = [0; 1024];
    let mut file = std::fs::File::open(format!("/proc/{process}/stat")).ok()?;
    let length = file.read(&mut line).ok()?;
    let line = String::from_utf8_lossy(&line[..length]);
    let (head, fields) = line.rsplit_once(')')?;
    Some((head.split_once('(')?.1.to_owned(), fields.to_owned()))
}

/// How far processes are followed upwards.
const MOST_ABOVE: usize = 64;

/// When the process that started this one was started itself, in ticks since the machine was; `None` where that is not known.
pub fn start_of_parent() -> Option<u64> {
    start_of(parent())
}

/// When a process was started, in ticks since the machine was: with its number that is a name which no other process has until the machine
/// starts anew. `None` where that is not known.
pub fn start_of(process: u32) -> Option<u64> {
    start_among(&stat_line(process)?.1)
}

fn start_among(fields: &str) -> Option<u64> {
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// The files of the programs that the processes above this one run, the nearest first; nothing of those of which that is not known.
pub fn programs_above() -> impl Iterator<Item = PathBuf> {
    let more =
        |process: &u32| ProcessStat::of(*process).map(|status| status.parent).filter(|parent| *parent != 0);
    std::iter::successors(Some(parent()), more).take(MOST_ABOVE).filter_map(program_of)
}

fn program_of(process: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/exe")).ok()
}

/// The process that started the nearest ancestor whose name begins in one of these ways.
pub fn starter_of(beginnings: &[&str]) -> Option<u32> {
    let mut process = parent();
    for _ in 0..MOST_ABOVE {
        let stat = ProcessStat::of(process)?;
        if stat.parent == 0 {
            return None;
        }
        if beginnings.iter().any(|beginning| stat.name.starts_with(beginning)) {
            return Some(stat.parent);
        }
        process = stat.parent;
    }
    None
}

/// What started this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// The outermost of the tools above (or the nearest of those that answer for themselves), with nothing but tools and go-betweens
    /// on the way.
    Tool(u32),
    /// A shell that somebody types into: it gives each command a process group of its own, and this process has one.
    Hand(u32),
    /// Something else.
    Other,
}

/// Looks for the tools of these names above; those of `own` answer for themselves, whoever starts them. `go_between` are programs
/// that tools start others through, such as shells.
pub fn starter(own: &[&str], tools: &[&str], go_between: &[&str]) -> Starter {
    let (mut process, mut group, mut found) = (parent(), group(), Starter::Other);
    let leads = group == own_id();
    for _ in 0..MOST_ABOVE {
        let Some(stat) = ProcessStat::of(process) else { break };
        let is_one = |names: &[&str]| names.contains(&stat.name.as_str());
        if is_one(own) {
            return Starter::Tool(process);
        }
        if is_one(tools) {
            found = Starter::Tool(process);
        } else if !is_one(go_between) {
            break;
        } else if stat.group != group {
            return if leads && process == parent() { Starter::Hand(process) } else { found };
        }
        (process, group) = (stat.parent, stat.group);
    }
    found
}

/// Whether a process is stopped (by a signal, or by whoever traces it).
pub fn is_stopped(process: u32) -> bool {
    stat_line(process).is_some_and(|(_, fields)| fields.trim_start().starts_with(['T', 't']))
}

/// What a process and all below it have done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Their time on processors and the pages that they have touched: a number that stays what it is while none of them does anything.
    pub done: u64,
    /// Whether one of them does something now, or would if it had a processor.
    pub runs: bool,
}

/// How much a process and all below it have done; `None` where the kernel does not tell, or there is no such process (any more, or here).
pub fn work_of(process: u32) -> Option<Work> {
    /// So many are looked at: who starts more is not stuck.
    const MOST: usize = 256;
    /// Where these numbers are among the fields behind the name: faults, faults on the disk, and time, each of its own and of the
    /// children that it has waited for.
    const FIELDS: std::ops::Range<usize> = 7..15;
    let (mut all, mut at) = (vec![process], 0);
    let mut work = Work { done: 0, runs: false };
    while let Some(process) = all.get(at).copied().filter(|_| at < MOST) {
        at += 1;
        let Some((_, fields)) = stat_line(process) else {
            if at == 1 { return None } else { continue } // it has just ended
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let numbers = fields.get(FIELDS).unwrap_or_default().iter().filter_map(|field| field.parse().ok());
        work.done = numbers.fold(work.done, u64::wrapping_add);
        work.runs |= fields.first() == Some(&"R");
        match children_of(process) {
            Some(children) => all.extend(children),
            None if at == 1 => return None,
            None => {}
        }
    }
    Some(work)
}

fn children_of(process: u32) -> Option<Vec<u32>> {
    let mut children = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten() {
        let stat = std::fs::read_to_string(thread.path().join("children")).ok()?;
        children.extend(stat.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
    }
    Some(children)
}

/// Whether the process that started this one is called so.
pub fn is_started_by(name: &str) -> bool {
    start_of_parent_called(name).is_some()
}

/// When the process that started this one was started itself ([`start_of`]), if it is called so, and where its stack begins, which is
/// elsewhere for each program that a process becomes (0 where that is not told).
pub fn start_of_parent_called(name: &str) -> Option<(u64, u64)> {
    let (called, fields) = stat_line(parent())?;
    if called != name {
        return None;
    }
    let stack = fields.split_whitespace().nth(25).and_then(|field| field.parse().ok());
    Some((start_among(&fields)?, stack.unwrap_or(0)))
}

/// Where the process that started this one is.
pub fn directory_of_parent() -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/cwd", parent())).ok()
}

/// The file of the program that started this one.
pub fn program_of_parent() -> Option<OsString> {
    program_of(parent()).map(OsString::from)
}

/// The environment that the calling program was started with; `None` where that is not known.
pub fn environment_of_parent() -> Option<Environment> {
    const MOST: u64 = 8 << 20;
    let file = PathBuf::from(format!("/proc/{}/environ", parent()));
    let mut text = Vec::new();
    let open = std::fs::File::open(file).ok()?;
    (open.take(MOST).read_to_end(&mut text).ok()? < MOST as usize).then(|| Environment::of_block(&text))
}

/// The words that the process which started this one was started with, its own name first; `None` where that is not known.
pub fn arguments_of_parent() -> Option<Vec<OsString>> {
    const MOST: u64 = 8 << 20;
    let mut text = Vec::new();
    let open = std::fs::File::open(format!("/proc/{}/cmdline", parent())).ok()?;
    let read = open.take(MOST).read_to_end(&mut text).ok()?;
    let words = text.strip_suffix(b"\0").filter(|_| read < MOST as usize)?;
    Some(words.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect())
}

/// When the process that started this one was started itself, in nanoseconds since the epoch by today's wall clock: rather up to a tick of
/// 10 ms too early than too late. `None` where that is not known.
pub fn began_of_parent() -> Option<i64> {
    /// Linux counts so many ticks a second for programs, whatever it does itself (`USER_HZ`).
    const TICK_NS: i64 = 1_000_000_000 / 100;
    let start_ns = i64::try_from(start_of_parent()?).ok()?.checked_mul(TICK_NS)?;
    Some(clock::realtime_ns() - (clock::since_start_ns() - start_ns))
}

/// Waits until a process that was started then ([`start_of`]) has ended, however that is. An error where that is not known.
pub fn wait_for_end(process: u32, start: u64) -> io::Result<()> {
    system::wait_for_end(process, || start_of(process) == Some(start))
}

/// The number of this process.
pub fn own_id() -> u32 {
    std::process::id()
}

/// Whether a file can be executed by this process.
pub fn is_executable(path: &Path) -> bool {
    crate::system::files::is_executable(path)
}

/// Whether standard input is a terminal.
pub fn is_terminal_input() -> bool {
    io::stdin().is_terminal()
}
