//! All that was measured, and its JSON form.

use serde_json::{Map, Value, json};

use super::files::Produce;
use super::machine::Machine;
use super::phases::{Sample, Series, Step};
use super::stats::Counts;
use super::tools::Tool;

/// One run of the benchmark.
pub struct Report {
    pub machine: Machine,
    pub projects: Vec<ProjectReport>,
}

/// One project's results.
pub struct ProjectReport {
    pub title: String,
    /// The cargo arguments and settings, as one line.
    pub setting: String,
    /// Whether kiln mapped workspace paths.
    pub remap: bool,
    pub rounds: usize,
    pub load_before: String,
    pub load_after: String,
    pub series: Vec<Series>,
    /// Tools that were given up, and why.
    pub failures: Vec<(Tool, String)>,
}

impl ProjectReport {
    /// A tool's rounds of a step.
    pub fn find(&self, tool: Tool, step: Step) -> Option<&Series> {
        self.series.iter().find(|series| series.tool == tool && series.step == step)
    }
}

impl Report {
    /// Everything, down to the single sample.
    pub fn to_json(&self) -> Value {
        let machine: Map<String, Value> =
            self.machine.facts.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let projects: Vec<Value> = self.projects.iter().map(project).collect();
        json!({ "machine": machine, "projects": projects })
    }
}

fn project(report: &ProjectReport) -> Value {
    let failures: Map<String, Value> =
        report.failures.iter().map(|(tool, why)| (tool.name().to_owned(), json!(why))).collect();
    json!({
        "title": report.title,
        "setting": report.setting,
        "rounds": report.rounds,
        "load_before": report.load_before,
        "load_after": report.load_after,
        "failures": failures,
        "series": report.series.iter().map(series).collect::<Vec<_>>(),
    })
}

fn series(series: &Series) -> Value {
    json!({
        "tool": series.tool.name(),
        "step": series.step.name(),
        "samples": series.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

fn sample(sample: &Sample) -> Value {
    json!({
        "wall_s": sample.usage.wall_s,
        "cpu_s": sample.usage.cpu_s,
        "dirty": sample.dirty,
        "counts": sample.counts.as_ref().map(counts),
        "produce": sample.produce.map(|Produce { units, bytes }| json!({ "units": units, "bytes": bytes })),
    })
}

fn counts(counts: &Counts) -> Value {
    json!({
        "hits": counts.hits,
        "misses": counts.misses,
        "errors": counts.errors,
        "bypasses": counts.bypasses,
    })
}
