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
    /// Milliseconds of CPU and by the clock for each call: the medians of its rounds.
    calls: Vec<(f64, f64)>,
    /// Milliseconds of CPU, once for each cache and compiler.
    met_ms: f64,
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
    let home = |tool: Tool| -> Outcome<Home> {
        let home = Home { program: kit.program(tool)?, cache: root.join(tool.name()) };
        files::make(&home.cache).map(|()| home)
    };
    let (replay, kiln) = (home(Tool::Replay)?, home(Tool::Kiln)?);
    let (sources, target) = (root.join("src"), root.join("src/target"));
    files::copy_sources(&project.origin, &sources)?;
    let recording = Tool::Replay.dress(&kit.environment, &replay).with("REPLAY_MODE", "record");
    let mut cargo = recording.cargo();
    cargo.args([verb.name(), "--offline", "--locked"]).args(&project.cargo_args).current_dir(&sources);
    measure::output(cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_INCREMENTAL", "0"))?;
    let calls = Call::all(&replay.cache)?;
    let (mut cpu, mut wall) = (vec![Vec::new(); calls.len()], vec![Vec::new(); calls.len()]);
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
            cpu[at].push((ours.cpu_s - plain.cpu_s) * 1e3);
            wall[at].push((ours.wall_s - plain.wall_s) * 1e3);
        }
    }
    let middle = |samples: Vec<f64>| median(samples).unwrap_or_default();
    let calls = cpu.into_iter().zip(wall).map(|(cpu, wall)| (middle(cpu), middle(wall))).collect();
    let title = format!("{} `{}`", project.title, verb.name());
    Ok(Measured { title, megabytes: megabytes(&target), calls, met_ms: middle(met) })
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
    "added wall ms per miss",
    "added CPU ms per miss",
    "CPU ms once",
    "both per miss",
    "at most",
];

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "a build has few units")]
    fn units(&self) -> f64 {
        self.calls.len() as f64
    }

    /// Milliseconds of CPU and by the clock that a miss costs beyond the compiler, on average over the calls.
    fn per_miss(&self) -> (f64, f64) {
        let sum = self.calls.iter().fold((0.0, 0.0), |sum, call| (sum.0 + call.0, sum.1 + call.1));
        (sum.0 / self.units(), sum.1 / self.units())
    }
}

fn row(measured: &Measured) -> Vec<String> {
    let (cpu, wall) = measured.per_miss();
    let both = cpu + measured.met_ms / measured.units();
    let bound = verdicts::miss_bound_ms(measured.units(), measured.megabytes);
    let mark = if both <= bound { "" } else { "**" };
    vec![
        measured.title.clone(),
        measured.calls.len().to_string(),
        number(Some(measured.megabytes), 0),
        number(Some(wall), 2),
        number(Some(cpu), 2),
        number(Some(measured.met_ms), 0),
        format!("{mark}{}{mark}", number(Some(both), 2)),
        number(Some(bound), 2),
    ]
}

fn to_json(measured: &Measured) -> Value {
    let calls: Vec<Value> =
        measured.calls.iter().map(|(cpu, wall)| json!({ "cpu_ms": cpu, "wall_ms": wall })).collect();
    json!({ "build": measured.title, "megabytes": measured.megabytes, "met_ms": measured.met_ms, "calls": calls })
}
