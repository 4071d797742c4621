//! What was proven, as a table in Markdown.

use super::projects::{Project, Way};
use super::site::Proven;
use crate::bench::table::table;

/// The line of one way of building a project.
pub fn row(project: &Project, way: &Way, proven: &Proven) -> Vec<String> {
    let served = |(hits, units): (i64, i64)| format!("{hits} of {units}");
    vec![
        format!("{} {}", project.name, proven.version),
        way.name.to_owned(),
        proven.units.to_string(),
        match proven.unstable.len() {
            0 => proven.compared.to_string(),
            some => format!("{} ({some} are others every time)", proven.compared),
        },
        served(proven.warm),
        served(proven.elsewhere),
        served(proven.edited),
        proven.mutations.join("; "),
        proven.tests.clone(),
        match proven.wrong.len() {
            0 => "none".to_owned(),
            some => format!("**{some}**"),
        },
    ]
}

/// The whole table.
pub fn of(rows: &[Vec<String>]) -> String {
    let head = [
        "project",
        "built by",
        "units",
        "files compared",
        "warm hits",
        "hits elsewhere",
        "hits after an edit",
        "other flags",
        "own tests, on what was restored",
        "differences",
    ];
    table(&head, rows)
}
