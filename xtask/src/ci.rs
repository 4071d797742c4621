//! `cargo xtask ci`: everything CI checks, cheapest first, each step named.

use std::process::Command;
use std::time::Instant;

use kiln_testkit::Toolchain;

/// Systems on which nothing has been run, and what compiles C for them: nothing is linked, so where kiln has no C of its own it
/// may be a program that does nothing.
const ELSEWHERE: [(&str, &str); 3] = [
    ("aarch64-unknown-linux-gnu", "aarch64-linux-gnu-gcc"),
    ("aarch64-apple-darwin", "true"),
    ("x86_64-pc-windows-gnu", "true"),
];

/// What is compiled where the tests run only: they, what they stand on, and what measures.
const FOR_LINUX: [&str; 4] = ["kiln-testkit", "kiln-tests", "kiln-replay", "xtask"];

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
    elsewhere()?;
    tests()
}

/// That all crates of the program compile for other systems without a warning, where what that takes is installed. (Clippy is the
/// compiler's own check, and more.) Their tests are Linux's.
pub fn elsewhere() -> Result<(), String> {
    eprintln!("==> other systems: all but {}, which are for Linux", FOR_LINUX.join(", "));
    for (target, compiler) in ELSEWHERE {
        if !Toolchain::has_target(target) || !Toolchain::has(compiler) {
            eprintln!(
                "==> {target}: SKIPPED: it takes its standard library (rustup target add), and {compiler}"
            );
            continue;
        }
        let (cc, ar) = (format!("CC_{target}"), format!("AR_{target}"));
        let mut check = vec!["cargo", "clippy", "--locked", "--target", target, "--workspace"];
        FOR_LINUX.iter().for_each(|name| check.extend(["--exclude", name]));
        check.extend(["--", "-D", "warnings"]);
        step(target, &check, &[(&cc, compiler), (&ar, "true")])?;
    }
    Ok(())
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
    step("toolchains", &["cargo", "xtask", "toolchains", "--quick"], &[])?;
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
