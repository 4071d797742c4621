//! Files that hold arguments (`@file`): read for their words, and never so that somebody waits or notices.

use kiln_action::FileKind;
use kiln_action::os::OsStrExt;
use kiln_sys::files;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The longest that is looked at.
const LONGEST: u64 = 16 << 20;

/// What is in a file of arguments. A pipe can be read once only, and is the compiler's.
pub fn content(path: &Path) -> Option<Vec<u8>> {
    let stat = files::stat(path).ok()??;
    if stat.kind != FileKind::File || stat.identity.size > LONGEST {
        return None;
    }
    files::read_limited(path, LONGEST).ok()
}

/// A command line of rustc's with the lines of such files in the place of their names, for whatever else is to be learnt from it: cargo
/// writes all arguments into a file where a command line would be too long.
pub fn words<'a>(argv: &'a [OsString], directory: &Path) -> Cow<'a, [OsString]> {
    let file = |argument: &OsString| -> Option<Vec<u8>> {
        let name = argument.as_bytes().strip_prefix(b"@")?;
        content(&directory.join(OsStr::from_bytes(name)))
    };
    if !argv.iter().any(|argument| argument.as_bytes().starts_with(b"@")) {
        return Cow::Borrowed(argv);
    }
    let mut words = Vec::with_capacity(argv.len());
    for argument in argv {
        match file(argument).map(String::from_utf8) {
            Some(Ok(text)) => words.extend(text.lines().map(OsString::from)),
            _ => words.push(argument.clone()),
        }
    }
    Cow::Owned(words)
}
