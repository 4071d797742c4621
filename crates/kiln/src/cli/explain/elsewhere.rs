//! What was never seen here, and was elsewhere: another checkout has it, or another version is known. Looked for when somebody asks, for
//! the baselines of all units have to be read.

use kiln_action::baseline::{Answered, Baseline, BaselineRun};
use kiln_action::reason::sentence;
use kiln_action::{Event, Outcome, Place, Question, digest};
use kiln_report::cause;
use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::mem::Discriminant;
use std::path::Path;

/// Says more in the causes of units that were never seen here.
pub fn look<F: FnOnce() -> Known>(events: &mut [Event], known: &LazyCell<Known, F>) {
    let never = sentence("not-seen");
    let is_new = |event: &Event| event.outcome == Outcome::Miss && event.cause.starts_with(never);
    let mut shared = HashSet::new();
    // The event of a dependant may come before that of what it needs: cargo goes on as soon as there is metadata.
    let mut is_more = true;
    while is_more {
        let before = shared.len();
        for event in events.iter().filter(|event| is_new(event)) {
            if let Some(Elsewhere::Checkout(_)) = known.elsewhere(event, &shared) {
                shared.insert(event.stem.clone());
            }
        }
        is_more = shared.len() > before;
    }
    for event in events.iter_mut().filter(|event| is_new(event)) {
        if let Some(found) = known.elsewhere(event, &shared) {
            event.cause = format!("{}; {}", event.cause, found.words());
        }
    }
}

/// What is known of a unit in another place.
enum Elsewhere {
    /// The same in another checkout, but for where it lies.
    Checkout(String),
    /// Another version of the package.
    Version(String),
    /// The nearest in another place, and the first difference from it.
    Nearest(String, String),
}

impl Elsewhere {
    fn words(&self) -> String {
        match self {
            Elsewhere::Checkout(project) => format!("{project} has the same, and `remap` would share it"),
            Elsewhere::Version(package) => format!("another version is known: {package}"),
            Elsewhere::Nearest(project, difference) => format!("nearest is that of {project}: {difference}"),
        }
    }
}

/// All baselines, by unit.
pub struct Known {
    baselines: Vec<Baseline>,
    by_unit: HashMap<String, Vec<usize>>,
    by_key: HashMap<[u8; 32], (usize, usize)>,
}

impl Known {
    /// The runs of all these baselines.
    pub fn of(baselines: Vec<Baseline>) -> Known {
        let (mut by_unit, mut by_key) = (HashMap::<String, Vec<usize>>::new(), HashMap::new());
        for (at, baseline) in baselines.iter().enumerate() {
            by_unit.entry(baseline.unit.clone()).or_default().push(at);
            by_key.extend(
                baseline.runs.iter().enumerate().map(|(number, run)| (*run.key.name(), (at, number))),
            );
        }
        Known { baselines, by_unit, by_key }
    }

    fn elsewhere(&self, event: &Event, shared: &HashSet<String>) -> Option<Elsewhere> {
        let (at, number) = *self.by_key.get(&digest::unhex(&event.key)?)?;
        let own = &self.baselines[at];
        let now = &own.runs[number];
        let others = || {
            let others = self.by_unit.get(&own.unit).into_iter().flatten().filter(|other| **other != at);
            others
                .map(|other| &self.baselines[*other])
                .flat_map(|other| other.runs.iter().map(move |run| (other, run)))
        };
        // All packages' build scripts are called the same.
        let is_package = |other: &Baseline| package(other).0 == package(own).0;
        let same = others().find(|(other, run)| {
            other.project != own.project && run.differs_by_place_only(other, now, own, shared)
        });
        if let Some((other, _)) = same.filter(|_| !is_remapped(now)) {
            return Some(Elsewhere::Checkout(other.project.clone()));
        }
        let version = others().find(|(other, _)| is_package(other) && package(other).1 != package(own).1);
        if let Some((other, _)) = version {
            return Some(Elsewhere::Version(name_of(&other.directory)));
        }
        let nearest =
            others().filter(|(other, _)| !own.unit.starts_with("build_script_") || is_package(other));
        let nearest = nearest.map(|(other, run)| {
            (other, cause::differences(run, now, Path::new(&*String::from_utf8_lossy(&own.directory))))
        });
        let (other, differences) = nearest.min_by_key(|(_, differences)| differences.len())?;
        Some(Elsewhere::Nearest(other.project.clone(), differences.into_iter().next()?.words))
    }
}

fn name_of(directory: &[u8]) -> String {
    let text = String::from_utf8_lossy(directory);
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// `serde` and `1.0.1` of a package's directory `…/serde-1.0.1`; without a version the name alone.
fn package(baseline: &Baseline) -> (String, Option<String>) {
    let name = name_of(&baseline.directory);
    let split =
        name.match_indices('-').find(|(at, _)| name[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    match split {
        Some((at, _)) => (name[..at].to_owned(), Some(name[at + 1..].to_owned())),
        None => (name, None),
    }
}

fn is_remapped(run: &BaselineRun) -> bool {
    run.words.iter().any(|word| word.group == "settings" && word.name == "remap" && word.value == "on")
}

trait ByPlace {
    /// Whether only the places differ of this run of `from` and a run of `to`: everything else is equal once the one project is written
    /// in the place of the other. Dependencies may be those of `shared`.
    fn differs_by_place_only(
        &self,
        from: &Baseline,
        now: &BaselineRun,
        to: &Baseline,
        shared: &HashSet<String>,
    ) -> bool;
}

impl ByPlace for BaselineRun {
    fn differs_by_place_only(
        &self,
        from: &Baseline,
        now: &BaselineRun,
        to: &Baseline,
        shared: &HashSet<String>,
    ) -> bool {
        let words = |run: &BaselineRun, project: &str| {
            let mut words: Vec<_> = run
                .words
                .iter()
                .map(|word| (word.group.clone(), word.name.clone(), word.value.replace(project, &to.project)))
                .collect();
            words.sort();
            words
        };
        // (which of a dependency's files are there already when rustc looks for them is chance)
        let asked = |run: &BaselineRun, project: &str| -> (usize, HashMap<MovedQuestion, Answered>) {
            let own = run.answers.iter().filter(|explained| !shared_dependency(&explained.question, shared));
            let moved =
                own.map(|explained| (moved(&explained.question, project, &to.project), &explained.answer));
            let all: Vec<_> = moved.map(|(asked, answer)| (asked.clone(), asked.answered(answer))).collect();
            (all.len(), all.into_iter().collect())
        };
        !from.project.is_empty()
            && words(self, &from.project) == words(now, &to.project)
            && asked(self, &from.project) == asked(now, &to.project)
    }
}

/// A question whose path was moved from one project to another.
#[derive(Clone, PartialEq, Eq, Hash)]
struct MovedQuestion {
    kind: Discriminant<Question>,
    place: Option<Place>,
    text: Vec<u8>,
    /// Where a path of the project leads is a path of the project, mostly.
    leads: bool,
}

impl MovedQuestion {
    fn answered(&self, answer: &Answered) -> Answered {
        if self.leads { Answered::Something } else { answer.clone() }
    }
}

fn moved(question: &Question, from: &str, to: &str) -> MovedQuestion {
    let kind = std::mem::discriminant(question);
    let Some(placed) = question.path() else {
        return MovedQuestion { kind, place: None, text: format!("{question:?}").into_bytes(), leads: false };
    };
    let below = placed.path.strip_prefix(from.as_bytes()).filter(|_| placed.place == Place::Literal);
    let below = below.filter(|rest| matches!(rest.first(), None | Some(b'/')));
    let leads = below.is_some() && matches!(question, Question::Real(_));
    let path = below.map(|rest| [to.as_bytes(), rest].concat());
    MovedQuestion {
        kind,
        place: Some(placed.place),
        text: path.unwrap_or_else(|| placed.path.clone()),
        leads,
    }
}

/// Whether it asks for a dependency that would be shared itself.
fn shared_dependency(question: &Question, shared: &HashSet<String>) -> bool {
    let name = question.path().map(|placed| name_of(&placed.path)).unwrap_or_default();
    cause::dependency_stem(&name).is_some_and(|stem| shared.contains(stem))
}
