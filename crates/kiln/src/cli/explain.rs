//! `kiln explain`: why units were compiled and not restored.

use crate::paint::Paint;
use crate::{exit, fail, say, words};
use kiln_action::{Event, Outcome};
use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_report::explanation::{self, Build, ExplainedUnit, MissGroup, Uncached};
use kiln_sys::clock;
use serde_json::json;
use std::cell::LazyCell;
use std::fmt::Write;

use elsewhere::Known;

mod elsewhere;

/// The most builds that are shown for a crate.
const MOST_OF_A_CRATE: usize = 10;

/// What to explain.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only this crate, or C sources of this name (`inflate.c`), in the last builds that compiled it
    #[arg(value_name = "CRATE", conflicts_with = "last")]
    name: Option<String>,
    /// The last build (this is the default)
    #[arg(long)]
    last: bool,
    /// All builds since then: how long ago (`2h`, `3d`) or a date (`2026-11-20`, UTC)
    #[arg(long, value_name = "WHEN", conflicts_with = "last")]
    since: Option<String>,
    /// Also what is no unit: questions to the compiler, what build scripts and configure try out, links
    #[arg(long)]
    all: bool,
    /// As JSON (docs/reference/explain.md; fields are only ever added)
    #[arg(long)]
    json: bool,
}

/// Prints why units were compiled; returns the exit code.
pub fn run(arguments: &Arguments, settings: &Settings, paint: Paint) -> i32 {
    let cache = match CacheDir::open(settings) {
        Ok(cache) => cache,
        Err(reason) => return fail(&reason.to_string()),
    };
    let now = clock::now_ms();
    let since = match arguments.since.as_deref().map(|text| words::moment(text, now)) {
        Some(None) => return fail("--since takes a span such as 2h or 3d, or a date such as 2026-11-20"),
        Some(since) => since,
        None => None,
    };
    let log = cache.log();
    let events = match (&arguments.name, since) {
        (_, Some(_)) | (Some(_), _) => log.events(),
        (None, None) => log.newest(explanation::has_last_build),
    };
    let mut chosen: Vec<Vec<Event>> = select(arguments, since, &events);
    let known = LazyCell::new(|| Known::of(cache.units().all()));
    chosen.iter_mut().for_each(|events| elsewhere::look(events, &known));
    let builds: Vec<Build> =
        chosen.iter().map(|events| explanation::explain(&events.iter().collect::<Vec<_>>())).collect();
    if arguments.json {
        say(&format!("{:#}\n", json!({ "schema": 1, "builds": builds })));
        return exit::FINE;
    }
    if builds.is_empty() {
        say(&match &arguments.name {
            Some(name) => format!("no compile of `{name}` is known here\n"),
            None => "nothing was compiled here yet\n".to_owned(),
        });
    }
    let text: Vec<String> = builds.iter().map(|build| as_text(build, arguments.all, now, paint)).collect();
    say(&text.join("\n"));
    exit::FINE
}

/// The events of the builds that are asked about.
fn select(arguments: &Arguments, since: Option<u64>, events: &[Event]) -> Vec<Vec<Event>> {
    let first = since.map_or(0, |since| {
        // The order of the log counts: a clock that was set back hides nothing.
        events.iter().position(|event| event.at_ms >= since).unwrap_or(events.len())
    });
    let events = &events[first..];
    let builds = match &arguments.name {
        Some(name) => {
            let compiled = |event: &&Event| event.name == *name && event.outcome != Outcome::Hit;
            let mut builds = explanation::builds(events.iter().filter(compiled));
            builds.split_off(builds.len().saturating_sub(MOST_OF_A_CRATE))
        }
        None if since.is_some() => explanation::builds(events),
        None => Some(explanation::last_build(events)).filter(|last| !last.is_empty()).into_iter().collect(),
    };
    builds.into_iter().map(|build| build.into_iter().cloned().collect()).collect()
}

fn as_text(build: &Build, all: bool, now: u64, paint: Paint) -> String {
    let mut text = format!("{}: {}\n", headline(build, now), build.tally);
    build.misses.iter().for_each(|group| tell_group(group, paint, &mut text));
    let uncached = |uncached, text: &mut String| tell_uncached("not cached", uncached, paint, text);
    build.uncached.iter().for_each(|group| uncached(group, &mut text));
    if all {
        build.besides.iter().for_each(|group| tell_uncached("no unit", group, paint, &mut text));
    }
    text
}

/// `build of /home/me/app, dev profile, 3 min ago`.
pub fn headline(build: &Build, now: u64) -> String {
    let of = if build.project.is_empty() { String::new() } else { format!(" of {}", build.project) };
    let profile = match build.profile.as_str() {
        "" => String::new(),
        profile => format!(", {profile} profile"),
    };
    format!("build{of}{profile}, {}", words::ago(build.at_ms, now))
}

fn tell_group(group: &MissGroup, paint: Paint, text: &mut String) {
    let _ = writeln!(text, "\n  {}", paint.warning(&group.cause));
    let _ = writeln!(text, "    {}", names(&group.units, 5));
    if !group.following.is_empty() {
        let many = words::count(group.following.len() as u64, "unit");
        let depend = if group.following.len() == 1 { "depends" } else { "depend" };
        let _ = writeln!(
            text,
            "    {}",
            paint.faint(&format!("and {many} that {depend} on it: {}", names(&group.following, 5)))
        );
    }
}

fn tell_uncached(head: &str, uncached: &Uncached, paint: Paint, text: &mut String) {
    let _ = writeln!(text, "\n  {}", paint.bad(&format!("{head}: {}", uncached.words)));
    let _ = writeln!(text, "    {}", names(&uncached.units, 5));
    for detail in uncached.details.iter().take(3) {
        let _ = writeln!(text, "    {detail}");
    }
    if !uncached.remedy.is_empty() {
        let _ = writeln!(text, "    {}", paint.faint(&format!("what to do: {}", uncached.remedy)));
    }
}

/// `a lib, b bin and 12 more`.
fn names(units: &[ExplainedUnit], most: usize) -> String {
    let name = |unit: &ExplainedUnit| match (unit.name.as_str(), unit.kind.as_str()) {
        ("", "") => "a call without a name".to_owned(),
        ("", kind) => kind.to_owned(),
        (name, "build-script") => format!("{name} build script"),
        (name, "build-script-run") => format!("{name} build script (run)"),
        (name, "") => name.to_owned(),
        (name, kind) => format!("{name} {kind}"),
    };
    let shown: Vec<String> = units.iter().take(most).map(name).collect();
    match units.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
