//! `cargo xtask bench micro`: single calls of the wrapper, each in interleaved pairs with what it is held
//! against.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::calls::{Call, silence};
use super::environment::Environment;
use super::kit::Kit;
use super::machine::{self, Machine};
use super::measure::{self, Usage};
use super::numbers::{median, paired_difference, paired_ratio, spread};
use super::options::MicroOptions;
use super::stats::Counts;
use super::table::{number, table};
use super::tools::{Home, Tool};
use super::{Outcome, files, table as tables, verdicts};

/// Runs of the memory measurement.
const PEAK_RUNS: usize = 11;

/// Functions in the unit that is hit; its outputs are some hundred kilobytes.
const FUNCTIONS: usize = 40;

/// The unit that is hit, and the two wrappers that know it.
struct Bench {
    call: Call,
    kiln: Home,
    kiln_environment: Environment,
    replay: Home,
}

/// One kind of call, round by round.
struct Pairs {
    what: &'static str,
    against: &'static str,
    ours: Vec<Usage>,
    theirs: Vec<Usage>,
}

/// Measures all kinds of calls.
pub fn run(options: &MicroOptions) -> Outcome<()> {
    let kit = Kit::assemble(&options.common)?;
    let bench = Bench::prepare(&kit)?;
    let load = machine::load();
    machine::warn_if_busy();
    let kinds = [
        pass_through(&kit, &bench, options.n)?,
        bench.hit(options.n)?,
        bench.probe(&kit, options.n, false)?,
        bench.probe(&kit, options.n, true)?,
    ];
    let peaks = bench.peaks(&kit.peak()?)?;
    let floor = floor(&kit)?;
    let machine = Machine::look(&kit, &[Tool::Kiln]);
    println!("{}", tables::machine(&machine));
    println!("{} pairs of each, load before {load}\n", options.n);
    println!("{}", table(&HEAD, &kinds.iter().map(row).collect::<Vec<_>>()));
    println!("{}", decide(&kinds, &peaks));
    println!("A process that does nothing has a peak of {floor:.1} MB as measured here.");
    match &options.common.json {
        Some(file) => files::write(file, format!("{:#}\n", to_json(&kinds, &peaks))),
        None => Ok(()),
    }
}

impl Bench {
    /// Builds a small library once under the recorder and once under kiln, at the same place.
    fn prepare(kit: &Kit) -> Outcome<Self> {
        let root = kit.work.join("micro");
        files::renew(&root)?;
        let (replay, kiln) = (kit.home(Tool::Replay, &root)?, kit.home(Tool::Kiln, &root)?);
        let sources = root.join("src");
        generate(&sources)?;
        let recording = Tool::Replay.dress(&kit.environment, &replay).with("REPLAY_MODE", "record");
        build(&recording, &sources)?;
        let call = Call::of_crate(&replay.cache, "unit")?;
        let kiln_environment = Tool::Kiln.dress(&kit.environment, &kiln);
        build(&kiln_environment, &sources)?;
        Ok(Self { call, kiln, kiln_environment, replay })
    }

    /// A hit against blind replay of the same call, into an empty directory as in a real build.
    fn hit(&self, n: usize) -> Outcome<Pairs> {
        let counts = || Counts::of_kiln(&self.kiln_environment, &self.kiln.program);
        let before = counts();
        let empty = || files::renew(&self.call.out_dir);
        let pairs = pairs(
            ("hit of a small lib", "replay"),
            n,
            || empty().map(|()| self.wrapped(&self.kiln.program)),
            || empty().map(|()| self.wrapped(&self.replay.program)),
        )?;
        let hits = before.zip(counts()).and_then(|(before, after)| after.since(&before).hits);
        match hits {
            Some(hits) if hits == n as u64 => {}
            Some(hits) => eprintln!("bench: only {hits} of {n} calls were hits: these numbers mean nothing"),
            None => eprintln!("bench: kiln does not say whether these calls were hits"),
        }
        Ok(pairs)
    }

    /// cargo's first question, against the compiler's own answer or a replayed one.
    fn probe(&self, kit: &Kit, n: usize, against_replay: bool) -> Outcome<Pairs> {
        let rustc = &self.call.argv[0];
        let ask = |environment: &Environment, wrapper: Option<&Path>| {
            let mut command = environment.command(wrapper.map_or(rustc.as_os_str(), Path::as_os_str));
            if wrapper.is_some() {
                command.arg(rustc);
            }
            silence(command.arg("-vV").current_dir(&self.call.cwd));
            command
        };
        let replaying = Tool::Replay.dress(&kit.environment, &self.replay);
        measure::run(&mut ask(&replaying.with("REPLAY_MODE", "record"), Some(&self.replay.program)))
            .map_err(|error| error.to_string())?;
        let ours = || Ok(ask(&self.kiln_environment, Some(&self.kiln.program)));
        if against_replay {
            let theirs = || Ok(ask(&replaying, Some(&self.replay.program)));
            return pairs(("rustc -vV", "replay"), n, ours, theirs);
        }
        pairs(("rustc -vV", "rustc"), n, ours, || Ok(ask(&kit.environment, None)))
    }

    /// Peak memory of a hit, in megabytes.
    fn peaks(&self, peak: &Path) -> Outcome<Vec<f64>> {
        (0..PEAK_RUNS)
            .map(|_| {
                files::renew(&self.call.out_dir)?;
                let mut command = self.call.command(peak);
                command.arg(&self.kiln.program).args(&self.call.argv);
                peak_mb(self.point(&mut command))
            })
            .collect()
    }

    /// The recorded call behind a wrapper.
    fn wrapped(&self, wrapper: &Path) -> Command {
        let mut command = self.call.command(wrapper);
        command.args(&self.call.argv);
        silence(self.point(&mut command));
        command
    }

    /// Tells both wrappers where their caches are.
    fn point<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let command = command.env("REPLAY_DIR", &self.replay.cache).env("REPLAY_MODE", "replay");
        command.env("KILN_DIR", &self.kiln.cache)
    }
}

/// A compiler that kiln does not know, against that program alone.
fn pass_through(kit: &Kit, bench: &Bench, n: usize) -> Outcome<Pairs> {
    let program = kit.environment.find("true").ok_or("there is no `true` on PATH")?;
    let make = |first: &Path, argument: Option<&Path>| {
        let mut command = bench.kiln_environment.command(first);
        silence(command.args(argument));
        Ok(command)
    };
    let kiln = &bench.kiln.program;
    pairs(("pass-through", "direct"), n, || make(kiln, Some(&program)), || make(&program, None))
}

/// Runs both commands in every round, in alternating order. Setting up is not measured.
fn pairs(
    (what, against): (&'static str, &'static str),
    n: usize,
    ours: impl Fn() -> Outcome<Command>,
    theirs: impl Fn() -> Outcome<Command>,
) -> Outcome<Pairs> {
    let mut pairs = Pairs { what, against, ours: Vec::new(), theirs: Vec::new() };
    once(&ours, what)?;
    once(&theirs, against)?;
    for round in 0..n {
        if round % 2 == 0 {
            pairs.ours.push(once(&ours, what)?);
            pairs.theirs.push(once(&theirs, against)?);
        } else {
            pairs.theirs.push(once(&theirs, against)?);
            pairs.ours.push(once(&ours, what)?);
        }
    }
    Ok(pairs)
}

fn once(make: impl Fn() -> Outcome<Command>, what: &str) -> Outcome<Usage> {
    let usage = measure::run(&mut make()?).map_err(|error| format!("{what}: {error}"))?;
    if usage.code == Some(0) { Ok(usage) } else { Err(format!("{what}: ended with {:?}", usage.code)) }
}

fn build(environment: &Environment, sources: &Path) -> Outcome<()> {
    let target = sources.join("target");
    files::remove(&target)?;
    let mut cargo = environment.cargo();
    cargo.args(["build", "--offline"]).current_dir(sources);
    measure::output(cargo.env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0")).map(drop)
}

fn generate(root: &Path) -> Outcome<()> {
    let manifest = "[package]\nname = \"unit\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";
    files::write(&root.join("Cargo.toml"), manifest)?;
    let function = |index: usize| {
        format!(
            "pub fn name_{index}(n: u64) -> String {{\n    format!(\"{{:>8}}-{index}\", n + {index})\n}}\n"
        )
    };
    files::write(&root.join("src/lib.rs"), (0..FUNCTIONS).map(function).collect::<String>())
}

/// Peak megabytes of a process that does nothing.
fn floor(kit: &Kit) -> Outcome<f64> {
    let program = kit.environment.find("true").ok_or("there is no `true` on PATH")?;
    peak_mb(kit.environment.command(kit.peak()?).arg(program))
}

/// Runs `kiln-peak …` and reads its `KIB CODE`.
fn peak_mb(command: &mut Command) -> Outcome<f64> {
    let counted = measure::output(command)?;
    match counted.split_whitespace().collect::<Vec<_>>()[..] {
        [kib, "0"] => kib.parse::<f64>().map(|kib| kib / 1024.0).map_err(|error| error.to_string()),
        _ => Err(format!("a measured call failed: {counted}")),
    }
}

const HEAD: [&str; 8] =
    ["call", "wall ms", "min", "cpu ms", "against, wall ms", "its cpu ms", "added wall ms", "wall ratio"];

fn row(pairs: &Pairs) -> Vec<String> {
    let (ours, theirs) = (walls(&pairs.ours), walls(&pairs.theirs));
    let wall = spread(ours.iter().copied());
    let cpu = |usages: &[Usage]| number(median(usages.iter().map(|usage| usage.cpu_s * 1e3)), 3);
    vec![
        pairs.what.to_owned(),
        number(wall.map(|wall| wall.median), 3),
        number(wall.map(|wall| wall.min), 3),
        cpu(&pairs.ours),
        format!("{} {}", pairs.against, number(median(theirs.iter().copied()), 3)),
        cpu(&pairs.theirs),
        number(paired_difference(&ours, &theirs), 3),
        number(paired_ratio(&ours, &theirs), 3),
    ]
}

/// Milliseconds on the wall.
fn walls(usages: &[Usage]) -> Vec<f64> {
    usages.iter().map(|usage| usage.wall_s * 1e3).collect()
}

fn decide(kinds: &[Pairs], peaks: &[f64]) -> String {
    let of = |what: &str| kinds.iter().find(|pairs| pairs.what == what);
    let added: Vec<f64> = of("pass-through").map_or(Vec::new(), |pairs| {
        walls(&pairs.ours).iter().zip(walls(&pairs.theirs)).map(|(ours, theirs)| ours - theirs).collect()
    });
    let hit = of("hit of a small lib").map_or(Vec::new(), |pairs| walls(&pairs.ours));
    let rows = [
        verdicts::micro("pass-through: added wall ms", &added, 0.6),
        verdicts::micro("hit: wall ms, with its bytes", &hit, 1.5),
        verdicts::micro("hit: peak MB", peaks, 12.0),
    ];
    table(
        &["deciding number", "measured", "at most", "verdict"],
        &rows.into_iter().flatten().collect::<Vec<_>>(),
    )
}

fn to_json(kinds: &[Pairs], peaks: &[f64]) -> Value {
    let samples = |usages: &[Usage]| -> Vec<Value> {
        usages.iter().map(|usage| json!({ "wall_s": usage.wall_s, "cpu_s": usage.cpu_s })).collect()
    };
    let kinds: Vec<Value> = kinds
        .iter()
        .map(|pairs| {
            json!({
                "call": pairs.what,
                "against": pairs.against,
                "ours": samples(&pairs.ours),
                "theirs": samples(&pairs.theirs),
            })
        })
        .collect();
    json!({ "calls": kinds, "peak_mb": peaks })
}
