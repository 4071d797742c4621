//! The help of every command, as one page and as manuals.

use clap::Command;
use std::fmt::Write;

/// The lines of help are as long as on a wide terminal, wherever this runs.
const WIDTH: usize = 100;

/// `docs/reference/cli.md`.
pub fn page() -> String {
    let mut text = String::from(
        "# Commands\n\nGenerated from the commands themselves by `cargo xtask docs`: what `--help` says.\n",
    );
    for command in all() {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let help = command.term_width(WIDTH).render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    }
    text
}

/// `docs/man/`: a manual for each command, by file name.
pub fn manuals() -> Vec<(String, String)> {
    let manual = |command: Command| {
        let name = command.get_bin_name().unwrap_or_default().replace(' ', "-");
        let mut text = Vec::new();
        let manual = clap_mangen::Man::new(command.display_name(name.clone())).source("kiln").manual("kiln");
        manual.render(&mut text).expect("a vector takes everything");
        (format!("{name}.1"), String::from_utf8(text).expect("help is text"))
    };
    all().into_iter().map(manual).collect()
}

/// The program and all its commands that are shown, outer ones first.
fn all() -> Vec<Command> {
    let mut root = kiln_commands::command();
    root.build();
    let (mut found, mut left) = (Vec::new(), vec![root]);
    while let Some(command) = left.pop() {
        let inner =
            command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
        let inner: Vec<Command> = inner.cloned().collect();
        left.extend(inner.into_iter().rev());
        found.push(command);
    }
    found
}
