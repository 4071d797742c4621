//! Which linkers were seen to write the same bytes into every output directory.
//!
//! Measured with rustc 1.95: lld (the bundled one and 14), GNU ld 2.40 and mold 1.10 do. gold 1.16 does not: without
//! `-soname`, which rustc passes for dylibs only, it calls the base version of a library with a version script after the
//! output's path.

use std::ffi::OsStr;
use std::path::Path;

/// Compiler drivers and linkers, by the end of their names: cross compilers have the target in front
/// (`aarch64-linux-gnu-gcc`), many have a version behind (`clang-19`).
const MEASURED: &[&str] =
    &["cc", "gcc", "g++", "clang", "clang++", "ld", "ld.bfd", "lld", "ld.lld", "rust-lld", "mold", "ld.mold"];

/// Whether the program that links is one that was measured, or a compiler that will run the usual linker.
pub fn is_measured(program: &str) -> bool {
    let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    MEASURED.iter().any(|known| match unversioned.strip_suffix(known) {
        Some(front) => front.is_empty() || front.ends_with('-'),
        None => false,
    })
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
