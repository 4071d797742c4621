//! `cargo xtask arch`: the invariants of ARCHITECTURE.md that a tool can hold.

mod circles;

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

/// What the package of the wrapper must not carry.
const HEAVY: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "hyper",
    "reqwest",
    "ureq",
    "rustls",
    "openssl",
    "native-tls",
    "h2",
    "tonic",
    "futures",
    "opendal",
    "redis",
    "kiln-daemon",
    "kiln-remote",
];

/// Crates that may use what `clippy.toml` disallows: the door itself, and what is no part of the program.
const DOORS: &[&str] = &["crates/sys/", "crates/testkit/", "tests/", "xtask/", "benches/", "fuzz/"];

/// What is the system's own, and what to name instead of it outside of `kiln_sys`. (What a library opens by itself is no source of ours:
/// reqwest, redis and tokio have sockets and threads of their own, in `remote` and `daemon` only; see [`HEAVY`].)
const SYSTEMS_OWN: &[(&str, &str)] = &[
    ("std::os::unix::ffi", "the bytes of the system's strings are kiln_action::os"),
    ("std::os::unix", "only kiln-sys knows which system it is"),
    ("std::os::windows", "only kiln-sys knows which system it is"),
    ("rustix::", "only kiln-sys makes system calls"),
    ("libc::", "only kiln-sys makes system calls"),
    ("std::net", "sockets are kiln_sys::socket"),
    ("std::thread", "threads are kiln_sys::thread: one that cannot be had is no panic"),
];

/// The exceptions, which are all: where, what, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    // std's traits are given out here by the names that all systems share.
    ("crates/action/src/os.rs", "std::os::unix::ffi"),
    // What it does with memory files, seals and mappings is one protocol with the object, which is C and makes its own system calls, too.
    ("crates/recorder/src/", "rustix::"),
];

/// Checks all of them.
pub fn run() -> Result<(), String> {
    let mut wrong = Vec::new();
    wrong.extend(arrows()?);
    wrong.extend(weight()?);
    wrong.extend(wrapper()?);
    wrong.extend(sources()?);
    wrong.extend(circles::find()?);
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

fn weight() -> Result<Vec<String>, String> {
    let output = Command::new("cargo")
        .args(["tree", "-p", "kiln", "-e", "normal,build", "--prefix", "none", "--locked", "-f", "{p}"])
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let tree = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let heavy =
        names.filter(|name| HEAVY.contains(name)).map(|name| format!("the wrapper's package holds {name}"));
    Ok(heavy.collect())
}

/// The package also holds `kiln-cli`, whose parsers of arguments and files the wrapper's own sources do not name.
fn wrapper() -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for path in rust_files(Path::new("crates/kiln/src"))? {
        if !path.parent().is_some_and(|parent| parent.ends_with("src")) {
            continue;
        }
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
        for (number, line) in text.lines().enumerate() {
            let named = ["clap", "toml_edit::", "serde_json::"].iter().any(|name| line.contains(name));
            if named && !line.trim_start().starts_with("//") {
                wrong.push(format!("{shown}:{}: names a crate that the wrapper must not carry", number + 1));
            }
        }
    }
    Ok(wrong)
}

fn sources() -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for path in rust_files(Path::new("crates"))? {
        let shown = path.display().to_string();
        if DOORS.iter().any(|door| shown.starts_with(door)) || is_test(&shown) {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
        if !text.starts_with("//!") {
            wrong.push(format!("{shown} does not open by saying what it is for"));
        }
        for (number, line) in text.lines().enumerate() {
            let at = format!("{shown}:{}", number + 1);
            if line.contains("blake3::") && !shown.starts_with("crates/action/") {
                wrong.push(format!("{at}: only kiln-action feeds a hasher"));
            }
            if let Some((_, instead)) = systems_own(&shown, line) {
                wrong.push(format!("{at}: {instead}"));
            }
            let allowed = line.contains("main ends the process") || line.contains("cfg_attr(test");
            if line.contains("clippy::disallowed_methods") && !allowed && !shown.ends_with("build.rs") {
                wrong.push(format!("{at}: only kiln-sys touches the system"));
            }
        }
    }
    Ok(wrong)
}

/// What of the system's own a line names that its file must not.
fn systems_own(path: &str, line: &str) -> Option<&'static (&'static str, &'static str)> {
    let excepted = |name: &str| EXCEPTIONS.iter().any(|(at, what)| path.starts_with(at) && *what == name);
    let counts = !line.trim_start().starts_with("//") && !path.ends_with("/build.rs"); // (which is a tool of the build)
    SYSTEMS_OWN.iter().find(|(name, _)| counts && line.contains(name)).filter(|(name, _)| !excepted(name))
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/examples/") || path.ends_with("/tests.rs")
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
    use super::systems_own;

    #[test]
    fn the_system_is_named_where_it_may_be() {
        for (path, line, wrong) in [
            ("crates/engine/src/fill.rs", "use std::os::unix::ffi::OsStrExt;", true),
            ("crates/action/src/os.rs", "pub use std::os::unix::ffi::{OsStrExt, OsStringExt};", false),
            ("crates/action/src/os.rs", "use std::os::unix::fs::MetadataExt;", true),
            ("crates/recorder/src/object.rs", "use rustix::fs::{self, CWD};", false),
            ("crates/recorder/src/object.rs", "use std::os::unix::fs::MetadataExt;", true),
            ("crates/daemon/src/server.rs", "    std::thread::spawn(work);", true),
            ("crates/daemon/src/server.rs", "    // not std::thread::spawn", false),
            ("crates/link/src/place.rs", "use std::net::TcpStream;", true),
            ("crates/store/src/local.rs", "    rustix::fs::sync();", true),
            ("crates/kiln/build.rs", "    std::thread::sleep(pause);", false),
        ] {
            assert_eq!(systems_own(path, line).is_some(), wrong, "{path}: {line}");
        }
    }
}
