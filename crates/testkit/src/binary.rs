//! Where the kiln under test is: `KILN_BIN`, else the one in the target directory this test was built into,
//! (re)built once when a source of the workspace is newer.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The executable under test, absolute. Panics with the build's output when there is none and none can be built.
pub fn kiln() -> &'static Path {
    static KILN: OnceLock<PathBuf> = OnceLock::new();
    KILN.get_or_init(|| match std::env::var_os("KILN_BIN") {
        Some(path) => fs::canonicalize(&path).unwrap_or_else(|e| panic!("KILN_BIN={path:?}: {e}")),
        None => sibling(),
    })
}

/// `target/<profile>/kiln` beside `target/<profile>/deps/<this test>`.
fn sibling() -> PathBuf {
    let me = std::env::current_exe().expect("a running test has an executable");
    let profile_dir = me.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let kiln = profile_dir.join("kiln");
    // Many tests start at once in processes of their own: one builds, the others wait and find it done.
    let lock =
        File::create(profile_dir.join("kiln-under-test.lock")).expect("the target directory is writable");
    lock.lock().expect("lock");
    let stamp = profile_dir.join("kiln-under-test.stamp");
    if !kiln.exists() || modified(&stamp) < newest_source(&workspace()) {
        let started = SystemTime::now();
        build(profile_dir);
        File::create(&stamp).and_then(|file| file.set_modified(started)).expect("stamp");
    }
    kiln
}

fn build(profile_dir: &Path) {
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "-p", "kiln", "-p", "kiln-daemon", "--bins", "--profile", profile, "--manifest-path"])
        .arg(workspace().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(profile_dir.parent().expect("target/<profile>"))
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "kiln does not build:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The newest mtime among what kiln is built from: every file of `crates/`, this crate excepted.
fn newest_source(workspace: &Path) -> SystemTime {
    let mut newest = modified(&workspace.join("Cargo.toml"));
    let mut pending = vec![workspace.join("crates")];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != "testkit" => pending.push(entry.path()),
                Ok(kind) if kind.is_file() => newest = newest.max(modified(&entry.path())),
                _ => {}
            }
        }
    }
    newest
}
