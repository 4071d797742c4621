//! What was typed: response files expanded, every argument matched with its row of the [`super::table`].
//!
//! The rules are those of rustc 1.95, which parses with `getopts`: options and inputs in any order, `--` ends the
//! options, `--name value` and `--name=value` are the same, in a cluster of short flags (`-gO`) the first one that takes
//! a value takes the rest of the word. rustc refuses arguments that are not UTF-8 ("argument is not valid Unicode"), so
//! from here on they are text.

use super::table::{self, Flag, Takes};
use crate::{Context, recognise};
use kiln_action::Reason;
use std::ops::Range;
use std::path::Path;

/// One argument, matched.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A flag of the table, with its value if it takes one. For `-C` and `-Z` options the value is what follows the
    /// option's own `=`.
    Flag(&'static Flag, Option<String>),
    /// The source.
    Input(String),
}

/// A command line with the lines of files in their places.
#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    /// All arguments behind the program's name, in order.
    pub words: Vec<String>,
    /// Which of them stood in files, where that counts.
    pub files: Vec<Range<usize>>,
}

/// How a file of arguments is named in reasons: its own name is another each time.
pub const IN_A_FILE: &str = "@file";

/// The arguments with response files replaced by their lines (`@path`: one argument a line, not recursive, in any
/// position, also behind `--`; rustc reference, "Command-line arguments: @path", and measured with rustc 1.95, which takes
/// a line `@inner` for a source). Their content counts, not their name.
///
/// A program in front of rustc sees the name and not the lines. What clippy-driver (1.95) looks for before it expands (`--cap-lints`,
/// `--sysroot`) hangs on where the lines stand, which counts behind it; behind any other nothing is cached.
pub fn expand(context: &Context<'_>, wrapper: Option<&Path>) -> Result<Typed, Reason> {
    let mut expanded = Vec::with_capacity(context.args.len());
    let mut files = Vec::new();
    let knows_none = wrapper.is_some_and(|wrapper| !recognise::is_clippy_driver(wrapper.as_os_str()));
    for argument in context.args {
        let Some(text) = argument.to_str() else {
            return Err(Reason::BadArguments("one is not UTF-8".to_owned()));
        };
        let Some(file) = text.strip_prefix('@') else {
            expanded.push(text.to_owned());
            continue;
        };
        if knows_none {
            return Err(Reason::UncachedFlag(IN_A_FILE.to_owned()));
        }
        let bytes = (context.response)(Path::new(file))
            .ok_or_else(|| Reason::BadArguments("a file of arguments cannot be read".to_owned()))?;
        let lines = String::from_utf8(bytes)
            .map_err(|_| Reason::BadArguments("a file of arguments is not UTF-8".to_owned()))?;
        let first = expanded.len();
        expanded.extend(lines.lines().map(str::to_owned));
        files.push(first..expanded.len());
    }
    files.retain(|_| wrapper.is_some());
    Ok(Typed { words: expanded, files })
}

/// Matches every argument with its row.
pub fn lex(typed: &[String]) -> Result<Vec<Argument>, Reason> {
    let mut lexed = Vec::with_capacity(typed.len());
    let mut rest = typed.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            lexed.extend(rest.by_ref().map(|input| Argument::Input(input.clone())));
        } else if let Some(long) = argument.strip_prefix("--") {
            lexed.push(lex_long(long, &mut rest)?);
        } else if let Some(cluster) = argument.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            lex_cluster(cluster, &mut rest, &mut lexed)?;
        } else {
            lexed.push(Argument::Input(argument.clone()));
        }
    }
    check_repetition(&lexed)?;
    Ok(lexed)
}

fn next_value<'a>(name: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<String, Reason> {
    rest.next().cloned().ok_or_else(|| Reason::BadArguments(format!("{name} without a value")))
}

fn lex_long<'a>(long: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<Argument, Reason> {
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (long, None),
    };
    if let Some(group) = table::group(name) {
        let value = match value {
            Some(value) => value,
            None => next_value(long, rest)?,
        };
        return lex_grouped(group, &value);
    }
    let flag = table::long(name).ok_or_else(|| Reason::UnknownFlag(format!("--{name}")))?;
    let value = match (flag.takes, value) {
        (Takes::Nothing, Some(_)) => return Err(Reason::BadArguments(format!("--{name} takes no value"))),
        (Takes::Nothing, None) => None,
        (_, Some(value)) => Some(value),
        (_, None) => Some(next_value(&format!("--{name}"), rest)?),
    };
    Ok(Argument::Flag(flag, value))
}

fn lex_cluster<'a>(
    cluster: &str,
    rest: &mut impl Iterator<Item = &'a String>,
    lexed: &mut Vec<Argument>,
) -> Result<(), Reason> {
    for (at, letter) in cluster.char_indices() {
        let tail = &cluster[at + letter.len_utf8()..];
        let value = |rest: &mut _| match tail {
            "" => next_value(&format!("-{letter}"), rest),
            tail => Ok(tail.to_owned()),
        };
        if matches!(letter, 'C' | 'Z') {
            let value = value(rest)?;
            lexed.push(lex_grouped(letter, &value)?);
            return Ok(());
        }
        let flag = table::short(letter).ok_or_else(|| Reason::UnknownFlag(format!("-{letter}")))?;
        if flag.takes == Takes::Nothing {
            lexed.push(Argument::Flag(flag, None));
        } else {
            lexed.push(Argument::Flag(flag, Some(value(rest)?)));
            return Ok(());
        }
    }
    Ok(())
}

/// `name` or `name=value` after `-C` or `-Z`. rustc takes `_` for `-` in the name.
fn lex_grouped(group: char, option: &str) -> Result<Argument, Reason> {
    let (name, value) = match option.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (option, None),
    };
    match table::grouped(group, &name.replace('_', "-")) {
        Some(flag) => Ok(Argument::Flag(flag, value)),
        None => Err(Reason::UnknownFlag(format!("-{group} {name}"))),
    }
}

/// rustc refuses a flag that is given twice and may stand once only; so does this, to be of one mind with it.
fn check_repetition(lexed: &[Argument]) -> Result<(), Reason> {
    for (at, argument) in lexed.iter().enumerate() {
        let Argument::Flag(flag, _) = argument else { continue };
        let same =
            |other: &Argument| matches!(other, Argument::Flag(known, _) if std::ptr::eq(*known, *flag));
        if !flag.repeats && lexed[..at].iter().any(same) {
            return Err(Reason::BadArguments(format!("{} given twice", flag.spelled())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
