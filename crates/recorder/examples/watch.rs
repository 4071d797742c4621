//! Runs a command under the recorder and prints its record: `watch [--quiet] program args...`, where the program is a path.
#![allow(clippy::disallowed_methods, clippy::print_stderr)] // A tool for people working on the recorder.

use std::env;
use std::process::{Command, ExitCode};

use kiln_recorder::Recorder;

fn main() -> ExitCode {
    let mut args: Vec<_> = env::args_os().skip(1).collect();
    let quiet = args.first().is_some_and(|arg| arg == "--quiet");
    if quiet {
        args.remove(0);
    }
    let object_dir = env::temp_dir().join("kiln-watch");
    let recorder = Recorder::new(Some(&object_dir)).expect("a machine that is supported");
    let [preload, record] = recorder.environment(env::var_os("LD_PRELOAD").as_deref());
    let (program, rest) = args.split_first().expect("a program to run");
    let status =
        Command::new(program).args(rest).envs([preload, record]).status().expect("the program starts");
    match recorder.finish(program.as_ref()) {
        Ok(_) if quiet => {}
        Ok(record) => {
            record
                .processes
                .iter()
                .enumerate()
                .for_each(|(index, process)| eprintln!("{index}: {process:?}"));
            record
                .events
                .iter()
                .for_each(|event| eprintln!("{} {:?} {:?}", event.process, event.by, event.act));
        }
        Err(reason) => eprintln!("unrecorded: {reason}"),
    }
    ExitCode::from(u8::try_from(status.code().unwrap_or(255)).unwrap_or(255))
}
