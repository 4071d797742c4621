//! Variables that a build script's asking for does not count for.

use crate::rustc::environment::Row;

/// What says how, and not what. Everything else counts: it is asked for by name, or the whole environment is where the script walks it.
pub const INERT: &[Row] = &[
    ("CARGO_MAKEFLAGS", "The jobserver."),
    (
        "NUM_JOBS",
        "How much is done at once. Not even where a script prints it: `cc` asks for it, and whoever asks looks the same.",
    ),
];

/// Whether a script's asking for this variable can be forgotten.
pub fn is_inert(name: &str) -> bool {
    INERT.iter().any(|(known, _)| *known == name)
}

/// What only says in which session somebody works, or which run of a CI this is. It counts like everything else where it is asked for by
/// name and where a program walks the environment by itself. It does not where the crate `cc` takes all of it over to look for names of
/// its own (`CC`, `CFLAGS`, `AR`, …) and to hand it on: what it starts is watched, and says itself what it asks for.
pub const SESSION: &[Row] = &[
    ("TERM", "The kind of terminal."),
    ("COLORTERM", "The kind of terminal."),
    ("TERM_*", "The program that is the terminal, its version and its session."),
    ("COLUMNS", "The size of the terminal."),
    ("LINES", "The size of the terminal."),
    ("VTE_VERSION", "The program that is the terminal."),
    ("KONSOLE_*", "The program that is the terminal."),
    ("KITTY_*", "The program that is the terminal."),
    ("ITERM_*", "The program that is the terminal."),
    ("WEZTERM_*", "The program that is the terminal."),
    ("ALACRITTY_*", "The program that is the terminal."),
    ("GNOME_TERMINAL_*", "The program that is the terminal."),
    ("WT_SESSION", "The program that is the terminal."),
    ("WINDOWID", "The terminal's window."),
    ("TMUX", "The session of a terminal."),
    ("TMUX_*", "The session of a terminal."),
    ("STY", "The session of a terminal."),
    ("ZELLIJ*", "The session of a terminal."),
    ("VSCODE_*", "The editor's session."),
    ("SSH_CONNECTION", "From where somebody is here."),
    ("SSH_CLIENT", "From where somebody is here."),
    ("SSH_TTY", "From where somebody is here."),
    ("SSH_AUTH_SOCK", "Where an agent listens."),
    ("SSH_AGENT_PID", "Where an agent listens."),
    ("GPG_AGENT_INFO", "Where an agent listens."),
    ("GPG_TTY", "Where an agent asks."),
    ("DBUS_SESSION_BUS_ADDRESS", "The session's bus."),
    ("DISPLAY", "The session's screen."),
    ("WAYLAND_DISPLAY", "The session's screen."),
    ("XAUTHORITY", "The session's screen."),
    ("XDG_SESSION_*", "The session."),
    ("INVOCATION_ID", "The run of a service."),
    ("JOURNAL_STREAM", "The run of a service."),
    ("SYSTEMD_EXEC_PID", "The run of a service."),
    ("GITHUB_*", "The run of a CI."),
    ("RUNNER_*", "The run of a CI."),
    ("ACTIONS_*", "The run of a CI."),
    ("CI_*", "The run of a CI."),
    ("GITLAB_*", "The run of a CI."),
    ("BUILDKITE*", "The run of a CI."),
    ("CIRCLE_*", "The run of a CI."),
    ("TRAVIS_*", "The run of a CI."),
    ("BUILD_NUMBER", "The run of a CI."),
    ("BUILD_ID", "The run of a CI."),
    ("BUILD_TAG", "The run of a CI."),
    ("BUILD_URL", "The run of a CI."),
];

/// Whether a variable only says which session or run this is.
pub fn is_session(name: &str) -> bool {
    SESSION.iter().any(|(known, _)| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => *known == name,
    })
}

const HEAD: &str = "\
# What a build script's run is keyed by

Generated from `crates/compiler/src/script` by `cargo xtask docs`; do not edit.

A run is keyed by the script's own content, its arguments, the directory it runs in, `OUT_DIR`, and by everything that it and what it runs
look at (`docs/design/0007-build-scripts.md`). Variables count where they are asked for by name, all of them where the script walks the
environment or runs a program of which nothing is known.

## Variables that do not count

And those that are left out of a walk anyway (`docs/key/rustc.md`). In `RUSTC_WRAPPER` and `PATH` it does not count where kiln is.

";

const SESSIONS: &str = "
## Variables of a session, which do not count where all are handed on

The crate `cc` (1.11 and later) copies the whole environment, looks for its own names in the copy (`CC`, `CFLAGS`, `AR`, `CROSS_COMPILE`, …)
and starts compilers with it. Where nothing else in a script walks the environment, all variables count but these. What the compilers ask for
is seen by itself; where anybody asks for one of these by name, or walks the environment (`env`, `std::env::vars`), it counts.

";

/// Renders the page docs/key/script.md.
pub fn describe() -> String {
    let table = |rows: &[Row]| {
        let rows = rows.iter().map(|(name, why)| format!("| `{name}` | {why} |\n"));
        format!("| variable | what it is |\n|---|---|\n{}", rows.collect::<String>())
    };
    format!("{HEAD}{}{SESSIONS}{}", table(INERT), table(SESSION))
}
