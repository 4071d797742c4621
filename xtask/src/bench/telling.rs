//! `cargo xtask bench telling`: what a person waits for who asks what the cache did, with a log of 10,000 events.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use serde_json::json;

use super::kit::Kit;
use super::machine::{self, Machine};
use super::numbers::spread;
use super::options::TellingOptions;
use super::table::{self, number, table};
use super::tools::Tool;
use super::{Outcome, files, measure};

/// Milliseconds in which 10,000 events are to be listed.
const BOUND: f64 = 50.0;

/// A log, and what is asked of it.
struct Case {
    what: &'static str,
    builds: usize,
    args: &'static [&'static str],
}

const CASES: [Case; 7] = [
    Case { what: "the last build, of all events", builds: 1, args: &["explain"] },
    Case { what: "all builds", builds: 50, args: &["explain", "--since", "1d"] },
    Case { what: "all builds, as JSON", builds: 50, args: &["explain", "--since", "1d", "--json"] },
    Case { what: "one crate", builds: 50, args: &["explain", "crate_7"] },
    Case { what: "the last build, of 200", builds: 50, args: &["explain"] },
    Case { what: "statistics", builds: 50, args: &["stats"] },
    Case {
        what: "statistics of a day, the best",
        builds: 50,
        args: &["stats", "--since", "1d", "--top", "10"],
    },
];

/// Measures all of them, one after the other in every round.
pub fn run(options: &TellingOptions) -> Outcome<()> {
    let kit = Kit::assemble(&options.common)?;
    let kiln = kit.program(Tool::Kiln)?;
    let root = kit.work.join("telling");
    files::renew(&root)?;
    for case in &CASES {
        log(&root.join(case.builds.to_string()), case.builds, options.events)?;
    }
    let load = machine::load();
    machine::warn_if_busy();
    let mut took = vec![Vec::new(); CASES.len()];
    for _ in 0..options.n {
        for (case, took) in CASES.iter().zip(&mut took) {
            let mut command = kit.environment.command(&kiln);
            command.args(case.args).env("KILN_DIR", root.join(case.builds.to_string()));
            command.current_dir(&root).stdin(Stdio::null());
            command.stdout(files::create(&root.join("said"))?).stderr(Stdio::null());
            let usage = measure::run(&mut command).map_err(|error| error.to_string())?;
            if usage.code != Some(0) {
                return Err(format!("kiln {} failed", case.args.join(" ")));
            }
            took.push(usage.wall_s * 1000.0);
        }
    }
    println!("{}", table::machine(&Machine::look(&kit, &[Tool::Kiln])));
    println!("{} events, {} runs of each, load before {load}\n", options.events, options.n);
    let row = |(case, took): (&Case, &Vec<f64>)| {
        let spread = spread(took.iter().copied());
        let median = spread.as_ref().map(|spread| spread.median);
        let within = median.map_or("", |median| if median < BOUND { "yes" } else { "NO" });
        let asked = format!("`kiln {}`", case.args.join(" "));
        vec![
            case.what.to_owned(),
            asked,
            number(median, 1),
            number(spread.map(|it| it.max), 1),
            within.into(),
        ]
    };
    let rows: Vec<_> = CASES.iter().zip(&took).map(row).collect();
    println!("{}", table(&["listed", "asked", "ms, median", "ms, most", "below 50 ms"], &rows));
    Ok(())
}

/// A cache directory whose log holds so many events, of so many builds.
fn log(cache: &Path, builds: usize, events: usize) -> Outcome<()> {
    files::make(&cache.join("v1/blobs"))?;
    files::make(&cache.join("v1/events"))?;
    let path = cache.join("v1/events/current.jsonl");
    let mut file: File = files::create(&path)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_millis());
    let first = now.saturating_sub(events as u128);
    let mut text = Vec::new();
    for number in 0..events {
        let (build, unit) = (number * builds / events, number % (events / builds));
        let outcome = ["hit", "hit", "miss", "miss", "bypass"][unit % 5];
        let mut event = json!({
            "at_ms": first + number as u128, "outcome": outcome, "name": format!("crate_{unit}"), "kind": "lib",
            "took_us": 900, "compile_ms": 800 + unit, "bytes": 400_000, "parent": 1000 + build,
            "directory": format!("/home/user/.cargo/registry/src/registry-1949cf8c6b5b557f/crate_{unit}-1.0.0"),
            "project": "/home/user/project", "stem": format!("crate_{unit}-{unit:016x}"),
            "key": format!("{number:064x}"),
        });
        if outcome == "miss" {
            event["reason"] = json!("changed");
            // Half of them follow from the one before.
            (event["cause"], event["follows"]) = match unit % 5 {
                2 => (json!(format!("src/file_{}.rs changed", unit % 40)), json!("")),
                _ => (json!("the dependency changed"), json!(format!("crate_{0}-{0:016x}", unit - 1))),
            };
        } else if outcome == "bypass" {
            event["reason"] = json!("asked");
            event["detail"] = json!("a macro asks for the time");
        }
        serde_json::to_writer(&mut text, &event).map_err(|error| error.to_string())?;
        text.push(b'\n');
    }
    file.write_all(&text).map_err(files::about(&path))
}
