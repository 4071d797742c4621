//! Links the wrapper statically and without relocations where this machine can: it then starts in half the time, and it
//! starts once for every unit of every build.
//!
//! `-C target-feature=+crt-static` cannot be had from a build script, so the same is said to the linker: a directory that
//! is searched first holds the archives of the C library under the names that rustc asks for. The recipe is tried on a
//! small program first; where it fails (no `libc.a`, another linker, a cross build) the wrapper is linked as usual.
#![allow(clippy::disallowed_methods, reason = "a build script asks the system what it has")]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=KILN_LINK");
    if let Some(flags) = recipe() {
        for flag in flags {
            println!("cargo:rustc-link-arg-bin=kiln={flag}");
        }
    }
}

/// The arguments for the linker, if they work here. `KILN_LINK=plain` switches it off.
fn recipe() -> Option<Vec<String>> {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let fits = is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && env::var("HOST").ok() == env::var("TARGET").ok()
        && !env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|features| features.contains("crt-static"))
        && !is("KILN_LINK", "plain");
    if !fits {
        return None;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR")?);
    let archives = out.join("archives");
    fs::create_dir_all(&archives).ok()?;
    let cc = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let libc = archive(&cc, "libc.a")?;
    for name in ["c", "m", "rt", "pthread", "util", "dl"] {
        let path = archive(&cc, &format!("lib{name}.a"))?;
        fs::write(archives.join(format!("lib{name}.a")), format!("INPUT(\"{path}\")\n")).ok()?;
    }
    let (unwinder, builtins) = (archive(&cc, "libgcc_eh.a")?, archive(&cc, "libgcc.a")?);
    let group = format!("GROUP(\"{unwinder}\" \"{builtins}\" \"{libc}\")\n");
    fs::write(archives.join("libgcc_s.a"), group).ok()?;
    let flags = vec![format!("-L{}", archives.to_str()?), "-static".into(), "-no-pie".into()];
    works(&out, &flags).then_some(flags)
}

/// Where the C compiler keeps a library; it echoes the name of one that it does not have.
fn archive(cc: &OsString, name: &str) -> Option<String> {
    let output = Command::new(cc).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Path::new(&path).is_absolute().then_some(path)
}

/// Whether a small program that is linked this way runs.
fn works(out: &Path, flags: &[String]) -> bool {
    let (source, program) = (out.join("trial.rs"), out.join("trial"));
    let text = "fn main() { std::thread::spawn(|| std::process::id()).join().unwrap(); }\n";
    if fs::write(&source, text).is_err() {
        return false;
    }
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.arg(&source).arg("-o").arg(&program).args(["--edition=2024", "-C", "panic=abort"]);
    let given = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(given.split('\u{1f}').filter(|flag| !flag.is_empty()));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut flag = OsString::from("linker=");
        flag.push(linker);
        rustc.arg("-C").arg(flag);
    }
    for flag in flags {
        rustc.arg("-C").arg(format!("link-arg={flag}"));
    }
    let quiet = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    quiet(&mut rustc) && quiet(&mut Command::new(program))
}
