//! Events: what became of a call, for the log.

use crate::baseline;
use crate::cache_dir::CacheDir;
use crate::call::Call;
use crate::journal;
use crate::project;
use kiln_action::event::PROBE;
use kiln_action::{Event, Family, Invocation, Mode, Outcome, Reason};
use kiln_report::cause;
use kiln_sys::clock;
use std::ffi::OsString;
use std::path::Path;

/// The name for an event about a command line that was not understood.
pub fn crate_name(argv: &[OsString]) -> String {
    let named = argv.iter().zip(argv.iter().skip(1)).find(|(flag, _)| *flag == "--crate-name");
    named.map_or_else(String::new, |(_, name)| name.to_string_lossy().into_owned())
}

/// The same for C: what it writes, else the compiler itself.
pub fn c_name(argv: &[OsString]) -> String {
    let named = argv.iter().zip(argv.iter().skip(1)).find(|(flag, _)| *flag == "-o").map(|(_, name)| name);
    let path = Path::new(named.unwrap_or(&argv[0]));
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

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
    let package = package_of_script(call, invocation);
    let mut event = event(call, package.as_deref().unwrap_or(&invocation.unit.name), &invocation.unit.kind);
    event.outcome = outcome;
    event.reason = reason.name().to_owned();
    event.detail = reason.detail().to_owned();
    let for_script = invocation.family.is_c() || invocation.family == Family::Script;
    let out = call.environment.get("OUT_DIR").map(Path::new).filter(|_| for_script);
    if invocation.mode == Mode::Compile {
        let of_script = out.and_then(|out| baseline::project_of_script(out, call.environment.get("TARGET")));
        event.project = of_script.unwrap_or_else(|| baseline::project(invocation));
        event.profile = baseline::profile(invocation, out);
    }
    event.stem = baseline::stem(invocation);
    let script = out.and_then(cause::script_of).unwrap_or_default();
    match invocation.family {
        Family::Script => event.stem = script,
        _ => event.script = script,
    }
    if invocation.family.is_c() && is_try(invocation) {
        PROBE.clone_into(&mut event.kind);
    }
    event
}

/// Every package's build script has the same name as a crate, so that it is told by the package.
fn package_of_script(call: &Call<'_>, invocation: &Invocation) -> Option<String> {
    let of_rustc = invocation.family == Family::Rustc && invocation.unit.name.starts_with("build_script_");
    let package = call.environment.get("CARGO_PKG_NAME").filter(|_| of_rustc)?;
    Some(package.to_string_lossy().into_owned())
}

/// Whether a C compile only finds out what the compiler can do: for CMake, meson, autoconf and the crate `cc`.
fn is_try(invocation: &Invocation) -> bool {
    const SOURCES: [&str; 4] = ["conftest", "flag_check", "detect_compiler_family", "testCCompiler"];
    let stem = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    SOURCES.contains(&stem(&invocation.unit.name).as_str()) || project::is_scratch(&invocation.directory)
}

/// Whether a command line that is not understood only finds out what the compiler can do: it tries something for CMake or
/// meson, or writes what is preprocessed to standard output.
fn only_asks(call: &Call<'_>, reason: &Reason) -> bool {
    let is_there = |word: &str| call.argv.iter().any(|argument| argument == word);
    match reason {
        Reason::Question(_) => true,
        Reason::NotACompile(_) => false, // it is told by that name
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
    let name =
        Some(crate_name(call.argv)).filter(|name| !name.is_empty()).unwrap_or_else(|| c_name(call.argv));
    tell(&cache, call, bypass(call, &name, &reason));
}

/// Appends an event; that it cannot be told changes nothing.
pub fn tell(cache: &CacheDir, call: &Call<'_>, event: Event) {
    journal::ended(call.settings.log.as_ref(), &event);
    let _ = cache.log().append(&event);
    if let Some(copy) = &call.settings.events {
        journal::tell(copy, &kiln_report::log::line(&event));
    }
}
