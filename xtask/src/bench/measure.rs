//! Wall clock and processor time of a command with everything it started.

use std::ffi::{c_int, c_long};
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::{Outcome, files};

/// What one run of a command cost.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Seconds on the wall.
    pub wall_s: f64,
    /// User and system seconds of the command and all its descendants.
    pub cpu_s: f64,
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
    fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut ResourceUsage) -> c_int;
    fn sync();
}

/// The unit of the times in `/proc/PID/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

/// Runs a command to its end. Its output must not go to a pipe: nobody reads while it runs.
pub fn run(command: &mut Command) -> io::Result<Usage> {
    let start = Instant::now();
    let child = command.spawn()?;
    let pid = child.id().cast_signed();
    let (mut status, mut usage) = (0, ResourceUsage::default());
    // SAFETY: both pointers are valid for the call, and `ResourceUsage` has the layout of `struct rusage`.
    // `child` is dropped without waiting, so nobody else reaps this process.
    let reaped = unsafe { wait4(pid, &raw mut status, 0, &raw mut usage) };
    let wall_s = start.elapsed().as_secs_f64();
    if reaped != pid {
        return Err(io::Error::last_os_error());
    }
    let code = (status & 0x7f == 0).then_some(status >> 8 & 0xff);
    Ok(Usage { wall_s, cpu_s: seconds(usage.user) + seconds(usage.system), code })
}

#[expect(clippy::cast_precision_loss, reason = "times of a benchmark are far below 2^52")]
fn seconds([whole, micro]: [c_long; 2]) -> f64 {
    whole as f64 + micro as f64 / 1e6
}

/// Writes dirty pages out, so that one run's output is not paid for by the next.
pub fn settle() {
    // SAFETY: sync() takes nothing, returns nothing and cannot fail.
    unsafe { sync() }
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

    #[test]
    fn a_run_tells_its_exit_code_and_its_childrens_time() {
        let usage = run(Command::new("sh")
            .args(["-c", "sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; exit 3"]));
        let usage = usage.expect("sh runs");
        assert_eq!(usage.code, Some(3));
        assert!(usage.cpu_s > 0.001 && usage.wall_s > 0.001);
    }
}
