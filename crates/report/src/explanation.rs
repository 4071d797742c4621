//! Folds events into an explanation: builds, what each miss came of, and what followed from it.

use kiln_action::{Event, Outcome};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Events of one process further apart than this are of two builds: process numbers come again.
const PAUSE_MS: u64 = 6 * 3600 * 1000;

/// A unit that is told about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// The crate's name.
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
pub struct Group {
    /// The cause, in words.
    pub cause: String,
    /// The units that it is the cause of.
    pub units: Vec<Unit>,
    /// The units that were compiled again because those were.
    pub following: Vec<Unit>,
}

/// Units that were not cached for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Uncached {
    /// The reason's name.
    pub reason: String,
    /// The reason in words.
    pub words: String,
    /// What the reason was about, once each.
    pub details: Vec<String>,
    /// What to do about it; empty if there is nothing to be done.
    pub remedy: String,
    /// The units.
    pub units: Vec<Unit>,
}

/// One build: everything one process asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The project that most of its units were built for.
    pub project: String,
    /// When its last unit ended, in milliseconds since the epoch.
    pub at_ms: u64,
    /// All units.
    pub units: u64,
    /// Questions to the compiler besides (`-vV`, and what build scripts try out).
    pub probes: u64,
    /// Those that were restored.
    pub hits: u64,
    /// Those whose compile failed.
    pub failures: u64,
    /// Misses, by cause: the one with the most units first.
    pub misses: Vec<Group>,
    /// What was not cached, by reason.
    pub uncached: Vec<Uncached>,
}

/// Whether these events, the newest of the log, hold all of the last build.
pub fn has_last_build(events: &[Event]) -> bool {
    let Some(last) = last_of_a_build(events) else { return false };
    events.iter().position(|event| event.parent == last.parent).is_some_and(|at| at > 0)
}

/// The event that the last build is known by: a lone question about the compiler's version is none.
fn last_of_a_build(events: &[Event]) -> Option<&Event> {
    events.iter().rev().find(|event| event.kind != "probe").or(events.last())
}

/// A unit by its stem, kind and directory.
type Once<'a> = (&'a str, &'a str, &'a str);

/// What one process asks for once only: a second time belongs to another build by a process with the same number (in
/// containers cargo has the same one every time).
fn once(event: &Event) -> Option<Once<'_>> {
    (!event.stem.is_empty() && event.kind != "probe").then_some((
        event.stem.as_str(),
        event.kind.as_str(),
        event.directory.as_str(),
    ))
}

/// The events of the last build.
pub fn last_build(events: &[Event]) -> Vec<&Event> {
    let Some(last) = last_of_a_build(events) else { return Vec::new() };
    let mut late = last.at_ms;
    let mut seen = HashSet::new();
    let mut found: Vec<&Event> = Vec::new();
    for event in events.iter().rev().filter(|event| event.parent == last.parent) {
        let again = once(event).is_some_and(|unit| !seen.insert(unit));
        if again || event.at_ms.abs_diff(late) > PAUSE_MS {
            break;
        }
        late = event.at_ms;
        found.push(event);
    }
    found.reverse();
    found
}

/// The events by build, in the order in which the builds began.
pub fn builds<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Vec<&'a Event>> {
    let mut builds: Vec<Vec<&Event>> = Vec::new();
    let mut latest: HashMap<u32, (usize, HashSet<Once<'_>>)> = HashMap::new();
    for event in events {
        let unit = once(event);
        let belongs = latest.get(&event.parent).is_some_and(|(at, seen)| {
            let near = builds[*at].last().is_some_and(|last| last.at_ms.abs_diff(event.at_ms) <= PAUSE_MS);
            near && !unit.is_some_and(|unit| seen.contains(&unit))
        });
        if !belongs {
            latest.insert(event.parent, (builds.len(), HashSet::new()));
            builds.push(Vec::new());
        }
        if let Some((at, seen)) = latest.get_mut(&event.parent) {
            builds[*at].push(event);
            seen.extend(unit);
        }
    }
    builds
}

/// Explains the events of one build.
pub fn explain(events: &[&Event]) -> Build {
    let (probes, events): (Vec<&Event>, Vec<&Event>) = events.iter().partition(|event| event.kind == "probe");
    let events = events.as_slice();
    let count = |outcome| events.iter().filter(|event| event.outcome == outcome).count() as u64;
    Build {
        project: project(events),
        at_ms: events.last().map_or(0, |event| event.at_ms),
        units: events.len() as u64,
        probes: probes.len() as u64,
        hits: count(Outcome::Hit),
        failures: count(Outcome::Failed),
        misses: misses(events),
        uncached: uncached(events),
    }
}

fn project(events: &[&Event]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events.iter().filter(|event| !event.project.is_empty()) {
        *counts.entry(&event.project).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or_else(String::new, |(name, _)| name.to_owned())
}

fn unit(event: &Event) -> Unit {
    Unit {
        name: event.name.clone(),
        kind: event.kind.clone(),
        directory: event.directory.clone(),
        compile_ms: event.compile_ms,
    }
}

/// The cause of a miss: an older kiln told only the reason.
fn cause(event: &Event) -> &str {
    match event.cause.as_str() {
        "" => kiln_action::reason::sentence(&event.reason),
        cause => cause,
    }
}

fn misses(events: &[&Event]) -> Vec<Group> {
    let missed: Vec<&Event> = events.iter().filter(|event| event.outcome == Outcome::Miss).copied().collect();
    let roots = roots(&missed);
    let mut groups: Vec<Group> = Vec::new();
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
                groups.push(Group {
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
    let by_stem: HashMap<&str, usize> = named.map(|(at, event)| (event.stem.as_str(), at)).collect();
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

/// Causes that mean the same everywhere are told once; `src/lib.rs changed` is another file in every directory.
fn group_key(event: &Event) -> (&str, &str) {
    let cause = cause(event);
    let relative = cause.contains('/') && !cause.starts_with('/');
    (cause, if relative || cause.contains(".rs ") { &event.directory } else { "" })
}

fn uncached(events: &[&Event]) -> Vec<Uncached> {
    let mut found: BTreeMap<&str, Uncached> = BTreeMap::new();
    let odd = |event: &&&Event| matches!(event.outcome, Outcome::Bypass | Outcome::Error);
    for event in events.iter().filter(odd) {
        let entry = found.entry(&event.reason).or_insert_with(|| Uncached {
            reason: event.reason.clone(),
            words: kiln_action::reason::sentence(&event.reason).to_owned(),
            details: Vec::new(),
            remedy: kiln_action::reason::remedy(&event.reason).to_owned(),
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
