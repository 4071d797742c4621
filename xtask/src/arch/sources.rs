//! What no line of the sources may hold: the system's own names outside of `kiln-sys`, hashers and made-up keys outside of `kiln-action`,
//! names of cargo's files outside of the one module that knows them.

use super::{is_test, rust_files, without_tests};
use std::path::Path;

/// Crates that may use what `clippy.toml` disallows: the door itself, and what is no part of the program.
const DOORS: &[&str] = &["crates/sys/", "crates/testkit/", "tests/", "xtask/", "benches/", "fuzz/"];

/// What is the system's own, and what to name instead of it outside of `kiln_sys`. (What a library opens by itself is no source of ours:
/// reqwest, redis and tokio have sockets and threads of their own, in `remote` and `daemon` only; see [`super::weight`].)
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

/// Who reads names that keys are found under: of a store's files, and of what a remote store keeps. Elsewhere a key is computed, or
/// read from a message. (What is in a key only kiln-action touches: that is the compiler's to refuse.)
const READERS_OF_NAMES: &[&str] = &[
    "crates/action/src/",
    "crates/daemon/src/bundle.rs",
    "crates/remote/src/verified.rs",
    "crates/store/src/local/entries.rs",
    "crates/store/src/local/survey.rs",
    "crates/store/src/local/verify.rs",
];

/// What cargo keeps in a target directory for itself.
const CARGOS_OWN: &[&str] = &[".fingerprint", ".cargo-lock", ".rustc_info.json", "invoked.timestamp"];

/// Who names it: the one module that knows how a target directory is laid out. There is no other; one that has a reason is told here.
const READERS_OF_TARGET: &[&str] = &["crates/prefill/src/target_dir.rs"];

/// Every line that must not stand where it stands.
pub(super) fn find() -> Result<Vec<String>, String> {
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
        let outside_of_tests = without_tests(&text).lines().count();
        for (number, line) in text.lines().enumerate() {
            let at = format!("{shown}:{}", number + 1);
            if line.contains("blake3::") && !shown.starts_with("crates/action/") {
                wrong.push(format!("{at}: only kiln-action feeds a hasher"));
            }
            if is_made_up(&shown, line) {
                wrong.push(format!(
                    "{at}: a key is computed, or read; only who reads names makes one of a name"
                ));
            }
            if let Some(name) = cargos_own(&shown, line).filter(|_| number < outside_of_tests) {
                let readers = READERS_OF_TARGET.join(", ");
                wrong.push(format!("{at}: {name} is cargo's; only {readers} names it"));
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

/// What of cargo's own a line names, as a part of a path in a string, where its file must not.
fn cargos_own(path: &str, line: &str) -> Option<&'static str> {
    let counts = path.contains("/src/") && !READERS_OF_TARGET.contains(&path);
    let code = line.split(" // ").next().unwrap_or(line);
    let is_part = |(at, _): (usize, &str)| code[..at].ends_with(['"', '/', '\\']);
    let is_named = |name: &&&str| code.match_indices(**name).any(is_part);
    CARGOS_OWN.iter().filter(|_| counts && !line.trim_start().starts_with("//")).find(is_named).copied()
}

/// Whether a line makes a key of a name where no names are read.
fn is_made_up(path: &str, line: &str) -> bool {
    let made = !line.trim_start().starts_with("//") && line.contains("Key::of_name");
    made && !path.contains("/benches/") && !READERS_OF_NAMES.iter().any(|reader| path.starts_with(reader))
}

#[cfg(test)]
mod tests {
    use super::{cargos_own, is_made_up, systems_own};

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

    #[test]
    fn cargos_files_are_named_in_one_place() {
        for (path, line, wrong) in [
            ("crates/prefill/src/fill.rs", "let own = profile.join(\".fingerprint\");", true),
            ("crates/prefill/src/fill.rs", "    let note = format!(\"{unit}/invoked.timestamp\");", true),
            ("crates/prefill/src/fill.rs", "        || name == b\".cargo-lock\"", true),
            ("crates/kiln/src/cli/clean.rs", "const NOTE: &str = \".rustc_info.json\";", true),
            ("crates/engine/src/hit.rs", "    path.ends_with(r\"debug\\.fingerprint\")", true),
            ("crates/prefill/src/target_dir.rs", "let own = profile.join(\".fingerprint\");", false),
            ("crates/prefill/src/request.rs", "        text.0.extend(self.fingerprint()?);", false),
            ("crates/prefill/src/request.rs", "            .fingerprint()", false),
            ("crates/prefill/src/fill.rs", "    /// Below \".fingerprint\" lie cargo's notes.", false),
            ("crates/prefill/src/fill.rs", "    files.push(own); // debug/.fingerprint", false),
            ("crates/prefill/benches/fill.rs", "let own = profile.join(\".fingerprint\");", false),
        ] {
            assert_eq!(cargos_own(path, line).is_some(), wrong, "{path}: {line}");
        }
    }

    #[test]
    fn keys_are_not_made_up() {
        for (path, line, wrong) in [
            ("crates/engine/src/hit.rs", "let key = ActionKey::of_name([0; 32]);", true),
            ("crates/engine/src/hit.rs", "    names.map(WeakKey::of_name)", true),
            ("crates/engine/src/hit.rs", "// not SnapshotKey::of_name(name)", false),
            ("crates/engine/src/hit.rs", "let key = ActionKey::new(&weak, answers);", false),
            ("crates/store/src/local/entries.rs", "names.map(SnapshotKey::of_name)", false),
        ] {
            assert_eq!(is_made_up(path, line), wrong, "{path}: {line}");
        }
    }
}
