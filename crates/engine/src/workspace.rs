//! Which workspace a unit is built for: the names under which the remote side keeps what a workspace builds on.

use crate::cache_dir::CacheDir;
use crate::inputs;
use crate::project;
use crate::toolchain;
use kiln_action::wire::Writer;
use kiln_action::{Digest, Invocation, Subject};
use kiln_compiler::Context;
use kiln_config::Settings;
use kiln_protocol::Workspace;
use kiln_sys::env::Environment;
use kiln_sys::files;
use kiln_sys::identity::{self, Found, Memo};
use kiln_sys::process::{self, Program};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The workspace that a unit is built for; `None` where there is no telling. It is found from where cargo's outputs go, else from
/// where cargo was started: that it is guessed costs an object that nobody needs, at worst.
pub fn of_unit(
    invocation: &Invocation,
    toolchain: &Digest,
    environment: &Environment,
    memo: &Memo,
) -> Option<Workspace> {
    if invocation.subject == Subject::BuildScript {
        let out = &invocation.outputs.directory;
        return of_script(invocation, out, toolchain, environment, memo);
    }
    let toolchain = &toolchain_name(invocation, toolchain, environment);
    let project = PathBuf::from(project::of_unit(invocation));
    let profile = profile(&invocation.outputs.directory);
    if invocation.subject.is_c() && !is_locked(&project) {
        let near = name(&[b"near", project.file_name()?.as_encoded_bytes(), toolchain, profile.as_bytes()]);
        return Some(Workspace { exact: near, near });
    }
    let root = if is_locked(&project) { project } else { locked(&process::directory_of_parent()?)? };
    of_root(&root, toolchain, &profile, memo)
}

/// The same for a build script and what it asks the compiler, by its `OUT_DIR`; what cargo itself asks is asked before there is anything to
/// share. It is known by nothing but content, as a unit is.
pub fn of_script(
    invocation: &Invocation,
    out: &Path,
    toolchain: &Digest,
    environment: &Environment,
    memo: &Memo,
) -> Option<Workspace> {
    of_root(&locked(out)?, &toolchain_name(invocation, toolchain, environment), &profile(out), memo)
}

/// Names the toolchain, for bundles only.
fn toolchain_name(invocation: &Invocation, toolchain: &Digest, environment: &Environment) -> [u8; 32] {
    let script = invocation.subject == Subject::BuildScript;
    let compiler = match environment.get("RUSTC").filter(|_| script) {
        Some(rustc) => Path::new(rustc),
        None => &invocation.compiler,
    };
    let found = match compiler.is_absolute() {
        true => Some(compiler.to_owned()),
        false => inputs::find_program(compiler.as_os_str(), environment),
    };
    found.filter(|_| !invocation.subject.is_c()).and_then(|rustc| of_driver(&rustc)).unwrap_or(toolchain.hash)
}

/// Names a toolchain of which nothing has been read yet, by rustc's library. What a bundle brings is held against the toolchain's content
/// all the same.
fn of_driver(rustc: &Path) -> Option<[u8; 32]> {
    Some(name(&[b"driver", toolchain::rustc_driver(rustc)?.as_encoded_bytes()]))
}

/// The same for whoever stands in a workspace and asks, with cargo's name for the profile's directory.
pub fn here(
    settings: &Settings,
    environment: &Environment,
    here: &Path,
    profile: &str,
) -> Result<Workspace, String> {
    let root = locked(here).ok_or("there is no Cargo.lock here or above")?;
    let cache = CacheDir::open(settings).map_err(|reason| reason.to_string())?;
    let ask = |program: &OsStr, args: &[&OsStr]| {
        let output = process::ask(&Program { program, called: None, args, set: &[] })
            .map_err(|error| error.to_string())?;
        Ok::<_, String>(String::from_utf8_lossy(&output.out).trim().to_owned())
    };
    let sysroot = ask(OsStr::new("rustc"), &[OsStr::new("--print"), OsStr::new("sysroot")])?;
    let compiler = Path::new(&sysroot).join("bin/rustc");
    let unreadable = || "Cargo.lock cannot be read".to_owned();
    if let Some(toolchain) = of_driver(&compiler) {
        return of_root(&root, &toolchain, profile, cache.store.memo()).ok_or_else(unreadable);
    }
    let recognised = kiln_compiler::recognise(compiler.as_os_str(), None).ok_or("there is no rustc")?;
    let args = ["--crate-name", "x", "x.rs", "--emit=metadata", "--out-dir", "/nowhere"].map(OsString::from);
    let context = Context {
        args: &args,
        directory: &root,
        response: &|_| None,
        remap: None,
        base: None,
        getenv: &|_| None,
    };
    let invocation = kiln_compiler::parse(&recognised, &context).map_err(|reason| reason.to_string())?;
    let known = toolchain::identify(&invocation, &cache.whereabouts());
    let known = known.and_then(|known| known.loaded_in(&root, environment));
    let (digest, _) = known.map_err(|reason| reason.to_string())?;
    of_root(&root, &digest.hash, profile, cache.store.memo()).ok_or_else(unreadable)
}

fn of_root(root: &Path, toolchain: &[u8; 32], profile: &str, memo: &Memo) -> Option<Workspace> {
    let Ok(Found::Content(lock, _)) = identity::digest_of(&root.join(LOCK), memo) else { return None };
    let called = root.file_name()?.as_encoded_bytes();
    let near = name(&[b"near", called, toolchain, profile.as_bytes()]);
    let exact = name(&[b"exact", &lock.hash, toolchain, profile.as_bytes()]);
    Some(Workspace { exact, near })
}

const LOCK: &str = "Cargo.lock";

fn is_locked(directory: &Path) -> bool {
    files::lstat(&directory.join(LOCK)).is_ok_and(|found| found.is_some())
}

fn locked(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().find(|above| is_locked(above)).map(Path::to_owned)
}

fn name(parts: &[&[u8]]) -> [u8; 32] {
    let mut text = Writer::default();
    text.bytes(b"kiln workspace 1");
    parts.iter().for_each(|part| text.bytes(part));
    Digest::of(&text.0).hash
}

/// The profile, as cargo calls its directory: `debug` of `target/debug/deps`.
fn profile(out: &Path) -> String {
    let inner = |part: &Path| part.ends_with("deps") || part.ends_with("build") || part.ends_with("examples");
    let above = out.ancestors().find(|part| inner(part)).and_then(Path::parent).and_then(Path::file_name);
    above.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
