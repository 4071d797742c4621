//! Projects and profiles, by where outputs go: cargo's layout of a target directory, and the directories in which CMake and meson try
//! out a compiler.

use kiln_action::{Invocation, Place};
use std::ffi::OsStr;
use std::path::Path;

/// The project that a compile belongs to, by its output directory alone: what is above `target`, else the target
/// directory itself; without cargo's layout the directory it runs in.
pub fn of_unit(invocation: &Invocation) -> String {
    let base = invocation.places.roots().iter().find(|(place, _)| *place == Place::Base);
    if let Some((_, base)) = base {
        // CMake's and meson's tries belong to the build directory that they are in
        let scratch = |path: &&Path| path.ends_with("CMakeFiles") || path.ends_with("meson-private");
        let build = base.ancestors().find(scratch).and_then(Path::parent);
        return build.unwrap_or(base).to_string_lossy().into_owned();
    }
    let Some(above) = profile_directory(&invocation.outputs.directory).and_then(Path::parent) else {
        return invocation.directory.to_string_lossy().into_owned();
    };
    let triple = invocation.target.as_deref().and_then(|target| Path::new(target).file_stem());
    let above = match above.parent() {
        Some(parent) if triple.is_some_and(|triple| above.file_stem() == Some(triple)) => parent,
        _ => above,
    };
    let root = if above.ends_with("target") { above.parent().unwrap_or(above) } else { above };
    root.to_string_lossy().into_owned()
}

/// The project for whose build script a C compile runs, by the script's output directory: `<profile>/build/<package>-<hash>/out`.
pub fn of_script(out: &Path, target: Option<&OsStr>) -> Option<String> {
    let build = out.ancestors().skip(1).find(|above| above.ends_with("build"))?;
    let above = build.parent()?.parent()?;
    let above = above.parent().filter(|_| target.is_some() && above.file_name() == target).unwrap_or(above);
    let root = if above.ends_with("target") { above.parent().unwrap_or(above) } else { above };
    Some(root.to_string_lossy().into_owned())
}

/// The profile by which cargo chose an output directory, as `--profile` names it; empty where there is none.
pub fn profile(out: &Path) -> String {
    let name = profile_directory(out).and_then(Path::file_name).unwrap_or_default();
    let name = if name == "debug" { OsStr::new("dev") } else { name };
    name.to_string_lossy().into_owned()
}

/// The directory of a profile in cargo's layout, by an output directory: `<profile>/deps`, `<profile>/examples`,
/// `<profile>/build/<package>-<hash>` or `<profile>/build/<package>/<hash>`, and what is below these.
fn profile_directory(out: &Path) -> Option<&Path> {
    let up = |name: &str| out.parent().filter(|_| out.ends_with(name));
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_build = |above: &&Path| {
        let below = out.strip_prefix(above).unwrap_or(out).iter().filter_map(OsStr::to_str);
        let mut below = below.map(|part| part.rsplit('-').next().unwrap_or_default());
        above.ends_with("build") && below.by_ref().take(2).any(is_hash)
    };
    let of_build = || out.ancestors().skip(1).take(3).find(is_build)?.parent();
    up("examples").or_else(of_build).or_else(|| up("deps"))
}

/// A directory with a name that nobody chose, in which CMake or meson tries what the compiler can do: by itself the whole
/// project, so that the next try of the same finds it.
pub fn scratch(directory: &Path) -> Option<&Path> {
    let tries = |path: &&Path| {
        let (name, parent) = (path.file_name().and_then(OsStr::to_str), path.parent());
        let starts = |start: &str| name.is_some_and(|name| name.starts_with(start));
        let parent_is = |name: &str| parent.is_some_and(|parent| parent.ends_with(name));
        starts("TryCompile-") && parent_is("CMakeScratch") || starts("tmp") && parent_is("meson-private")
    };
    directory.ancestors().find(tries)
}

/// Whether it is such a directory, or CMake's for what it asks of a compiler before anything else.
pub fn is_scratch(directory: &Path) -> bool {
    let asks = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with("CompilerId"));
    scratch(directory).is_some()
        || directory.ends_with("CMakeFiles/CMakeTmp")
        || directory.file_name().is_some_and(asks)
}

#[cfg(test)]
pub mod tests;
