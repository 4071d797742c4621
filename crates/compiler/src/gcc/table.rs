//! The table of options: one row each (or for all that do the same), with their forms, what they do to key, outputs and
//! paths, and the behaviour on which that rests. docs/key/gcc.md is generated from it.
//!
//! It is an allow-list: an option that has no row makes the compile run unchanged, and the reason names it. What an option
//! takes was asked of gcc 12.2 and clang 14 themselves, for every option they know (`tests/gcc_forms.rs` does it again).

mod debug;
mod features;
mod input;
mod machine;
mod names;
mod output;

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

/// Options with a meaning of their own. Each is read in [`super::inputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// `-c`, `-S`, `-E`.
    Stage,
    /// `-o`.
    Output,
    /// `-x`.
    Language,
    /// `-MD`, `-MMD`.
    Depend,
    /// `-MF`.
    DependFile,
    /// `-MT`, `-MQ`.
    DependTarget,
    /// `-Wp,`.
    Preprocessor,
    /// `-Xpreprocessor`.
    PreprocessorWord,
    /// `-Wa,`.
    Assembler,
    /// `-Xassembler`.
    AssemblerWord,
    /// `-Xclang`.
    Frontend,
    /// `-mllvm`.
    Llvm,
    /// `-target`, `--target=`.
    Target,
    /// `-arch`.
    Arch,
    /// `-I`, which is not a directory where it is `-`.
    Include,
    /// `-m…`.
    Machine,
    /// `-ffile-prefix-map=`, `-fdebug-prefix-map=`.
    Map,
    /// `-fmacro-prefix-map=` and others that do not reach debug information.
    OtherMap,
    /// `-fdebug-compilation-dir`.
    CompilationDirectory,
    /// `-gsplit-dwarf`.
    SplitDwarf,
    /// `-ftest-coverage`, `--coverage`.
    Coverage,
    /// `-fstack-usage`.
    StackUsage,
    /// `-fcallgraph-info`.
    CallGraph,
    /// `-emit-llvm`.
    EmitLlvm,
    /// `--driver-mode=`.
    DriverMode,
    /// `-fdiagnostics-format=`.
    DiagnosticsFormat,
    /// `-v`: a question, where there is nothing to be compiled.
    Verbose,
}

/// What an option does to the key.
#[derive(Clone, Copy)]
pub enum Effect {
    /// Counts literally, in order.
    Key,
    /// Counts, and its value is a path: below the project it counts by place.
    Path,
    /// Not cached.
    Uncached,
    /// Asks the compiler something, and compiles nothing.
    Question,
    /// Has a meaning of its own.
    Own(Own),
}

/// One row.
pub struct Flag {
    /// The names, with their dashes, all with the same meaning or the same effect.
    pub names: &'static [&'static str],
    /// What follows.
    pub takes: Takes,
    /// The one family that knows it, if not both do.
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
        Flag {
            names,
            takes,
            only: None,
            effect,
            shows: Shows::Nothing,
            named: false,
            doc: "Counts.",
            rests: "",
        }
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
pub fn sections() -> [(&'static str, &'static [Flag]); 5] {
    [
        ("What is read", input::ROWS),
        ("What is written", output::ROWS),
        ("`-f` options", features::ROWS),
        ("Debug information", debug::ROWS),
        ("Code, warnings, the driver and the linker", machine::ROWS),
    ]
}

/// The names that the row of features stands for.
pub fn features() -> &'static [&'static str] {
    names::NAMES
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

/// The row of an argument: of all that fit the one with the longest name, as both compilers do it. An option of the list of
/// features is there with its whole name.
pub fn find(argument: &[u8], family: Family) -> Option<Match<'_>> {
    let letter = *argument.get(1)?;
    let mut found: Option<(usize, Match<'_>)> = None;
    for flag in rows().filter(|flag| flag.only.is_none_or(|only| only == family)) {
        for name in flag.names {
            if name.as_bytes()[1] != letter {
                continue; // (most of them: this runs for every argument of every compile)
            }
            let Some(rest) = argument.strip_prefix(name.as_bytes()) else { continue };
            let (length, joined) = match flag.takes {
                Takes::Nothing | Takes::Separate if !rest.is_empty() => continue,
                Takes::Feature => match feature(rest) {
                    Some(length) => (name.len() + length, None),
                    None => continue,
                },
                Takes::Either if rest.is_empty() => (name.len(), None),
                Takes::Joined | Takes::Either => (name.len(), Some(rest)),
                Takes::Nothing | Takes::Separate | Takes::Prefix => (name.len(), None),
            };
            if found.is_none_or(|(longest, _)| longest < length) {
                found = Some((length, Match { flag, name, joined }));
            }
        }
    }
    found.map(|(_, found)| found)
}

/// How long the name is, where `-f` and this is an option of the list: `NAME`, `no-NAME`, `NAME=VALUE`.
fn feature(rest: &[u8]) -> Option<usize> {
    let listed = |name: &[u8]| {
        let end = name.iter().position(|&b| b == b'=').map_or(name.len(), |at| at + 1);
        names::NAMES.binary_search_by(|known| known.as_bytes().cmp(&name[..end])).ok().map(|_| end)
    };
    let denied = || Some(listed(rest.strip_prefix(b"no-")?)? + "no-".len());
    listed(rest).or_else(denied)
}

#[cfg(test)]
mod tests;
