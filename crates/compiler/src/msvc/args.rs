//! What was typed: response files expanded, every argument matched with its row of the [`super::table`].

use super::table::{self, Effect, Flag, Takes};
use crate::Context;
use crate::gcc::args::{bare, expand_by};
use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_action::{Family, Reason};
use std::ffi::{OsStr, OsString};

/// One argument, matched.
#[derive(Clone, Debug)]
pub enum Argument {
    /// An option of the table.
    Flag(Given),
    /// An option of clang's own, by gcc's and clang's table; the whole argument.
    OfClang(crate::gcc::table::Match<'static>, OsString),
    /// A source, or something for the linker.
    Input(OsString),
}

/// An option as it was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// The row that the argument matches.
    pub flag: &'static Flag,
    /// Which of the row's names.
    pub name: &'static str,
    /// Its value, where it takes one: the same for `/I x` and `-Ix`. Else the whole argument.
    pub value: OsString,
    /// How it was spelled: messages repeat it.
    pub spelled: Spelled,
}

/// How an option was spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelled {
    /// The byte that the option begins with: `/` or `-`.
    pub mark: u8,
    /// Whether its value was an argument of its own.
    pub apart: bool,
}

/// The arguments with `@file` replaced by the words in it. cl expands none within a file; there nothing is cached.
pub fn expand(context: &Context<'_>, family: Family) -> Result<Vec<OsString>, Reason> {
    expand_by(context, words, family != Family::Msvc)
}

/// The words of a response file, as Windows splits a command line: separated by white space, with `"` around what holds some;
/// of backslashes before a `"` each pair is one, and an odd one makes it a letter; others are letters. `None` where programs
/// differ (`""` within quotes), for files in UTF-16, and where a quote is left open.
fn words(text: &[u8]) -> Option<Vec<OsString>> {
    if text.contains(&0) || text.starts_with(b"\xef\xbb\xbf") || text.starts_with(b"\xff\xfe") {
        return None;
    }
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                let more = text[at..].iter().take_while(|&&byte| byte == b'\\').count();
                let count = more + 1;
                at += more;
                let quote = text.get(at) == Some(&b'"');
                let kept = if quote { count / 2 } else { count };
                let word = word.get_or_insert_default();
                word.extend(std::iter::repeat_n(b'\\', kept));
                if quote && count % 2 == 1 {
                    word.push(b'"');
                    at += 1;
                }
            }
            b'"' if quoted && text.get(at) == Some(&b'"') => return None,
            b'"' => {
                word.get_or_insert_default();
                quoted = !quoted;
            }
            b' ' | b'\t' | b'\n' | b'\r' if !quoted => words.extend(word.take().map(OsString::from_vec)),
            byte => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word.map(OsString::from_vec));
    (!quoted).then_some(words)
}

/// Matches every argument with its row.
pub fn lex(typed: &[OsString], family: Family) -> Result<Vec<Argument>, Reason> {
    let mut lexed = Vec::with_capacity(typed.len());
    let mut rest = typed.iter();
    while let Some(argument) = rest.next() {
        let text = argument.as_bytes();
        if text.len() < 2 || !matches!(text[0], b'-' | b'/') {
            lexed.push(Argument::Input(argument.clone()));
            continue;
        }
        if text == b"--" && family == Family::ClangCl {
            lexed.extend(rest.by_ref().cloned().map(Argument::Input));
            break;
        }
        let Some(found) = table::find(text, family) else {
            lexed.push(unmatched(argument, family)?);
            continue;
        };
        let shown = || argument.to_string_lossy().into_owned();
        if matches!(found.flag.effect, Effect::Uncached) {
            return Err(Reason::UncachedFlag(found.name.to_owned()));
        }
        if matches!(found.flag.effect, Effect::Question) {
            return Err(Reason::Question(found.name.to_owned()));
        }
        let (value, apart) = match (found.flag.takes, found.joined) {
            (_, Some(joined)) => (OsStr::from_bytes(joined).to_owned(), false),
            (Takes::Separate | Takes::Either, None) => match rest.next() {
                Some(value) => (value.clone(), true),
                None => return Err(Reason::BadArguments(format!("{} without a value", shown()))),
            },
            (_, None) => (argument.clone(), false),
        };
        let spelled = Spelled { mark: text[0], apart };
        lexed.push(Argument::Flag(Given { flag: found.flag, name: found.name, value, spelled }));
    }
    Ok(lexed)
}

/// An argument that looks like an option and has no row. clang-cl takes one with `/` for a path where it knows no such option,
/// and so may it be here, if it is one of a source: then another option that nobody knows would only look like it.
fn unmatched(argument: &OsString, family: Family) -> Result<Argument, Reason> {
    let text = argument.as_bytes();
    let unknown = || Reason::UnknownFlag(without_value(&argument.to_string_lossy()));
    if family == Family::Msvc {
        return Err(unknown());
    }
    if text[0] == b'/' {
        let first = text[1..].split(|&byte| byte == b'/').next().unwrap_or_default();
        let is_path = first.len() + 1 < text.len() && !first.iter().any(|byte| b":=".contains(byte));
        return if is_path { Ok(Argument::Input(argument.clone())) } else { Err(unknown()) };
    }
    if !text.starts_with(b"-f") && !text.starts_with(b"-m") {
        return Err(unknown());
    }
    // (what is behind the name counts with the whole argument)
    let found = crate::gcc::table::find(text, Family::Clang).ok_or_else(unknown)?;
    if matches!(found.flag.takes, Takes::Separate | Takes::Either) {
        return Err(Reason::UncachedFlag(found.name.to_owned()));
    }
    let found = crate::gcc::table::Match { flag: found.flag, name: found.name, joined: None };
    Ok(Argument::OfClang(found, argument.clone()))
}

/// An option without its value, so that equal reasons are counted as one.
fn without_value(option: &str) -> String {
    let end = option.find(':').map_or(option.len(), |at| at + 1);
    bare(&option[..end])
}

#[cfg(test)]
mod tests;
