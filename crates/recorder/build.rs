//! Compiles the preload object with the machine's C compiler, so that a plain `cargo install` brings it along.
#![allow(clippy::disallowed_methods)] // A build script is a tool of the build, not part of the product.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: &str = "preload";
const LAUNCHER: &str = "launcher/launcher.c";
const HARMLESS: &str = "src/harmless.txt";

/// Flags that make the object freestanding: it may need nothing of a libc, not even its start files. The compiler must
/// not turn our loops into calls of the functions they define, and a user's CFLAGS must not bring in a runtime.
const FLAGS: &[&str] = &[
    "-std=gnu11",
    "-O2",
    "-g0",
    "-fPIC",
    "-ffreestanding",
    "-fno-builtin",
    "-fvisibility=hidden",
    "-fno-stack-protector",
    "-fno-lto",
    "-U_FORTIFY_SOURCE",
    "-Wall",
    "-Wextra",
];

/// Flags that only some compilers know.
const OPTIONAL_FLAGS: &[&str] = &[
    "-fno-sanitize=all",
    "-fno-profile-arcs",
    "-fno-tree-loop-distribute-patterns",
    "-mno-outline-atomics",
    "-fcf-protection=full",
    "-ffile-prefix-map=preload=kiln",
];

const LINK_FLAGS: &[&str] = &[
    "-shared",
    "-nostdlib",
    "-s",
    "-Wl,-z,now",
    // Before the constructors of all libraries, which ask things too. (Other loaders ignore it.)
    "-Wl,-z,initfirst",
    "-Wl,-z,noexecstack",
    // Two mappings instead of five: loading the object is most of what recording a short process costs.
    "-Wl,-z,noseparate-code",
    "-Wl,-z,norelro",
    "-Wl,--hash-style=gnu",
    "-Wl,--build-id=none",
];

/// The launcher is a program without libc, and without a place of its own in memory so that it needs no relocation.
const LAUNCHER_FLAGS: &[&str] = &[
    "-static",
    "-nostdlib",
    "-nostartfiles",
    "-fno-pie",
    "-no-pie",
    "-s",
    "-Wl,-z,noseparate-code",
    "-Wl,-z,noexecstack",
    "-Wl,--build-id=none",
];

fn main() {
    println!("cargo:rerun-if-changed={SOURCES}");
    println!("cargo:rerun-if-changed={LAUNCHER}");
    println!("cargo:rerun-if-changed={HARMLESS}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let (object, launcher) = (out.join("preload.so"), out.join("launcher"));
    if supported() {
        compile(&object, LINK_FLAGS, &sources());
        compile(&launcher, LAUNCHER_FLAGS, &[PathBuf::from(LAUNCHER)]);
    } else {
        fs::write(&object, b"").expect("the build directory is writable");
        fs::write(&launcher, b"").expect("the build directory is writable");
    }
    let content = fs::read(&object).expect("the object was just written");
    println!("cargo:rustc-env=KILN_PRELOAD_DIGEST={:016x}", digest(&content));
    let known = [content, fs::read(HARMLESS).expect("the table is beside the sources")].concat();
    println!("cargo:rustc-env=KILN_KNOWN_DIGEST={:016x}", digest(&known));
}

fn supported() -> bool {
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    target("OS") == "linux"
        && target("POINTER_WIDTH") == "64"
        && target("ENDIAN") == "little"
        && matches!(target("ARCH").as_str(), "x86_64" | "aarch64")
}

fn compile(to: &Path, link_flags: &[&str], sources: &[PathBuf]) {
    let mut build = cc::Build::new();
    build.no_default_flags(true).cargo_metadata(false).opt_level(2).warnings(false);
    for flag in OPTIONAL_FLAGS {
        build.flag_if_supported(flag);
    }
    let mut command = build.get_compiler().to_command();
    command.args(FLAGS).args(link_flags);
    let status = command.arg("-o").arg(to).args(sources).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("the C compiler could not build {}: {command:?}: {status}", to.display()),
        Err(error) => panic!("the C compiler {command:?} does not run: {error}"),
    }
}

/// In order of their names, so that the object is the same every time.
fn sources() -> Vec<PathBuf> {
    let listing = fs::read_dir(SOURCES).expect("the sources are beside the build script");
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.expect("readable directory").path()).collect();
    paths.retain(|path| path.extension() == Some(OsStr::new("c")));
    paths.sort();
    paths
}

/// FNV-1a, to name the object's file by what is in it. The content is compared before it is used, so that the name
/// need not be proof against forgery.
fn digest(content: &[u8]) -> u64 {
    content
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
