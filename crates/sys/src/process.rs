//! Processes: become another program, run one and hear what it says as it says it, start one and forget it.

use crate::env::Environment;
use rustix::event::{PollFd, PollFlags, poll};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// A program to run. It inherits the environment, the directory and all descriptors (cargo's jobserver among them).
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Its file or name.
    pub program: &'a OsStr,
    /// What it is called in its first argument, where that is something else.
    pub called: Option<&'a OsStr>,
    /// Its arguments.
    pub args: &'a [&'a OsStr],
    /// Variables to set on top of the inherited ones.
    pub set: &'a [(&'a OsStr, &'a OsStr)],
}

impl Program<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.args).envs(self.set.iter().copied());
        if let Some(called) = self.called {
            command.arg0(called);
        }
        give_signals_back(&mut command);
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
    program.command().exec()
}

/// Runs the program with standard input from `input` (inherited if `None`), and hands on every piece of its output at
/// once, in the order in which it arrives. Where this process is ended, by whatever signal, the program is ended too.
pub fn run(
    program: &Program<'_>,
    input: Option<&[u8]>,
    heard: &mut dyn FnMut(Channel, &[u8]),
) -> io::Result<Ended> {
    let mut command = program.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    end_with_this_process(&mut command);
    let mut child = command.spawn()?;
    let interrupts = Interrupts::forwarded_to(&child);
    let feeder = input.and_then(|bytes| feed(&mut child, bytes.to_vec()));
    let listened = listen(&mut child, heard);
    let status = child.wait()?;
    drop(interrupts);
    if let Some(feeder) = feeder {
        let _ = feeder.join();
    }
    listened?;
    Ok(ended(status))
}

/// Whoever ends the wrapper means the compiler. It costs a `fork` instead of a `posix_spawn`: 0.05 ms, on a miss only.
#[cfg(target_os = "linux")]
fn end_with_this_process(command: &mut Command) {
    let parent = rustix::process::getpid();
    let arrange = move || {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
        let orphan = rustix::process::getppid() != Some(parent); // it was too late
        if orphan { Err(rustix::io::Errno::SRCH.into()) } else { Ok(()) }
    };
    // SAFETY: between `fork` and `exec` it makes two system calls; it neither allocates nor locks.
    unsafe { command.pre_exec(arrange) };
}

/// Nothing like it is there.
#[cfg(not(target_os = "linux"))]
fn end_with_this_process(_: &mut Command) {}

unsafe extern "C" {
    fn fork() -> i32;
    fn signal(number: i32, handler: usize) -> usize;
}

const SIGINT: i32 = libc::SIGINT;
const SIGPIPE: i32 = libc::SIGPIPE;
const SIG_DFL: usize = 0;
const SIG_IGN: usize = 1;

/// What this process makes of signals whatever its caller made of them, for it is no program's fault what kiln writes beside it: a pipe
/// that nobody reads and a file that may not grow are errors, and children are waited for.
const OWN: [(i32, usize); 3] = [(SIGPIPE, SIG_IGN), (libc::SIGXFSZ, SIG_IGN), (libc::SIGCHLD, SIG_DFL)];

/// What the caller made of them.
static CALLERS: [AtomicUsize; 3] = [const { AtomicUsize::new(UNKNOWN) }; 3];
const UNKNOWN: usize = usize::MAX;

fn take_signals(own: &[(i32, usize)], callers: &[AtomicUsize]) {
    for ((number, handler), before) in own.iter().zip(callers) {
        // SAFETY: C's `signal` with a handler that is no function.
        before.store(unsafe { signal(*number, *handler) }, Ordering::SeqCst);
    }
}

/// A program gets signals as our caller gave them to us. (std gives every child an empty mask and SIGPIPE's default.)
fn give_signals_back(command: &mut Command) {
    let callers = CALLERS.each_ref().map(|before| before.load(Ordering::SeqCst));
    // SAFETY: a mask of zeros is one, and asking for our own writes nothing but it.
    let mask = unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        let told = libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
        (told == 0).then_some(mask)
    };
    let give = move || {
        for ((number, _), before) in OWN.iter().zip(callers) {
            if before != UNKNOWN {
                // SAFETY: C's `signal`, which may be called between `fork` and `exec`; what it said was there before.
                unsafe { signal(*number, before) };
            }
        }
        if let Some(mask) = &mask {
            // SAFETY: the same; the mask is a whole one.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) };
        }
        Ok(())
    };
    // SAFETY: it neither allocates nor locks.
    unsafe { command.pre_exec(give) };
}

/// Who is interrupted instead of this process; 0 is nobody.
static INTERRUPTED: AtomicI32 = AtomicI32::new(0);

/// While this lives, SIGINT goes to the program and not to this process: rustc takes it as a request, and ends by itself
/// with an exit code of its own. Its handler is set once the program runs, which would inherit that it is not ignored.
struct Interrupts {
    before: usize,
}

impl Interrupts {
    fn forwarded_to(child: &Child) -> Interrupts {
        INTERRUPTED.store(child.id().cast_signed(), Ordering::SeqCst);
        let handler = forward as extern "C" fn(i32) as usize;
        // SAFETY: C's `signal`; the handler makes one system call and touches nothing but an atomic.
        Interrupts { before: unsafe { signal(SIGINT, handler) } }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // SAFETY: what `signal` said was there before.
        unsafe { signal(SIGINT, self.before) };
        INTERRUPTED.store(0, Ordering::SeqCst);
    }
}

extern "C" fn forward(_: i32) {
    if let Some(pid) = rustix::process::Pid::from_raw(INTERRUPTED.load(Ordering::SeqCst)) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
}

fn ended(status: std::process::ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or(0)),
    }
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

fn listen(child: &mut Child, heard: &mut dyn FnMut(Channel, &[u8])) -> io::Result<()> {
    let (Some(mut out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) else { return Ok(()) };
    let mut buffer = vec![0; 64 << 10];
    let (mut out_open, mut err_open) = (true, true);
    while out_open && err_open {
        let ready = {
            let mut fds = [PollFd::new(&out, PollFlags::IN), PollFd::new(&err, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) => [!fds[0].revents().is_empty(), !fds[1].revents().is_empty()],
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
        };
        if ready[1] {
            err_open = hear(&mut err, Channel::Err, &mut buffer, heard)?;
        }
        if ready[0] {
            out_open = hear(&mut out, Channel::Out, &mut buffer, heard)?;
        }
    }
    // Only one stream is left: nothing to choose between (and a closed one would keep `poll` from waiting).
    while out_open {
        out_open = hear(&mut out, Channel::Out, &mut buffer, heard)?;
    }
    while err_open {
        err_open = hear(&mut err, Channel::Err, &mut buffer, heard)?;
    }
    Ok(())
}

fn hear(
    from: &mut impl Read,
    channel: Channel,
    buffer: &mut [u8],
    heard: &mut dyn FnMut(Channel, &[u8]),
) -> io::Result<bool> {
    match from.read(buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            heard(channel, &buffer[..count]);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// Runs the program with everything inherited and waits for it.
pub fn run_inherited(program: &Program<'_>) -> io::Result<Ended> {
    program.command().status().map(ended)
}

/// What a program that was asked a question said.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: Vec<u8>,
}

/// Runs the program with an empty standard input and collects what it says.
pub fn ask(program: &Program<'_>) -> io::Result<Said> {
    let output = program.command().stdin(Stdio::null()).output()?;
    Ok(Said { ended: ended(output.status), out: output.stdout, err: output.stderr })
}

/// Starts the program in a session of its own, with nothing inherited but the environment, and does not wait for it. Where there may be few
/// processes there is none to spare.
pub fn start_detached(program: &OsStr, args: &[OsString]) -> io::Result<()> {
    if is_crowded() {
        return Err(io::ErrorKind::QuotaExceeded.into());
    }
    let mut command = Command::new(program);
    command.args(args).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().map(drop)
}

/// Which of the two a process is that went on behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that its caller waits for.
    Caller,
    /// The other one, or the only one, where there could be no other.
    Behind,
}

/// Makes two of this process: one has done what its caller waits for and may end, the other goes on behind, in a group of its own and with
/// nothing of the caller's in its hands (streams, cargo's jobserver). For a process of one thread.
pub fn go_on_behind() -> Side {
    if is_crowded() {
        return Side::Behind;
    }
    // SAFETY: the caller has one thread, so the copy finds no lock held and nothing half done.
    match unsafe { fork() } {
        0 => {
            let _ = rustix::process::setpgid(None, None);
            let_go();
            Side::Behind
        }
        -1 => Side::Behind,
        _ => Side::Caller,
    }
}

/// Closes what was inherited by this process, which is all that is not close-on-exec, and puts nothing in the streams' places.
fn let_go() {
    use rustix::io::FdFlags;
    let nothing = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty());
    if let Ok(nothing) = nothing {
        let _ = rustix::stdio::dup2_stdin(&nothing);
        let _ = rustix::stdio::dup2_stdout(&nothing);
        let _ = rustix::stdio::dup2_stderr(&nothing);
    }
    for fd in open_descriptors() {
        // SAFETY: what this program opened is close-on-exec, so nothing of ours is closed, and asking does no harm.
        unsafe {
            let borrowed = std::os::fd::BorrowedFd::borrow_raw(fd);
            if rustix::io::fcntl_getfd(borrowed).is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC)) {
                rustix::io::close(fd);
            }
        }
    }
}

/// The open descriptors after the standard ones. (The one that the list itself was read by is among them, and closed.)
fn open_descriptors() -> Vec<i32> {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|fd| *fd > 2).collect()
}

/// Marks every descriptor but the standard ones close-on-exec and closes it: for a process that outlives a build and
/// must not hold cargo's jobserver or pipes.
pub fn close_inherited() {
    for fd in open_descriptors() {
        // SAFETY: called first thing in a process of our own, before anything here has opened a descriptor.
        unsafe {
            if rustix::io::fcntl_getfd(std::os::fd::BorrowedFd::borrow_raw(fd)).is_ok() {
                rustix::io::close(fd);
            }
        }
    }
}

/// What std does before a Rust `main`, for a program that starts without it, less what nothing here needs: the handler that explains
/// a stack overflow costs 18 system calls, one of them reading `/proc/self/maps`, and a twentieth of a hit. Standard streams that are closed are opened, so
/// that no file gets their number and is written messages into; a closed pipe is an error and no signal.
pub fn begin() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    // SAFETY: asking about a descriptor that is not open does no harm; it is the question.
    let standard = [0, 1, 2].map(|fd| unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) });
    let mut polled = standard.each_ref().map(|fd| PollFd::new(fd, PollFlags::empty()));
    let _ = rustix::io::retry_on_intr(|| poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })));
    for _ in polled.iter().filter(|fd| fd.revents().contains(PollFlags::NVAL)) {
        // the lowest free number is the one that is missing
        let open = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty());
        let _ = open.map(std::os::fd::IntoRawFd::into_raw_fd);
    }
    take_signals(&OWN, &CALLERS);
}

/// The same in a program that std has started: what the caller made of SIGPIPE is not known any more.
pub fn begin_late() {
    take_signals(&OWN[1..], &CALLERS[1..]);
}

/// Whether this process may have so little (memory, open files, stack) that what a compile needs behind kiln, beyond what it needs
/// alone, could be what is missing: a recorded process maps a log, and this one is there as well.
pub fn is_cramped() -> bool {
    use rustix::process::{Resource, getrlimit};
    const LEAST: [(Resource, u64); 4] = [
        (Resource::As, 4 << 30),
        (Resource::Data, 4 << 30),
        (Resource::Nofile, 64),
        (Resource::Stack, 1 << 20),
    ];
    LEAST.into_iter().any(|(resource, least)| getrlimit(resource).current.is_some_and(|limit| limit < least))
}

/// Whether this user may have so few processes (`ulimit -u`) that one which kiln adds could be what a compiler lacks for those that it starts
/// itself. What there is of all users is the most that there can be of one, and is told at once.
pub fn is_crowded() -> bool {
    use rustix::process::{Resource, getrlimit};
    const ROOM: u64 = 256;
    /// Where that is not told.
    const MANY: u64 = 4096;
    let Some(limit) = getrlimit(Resource::Nproc).current else { return false };
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default(); // `0.20 0.18 0.12 1/80 11206`
    let all = told.split('/').nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    limit < all.unwrap_or(MANY) + ROOM
}

/// Has what was read of standard input read again by the program that this process is about to become.
pub fn give_input_back(bytes: &[u8]) -> io::Result<()> {
    use std::io::Seek;
    let made = rustix::fs::memfd_create("input", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(made);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(rustix::stdio::dup2_stdin(&file)?)
}

/// Keeps a process of many threads small: glibc's allocator gives each of the first threads (eight for each processor) an arena of its
/// own, none of which gives much back.
pub fn share_memory() {
    // SAFETY: glibc's `mallopt` takes two integers and may be called at any time; elsewhere there is nothing to be called.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Does nothing for a while.
pub fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}

/// Ends this process by the signal that ended the program, so that the caller sees the same.
pub fn end_by_signal(signal: i32) -> ! {
    // SAFETY: C's `signal` with a handler that is no function, and a mask of nothing but this one.
    unsafe {
        self::signal(signal, SIG_DFL);
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut mask);
        libc::sigaddset(&raw mut mask, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const mask, std::ptr::null_mut());
    }
    if let Some(signal) = rustix::process::Signal::from_named_raw(signal) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
    std::process::exit(128 + signal) // the signal does not end a process
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

/// The same for whoever wants to know whether it could be said.
pub fn try_say(channel: Channel, bytes: &[u8]) -> io::Result<()> {
    match channel {
        Channel::Out => io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().lock().flush()),
        Channel::Err => io::stderr().lock().write_all(bytes),
    }
}

/// Passes on what the compiler said. Where nobody reads it any more, this process ends as the compiler would have (rustc
/// takes SIGPIPE as it comes), unless the caller ignores that.
pub fn pass_on(channel: Channel, bytes: &[u8]) {
    let written = try_say(channel, bytes);
    let ignored = CALLERS[0].load(Ordering::SeqCst) == SIG_IGN;
    if !ignored && written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        end_by_signal(SIGPIPE);
    }
}

/// Whether the stream is a terminal.
pub fn is_terminal(channel: Channel) -> bool {
    match channel {
        Channel::Out => rustix::termios::isatty(io::stdout()),
        Channel::Err => rustix::termios::isatty(io::stderr()),
    }
}

/// The process that started this one.
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// A process, as far as `/proc` tells.
struct Told {
    name: String,
    parent: u32,
    group: u32,
}

impl Told {
    fn of(process: u32) -> Option<Told> {
        let (name, fields) = told_of(process)?;
        let mut numbers = fields.split_whitespace().skip(1).map_while(|number| number.parse().ok());
        let (parent, group) = (numbers.next()?, numbers.next()?);
        Some(Told { name, parent, group })
    }
}

/// What the kernel says of a process in one line, `PID (NAME) STATE PARENT GROUP …`: the name, which may hold anything, and what is behind
/// it. Read at once, for every call of the wrapper may ask.
fn told_of(process: u32) -> Option<(String, String)> {
    let mut line = [0; 1024];
    let mut file = std::fs::File::open(format!("/proc/{process}/stat")).ok()?;
    let length = file.read(&mut line).ok()?;
    let line = String::from_utf8_lossy(&line[..length]);
    let (head, fields) = line.rsplit_once(')')?;
    Some((head.split_once('(')?.1.to_owned(), fields.to_owned()))
}

/// How far processes are followed upwards.
const MOST_ABOVE: usize = 64;

/// When the process that started this one was started itself, in ticks since the machine was; `None` where that cannot be told.
pub fn start_of_parent() -> Option<u64> {
    told_of(parent())?.1.split_whitespace().nth(19)?.parse().ok()
}

/// The process that started the nearest ancestor whose name begins so.
pub fn starter_of(beginning: &str) -> Option<u32> {
    let mut process = parent();
    for _ in 0..MOST_ABOVE {
        let told = Told::of(process)?;
        if told.parent == 0 {
            return None;
        }
        if told.name.starts_with(beginning) {
            return Some(told.parent);
        }
        process = told.parent;
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
        let Some(told) = Told::of(process) else { break };
        let is_one = |names: &[&str]| names.contains(&told.name.as_str());
        if is_one(own) {
            return Starter::Tool(process);
        }
        if is_one(tools) {
            found = Starter::Tool(process);
        } else if !is_one(go_between) {
            break;
        } else if told.group != group {
            return if leads && process == parent() { Starter::Hand(process) } else { found };
        }
        (process, group) = (told.parent, told.group);
    }
    found
}

/// Whether a process is stopped (by a signal, or by whoever traces it).
pub fn is_stopped(process: u32) -> bool {
    told_of(process).is_some_and(|(_, fields)| fields.trim_start().starts_with(['T', 't']))
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
        let Some((_, fields)) = told_of(process) else {
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
        let told = std::fs::read_to_string(thread.path().join("children")).ok()?;
        children.extend(told.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
    }
    Some(children)
}

/// Where the process that started this one is.
pub fn directory_of_parent() -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{}/cwd", parent())).ok()
}

/// The file of the program that started this one.
pub fn program_of_parent() -> Option<OsString> {
    std::fs::read_link(format!("/proc/{}/exe", parent())).ok().map(OsString::from)
}

/// What the kernel says of this process. Nothing here changes what is asked of it, so it is looked at once.
fn status(name: &str) -> Option<&'static str> {
    static STATUS: OnceLock<Option<String>> = OnceLock::new();
    let status = STATUS.get_or_init(|| std::fs::read_to_string("/proc/self/status").ok());
    status.as_ref()?.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The environment that the calling program was started with; `None` where that cannot be told.
pub fn environment_of_parent() -> Option<Environment> {
    const MOST: u64 = 8 << 20;
    let file = std::path::PathBuf::from(format!("/proc/{}/environ", parent()));
    let mut text = Vec::new();
    let open = std::fs::File::open(file).ok()?;
    (open.take(MOST).read_to_end(&mut text).ok()? < MOST as usize).then(|| Environment::of_block(&text))
}

/// Which permissions new files do not get; `None` where that cannot be told without changing it.
pub fn umask() -> Option<u32> {
    u32::from_str_radix(status("Umask:")?, 8).ok()
}

/// Which signals are ignored and which are blocked in what is started here, one bit each from the first on: what the caller made of them.
/// `None` where that cannot be told.
pub fn inherited_signals() -> Option<[u64; 2]> {
    let set = |name| u64::from_str_radix(status(name)?, 16).ok();
    let (mut ignored, blocked) = (set("SigIgn:")?, set("SigBlk:")?);
    for ((number, _), before) in OWN.iter().zip(&CALLERS) {
        let bit = 1 << (number - 1);
        ignored = if before.load(Ordering::SeqCst) == SIG_IGN { ignored | bit } else { ignored & !bit };
    }
    Some([ignored, blocked])
}

/// Whether there is a terminal that this process could talk to somebody through.
pub fn has_terminal() -> bool {
    use rustix::fs::{Mode, OFlags};
    rustix::fs::open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

/// The process group.
pub fn group() -> u32 {
    rustix::process::getpgrp().as_raw_nonzero().get().cast_unsigned()
}

/// This process.
pub fn own_id() -> u32 {
    std::process::id()
}

/// Gives way to everybody else: lowest priority.
pub fn be_nice() {
    let _ = rustix::process::nice(19);
}

/// Whether a file can be executed by this process.
pub fn is_executable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Columns of the terminal behind standard input (where gcc looks for them) or standard error.
pub fn terminal_width() -> Option<u16> {
    let width = |size: rustix::io::Result<rustix::termios::Winsize>| Some(size.ok()?.ws_col);
    width(rustix::termios::tcgetwinsize(io::stdin()))
        .or_else(|| width(rustix::termios::tcgetwinsize(io::stderr())))
}

/// Whether standard input is a terminal.
pub fn is_terminal_input() -> bool {
    rustix::termios::isatty(io::stdin())
}
