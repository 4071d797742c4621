//! The table of options of clang-cl and cl: one row each (or for all that do the same), as in [`crate::gcc::table`], whose
//! words it uses. docs/key/msvc.md is generated from it.
//!
//! A name with `/` may be typed with `-` as well; one with `-` is clang's own and has that form only. It is an allow-list: an
//! option that has no row makes the compile run unchanged, and the reason names it. clang-cl's options are those of clang 14,
//! which was asked for all of them what they take (`tests/gcc/clang_cl.rs` does it again); cl's are those of its
//! documentation (Visual Studio 2022), and were never run.

mod code;
mod input;
mod output;

pub use crate::flags::{Shows, Takes};

use crate::flags::{self, key, key_value, own, path, question, uncached};
use kiln_action::Family;

/// Options with a meaning of their own. Each is read in [`super::inputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// `/c`.
    Compile,
    /// `/Fo`, `/o`.
    Object,
    /// `/FA`, `/Fa`.
    Listing,
    /// `/TC`, `/TP`.
    Language,
    /// `/Tc`, `/Tp`.
    Source,
    /// `/clang:`.
    Clang,
    /// `-Xclang`.
    Frontend,
    /// `-mllvm`.
    Llvm,
    /// `--target=`.
    Target,
    /// `--driver-mode=`.
    DriverMode,
    /// `/I`, which is not a directory where it is `-`.
    Include,
    /// `/Fd`: that it is given counts, its value does not.
    Database,
    /// `/fsanitize`, `/arch:` and others that may ask for the processor.
    Machine,
}

/// What an option does to the key.
pub type Effect = flags::Effect<Own>;
/// One row of the table of clang-cl and cl.
pub type Flag = flags::Flag<Own>;
/// An argument matched with its row.
pub type Match<'a> = flags::Match<'a, Own>;

/// All rows, in the order of the page.
pub fn rows() -> impl Iterator<Item = &'static Flag> {
    sections().into_iter().flat_map(|(_, rows)| rows)
}

/// The rows with the titles they stand under.
pub fn sections() -> [(&'static str, &'static [Flag]); 3] {
    [
        ("What is read", input::ROWS),
        ("Outputs and messages", output::ROWS),
        ("Code, warnings and the driver", code::ROWS),
    ]
}

/// The row of an argument: of all that fit the one with the longest name, as both compilers do it.
pub fn find(argument: &[u8], family: Family) -> Option<Match<'_>> {
    let (&mark, typed) = argument.split_first()?;
    let &letter = typed.first()?;
    let mut found: Option<(usize, Match<'_>)> = None;
    for flag in rows().filter(|flag| flag.only.is_none_or(|only| only == family)) {
        for name in flag.names {
            let (own, known) = (name.as_bytes()[0], &name.as_bytes()[1..]);
            if known[0] != letter || own == b'-' && mark != b'-' {
                continue;
            }
            let Some(rest) = typed.strip_prefix(known) else { continue };
            let joined = match flag.takes {
                Takes::Nothing | Takes::Separate | Takes::Feature if !rest.is_empty() => continue,
                Takes::Joined => Some(rest),
                Takes::Either if !rest.is_empty() => Some(rest),
                _ => None,
            };
            if found.is_none_or(|(longest, _)| longest < known.len()) {
                found = Some((known.len(), Match { flag, name, joined }));
            }
        }
    }
    found.map(|(_, found)| found)
}

#[cfg(test)]
mod tests;
