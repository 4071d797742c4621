//! The numbers that decide: each with the bound it is held against.

use super::numbers::{median, paired_difference, paired_ratio};
use super::phases::{Series, Step};
use super::report::ProjectReport;
use super::table::{number, table};
use super::tools::Tool;

/// What a miss may cost beyond the compiler: so many CPU milliseconds, and so many per megabyte of output.
const MS_PER_MISS: f64 = 4.0;
const MS_PER_MB: f64 = 0.4;

/// One number and its bound.
struct Verdict {
    what: String,
    value: f64,
    bound: f64,
}

/// The table of deciding numbers; empty where kiln took no part.
pub fn text(report: &ProjectReport) -> String {
    let verdicts: Vec<Verdict> = [
        ratio(report, "cold wall, kiln/plain", Step::Cold, Tool::Plain, 1.02),
        added_cpu(report, Step::Cold),
        ratio(report, "warm wall, kiln/replay", Step::Warm, Tool::Replay, 1.25),
        not_hit(report, Step::Warm),
        tree(report),
        not_hit(report, Step::Tree).filter(|_| report.remap),
        ratio(report, "edit wall, kiln/plain", Step::Edit, Tool::Plain, 1.03),
        added_cpu(report, Step::CheckCold),
        ratio(report, "check warm wall, kiln/replay", Step::CheckWarm, Tool::Replay, 1.25),
        dirty(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    if verdicts.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = verdicts.iter().map(row).collect();
    format!("\n{}", table(&["deciding number", "measured", "at most", "verdict"], &rows))
}

fn row(verdict: &Verdict) -> Vec<String> {
    let word = if verdict.value <= verdict.bound { "kept" } else { "**missed**" };
    vec![
        verdict.what.clone(),
        number(Some(verdict.value), 3),
        number(Some(verdict.bound), 3),
        word.to_owned(),
    ]
}

fn ratio(report: &ProjectReport, what: &str, step: Step, against: Tool, bound: f64) -> Option<Verdict> {
    let (kiln, other) = (report.find(Tool::Kiln, step)?, report.find(against, step)?);
    let value = paired_ratio(&kiln.walls(), &other.walls())?;
    Some(Verdict { what: what.to_owned(), value, bound })
}

/// Another checkout against the same one; only with remap is every unit expected to hit.
fn tree(report: &ProjectReport) -> Option<Verdict> {
    let (tree, warm) = (report.find(Tool::Kiln, Step::Tree)?, report.find(Tool::Kiln, Step::Warm)?);
    let value = paired_ratio(&tree.walls(), &warm.walls())?;
    report.remap.then(|| Verdict { what: "tree wall, kiln/its own warm".to_owned(), value, bound: 1.3 })
}

/// CPU that a miss costs on top of the compiler, in milliseconds a unit.
#[expect(clippy::cast_precision_loss, reason = "counts and sizes of a build are far below 2^52")]
fn added_cpu(report: &ProjectReport, step: Step) -> Option<Verdict> {
    let (kiln, plain) = (report.find(Tool::Kiln, step)?, report.find(Tool::Plain, step)?);
    let added_ms = paired_difference(&kiln.cpus(), &plain.cpus())? * 1e3;
    let produce = plain.samples.last()?.produce.filter(|produce| produce.units > 0)?;
    let (units, megabytes) = (produce.units as f64, produce.bytes as f64 / 1e6);
    let what = format!(
        "{}: added CPU ms per miss ({units} units, {megabytes:.0} MB, {:.2} ms per MB)",
        step.name(),
        added_ms / megabytes
    );
    Some(Verdict { what, value: added_ms / units, bound: miss_bound_ms(units, megabytes) })
}

/// The CPU that a miss may cost beyond the compiler, in milliseconds.
pub fn miss_bound_ms(units: f64, megabytes: f64) -> f64 {
    MS_PER_MISS + MS_PER_MB * megabytes / units
}

/// Units of the worst round that were not restored: those kiln calls misses, and those it does not speak of
/// although cargo has them. A unit is counted where plain cargo's cold build was measured.
#[expect(clippy::cast_precision_loss, reason = "a build has few units")]
fn not_hit(report: &ProjectReport, step: Step) -> Option<Verdict> {
    let cold = report.find(Tool::Plain, step.without_cache()).and_then(|plain| plain.samples.last());
    let units = cold.and_then(|sample| sample.produce).map_or(0, |produce| produce.units as u64);
    let counts = report.find(Tool::Kiln, step)?.samples.iter().filter_map(|sample| sample.counts.as_ref());
    let lacking = counts.map(|counts| counts.misses.max(units.saturating_sub(counts.hits.unwrap_or(0))));
    let what = format!("{}: units not hit, of {units}", step.name());
    Some(Verdict { what, value: lacking.max()? as f64, bound: 0.0 })
}

/// Units that were not fresh after any step.
#[expect(clippy::cast_precision_loss, reason = "a build has few units")]
fn dirty(report: &ProjectReport) -> Option<Verdict> {
    let of_kiln = report.series.iter().filter(|series| series.tool == Tool::Kiln);
    let worst = of_kiln.flat_map(|series: &Series| &series.samples).map(|sample| sample.dirty.len()).max()?;
    Some(Verdict { what: "dirty units after any step".to_owned(), value: worst as f64, bound: 0.0 })
}

/// The median of some values against a bound, as a row for the micro table.
pub fn micro(what: &str, values: &[f64], bound: f64) -> Option<Vec<String>> {
    let value = median(values.iter().copied())?;
    Some(row(&Verdict { what: what.to_owned(), value, bound }))
}
