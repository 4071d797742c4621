//! Which compiler a command line starts, judged by file names only.

use kiln_action::Family;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A compiler that kiln knows, and what stands in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Whose rules apply.
    pub family: Family,
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
}

fn program(name: &OsStr) -> Option<Program> {
    let name = Path::new(name).file_name()?.to_str()?;
    match name.strip_suffix(".exe").unwrap_or(name) {
        "rustc" => Some(Program::Rustc),
        "clippy-driver" => Some(Program::ClippyDriver),
        _ => None,
    }
}

/// Whether `kiln program first_argument …` starts a compiler that kiln knows. Three shapes (cargo 1.95):
///
/// * `rustc …`: `RUSTC_WRAPPER`;
/// * `clippy-driver rustc …`: `cargo clippy`, which sets `RUSTC_WORKSPACE_WRAPPER`; the toolchain is rustc's;
/// * `anything /path/rustc …`: another `RUSTC_WORKSPACE_WRAPPER`.
///
/// A clippy-driver that is run by hand (`clippy-driver src/lib.rs`) takes rustc's arguments itself; the toolchain is
/// that of the `rustc` beside it.
pub fn recognise(name: &OsStr, first_argument: Option<&OsStr>) -> Option<Recognised> {
    let rustc_follows = first_argument.filter(|argument| program(argument) == Some(Program::Rustc));
    let recognised = |compiler: PathBuf, wrapper: Option<&OsStr>, skip| {
        Some(Recognised { family: Family::Rustc, compiler, wrapper: wrapper.map(PathBuf::from), skip })
    };
    match (program(name), rustc_follows) {
        (Some(Program::Rustc), _) => recognised(PathBuf::from(name), None, 0),
        (_, Some(rustc)) => recognised(PathBuf::from(rustc), Some(name), 1),
        (Some(Program::ClippyDriver), None) => {
            let beside = if name.as_encoded_bytes().ends_with(b".exe") { "rustc.exe" } else { "rustc" };
            recognised(Path::new(name).with_file_name(beside), Some(name), 0)
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
