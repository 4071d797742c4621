//! Running a command on this machine, as a child with the caller's own environment, jobserver and descriptors, and under the recorder.

use crate::{Command, OutputSink, Run, RunEvidence, RunRequest, Runner, Watch};
use kiln_action::Stream;
use kiln_recorder::{Below, Recorder, Unrecorded, Wiring, watchable};
use kiln_sys::clock::Moment;
use kiln_sys::process::{self, Channel, Program};
use std::ffi::OsStr;
use std::io;

/// Runs compiles as children of this process.
pub struct Local;

impl Runner for Local {
    fn run(&self, request: &RunRequest<'_>, sink: &mut dyn OutputSink) -> io::Result<Run> {
        let watch = &request.watch;
        let recorder = recorder(watch);
        let started = Moment::now();
        let wiring = recorder.is_err().then(|| wiring(watch)).flatten();
        let variables = match (&recorder, &wiring) {
            (Ok(recorder), _) => Some(recorder.environment(watch.preload)),
            (Err(_), wiring) => wiring.as_ref().map(|wiring| wiring.environment(watch.preload)),
        };
        let variables = variables.iter().flatten().map(|(name, value)| (OsStr::new(name), value.as_os_str()));
        let Command { program, called, args, set } = request.command;
        let set: Vec<(&OsStr, &OsStr)> = variables.chain(set.iter().copied()).collect();
        let mut output = Vec::new();
        let program = Program { program, called, args, set: &set };
        let ended = process::run(&program, request.input, &mut |channel, bytes| {
            let stream = match channel {
                Channel::Out => Stream::Out,
                Channel::Err => Stream::Err,
            };
            sink.piece(stream, bytes);
            append(&mut output, stream, bytes);
        });
        let evidence = match recorder.and_then(|recorder| recorder.finish(watch.file)) {
            Ok(record) => RunEvidence::Recorded(record),
            Err(silence) => RunEvidence::None(silence),
        };
        Ok(Run { evidence, output, made: Vec::new(), exit: ended?, started, took: started.elapsed() })
    }
}

fn append(output: &mut Vec<(Stream, Vec<u8>)>, stream: Stream, bytes: &[u8]) {
    match output.last_mut() {
        Some((last, text)) if *last == stream => text.extend(bytes),
        _ => output.push((stream, bytes.to_vec())),
    }
}

/// A recorder, if the program can be watched: one that cannot would see that it should have been.
fn recorder(watch: &Watch<'_>) -> Result<Recorder, Unrecorded> {
    if !watch.wanted {
        return Err(Unrecorded::Unsupported);
    }
    if !has_directory(watch) || !watchable(watch.file) {
        return Err(Unrecorded::Blind { path: watch.file.to_owned() });
    }
    Ok(Recorder::new(Some(watch.objects))?.wired(watch.kiln.map(ToOwned::to_owned)))
}

/// Kiln before C compilers where the run is not recorded.
fn wiring(watch: &Watch<'_>) -> Option<Wiring> {
    let kiln = watch.kiln.filter(|_| has_directory(watch) && watchable(watch.file))?;
    Wiring::new(Some(watch.objects), kiln, Below::All).ok()
}

fn has_directory(watch: &Watch<'_>) -> bool {
    watch.file.components().count() > 1
}
