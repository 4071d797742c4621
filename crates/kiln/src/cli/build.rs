//! A build started through kiln: its compilers are wired for this one run, and one line at its end says what was saved.

use crate::launch::{Command, Launch};
use crate::{daemon, exit, fail, wiring};
use kiln_action::Event;
use kiln_config::Settings;
use kiln_prefill::session::Session;
use kiln_protocol::StoreStatus;
use kiln_report::{Summary, log, summary};
use kiln_sys::env::{self, Environment};
use kiln_sys::process::{self, Channel, Ended, Program};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;

/// Runs the program with kiln in front of rustc, unless something else stands there, and, unless the settings say otherwise, of C compilers.
/// `recorded_in` is the directory in which the wrapper is to record its calls.
pub fn run(
    command: &Command<'_>,
    settings: &Settings,
    environment: &Environment,
    session: &Session,
    recorded_in: Option<&Path>,
) -> Ended {
    let Some(wrapper) = env::program_beside("kiln") else {
        return Ended::Code(fail("cannot tell where kiln is installed"));
    };
    if process::is_crowded() {
        return Ended::Code(become_it(command)); // what we would add to it could be what it lacks
    }
    let events = session.events();
    let launch = Launch::of(command, settings, &wrapper, environment);
    let mut set = vec![(OsStr::new("KILN_BUILD"), session.build())];
    match env::directory().and_then(|here| wiring::foreign(command.args, environment, &here)) {
        Some(foreign) => tell_of_wrapper(&foreign),
        None => set.push((OsStr::new("RUSTC_WRAPPER"), wrapper.as_os_str())),
    }
    set.extend(recorded_in.map(|session| (OsStr::new("KILN_AWAITED"), session.as_os_str())));
    let events_go_elsewhere = settings.verify.is_some() && settings.events.is_some(); // `kiln verify --rebuild -- kiln run …`
    if !events_go_elsewhere && let Some(events) = &events {
        set.push((OsStr::new("KILN_EVENTS"), events.as_os_str()));
    }
    let ended = match launch.run(&set) {
        Ok(ended) => ended,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ended::Code(become_it(command)),
        Err(error) => return Ended::Code(cannot_run(command.program, &error)),
    };
    sum_up(&session.recorded_events());
    tell_of_remotes(settings, environment);
    ended
}

/// Where there is no room for one more process, the command has ours; returns only when that fails.
fn become_it(command: &Command<'_>) -> i32 {
    let args: Vec<&OsStr> = command.args.iter().map(OsString::as_os_str).collect();
    let program = Program { program: command.program, called: None, args: &args, set: &[] };
    cannot_run(command.program, &process::become_program(&program))
}

/// Another wrapper may do anything with what it wraps, and cargo has room for one: the build's own stays.
fn tell_of_wrapper(foreign: &wiring::NamedWrapper) {
    let warning = format!(
        "kiln: warning: rustc is not cached: {} names `{}`, which is no cache (`RUSTC_WRAPPER= kiln cargo …` builds without it)\n",
        foreign.place, foreign.wrapper
    );
    process::say(Channel::Err, warning.as_bytes());
}

/// A program's end as our own: its exit code, or the end of this process by the same signal.
pub fn code(ended: Ended) -> i32 {
    match ended {
        Ended::Code(code) => code,
        Ended::Signal(signal) => process::end_by_signal(signal),
    }
}

/// Says why a program cannot be run; the exit code that shells have for it.
pub fn cannot_run(program: &OsStr, error: &std::io::Error) -> i32 {
    let missing = error.kind() == ErrorKind::NotFound;
    let named = !program.as_encoded_bytes().contains(&b'/');
    let hint = if missing && named { "; is it on PATH?" } else { "" };
    fail(&format!("cannot run `{}`: {error}{hint}", program.display()));
    if missing { exit::NOT_THERE } else { exit::CANNOT_RUN }
}

/// What is wrong with the remote stores, once a build.
fn tell_of_remotes(settings: &Settings, environment: &Environment) {
    if settings.remote.is_empty() {
        return;
    }
    let warn = |what: &str| process::say(Channel::Err, format!("kiln: warning: {what}\n").as_bytes());
    let client = match daemon::client(settings, environment, false) {
        Ok(client) => client,
        Err(what) => return warn(&what),
    };
    if let Err(error) = client.place().check()
        && error.kind() == ErrorKind::PermissionDenied
    {
        return warn(&format!("remote stores are not used: {error}"));
    }
    if client.is_silent() || !client.is_there() {
        return;
    }
    let Ok(status) = client.status() else { return };
    status.complaints.iter().for_each(|complaint| warn(complaint));
    for StoreStatus { url, health, .. } in &status.stores {
        if health.given_up {
            warn(&format!("{url} is left alone for a while: {}", health.last_fault));
        } else if health.writes_given_up {
            warn(&format!("{url} is not written to for a while: {}", health.last_fault));
        }
    }
}

/// The one line, about units: questions to the compiler (`-vV`, what build scripts try out) are none, and a build that
/// compiled nothing has nothing to say.
fn sum_up(recorded: &[u8]) {
    let events: Vec<Event> = log::parse(recorded).collect();
    let summary = Summary::of(summary::counted(events.iter(), &[]));
    if summary.units() > 0 {
        process::say(Channel::Err, format!("{}\n", summary.line()).as_bytes());
    }
}
