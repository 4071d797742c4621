//! kiln by a compiler's name: a link called `gcc` or `cc` to this program, earlier on `$PATH` than the compiler. The real one
//! is then the next on the path.

use kiln_action::os::{OsStrExt, is_separator};
use kiln_compiler::cc_rs_links;
use kiln_engine::inputs;
use kiln_sys::env::Environment;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

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
    let environment = Environment::capture();
    let named = cc_rs_links::link(Path::new(arguments.first()?))
        .and_then(|(_, _, variable)| chosen(variable, &environment));
    let mut words = match named {
        Some(words) => words,
        None => vec![inputs::find_program(called, &environment)?.into_os_string()],
    };
    words.extend(arguments.iter().skip(1).cloned());
    Some(words)
}

/// The compiler that the user's own variable names, if it is another: a file, else a program and words for it, as cc-rs
/// reads it.
fn chosen(variable: &str, environment: &Environment) -> Option<Vec<OsString>> {
    let value = environment.get(variable)?;
    let is_path = |name: &OsStr| name.as_bytes().iter().any(|byte| is_separator(*byte));
    let program = |name: &OsStr| match is_path(name) {
        true => inputs::another_program(Path::new(name)),
        false => inputs::find_program(name, environment),
    };
    if is_path(value)
        && let Some(whole) = program(value)
    {
        return Some(vec![whole.into_os_string()]);
    }
    let mut words = value.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let first = program(OsStr::from_bytes(words.next()?)).map(PathBuf::into_os_string)?;
    Some([first].into_iter().chain(words.map(|word| OsStr::from_bytes(word).to_owned())).collect())
}
