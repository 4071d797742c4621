//! The wrapper. One rule decides what it is: is the first argument a compiler (or at least a path)? Then wrap it, before
//! any parser; else become `kiln-cli`, which is beside this program.
#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

mod complain;
mod masquerade;
mod remote;

use kiln_action::exit;
use kiln_action::os::is_separator;
use kiln_compiler::Recognised;
use kiln_compiler::programs::{self, ProgramRole};
use kiln_config::layers::Loaded;
use kiln_config::{Settings, Start};
use kiln_engine::families::build_script;
use kiln_engine::{Call, Ending, argfile, inputs, journal, wire};
use kiln_exec::Local;
use kiln_prefill::recording::Recording;
use kiln_prefill::session::Caller;
use kiln_prefill::{fill, recorded};
use kiln_protocol::{Made, Product, RemoteCache};
use kiln_recorder::Reporter;
use kiln_sys::clock::Moment;
use kiln_sys::env::{self, Environment};
use kiln_sys::process::{self, Channel, Program, Side, Starter};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// C's `main`, which glibc calls: what std does before its own is not waited for. (std knows the arguments all the same.)
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    process::begin();
    run()
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() {
    process::begin_late();
    run();
}

fn run() -> ! {
    let started = Moment::now();
    let arguments = env::arguments();
    let argv = arguments.get(1..).unwrap_or_default();
    let called = arguments.first().and_then(|own| kiln_recorder::called(own));
    if called.is_some() && !argv.is_empty() {
        wrap(argv, called, started) // put before a compiler that was about to be executed
    }
    if let Some(meant) = masquerade::unmask(&arguments) {
        match meant {
            Ok(argv) => wrap(&argv, None, started),
            Err(called) => not_there(&called),
        }
    }
    let argv = without_own_name(argv);
    match argv {
        [first, ..] if is_compiler(first) => wrap(argv, None, started),
        [dashes, program @ ..]
            if dashes == "--" && program.first().is_some_and(|first| is_compiler(first)) =>
        {
            wrap(program, None, started)
        }
        _ => own(argv),
    }
}

/// Launchers are put in front of launchers: `kiln kiln gcc` is `kiln gcc`.
fn without_own_name(argv: &[OsString]) -> &[OsString] {
    let own = argv.iter().take_while(|word| *word == "kiln").count();
    &argv[own..]
}

fn own(argv: &[OsString]) -> ! {
    match argv.first() {
        Some(first) if first == "--wrapper-version" => {
            process::say(Channel::Out, concat!(env!("CARGO_PKG_VERSION"), "\n").as_bytes()); // `kiln doctor` asks
            end(exit::FINE)
        }
        _ => become_cli(argv),
    }
}

/// A path, or the name of a compiler that kiln knows.
fn is_compiler(first: &OsStr) -> bool {
    first.as_encoded_bytes().iter().any(|byte| is_separator(*byte))
        || kiln_compiler::recognise(first, None).is_some()
}

fn not_there(called: &OsStr) -> ! {
    let program = called.display();
    let message =
        format!("kiln: error: no `{program}` on PATH besides kiln's own link; is the compiler installed?\n");
    process::say(Channel::Err, message.as_bytes());
    end(exit::NOT_THERE)
}

fn wrap(argv: &[OsString], called: Option<&OsStr>, started: Moment) -> ! {
    let environment = Environment::capture();
    let reporter = reporter(&environment);
    let reporter = reporter.as_ref();
    let unchanged = Unchanged { argv, called, reporter, settings: None };
    if is_script(argv) {
        build_script::sweep(&environment);
    }
    if process::is_cramped() {
        become_compiler(&unchanged)
    }
    let Some(recognised) = kiln_compiler::recognise(&argv[0], argv.get(1).map(OsString::as_os_str)) else {
        tell_unknown(argv, &environment, started);
        become_compiler(&unchanged)
    };
    let environment = if reporter.is_some() { Environment::capture() } else { environment };
    let Some(directory) = env::directory() else { become_compiler(&unchanged) };
    let words = argfile::words(argv, &directory);
    let mut loaded = load(&words, &environment, &directory);
    let is_cargos = !recognised.subject.is_c() && reporter.is_none();
    let joined = is_cargos.then(|| Joined::of(argv, &loaded.settings)).flatten();
    loaded.settings.session = joined.as_ref().map(|joined| joined.session.clone());
    let caller = joined.as_ref().and_then(|_| process::environment_of_parent());
    if reporter.is_some() {
        journal::keep_from_the_build(&mut loaded.settings);
    }
    let (build, by_hand) = build_of(&loaded.settings, recognised.subject.is_c(), &environment);
    let remote = remote::Remote::of(&loaded.settings, &environment);
    let call = Call {
        argv,
        called,
        environment: &environment,
        caller: caller.as_ref(),
        directory: &directory,
        settings: &loaded.settings,
        build,
        by_hand,
        started,
        runner: &Local,
        remote: remote.as_ref().map(|remote| remote as &dyn RemoteCache),
        reporter,
    };
    let ending = answer(&call, &recognised, joined.and_then(|joined| joined.begun));
    if writes(&words) {
        complain::once(&loaded, &ending); // cargo drops messages of a probe
    }
    match ending {
        Ending::Code(code) => end(code),
        Ending::Signal(signal) => process::end_by_signal(signal),
        Ending::Unchanged(_) => become_compiler(&Unchanged { settings: Some(&loaded.settings), ..unchanged }),
    }
}

/// The build of a cargo that anybody may have started, where it is recorded.
struct Joined {
    session: PathBuf,
    /// Where this call is the build's first.
    begun: Option<(Caller, Recording)>,
}

impl Joined {
    fn of(argv: &[OsString], settings: &Settings) -> Option<Joined> {
        let is_wanted = settings.build_scripts && settings.prefill;
        let caller = is_wanted.then(|| Caller::of_this_process(settings)).flatten()?;
        if let Some(session) = caller.session() {
            return Some(Joined { session, begun: None });
        }
        fill::asked_first(argv)?;
        let recording = Recording::begin(&caller, settings)?;
        Some(Joined { session: recording.session().to_owned(), begun: Some((caller, recording)) })
    }
}

/// Makes the call, and records it where the build asks for that; before a build's first probe its target directory is filled.
fn answer(call: &Call<'_>, recognised: &Recognised, begun: Option<(Caller, Recording)>) -> Ending {
    let request = begun.as_ref().and_then(|(_, recording)| recording.request());
    let taken = request.map_or_else(Vec::new, |request| fill::before_cargo(call, request));
    let own = process::own_id();
    let wrapped = kiln_engine::wrap(call, recognised);
    let is_behind = process::own_id() != own; // the caller's side of a new answer does what is left
    if let Some(session) = &call.settings.session {
        match (&wrapped.named, &wrapped.ending) {
            (Some(named), _) => recorded::record(session, named, call),
            (None, Ending::Code(0) | Ending::Unchanged(_)) => {}
            (None, Ending::Code(_) | Ending::Signal(_)) => recorded::fail(session),
        }
    }
    if is_behind {
        return wrapped.ending;
    }
    let leaves = (!taken.is_empty() || begun.is_some()) && matches!(wrapped.ending, Ending::Code(_));
    let side = if leaves { process::leave_behind() } else { None };
    if side == Some(Side::Behind) {
        process::leave_directory();
    }
    if side != Some(Side::Caller) {
        fill::put_back(call, &taken);
    }
    match (side, begun) {
        (Some(Side::Behind), Some((caller, recording))) => finish(call, &caller, recording),
        (None, Some((caller, recording))) => caller.end(recording.session()),
        _ => {}
    }
    wrapped.ending
}

/// Waits for the end of a build, behind everybody's back, and takes its snapshot.
fn finish(call: &Call<'_>, caller: &Caller, recording: Recording) {
    let session = recording.session().to_owned();
    if caller.wait_for_end().is_ok()
        && let Some(key) = recording.end(call.settings)
        && let Some(caller) = call.caller
        && let Some(remote) = remote::Remote::of(call.settings, caller)
    {
        remote.made(&Made { product: Product::Snapshot(key), build: call.build, took_ms: 0 });
    }
    caller.end(&session);
}

fn load(argv: &[OsString], environment: &Environment, directory: &Path) -> Loaded {
    let out = out_directory(argv).map(|out| directory.join(out));
    kiln_config::load(environment, &Start { directory, out: out.as_deref() })
}

/// Has a compile counted that runs unchanged since kiln does not know the compiler.
fn tell_unknown(argv: &[OsString], environment: &Environment, started: Moment) {
    let Some(directory) = env::directory().filter(|_| kiln_engine::looks_like_a_compile(argv)) else {
        return;
    };
    let loaded = load(argv, environment, &directory);
    let (build, by_hand) =
        build_of(&loaded.settings, !argv.iter().any(|word| word == "--crate-name"), environment);
    let (settings, runner) = (&loaded.settings, &Local);
    let directory = &directory;
    let (remote, reporter) = (None, None);
    let called = None;
    let call = Call {
        argv,
        called,
        environment,
        directory,
        settings,
        build,
        by_hand,
        started,
        runner,
        remote,
        reporter,
        caller: None,
    };
    kiln_engine::unknown(&call);
}

/// What a build script that is being recorded handed on to us: taken out of the environment, so that it reaches no compiler.
fn reporter(variables: &Environment) -> Option<Reporter> {
    let [preload, record] = kiln_recorder::VARIABLES;
    let reporter = Reporter::of(variables.get(preload)?, variables.get(record)?);
    let users = reporter.as_ref().and_then(Reporter::preload);
    env::replace(&[(record, None), (preload, users)]);
    reporter
}

/// Which build this is part of, and whether somebody typed it: what `kiln cargo` and `kiln run` say; else cargo, which starts all
/// rustcs, and all build scripts, that start C compilers in their own ways; else the outermost build tool above. ninja gives every
/// command a process group and a shell of its own, make starts a shell for each. What no tool started belongs to its process group: a
/// script's commands are all in one.
fn build_of(settings: &Settings, c: bool, environment: &Environment) -> (u32, bool) {
    if let Some(build) = settings.build {
        return (build, false);
    }
    // (as cargo calls it, or as it lies behind a launcher)
    let of_script =
        || environment.get("OUT_DIR").and_then(|_| process::starter_of(&["build-script-", "build_script_"]));
    if let Some(cargo) = of_script().filter(|_| c) {
        return (cargo, false);
    }
    let (tools, go_between) =
        (programs::names(ProgramRole::BuildTool), programs::names(ProgramRole::GoBetween));
    match process::starter(&["cargo"], &tools, &go_between) {
        Starter::Tool(tool) => (tool, false),
        Starter::Hand(shell) => (shell, true),
        Starter::Other if c => (process::group(), false),
        Starter::Other => (process::parent(), false),
    }
}

/// Where the compiler writes to: the project's settings are looked for from there, for cargo compiles dependencies in
/// directories of its own.
fn out_directory(argv: &[OsString]) -> Option<&OsStr> {
    let named = argv.iter().zip(argv.iter().skip(1)).find(|(flag, _)| *flag == "--out-dir");
    named.map(|(_, directory)| directory.as_os_str())
}

/// Whether it is a compile, and no question such as `-vV`.
fn writes(argv: &[OsString]) -> bool {
    argv.iter().any(|argument| {
        matches!(argument.to_str(), Some("--out-dir" | "-o"))
            || argument.as_encoded_bytes().starts_with(b"--emit")
    })
}

/// What is to run as if kiln were not there.
struct Unchanged<'a> {
    argv: &'a [OsString],
    /// What it is called, where that is not its path.
    called: Option<&'a OsStr>,
    reporter: Option<&'a Reporter>,
    /// The settings, where they were read.
    settings: Option<&'a Settings>,
}

/// Whether it is a build script in front of which a launcher stands.
fn is_script(argv: &[OsString]) -> bool {
    let is_one = |name: &OsStr| name.to_str().is_some_and(kiln_compiler::script::is_build_script);
    Path::new(&argv[0]).file_name().is_some_and(is_one)
}

/// Runs it. Nothing may fail before this `exec`: cargo remembers a failed probe.
fn become_compiler(unchanged: &Unchanged<'_>) -> ! {
    let argv = unchanged.argv;
    let args: Vec<&OsStr> = argv[1..].iter().map(OsString::as_os_str).collect();
    let script = is_script(argv);
    let path = inputs::path_without_kiln(&Environment::capture()).filter(|_| !script);
    let recording = recording_environment(unchanged, unchanged.settings.filter(|_| script));
    let recording = recording.iter().flatten().map(|(name, value)| (OsStr::new(name), value.as_os_str()));
    let path = path.iter().map(|path| (OsStr::new("PATH"), path.as_os_str()));
    let set: Vec<(&OsStr, &OsStr)> = path.chain(recording).collect();
    let called = script.then(|| kiln_compiler::script::called(Path::new(&argv[0]))).flatten();
    let called = called.as_deref().or(unchanged.called);
    let program = Program { program: &argv[0], called, args: &args, set: &set };
    let error = process::become_program(&program);
    let program = Path::new(&argv[0]).display();
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "; is the path right, is the toolchain installed?",
        _ => "",
    };
    process::say(Channel::Err, format!("kiln: error: cannot run `{program}`: {error}{hint}\n").as_bytes());
    end(if error.kind() == std::io::ErrorKind::NotFound { exit::NOT_THERE } else { exit::CANNOT_RUN })
}

/// The variables that make a program part of the recording that this process is part of, where it can take part, and that put kiln before
/// C compilers, where it is a build script.
fn recording_environment(
    unchanged: &Unchanged<'_>,
    of_script: Option<&Settings>,
) -> Option<[(&'static str, OsString); 2]> {
    let program = Path::new(&unchanged.argv[0]);
    if let Some(reporter) = unchanged.reporter {
        let kiln = of_script.and_then(wire::kiln);
        return go_on_in_record(reporter, program, kiln.as_deref());
    }
    let settings = of_script.filter(|_| kiln_recorder::watchable(program))?;
    let wiring = wire::unrecorded(settings).filter(|wiring| wiring.outlives_this_process())?;
    Some(wiring.environment(Environment::capture().get(kiln_recorder::VARIABLES[0])))
}

fn go_on_in_record(
    reporter: &Reporter,
    program: &Path,
    kiln: Option<&Path>,
) -> Option<[(&'static str, OsString); 2]> {
    let (own, directory) = (env::own_program()?, env::directory()?);
    let program = match program.as_os_str().as_encoded_bytes().contains(&b'/') {
        true => directory.join(program),
        false => inputs::find_program(program.as_os_str(), &Environment::capture())?,
    };
    if !kiln_recorder::watchable(&program) {
        return None; // then nobody reports, and the script counts as unrecorded
    }
    reporter.started(&own, &directory);
    Some(reporter.becomes(&program, kiln))
}

fn become_cli(argv: &[OsString]) -> ! {
    let args: Vec<&OsStr> = argv.iter().map(OsString::as_os_str).collect();
    let beside = env::program_beside("kiln-cli");
    if let Some(cli) = &beside {
        let error = process::become_program(&Program {
            program: cli.as_os_str(),
            called: None,
            args: &args,
            set: &[],
        });
        let message = format!(
            "kiln: error: cannot run `{}`: {error}; it is installed together with kiln (`cargo install --locked --path crates/kiln` in a checkout of kiln)\n",
            cli.display()
        );
        process::say(Channel::Err, message.as_bytes());
    }
    end(exit::CANNOT_RUN)
}

#[allow(clippy::disallowed_methods, reason = "main ends the process")]
fn end(code: i32) -> ! {
    std::process::exit(code)
}
