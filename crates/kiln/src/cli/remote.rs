//! `kiln prefetch` and `kiln push`, and what `verify`, `gc` and `clear` do with `--remote`: all of it is the daemon's work.

use crate::daemon::client;
use crate::{exit, fail, say, words};
use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_engine::workspace;
use kiln_prefill::cargo_command::CargoCommand;
use kiln_prefill::snapshot::Snapshot;
use kiln_protocol::{
    Chore, DaemonPlace, Maintained, Prefetched, Pushed, Refusal, StoreStatus, decode_counters,
};
use kiln_sys::env::Environment;
use kiln_sys::files;
use serde_json::{Value, json};
use std::path::Path;

/// What to bring.
#[derive(clap::Args)]
#[command(after_help = "\
A bundle is what builds of this workspace used, with the same Cargo.lock, toolchain and profile; builds write it and the next
machine's first miss fetches it, so this is for jobs that want it before there is a build.

Examples:
  kiln prefetch
  kiln prefetch --profile release")]
pub struct Prefetch {
    /// The profile's directory in target/
    #[arg(long, default_value = "debug")]
    profile: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Brings the bundle of the workspace in this directory.
pub fn prefetch(arguments: &Prefetch, settings: &Settings, environment: &Environment, here: &Path) -> i32 {
    let client = match client(settings, environment, true) {
        Ok(client) => client,
        Err(what) => return fail(&what),
    };
    let workspace = match workspace::here(settings, environment, here, &arguments.profile) {
        Ok(workspace) => workspace,
        Err(what) => return fail(&what),
    };
    let prefetched = client.prefetch(&workspace);
    report(prefetched, arguments.json, as_json_prefetched, |prefetched| {
        if prefetched.segments == 0 {
            return "no build of this workspace has left anything in the remote store\n".to_owned();
        }
        let results = words::count(prefetched.results, "result");
        format!("{results}, {} fetched\n", words::bytes(prefetched.bytes))
    })
}

fn as_json_prefetched(prefetched: &Prefetched) -> Value {
    json!({
        "schema": 1,
        "segments": prefetched.segments,
        "fetched_segments": prefetched.fetched_segments,
        "results": prefetched.results,
        "bytes": prefetched.bytes,
    })
}

/// Asks for the bundle of the workspace in this directory while cargo is still starting, where nothing was built yet. Nobody waits for
/// it, and nothing that it comes to matters.
pub fn prefetch_ahead(command: &CargoCommand, settings: &Settings, environment: &Environment) {
    let Some(start) = kiln_sys::env::directory() else { return };
    let layout = command.layout(&start, environment);
    if settings.remote.is_empty() || settings.off || layout.is_built(command) {
        return;
    }
    let here = layout.package;
    let (settings, environment, profile) = (settings.clone(), environment.clone(), command.profile.clone());
    let _ = kiln_sys::thread::start(move || {
        let client = client(&settings, &environment, true).ok()?;
        let _ = client.status(); // it starts while we look where we are
        let workspace = workspace::here(&settings, &environment, &here, &profile).ok()?;
        client.prefetch(&workspace).ok()
    });
}

/// How to push.
#[derive(clap::Args)]
pub struct Push {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Uploads everything that is in the cache directory, may leave this machine, and is not in the remote stores.
pub fn push(arguments: &Push, settings: &Settings, environment: &Environment) -> i32 {
    let client = match client(settings, environment, true) {
        Ok(client) => client,
        Err(what) => return fail(&what),
    };
    let store = match CacheDir::open(settings) {
        Ok(cache) => cache.store,
        Err(reason) => return fail(&reason.to_string()),
    };
    let mut snapshots = store.snapshots().unwrap_or_default();
    snapshots.retain(|key| Snapshot::find(key, &store).is_some_and(|snapshot| snapshot.may_travel(&store)));
    let pushed = client.push(&snapshots);
    let failed = pushed.as_ref().is_ok_and(|pushed| pushed.failed > 0);
    let as_json = |pushed: &Pushed| json!({ "schema": 1, "results": pushed.results, "stayed": pushed.stayed, "failed": pushed.failed });
    let code = report(pushed, arguments.json, as_json, |pushed| {
        let stayed = match pushed.stayed {
            0 => String::new(),
            stayed => format!("; {stayed} stay here, for they hang on what nobody else may ask"),
        };
        format!("{} are in the remote store{stayed}\n", words::count(pushed.results, "result"))
    });
    match failed {
        true => fail("some could not be uploaded; `kiln daemon status` says why"),
        false => code,
    }
}

/// Looks through the remote stores, or removes from them.
pub fn maintain(chore: &Chore, as_json: bool, settings: &Settings) -> i32 {
    let client = match client(settings, &Environment::capture(), true) {
        Ok(client) => client,
        Err(what) => return fail(&what),
    };
    let done = client.maintain(chore);
    let wrong = done.as_ref().is_ok_and(|stores| {
        stores.iter().any(|store| store.outcome.as_ref().map_or(true, |swept| swept.damaged > 0))
    });
    let code = report(
        done,
        as_json,
        |stores| maintained_as_json(stores),
        |stores| stores.iter().map(|store| maintained_as_text(store, chore)).collect(),
    );
    if wrong { exit::WRONG } else { code }
}

fn maintained_as_json(stores: &[Maintained]) -> Value {
    let one = |store: &Maintained| match &store.outcome {
        Ok(swept) => json!({
            "url": store.url,
            "objects": swept.objects,
            "bytes": swept.bytes,
            "damaged": swept.damaged,
            "removed": swept.removed,
            "removed_bytes": swept.removed_bytes,
        }),
        Err(why) => json!({ "url": store.url, "error": why }),
    };
    json!({ "schema": 1, "stores": stores.iter().map(one).collect::<Vec<_>>() })
}

fn maintained_as_text(store: &Maintained, chore: &Chore) -> String {
    let url = &store.url;
    let swept = match &store.outcome {
        Ok(swept) => swept,
        Err(why) => return format!("{url}: {why}\n"),
    };
    if *chore == Chore::Verify {
        let (objects, bytes) = (words::count(swept.objects, "object"), words::bytes(swept.bytes));
        return format!("{url}: {objects}, {bytes}; {} damaged\n", swept.damaged);
    }
    let removed = words::count(swept.removed, "object");
    format!("{url}: removed {removed} of {}, {}\n", swept.objects, words::bytes(swept.removed_bytes))
}

fn report<T>(
    answer: Result<T, Refusal>,
    as_json: bool,
    json: impl FnOnce(&T) -> Value,
    text: impl FnOnce(&T) -> String,
) -> i32 {
    match answer {
        Ok(value) if as_json => say(&format!("{:#}\n", json(&value))),
        Ok(value) => say(&text(&value)),
        Err(refusal) => return fail(&refusal.to_string()),
    }
    exit::FINE
}

/// What the daemons counted so far, of every store; nothing if there never was one.
pub fn counters(settings: &Settings) -> Vec<StoreStatus> {
    let Some(cache) = settings.directory.as_deref() else { return Vec::new() };
    let file = files::read_own(&DaemonPlace::new(cache).counters(), 1 << 20).unwrap_or_default();
    decode_counters(&file).unwrap_or_default()
}
