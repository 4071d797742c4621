//! `kiln prefetch` and `kiln push`, and what `verify`, `gc` and `clear` do with `--remote`: all of it is the daemon's work.

use crate::daemon::{ask, client};
use crate::site::Aim;
use crate::{exit, fail, say, words};
use kiln_action::wire::Writer;
use kiln_config::Settings;
use kiln_engine::workspace;
use kiln_protocol::message::tag;
use kiln_sys::env::Environment;
use kiln_sys::files;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

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
    told(ask(&client, tag::PREFETCH, &workspace.encode()), arguments.json, |told| {
        if told["segments"] == 0 {
            return "no build of this workspace has left anything in the remote store\n".to_owned();
        }
        let results = words::count(told["results"].as_u64().unwrap_or(0), "result");
        format!("{results}, {} fetched\n", words::bytes(told["bytes"].as_u64().unwrap_or(0)))
    })
}

/// Asks for the bundle of the workspace in this directory while cargo is still starting, where nothing was built yet. Nobody waits for
/// it, and nothing that it comes to matters.
pub fn prefetch_ahead(aim: &Aim, settings: &Settings, environment: &Environment) {
    let Some(start) = kiln_sys::env::directory() else { return };
    let site = aim.site(&start, environment);
    if settings.remote.is_empty() || settings.off || site.is_built(aim) {
        return;
    }
    let here = site.here;
    let (settings, environment, profile) = (settings.clone(), environment.clone(), aim.profile.clone());
    let _ = kiln_sys::thread::start(move || {
        let client = client(&settings, &environment, true).ok()?;
        let _ = ask(&client, tag::STATUS, b""); // it starts while we look where we are
        let workspace = workspace::here(&settings, &environment, &here, &profile).ok()?;
        ask(&client, tag::PREFETCH, &workspace.encode()).ok()
    });
}

/// How to push.
#[derive(clap::Args)]
pub struct Push {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Uploads everything that is in the cache directory and not in the remote stores.
pub fn push(arguments: &Push, settings: &Settings, environment: &Environment) -> i32 {
    let client = match client(settings, environment, true) {
        Ok(client) => client,
        Err(what) => return fail(&what),
    };
    let pushed = ask(&client, tag::PUSH, b"");
    let failed = pushed.as_ref().is_ok_and(|told| told["failed"] != 0);
    let code = told(pushed, arguments.json, |told| {
        format!("{} are in the remote store\n", words::count(told["results"].as_u64().unwrap_or(0), "result"))
    });
    match failed {
        true => fail("some could not be uploaded; `kiln daemon status` says why"),
        false => code,
    }
}

/// Looks through the remote stores, or removes from them: `verify`, `gc` of what is older than an age, `clear`.
pub fn care(word: &str, age: Option<Duration>, as_json: bool, settings: &Settings) -> i32 {
    let client = match client(settings, &Environment::capture(), true) {
        Ok(client) => client,
        Err(what) => return fail(&what),
    };
    let mut body = Writer::default();
    body.bytes(word.as_bytes());
    body.u64(age.unwrap_or_default().as_secs());
    let cared = ask(&client, tag::CARE, &body.0);
    let wrong = cared.as_ref().is_ok_and(|told| {
        let mut stores = told["stores"].as_array().into_iter().flatten();
        stores.any(|store| store["damaged"].as_u64().unwrap_or(0) > 0 || store["error"].is_string())
    });
    let code = told(cared, as_json, |told| {
        let stores = told["stores"].as_array().into_iter().flatten();
        stores.map(|store| cared_as_text(store, word)).collect()
    });
    if wrong { exit::WRONG } else { code }
}

fn cared_as_text(store: &Value, word: &str) -> String {
    let url = store["url"].as_str().unwrap_or_default();
    if let Some(error) = store["error"].as_str() {
        return format!("{url}: {error}\n");
    }
    let number = |name: &str| store[name].as_u64().unwrap_or(0);
    let (objects, bytes) = (words::count(number("objects"), "object"), words::bytes(number("bytes")));
    match word {
        "verify" => format!("{url}: {objects}, {bytes}; {} damaged\n", number("damaged")),
        _ => {
            let removed = words::count(number("removed"), "object");
            format!(
                "{url}: removed {removed} of {}, {}\n",
                number("objects"),
                words::bytes(number("removed_bytes"))
            )
        }
    }
}

fn told(
    answer: Result<Value, kiln_protocol::Refusal>,
    as_json: bool,
    text: impl FnOnce(&Value) -> String,
) -> i32 {
    match answer {
        Ok(value) if as_json => say(&format!("{value:#}\n")),
        Ok(value) => say(&text(&value)),
        Err(refusal) => return fail(&refusal.to_string()),
    }
    exit::FINE
}

/// What the daemons counted so far, of every store; nothing if there never was one.
pub fn counters(settings: &Settings) -> Value {
    let Some(cache) = settings.directory.as_deref() else { return Value::Null };
    let path = kiln_protocol::Place::new(cache).counters();
    let bytes = files::read_limited(&path, 1 << 20).unwrap_or_default();
    let counted: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let stores = counted["stores"].as_object().into_iter().flatten().map(|(url, store)| {
        let mut store = store.clone();
        if let Some(fields) = store.as_object_mut() {
            fields.insert("url".into(), url.clone().into());
            fields.entry("writable").or_insert(json!(true));
        }
        store
    });
    Value::Array(stores.collect())
}
