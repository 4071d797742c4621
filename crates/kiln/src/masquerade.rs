//! kiln by a compiler's name: a link called `gcc` or `cc` to this program, earlier on `$PATH` than the compiler. The real one
//! is then the next on the path.

use kiln_engine::inputs;
use kiln_sys::env::Environment;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The command line that is meant, if this program was called by a compiler's name: the compiler that `$PATH` leads to, and
/// the arguments; else the name for which there is no compiler.
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
