//! `kiln clear`: remove what is cached: everything, one crate, one project, or what is old.

use crate::paint::Paint;
use crate::progress::Progress;
use crate::{exit, fail, say, words};
use kiln_action::digest;
use kiln_config::{Settings, values};
use kiln_engine::cache_dir::CacheDir;
use kiln_protocol::Chore;
use kiln_store::{Collected, Entry, StoreError};
use kiln_sys::identity::FileTime;
use kiln_sys::process::{self, Channel};
use serde_json::json;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What to remove.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only results of this crate, or of C sources of this name (`inflate.c`)
    #[arg(value_name = "CRATE")]
    name: Option<String>,
    /// Only results of this project, as far as the log and the baselines know them
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Only results that were not used for so long (`3d`, `12h`)
    #[arg(long, value_name = "SPAN")]
    older_than: Option<String>,
    /// Everything in our own namespace of the remote stores instead
    #[arg(long, conflicts_with_all = ["name", "project", "older_than"])]
    remote: bool,
    /// Do not ask; without a terminal it must be given
    #[arg(long, short)]
    yes: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Removes results; returns the exit code.
pub fn run(arguments: &Arguments, settings: &Settings, here: &Path, paint: Paint) -> i32 {
    if arguments.remote {
        return clear_remote(arguments, settings);
    }
    let cache = match CacheDir::open(settings) {
        Ok(cache) => cache,
        Err(reason) => return fail(&reason.to_string()),
    };
    let oldest = match arguments.older_than.as_deref().map(values::duration) {
        Some(None) => {
            return fail("--older-than takes a span with its unit (s, m, h, d, w), such as 3d or 12h");
        }
        Some(Some(age)) => {
            Some(FileTime::now().0.saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX)))
        }
        None => None,
    };
    let project = arguments.project.as_deref().map(|written| words::directory(written, here));
    let keys = project.as_deref().map(|directory| keys_of(&cache, directory));
    let everything = arguments.name.is_none() && project.is_none() && oldest.is_none();
    let picked = |entry: &Entry| {
        let named = entry.unit.rsplit_once(' ').map_or(entry.unit.as_str(), |(name, _)| name);
        arguments.name.as_deref().is_none_or(|name| name == named)
            && oldest.is_none_or(|oldest| entry.used_ns < oldest)
            && keys.as_ref().is_none_or(|keys| keys.contains(entry.key.name()))
    };
    let asks = !arguments.yes && process::is_terminal_input() && process::is_terminal(Channel::Err);
    if !arguments.yes && !asks {
        return fail(
            "nothing was removed: without a terminal nobody can be asked; `--yes` says that it is meant",
        );
    }
    let progress = |what| Progress::start(what, paint.moves() && !arguments.json);
    if asks {
        let counting = progress("counting");
        let would = cache.store.clear(&|entry| everything || picked(entry), true);
        drop(counting);
        match would {
            Ok(Some(would)) if !confirmed(&would) => return exit::WRONG,
            Ok(_) => {}
            Err(error) => return fail(&error.to_string()),
        }
    }
    let removing = progress("removing");
    let cleared = if everything { cache.store.clear_all() } else { cache.store.clear(&picked, false) };
    drop(removing);
    report(cleared, arguments.json)
}

/// What others use, too, is not removed by a slip: without a terminal to ask at, `--yes` has to be there.
fn clear_remote(arguments: &Arguments, settings: &Settings) -> i32 {
    if !arguments.yes {
        if !process::is_terminal_input() || !process::is_terminal(Channel::Err) {
            return fail("what is in a remote store is not only yours; say --yes to remove it");
        }
        process::say(Channel::Err, b"remove everything in our namespace of the remote stores? [y/N] ");
        if !is_confirmed() {
            return exit::WRONG;
        }
    }
    crate::remote::maintain(&Chore::Clear, arguments.json, settings)
}

/// The results that were kept for a project.
fn keys_of(cache: &CacheDir, directory: &Path) -> HashSet<[u8; 32]> {
    let of_log = cache.log().events().into_iter();
    let of_log = of_log.filter(|event| words::is_in(&event.project, directory));
    let mut keys: HashSet<[u8; 32]> = of_log.filter_map(|event| digest::unhex(&event.key)).collect();
    for unit in cache.units().all() {
        if words::is_in(&unit.project, directory) {
            keys.extend(unit.runs.iter().map(|run| *run.key.name()));
        }
    }
    keys
}

/// Asks. Whatever is not a yes is a no, the end of the input among it.
fn confirmed(would: &Collected) -> bool {
    let results = would.before.results - would.after.results;
    if results == 0 {
        return true; // nothing to ask about
    }
    let results = words::count(results, "result");
    let freed = words::bytes(would.before.bytes - would.after.bytes);
    process::say(Channel::Err, format!("remove {results}, {freed}? [y/N] ").as_bytes());
    is_confirmed()
}

fn is_confirmed() -> bool {
    let line = process::read_line().unwrap_or_default();
    if matches!(line.trim(), "y" | "Y" | "yes") {
        return true;
    }
    let begin = if line.ends_with('\n') { "" } else { "\n" };
    process::say(Channel::Err, format!("{begin}nothing was removed\n").as_bytes());
    false
}

fn report(cleared: Result<Option<Collected>, StoreError>, as_json: bool) -> i32 {
    let cleared = match cleared {
        Ok(Some(cleared)) => cleared,
        Ok(None) => return fail("a collection is under way; try again when it is done"),
        Err(error) => return fail(&error.to_string()),
    };
    let results = cleared.before.results - cleared.after.results;
    if as_json {
        say(&format!(
            "{:#}\n",
            json!({
                "schema": 1,
                "removed_results": results,
                "removed_bytes": cleared.before.bytes - cleared.after.bytes,
                "freed_bytes": cleared.freed,
                "left_results": cleared.after.results,
                "left_bytes": cleared.after.bytes,
                "stuck": cleared.stuck,
            })
        ));
    } else {
        let removed = words::bytes(cleared.before.bytes - cleared.after.bytes);
        let left = words::bytes(cleared.after.bytes);
        say(&format!("removed {}, {removed}; {left} are left\n", words::count(results, "result")));
    }
    match cleared.stuck {
        0 => exit::FINE,
        stuck => fail(&format!("{} could not be removed", words::count(stuck, "file"))),
    }
}
