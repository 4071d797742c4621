//! `kiln stats`: what the cache did so far.

use crate::{fail, say};
use kiln_config::Settings;
use kiln_engine::workshop::Workshop;
use kiln_report::Summary;
use serde_json::json;
use std::fmt::Write;

/// How to show it.
#[derive(clap::Args)]
pub struct Arguments {
    /// As JSON (fields are only ever added)
    #[arg(long)]
    json: bool,
}

/// Shows the statistics.
pub fn run(arguments: &Arguments, settings: &Settings) -> i32 {
    let shop = match Workshop::open(settings) {
        Ok(shop) => shop,
        Err(reason) => return fail(&reason.to_string()),
    };
    let (summary, bytes) = (shop.log().summary(), shop.store.estimate().unwrap_or(0));
    if arguments.json {
        say(&format!("{:#}\n", as_json(&summary, bytes)));
    } else {
        say(&as_text(&summary, bytes, settings));
    }
    0
}

fn as_json(summary: &Summary, bytes: u64) -> serde_json::Value {
    let mut value = serde_json::to_value(summary).unwrap_or_else(|_| json!({}));
    value["schema"] = json!(1);
    value["store_bytes"] = json!(bytes);
    value
}

fn as_text(summary: &Summary, bytes: u64, settings: &Settings) -> String {
    let mut text = String::new();
    let asked = summary.hits + summary.misses;
    let rate = if asked == 0 { 0.0 } else { 100.0 * summary.hits as f64 / asked as f64 };
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<22}{value:>12}");
    };
    row("hits", summary.hits.to_string());
    row("misses", summary.misses.to_string());
    row("hit rate", format!("{rate:.1} %"));
    row("failed compiles", summary.failures.to_string());
    row("errors of the cache", summary.errors.to_string());
    row("compiling saved", seconds(summary.saved_ms));
    row("compiling done", seconds(summary.compiled_ms));
    row("on disk", mebibytes(bytes));
    row("limit", settings.max_size.map_or("none".into(), mebibytes));
    if !summary.bypasses.is_empty() {
        let _ = writeln!(text, "\nnot cached, by reason");
        for (reason, count) in &summary.bypasses {
            let _ = writeln!(text, "  {reason:<20}{count:>12}");
        }
    }
    text
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
