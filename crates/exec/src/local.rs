//! Running a command on this machine, as a child with the caller's own environment, jobserver and descriptors.

use crate::{Ended, Executor, Job, Sink};
use kiln_action::Stream;
use kiln_sys::process::{self, Channel, Program};
use std::io;

/// Runs commands as children of this process.
pub struct Local;

impl Executor for Local {
    fn run(&self, job: &Job<'_>, sink: &mut dyn Sink) -> io::Result<Ended> {
        let program = Program { program: job.program, called: job.called, args: job.args, set: job.set };
        let ended = process::run(&program, job.input, &mut |channel, bytes| {
            let stream = match channel {
                Channel::Out => Stream::Out,
                Channel::Err => Stream::Err,
            };
            sink.piece(stream, bytes);
        })?;
        Ok(match ended {
            process::Ended::Code(code) => Ended::Code(code),
            process::Ended::Signal(signal) => Ended::Signal(signal),
        })
    }
}
