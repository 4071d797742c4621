//! The Markdown that is printed and kept in docs/benchmarks.md.

use std::fmt::Display;

use super::machine::Machine;
use super::numbers::{paired_ratio, spread};
use super::phases::{Series, Step};
use super::report::{ProjectReport, Report};
use super::stats::Counts;
use super::tools::Tool;
use super::verdicts;

/// What stands where nothing was measured.
const NOTHING: &str = "-";

/// The whole report.
pub fn report(report: &Report) -> String {
    let projects: Vec<String> = report.projects.iter().map(project).collect();
    format!("{}\n{}", machine(&report.machine), projects.join("\n"))
}

/// The machine, one fact a line.
pub fn machine(machine: &Machine) -> String {
    machine.facts.iter().map(|(name, value)| format!("- {name}: {value}\n")).collect()
}

/// A Markdown table; the first column is text, the others are numbers.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule: Vec<String> = (0..head.len()).map(|i| if i == 0 { "---" } else { "---:" }.to_owned()).collect();
    [head, rule].iter().chain(rows).map(|cells| line(cells)).collect()
}

/// A number with so many decimals, or nothing.
pub fn number(value: Option<f64>, decimals: usize) -> String {
    or_nothing(value.map(|value| format!("{value:.decimals$}")))
}

fn or_nothing(value: Option<impl Display>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
}

fn project(report: &ProjectReport) -> String {
    let rows: Vec<Vec<String>> = report.series.iter().map(|series| row(report, series)).collect();
    let head = [
        "step, tool",
        "n",
        "wall s",
        "min",
        "max",
        "wall/plain",
        "wall/replay",
        "cpu s",
        "cpu/plain",
        "hits/misses/bypasses",
        "dirty",
    ];
    let mut text = format!("### {} ({})\n\n", report.title, report.setting);
    text += &format!(
        "{} rounds, load before {}, after {}. Times are medians; ratios are medians of the ratios within \
         rounds, and `/plain` of warm and tree means plain's cold build.\n\n",
        report.rounds, report.load_before, report.load_after
    );
    text += &table(&head, &rows);
    text += &notes(report);
    text += &verdicts::text(report);
    text
}

fn row(report: &ProjectReport, series: &Series) -> Vec<String> {
    let (walls, cpus) = (series.walls(), series.cpus());
    let wall = spread(walls.iter().copied());
    let plain = report.find(Tool::Plain, series.step.without_cache());
    let replay = report.find(Tool::Replay, series.step);
    vec![
        format!("{}, {}", series.step.name(), series.tool.name()),
        walls.len().to_string(),
        number(wall.map(|wall| wall.median), 3),
        number(wall.map(|wall| wall.min), 3),
        number(wall.map(|wall| wall.max), 3),
        number(plain.and_then(|plain| paired_ratio(&walls, &plain.walls())), 3),
        number(replay.and_then(|replay| paired_ratio(&walls, &replay.walls())), 3),
        number(spread(cpus.iter().copied()).map(|cpu| cpu.median), 3),
        number(plain.and_then(|plain| paired_ratio(&cpus, &plain.cpus())), 3),
        or_nothing(worst_counts(series).map(outcome)),
        worst_dirty(series).to_string(),
    ]
}

/// The counts of the round with the most calls that were not hits.
fn worst_counts(series: &Series) -> Option<&Counts> {
    series.samples.iter().filter_map(|sample| sample.counts.as_ref()).max_by_key(|counts| counts.misses)
}

fn outcome(counts: &Counts) -> String {
    format!("{}/{}/{}", or_nothing(counts.hits), counts.misses, counts.bypassed())
}

fn worst_dirty(series: &Series) -> usize {
    series.samples.iter().map(|sample| sample.dirty.len()).max().unwrap_or(0)
}

/// What does not fit into the table: dirty units and bypasses by name, faults, lanes given up.
fn notes(report: &ProjectReport) -> String {
    let mut notes = Vec::new();
    for series in &report.series {
        let who = format!("{}, {}", series.step.name(), series.tool.name());
        if let Some(unit) = series.samples.iter().find_map(|sample| sample.dirty.first()) {
            notes.push(format!("{who}: {} units were not fresh, e.g. `{unit}`", worst_dirty(series)));
        }
        if let Some(counts) = worst_counts(series) {
            if series.step != Step::Noop && !counts.bypasses.is_empty() {
                let reasons = counts.bypasses.iter().map(|(reason, count)| format!("{count} {reason}"));
                notes.push(format!("{who}: bypassed {}", reasons.collect::<Vec<_>>().join(", ")));
            }
            if counts.errors > 0 {
                notes.push(format!("{who}: {} errors", counts.errors));
            }
        }
    }
    for (tool, why) in &report.failures {
        notes.push(format!("{} was given up at {}", tool.name(), why.replace('\n', "\n  ")));
    }
    if notes.is_empty() { String::new() } else { format!("\n- {}\n", notes.join("\n- ")) }
}

#[cfg(test)]
mod tests {
    use super::{number, table};

    #[test]
    fn a_table_has_a_rule_under_its_head() {
        let rows = [vec!["a".to_owned(), number(Some(1.0), 2)], vec!["b".to_owned(), number(None, 2)]];
        let expected = "| what | s |\n| --- | ---: |\n| a | 1.00 |\n| b | - |\n";
        assert_eq!(table(&["what", "s"], &rows), expected);
    }
}
