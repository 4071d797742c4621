//! Events: what became of a call, for the log.

use crate::cache_dir::CacheDir;
use crate::call::Call;
use crate::families;
use crate::journal;
use crate::project;
use crate::unit;
use kiln_action::event::PROBE;
use kiln_action::{Event, Invocation, Mode, Outcome, Reason};
use kiln_sys::clock;
use std::ffi::OsString;
use std::path::Path;

fn event(call: &Call<'_>, name: &str, kind: &str) -> Event {
    Event {
        took_us: call.started.elapsed().as_micros() as u64,
        directory: call.directory.to_string_lossy().into_owned(),
        parent: call.build,
        by_hand: call.by_hand,
        ..Event::new(clock::now_ms(), Outcome::Error, name, kind)
    }
}

/// An event about a compile that is understood.
pub fn event_of(call: &Call<'_>, invocation: &Invocation, outcome: Outcome, reason: &Reason) -> Event {
    let rules = families::of(invocation.subject);
    let mut event = event(call, &invocation.unit.name, &invocation.unit.kind);
    event.outcome = outcome;
    event.reason = reason.name().to_owned();
    event.detail = reason.detail().to_owned();
    let out = rules.out_of_script(call);
    if invocation.mode == Mode::Compile {
        let of_script = out.and_then(|out| project::of_script(out, call.environment.get("TARGET")));
        event.project = of_script.unwrap_or_else(|| project::of_unit(invocation));
        event.profile = project::profile(rules.cargos_directory(invocation, call).unwrap_or(Path::new("")));
    }
    event.stem = unit::stem(invocation);
    rules.tell(&mut event, call, invocation);
    event
}

/// Whether a command line that is not understood only finds out what the compiler can do: it tries something for CMake or
/// meson, or writes what is preprocessed to standard output.
fn only_asks(call: &Call<'_>, reason: &Reason) -> bool {
    let is_there = |word: &str| call.argv.iter().any(|argument| argument == word);
    match reason {
        Reason::Question(_) => true,
        Reason::NotACompile(_) => false, // that name says it
        _ => project::is_scratch(call.directory) || is_there("-E") && !is_there("-o"),
    }
}

/// An event about a command line that is not understood.
pub fn bypass(call: &Call<'_>, name: &str, reason: &Reason) -> Event {
    let mut event = event(call, name, if only_asks(call, reason) { PROBE } else { "" });
    event.outcome = Outcome::Bypass;
    event.reason = reason.name().to_owned();
    event.detail = reason.detail().to_owned();
    event
}

/// Whether the arguments are those of a compile: those of rustc that cargo gives to any driver, or those of a C compiler.
pub fn looks_like_a_compile(argv: &[OsString]) -> bool {
    let is_there = |word: &str| argv.iter().any(|argument| argument == word);
    is_there("--crate-name") && is_there("--out-dir") || is_there("-c") && is_there("-o")
}

/// Tells of a compile by a program that kiln does not know, which is not cached.
pub fn unknown(call: &Call<'_>) {
    if call.settings.off {
        return;
    }
    let Ok(cache) = CacheDir::open(call.settings) else { return };
    let program = Path::new(&call.argv[0]).file_name().unwrap_or_default();
    let reason = Reason::UnknownCompiler(program.to_string_lossy().into_owned());
    let name = Some(unit::crate_name(call.argv))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| unit::c_name(call.argv));
    tell(&cache, call, bypass(call, &name, &reason));
}

/// Appends an event; a fault of the log changes nothing.
pub fn tell(cache: &CacheDir, call: &Call<'_>, event: Event) {
    journal::ended(call.settings.log.as_ref(), &event);
    let _ = cache.log().append(&event);
    if let Some(copy) = &call.settings.events {
        journal::tell(copy, &kiln_report::log::line(&event));
    }
}
