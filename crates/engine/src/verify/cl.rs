//! A clang-cl compile with its outputs elsewhere. What names them stands in front, since behind `--` everything is a source.

use super::c::Moved;
use kiln_action::os::OsStrExt;
use kiln_action::{Family, Invocation, Place, Places};
use kiln_compiler::msvc::args::{Argument, Given, lex};
use kiln_compiler::msvc::table::{Effect, Own};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The arguments with every output below `out`; `None` where outputs may be named in a file of words, or the target of the rule
/// for make cannot be told.
pub fn moved(args: &[OsString], invocation: &Invocation, out: &Path) -> Option<Moved> {
    if args.iter().any(|argument| argument.as_bytes().starts_with(b"@")) {
        return None;
    }
    let files = &invocation.outputs.files;
    let beside = |file: &Path| {
        let directory = if invocation.depfile.as_deref() == Some(file) { "rule" } else { "main" };
        out.join(directory).join(file.file_name().unwrap_or_default())
    };
    let named = |option: &str, file: &Path| {
        let mut word = OsString::from(option);
        word.push(beside(file));
        word
    };
    let Kept { args: kept, called, has_target } = kept(args)?;
    let mut moved = vec![named("/Fo", files.first()?)];
    let listing = files.iter().skip(1).find(|file| invocation.depfile.as_ref() != Some(*file));
    moved.extend(listing.map(|listing| named("/Fa", listing)));
    if let Some(depfile) = &invocation.depfile {
        moved.push(named("/clang:-MF", depfile));
        if !has_target {
            // (a directory, or a name without an ending, would be another target)
            let called =
                called.filter(|it| !it.as_bytes().ends_with(b"/") && Path::new(it).extension().is_some())?;
            let mut word = OsString::from("/clang:");
            word.push(called);
            moved.extend(["/clang:-MQ".into(), word]);
        }
    }
    moved.extend(kept);
    let mut places = Places::new();
    for (place, root) in invocation.places.roots() {
        match place {
            Place::Output(number) => places.add(*place, &beside(files.get(usize::from(*number))?)),
            _ => places.add(*place, root),
        }
    }
    Some(Moved { args: moved, places, directories: vec![out.join("main"), out.join("rule")] })
}

/// A command line without the names of its outputs.
struct Kept {
    args: Vec<OsString>,
    /// The object as it is called.
    called: Option<OsString>,
    /// Whether the rule's target is given.
    has_target: bool,
}

fn kept(args: &[OsString]) -> Option<Kept> {
    let end = args.iter().position(|argument| argument == "--").unwrap_or(args.len());
    let mut words = args[..end].iter();
    let mut kept = Kept { args: Vec::with_capacity(args.len()), called: None, has_target: false };
    let mut depfile_follows = false;
    for argument in lex(&args[..end], Family::ClangCl).ok()? {
        let first = words.next()?;
        let second = match &argument {
            Argument::Flag(Given { spelled, .. }) if spelled.apart => words.next(),
            _ => None,
        };
        let dropped = match argument {
            Argument::Flag(Given { flag, name, value, .. }) => match flag.effect {
                Effect::Own(Own::Object) => {
                    kept.called = Some(value);
                    true
                }
                Effect::Own(Own::Listing) => name == "/Fa",
                Effect::Own(Own::Clang) => {
                    let rule = value.as_bytes().starts_with(b"-MF");
                    kept.has_target |=
                        [&b"-MT"[..], b"-MQ"].iter().any(|it| value.as_bytes().starts_with(it));
                    std::mem::replace(&mut depfile_follows, rule && value == OsStr::new("-MF")) || rule
                }
                _ => false,
            },
            _ => false,
        };
        if !dropped {
            kept.args.extend([Some(first), second].into_iter().flatten().cloned());
        }
    }
    kept.args.extend(args[end..].iter().cloned());
    Some(kept)
}

#[cfg(test)]
mod tests;
