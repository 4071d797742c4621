//! The settings, from the table that they are read through.

use kiln_config::schema::{Concerns, Counts, ROWS, Row};
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Settings

Generated from the table in crates/config/src/schema.rs by `cargo xtask docs`.

Settings come from four layers, each stronger than the one before:

1. the defaults,
2. the user's file: `$XDG_CONFIG_HOME/kiln/config.toml`, else `~/.config/kiln/config.toml` (`KILN_CONFIG` names another),
3. the project's file: `kiln.toml` or `.kiln.toml`, the nearest above the directory that the compiler writes to (cargo's
   target directory), else above the directory it runs in,
4. the environment. An empty variable is as good as none; lists are separated by commas there.

`kiln config list` shows every value and where it came from. Something that is not as it should be (an unknown name, a
value that cannot be read) is reported once a build, with file and line; it is left as it was, and the build goes on.

A project's file comes from whoever wrote the project. It may choose how the project's own compiles are cached, and
nothing that reaches beyond them: not where files are written, not what other projects' results are thrown away, and no files outside
of the project's directory. A project's file that belongs to another user (neither root nor whoever runs the compiler) is ignored, and that is
told: above a project there may be directories that everybody can write to.

A setting that is in the key makes another cache: what was stored under one value is found under no other. All others change nothing
of what is stored or served, for the reason given.
";

/// `docs/reference/settings.md`.
pub fn page() -> String {
    let mut text = String::from(INTRODUCTION);
    text += "\n| setting | environment | default | may a project set it? | is it in the key? |\n|---|---|---|---|---|\n";
    for row in named() {
        let project = if row.project { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| [`{0}`](#{0}) | `{1}` | {2} | {project} | {3} |",
            row.name,
            row.variable,
            default(row),
            counts(row)
        );
    }
    for row in named() {
        let _ = write!(text, "\n## {}\n\n{}\n", row.name, row.does);
        let _ = writeln!(text, "\nWritten: {}. Environment: `{}`.", row.written, row.variable);
    }
    text += "\n## Environment only\n\n| variable | written | | is it in the key? |\n|---|---|---|---|\n";
    for row in ROWS.iter().filter(|row| row.name.is_empty()) {
        let _ = writeln!(text, "| `{}` | {} | {} | {} |", row.variable, row.written, row.does, counts(row));
    }
    let template = kiln_commands::template();
    let _ = write!(
        text,
        "\n## A file to start from\n\n`kiln config template` prints it.\n\n```toml\n{template}```\n"
    );
    text
}

fn named() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|row| !row.name.is_empty())
}

fn counts(row: &Row) -> String {
    match row.counts {
        Counts::Key(Concerns::All, _) => "yes".into(),
        Counts::Key(Concerns::C, _) => "yes, of C and of build scripts".into(),
        Counts::Command(how) => format!("yes: {how}"),
        Counts::Not(why) => format!("no: {why}"),
    }
}

fn default(row: &Row) -> String {
    match row.default {
        "" => "none".into(),
        plain if plain.contains(' ') => plain.into(),
        code => format!("`{code}`"),
    }
}
