//! kiln by a compiler's name: a link called `gcc` or `cc` to this program, earlier on `$PATH` than the compiler. The real one
//! is then the next on the path.

use kiln_engine::inputs;
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Takes the directories with such links off `$PATH`, for this process and all it starts: a compiler must not find kiln where
/// it looks for its own programs, and kiln must never start itself.
pub fn step_aside() {
    let Ok(Some(own)) = files::stat(Path::new("/proc/self/exe")) else { return };
    let is_own = |path: &Path| {
        files::stat(path).is_ok_and(|it| it.is_some_and(|it| same(&it.identity, &own.identity)))
    };
    env::take_off_path(|directory| ["cc", "gcc", "clang"].iter().any(|name| is_own(&directory.join(name))));
}

fn same(one: &files::Identity, other: &files::Identity) -> bool {
    (one.dev, one.ino) == (other.dev, other.ino)
}

/// The command line that is meant, if this program was called by a compiler's name: the compiler that `$PATH` leads to, and
/// the arguments.
pub fn unmask(arguments: &[OsString]) -> Option<Result<Vec<OsString>, OsString>> {
    let called = Path::new(arguments.first()?).file_name()?;
    if called == "kiln" || kiln_compiler::recognise(called, None).is_none() {
        return None;
    }
    Some(meant(called, arguments).ok_or_else(|| called.to_owned()))
}

fn meant(called: &OsStr, arguments: &[OsString]) -> Option<Vec<OsString>> {
    let compiler = inputs::find_program(called, &Environment::capture())?;
    Some([compiler.into_os_string()].into_iter().chain(arguments.iter().skip(1).cloned()).collect())
}
