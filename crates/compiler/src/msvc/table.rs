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

pub use crate::gcc::table::{Shows, Takes};

use kiln_action::Family;
use std::fmt;

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
    /// `/fsanitize`, `/arch:` and others that may ask for the processor.
    Machine,
}

/// What an option does to the key.
#[derive(Clone, Copy)]
pub enum Effect {
    /// Counts literally, in order.
    Key,
    /// Counts, and its value is a path: below the project it counts by place.
    Path,
    /// That it is given counts; its value does not.
    Given,
    /// Not cached.
    Uncached,
    /// Asks the compiler something, and compiles nothing.
    Question,
    /// Has a meaning of its own.
    Own(Own),
}

/// One row.
pub struct Flag {
    /// The names, with their marks, all with the same meaning or the same effect.
    pub names: &'static [&'static str],
    /// What follows.
    pub takes: Takes,
    /// The one family that knows it, or in which it has this effect.
    pub only: Option<Family>,
    /// What it does to the key.
    pub effect: Effect,
    /// What it lets outputs show.
    pub shows: Shows,
    /// Whether an output's bytes depend on the output's name, so that the name counts.
    pub named: bool,
    /// What that means; a sentence.
    pub doc: &'static str,
    /// The behaviour on which it rests.
    pub rests: &'static str,
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names[0])
    }
}

impl Flag {
    const fn new(names: &'static [&'static str], takes: Takes, effect: Effect) -> Flag {
        let shows = Shows::Nothing;
        Flag { names, takes, only: None, effect, shows, named: false, doc: "Counts.", rests: "" }
    }

    const fn only(self, family: Family) -> Flag {
        Flag { only: Some(family), ..self }
    }

    const fn shows(self, shows: Shows) -> Flag {
        Flag { shows, ..self }
    }

    const fn named(self) -> Flag {
        Flag { named: true, ..self }
    }

    const fn says(self, doc: &'static str, rests: &'static str) -> Flag {
        Flag { doc, rests, ..self }
    }

    /// For rows that only count.
    const fn for_(self, rests: &'static str) -> Flag {
        Flag { rests, ..self }
    }
}

const fn key(names: &'static [&'static str]) -> Flag {
    Flag::new(names, Takes::Nothing, Effect::Key)
}

const fn key_value(names: &'static [&'static str], takes: Takes) -> Flag {
    Flag::new(names, takes, Effect::Key)
}

const fn path(names: &'static [&'static str], takes: Takes) -> Flag {
    Flag { doc: "Counts as a path, in order.", ..Flag::new(names, takes, Effect::Path) }
}

const fn own(names: &'static [&'static str], takes: Takes, own: Own) -> Flag {
    Flag::new(names, takes, Effect::Own(own))
}

const fn uncached(names: &'static [&'static str], takes: Takes, rests: &'static str) -> Flag {
    Flag { doc: "Not cached.", rests, ..Flag::new(names, takes, Effect::Uncached) }
}

const fn question(names: &'static [&'static str], takes: Takes) -> Flag {
    let rests = "The compiler answers, and compiles nothing.";
    Flag { doc: "Not cached, and counted as a question.", rests, ..Flag::new(names, takes, Effect::Question) }
}

/// All rows, in the order of the page.
pub fn rows() -> impl Iterator<Item = &'static Flag> {
    sections().into_iter().flat_map(|(_, rows)| rows)
}

/// The rows with the titles they stand under.
pub fn sections() -> [(&'static str, &'static [Flag]); 3] {
    [
        ("What is read", input::ROWS),
        ("What is written and told", output::ROWS),
        ("Code, warnings and the driver", code::ROWS),
    ]
}

/// An argument matched with its row.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    /// The row.
    pub flag: &'static Flag,
    /// Which of its names.
    pub name: &'static str,
    /// What stands behind the name in the same argument, where that is a value.
    pub joined: Option<&'a [u8]>,
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
