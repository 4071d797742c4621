//! Colours, only where a person looks: on a terminal, and not with `NO_COLOR`.

use kiln_sys::env::Environment;
use kiln_sys::process::{self, Channel};

/// Paints words, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// For standard output.
    pub fn new(environment: &Environment) -> Paint {
        let plain = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty())
            || environment.get("TERM").is_some_and(|term| term == "dumb");
        Paint(!plain && process::is_terminal(Channel::Out))
    }

    /// For nobody.
    #[cfg(test)]
    pub fn plain() -> Paint {
        Paint(false)
    }

    fn in_colour(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What is fine.
    pub fn good(self, text: &str) -> String {
        self.in_colour("32", text)
    }

    /// What deserves a look.
    pub fn warning(self, text: &str) -> String {
        self.in_colour("33", text)
    }

    /// What is wrong.
    pub fn bad(self, text: &str) -> String {
        self.in_colour("1;31", text)
    }

    /// What is beside the point.
    pub fn faint(self, text: &str) -> String {
        self.in_colour("2", text)
    }
}
