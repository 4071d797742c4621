//! The directory of compilers' names that are all kiln: put at the front of `$PATH`, it wires C and C++ for a build that knows
//! nothing of caches. Compilers are found, asked for their version and distinguished as ever, for kiln becomes the one
//! that is next on the path.

use kiln_compiler::recognise;
use kiln_engine::inputs;
use kiln_sys::env::Environment;
use kiln_sys::files;
use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Makes a directory hold a link to `wrapper` for each C compiler that `$PATH` has, and none for those that it has not.
pub fn fill(bin: &Path, wrapper: &Path, environment: &Environment) -> Result<(), String> {
    hold(bin, &compilers(bin, wrapper, environment), wrapper)
}

/// Makes a directory hold links to `wrapper` with these names and nothing else.
pub fn hold(bin: &Path, wanted: &BTreeSet<OsString>, wrapper: &Path) -> Result<(), String> {
    let failed = |error: files::FileError| error.to_string();
    files::create_dirs(bin).map_err(failed)?;
    for entry in files::list(bin).map_err(failed)?.unwrap_or_default() {
        if !wanted.contains(&entry.name) {
            files::remove(&bin.join(&entry.name)).map_err(failed)?;
        }
    }
    for name in wanted {
        let link = bin.join(name);
        if files::read_link(&link).ok().flatten().as_deref() != Some(wrapper) {
            files::symlink(wrapper, &link).map_err(failed)?;
        }
    }
    Ok(())
}

/// The names of C compilers on `$PATH`, beside those in `bin` itself and other links to kiln.
fn compilers(bin: &Path, wrapper: &Path, environment: &Environment) -> BTreeSet<OsString> {
    let real = |path: &Path| files::real_path(path).ok().flatten();
    let own = real(wrapper);
    let is_compiler = |name: &OsStr| recognise(name, None).is_some_and(|it| it.subject.is_c());
    let directories =
        inputs::search_path(environment).into_iter().filter(|path| path.is_absolute() && path != bin);
    let entries = directories.flat_map(|directory| {
        let entries = files::list(&directory).ok().flatten().unwrap_or_default();
        entries.into_iter().map(move |entry| (directory.join(&entry.name), entry.name))
    });
    entries
        .filter(|(_, name)| is_compiler(name))
        .filter(|(path, _)| real(path) != own)
        .map(|(_, name)| name)
        .collect()
}

/// `$PATH` without the directories in which `cc` is a link to `wrapper`; `None` if there are none.
pub fn path_without(wrapper: &Path, environment: &Environment) -> Option<OsString> {
    let real = |path: &Path| files::real_path(path).ok().flatten();
    let own = real(wrapper)?;
    let path = environment.get("PATH")?;
    let parts: Vec<PathBuf> = env::split_paths(path).collect();
    let kept = parts.iter().filter(|part| real(&part.join("cc")).as_ref() != Some(&own));
    let kept: Vec<&PathBuf> = kept.collect();
    (kept.len() < parts.len()).then(|| env::join_paths(kept).ok()).flatten()
}
