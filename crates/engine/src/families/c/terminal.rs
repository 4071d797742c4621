//! Messages of a C compiler depend on the terminal that they go to.

use kiln_action::invocation::{Field, Lazy};
use kiln_action::{Family, Invocation};
use kiln_sys::env::Environment;
use kiln_sys::process::{self, Channel};
use std::ffi::{OsStr, OsString};

/// The name of what a terminal decides, as a part of the command line that counts where the compiler printed something.
pub const FIELD: &str = "terminal";

/// gcc and clang colour their messages where they write to a terminal. kiln stands between, so it asks for the colours; how
/// wide the terminal is counts where the compiler printed something.
pub fn adapt(invocation: &mut Invocation, args: &[OsString], environment: &Environment) {
    if !process::is_terminal(Channel::Err) {
        return;
    }
    let messages = |argument: &OsString| {
        let text = argument.as_encoded_bytes();
        text.starts_with(b"-fdiagnostics-color")
            || text.starts_with(b"-fno-diagnostics-color")
            || text.starts_with(b"-fcolor-diagnostics")
            || text.starts_with(b"-fno-color-diagnostics")
    };
    let dumb = environment.get("TERM").is_none_or(|term| term == "dumb");
    let colours = !dumb && !args.iter().any(messages);
    if colours {
        let option = match invocation.subject.family() {
            Some(Family::ClangCl) => "-fcolor-diagnostics", // (it knows no other)
            _ => "-fdiagnostics-color=always",
        };
        invocation.append.push(option.into());
        if invocation.fields.iter().any(|field| field.name == "argument") {
            // the command line is in the output
            invocation.fields.push(Field { name: "argument", value: option.into(), path: false });
        }
    }
    let columns = environment.get("COLUMNS").unwrap_or(OsStr::new("?"));
    let mut value = OsString::from(if colours { "colours " } else { "plain " });
    value.push(columns);
    value.push(format!(" {}", process::terminal_width().unwrap_or(0)));
    invocation.lazy.push(Lazy { name: FIELD, value });
}
