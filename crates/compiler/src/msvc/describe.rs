//! The page docs/key/msvc.md, from the tables.

use super::environment;
use super::table;
use crate::gcc::describe::{heading, options, variables};
use kiln_action::Family;

const HEAD: &str = "\
# What clang-cl's and cl's options and variables do to the key

Generated from `crates/compiler/src/msvc/table` by `cargo xtask docs`; do not edit.

**clang-cl** (clang under a name that ends in `cl`, as clang itself decides) is cached on Linux, for every target.
**cl**, Microsoft's own compiler, is untested: its command line is read by its documentation, and it runs unchanged, for kiln
does not run on Windows yet and nothing else can watch it. What stands here about it is what would count.

Cached is a command that compiles **one source into one object**: `/c`. Everything else runs unchanged, and `kiln stats` says
why: links, several sources (`/MP`), a source on standard input, preprocessing, listings of cl's, precompiled headers, modules,
`.pdb` files, other languages than C and C++, questions.

- **An option that has no row makes the compile run unchanged**, and `kiln stats` names it. A name with `/` may be typed with
  `-` as well, and both count as different, for messages repeat what was typed; one with `-` is clang's own.
- clang-cl takes an argument with `/` for a path where no option begins like it: `/home/me/a.c` is a source, `/Users/me/a.c`
  the option `/U`. So does kiln. Behind `--` all arguments are sources.
- An option with `-f` or `-m` that has no row here does what [the page about gcc and clang](gcc.md) says of clang, if it takes
  no value in the next argument and writes nothing.
- `@file` is read as Windows splits a command line (nested for clang-cl): its words count, not its name. Words that not all
  programs read alike (`\"\"` within quotes) are not cached, nor are files in UTF-16.
- Of all rows that fit an argument the one with the longest name counts. What an option takes was asked of clang-cl 14.
- Paths below the project (and the directory the compiler runs in) count by where they lie in it, so that another checkout
  is served, as long as no output can show them. The last column says which options let outputs show paths; then the
  directory and all paths count literally, and so does `PWD`. What cl writes shows its directory with every option.
- What `/showIncludes` prints is replayed with the paths of the checkout that asks, wherever a path begins its line; where one
  stands elsewhere the result stays where it was made.
- The object's own name does not count, except where a row says *name*.
- The remap setting maps nothing here: no option covers what debug information shows.
";

/// The page `docs/key/msvc.md`, in Markdown.
pub fn describe() -> String {
    let mut page = HEAD.to_owned();
    options(&mut page, &table::sections(), family, false);
    heading(&mut page, "Variables that always count");
    variables(&mut page, environment::COUNTS_WHY);
    heading(&mut page, "Variables with which nothing is cached");
    page.push_str("Beside those with which nothing of clang's is.\n\n");
    variables(&mut page, environment::UNCACHED);
    page
}

fn family(family: Family) -> &'static str {
    if family == Family::Msvc { "cl" } else { "clang-cl" }
}

#[cfg(test)]
mod tests;
