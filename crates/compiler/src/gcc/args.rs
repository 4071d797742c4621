//! What was typed: response files expanded, every argument matched with its row of the [`super::table`].
//!
//! Unlike rustc's, these arguments are bytes.

use super::table::{self, Flag, Takes};
use crate::Context;
use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_action::{Family, Reason};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// One argument, matched.
#[derive(Clone, Debug)]
pub enum Argument {
    /// An option of the table.
    Flag(Given),
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
    /// Its value, where it takes one: the same for `-I x` and `-Ix`. Else the whole argument.
    pub value: OsString,
}

/// How deep and how often response files may name each other (gcc gives up after 2000).
const MOST_FILES: usize = 100;

/// The arguments with `@file` replaced by the words in it, wherever it stands and also inside such a file (gcc's
/// `expandargv`, clang's `ExpandResponseFiles`). The words count, not the file's name. A file that cannot be read leaves
/// the argument as it is; both compilers then take it for an input.
pub fn expand(context: &Context<'_>) -> Result<Vec<OsString>, Reason> {
    expand_by(context, words, true)
}

/// The same where a file is split into words in another way, or where one in a file is not read.
pub(crate) fn expand_by(
    context: &Context<'_>,
    words: fn(&[u8]) -> Option<Vec<OsString>>,
    nests: bool,
) -> Result<Vec<OsString>, Reason> {
    let mut expanded = Vec::with_capacity(context.args.len());
    let mut left: Vec<(OsString, bool)> =
        context.args.iter().rev().map(|argument| (argument.clone(), false)).collect();
    let mut files = 0;
    while let Some((argument, in_file)) = left.pop() {
        let Some(name) = argument.as_bytes().strip_prefix(b"@") else {
            expanded.push(argument);
            continue;
        };
        files += 1;
        if files > MOST_FILES {
            return Err(Reason::BadArguments("response files without end".to_owned()));
        }
        let unclear = || Reason::UncachedFlag(argument.to_string_lossy().into_owned());
        if in_file && !nests {
            return Err(unclear());
        }
        match (context.response)(Path::new(OsStr::from_bytes(name))) {
            Some(bytes) => {
                let words = words(&bytes).ok_or_else(unclear)?;
                left.extend(words.into_iter().rev().map(|word| (word, true)));
            }
            None => expanded.push(argument),
        }
    }
    Ok(expanded)
}

/// The words of a response file: separated by white space, with `'` and `"` around what holds some, and `\` before what is
/// meant as it is. `None` where compilers differ: a backslash within quotes before anything but a quote or a backslash
/// (gcc 15 and clang keep some that gcc 12 drops), one at the end of a line, a file in UTF-16.
fn words(text: &[u8]) -> Option<Vec<OsString>> {
    if text.contains(&0) || text.starts_with(b"\xef\xbb\xbf") || text.starts_with(b"\xff\xfe") {
        return None;
    }
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        match (quote, byte) {
            (Some(open), close) if open == close => quote = None,
            (Some(open), b'\\') => {
                let next = rest.next().filter(|next| open == b'"' && matches!(next, b'"' | b'\\'))?;
                word.get_or_insert_default().push(next);
            }
            (None, b'\\') => {
                let next = rest.next().filter(|next| !matches!(next, b'\n' | b'\r'))?;
                word.get_or_insert_default().push(next);
            }
            (None, b'\'' | b'"') => {
                word.get_or_insert_default();
                quote = Some(byte);
            }
            (None, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => {
                words.extend(word.take().map(OsString::from_vec));
            }
            (_, byte) => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word.map(OsString::from_vec));
    quote.is_none().then_some(words)
}

/// Matches every argument with its row.
pub fn lex(typed: &[OsString], family: Family) -> Result<Vec<Argument>, Reason> {
    let mut lexed = Vec::with_capacity(typed.len());
    let mut rest = typed.iter();
    while let Some(argument) = rest.next() {
        let text = argument.as_bytes();
        if text == b"-" || !text.starts_with(b"-") {
            lexed.push(Argument::Input(argument.clone()));
            continue;
        }
        let shown = || argument.to_string_lossy().into_owned();
        let found = table::find(text, family).ok_or_else(|| Reason::UnknownFlag(bare(&shown())))?;
        if matches!(found.flag.effect, table::Effect::Uncached) {
            return Err(Reason::UncachedFlag(bare(&shown())));
        }
        if matches!(found.flag.effect, table::Effect::Question) {
            return Err(Reason::Question(bare(&shown())));
        }
        let value = match (found.flag.takes, found.joined) {
            (_, Some(joined)) => OsStr::from_bytes(joined).to_owned(),
            (Takes::Separate | Takes::Either, None) => match rest.next() {
                Some(value) => value.clone(),
                None => return Err(Reason::BadArguments(format!("{} without a value", shown()))),
            },
            (_, None) => argument.clone(),
        };
        lexed.push(Argument::Flag(Given { flag: found.flag, name: found.name, value }));
    }
    Ok(lexed)
}

/// An option without its value, so that equal reasons are counted as one.
pub(crate) fn bare(option: &str) -> String {
    option.split_inclusive('=').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
