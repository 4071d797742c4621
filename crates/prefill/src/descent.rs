//! Which cargo is the one that `kiln cargo` started. What tests, programs and scripts build is none of that build, and they hand on all
//! variables, or some of them: so a cargo is known by who started it.

use kiln_sys::env::Environment;
use kiln_sys::files;
use kiln_sys::process::{self, Above};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Subcommands of cargo's that start cargo to build a workspace. (Cargo becomes them.)
const SUBCOMMANDS: [&str; 4] = ["cargo", "cargo-clippy", "cargo-llvm-cov", "cargo-nextest"];
/// What a script that stands for cargo may run in.
const SHELLS: [&str; 7] = ["bash", "busybox", "dash", "ksh", "mksh", "sh", "zsh"];

/// Writes into a build's session that this process is the one which starts its cargo.
pub fn begin(session: &Path) -> Option<()> {
    let own = process::own_id();
    let name = format!("{own} {}", process::start_of(own)?);
    files::write_private(&file(session), name.as_bytes()).ok().map(drop)
}

/// Whether the cargo that calls this process is of the build whose session this is. Cargo tells all that it runs where the package is, so
/// that one which is told so is not; and between the build's cargo and one that a test started there is the test.
pub fn is_of_build(session: &Path, caller: &Environment) -> bool {
    let of_run = caller.get("CARGO_MANIFEST_DIR").is_some();
    !of_run && begun_by(session).is_some_and(|starter| is_straight(process::above(), starter))
}

/// The process that wrote that it starts the build's cargo, if it is still there.
fn begun_by(session: &Path) -> Option<u32> {
    let text = files::read_own(&file(session), 64).ok()?;
    let (process, start) = std::str::from_utf8(&text).ok()?.split_once(' ')?;
    let (process, start) = (process.parse().ok()?, start.parse().ok()?);
    (process::start_of(process) == Some(start)).then_some(process)
}

fn file(session: &Path) -> PathBuf {
    session.join("begun-by")
}

/// Whether there is nothing but cargo and its subcommands on the way up to a process; the first of them may be run by a shell.
fn is_straight(mut above: impl Iterator<Item = Above>, starter: u32) -> bool {
    let is_one = |it: &Above, names: &[&str]| {
        it.program.as_deref().and_then(OsStr::to_str).is_some_and(|name| names.contains(&name))
    };
    if !above.next().is_some_and(|it| is_one(&it, &["cargo"])) {
        return false;
    }
    let mut above = above.skip_while(|it| it.process != starter && is_one(it, &SUBCOMMANDS));
    above.find(|it| it.process == starter || !is_one(it, &SHELLS)).is_some_and(|it| it.process == starter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_started_a_cargo() {
        let is = |programs: &str| {
            let above = programs.split(' ').zip(1..);
            let above = above.map(|(program, process)| Above {
                process,
                program: (program != "?").then(|| program.into()),
            });
            is_straight(
                above.collect::<Vec<_>>().into_iter(),
                1 + programs.split(' ').position(|it| it == "kiln-cli").unwrap_or(99) as u32,
            )
        };
        for build in [
            "cargo kiln-cli bash",
            "cargo cargo-clippy kiln-cli make",
            "cargo cargo-nextest kiln-cli",
            "cargo cargo cargo-llvm-cov kiln-cli",
            "cargo bash kiln-cli",
            "cargo cargo-nextest dash sh kiln-cli",
        ] {
            assert!(is(build), "{build}");
        }
        for nested in [
            "cargo t-0123 cargo kiln-cli",
            "cargo app kiln-cli",
            "cargo t-0123 cargo-nextest cargo-nextest kiln-cli",
            "cargo bash cargo kiln-cli",
            "cargo cargo ? cargo kiln-cli",
            "cargo build_script_build-0123.real cargo kiln-cli",
            "cargo kiln-other",
            "bash cargo kiln-cli",
            "kiln-cli",
        ] {
            assert!(!is(nested), "{nested}");
        }
    }
}
