//! `kiln stats`: what the cache did so far.

use crate::{exit, explain, fail, say, words};
use kiln_action::event::NO_UNITS;
use kiln_action::{Event, Outcome, reason};
use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_protocol::StoreStatus;
use kiln_report::Summary;
use kiln_report::explanation::{self, Build};
use kiln_report::log::{Account, Log};
use kiln_store::Entry;
use kiln_sys::{clock, files};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// How to show it.
#[derive(clap::Args)]
pub struct Arguments {
    /// As JSON (docs/reference/stats.md; fields are only ever added)
    #[arg(long)]
    json: bool,
    /// Only what happened since then: how long ago (`2h`, `3d`) or a date (`2026-11-20`, UTC)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only this project (the current directory, if no other is named)
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    project: Option<PathBuf>,
    /// The N biggest and the N most useful entries as well
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Begin to count anew; what is cached stays
    #[arg(long, conflicts_with_all = ["json", "since", "project", "top"])]
    zero: bool,
}

/// Everything that is shown.
struct Shown {
    account: Account,
    store_bytes: u64,
    limit: Option<u64>,
    entries: Option<Vec<Entry>>,
    biggest: Vec<Entry>,
    useful: Vec<Useful>,
    /// The newest build, if the log has one that belongs here.
    last: Option<Build>,
    /// What the daemons counted, of every remote store.
    remote: Vec<StoreStatus>,
}

/// What a unit was good for.
struct Useful {
    unit: String,
    hits: u64,
    saved_ms: u64,
}

/// Prints counts, or begins to count anew; returns the exit code.
pub fn run(arguments: &Arguments, settings: &Settings, here: &Path) -> i32 {
    let cache = match CacheDir::open(settings) {
        Ok(cache) => cache,
        Err(reason) => return fail(&reason.to_string()),
    };
    if arguments.zero {
        return match cache.log().zero(clock::now_ms()) {
            Ok(()) => {
                say("counting begins anew; what is cached stays\n");
                exit::FINE
            }
            Err(error) => fail(&error.to_string()),
        };
    }
    let since = match arguments.since.as_deref().map(|text| words::moment(text, clock::now_ms())) {
        Some(None) => return fail("--since takes a span such as 2h or 3d, or a date such as 2026-11-20"),
        Some(since) => since,
        None => None,
    };
    let project = arguments.project.as_deref().map(|written| words::directory(written, here));
    let shown = gather(arguments, settings, &cache, since, project.as_deref());
    if let Some(directory) =
        project.filter(|directory| shown.account.projects.is_empty() && !is_there(directory))
    {
        return fail(&format!("there is no directory {}, and nothing was built in it", directory.display()));
    }
    if arguments.json {
        say(&format!("{:#}\n", as_json(&shown)));
    } else {
        say(&as_text(&shown, arguments.project.is_some()));
    }
    exit::FINE
}

fn is_there(path: &Path) -> bool {
    files::stat(path).is_ok_and(|found| found.is_some())
}

fn gather(
    arguments: &Arguments,
    settings: &Settings,
    cache: &CacheDir,
    since: Option<u64>,
    project: Option<&Path>,
) -> Shown {
    let log = cache.log();
    let mut account = match since {
        Some(since) => Account::of(&log.since(since)),
        None => log.account(),
    };
    if let Some(directory) = project {
        account.projects.retain(|name, _| words::is_in(name, directory));
        account.total = Summary::default();
        account.projects.values().for_each(|summary| account.total.merge(summary));
    }
    let top = arguments.top.unwrap_or(0);
    let entries = (arguments.json || top > 0).then(|| cache.store.entries().unwrap_or_default());
    let mut biggest = entries.clone().unwrap_or_default();
    biggest.sort_by_key(|entry| std::cmp::Reverse(entry.bytes));
    biggest.truncate(top);
    let useful = if top > 0 { useful(&log.since(since.unwrap_or(0)), project, top) } else { Vec::new() };
    let store_bytes = cache.store.estimate().unwrap_or(0);
    let remote = crate::remote::counters(settings);
    let last = last_build(&log, project).filter(|build| since.is_none_or(|since| build.at_ms >= since));
    Shown { last, account, store_bytes, limit: settings.max_size, entries, biggest, useful, remote }
}

/// The newest build (of a project).
fn last_build(log: &Log, project: Option<&Path>) -> Option<Build> {
    let events = match project {
        None => log.newest(explanation::has_last_build),
        Some(_) => log.events(),
    };
    let here = |event: &&Event| project.is_none_or(|directory| words::is_in(&event.project, directory));
    let events: Vec<Event> = events.iter().filter(here).cloned().collect();
    Some(explanation::explain(&explanation::last_build(&events))).filter(|build| build.units > 0)
}

/// The units whose hits saved most, as far as the log still has them one by one.
fn useful(events: &[Event], project: Option<&Path>, most: usize) -> Vec<Useful> {
    let mut found: HashMap<String, (u64, u64)> = HashMap::new();
    let counts = |event: &&Event| {
        let here = project.is_none_or(|directory| words::is_in(&event.project, directory));
        event.outcome == Outcome::Hit && event.is_unit() && here
    };
    for event in events.iter().filter(counts) {
        let entry = found.entry(format!("{} {}", event.name, event.kind)).or_default();
        entry.0 += 1;
        entry.1 += event.compile_ms;
    }
    let mut all: Vec<Useful> =
        found.into_iter().map(|(unit, (hits, saved_ms))| Useful { unit, hits, saved_ms }).collect();
    all.sort_by(|a, b| b.saved_ms.cmp(&a.saved_ms).then_with(|| a.unit.cmp(&b.unit)));
    all.truncate(most);
    all
}

fn rate(summary: &Summary) -> f64 {
    let asked = summary.hits + summary.misses;
    if asked == 0 { 0.0 } else { summary.hits as f64 / asked as f64 }
}

fn summary_json(summary: &Summary) -> Value {
    let mut value = serde_json::to_value(summary).unwrap_or_else(|_| json!({}));
    value["units"] = json!(summary.units());
    value["hit_rate"] = json!((rate(summary) * 10_000.0).round() / 10_000.0);
    value
}

fn as_json(shown: &Shown) -> Value {
    let mut value = summary_json(&shown.account.total);
    value["schema"] = json!(1);
    value["store_bytes"] = json!(shown.store_bytes);
    value["store_limit"] = json!(shown.limit);
    value["store_entries"] = json!(shown.entries.as_ref().map_or(0, Vec::len));
    value["last_build"] = json!(shown.last.as_ref().map(|build| {
        json!({
            "project": build.project, "profile": build.profile, "at_ms": build.at_ms,
            "units": build.units, "hits": build.hits, "failures": build.failures,
        })
    }));
    value["zeroed_ms"] = json!(shown.account.zeroed_ms);
    let projects: BTreeMap<&String, Value> =
        shown.account.projects.iter().map(|(name, summary)| (name, summary_json(summary))).collect();
    value["projects"] = json!(projects);
    let entry = |entry: &Entry| {
        json!({
            "unit": entry.unit,
            "key": kiln_action::digest::hex(entry.key.name()),
            "bytes": entry.bytes,
            "compile_ms": entry.cost_ms,
            "used_ms": entry.used_ns / 1_000_000,
        })
    };
    value["remote"] = shown.remote.iter().map(crate::daemon::store_as_json).collect();
    value["biggest"] = shown.biggest.iter().map(entry).collect();
    let useful = |unit: &Useful| json!({ "unit": unit.unit, "hits": unit.hits, "saved_ms": unit.saved_ms });
    value["most_useful"] = shown.useful.iter().map(useful).collect();
    value
}

fn by_reason(head: &str, counts: &[(&String, &u64)], text: &mut String) {
    if !counts.is_empty() {
        let _ = writeln!(text, "\n{head}");
    }
    for (name, count) in counts {
        let _ = writeln!(text, "{count:>8}  {}", reason::sentence(name));
    }
}

fn as_text(shown: &Shown, one_project: bool) -> String {
    let summary = &shown.account.total;
    let mut text = String::new();
    if let Some(build) = &shown.last {
        let headline = explain::headline(build, clock::now_ms());
        let _ = writeln!(text, "last {headline}\n  {}\n", build.tally);
    }
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<22}{value:>14}");
    };
    row("units", summary.units().to_string());
    if summary.for_scripts > 0 {
        row("  for build scripts", summary.for_scripts.to_string());
    }
    row("hits", summary.hits.to_string());
    if summary.remote_hits > 0 {
        row("hits from a remote", summary.remote_hits.to_string());
    }
    row("misses", summary.misses.to_string());
    row("hit rate", format!("{:.1} %", 100.0 * rate(summary)));
    row("not cached", (summary.uncached() - summary.errors).to_string());
    row("failed compiles", summary.failures.to_string());
    row("errors of the cache", summary.errors.to_string());
    row("compiling saved", words::span(summary.saved_ms));
    row("compiling done", words::span(summary.compiled_ms));
    row("bytes restored", words::bytes(summary.restored_bytes));
    if let Some(entries) = &shown.entries {
        row("entries", entries.len().to_string());
    }
    row("on disk", words::bytes(shown.store_bytes));
    row("limit", shown.limit.map_or("none".into(), words::bytes));
    if summary.probes > 0 {
        row("tries, answered", format!("{} of {}", summary.probe_hits, summary.probes));
    }
    let (besides, uncached): (Vec<_>, Vec<_>) =
        summary.bypasses.iter().partition(|(reason, _)| NO_UNITS.contains(&reason.as_str()));
    by_reason("not cached, by reason (`kiln explain` says what to do)", &uncached, &mut text);
    by_reason("not counted as units", &besides, &mut text);
    let stores = shown.remote.iter().map(crate::daemon::store_as_text);
    let stores: String = stores.collect();
    if !stores.is_empty() {
        let _ = write!(text, "\nremote stores\n{stores}");
    }
    if shown.account.projects.len() > 1 || (one_project && !shown.account.projects.is_empty()) {
        let _ = writeln!(text, "\n{:>8}{:>8}{:>14}  by project", "hits", "misses", "saved");
        for (name, summary) in &shown.account.projects {
            let saved = words::span(summary.saved_ms);
            let _ = writeln!(text, "{:>8}{:>8}{saved:>14}  {name}", summary.hits, summary.misses);
        }
    }
    if !shown.biggest.is_empty() {
        let _ = writeln!(text, "\n{:>14}{:>14}  biggest", "bytes", "compiling");
        for entry in &shown.biggest {
            let (size, took) = (words::bytes(entry.bytes), words::span(u64::from(entry.cost_ms)));
            let _ = writeln!(text, "{size:>14}{took:>14}  {}", entry.unit);
        }
    }
    if !shown.useful.is_empty() {
        let _ = writeln!(text, "\n{:>14}{:>14}  most useful", "hits", "saved");
        for unit in &shown.useful {
            let _ = writeln!(text, "{:>14}{:>14}  {}", unit.hits, words::span(unit.saved_ms), unit.unit);
        }
    }
    text
}
