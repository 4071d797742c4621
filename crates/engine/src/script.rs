//! Build scripts: kiln gets to see their runs because a launcher stands in the place of their executables.

use crate::restore::Way;
use kiln_action::os::OsStrExt;
use kiln_action::{Digest, Family, FileKind, Invocation, Reason};
use kiln_compiler::script;
use kiln_config::Settings;
use kiln_store::{Fetch, Store};
use kiln_sys::env;
use kiln_sys::files::{self, Beneath};
use std::path::{Path, PathBuf};

/// The build script's executable that a unit makes, if a launcher is to stand in its place: in builds of `kiln cargo`.
pub fn to_stand_in(invocation: &Invocation, settings: &Settings) -> Option<PathBuf> {
    script::made_by(invocation).filter(|_| settings.build_scripts && settings.notes.is_some())
}

/// Puts a launcher in the place of the build script that a unit has just made, which lies beside it from then on. Where that cannot be
/// done the script stays where it is, and runs unseen.
pub fn stand_in(invocation: &Invocation, settings: &Settings) {
    if let Some(executable) = to_stand_in(invocation, settings) {
        let _ = place(&executable);
    }
}

fn place(executable: &Path) -> Option<()> {
    let (launcher, real) = launcher(executable)?;
    let there = files::lstat(executable).ok()??;
    if there.kind != FileKind::File || there.mode & 0o100 == 0 {
        return None;
    }
    files::rename(executable, &real).ok()?;
    if files::write_executable(executable, &launcher).is_err() {
        let _ = files::rename(&real, executable);
        return None;
    }
    Some(())
}

/// The launcher for an executable, and where that is to lie itself.
fn launcher(executable: &Path) -> Option<(Vec<u8>, PathBuf)> {
    let real = script::real_name(executable.file_name()?)?;
    let launcher = kiln_recorder::launcher(&env::own_program()?, &real)?;
    Some((launcher, executable.with_file_name(real)))
}

/// The stem of the unit that made the program of a build script that runs: what the program is called.
pub fn maker(invocation: &Invocation) -> Option<String> {
    Some(invocation.compiler.file_name()?.to_str()?.split('.').next()?.to_owned())
}

/// Puts a stored script behind its launcher: another name of the stored file, since nobody writes to what is called so. Most are never
/// run, for what they do is known.
pub fn link(store: &dyn Store, script: &Digest, executable: &Path) -> Option<()> {
    let (launcher, real) = launcher(executable)?;
    store.fetch(script, &real, Fetch::Link).ok()?;
    if files::lstat(&real).ok()??.mode & 0o111 == 0 {
        files::make_executable(&real).ok()?;
    }
    files::write_executable(executable, &launcher).ok().map(drop)
}

/// Takes out of `OUT_DIR` what was put there, so that the script finds it empty, as cargo made it.
pub fn empty(invocation: &Invocation, beneath: Option<&Beneath>) {
    let way = Way { beneath, ..Way::default() };
    if let Some(out) = invocation.outputs.tree.as_deref().and_then(|out| way.file(out)) {
        let _ = files::remove_tree(&out);
        let _ = files::create_dirs(&out);
    }
}

/// The mark of a build that filled `OUT_DIR`, beside it.
fn mark(out: &Path) -> PathBuf {
    out.with_file_name(".kiln-filled")
}

/// The name of the build that asks for notes; no other build has ever had it. (Numbers of processes come again, in containers at once.)
fn build(settings: &Settings) -> Option<&[u8]> {
    Some(settings.notes.as_deref()?.file_name()?.as_bytes())
}

/// Notes that this build filled `OUT_DIR` before cargo looked.
pub fn filled(invocation: &Invocation, settings: &Settings, beneath: &Beneath) -> Option<()> {
    let mark = beneath.file(&mark(invocation.outputs.tree.as_deref()?)).ok()?;
    files::write_atomic(&mark, build(settings)?).ok().map(drop)
}

/// Whether this build filled it. Cargo runs the script all the same, for reasons of its own (a source is younger, a dependency was
/// built): then it is to be empty as if nobody had been there.
fn was_filled(out: &Path, settings: &Settings) -> bool {
    let Some(build) = build(settings) else { return false };
    let own = files::read_own(&mark(out), 256).is_ok_and(|text| text == build);
    own && files::remove(&mark(out)).is_ok_and(|was_there| was_there)
}

/// Why a run of a build script is none for the cache, if it is not. What an earlier run left in `OUT_DIR` this one could look at, and
/// cargo leaves it there.
pub fn refused(invocation: &Invocation, settings: &Settings) -> Option<Reason> {
    if invocation.family != Family::Script {
        return None;
    }
    let out = invocation.outputs.tree.as_deref()?;
    if was_filled(out, settings) {
        empty(invocation, None);
    }
    match files::list(out) {
        Ok(Some(entries)) if entries.is_empty() => None,
        Ok(Some(_)) => Some(Reason::UsedOutDir),
        _ => Some(Reason::NotACompile("there is no OUT_DIR".into())),
    }
}

/// Whether nothing is in `OUT_DIR` yet, so that it can be filled.
pub fn is_empty(out: &Path) -> bool {
    files::list(out).is_ok_and(|entries| entries.is_none_or(|entries| entries.is_empty()))
}
