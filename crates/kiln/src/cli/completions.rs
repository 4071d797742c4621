//! `kiln completions`: what a shell needs to complete kiln's command lines.

use crate::{exit, say};
use clap_complete::Shell;

/// For which shell.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  kiln completions bash > ~/.local/share/bash-completion/completions/kiln
  kiln completions zsh > ~/.zfunc/_kiln                 (with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc)
  kiln completions fish > ~/.config/fish/completions/kiln.fish
  kiln completions powershell >> $PROFILE")]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints a shell's completions; returns the exit code.
pub fn run(arguments: &Arguments) -> i32 {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::command(), "kiln", &mut script);
    say(&String::from_utf8_lossy(&script));
    exit::FINE
}
