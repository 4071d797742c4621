//! `cargo xtask dist`: executables as packages ship them: static and without relocations, so that a hit starts sooner.

use std::process::Command;

/// What makes the difference; docs/benchmarks.md says how much.
const FLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static";

/// Builds them.
pub fn run() -> Result<(), String> {
    let version =
        Command::new("rustc").arg("-vV").output().map_err(|error| format!("cannot run rustc: {error}"))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    // With --target the flags stay away from proc macros, which cannot be static. The daemon looks up names of hosts, which a
    // static glibc can do only with the very libraries it was built with, so it stays dynamic; nobody waits for its start.
    build(host, "kiln", FLAGS)?;
    build(host, "kiln-daemon", "")?;
    eprintln!("target/{host}/release/kiln, kiln-cli and kiln-daemon");
    Ok(())
}

fn build(host: &str, package: &str, flags: &str) -> Result<(), String> {
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--bins", "-p", package, "--target", host])
        .env("RUSTFLAGS", flags)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the build failed".into()) }
}
