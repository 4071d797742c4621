//! Random histories: edit, build through kiln, run, and compare with plain cargo from an empty target directory.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use kiln_testkit::{Cargo, Outcome, Project, Random, TestSpace, tree};

use crate::probes::Probes;
use crate::world::{State, World, nanos_now};

/// How a step builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Mode {
    check: bool,
    release: bool,
    incremental: bool,
    /// One of two target directories.
    second_target: bool,
}

/// What a build came to.
#[derive(Debug, Clone, PartialEq)]
struct Result {
    success: bool,
    /// Only of builds that succeed: a failing one stops wherever its jobs are.
    diagnostics: Vec<String>,
    printed: String,
    outputs: BTreeMap<PathBuf, Vec<u8>>,
}

/// What is true of a target directory that was kept.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    /// Something was edited that cargo does not notice: plain cargo would be stale here, too.
    unnoticed: bool,
    /// Something in it was built incrementally: such bytes are not reproducible.
    incremental: bool,
}

struct History<'a> {
    random: Random,
    probes: Probes<'a>,
    project: Project<'a>,
    kept: [Kept; 2],
    oracle: HashMap<(Vec<State>, Mode), Result>,
    edits: Vec<String>,
}

/// Plays one history of `steps` builds. Panics with the seed and the whole history at the first difference.
pub fn play(seed: u64, steps: usize) {
    let space = TestSpace::new();
    let mut random = Random::new(seed);
    let count = 3 + random.below(4);
    let probes = Probes::draw(&space, &mut random, count);
    let project = probes.write();
    let edits = probes.shown.clone();
    let kept = [Kept::default(); 2];
    let mut history = History { random, probes, project, kept, oracle: HashMap::new(), edits };
    for step in 0..steps {
        if let Err(difference) = history.step(step) {
            let edits = history.edits.join("\n  ");
            panic!("KILN_FUZZ_SEED={seed} (step {step}): {difference}\n\nthe history:\n  {edits}");
        }
    }
    history.ends_with_hits(seed, &space);
}

impl History<'_> {
    fn step(&mut self, step: usize) -> std::result::Result<(), String> {
        if step > 0 && !self.probes.world.subjects.is_empty() {
            for _ in 0..=self.random.below(2) {
                let edit = self.probes.world.edit(&mut self.random);
                self.edits.push(edit.shown);
                self.kept.iter_mut().for_each(|kept| kept.unnoticed |= !edit.declared);
            }
        }
        let mode = self.mode();
        let index = usize::from(mode.second_target);
        let project = in_target(&self.project, mode);
        let unnoticed = self.kept[index].unnoticed;
        let removed = self.random.chance(if unnoticed { 80 } else { 50 }) || !project.target().exists();
        if removed {
            project.clean();
            self.kept[index] = Kept::default();
        }
        self.kept[index].incremental |= mode.incremental;
        self.edits
            .push(format!("{step}: build {mode:?}, target {}", if removed { "removed" } else { "kept" }));

        let began = nanos_now();
        let outcome = call(&project, &self.probes.world, mode, true).run();
        let got = look(&project, &outcome, mode, &self.probes.world);
        if self.kept[index].unnoticed {
            return Ok(()); // stale by cargo's own rules; what it put into the cache is compared later
        }
        let expected = self.expected(&project, mode);
        let bytes = !self.kept[index].incremental && !self.probes.timed;
        compare(&expected, &got, bytes, &outcome)?;
        if step == 0 && !got.success {
            return Err(format!("a history must begin with a project that builds:\n{outcome}"));
        }
        if removed && got.success && !mode.check { not_older(&got.printed, began) } else { Ok(()) }
    }

    fn mode(&mut self) -> Mode {
        let check = self.random.chance(15);
        let release = self.random.chance(15);
        let incremental = !release && self.random.chance(20);
        Mode { check, release, incremental, second_target: self.random.chance(20) }
    }

    fn expected(&mut self, project: &Project<'_>, mode: Mode) -> Result {
        let key = (self.probes.world.states(), mode);
        if let Some(known) = self.oracle.get(&key) {
            return known.clone();
        }
        let world = &self.probes.world;
        let result = project.aside(|project| {
            let outcome = call(project, world, mode, false).run();
            look(project, &outcome, mode, world)
        });
        self.oracle.insert(key, result.clone());
        result
    }

    /// Right answers are worth nothing if all of them were compiled: the last state, built twice, must hit.
    fn ends_with_hits(&self, seed: u64, space: &TestSpace) {
        let mode = Mode { check: false, release: false, incremental: false, second_target: false };
        let build = || call(self.project.clean(), &self.probes.world, mode, true).run();
        build();
        let before = space.stats();
        let outcome = build();
        let hits = space.since(&before).hits;
        assert!(
            hits > 0 || !outcome.success(),
            "KILN_FUZZ_SEED={seed}: a second build of the same without a hit"
        );
    }
}

fn call<'a>(project: &'a Project<'a>, world: &World<'_>, mode: Mode, kiln: bool) -> Cargo<'a> {
    let args = [if mode.check { "check" } else { "build" }, "-p", "app", "--features", world.features()];
    let mut call = if kiln { project.cargo(&args) } else { project.plain(&args) };
    if mode.release {
        call = call.arg("--release");
    }
    for (name, value) in world.environment() {
        call = match value {
            Some(value) => call.env(name, value),
            None => call,
        };
    }
    call.env("CARGO_INCREMENTAL", if mode.incremental { "1" } else { "0" })
}

fn look(project: &Project<'_>, outcome: &Outcome, mode: Mode, world: &World<'_>) -> Result {
    let success = outcome.success();
    let program = project.built(if mode.release { "release/app" } else { "debug/app" });
    let printed = if success && !mode.check {
        let mut command = project.space().command(program);
        for (name, value) in world.environment() {
            command.env(name, value.unwrap_or_default());
        }
        kiln_testkit::run(&mut command).to_string()
    } else {
        String::new()
    };
    let profile = project.target().join(if mode.release { "release" } else { "debug" });
    let outputs = if success && !mode.incremental { tree::outputs(&profile) } else { BTreeMap::new() };
    Result {
        success,
        diagnostics: if success { outcome.diagnostics() } else { Vec::new() },
        printed,
        outputs,
    }
}

fn compare(
    expected: &Result,
    got: &Result,
    bytes: bool,
    outcome: &Outcome,
) -> std::result::Result<(), String> {
    if expected.success != got.success {
        return Err(format!("plain cargo succeeds: {}; with kiln:\n{outcome}", expected.success));
    }
    if expected.diagnostics != got.diagnostics {
        return Err(format!(
            "diagnostics of plain cargo:\n{:#?}\nwith kiln:\n{:#?}",
            expected.diagnostics, got.diagnostics
        ));
    }
    let (plain, kiln) = (without_time(&expected.printed), without_time(&got.printed));
    if plain != kiln {
        return Err(format!("the program built by plain cargo:\n{plain}\nwith kiln:\n{kiln}"));
    }
    let differences = if bytes { tree::differences(&expected.outputs, &got.outputs) } else { Vec::new() };
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

fn without_time(printed: &str) -> String {
    printed.lines().filter(|line| !line.starts_with("time: ")).collect::<Vec<_>>().join("\n")
}

/// A macro that asks for the time is asked again in every build.
fn not_older(printed: &str, began: u128) -> std::result::Result<(), String> {
    let time = printed.lines().find_map(|line| line.strip_prefix("time: "));
    match time.map(|text| text.trim_matches('"').parse::<u128>()) {
        Some(Ok(nanos)) if nanos < began => {
            Err(format!("time {nanos} is from before the build began, {began}"))
        }
        Some(Err(e)) => Err(format!("{time:?}: {e}")),
        _ => Ok(()),
    }
}

/// The target directory a step builds into.
fn in_target<'a>(project: &Project<'a>, mode: Mode) -> Project<'a> {
    if mode.second_target { project.with_target(project.path("second/target")) } else { project.clone() }
}

/// Seeds and length from the environment, for runs longer than CI's: `KILN_FUZZ_SEED` (the first seed) and
/// `KILN_FUZZ_ROUNDS` (how many seeds).
pub fn play_from_environment() {
    rounds_from_environment(|seed| play(seed, STEPS));
}

/// Plays the seeds that `KILN_FUZZ_SEED` and `KILN_FUZZ_ROUNDS` ask for; none if they are not set.
pub fn rounds_from_environment(play: impl Fn(u64)) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let (seed, rounds) = (number("KILN_FUZZ_SEED"), number("KILN_FUZZ_ROUNDS"));
    let first = seed.unwrap_or_else(|| nanos_now() as u64);
    for offset in 0..rounds.unwrap_or(u64::from(seed.is_some())) {
        play(first.wrapping_add(offset));
    }
}

/// Builds in one history.
pub const STEPS: usize = 12;
