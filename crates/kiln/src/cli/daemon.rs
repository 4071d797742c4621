//! `kiln daemon`: start and stop what fetches and uploads, see how it does, wait until it is done.

use crate::{exit, fail, say, words};
use kiln_config::{Settings, values};
use kiln_protocol::message::tag;
use kiln_protocol::{Client, Hello, PATIENCE, Status, StoreStatus, Waited};
use kiln_sys::clock::Moment;
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use kiln_sys::process::{self, Program};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

/// What to do with it.
#[derive(clap::Args)]
#[command(after_help = "\
The daemon starts by itself when a remote store is set (`kiln config set remote URL`) and stops when it has had nothing to do
for ten minutes. A build goes on without it when it is gone.

Examples:
  kiln daemon status
  kiln daemon wait --for 2m    at the end of a CI job, before the machine goes away")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Be the daemon, in the foreground
    Run,
    /// Start one in the background
    Start,
    /// Stop it; what is to be uploaded stays in the queue
    Stop,
    /// Show remote stores, how they do, and what is to be uploaded
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Wait until everything is uploaded
    Wait {
        /// But not longer than this (`90s`, `5m`)
        #[arg(long = "for", value_name = "SPAN", default_value = "5m")]
        most: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// The program beside this one.
fn program() -> Option<PathBuf> {
    env::program_beside("kiln-daemon")
}

/// What to do where there is no such program: it is a package of its own, since it brings a network along.
pub const MISSING: &str = "there is no `kiln-daemon` beside kiln, and only it talks to remote stores; \
                           `cargo install --locked --path crates/daemon` in a checkout of kiln puts it there";

/// A connection for a person: with `start`, a daemon is started where there is none.
pub fn client(settings: &Settings, environment: &Environment, start: bool) -> Result<Client, String> {
    if settings.remote.is_empty() {
        return Err("no remote store is set (`kiln config set remote URL`, or KILN_REMOTE)".into());
    }
    let client = of_cache(settings, environment)?;
    match client.has_daemon() {
        false => Err(MISSING.into()),
        true if start => Ok(client),
        true => Ok(client.only_if_running()),
    }
}

/// A connection to the daemon of the cache, whatever remote stores it was started for.
fn of_cache(settings: &Settings, environment: &Environment) -> Result<Client, String> {
    let cache = settings.directory.as_deref().ok_or("there is no home directory; set KILN_DIR")?;
    let hello = Hello::new(&settings.remote, &settings.remote_namespace, environment);
    Ok(Client::new(cache, hello, program()).for_a_person())
}

/// Starts, stops or asks the daemon; returns the exit code.
pub fn run(arguments: &Arguments, settings: &Settings, environment: &Environment) -> i32 {
    match &arguments.command {
        Command::Run => foreground(settings),
        Command::Start => match client(settings, environment, true).map(|client| client.status()) {
            Ok(Ok(status)) => {
                say(&format!("the daemon runs, process {}\n", status.process));
                exit::FINE
            }
            Ok(Err(refusal)) => fail(&refusal.to_string()),
            Err(what) => fail(&what),
        },
        Command::Stop => stop(settings, environment),
        Command::Status { json } => status(settings, environment, *json),
        Command::Wait { most, json } => wait(settings, environment, most, *json),
    }
}

fn foreground(settings: &Settings) -> i32 {
    let (Some(program), Some(cache)) = (program(), settings.directory.as_deref()) else {
        return fail("there is no home directory; set KILN_DIR");
    };
    let args: [&OsStr; 1] = [cache.as_os_str()];
    let error = process::become_program(&Program {
        program: program.as_os_str(),
        called: None,
        args: &args,
        set: &[],
    });
    fail(&format!("cannot run `{}`: {error}", program.display()))
}

fn stop(settings: &Settings, environment: &Environment) -> i32 {
    let client = match of_cache(settings, environment) {
        Ok(client) => client.only_if_running(),
        Err(what) => return fail(&what),
    };
    if !client.is_there() {
        say("there is no daemon\n");
        return exit::FINE;
    }
    match client.ask(tag::STOP, b"", PATIENCE) {
        Ok(_) => {
            let there = || files::lstat(&client.place().socket()).is_ok_and(|found| found.is_some());
            let asked = Moment::now();
            while there() && asked.elapsed() < PATIENCE {
                process::pause(Duration::from_millis(5));
            }
            say("the daemon has stopped\n");
            exit::FINE
        }
        Err(refusal) => fail(&refusal.to_string()),
    }
}

fn status(settings: &Settings, environment: &Environment, as_json: bool) -> i32 {
    let client = match client(settings, environment, false) {
        Ok(client) => client,
        Err(what) => return fail(&what),
    };
    let status = if client.is_there() { client.status().ok() } else { None };
    match status {
        Some(status) if as_json => say(&format!("{:#}\n", as_json_value(&status))),
        Some(status) => say(&as_text(&status)),
        None if as_json => say(&format!("{:#}\n", json!({ "schema": 1, "process": null }))),
        None => say("there is no daemon; the next miss of a build starts one\n"),
    }
    exit::FINE
}

fn as_json_value(status: &Status) -> Value {
    json!({
        "schema": 1,
        "version": status.version,
        "protocol": status.protocol,
        "process": status.process,
        "up_ms": status.up_ms,
        "queue": status.queue,
        "complaints": status.complaints,
        "stores": status.stores.iter().map(store_as_json).collect::<Vec<_>>(),
    })
}

/// One store; also for `kiln stats`.
pub fn store_as_json(store: &StoreStatus) -> Value {
    let health = &store.health;
    json!({
        "url": store.url,
        "writable": store.writable,
        "answered": health.answered,
        "failed": health.failed,
        "late": health.late,
        "found": health.found,
        "absent": health.absent,
        "wrong": health.wrong,
        "kept": health.kept,
        "bytes_in": health.bytes_in,
        "bytes_out": health.bytes_out,
        "latency_ms": health.latency_ms,
        "given_up": health.given_up,
        "writes_given_up": health.writes_given_up,
        "given_up_times": health.given_up_times,
        "last_fault": health.last_fault,
        "last_fault_ms": health.last_fault_ms,
    })
}

fn as_text(status: &Status) -> String {
    let queue = words::count(status.queue, "result");
    let up = Duration::from_millis(status.up_ms);
    let mut text = format!(
        "process {}, version {}, up {} s; {queue} to be uploaded\n",
        status.process,
        status.version,
        up.as_secs()
    );
    for complaint in &status.complaints {
        text += &format!("problem: {complaint}\n");
    }
    for store in &status.stores {
        text += &store_as_text(store);
    }
    text
}

/// One store in a few lines; also for `kiln stats`.
pub fn store_as_text(store: &StoreStatus) -> String {
    let health = &store.health;
    let state = match (health.given_up, store.writable) {
        (true, _) => ", left alone for a while",
        (false, true) if health.writes_given_up => ", not written to for a while",
        (false, true) => "",
        (false, false) => ", read-only",
    };
    let mut text = format!("{}{state}\n", store.url);
    text += &format!(
        "  found {}, not there {}, {} down; uploaded {}, {} up; {:.1} ms an answer\n",
        health.found,
        health.absent,
        words::bytes(health.bytes_in),
        health.kept,
        words::bytes(health.bytes_out),
        health.latency_ms,
    );
    let (failed, late, wrong) = (health.failed, health.late, health.wrong);
    if failed + late + wrong > 0 {
        text += &format!("  failed {failed}, too late {late}, wrong {wrong}; last: {}\n", health.last_fault);
    }
    text
}

fn wait(settings: &Settings, environment: &Environment, most: &str, as_json: bool) -> i32 {
    let Some(most) = values::duration(most) else {
        return fail("--for takes a span with its unit (s, m, h), such as 90s or 5m");
    };
    let client = match client(settings, environment, true) {
        Ok(client) => client,
        Err(what) => return fail(&what),
    };
    match client.wait(most) {
        Ok(Waited { left, done }) if as_json => {
            say(&format!("{:#}\n", json!({ "schema": 1, "left": left, "done": done })));
            exit::FINE
        }
        Ok(Waited { done: true, .. }) => {
            say("everything is uploaded\n");
            exit::FINE
        }
        Ok(Waited { left: 0, .. }) => {
            fail("everything is uploaded, but for the bundle of it; `kiln daemon status` says more")
        }
        Ok(Waited { left, .. }) => {
            let left = words::count(left, "result");
            fail(&format!("{left} could not be uploaded in time; `kiln daemon status` says more"))
        }
        Err(refusal) => fail(&refusal.to_string()),
    }
}
