//! Events: what became of a call, for the log.

use crate::baseline;
use crate::journal;
use crate::pipeline::Call;
use crate::workshop::Workshop;
use kiln_action::{Event, Family, Invocation, Mode, Outcome, Reason};
use kiln_sys::{clock, files};
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
        ..Event::new(clock::now_ms(), Outcome::Error, name, kind)
    }
}

/// An event about a compile that is understood.
pub fn event_of(call: &Call<'_>, invocation: &Invocation, outcome: Outcome, reason: &Reason) -> Event {
    let mut event = event(call, &invocation.unit.name, &invocation.unit.kind);
    event.outcome = outcome;
    event.reason = reason.name().to_owned();
    event.detail = reason.detail().to_owned();
    if invocation.mode == Mode::Compile {
        let of_script = || {
            let variable = |name| call.environment.get(name);
            baseline::project_of_script(Path::new(variable("OUT_DIR")?), variable("TARGET"))
        };
        let by_script = invocation.family.is_c() || invocation.family == Family::Script;
        let of_script = by_script.then(of_script).flatten();
        event.project = of_script.unwrap_or_else(|| baseline::project(invocation));
    }
    event.stem = baseline::stem(invocation);
    event
}

/// An event about a command line that is not understood.
pub fn bypass(call: &Call<'_>, name: &str, reason: &Reason) -> Event {
    let mut event = event(call, name, if matches!(reason, Reason::Question(_)) { "probe" } else { "" });
    event.outcome = Outcome::Bypass;
    event.reason = reason.name().to_owned();
    event.detail = reason.detail().to_owned();
    event
}

/// Appends an event; that it cannot be told changes nothing.
pub fn tell(shop: &Workshop, call: &Call<'_>, event: Event) {
    journal::ended(call.settings.log.as_ref(), &event);
    let _ = shop.log().append(&event);
    if let Some(copy) = &call.settings.events {
        let _ = files::append(copy, &kiln_report::log::line(&event));
    }
}
