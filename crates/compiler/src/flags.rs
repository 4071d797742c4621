//! Rows of the option tables of C compilers: the words that gcc's and clang's table and clang-cl's and cl's have in common.

use kiln_action::Family;
use std::fmt;

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A value in the next argument.
    Separate,
    /// A value in the same argument.
    Joined,
    /// A value in the same argument, or else in the next.
    Either,
    /// Whatever is written behind it: the whole argument counts.
    Prefix,
    /// `-fNAME`, `-fno-NAME`, `-fNAME=VALUE`: the names are in a list of their own.
    Feature,
}

/// What an option lets an output show, whatever the sources say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Nothing.
    Nothing,
    /// Paths of sources and headers as they were found: with absolute ones on the command line, those.
    Paths,
    /// The directory that the compiler runs in, and paths; `-ffile-prefix-map` covers both.
    Debug,
    /// The directory that the compiler runs in, and paths; nothing covers it.
    Directory,
    /// The command line.
    Everything,
}

/// What an option does to the key; `O` are the table's options with a meaning of their own.
#[derive(Clone, Copy)]
pub enum Effect<O> {
    /// Counts literally, in order.
    Key,
    /// Counts, and its value is a path: below the project it counts by place.
    Path,
    /// Not cached.
    Uncached,
    /// Asks the compiler something, and compiles nothing.
    Question,
    /// Has a meaning of its own.
    Own(O),
}

/// One row: an option, and what it does to the key and the outputs.
pub struct Flag<O: 'static> {
    /// The names, with their marks, all with the same meaning or the same effect.
    pub names: &'static [&'static str],
    /// Whether a value follows the flag, and where.
    pub takes: Takes,
    /// The one family that knows it, or in which it has this effect.
    pub only: Option<Family>,
    /// What it does to the key.
    pub effect: Effect<O>,
    /// What it lets outputs show.
    pub shows: Shows,
    /// Whether an output's bytes depend on the output's name, so that the name counts.
    pub named: bool,
    /// What that means; a sentence.
    pub doc: &'static str,
    /// The behaviour on which it rests.
    pub rests: &'static str,
}

impl<O> fmt::Debug for Flag<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names[0])
    }
}

impl<O: Copy> Flag<O> {
    pub(crate) const fn new(names: &'static [&'static str], takes: Takes, effect: Effect<O>) -> Self {
        let shows = Shows::Nothing;
        Flag { names, takes, only: None, effect, shows, named: false, doc: "Counts.", rests: "" }
    }

    pub(crate) const fn only(self, family: Family) -> Self {
        Flag { only: Some(family), ..self }
    }

    pub(crate) const fn shows(self, shows: Shows) -> Self {
        Flag { shows, ..self }
    }

    pub(crate) const fn named(self) -> Self {
        Flag { named: true, ..self }
    }

    pub(crate) const fn says(self, doc: &'static str, rests: &'static str) -> Self {
        Flag { doc, rests, ..self }
    }

    /// For rows that only count.
    pub(crate) const fn for_(self, rests: &'static str) -> Self {
        Flag { rests, ..self }
    }
}

pub(crate) const fn key<O: Copy>(names: &'static [&'static str]) -> Flag<O> {
    Flag::new(names, Takes::Nothing, Effect::Key)
}

pub(crate) const fn key_value<O: Copy>(names: &'static [&'static str], takes: Takes) -> Flag<O> {
    Flag::new(names, takes, Effect::Key)
}

pub(crate) const fn path<O: Copy>(names: &'static [&'static str], takes: Takes) -> Flag<O> {
    Flag { doc: "Counts as a path, in order.", ..Flag::new(names, takes, Effect::Path) }
}

pub(crate) const fn own<O: Copy>(names: &'static [&'static str], takes: Takes, own: O) -> Flag<O> {
    Flag::new(names, takes, Effect::Own(own))
}

pub(crate) const fn uncached<O: Copy>(
    names: &'static [&'static str],
    takes: Takes,
    rests: &'static str,
) -> Flag<O> {
    Flag { doc: "Not cached.", rests, ..Flag::new(names, takes, Effect::Uncached) }
}

pub(crate) const fn question<O: Copy>(names: &'static [&'static str], takes: Takes) -> Flag<O> {
    let rests = "The compiler answers, and compiles nothing.";
    Flag { doc: "Not cached, and counted as a question.", rests, ..Flag::new(names, takes, Effect::Question) }
}

/// An argument matched with its row.
#[derive(Debug)]
pub struct Match<'a, O: 'static> {
    /// The row that the argument matches.
    pub flag: &'static Flag<O>,
    /// Which of its names.
    pub name: &'static str,
    /// What stands behind the name in the same argument, where that is a value.
    pub joined: Option<&'a [u8]>,
}

impl<O> Clone for Match<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Match<'_, O> {}
