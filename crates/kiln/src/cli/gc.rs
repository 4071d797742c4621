//! `kiln gc`: remove what is old, and the least useful results beyond the size limit.

use crate::paint::Paint;
use crate::progress::Progress;
use crate::{exit, fail, say, words};
use kiln_config::Settings;
use kiln_engine::cache_dir::{self, CacheDir};
use kiln_protocol::Chore;
use kiln_store::Collected;
use kiln_sys::identity::FileTime;
use kiln_sys::process;
use serde_json::json;

/// How to collect.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// In the remote stores instead: remove what was written before the age limit (`max-age`)
    #[arg(long, conflicts_with = "dry_run")]
    remote: bool,
    /// As the wrapper starts it: quietly, at the lowest priority
    #[arg(long, hide = true)]
    background: bool,
}

/// Collects the store down to its limits; returns the exit code.
pub fn run(arguments: &Arguments, settings: &Settings, paint: Paint) -> i32 {
    if arguments.remote {
        return match settings.max_age {
            Some(age) => {
                let chore = Chore::Collect { older_than_s: age.as_secs() };
                crate::remote::maintain(&chore, arguments.json, settings)
            }
            None => fail("max-age is set to keep everything"),
        };
    }
    if arguments.background {
        process::close_inherited();
        process::be_nice();
    }
    let cache = match CacheDir::open(settings) {
        Ok(cache) => cache,
        Err(reason) => return fail(&reason.to_string()),
    };
    let limits = cache_dir::limits(settings);
    let progress = Progress::start("collecting", paint.moves() && !arguments.json && !arguments.background);
    let collected = cache.store.collect(&limits, FileTime::now(), arguments.dry_run);
    drop(progress);
    let collected = match collected {
        Ok(Some(collected)) => collected,
        Ok(None) => {
            say("another process is collecting already\n");
            return exit::FINE;
        }
        Err(error) => return fail(&error.to_string()),
    };
    if !arguments.dry_run {
        let _ = cache.log().tidy();
    }
    if !arguments.background {
        say(&if arguments.json {
            as_json(&collected, arguments.dry_run)
        } else {
            as_text(&collected, limits.max_bytes, arguments.dry_run)
        });
    }
    if collected.stuck > 0 && !arguments.background {
        return fail(&format!("{} could not be removed", words::count(collected.stuck, "file")));
    }
    exit::FINE
}

fn as_text(collected: &Collected, most: Option<u64>, dry_run: bool) -> String {
    let verb = if dry_run { "would remove" } else { "removed" };
    let results = words::count(collected.before.results - collected.after.results, "result");
    let (freed, left) = (words::bytes(collected.freed), words::bytes(collected.after.bytes));
    let is_above = |most: &u64| collected.after.bytes > *most && collected.after.results > 0;
    let above = match most.filter(is_above) {
        Some(most) => format!(
            ", more than the limit of {}: what was used within the last ten minutes stays",
            words::bytes(most)
        ),
        None => String::new(),
    };
    format!("{verb} {results}, {freed}; {left} are left{above}\n")
}

fn as_json(collected: &Collected, dry_run: bool) -> String {
    let value = json!({
        "schema": 1,
        "dry_run": dry_run,
        "removed_results": collected.before.results - collected.after.results,
        "removed_bytes": collected.before.bytes.saturating_sub(collected.after.bytes),
        "freed_bytes": collected.freed,
        "left_results": collected.after.results,
        "left_bytes": collected.after.bytes,
        "stuck": collected.stuck,
    });
    format!("{value:#}\n")
}
