//! `cargo xtask ci`: everything CI checks, cheapest first, each step named.

use std::process::Command;
use std::time::Instant;

/// Runs every check; stops at the first that fails.
pub fn run() -> Result<(), String> {
    step("formatting", &["cargo", "fmt", "--all", "--check"], &[])?;
    crate::arch::run()?;
    crate::docs::run(true)?;
    step(
        "clippy",
        &["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        &[],
    )?;
    let deny = [("RUSTDOCFLAGS", "-D warnings")];
    step("documentation", &["cargo", "doc", "--workspace", "--no-deps", "--locked"], &deny)?;
    step("build", &["cargo", "build", "--workspace", "--locked"], &[])?;
    tests()
}

/// The tests: with nextest where it is installed (faster, and each in a process of its own), else plainly.
fn tests() -> Result<(), String> {
    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|o| o.status.success());
    if nextest {
        step("tests", &["cargo", "nextest", "run", "--workspace", "--locked", "--no-fail-fast"], &[])?;
    } else {
        step("tests", &["cargo", "test", "--workspace", "--locked", "--no-fail-fast"], &[])?;
    }
    step("doc tests", &["cargo", "test", "--workspace", "--locked", "--doc"], &[])
}

fn step(name: &str, command: &[&str], set: &[(&str, &str)]) -> Result<(), String> {
    eprintln!("==> {name}: {}", command.join(" "));
    let start = Instant::now();
    let status = Command::new(command[0])
        .args(&command[1..])
        .envs(set.iter().copied())
        .status()
        .map_err(|error| format!("cannot run {}: {error}", command[0]))?;
    eprintln!("==> {name}: {:.1} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("{name} failed: {}", command.join(" "))) }
}
