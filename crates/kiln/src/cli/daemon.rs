//! `kiln daemon`: start and stop what fetches and uploads, see how it does, wait until it is done.

use crate::{exit, fail, say, words};
use kiln_action::wire::Writer;
use kiln_config::{Settings, values};
use kiln_protocol::message::tag;
use kiln_protocol::{Client, Hello, Refusal};
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

/// So long a daemon may be silent with a person waiting.
const SILENCE: Duration = Duration::from_secs(10);

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

/// Asks for JSON.
pub fn ask(client: &Client, tag: u8, body: &[u8]) -> Result<Value, Refusal> {
    let answer = client.ask(tag, body, SILENCE)?;
    serde_json::from_slice(&answer).map_err(|error| Refusal::Said(error.to_string()))
}

/// Does it.
pub fn run(arguments: &Arguments, settings: &Settings, environment: &Environment) -> i32 {
    match &arguments.command {
        Command::Run => foreground(settings),
        Command::Start => {
            match client(settings, environment, true).map(|client| ask(&client, tag::STATUS, b"")) {
                Ok(Ok(status)) => {
                    say(&format!("the daemon runs, process {}\n", status["process"]));
                    exit::FINE
                }
                Ok(Err(refusal)) => fail(&refusal.to_string()),
                Err(what) => fail(&what),
            }
        }
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
    match client.ask(tag::STOP, b"", SILENCE) {
        Ok(_) => {
            let there = || files::lstat(&client.place().socket()).is_ok_and(|found| found.is_some());
            let asked = Moment::now();
            while there() && asked.elapsed() < SILENCE {
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
    let status = if client.is_there() { ask(&client, tag::STATUS, b"").ok() } else { None };
    match status {
        Some(status) if as_json => say(&format!("{status:#}\n")),
        Some(status) => say(&as_text(&status)),
        None if as_json => say(&format!("{:#}\n", json!({ "schema": 1, "process": null }))),
        None => say("there is no daemon; the next miss of a build starts one\n"),
    }
    exit::FINE
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn as_text(status: &Value) -> String {
    let queue = words::count(number(&status["queue"]), "result");
    let up = Duration::from_millis(number(&status["up_ms"]));
    let mut text = format!(
        "process {}, version {}, up {} s; {queue} to be uploaded\n",
        status["process"],
        status["version"].as_str().unwrap_or_default(),
        up.as_secs()
    );
    for complaint in status["complaints"].as_array().into_iter().flatten() {
        text += &format!("problem: {}\n", complaint.as_str().unwrap_or_default());
    }
    for store in status["stores"].as_array().into_iter().flatten() {
        text += &store_as_text(store);
    }
    text
}

/// One store in a few lines; also for `kiln stats`.
pub fn store_as_text(store: &Value) -> String {
    let is = |name: &str| store[name].as_bool().unwrap_or(false);
    let state = match (is("given_up"), is("writable")) {
        (true, _) => ", left alone for a while",
        (false, true) if is("writes_given_up") => ", not written to for a while",
        (false, true) => "",
        (false, false) => ", read-only",
    };
    let mut text = format!("{}{state}\n", store["url"].as_str().unwrap_or_default());
    text += &format!(
        "  found {}, not there {}, {} down; uploaded {}, {} up; {:.1} ms an answer\n",
        number(&store["found"]),
        number(&store["absent"]),
        words::bytes(number(&store["bytes_in"])),
        number(&store["kept"]),
        words::bytes(number(&store["bytes_out"])),
        store["latency_ms"].as_f64().unwrap_or(0.0),
    );
    let (failed, late, wrong) = (number(&store["failed"]), number(&store["late"]), number(&store["wrong"]));
    if failed + late + wrong > 0 {
        text += &format!(
            "  failed {failed}, too late {late}, wrong {wrong}; last: {}\n",
            store["last_fault"].as_str().unwrap_or_default()
        );
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
    let mut body = Writer::default();
    body.u64(u64::try_from(most.as_millis()).unwrap_or(u64::MAX));
    match ask(&client, tag::WAIT, &body.0) {
        Ok(told) if as_json => {
            say(&format!("{told:#}\n"));
            exit::FINE
        }
        Ok(told) if told["done"] == true => {
            say("everything is uploaded\n");
            exit::FINE
        }
        Ok(told) if told["left"] == 0 => {
            fail("everything is uploaded, but for the bundle of it; `kiln daemon status` says more")
        }
        Ok(told) => {
            let left = words::count(number(&told["left"]), "result");
            fail(&format!("{left} could not be uploaded in time; `kiln daemon status` says more"))
        }
        Err(refusal) => fail(&refusal.to_string()),
    }
}
