//! Running the compiler, and handing on what it says as it says it.

use crate::call::Ending;
use crate::inputs;
use crate::request::Request;
use crate::wire;
use kiln_action::os::OsStrExt;
use kiln_action::{self as action, Mode, Reason, Stream, Subject};
use kiln_exec::{ClosedInputs, Command, Ended, OutputSink, Run, RunRequest, Watch};
use kiln_sys::process::{self, Channel};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What came of running the compiler.
pub enum RunOutcome {
    /// It gave a result.
    Done(Run),
    /// It failed, and what it did.
    Failed(Ending, Run),
    /// It did not run.
    NotStarted(Ending),
}

/// Runs the compiler, where there is room for one process more.
pub fn run(request: &Request<'_>, inputs: Option<ClosedInputs>) -> RunOutcome {
    if process::is_crowded() {
        let reason = Reason::Untraceable("the limit on processes (ulimit -u) is almost reached".into());
        request.tell(request.event(action::Outcome::Bypass, &reason));
        return RunOutcome::NotStarted(cannot_start(request, reason));
    }
    let run = match start(request, inputs) {
        Ok(run) => run,
        Err(error) => {
            let program = request.call.argv[0].display();
            let reason = Reason::Untraceable(format!("{program} cannot be started: {error}"));
            return RunOutcome::NotStarted(cannot_start(request, reason));
        }
    };
    request.step(|| format!("compiled, {:?}", run.exit));
    let is_answer = |code: i32| code == 0 || code == 1 && request.invocation.mode == Mode::Probe;
    match run.exit {
        Ended::Code(code) if is_answer(code) => RunOutcome::Done(run),
        Ended::Code(code) => RunOutcome::Failed(Ending::Code(code), run),
        Ended::Signal(signal) => RunOutcome::Failed(Ending::Signal(signal), run),
    }
}

fn start(request: &Request<'_>, inputs: Option<ClosedInputs>) -> std::io::Result<Run> {
    let (call, invocation) = (request.call, &request.invocation);
    let (program, args) = call.argv.split_first().unwrap_or_else(|| unreachable!("a call has a program"));
    let args: Vec<&OsStr> = args.iter().chain(&invocation.append).map(OsString::as_os_str).collect();
    let script = invocation.subject == Subject::BuildScript;
    // What a user's own PATH leads a build script to is the user's affair; a compiler must not be led to kiln.
    let path = inputs::path_without_kiln(call.environment).filter(|_| !script);
    let set: Vec<_> = path.iter().map(|path| (OsStr::new("PATH"), path.as_os_str())).collect();
    let called = script.then(|| kiln_compiler::script::called(Path::new(program))).flatten();
    let called = called.as_deref().or(call.called);
    let bare = !program.as_bytes().contains(&b'/');
    let found = bare.then(|| inputs::find_program(program, call.environment)).flatten();
    let file = found.unwrap_or_else(|| PathBuf::from(program));
    let kiln = script.then(|| wire::kiln(call.settings)).flatten();
    let request = RunRequest {
        invocation,
        command: Command { program, called, args: &args, set: &set },
        input: request.input.as_deref(),
        watch: Watch {
            wanted: !call.settings.read_only, // what is not kept need not be watched
            file: &file,
            objects: &request.cache.recorder(),
            preload: call.environment.get("LD_PRELOAD"),
            kiln: kiln.as_deref(),
        },
        inputs,
    };
    call.runner.run(&request, &mut Passing)
}

/// It did not start as a child. Becoming it, with its input given back, has the better chance, and the better words if that fails, too.
fn cannot_start(request: &Request<'_>, reason: Reason) -> Ending {
    match request.input.as_deref().map(process::give_input_back) {
        None | Some(Ok(())) => Ending::Unchanged(reason),
        Some(Err(error)) => {
            let program = request.call.argv[0].display();
            let message = format!("kiln: error: cannot run `{program}`: {error}\n");
            process::say(Channel::Err, message.as_bytes());
            Ending::Code(127)
        }
    }
}

/// Passes on what the compiler says, at once: cargo starts dependants on the early rmeta notice.
struct Passing;

impl OutputSink for Passing {
    fn piece(&mut self, stream: Stream, bytes: &[u8]) {
        process::pass_on(channel(stream), bytes);
    }
}

/// The stream of this process that is meant.
pub fn channel(stream: Stream) -> Channel {
    match stream {
        Stream::Out => Channel::Out,
        Stream::Err => Channel::Err,
    }
}
