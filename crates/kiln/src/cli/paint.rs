//! Colours and moving lines, only where a person looks: on a terminal; colours not with `NO_COLOR`.

use kiln_sys::env::Environment;
use kiln_sys::process::{self, Channel};

/// Paints words, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether standard output has colours.
    colours: bool,
    /// Whether a line on standard error can be written anew.
    moves: bool,
}

/// When there are colours, as the command line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal that has them, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Paint {
    /// As the terminal, if it is one, and its user want it.
    pub fn new(environment: &Environment, when: When) -> Paint {
        let dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
        let plain = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint {
            colours: match when {
                When::Auto => !dumb && !plain && process::is_terminal(Channel::Out),
                When::Always => true,
                When::Never => false,
            },
            moves: !dumb && process::is_terminal(Channel::Err),
        }
    }

    /// For nobody.
    #[cfg(test)]
    pub fn plain() -> Paint {
        Paint { colours: false, moves: false }
    }

    /// Whether a line on standard error can be written anew: whether progress can be shown.
    pub fn moves(self) -> bool {
        self.moves
    }

    fn in_colour(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// The text in the colour of success.
    pub fn good(self, text: &str) -> String {
        self.in_colour("32", text)
    }

    /// What deserves a look.
    pub fn warning(self, text: &str) -> String {
        self.in_colour("33", text)
    }

    /// The text in the colour of a problem.
    pub fn bad(self, text: &str) -> String {
        self.in_colour("1;31", text)
    }

    /// What is beside the point.
    pub fn faint(self, text: &str) -> String {
        self.in_colour("2", text)
    }
}
