//! `kiln run -- make -j8`: any build with the cache in front of its compilers, and one line at the end.

use crate::build;
use crate::launch::Command;
use kiln_config::Settings;
use kiln_prefill::session::Session;
use kiln_recorder::Below;
use kiln_sys::env::Environment;
use std::ffi::OsString;

/// What to run.
#[derive(clap::Args)]
#[command(after_help = "\
For the time of the command, kiln runs wherever it or what it starts runs `cc`, `gcc`, `clang` and so on, and RUSTC_WRAPPER
is set; the command's exit code is kiln's. What the command finds and writes down is the compiler itself: a build directory
that is configured this way works without kiln, and uses the cache under `kiln run` again. Static programs hide what they start.

Examples:
  kiln run -- make -j8
  kiln run -- ./configure && kiln run -- make -j8
  kiln run -- cmake -B build -G Ninja && kiln run -- ninja -C build
  kiln run -- meson setup build && kiln run -- ninja -C build")]
pub struct Arguments {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs it; its exit code is ours.
pub fn run(arguments: &Arguments, settings: &Settings, environment: &Environment) -> i32 {
    let Some((program, args)) = arguments.command.split_first() else {
        return crate::fail("no command to run; for example `kiln run -- make`");
    };
    let session = Session::begin(settings);
    let command = Command { program, args, below: Below::All };
    let ended = build::run(&command, settings, environment, &session, None);
    session.end();
    build::code(ended)
}
