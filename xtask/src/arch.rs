//! `cargo xtask arch`: the invariants of ARCHITECTURE.md that a tool can hold.

mod circles;
mod sources;
mod weight;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each crate with the crates it may depend on. Arrows point down.
const ARROWS: &[(&str, &[&str])] = &[
    ("kiln-action", &[]),
    ("kiln-sys", &["kiln-action"]),
    ("kiln-compiler", &["kiln-action"]),
    ("kiln-config", &["kiln-action", "kiln-sys"]),
    ("kiln-store", &["kiln-action", "kiln-sys"]),
    ("kiln-report", &["kiln-action", "kiln-sys"]),
    ("kiln-exec", &["kiln-action", "kiln-recorder", "kiln-sys"]),
    ("kiln-recorder", &["kiln-action", "kiln-sys"]),
    ("kiln-protocol", &["kiln-action", "kiln-sys"]),
    ("kiln-remote", &["kiln-action", "kiln-protocol", "kiln-sys"]),
    ("kiln-daemon", &["kiln-action", "kiln-protocol", "kiln-remote", "kiln-store", "kiln-sys"]),
    (
        "kiln-engine",
        &[
            "kiln-action",
            "kiln-compiler",
            "kiln-config",
            "kiln-exec",
            "kiln-protocol",
            "kiln-recorder",
            "kiln-report",
            "kiln-store",
            "kiln-sys",
        ],
    ),
    (
        "kiln-prefill",
        &[
            "kiln-action",
            "kiln-compiler",
            "kiln-config",
            "kiln-engine",
            "kiln-protocol",
            "kiln-store",
            "kiln-sys",
        ],
    ),
];

/// Checks all of them.
pub fn run() -> Result<(), String> {
    let mut wrong = Vec::new();
    wrong.extend(arrows()?);
    wrong.extend(weight::find()?);
    wrong.extend(sources::find()?);
    wrong.extend(circles::find()?);
    wrong.extend(twice()?);
    if wrong.is_empty() {
        eprintln!("==> architecture: fine");
        return Ok(());
    }
    Err(format!("the architecture does not hold:\n  {}", wrong.join("\n  ")))
}

fn metadata() -> Result<Value, String> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

fn arrows() -> Result<Vec<String>, String> {
    let metadata = metadata()?;
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else { continue };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let ours = to.starts_with("kiln-") && dependency["kind"].is_null();
            if ours && !allowed.contains(&to) {
                wrong.push(format!("{name} depends on {to}: that arrow does not point down"));
            }
        }
    }
    Ok(wrong)
}

/// Files that are compiled into what is not their own crate. There is none, and no reason for one: what two crates need has a home below
/// both, a test's helper is a module's directory, and a table that is read in C is written by `cargo xtask docs`.
fn twice() -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for root in ["benches", "crates", "fuzz", "tests", "xtask"] {
        for path in rust_files(Path::new(root))? {
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
            let named = text.lines().enumerate().filter(|(_, line)| is_elsewhere(line));
            wrong.extend(named.map(|(number, _)| format!("{shown}:{}: a file has one home", number + 1)));
        }
    }
    Ok(wrong)
}

/// Whether a line takes a module's source from another file than its own.
fn is_elsewhere(line: &str) -> bool {
    let line = line.trim_start();
    let outright = line.starts_with("#[path") || line.starts_with("#![path");
    let by_condition = line.starts_with("#[cfg_attr") && line.contains("path =");
    outright || by_condition || (line.starts_with("include!(\"") && line.contains(".rs\""))
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/examples/") || path.ends_with("/tests.rs")
}

/// Tests stand at the end.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn rust_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        let entries =
            std::fs::read_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::is_elsewhere;

    #[test]
    fn a_file_has_one_home() {
        for (line, wrong) in [
            ("#[path = \"../exit.rs\"]", true),
            ("    #[path=\"x.rs\"] mod x;", true),
            ("#[cfg_attr(unix, path = \"unix.rs\")]", true),
            ("include!(\"../exit.rs\");", true),
            ("    project.write(\"src/x.rs\", \"#[path = \\\"y.rs\\\"]\");", false),
            ("// #[path]", false),
            ("mod exit;", false),
        ] {
            assert_eq!(is_elsewhere(line), wrong, "{line}");
        }
    }
}
