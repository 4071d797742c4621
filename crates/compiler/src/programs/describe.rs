//! The page docs/key/programs.md, from the table.

use super::{Form, Installed, ProgramRole, ROWS, SYSTEM};
use std::fmt::Write;

const HEAD: &str = "\
# What programs are known for

Generated from `crates/compiler/src/programs` by `cargo xtask docs`; do not edit.

The program of a process decides what a look of it means (`docs/design/0002-evidence.md`). Of programs that are in no table nothing is
known: all that they look at counts, and all variables count that they could look at. `TARGET-` in front stands for anything that ends in `-`, `-VERSION` behind for
digits and dots. Which compilers are wrapped is in `crates/compiler/src/recognise/names.rs`.

";

const SECTIONS: [(ProgramRole, &str, &str); 12] = [
    (
        ProgramRole::RustCompiler,
        "rustc by its names",
        "Where a wrapper that is not known starts one, what that looks at is rustc's own.",
    ),
    (
        ProgramRole::Linker,
        "Compilers and linkers whose reading of the environment is known",
        "Variables that they did not ask for do not count, and what `stat` says of a file does not count but whether it is there.",
    ),
    (
        ProgramRole::MeasuredLinker,
        "Linkers that write the same bytes into every directory",
        "With any other one the directory of rustc's outputs counts.",
    ),
    (
        ProgramRole::CTool,
        "Programs of a C compile",
        "All that they look at is asked; that they want the time, chance and their number counts for nothing.",
    ),
    (
        ProgramRole::CompilerProper,
        "The part of gcc that reads sources",
        "Where it looks for an output of its own compile, the run is not kept.",
    ),
    (ProgramRole::Helper, "Programs that build scripts run", "They count as the programs of a C compile do."),
    (
        ProgramRole::Careful,
        "Programs that ask for whom they run",
        "Where a build script runs them it does not count that they ask for their user, their number and the kind of a file system.",
    ),
    (ProgramRole::Walker, "Programs that ask what file system it is", "That they ask does not count."),
    (ProgramRole::TerminalOpener, "Programs that open the terminal", "It is asked whether there is one."),
    (
        ProgramRole::BuildTool,
        "Build tools",
        "C compiles below the outermost one are counted as one build. No key depends on it.",
    ),
    (ProgramRole::GoBetween, "What build tools start compilers through", "No key depends on it."),
    (
        ProgramRole::Link,
        "Links to kiln",
        "A directory of `PATH` in which one of these is kiln is left out where a compiler looks for its own programs.",
    ),
];

/// The page `docs/key/programs.md`, in Markdown.
pub fn describe() -> String {
    let mut page = HEAD.to_owned();
    let system = SYSTEM.map(|root| format!("`{root}`")).join(", ");
    let _ = writeln!(page, "The system's own programs are those below {system}.");
    for (role, title, meaning) in SECTIONS {
        let _ = write!(page, "\n## {title}\n\n{meaning}\n\n");
        page.push_str("| programs | around the name | installed | it rests on |\n|---|---|---|---|\n");
        for row in ROWS.iter().filter(|row| row.role == role) {
            let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
            let (names, form, installed) = (names.join(", "), form(row.form), installed(row.installed));
            let _ = writeln!(page, "| {names} | {form} | {installed} | {} |", row.fact);
        }
    }
    page
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Plain => "nothing",
        Form::Target => "`TARGET-` in front",
        Form::TargetAndVersion => "`TARGET-` in front, `-VERSION` behind",
        Form::DebianTargetAndVersion => "`…-linux-gnu-` in front, `-VERSION` behind",
        Form::Beginning => "anything behind",
    }
}

fn installed(installed: Installed) -> &'static str {
    match installed {
        Installed::Anywhere => "anywhere",
        Installed::BySystem => "with the system",
        Installed::KnownToScripts => "anywhere; for a build script with the system or the toolchain",
    }
}
