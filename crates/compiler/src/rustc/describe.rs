//! The page docs/key/rustc.md, from the tables.

use super::environment::{self, Row};
use super::table::{self, Effect, Flag, Takes};
use std::fmt::Write;

const HEAD: &str = "\
# What rustc's flags and variables do to the key

Generated from `crates/compiler/src/rustc/table` by `cargo xtask docs`; do not edit.

A compile is keyed by its flags **in their order**, each under the name in the table, by the names of its externs, by the
variables below and by the toolchain's own files; then by what the run looked at (see `docs/format.md`). Paths count
literally, except where a row says that they do not.

- `@file` is read: its lines count, not its name. Arguments that are not UTF-8 are refused by rustc itself, so such a
  command runs unchanged. clippy-driver looks at what is on the command line before it reads the file: behind it, it counts
  which words are in one. Behind another wrapper, which may do anything with the name, a command with `@file` runs unchanged.
- **A flag that has no row makes the compile run unchanged**, and `kiln stats` names it.
- `_` and `-` are the same in the names of `-C` and `-Z` options.
- An output directory is *inert*: with none of the rows below that say otherwise, rustc 1.95 writes the same bytes into
  every directory. Measured by compiling twice into directories of different length, with dependencies in two others, and
  comparing every file: rlib, rmeta, staticlib, dylib, cdylib, proc-macro, bin, test harness, asm, llvm-ir, llvm-bc, mir,
  obj and thin-link-bitcode, with debuginfo, LTO (thin, fat, linker plugin), strip, coverage, `-C profile-generate`, static
  and dynamic linking, by rust-lld, lld, GNU ld and mold for linux-gnu. Different bytes came from
  `-C rpath`, from `-C split-debuginfo=packed` or `unpacked` with debuginfo, and from gold, which calls the base
  version of a cdylib or proc-macro after the output's path. So directories count for those, for linkers that were not
  measured, and wherever something is linked for a target other than Linux.

The source's path counts (field `input`); its content is an answer of the run, or counts as `stdin` if it is `-`.

With the remap setting `--remap-path-prefix=<workspace>=/kiln/workspace` and `--remap-path-prefix=<target>=/kiln/target`
are appended, the inner directory last, and rows that say *as a path* no longer see those directories. A directory that
the command line already maps is left alone.
";

/// The page `docs/key/rustc.md`, in Markdown.
pub fn describe() -> String {
    let mut page = HEAD.to_owned();
    let groups = [("Flags", None), ("`-C` options", Some('C')), ("`-Z` options", Some('Z'))];
    for (title, group) in groups {
        heading(&mut page, title);
        page.push_str("| flag | effect | for key, outputs and paths | it rests on |\n|---|---|---|---|\n");
        for flag in table::rows().filter(|flag| flag.group == group) {
            row(&mut page, &[&format!("`{}`", typed(flag)), effect(flag), flag.doc, flag.rests]);
        }
    }
    heading(&mut page, "Variables that always count");
    page.push_str("The last six only behind clippy-driver or another workspace wrapper.\n\n");
    variables(&mut page, environment::COUNTS_WHY);
    heading(&mut page, "Variables that rustc reads and that do not count");
    page.push_str("With `RUSTC_LOG` set to anything but nothing, the compile runs unchanged.\n\n");
    variables(&mut page, environment::INERT);
    heading(&mut page, "Variables that linkers read and that do not count");
    page.push_str("All others that a linker reads count, `PATH` by what was found on it.\n\n");
    variables(&mut page, environment::LINKER_INERT);
    heading(&mut page, "Left out when a macro walks the whole environment");
    page.push_str("And kiln's own (`docs/reference/settings.md`). All others count then; `MAKEFLAGS` and `MFLAGS` without the jobserver and `-j`.\n\n");
    variables(&mut page, environment::LEFT_OUT_OF_A_WALK);
    page
}

fn heading(page: &mut String, title: &str) {
    let _ = write!(page, "\n## {title}\n\n");
}

fn row(page: &mut String, cells: &[&str]) {
    let _ = writeln!(page, "| {} |", cells.join(" | ").replace("||", "\\|\\|"));
}

fn variables(page: &mut String, rows: &[Row]) {
    page.push_str("| variable | why |\n|---|---|\n");
    for (name, why) in rows {
        row(page, &[&format!("`{name}`"), why]);
    }
}

fn typed(flag: &Flag) -> String {
    match flag.takes {
        Takes::Nothing => flag.spelled(),
        Takes::Value => format!("{} …", flag.spelled()),
        Takes::Option => format!("{}[=…]", flag.spelled()),
    }
}

fn effect(flag: &Flag) -> &'static str {
    match flag.effect {
        Effect::Key => "key",
        Effect::KeyPath => "key, path",
        Effect::Lazy => "key if printed",
        Effect::Host => "key, processor",
        Effect::Linker => "key, linker",
        Effect::KeyAndOut(_) => "key, directories",
        Effect::Uncached => "not cached",
        Effect::UncachedWhenOn => "not cached when on",
        Effect::Own(_) => "see there",
    }
}

#[cfg(test)]
mod tests;
