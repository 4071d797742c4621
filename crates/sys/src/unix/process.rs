//! Processes and signals.

use crate::process::{Channel, Ended, Program, Side, hear};
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// What is to be done to a program before it is started: its other name, and its signals.
pub fn prepare(command: &mut Command, program: &Program<'_>) {
    if let Some(called) = program.called {
        command.arg0(called);
    }
    give_signals_back(command);
}

/// Becomes the program; returns only when that fails.
pub fn become_program(command: &mut Command) -> io::Error {
    command.exec()
}

/// Whoever ends the wrapper means the compiler. It costs a `fork` instead of a `posix_spawn`: 0.05 ms, on a miss only.
#[cfg(target_os = "linux")]
pub fn end_with_this_process(command: &mut Command) {
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
pub fn end_with_this_process(_: &mut Command) {}

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
        let text = libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
        (text == 0).then_some(mask)
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
pub struct Interrupts {
    before: usize,
}

impl Interrupts {
    /// From now on they go to this program.
    pub fn forwarded_to(child: &Child) -> Interrupts {
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

/// How a program ended.
pub fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or(0)),
    }
}

/// Hands on what comes from either stream until both are closed.
pub fn listen(
    mut out: ChildStdout,
    mut err: ChildStderr,
    heard: &mut dyn FnMut(Channel, &[u8]),
) -> io::Result<()> {
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

/// What is to be done to a program that goes on without us, in no directory that somebody may want to remove.
pub fn detach(command: &mut Command) {
    command.current_dir("/").process_group(0);
}

/// Makes two of this process: one has done what its caller waits for and may end, the other goes on behind, in a group of its own and with
/// nothing of the caller's in its hands (streams, cargo's jobserver). For a process of one thread.
pub fn go_on_behind() -> Side {
    leave_behind().unwrap_or(Side::Behind)
}

/// The same for what may take as long as its caller's caller: where there is no room for one more process there are no two, and nothing.
pub fn leave_behind() -> Option<Side> {
    if is_crowded() {
        return None;
    }
    // SAFETY: the caller has one thread, so the copy finds no lock held and nothing half done.
    match unsafe { fork() } {
        0 => {
            let _ = rustix::process::setpgid(None, None);
            let_go();
            Some(Side::Behind)
        }
        -1 => None,
        _ => Some(Side::Caller),
    }
}

/// Goes where nobody wants to remove or unmount anything: for a process that was left behind, and names all files absolutely.
pub fn leave_directory() {
    let _ = rustix::process::chdir("/");
}

/// Waits until a process has ended, if it is the one that is meant once nobody else can get its number.
#[cfg(target_os = "linux")]
pub fn wait_for_end(process: u32, is_meant: impl Fn() -> bool) -> io::Result<()> {
    let number = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let number = number.ok_or(io::ErrorKind::InvalidInput)?;
    let open = match rustix::process::pidfd_open(number, rustix::process::PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        open => open?,
    };
    if is_meant() {
        let mut polled = [PollFd::new(&open, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut polled, None))?;
    }
    Ok(())
}

/// That cannot be told here.
#[cfg(not(target_os = "linux"))]
pub fn wait_for_end(_: u32, _: impl Fn() -> bool) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
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
/// itself. What there is of all users is the most that there can be of one, and is read at once.
pub fn is_crowded() -> bool {
    use rustix::process::{Resource, getrlimit};
    const ROOM: u64 = 256;
    /// Where that is not known.
    const MANY: u64 = 4096;
    let Some(limit) = getrlimit(Resource::Nproc).current else { return false };
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default(); // `0.20 0.18 0.12 1/80 11206`
    let all = text.split('/').nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    limit < all.unwrap_or(MANY) + ROOM
}

/// Has what was read of standard input read again by the program that this process is about to become.
#[cfg(target_os = "linux")]
pub fn give_input_back(bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek, Write};
    let made = rustix::fs::memfd_create("input", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(made);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(rustix::stdio::dup2_stdin(&file)?)
}

/// There are no files without a name.
#[cfg(not(target_os = "linux"))]
pub fn give_input_back(_: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
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

/// Whether the caller of this process wants nothing to happen where nobody reads what it says.
pub fn ignores_closed_pipes() -> bool {
    CALLERS[0].load(Ordering::SeqCst) == SIG_IGN
}

/// Ends this process as one ends that says something which nobody reads.
pub fn end_by_closed_pipe() -> ! {
    end_by_signal(SIGPIPE)
}

/// Kills this process.
#[cfg(any(test, feature = "fault"))]
pub fn die() -> ! {
    let outcome = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    unreachable!("killed: {outcome:?}")
}

/// The numeric user that this process runs as.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The process that started this one.
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// What the kernel says of this process. Nothing here changes what is asked of it, so it is looked at once.
fn status(name: &str) -> Option<&'static str> {
    static STATUS: OnceLock<Option<String>> = OnceLock::new();
    let status = STATUS.get_or_init(|| std::fs::read_to_string("/proc/self/status").ok());
    status.as_ref()?.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Which permissions new files do not get; `None` where that is not known without changing it.
pub fn umask() -> Option<u32> {
    u32::from_str_radix(status("Umask:")?, 8).ok()
}

/// Which signals are ignored and which are blocked in what is started here, one bit each from the first on: what the caller made of them.
/// `None` where that is not known.
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

/// The number of this process's group.
pub fn group() -> u32 {
    rustix::process::getpgrp().as_raw_nonzero().get().cast_unsigned()
}

/// Gives way to everybody else: lowest priority.
pub fn be_nice() {
    let _ = rustix::process::nice(19);
}

/// Columns of the terminal behind standard input (where gcc looks for them) or standard error.
pub fn terminal_width() -> Option<u16> {
    let width = |size: rustix::io::Result<rustix::termios::Winsize>| Some(size.ok()?.ws_col);
    width(rustix::termios::tcgetwinsize(io::stdin()))
        .or_else(|| width(rustix::termios::tcgetwinsize(io::stderr())))
}
