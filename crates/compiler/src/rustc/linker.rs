//! Whether a linker was seen to write the same bytes into every output directory: which did is in the table of programs.
//!
//! Measured with rustc 1.95: lld (the bundled one and 14), GNU ld 2.40 and mold 1.10 do. gold 1.16 does not: without
//! `-soname`, which rustc passes for dylibs only, it calls the base version of a library with a version script after the
//! output's path.

use crate::programs::{self, ProgramRole};
use std::ffi::OsStr;
use std::path::Path;

/// Whether the program that links is one that was measured, or a compiler that will run the usual linker.
pub fn is_measured(program: &str) -> bool {
    let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
    programs::is_called_like(ProgramRole::MeasuredLinker, name)
}

/// Whether an argument for the linker's driver chooses a linker that was not measured: `-fuse-ld=gold`,
/// `--ld-path=/opt/ld.new`.
pub fn chooses_unmeasured(arguments: &str) -> bool {
    arguments
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("-fuse-ld=").or_else(|| word.strip_prefix("--ld-path=")))
        .any(|program| program != "bfd" && !is_measured(program))
}

/// Whether linking for a target was measured at all; without `--target`, for the system kiln is built for. Elsewhere
/// linkers are known to write paths (Mach-O's object table) or may (PDB).
pub fn is_measured_for(target: Option<&OsStr>) -> bool {
    match target {
        Some(target) => target.to_string_lossy().contains("linux"),
        None => cfg!(target_os = "linux"),
    }
}

#[cfg(test)]
mod tests;
