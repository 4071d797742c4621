//! Which compiler a command line starts, judged by file names only.

use kiln_action::{Family, Subject};
use names::{CL, CLANG, CLANG_CL, GCC, NOT_C, PASSED_BY};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub mod names;

/// A compiler that kiln knows, and what stands in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// What runs. `cc`, `c++`, `c89` and `c99` are names that any compiler may have: they are taken for gcc until
    /// somebody who can look at the file asks [`family_of`] for the name it really has.
    pub subject: Subject,
    /// The compiler whose toolchain counts, as given.
    pub compiler: PathBuf,
    /// A program between kiln and the compiler (`clippy-driver`, another workspace wrapper), as given.
    pub wrapper: Option<PathBuf>,
    /// How many arguments after the program are not the compiler's.
    pub skip: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Program {
    Rustc,
    ClippyDriver,
    C(Family),
    Script,
}

/// How the name of a build script's executable begins, as cargo's compiles of it call it.
pub(crate) const BUILD_SCRIPT: &str = "build_script_";
/// What is behind the name of the script itself, where a launcher stands in its place.
pub(crate) const BUILD_SCRIPT_BEHIND: &str = ".real";

/// Whether a file of this name is a build script in front of which a launcher stands.
pub fn is_build_script(name: &str) -> bool {
    name.starts_with(BUILD_SCRIPT) && name.ends_with(BUILD_SCRIPT_BEHIND)
}

fn program(name: &OsStr) -> Option<Program> {
    let name = Path::new(name).file_name()?.to_str()?;
    match name.strip_suffix(".exe").unwrap_or(name) {
        "rustc" => Some(Program::Rustc),
        "clippy-driver" => Some(Program::ClippyDriver),
        name if is_build_script(name) => Some(Program::Script),
        name => c_family(name).map(Program::C),
    }
}

/// The family of a compiler by the name that its file really has, after every link is followed (`/usr/bin/cc` leads to
/// `x86_64-linux-gnu-gcc-12`); `None` if it is not one that kiln knows, or the name does not
/// say.
pub fn family_of(real_file_name: &OsStr) -> Option<Family> {
    let name = real_file_name.to_str()?;
    let name = name.strip_suffix(".exe").unwrap_or(name);
    c_family(name).filter(|_| !GENERIC.contains(&bare(name)) && !PASSED_BY.contains(&name))
}

/// Whether a program of this name is rustc.
pub fn is_rustc(name: &OsStr) -> bool {
    program(name) == Some(Program::Rustc)
}

/// Whether a program of this name is clippy's, which is rustc by another name.
pub fn is_clippy_driver(name: &OsStr) -> bool {
    program(name) == Some(Program::ClippyDriver)
}

/// The family of clang called by `name`, which decides whose command line it takes. By clang's own rule
/// (`getTargetAndModeFromProgramName`, clang 14): the end of the name, of the name without a version, and of the name without
/// its last part, whichever says something first.
pub fn speaks(family: Family, name: &OsStr) -> Family {
    if !matches!(family, Family::Clang | Family::ClangCl) {
        return family;
    }
    let name = name.to_str().unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let shorter = unversioned.rsplit_once('-').map_or("", |(shorter, _)| shorter);
    let says = |name: &&str| CLANG_ENDS.iter().any(|end| name.ends_with(end));
    match [name, unversioned, shorter].into_iter().find(says) {
        Some(name) if name.ends_with("cl") => Family::ClangCl,
        _ => Family::Clang,
    }
}

/// What clang looks for at the end of its name.
const CLANG_ENDS: [&str; 6] = ["clang", "++", "cc", "cpp", "cl", "flang"];

/// The name of a compiler that is recognised only to be passed by.
pub(crate) fn passed_by(compiler: &Path) -> Option<&'static str> {
    let name = compiler.file_name()?.to_str()?;
    let name = name.strip_suffix(".exe").unwrap_or(name);
    PASSED_BY.iter().find(|known| **known == name).copied()
}

/// Names that POSIX gives to whatever compiler there is.
const GENERIC: &[&str] = &["cc", "c++", "c89", "c99"];

/// A compiler's name without a version behind.
fn unversioned(name: &str) -> &str {
    let versioned = name.rsplit_once('-').filter(|(_, version)| {
        let digit = |c: char| c.is_ascii_digit() || c == '.';
        version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(digit)
    });
    versioned.map_or(name, |(name, _)| name)
}

/// The same without a target in front.
fn bare(name: &str) -> &str {
    let name = unversioned(name);
    name.rsplit_once('-').map_or(name, |(_, last)| last)
}

/// The rule of names. (The recorder's object has the same, for programs that are about to be executed: preload/names.c.)
fn c_family(name: &str) -> Option<Family> {
    if NOT_C.contains(&name) {
        return None;
    }
    if PASSED_BY.contains(&name) {
        return Some(Family::Gcc);
    }
    if CL.contains(&name) {
        return Some(Family::Msvc);
    }
    let name = unversioned(name);
    let is = |known: &&str| {
        name.strip_suffix(*known).is_some_and(|target| target.is_empty() || target.ends_with('-'))
    };
    let families = [(GCC, Family::Gcc), (CLANG, Family::Clang), (CLANG_CL, Family::ClangCl)];
    families.into_iter().find(|(names, _)| names.iter().any(is)).map(|(_, family)| family)
}

/// Whether `kiln program first_argument …` starts a compiler that kiln knows. Shapes (cargo 1.95; make, CMake, cc-rs):
///
/// * `rustc …`: `RUSTC_WRAPPER`;
/// * `clippy-driver rustc …`: `cargo clippy`, which sets `RUSTC_WORKSPACE_WRAPPER`; the toolchain is rustc's;
/// * `anything /path/rustc …`: another `RUSTC_WORKSPACE_WRAPPER`;
/// * `gcc …`, `clang++-14 …`, `aarch64-linux-gnu-g++ …`, `cc …`;
/// * `clang-cl …`, `clang-cl-14 …`, `cl …`, `cl.exe …`;
/// * `/path/build_script_build-0a1b.real`: a build script, by the launcher that stands in its place.
///
/// A clippy-driver that is run by hand (`clippy-driver src/lib.rs`) takes rustc's arguments itself; the toolchain is
/// that of the `rustc` beside it.
pub fn recognise(name: &OsStr, first_argument: Option<&OsStr>) -> Option<Recognised> {
    let rustc_follows = first_argument.filter(|argument| program(argument) == Some(Program::Rustc));
    let rustc = Subject::Compile(Family::Rustc);
    let recognised = |subject, compiler: PathBuf, wrapper: Option<&OsStr>, skip| {
        Some(Recognised { subject, compiler, wrapper: wrapper.map(PathBuf::from), skip })
    };
    match (program(name), rustc_follows) {
        (Some(Program::C(family)), _) => recognised(Subject::Compile(family), PathBuf::from(name), None, 0),
        (Some(Program::Script), _) => recognised(Subject::BuildScript, PathBuf::from(name), None, 0),
        (Some(Program::Rustc), _) => recognised(rustc, PathBuf::from(name), None, 0),
        (_, Some(compiler)) => recognised(rustc, PathBuf::from(compiler), Some(name), 1),
        (Some(Program::ClippyDriver), None) => {
            let beside = if name.as_encoded_bytes().ends_with(b".exe") { "rustc.exe" } else { "rustc" };
            recognised(rustc, Path::new(name).with_file_name(beside), Some(name), 0)
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
