//! Wall clock and processor time of a command with everything it started.

use std::ffi::{c_int, c_long, c_ulong};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use super::{Outcome, files};

/// What one run of a command cost.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Seconds on the wall.
    pub wall_s: f64,
    /// User and system seconds of the command and all its descendants.
    pub cpu_s: f64,
    /// Seconds of the command's first thread alone, to the nanosecond; 0 if the kernel does not tell.
    pub own_s: f64,
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
}

/// `struct rusage` of Linux.
#[repr(C)]
#[derive(Default)]
struct ResourceUsage {
    user: [c_long; 2],
    system: [c_long; 2],
    others: [c_long; 14],
}

unsafe extern "C" {
    fn waitid(kind: c_int, id: u32, info: *mut [u64; 16], options: c_int) -> c_int;
    fn prctl(option: c_int, argument: c_ulong, ...) -> c_int;
    fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut ResourceUsage) -> c_int;
    fn sync();
}

/// The unit of the times in `/proc/PID/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

const PR_SET_CHILD_SUBREAPER: c_int = 36;
const WNOHANG: c_int = 1;
const WEXITED: c_int = 4;
const WNOWAIT: c_int = 0x0100_0000;
const P_PID: c_int = 1;

/// Runs a command to its end. Its output must not go to a pipe: nobody reads while it runs. What it left behind and has ended by then
/// counts, too (kiln identifies a compiler behind cargo's back).
pub fn run(command: &mut Command) -> io::Result<Usage> {
    // SAFETY: takes two numbers, and makes orphans below this process its children.
    unsafe { prctl(PR_SET_CHILD_SUBREAPER, 1 as c_ulong) };
    orphans(WNOHANG); // of runs before
    let start = Instant::now();
    let child = command.spawn()?;
    let pid = child.id().cast_signed();
    let mut info = [0; 16];
    // SAFETY: `siginfo_t` has 128 bytes. It waits, and leaves the process to be reaped.
    unsafe { waitid(P_PID, child.id(), &raw mut info, WEXITED | WNOWAIT) };
    let wall_s = start.elapsed().as_secs_f64();
    let own_s = first_thread_s(pid);
    let (mut status, mut usage) = (0, ResourceUsage::default());
    // SAFETY: both pointers are valid for the call, and `ResourceUsage` has the layout of `struct rusage`.
    // `child` is dropped without waiting, so nobody else reaps this process.
    let reaped = unsafe { wait4(pid, &raw mut status, 0, &raw mut usage) };
    if reaped != pid {
        return Err(io::Error::last_os_error());
    }
    let code = (status & 0x7f == 0).then_some(status >> 8 & 0xff);
    let cpu_s = seconds(usage.user) + seconds(usage.system) + orphans(WNOHANG);
    Ok(Usage { wall_s, cpu_s, own_s, code })
}

/// What a process that has ended took, from its first number in `schedstat`.
fn first_thread_s(pid: c_int) -> f64 {
    let info = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    info.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map_or(0.0, |ns| ns / 1e9)
}

/// Waits for all that earlier commands left behind, and returns its processor seconds.
pub fn wait_for_orphans() -> f64 {
    orphans(0)
}

fn orphans(options: c_int) -> f64 {
    let (mut status, mut usage) = (0, ResourceUsage::default());
    let mut cpu_s = 0.0;
    // SAFETY: as above; a benchmark has no other children that it waits for meanwhile.
    while unsafe { wait4(-1, &raw mut status, options, &raw mut usage) } > 0 {
        cpu_s += seconds(usage.user) + seconds(usage.system);
    }
    cpu_s
}

#[expect(clippy::cast_precision_loss, reason = "times of a benchmark are far below 2^52")]
fn seconds([whole, micro]: [c_long; 2]) -> f64 {
    whole as f64 + micro as f64 / 1e6
}

/// Writes dirty pages out, so that one run's output is not paid for by the next, and reads the compiler's files: a machine may
/// have dropped from memory what nobody looked at for some seconds, and who comes next would pay for that.
pub fn settle() {
    // SAFETY: sync() takes nothing, returns nothing and cannot fail.
    unsafe { sync() }
    static COMPILER: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let mut buffer = vec![0; 1 << 20];
    for path in COMPILER.get_or_init(compiler) {
        let Ok(mut file) = fs::File::open(path) else { continue };
        while file.read(&mut buffer).is_ok_and(|read| read > 0) {}
    }
}

/// The files of the compiler that cargo runs: programs, libraries, the standard library of the host.
fn compiler() -> Vec<PathBuf> {
    let output =
        output(Command::new("rustc").args(["--print=sysroot", "--print=host-tuple"])).unwrap_or_default();
    let (Some(root), Some(host)) = (output.lines().next().map(Path::new), output.lines().nth(1)) else {
        return Vec::new();
    };
    let directories = ["bin".to_owned(), "lib".to_owned(), format!("lib/rustlib/{host}/lib")];
    directories.iter().flat_map(|name| files::entries(&root.join(name)).unwrap_or_default()).collect()
}

/// Processor seconds so far of all processes that run `program`, with their reaped children: what a tool
/// spends in its daemon is spent for the build as well.
pub fn daemon_cpu_s(program: &Path) -> f64 {
    let Ok(program) = program.canonicalize() else { return 0.0 };
    let runs_it = |process: &Path| fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program);
    let processes = files::entries(Path::new("/proc")).unwrap_or_default();
    processes.iter().filter(|process| runs_it(process)).filter_map(|process| process_cpu_s(process)).sum()
}

fn process_cpu_s(process: &Path) -> Option<f64> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name in parentheses may hold spaces; after it come the state and ten numbers, then the four times.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: f64 = fields.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<f64>().ok()).sum();
    Some(ticks / TICKS_PER_SECOND)
}

/// Runs a command quietly and returns its standard output; a failure is an error with its last words.
pub fn output(command: &mut Command) -> Outcome<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()))
}

#[cfg(test)]
mod tests {
    use super::run;
    use std::process::Command;

    // One test, for a run takes in every child of this process that has ended.
    #[test]
    fn a_run_tells_its_exit_code_and_the_time_of_all_that_it_started() {
        let work = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        let usage =
            run(Command::new("sh").args(["-c", &format!("sh -c '{work}'; exit 3")])).expect("sh runs");
        assert_eq!(usage.code, Some(3));
        assert!(usage.cpu_s > 0.005 && usage.wall_s > 0.005);
        assert!(usage.own_s < usage.cpu_s, "the shell inside did the work");
        let orphan = format!("setsid -f sh -c '{work}; echo done > \"$0\"' \"$0\"");
        let until_it_ends = "while [ ! -s \"$0\" ]; do sleep 0.05; done; sleep 0.2";
        let file = std::env::temp_dir().join(format!("kiln-orphan-{}", std::process::id()));
        let usage = run(Command::new("sh").args(["-c", &format!("{orphan}; {until_it_ends}")]).arg(&file));
        let _ = std::fs::remove_file(&file);
        assert!(usage.expect("sh runs").cpu_s > 0.03, "the orphan's time");
    }
}
