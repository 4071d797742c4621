//! The page docs/key/gcc.md, from the tables.

use super::environment::{self, Row};
use super::language::{ENDINGS, LANGUAGES};
use super::nested::{ASSEMBLER, FRONTEND, LLVM_TELLS};
use super::table;
use crate::flags::{Effect, Flag, Shows, Takes};
use kiln_action::Family;
use std::fmt::Write;

const HEAD: &str = "\
# What gcc's and clang's options and variables do to the key

Generated from `crates/compiler/src/gcc/table` by `cargo xtask docs`; do not edit.

A compile is keyed by the compiler's name, its options **in their order**, the directory it runs in, the variables below and
the toolchain's own files; then by what the run looked at (see `docs/format.md`): headers, headers that were *not* there,
profiles, lists.

Cached is a command that compiles **one source into one file**: `-c`, `-S`, or `-E` with `-o FILE`. Everything else runs
unchanged, and `kiln stats` says why: links, several sources, a source on standard input, output to standard output or to a
device, questions, precompiled headers, modules, CUDA and other languages.

- **An option that has no row makes the compile run unchanged**, and `kiln stats` names it.
- `@file` is read as the compilers read it (nested, quoted): its words count, not its name. Words in it that not all
  versions read alike are not cached.
- Of all rows that fit an argument the one with the longest name counts. What an option takes was asked of gcc 12 and
  clang 14 for every option they list.
- Paths below the project (and the directory the compiler runs in) count by where they lie in it, so that another checkout
  is served, as long as no output can show them. The last column says which options let outputs show paths; then the
  directory and all paths count literally, and so does `PWD`. `__FILE__` and its like are in the sources, and not meant.
- The output's own name does not count, except where a row says *name*: objects are equal under every name.
- With the remap setting `-ffile-prefix-map=<workspace>=/kiln/workspace` is appended (gcc 8, clang 10 and later), unless
  the command line maps something of that directory itself. It covers the directory and absolute paths in debug
  information. It covers neither coverage and profiles, nor gcc's LTO objects, nor preprocessed text with `-g`, nor
  assembler sources with `-g` in clang 14: there all paths still count literally.

What is written beside the output has its name with another ending, and is kept and put back with it: the rule for make
(unless `-MF` names it), `.dwo`, `.gcno`, `.su`, `.ci`.
";

/// The page `docs/key/gcc.md`, in Markdown.
pub fn describe() -> String {
    let mut page = HEAD.to_owned();
    options(&mut page, &table::sections(), family, true);
    heading(&mut page, "The list of `-f` options");
    page.push_str(&wrapped(table::features().iter().copied()));
    nested(&mut page);
    languages(&mut page);
    heading(&mut page, "Variables that always count");
    variables(&mut page, environment::COUNTS_WHY);
    heading(&mut page, "Variables with which nothing is cached");
    variables(&mut page, environment::UNCACHED);
    heading(&mut page, "Variables that compilers read and that do not count");
    page.push_str("All others that a compiler reads count, `PATH` by what was found on it.\n\n");
    variables(&mut page, environment::INERT);
    page
}

fn nested(page: &mut String) {
    heading(page, "Words for the assembler");
    page.push_str("What `-Wa,` and `-Xassembler` may say. One that ends in `=` takes a value.\n\n");
    page.push_str(&wrapped(ASSEMBLER.iter().map(|(word, _)| *word)));
    heading(page, "Words for clang's front end");
    page.push_str("What `-Xclang` may say; `-target-feature` with a feature behind another `-Xclang`.\n\n");
    page.push_str(&wrapped(FRONTEND.iter().copied()));
    page.push_str("\n`-mllvm` may say anything that does not begin with one of these.\n\n");
    page.push_str(&wrapped(LLVM_TELLS.iter().copied()));
}

fn languages(page: &mut String) {
    heading(page, "Languages");
    let names = wrapped(LANGUAGES.iter().map(|(name, _)| *name));
    let _ = write!(page, "What `-x` may say, beside `none`.\n\n{names}\n");
    page.push_str("| ending | kind | |\n|---|---|---|\n");
    for (ending, language, only) in ENDINGS {
        row(page, &[&format!("`.{ending}`"), language.kind(), only.map_or("both", family)]);
    }
}

pub(crate) fn heading(page: &mut String, title: &str) {
    let _ = write!(page, "\n## {title}\n\n");
}

fn row(page: &mut String, cells: &[&str]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

pub(crate) fn variables(page: &mut String, rows: &[Row]) {
    page.push_str("| variable | why |\n|---|---|\n");
    for (name, why) in rows {
        row(page, &[&format!("`{name}`"), why]);
    }
}

/// Names as lines of code.
fn wrapped(names: impl Iterator<Item = &'static str>) -> String {
    let mut text = String::new();
    let mut width = 0;
    for name in names {
        width += name.len() + 3;
        let separator = match width {
            _ if text.is_empty() => "",
            110.. => "\n",
            _ => " ",
        };
        if separator == "\n" {
            width = name.len() + 3;
        }
        let _ = write!(text, "{separator}`{name}`");
    }
    text.push('\n');
    text
}

fn family(family: Family) -> &'static str {
    if family == Family::Clang { "clang" } else { "gcc" }
}

fn typed<O>(flag: &Flag<O>, family: fn(Family) -> &'static str) -> String {
    let behind = match flag.takes {
        Takes::Nothing => "",
        Takes::Separate => " …",
        Takes::Joined | Takes::Prefix | Takes::Feature => "…",
        Takes::Either => "[ ]…",
    };
    let names: Vec<String> = flag.names.iter().map(|name| format!("`{name}{behind}`")).collect();
    match flag.only {
        Some(only) => format!("{} ({})", names.join(", "), family(only)),
        None => names.join(", "),
    }
}

fn effect<O>(flag: &Flag<O>) -> String {
    let effect = match flag.effect {
        Effect::Key => "key",
        Effect::Path => "key, path",
        Effect::Uncached => "not cached",
        Effect::Question => "a question",
        Effect::Own(_) => "see there",
    };
    if flag.named { format!("{effect}, name") } else { effect.to_owned() }
}

/// Tables of options, each under its title. Families are called what `family` says; `mapped` says whether options cover what
/// debug information shows.
pub(crate) fn options<O>(
    page: &mut String,
    sections: &[(&str, &[Flag<O>])],
    family: fn(Family) -> &'static str,
    mapped: bool,
) {
    for (title, rows) in sections {
        heading(page, title);
        page.push_str(
            "| option | effect | for key and outputs | it rests on | shown |\n|---|---|---|---|---|\n",
        );
        for flag in *rows {
            let shown = match flag.shows {
                Shows::Nothing => "–",
                Shows::Paths => "absolute paths",
                Shows::Debug if mapped => "directory, paths; can be mapped",
                Shows::Debug | Shows::Directory => "directory, paths",
                Shows::Everything => "the command line",
            };
            row(page, &[&typed(flag, family), &effect(flag), flag.doc, flag.rests, shown]);
        }
    }
}

#[cfg(test)]
mod tests;
