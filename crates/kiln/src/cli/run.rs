//! `kiln run -- make -j8`: any build with the cache in front of its compilers, and one line at the end.

use crate::build;
use crate::session::Session;
use kiln_config::Settings;
use kiln_sys::env::Environment;
use std::ffi::OsString;

/// What to run.
#[derive(clap::Args)]
#[command(after_help = "\
For the time of the command, `cc`, `gcc`, `clang` and so on are kiln (a directory at the front of PATH), and RUSTC_WRAPPER
is set; the command's exit code is kiln's. A build directory that is configured this way keeps kiln as its compiler.

Examples:
  kiln run -- make -j8
  kiln run -- ./configure && kiln run -- make -j8
  kiln run -- cmake -B build -G Ninja && ninja -C build
  kiln run -- meson setup build && ninja -C build")]
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
    let ended = build::run(program, args, settings, environment, &session, None);
    session.end();
    build::code(ended)
}
