//! `cargo xtask toolchains`: tests of whole builds with other releases of rustc and cargo than the one that kiln itself is built with.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to run, and with what.
#[derive(clap::Args)]
pub struct Args {
    /// Toolchains as rustup calls them; those that are not there are installed, or left out aloud
    #[arg(long, default_values = TOOLCHAINS)]
    with: Vec<String>,
    /// Tests: a file of tests/tests, or one and part of a test's name (`told:links`); all that is known to be worth it otherwise
    tests: Vec<String>,
    /// Only a few tests, and only toolchains that are there
    #[arg(long)]
    quick: bool,
}

const TOOLCHAINS: [&str; 4] = ["1.98.0", "1.99.0", "beta", "nightly"];
/// Half a minute for each toolchain.
const QUICK: [&str; 3] = ["unit_environment:description", "unit_environment:links", "macro_reads:variable"];
/// What compilers and cargos have a hand in.
const ALL: [&str; 9] = [
    "argfiles",
    "build_scripts",
    "everything_cached",
    "freshness",
    "generator",
    "macro_reads",
    "pass_through",
    "target_places",
    "unit_environment",
];

/// Runs the tests with each toolchain; says which failed with which.
pub fn run(args: &Args) -> Result<(), String> {
    let programs = programs()?;
    let chosen: Vec<&str> = match (args.tests.is_empty(), args.quick) {
        (false, _) => args.tests.iter().map(String::as_str).collect(),
        (true, true) => QUICK.to_vec(),
        (true, false) => ALL.to_vec(),
    };
    let mut failed = Vec::new();
    for toolchain in &args.with {
        if !is_there(toolchain) && (args.quick || !install(toolchain)) {
            eprintln!("==> {toolchain}: SKIPPED: rustup toolchain install {toolchain}");
            continue;
        }
        for test in &chosen {
            let (file, name) = test.split_once(':').unwrap_or((test, ""));
            let program = programs.get(file).ok_or_else(|| format!("there is no tests/tests/{file}"))?;
            eprintln!("==> {toolchain}: {test}");
            let mut command = Command::new(program);
            command.args([name].iter().filter(|name| !name.is_empty()));
            // (else the tests would look whether kiln is to be built, with that toolchain)
            let kiln = program.parent().and_then(Path::parent).map(|profile| profile.join("kiln"));
            command.env("KILN_BIN", kiln.unwrap_or_default()).env("RUSTUP_TOOLCHAIN", toolchain);
            let ended = command.current_dir("tests").status();
            if !ended.is_ok_and(|status| status.success()) {
                failed.push(format!("{toolchain}: {test}"));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn is_there(toolchain: &str) -> bool {
    let asked = Command::new("rustup").args(["run", toolchain, "cargo", "-V"]).output();
    asked.is_ok_and(|output| output.status.success())
}

fn install(toolchain: &str) -> bool {
    let installed =
        Command::new("rustup").args(["toolchain", "install", toolchain, "--profile", "minimal"]).status();
    installed.is_ok_and(|status| status.success())
}

/// The programs that hold the tests, built with the toolchain of this workspace, by their names; kiln is built with it, too.
fn programs() -> Result<BTreeMap<String, PathBuf>, String> {
    let failed = |error: std::io::Error| format!("cannot run cargo: {error}");
    let kiln =
        Command::new("cargo").args(["build", "-p", "kiln", "-p", "kiln-daemon"]).status().map_err(failed)?;
    let built = Command::new("cargo")
        .args(["test", "-p", "kiln-tests", "--no-run", "--message-format", "json-render-diagnostics"])
        .output()
        .map_err(failed)?;
    if !kiln.success() || !built.status.success() {
        return Err("the tests do not build".into());
    }
    let lines = built.stdout.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let program = |messages: Value| {
        let path = PathBuf::from(messages["executable"].as_str()?);
        Some((messages["target"]["name"].as_str()?.to_owned(), path))
    };
    Ok(messages.filter_map(program).collect())
}
