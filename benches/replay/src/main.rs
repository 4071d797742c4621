//! A `RUSTC_WRAPPER` that records every compiler call of one build and then replays it blindly.
//!
//! It looks at no input, so it is right only for an unchanged tree; what it costs is what every wrapper must
//! pay: a process, a look-up, the bytes put in place. `.rlib` files are hashed and hard-linked, the rest is
//! copied, each under a private name that is renamed, so that cargo finds every unit fresh afterwards.
//!
//! - `REPLAY_DIR`: where the records are; keep it on the file system of the target directory.
//! - `REPLAY_MODE`: `record`, `replay` (default) or `off`.
//!
//! Called by another name (a link such as `cc` in front on `PATH`) it stands for the program of that name that is next there,
//! so that C compiles of build scripts are replayed as well.
//!
//! A call without a record runs the compiler and is noted in `$REPLAY_DIR/misses.log`.
#![allow(
    clippy::disallowed_methods,
    reason = "a measuring tool beside kiln: it must not share the code it is compared with"
)]

mod call;
mod fields;
mod outputs;
mod record;
mod restore;

use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use call::Call;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let argv = match masked(&arguments) {
        Some(compiler) => std::iter::once(compiler).chain(arguments.into_iter().skip(1)).collect(),
        None => arguments[1..].to_vec(),
    };
    match serve(&argv) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "kiln-replay: {error}");
            ExitCode::from(254)
        }
    }
}

/// The program that is meant where this one was called by its name.
fn masked(arguments: &[OsString]) -> Option<OsString> {
    let name = Path::new(arguments.first()?).file_name().filter(|name| *name != "kiln-replay")?;
    let own = env::current_exe().ok()?;
    let path = env::var_os("PATH")?;
    let mut candidates = env::split_paths(&path).map(|directory| directory.join(name));
    let is_other = |path: &PathBuf| path.canonicalize().is_ok_and(|real| real.is_file() && real != own);
    candidates.find(is_other).map(PathBuf::into_os_string)
}

/// Answers one call as `REPLAY_MODE` says, and returns the compiler's exit code.
fn serve(argv: &[OsString]) -> io::Result<u8> {
    let mode = env::var_os("REPLAY_MODE").unwrap_or_else(|| "replay".into());
    let Some(store) = env::var_os("REPLAY_DIR").map(PathBuf::from).filter(|_| mode != "off") else {
        return Err(become_compiler(argv));
    };
    let call = Call::new(argv, env::current_dir()?)?;
    let entry = store.join(call.key());
    if mode == "record" {
        return record::record(&call, &entry);
    }
    if let Ok(code) = restore::restore(&entry) {
        return Ok(code);
    }
    note_miss(&store, &call);
    record::run(&call).map(|run| run.code)
}

/// Runs the compiler in this process's place; returns only when that fails.
fn become_compiler(argv: &[OsString]) -> io::Error {
    match argv.split_first() {
        Some((program, rest)) => Command::new(program).args(rest).exec(),
        None => io::Error::new(io::ErrorKind::InvalidInput, "usage: kiln-replay COMPILER [ARGUMENT…]"),
    }
}

/// A miss is worth a line, never a failure.
fn note_miss(store: &Path, call: &Call) {
    let line = format!("{}: {:?}\n", call.cwd.display(), call.argv);
    let log = OpenOptions::new().append(true).create(true).open(store.join("misses.log"));
    let _ = log.and_then(|mut file| file.write_all(line.as_bytes()));
}
