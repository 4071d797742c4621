//! Running the compiler: under the recorder, heard while it speaks.

use crate::call::Ending;
use crate::capture::Ran;
use crate::inputs;
use crate::request::Request;
use crate::wire;
use kiln_action::{Family, Mode, Reason, Stream};
use kiln_exec::{Ended, Job, Sink};
use kiln_recorder::{Recorder, Unrecorded, Wiring};
use kiln_sys::clock::Moment;
use kiln_sys::process::{self, Channel};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What came of running the compiler.
pub enum Run {
    /// It gave a result.
    Done(Ran),
    /// It failed, and what it did.
    Failed(Ending, Ran),
    /// It did not run.
    NotStarted(Ending),
}

/// Runs the compiler, and hands on what it says as it says it.
pub fn run(request: &Request<'_>) -> Run {
    request.run()
}

impl Request<'_> {
    /// Runs the compiler under the recorder, and hands on what it says as it says it.
    fn run(&self) -> Run {
        let recorder = self.recorder();
        let started = Moment::now();
        let mut ears = Ears::default();
        let wiring = recorder.is_err().then(|| self.wiring()).flatten();
        let users = self.call.environment.get("LD_PRELOAD");
        let set = match (&recorder, &wiring) {
            (Ok((recorder, _)), _) => Some(recorder.environment(users)),
            (Err(_), wiring) => wiring.as_ref().map(|wiring| wiring.environment(users)),
        };
        let set: Vec<(&OsStr, &OsStr)> =
            set.iter().flatten().map(|(name, value)| (OsStr::new(name), value.as_os_str())).collect();
        let ended = self.start(&set, &mut ears);
        let record = recorder.and_then(|(recorder, program)| recorder.finish(&program));
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => return Run::NotStarted(self.cannot_start(&error)),
        };
        let took = started.elapsed();
        self.step(|| format!("compiled, {ended:?}"));
        let answer = self.invocation.mode == Mode::Probe && ended == Ended::Code(1);
        let ran = |code: i32| Ran {
            record,
            said: ears.0,
            exit_code: code as u8,
            called: self.call.started,
            started,
            took,
        };
        match ended {
            Ended::Code(code) if code == 0 || answer => Run::Done(ran(code)),
            Ended::Code(code) => Run::Failed(Ending::Code(code), ran(code)),
            Ended::Signal(signal) => Run::Failed(Ending::Signal(signal), ran(1)),
        }
    }

    /// A recorder and the program, if that can be watched: one that cannot would see that it should have been.
    fn recorder(&self) -> Result<(Recorder, PathBuf), Unrecorded> {
        if self.call.settings.read_only {
            return Err(Unrecorded::Unsupported); // what is not kept need not be watched
        }
        let bare = !self.call.argv[0].as_bytes().contains(&b'/');
        let found = bare.then(|| inputs::find_program(&self.call.argv[0], self.call.environment)).flatten();
        let program = found.unwrap_or_else(|| PathBuf::from(&self.call.argv[0]));
        if !program.as_os_str().as_bytes().contains(&b'/') || !kiln_recorder::watchable(&program) {
            return Err(Unrecorded::Blind { path: program });
        }
        let kiln = self.is_script().then(|| wire::kiln(self.call.settings)).flatten();
        Ok((Recorder::new(Some(&self.shop.recorder()))?.wired(kiln), program))
    }

    /// What a build script is told whose run is not recorded.
    fn wiring(&self) -> Option<Wiring> {
        let watchable = self.is_script() && kiln_recorder::watchable(Path::new(&self.call.argv[0]));
        watchable.then(|| wire::unrecorded(self.call.settings)).flatten()
    }

    fn is_script(&self) -> bool {
        self.invocation.family == Family::Script
    }

    fn start(&self, set: &[(&OsStr, &OsStr)], ears: &mut Ears) -> std::io::Result<Ended> {
        let (program, args) =
            self.call.argv.split_first().unwrap_or_else(|| unreachable!("a call has a program"));
        let args: Vec<&OsStr> = args.iter().chain(&self.invocation.append).map(OsString::as_os_str).collect();
        // What a user's own PATH leads a build script to is the user's affair; a compiler must not be led to kiln.
        let script = self.is_script();
        let path = inputs::path_without_kiln(self.call.environment).filter(|_| !script);
        let path = path.iter().map(|path| (OsStr::new("PATH"), path.as_os_str()));
        let set = &set.iter().copied().chain(path).collect::<Vec<_>>();
        let called = script.then(|| kiln_compiler::script::called(Path::new(program))).flatten();
        let called = called.as_deref().or(self.call.called);
        let job = Job { program, called, args: &args, set, input: self.input.as_deref() };
        self.call.executor.run(&job, ears)
    }

    /// It did not start as a child. If its input is still where it was, becoming it has the better chance, and the better
    /// words if that fails, too.
    fn cannot_start(&self, error: &std::io::Error) -> Ending {
        let program = self.call.argv[0].display();
        if self.input.is_none() {
            return Ending::Unchanged(Reason::Unrecorded(format!("{program} cannot be started: {error}")));
        }
        process::say(Channel::Err, format!("kiln: error: cannot run `{program}`: {error}\n").as_bytes());
        Ending::Code(127)
    }
}

/// Hears the compiler: what it says is passed on at once (cargo starts dependants on the early rmeta notice) and kept.
#[derive(Default)]
struct Ears(Vec<(Stream, Vec<u8>)>);

impl Sink for Ears {
    fn piece(&mut self, stream: Stream, bytes: &[u8]) {
        process::pass_on(channel(stream), bytes);
        match self.0.last_mut() {
            Some((last, text)) if *last == stream => text.extend(bytes),
            _ => self.0.push((stream, bytes.to_vec())),
        }
    }
}

/// The stream of this process that is meant.
pub fn channel(stream: Stream) -> Channel {
    match stream {
        Stream::Out => Channel::Out,
        Stream::Err => Channel::Err,
    }
}
