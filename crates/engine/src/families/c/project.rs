//! The project that a C compile belongs to: paths below it count by place.

use crate::project::scratch;
use kiln_action::invocation::Field;
use kiln_action::{Invocation, Place};
use kiln_config::Settings;
use kiln_sys::env::Environment;
use kiln_sys::files;
use kiln_sys::identity::{Memo, Names};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The project's directory: as set, else the nearest one above with a version control's own directory, else the highest one
/// with a build file, else the directory itself. A wrong guess costs hits between checkouts and nothing else.
pub fn of(settings: &Settings, directory: &Path, memo: &Memo) -> PathBuf {
    const CONTROLS: [&str; 5] = [".git", ".jj", ".hg", ".svn", "_darcs"];
    const BUILDS: [&str; 5] = ["CMakeLists.txt", "configure", "Makefile", "meson.build", ".cargo-ok"];
    if let Some(base) = settings.base_dir.as_deref().filter(|base| directory.starts_with(base)) {
        return base.to_owned();
    }
    if let Some(scratch) = scratch(directory) {
        return scratch.to_owned();
    }
    let known: Vec<_> = directory.ancestors().map(|above| (above, names_in(above, memo))).collect();
    let has = |above: &Path, names: &[&str]| {
        let known = known.iter().find(|(known, _)| *known == above).and_then(|(_, names)| names.as_ref());
        let may_have = |name: &&&str| known.is_none_or(|known| known.may_hold(OsStr::new(name)));
        let is_there = |name: &&str| files::lstat(&above.join(name)).is_ok_and(|found| found.is_some());
        names.iter().filter(may_have).any(is_there)
    };
    let above = || directory.ancestors().filter(|above| above.parent().is_some());
    let controlled = above().find(|above| has(above, &CONTROLS));
    let built = || above().filter(|above| has(above, &BUILDS)).last();
    controlled.or_else(built).unwrap_or(directory).to_owned()
}

fn names_in(directory: &Path, memo: &Memo) -> Option<Names> {
    let stat = files::stat(directory).ok()??;
    memo.names(directory, &stat.identity)
}

/// Adds what the engine knows to the places: each declared output by its number, since its name is not in the key, and a
/// build script's `OUT_DIR`. One that lies in the project, or the other way round, is a place by itself already: then a path
/// would have two, and which one it has would hang on the other's being there.
pub fn place(invocation: &mut Invocation, environment: &Environment) {
    let files = invocation.outputs.files.clone();
    for (number, file) in (0..).zip(&files) {
        invocation.places.add(Place::Output(number), file);
    }
    let Some(out) = environment.get("OUT_DIR").map(Path::new).filter(|out| out.is_absolute()) else { return };
    let roots = invocation.places.roots().iter();
    let apart = roots
        .filter(|(place, _)| !matches!(place, Place::Output(_)))
        .all(|(_, root)| !root.starts_with(out) && !out.starts_with(root));
    if apart && !invocation.directory.starts_with(out) {
        invocation.places.add(Place::Out, out);
    }
}

/// Where in its project a compile runs counts, even where paths count literally: questions are asked by place, and the
/// project's directory may be guessed anew.
pub fn pin(invocation: &mut Invocation, base: &Path) {
    if let Ok(inside) = invocation.directory.strip_prefix(base) {
        let value = inside.as_os_str().to_owned();
        invocation.fields.push(Field { name: "inside", value, path: false });
    }
}
