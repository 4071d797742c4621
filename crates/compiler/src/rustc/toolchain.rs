//! Which files make up a toolchain: where to look, never what is there. The caller lists and digests.
//!
//! Two layouts are known: rustup's and rust-lang.org's archives (`<sysroot>/bin/rustc`, `<sysroot>/lib`), and
//! distributions' (`/usr/bin/rustc`, the driver in `/usr/lib/<multiarch>`, libraries in `/usr/lib/rustlib`). In both, a
//! program called rustc without a `librustc_driver` near it (a rustup proxy, a shell script) is not a toolchain.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A set of files of which a toolchain consists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where to look. A directory that does not exist holds nothing.
    pub directory: PathBuf,
    /// Which files in the directory belong to the toolchain.
    pub names: Names,
    /// Whether without a single such file this is not a toolchain at all. Of several such parts one must hold a file.
    pub essential: bool,
}

/// Which files of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Every file, in all directories below.
    Everything,
    /// Files in the directory itself whose names begin with one of these.
    Beginning(&'static [&'static str]),
    /// The same, in the directory and in each directory directly in it (`/usr/lib/x86_64-linux-gnu`).
    BeginningBelow(&'static [&'static str]),
    /// One file.
    One(&'static str),
}

impl Names {
    /// Whether a file in the right directory belongs to the part.
    pub fn hold(&self, name: &OsStr) -> bool {
        let begins = |prefixes: &[&str]| {
            prefixes.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        };
        match self {
            Names::Everything => true,
            Names::Beginning(prefixes) | Names::BeginningBelow(prefixes) => begins(prefixes),
            Names::One(only) => name == *only,
        }
    }
}

const DRIVER: &[&str] = &["librustc_driver", "rustc_driver"];
const LIBRARIES: &[&str] = &["libLLVM", "LLVM", "libstd-", "std-", "libtest-", "test-", "librustc", "rustc"];

/// The root of the toolchain that `rustc` belongs to. The path must be canonical: a rustup proxy is a link to `rustup`
/// and so is recognised by its name.
pub fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let name = rustc.file_name()?.to_str()?;
    let version = name.strip_suffix(".exe").unwrap_or(name).strip_prefix("rustc")?;
    // distributions keep several: rustc-1.85
    let is_rustc = version.is_empty()
        || (version.starts_with('-') && version[1..].bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    let bin = rustc.parent().filter(|bin| bin.ends_with("bin"))?;
    is_rustc.then(|| bin.parent().map(Path::to_owned))?
}

/// Where the directories of targets are: each is called by its triple.
pub fn targets(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib")
}

/// The triple of the host, from the names in [`targets`]: the one that the toolchain's directory is called after
/// (`stable-x86_64-unknown-linux-gnu`), or the only one. Names without a dash are not triples.
pub fn host<'a>(sysroot: &Path, names: &[&'a str]) -> Option<&'a str> {
    let toolchain = sysroot.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let triples: Vec<&str> =
        names.iter().copied().filter(|name| name.contains('-') && !name.starts_with("manifest-")).collect();
    let called = triples.iter().find(|triple| {
        toolchain.strip_suffix(**triple).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
    });
    match (called, triples.as_slice()) {
        (Some(triple), _) => Some(triple),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// The parts of the toolchain of `rustc` for a target. Without `host` (where it is not known) every target's directory
/// belongs to it. `target` is what `--target` says; a specification in a file has no directory.
pub fn parts(sysroot: &Path, host: Option<&str>, target: Option<&OsStr>) -> Vec<Part> {
    let bin = sysroot.join("bin");
    let lib = sysroot.join("lib");
    let part =
        |directory: &Path, names, essential| Part { directory: directory.to_owned(), names, essential };
    let mut parts = vec![
        part(&lib, Names::BeginningBelow(DRIVER), true),
        part(&bin, Names::Beginning(DRIVER), true),
        part(&sysroot.join("lib64"), Names::Beginning(DRIVER), true),
        part(&lib, Names::BeginningBelow(LIBRARIES), false),
        part(&bin, Names::Beginning(LIBRARIES), false),
        part(&sysroot.join("lib64"), Names::Beginning(LIBRARIES), false),
    ];
    let Some(host) = host else {
        parts.push(part(&targets(sysroot), Names::Everything, false));
        return parts;
    };
    let of_host = targets(sysroot).join(host);
    for directory in ["lib", "bin", "codegen-backends"] {
        parts.push(part(&of_host.join(directory), Names::Everything, false));
    }
    if let Some(target) = target.filter(|target| *target != host && Path::new(target).extension().is_none()) {
        let of_target = targets(sysroot).join(target);
        for directory in ["lib", "bin"] {
            parts.push(part(&of_target.join(directory), Names::Everything, false));
        }
    }
    parts
}

#[cfg(test)]
mod tests;
