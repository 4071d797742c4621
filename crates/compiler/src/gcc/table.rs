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

pub use crate::flags::{Shows, Takes};

use crate::flags::{self, key, key_value, own, path, question, uncached};
use kiln_action::Family;

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
pub type Effect = flags::Effect<Own>;
/// One row of the table of gcc and clang.
pub type Flag = flags::Flag<Own>;
/// An argument matched with its row.
pub type Match<'a> = flags::Match<'a, Own>;

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
