//! A miss: the result of compiling is kept, recorded as an event, and explained.

use crate::baseline::Missed;
use crate::cache_dir;
use crate::call::NamedResult;
use crate::capture;
use crate::families::build_script;
use crate::kept::Kept;
use crate::keyed::Keyed;
use crate::nested;
use crate::remote;
use crate::toolchain::version;
use crate::verify::{self, Comparison};
use kiln_action::{Event, Mode, Outcome, Reason, Shape, Stream, digest};
use kiln_exec::Run;
use kiln_protocol::{Made, Product};
use kiln_report::cause::{self, Difference};
use kiln_sys::process;
use std::path::PathBuf;

/// Why there is no hit.
pub struct Miss {
    /// In one word, with its detail.
    pub reason: Reason,
    /// In verify mode: what came of holding a hit against a compile.
    pub checked: Option<Checked>,
}

/// A hit that was held against a compile.
pub struct Checked {
    /// What that came to.
    pub comparison: Comparison,
    /// The Shape that the hit was found by.
    pub shape: Shape,
}

impl Miss {
    /// One that nothing was held against.
    pub fn of(reason: Reason) -> Miss {
        Miss { reason, checked: None }
    }
}

/// What an event says of it.
pub fn words_of(checked: Option<&Checked>) -> String {
    checked.map_or_else(String::new, |checked| checked.comparison.words())
}

/// Keeps a run that ended well, and tells of it. What the result is called; `None` where it is not kept.
pub fn keep(keyed: &Keyed<'_>, run: &Run, miss: &Miss) -> Option<NamedResult> {
    let request = &keyed.request;
    let tell = |outcome, reason: &Reason| {
        let verified = words_of(miss.checked.as_ref());
        request.tell(Event { verified, ..keyed.event(outcome, reason, run.took) });
    };
    if request.call.settings.read_only {
        tell(Outcome::Bypass, &Reason::ReadOnly);
        return None;
    }
    let kept = capture::capture(keyed, run);
    match &kept {
        Ok(kept) => {
            request.tell(event_of(keyed, run, miss, kept));
            build_script::stand_in(&request.invocation, request.call.settings);
            let outputs = &request.invocation.outputs.files;
            report(keyed, Some(&kept.shape), kept.outputs.iter().chain(outputs).cloned());
            tell_remote(keyed, run, kept);
        }
        Err(reason @ Reason::NoStore(_)) => tell(Outcome::Error, reason),
        Err(reason) => tell(Outcome::Bypass, reason),
    }
    collect_garbage_if_due(keyed);
    kept.ok().map(|kept| keyed.named(&kept.key))
}

/// Tells of a run that failed, and what it hung on, to whoever records the script that asked for it.
pub fn failed(keyed: &Keyed<'_>, run: &Run, miss: &Miss) {
    let request = &keyed.request;
    let verified = words_of(miss.checked.as_ref());
    request.tell(Event { verified, ..keyed.event(Outcome::Failed, &Reason::Failed, run.took) });
    if request.call.reporter.is_some() {
        let shape = capture::asked_by_failed(keyed, run);
        report(keyed, shape.ok().as_ref(), request.invocation.outputs.files.iter().cloned());
    }
}

/// Says what this compile hung on to whoever records the script that asked for it. Where that is not known nothing is said: then
/// the script counts as unrecorded.
pub fn report(keyed: &Keyed<'_>, shape: Option<&Shape>, outputs: impl Iterator<Item = PathBuf>) {
    if let (Some(reporter), Some(shape)) = (keyed.request.call.reporter, shape) {
        nested::report(reporter, shape, outputs, &keyed.request.world(), &keyed.owned);
    }
}

fn tell_remote(keyed: &Keyed<'_>, run: &Run, kept: &Kept) {
    let request = &keyed.request;
    let Some(cache) = request.call.remote else { return };
    // The name of a result says something of the answers that it is made of.
    if let Err(beyond) = kiln_sys::env::bounds().hold(kept.shape.questions()) {
        request.step(|| format!("not shared: it {beyond}"));
        return;
    }
    let Some((workspace, _)) = remote::workspace_of(keyed) else { return };
    let incremental = request.invocation.incremental;
    let product = Product::Unit { weak: keyed.weak, key: kept.key, incremental, workspace };
    let took_ms = u32::try_from(run.took.as_millis()).unwrap_or(u32::MAX);
    cache.made(&Made { product, build: request.call.build, took_ms });
}

/// The event about a miss, with what it came of.
fn event_of(keyed: &Keyed<'_>, run: &Run, miss: &Miss, kept: &Kept) -> Event {
    let request = &keyed.request;
    let mut event = Event {
        bytes: kept.bytes,
        key: digest::hex(kept.key.name()),
        verified: words_of(miss.checked.as_ref()),
        ..keyed.event(Outcome::Miss, &miss.reason, run.took)
    };
    if let Some(Checked { comparison, shape }) = &miss.checked
        && comparison.is_wrong()
        && let Some(path) = verify::unrecorded(shape, &kept.shape, &request.invocation)
    {
        event.verified = Comparison::Denied(path).words();
    }
    if request.invocation.mode == Mode::Compile {
        if let Some(difference) = explain(keyed, &event, kept) {
            event.cause = difference.words;
            event.follows = match difference.follows.as_str() {
                cause::ITS_PROGRAM => build_script::maker(&request.invocation).unwrap_or_default(),
                _ => difference.follows,
            };
        }
        if matches!(miss.reason, Reason::Damaged(_) | Reason::Recache) {
            event.cause = miss.reason.to_string();
        }
    } else if let Some((_, said)) = run.output.iter().find(|(stream, _)| *stream == Stream::Out) {
        version::keep(&request.cache.toolchains(), &keyed.toolchain, said);
    }
    event
}

fn explain(keyed: &Keyed<'_>, event: &Event, kept: &Kept) -> Option<Difference> {
    let request = &keyed.request;
    keyed.of_key_inputs(|key| {
        let missed = Missed {
            key,
            world: &request.world(),
            project: &event.project,
            compiler: version::of(&request.cache.toolchains(), &keyed.toolchain),
            at_ms: event.at_ms,
            removals: request.cache.store.removals(),
        };
        request.cache.units().explain_and_keep(&missed, kept)
    })
}

/// Starts the collector where it is due, in a process of its own that nothing waits for.
fn collect_garbage_if_due(keyed: &Keyed<'_>) {
    let request = &keyed.request;
    if request.cache.store.due(&cache_dir::limits(request.call.settings))
        && let Some(program) = kiln_sys::env::own_program()
    {
        let _ = process::start_detached(program.as_os_str(), &["gc".into(), "--background".into()]);
    }
}
