//! Folds events into an explanation: builds, what each miss came of, and what followed from it.

use crate::summary::{Summary, counted};
use kiln_action::event::PROBE;
use kiln_action::{Event, Outcome};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Events of one process further apart than this are of two builds: process numbers come again.
const PAUSE_MS: u64 = 6 * 3600 * 1000;
/// What no build tool started belongs together if it follows within this time.
const PAUSE_BY_HAND_MS: u64 = 60 * 1000;

/// A unit in an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedUnit {
    /// The crate's name, or a C source's file name.
    pub name: String,
    /// The kind of unit.
    pub kind: String,
    /// The directory it was compiled in.
    pub directory: String,
    /// Milliseconds that compiling took.
    pub compile_ms: u64,
}

/// Misses with one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissGroup {
    /// The cause, in words.
    pub cause: String,
    /// The units that it is the cause of.
    pub units: Vec<ExplainedUnit>,
    /// The units that were compiled again because those were.
    pub following: Vec<ExplainedUnit>,
}

/// Units that were not cached for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Uncached {
    /// The name under which the reason is counted, such as `unknown-flag`.
    pub reason: String,
    /// The reason in words.
    pub words: String,
    /// What the reason was about, once each.
    pub details: Vec<String>,
    /// What to do about it; empty if there is nothing to be done.
    pub remedy: String,
    /// The units that were not cached for it.
    pub units: Vec<ExplainedUnit>,
}

/// One build: everything one process asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The project that most of its units were built for.
    pub project: String,
    /// The profile that most of its units were built in, if any.
    pub profile: String,
    /// When its last unit ended, in milliseconds since the epoch.
    pub at_ms: u64,
    /// How many units the build had.
    pub units: u64,
    /// Questions to the compiler besides, what build scripts and configure try out, links: how many.
    pub probes: u64,
    /// Those that were restored.
    pub hits: u64,
    /// Those whose compile failed.
    pub failures: u64,
    /// Misses, by cause: the one with the most units first.
    pub misses: Vec<MissGroup>,
    /// What was not cached, by reason.
    pub uncached: Vec<Uncached>,
    /// What is no unit, by what it is.
    pub besides: Vec<Uncached>,
    /// The counts in words, as at the end of the build.
    pub tally: String,
}

/// Whether these events, the newest of the log, hold all of the last build.
pub fn has_last_build(events: &[Event]) -> bool {
    let Some(last) = last_of_a_build(events) else { return false };
    events.iter().position(|event| event.parent == last.parent).is_some_and(|at| at > 0)
}

/// The event that the last build is known by: a lone question about the compiler's version is none.
fn last_of_a_build(events: &[Event]) -> Option<&Event> {
    events.iter().rev().find(|event| event.kind != PROBE).or(events.last())
}

/// The events of the last build.
pub fn last_build(events: &[Event]) -> Vec<&Event> {
    let Some(last) = last_of_a_build(events) else { return Vec::new() };
    builds(events.iter().filter(|event| event.parent == last.parent)).pop().unwrap_or_default()
}

/// The events by build, in the order in which the builds began. What one process asks for a second time belongs to another build by a
/// process with the same number (in containers cargo has the same one every time).
pub fn builds<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Vec<&'a Event>> {
    let mut builds: Vec<Vec<&Event>> = Vec::new();
    let mut latest: HashMap<u32, Latest<'_>> = HashMap::new();
    for event in events {
        let belongs = latest
            .get(&event.parent)
            .is_some_and(|latest| is_near(latest.last, event) && !latest.has_asked_for(event));
        let known = latest.entry(event.parent).or_insert_with(|| Latest::new(usize::MAX, event));
        if !belongs {
            *known = Latest::new(builds.len(), event);
            builds.push(Vec::new());
        }
        builds[known.at].push(event);
        known.last = event;
        if let Some(unit) = event.identity() {
            known.seen.insert(unit, event.filled);
        }
    }
    builds
}

/// The build of a process that is known so far.
struct Latest<'a> {
    at: usize,
    last: &'a Event,
    /// Its units, and whether they were only put in place before anybody asked.
    seen: HashMap<(u32, &'a str, &'a str, &'a str), bool>,
}

impl<'a> Latest<'a> {
    fn new(at: usize, last: &'a Event) -> Latest<'a> {
        Latest { at, last, seen: HashMap::new() }
    }

    fn has_asked_for(&self, event: &Event) -> bool {
        let known = event.identity().and_then(|unit| self.seen.get(&unit));
        known.is_some_and(|only_filled| !only_filled || event.filled)
    }
}

fn is_near(last: &Event, event: &Event) -> bool {
    match event.by_hand {
        true => event.at_ms.saturating_sub(event.took_us / 1000).abs_diff(last.at_ms) <= PAUSE_BY_HAND_MS,
        false => event.at_ms.abs_diff(last.at_ms) <= PAUSE_MS,
    }
}

/// Explains the events of one build.
pub fn explain(events: &[&Event]) -> Build {
    let events = counted(events.iter().copied(), &[]);
    let (events, besides): (Vec<&Event>, Vec<&Event>) = events.iter().partition(|event| event.is_unit());
    let events = events.as_slice();
    let summary = Summary::of(events.iter().copied());
    Build {
        project: most(events, |event| &event.project),
        profile: most(events, |event| &event.profile),
        at_ms: events.last().or(besides.last()).map_or(0, |event| event.at_ms),
        units: summary.units(),
        probes: besides.len() as u64,
        hits: summary.hits,
        failures: summary.failures,
        misses: misses(events),
        uncached: uncached(events),
        besides: grouped(&besides),
        tally: summary.tally(),
    }
}

/// What most of them say, if they say it.
fn most<'a>(events: &[&'a Event], says: impl Fn(&'a Event) -> &'a String) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in events.iter().map(|event| says(event)).filter(|value| !value.is_empty()) {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or_else(String::new, |(name, _)| name.to_owned())
}

fn unit(event: &Event) -> ExplainedUnit {
    ExplainedUnit {
        name: event.name.clone(),
        kind: event.kind.clone(),
        directory: event.directory.clone(),
        compile_ms: event.compile_ms,
    }
}

/// The cause of a miss: an older kiln wrote only the reason.
fn cause(event: &Event) -> &str {
    match event.cause.as_str() {
        "" => kiln_action::reason::sentence(&event.reason),
        cause => cause,
    }
}

fn misses(events: &[&Event]) -> Vec<MissGroup> {
    let missed: Vec<&Event> = events.iter().filter(|event| event.outcome == Outcome::Miss).copied().collect();
    let roots = roots(&missed);
    let mut groups: Vec<MissGroup> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    // Roots first, so that every follower finds its group.
    for pass in [true, false] {
        for (at, event) in missed.iter().enumerate() {
            let root = roots[at];
            if (root == at) != pass {
                continue;
            }
            let key = group_key(missed[root]);
            let group = *known.entry(key).or_insert_with(|| {
                groups.push(MissGroup {
                    cause: cause(missed[root]).to_owned(),
                    units: Vec::new(),
                    following: Vec::new(),
                });
                groups.len() - 1
            });
            let to = if pass { &mut groups[group].units } else { &mut groups[group].following };
            to.push(unit(event));
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.units.len() + group.following.len()));
    groups
}

/// For each miss the one that it follows from in the end: itself, if from none.
fn roots(missed: &[&Event]) -> Vec<usize> {
    let named = missed.iter().enumerate().filter(|(_, event)| !event.stem.is_empty());
    let mut by_stem: HashMap<&str, usize> = named.map(|(at, event)| (event.stem.as_str(), at)).collect();
    // Of a build script whose run was not seen, or not kept, what it compiled says what changed.
    for (at, event) in missed.iter().enumerate().filter(|(_, event)| !event.script.is_empty()) {
        by_stem.entry(event.script.as_str()).or_insert(at);
    }
    let mut roots: Vec<Option<usize>> = vec![None; missed.len()];
    for start in 0..missed.len() {
        let (mut at, mut way) = (start, Vec::new());
        let root = loop {
            if let Some(root) = roots[at] {
                break root;
            }
            if way.contains(&at) {
                break at; // a circle: as good as any
            }
            way.push(at);
            match by_stem.get(missed[at].follows.as_str()) {
                Some(&next) if next != at => at = next,
                _ => break at,
            }
        };
        way.into_iter().for_each(|at| roots[at] = Some(root));
    }
    roots.into_iter().enumerate().map(|(at, root)| root.unwrap_or(at)).collect()
}

/// Causes that mean the same everywhere are shown once; `src/lib.rs changed` is another file in every directory.
fn group_key(event: &Event) -> (&str, &str) {
    let cause = cause(event);
    let relative = cause.contains('/') && !cause.starts_with('/');
    (cause, if relative || cause.contains(".rs ") { &event.directory } else { "" })
}

fn uncached(events: &[&Event]) -> Vec<Uncached> {
    let odd = |event: &&&Event| matches!(event.outcome, Outcome::Bypass | Outcome::Error);
    grouped(&events.iter().filter(odd).copied().collect::<Vec<_>>())
}

/// By reason; tries that are no units have none where they were answered.
fn grouped(events: &[&Event]) -> Vec<Uncached> {
    let mut found: BTreeMap<&str, Uncached> = BTreeMap::new();
    for event in events {
        let (reason, words) = match event.outcome {
            Outcome::Hit => ("restored", "answered from the cache"),
            Outcome::Miss => ("miss", "asked of the compiler, and kept"),
            _ => (event.reason.as_str(), kiln_action::reason::sentence(&event.reason)),
        };
        let entry = found.entry(reason).or_insert_with(|| Uncached {
            reason: reason.to_owned(),
            words: words.to_owned(),
            details: Vec::new(),
            remedy: kiln_action::reason::remedy(reason).to_owned(),
            units: Vec::new(),
        });
        let names_the_unit = event.detail.replace('-', "_") == event.name.replace('-', "_");
        if !event.detail.is_empty() && !names_the_unit && !entry.details.contains(&event.detail) {
            entry.details.push(event.detail.clone());
        }
        entry.units.push(unit(event));
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests;
