//! `cargo xtask bench misses`: what a miss costs beyond the compiler, call by call. Two builds of plain cargo differ by more than all
//! misses of one cost; so every compiler call of a build is made by itself, plainly and through kiln in turns, and only
//! what one call takes more than its twin is counted.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::calls::{Call, silence};
use super::kit::Kit;
use super::lanes::Verb;
use super::machine::{self, Machine};
use super::measure::{self, Usage};
use super::numbers::median;
use super::options::MissOptions;
use super::projects::Project;
use super::table::{self as tables, number, table};
use super::tools::{Home, Tool};
use super::{Outcome, files, verdicts};

/// What the calls of one build cost more through kiln.
struct Measured {
    title: String,
    megabytes: f64,
    /// For each call the medians of its rounds.
    calls: Vec<Cost>,
    /// Milliseconds of CPU, once for each cache and compiler.
    met_ms: f64,
}

/// Milliseconds that a call costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// By the clock, beyond its twin.
    wall: f64,
    /// Of CPU, beyond its twin: with everything that kiln does to the compiler, and with the noise of two compiles.
    cpu: f64,
    /// Of CPU in the wrapper's first thread: exact, but without the second one, which hashes large outputs.
    own: f64,
}

/// Measures the builds that the options name.
pub fn run(options: &MissOptions) -> Outcome<()> {
    let kit = Kit::assemble(&options.common)?;
    let load = machine::load();
    machine::warn_if_busy();
    let mut all = Vec::new();
    for name in &options.projects {
        let project = Project::prepare(&kit, name, None)?;
        for verb in [Verb::Build, Verb::Check] {
            all.push(measure(&kit, &project, verb, options.rounds)?);
        }
    }
    println!("{}", tables::machine(&Machine::look(&kit, &[Tool::Kiln])));
    println!("{} rounds, load before {load}\n", options.rounds);
    println!("{}", table(&HEAD, &all.iter().map(row).collect::<Vec<_>>()));
    match &options.common.json {
        Some(file) => files::write(file, format!("{:#}\n", Value::from_iter(all.iter().map(to_json)))),
        None => Ok(()),
    }
}

fn measure(kit: &Kit, project: &Project, verb: Verb, rounds: usize) -> Outcome<Measured> {
    let root = kit.work.join("misses");
    files::renew(&root)?;
    let (replay, kiln) = (kit.home(Tool::Replay, &root)?, kit.home(Tool::Kiln, &root)?);
    let (sources, target) = (root.join("src"), root.join("src/target"));
    files::copy_sources(&project.origin, &sources)?;
    let recording = Tool::Replay.dress(&kit.environment, &replay).with("REPLAY_MODE", "record");
    let mut cargo = recording.cargo();
    cargo.args([verb.name(), "--offline", "--locked"]).args(&project.cargo_args).current_dir(&sources);
    measure::output(cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_INCREMENTAL", "0"))?;
    let calls = Call::all(&replay.cache)?;
    let mut costs = vec![Vec::new(); calls.len()];
    let mut met = Vec::new();
    for round in 0..rounds {
        files::put_aside(&kiln.cache, &root.join("aside"))?;
        files::make(&kiln.cache)?;
        met.push(meet(&calls, &kiln)?);
        for (at, call) in calls.iter().enumerate() {
            let (ours, plain) = if (round + at) % 2 == 0 {
                let ours = once(through(call, &kiln))?;
                (ours, once(plainly(call))?)
            } else {
                let plain = once(plainly(call))?;
                (once(through(call, &kiln))?, plain)
            };
            let [wall, cpu, own] =
                [ours.wall_s - plain.wall_s, ours.cpu_s - plain.cpu_s, ours.own_s].map(|s| s * 1e3);
            costs[at].push(Cost { wall, cpu, own });
        }
    }
    let calls = costs.iter().map(|costs| Cost::middle(costs)).collect();
    let title = format!("{} `{}`", project.title, verb.name());
    Ok(Measured { title, megabytes: megabytes(&target), calls, met_ms: median(met).unwrap_or_default() })
}

#[expect(clippy::cast_precision_loss, reason = "sizes of a build are far below 2^52")]
fn megabytes(target: &Path) -> f64 {
    files::produce(target).bytes as f64 / 1e6
}

/// Milliseconds of CPU for which a cache comes to know a compiler, the compiler's own answer taken off.
fn meet(calls: &[Call], kiln: &Home) -> Outcome<f64> {
    let call = calls.first().ok_or("the build made no compiler call")?;
    let rustc = Path::new(&call.argv[0]);
    let ask = |program: &Path, first: Option<&Path>| {
        let mut command = call.command(program);
        command.args(first).arg("-vV").env("KILN_DIR", &kiln.cache);
        command
    };
    let ours = once(ask(&kiln.program, Some(rustc)))?.cpu_s + measure::wait_for_orphans();
    let plain = once(ask(rustc, None))?.cpu_s;
    Ok((ours - plain) * 1e3)
}

fn through(call: &Call, kiln: &Home) -> Command {
    let mut command = call.command(&kiln.program);
    command.args(&call.argv).env("KILN_DIR", &kiln.cache);
    command
}

fn plainly(call: &Call) -> Command {
    let mut command = call.command(Path::new(&call.argv[0]));
    command.args(&call.argv[1..]);
    command
}

fn once(mut command: Command) -> Outcome<Usage> {
    silence(&mut command);
    let usage = measure::run(&mut command).map_err(|error| error.to_string())?;
    let words =
        || command.get_args().map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    if usage.code == Some(0) { Ok(usage) } else { Err(format!("{} ended with {:?}", words(), usage.code)) }
}

const HEAD: [&str; 8] = [
    "build",
    "units",
    "MB",
    "added wall ms a miss",
    "added CPU ms a miss",
    "the wrapper's own",
    "at most",
    "CPU ms once, to know the compiler",
];

impl Cost {
    fn middle(costs: &[Cost]) -> Cost {
        let middle = |of: fn(&Cost) -> f64| median(costs.iter().map(of)).unwrap_or_default();
        Cost { wall: middle(|it| it.wall), cpu: middle(|it| it.cpu), own: middle(|it| it.own) }
    }
}

impl Measured {
    /// What a miss costs on average over the calls.
    #[expect(clippy::cast_precision_loss, reason = "a build has few units")]
    fn per_miss(&self) -> Cost {
        let mean = |of: fn(&Cost) -> f64| self.calls.iter().map(of).sum::<f64>() / self.calls.len() as f64;
        Cost { wall: mean(|it| it.wall), cpu: mean(|it| it.cpu), own: mean(|it| it.own) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a build has few units")]
fn row(measured: &Measured) -> Vec<String> {
    let Cost { wall, cpu, own } = measured.per_miss();
    let bound = verdicts::miss_bound_ms(measured.calls.len() as f64, measured.megabytes);
    let mut row = vec![measured.title.clone(), measured.calls.len().to_string()];
    row.push(number(Some(measured.megabytes), 0));
    row.extend([wall, cpu, own, bound].map(|value| number(Some(value), 2)));
    row.push(number(Some(measured.met_ms), 0));
    row
}

fn to_json(measured: &Measured) -> Value {
    let cost = |it: &Cost| json!({ "wall_ms": it.wall, "cpu_ms": it.cpu, "own_ms": it.own });
    let calls: Vec<Value> = measured.calls.iter().map(cost).collect();
    json!({ "build": measured.title, "megabytes": measured.megabytes, "met_ms": measured.met_ms, "calls": calls })
}
