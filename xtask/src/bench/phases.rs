//! What is done in a round of every phase.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;

use super::Outcome;
use super::files::{self, Produce};
use super::lanes::{Lane, Verb};
use super::measure::Usage;
use super::projects::Project;
use super::stats::Counts;
use super::tools::Tool;

/// The phases as they are named on the command line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Phase {
    /// Empty cache, empty target.
    Cold,
    /// The same command again.
    Noop,
    /// Target removed.
    Warm,
    /// The same sources at another path.
    Tree,
    /// One line of a member changed.
    Edit,
    /// `cargo check`, cold and warm.
    Check,
}

/// The phases as they are measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Cold,
    Noop,
    Warm,
    Tree,
    Edit,
    CheckCold,
    CheckWarm,
}

impl Phase {
    /// The steps of this phase.
    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::Cold => &[Step::Cold],
            Self::Noop => &[Step::Noop],
            Self::Warm => &[Step::Warm],
            Self::Tree => &[Step::Tree],
            Self::Edit => &[Step::Edit],
            Self::Check => &[Step::CheckCold, Step::CheckWarm],
        }
    }
}

impl Step {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Noop => "noop",
            Self::Warm => "warm",
            Self::Tree => "tree",
            Self::Edit => "edit",
            Self::CheckCold => "check cold",
            Self::CheckWarm => "check warm",
        }
    }

    /// The step of plain cargo that this one would be without a cache.
    pub fn without_cache(self) -> Self {
        match self {
            Self::Warm | Self::Tree => Self::Cold,
            Self::CheckWarm => Self::CheckCold,
            other => other,
        }
    }

    fn verb(self) -> Verb {
        match self {
            Self::CheckCold | Self::CheckWarm => Verb::Check,
            Self::Cold | Self::Noop | Self::Warm | Self::Tree | Self::Edit => Verb::Build,
        }
    }

    fn is_cold(self) -> bool {
        matches!(self, Self::Cold | Self::CheckCold)
    }
}

/// One measured command.
pub struct Sample {
    pub usage: Usage,
    /// Units that cargo did not find fresh when asked again; for a no-op, in the measured command itself.
    pub dirty: Vec<String>,
    pub counts: Option<Counts>,
    /// What lies in the target directory, after cold builds.
    pub produce: Option<Produce>,
}

/// All rounds of one tool in one step.
pub struct Series {
    pub tool: Tool,
    pub step: Step,
    pub samples: Vec<Sample>,
}

impl Series {
    /// Seconds on the wall, round by round.
    pub fn walls(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.usage.wall_s).collect()
    }

    /// Processor seconds, round by round.
    pub fn cpus(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.usage.cpu_s).collect()
    }
}

/// Measures one step in interleaved rounds. A lane that fails is given up and has no series.
pub fn measure(step: Step, lanes: &mut [Lane<'_>], project: &Project, rounds: usize) -> Vec<Series> {
    let mut runners: Vec<(&mut Lane<'_>, Vec<Sample>)> = lanes
        .iter_mut()
        .filter(|lane| lane.failure.is_none() && lane.tool.takes_part(step))
        .map(|lane| (lane, Vec::new()))
        .collect();
    for (lane, _) in &mut runners {
        attempt(lane, step, |lane| prepare(step, lane, project));
    }
    for round in 0..rounds {
        // Every other round goes backwards, so that no tool always follows the same one.
        let mut order: Vec<usize> = (0..runners.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let (lane, samples) = &mut runners[index];
            if let Some(sample) = attempt(lane, step, |lane| once(step, lane, project, round)) {
                tell(step, lane.tool, &sample);
                samples.push(sample);
            }
        }
    }
    let complete = runners.into_iter().filter(|(lane, _)| lane.failure.is_none());
    complete.map(|(lane, samples)| Series { tool: lane.tool, step, samples }).collect()
}

/// Runs a part of a step in a lane that is still in the race; an error takes it out.
fn attempt<T>(lane: &mut Lane<'_>, step: Step, part: impl FnOnce(&mut Lane<'_>) -> Outcome<T>) -> Option<T> {
    if lane.failure.is_some() {
        return None;
    }
    let outcome = part(lane);
    lane.stop();
    outcome
        .map_err(|error| {
            eprintln!("bench: {} is given up: {error}", lane.tool.name());
            lane.failure = Some(format!("{}: {error}", step.name()));
        })
        .ok()
}

/// Brings a lane into the state that a step starts from.
fn prepare(step: Step, lane: &mut Lane<'_>, project: &Project) -> Outcome<()> {
    let checkout = lane.sources();
    match step {
        Step::Cold | Step::CheckCold => Ok(()),
        Step::Noop | Step::Warm | Step::Tree | Step::CheckWarm => {
            if lane.holds == Some(step.verb()) {
                Ok(())
            } else {
                cold(step.verb(), lane).map(drop)
            }
        }
        // Whatever is incremental must come from this tool's own compiler runs, an edited one included.
        Step::Edit => {
            cold(Verb::Build, lane)?;
            project.edit(&checkout, fresh_number())?;
            lane.cargo(Verb::Build, &checkout).map(drop)
        }
    }
}

/// A build with nothing to start from; afterwards the lane holds its results.
fn cold(verb: Verb, lane: &mut Lane<'_>) -> Outcome<Usage> {
    let checkout = lane.sources();
    lane.stop();
    lane.empty_cache()?;
    lane.clean(&checkout)?;
    lane.holds = None;
    lane.start();
    let usage = lane.cargo(verb, &checkout)?;
    lane.holds = Some(verb);
    Ok(usage)
}

/// One round of a step in one lane.
fn once(step: Step, lane: &mut Lane<'_>, project: &Project, round: usize) -> Outcome<Sample> {
    let checkout = if step == Step::Tree { lane.elsewhere(round)? } else { lane.sources() };
    if !step.is_cold() {
        lane.start();
    }
    let before = if step.is_cold() { Some(Counts::default()) } else { lane.counts() };
    let usage = run(step, lane, project, &checkout)?;
    let counts = lane.counts().zip(before).map(|(after, before)| after.since(&before));
    if step != Step::Noop {
        lane.cargo(step.verb(), &checkout)?;
    }
    let dirty = lane.not_fresh()?;
    let produce = step.is_cold().then(|| files::produce(&checkout.join("target")));
    if step == Step::Tree {
        lane.put_aside(&checkout)?;
    }
    Ok(Sample { usage, dirty, counts, produce })
}

/// The measured command, after what has to happen before the clock.
fn run(step: Step, lane: &mut Lane<'_>, project: &Project, checkout: &Path) -> Outcome<Usage> {
    match step {
        Step::Cold | Step::CheckCold => return cold(step.verb(), lane),
        Step::Warm | Step::CheckWarm => lane.clean(checkout)?,
        Step::Edit => project.edit(checkout, fresh_number())?,
        Step::Noop | Step::Tree => {}
    }
    lane.cargo(step.verb(), checkout)
}

/// A number that no run before has used.
fn fresh_number() -> usize {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    usize::try_from(since.as_micros()).unwrap_or(usize::MAX)
}

fn tell(step: Step, tool: Tool, sample: &Sample) {
    let Usage { wall_s, cpu_s, .. } = sample.usage;
    let dirty = match sample.dirty.len() {
        0 => String::new(),
        count => format!("  DIRTY {count}: {}", sample.dirty[0]),
    };
    eprintln!("  {:10} {:8} wall {wall_s:8.3} s  cpu {cpu_s:8.3} s{dirty}", step.name(), tool.name());
}
