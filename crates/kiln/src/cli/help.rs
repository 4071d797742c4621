//! `kiln help`: what `--help` says, for who asks in words.

use crate::{exit, fail, say};
use clap::error::ErrorKind;

/// About what.
#[derive(clap::Args)]
pub struct Arguments {
    /// The command, such as `stats` or `config set`
    command: Vec<String>,
}

/// Prints a command's help; returns the exit code.
pub fn run(arguments: &Arguments) -> i32 {
    let mut root = crate::command();
    root.build();
    let mut command = &mut root;
    for name in &arguments.command {
        match command.find_subcommand_mut(name) {
            Some(inner) => command = inner,
            None => {
                fail(&format!(
                    "there is no command `{}`; `kiln help` names them",
                    arguments.command.join(" ")
                ));
                return exit::MISUNDERSTOOD;
            }
        }
    }
    let words = ["kiln"].into_iter().chain(arguments.command.iter().map(String::as_str)).chain(["--help"]);
    say(&match crate::command().try_get_matches_from(words) {
        Err(shown) if shown.kind() == ErrorKind::DisplayHelp => shown.render().to_string(),
        _ => command.render_long_help().to_string(), // (`kiln cargo --help` is cargo's)
    });
    exit::FINE
}
