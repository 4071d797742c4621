//! `kiln setup`: makes kiln the wrapper of every build, in cargo's user configuration, and undoes that.

use crate::edit::Edited;
use crate::wiring::{self, NamedIn, NamedWrapper};
use crate::{exit, fail, say};
use kiln_prefill::configuration;
use kiln_sys::env::Environment;
use serde_json::json;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, Table};

pub mod c;

/// What to do.
#[derive(clap::Args)]
#[command(after_help = "\
It writes `rustc-wrapper` under `[build]` in $CARGO_HOME/config.toml and leaves everything else there as it is; C and C++ that \
build scripts compile then goes through kiln as well. With --c it also writes HOST_CC and HOST_CXX under `[env]`, for scripts that kiln cannot reach by itself. For one build \
`kiln cargo build` needs no set-up; in CI RUSTC_WRAPPER=kiln does the same.

Examples:
  kiln setup
  kiln setup --c
  kiln setup --check && cargo build
  kiln setup --remove")]
pub struct Arguments {
    /// Name kiln as the C compiler of build scripts, too; with --remove and --check: that only
    #[arg(long)]
    c: bool,
    /// Take kiln out again; what else is there stays
    #[arg(long, conflicts_with = "check")]
    remove: bool,
    /// Only say whether builds in this directory go through kiln: exit code 0 if they do, 1 if not
    #[arg(long)]
    check: bool,
    /// Replace, or remove, somebody else's wrapper
    #[arg(long)]
    force: bool,
    /// Say it as JSON (fields are only ever added)
    #[arg(long)]
    json: bool,
}

/// Wires kiln into cargo's configuration, or takes it out again; returns the exit code.
pub fn run(arguments: &Arguments, environment: &Environment, directory: &Path) -> i32 {
    let Some(home) = configuration::cargo_home(environment, directory) else {
        return fail("there is no home directory; set CARGO_HOME");
    };
    let Some(own) = wiring::lasting_wrapper(environment) else {
        return fail("cannot tell where kiln is installed");
    };
    let file = configuration::file_in(&home);
    let site = Site { file: &file, home: &home, own: &own };
    let done = match (arguments.check, arguments.remove) {
        (true, _) => Ok(false),
        (false, true) => remove(&site, arguments),
        (false, false) => write(&site, arguments, environment),
    };
    let changed = match done {
        Ok(changed) => changed,
        Err(what) => return fail(&what),
    };
    let named = wiring::named(environment, directory);
    let wired = named.first().is_some_and(NamedWrapper::is_kiln);
    let c = c::look(environment, directory);
    match (arguments.json, arguments.c) {
        (true, _) => say(&format!("{:#}\n", as_json(&site, changed, wired, &named, &c))),
        (false, true) if arguments.check || arguments.remove => say(&c::as_text(&site, &c)),
        (false, true) => say(&(as_text(arguments, &file, changed, &named) + &c::as_text(&site, &c))),
        (false, false) => say(&as_text(arguments, &file, changed, &named)),
    }
    let is_wired = if arguments.c { c.is_wired() } else { wired };
    if arguments.check && !is_wired { exit::WRONG } else { exit::FINE }
}

/// Where it happens.
struct Site<'a> {
    /// Cargo's user configuration.
    file: &'a Path,
    /// Cargo's home.
    home: &'a Path,
    /// The wrapper, by a name that lasts.
    own: &'a Path,
}

/// One line of the configuration that names kiln.
struct Entry {
    table: &'static str,
    key: &'static str,
    value: PathBuf,
    /// What it is called in a sentence.
    called: &'static str,
    is_own: fn(&str) -> bool,
}

const WRAPPER: &str = "rustc-wrapper";

fn wrapper(own: &Path) -> Entry {
    Entry {
        table: "build",
        key: WRAPPER,
        value: own.to_owned(),
        called: "the wrapper",
        is_own: wiring::is_kiln,
    }
}

/// Names kiln in the file; says whether that changed it.
fn write(site: &Site<'_>, arguments: &Arguments, environment: &Environment) -> Result<bool, String> {
    let mut edited = Edited::open(site.file)?;
    name(&mut edited.document, &wrapper(site.own), site.file, arguments)?;
    if arguments.c {
        for entry in c::entries(site.home) {
            name(&mut edited.document, &entry, site.file, arguments)?;
        }
        c::link(site, environment)?; // before anything names them
    }
    edited.save()
}

/// Writes one line, unless somebody else's is there.
fn name(document: &mut DocumentMut, entry: &Entry, file: &Path, arguments: &Arguments) -> Result<(), String> {
    let shown = file.display();
    let value = entry.value.to_str().ok_or_else(|| format!("{} is not text", entry.value.display()))?;
    let table = document.entry(entry.table).or_insert_with(|| Item::Table(Table::new()));
    let table =
        table.as_table_like_mut().ok_or_else(|| format!("{shown}: `{}` is not a table", entry.table))?;
    match table.get(entry.key).map(wiring::text_of) {
        Some(Some(there)) if there == value => return Ok(()),
        Some(there) if !arguments.force && !there.is_some_and(entry.is_own) => {
            let (there, called) = (there.unwrap_or("something else"), entry.called);
            let c = if arguments.c { " --c" } else { "" };
            return Err(format!(
                "{shown} names `{there}` as {called} already; `kiln setup{c} --force` replaces it"
            ));
        }
        _ => {}
    }
    match table.get_mut(entry.key).and_then(Item::as_value_mut) {
        Some(there) => {
            let decor = there.decor().clone();
            *there = value.into();
            *there.decor_mut() = decor;
        }
        None => drop(table.insert(entry.key, toml_edit::value(value))),
    }
    Ok(())
}

/// Takes kiln out of the file; says whether that changed it.
fn remove(site: &Site<'_>, arguments: &Arguments) -> Result<bool, String> {
    let mut edited = Edited::open(site.file)?;
    let document = &mut edited.document;
    let wrapper = wrapper(site.own);
    let there = document.get(wrapper.table).and_then(|table| table.get(wrapper.key));
    match there.map(|there| there.as_str().unwrap_or("something else")) {
        Some(there) if !arguments.c && !arguments.force && !wiring::is_kiln(there) => {
            return Err(format!(
                "{} names `{there}`, which is not kiln; `kiln setup --remove --force` removes it",
                site.file.display()
            ));
        }
        Some(_) if !arguments.c => take_out(document, &wrapper),
        _ => {}
    }
    for entry in c::entries(site.home) {
        let there = document.get(entry.table).and_then(|table| table.get(entry.key));
        if there.and_then(wiring::text_of).is_some_and(entry.is_own) {
            take_out(document, &entry);
        }
    }
    let changed = edited.save()?;
    c::unlink(site)?; // when nothing names them any more
    Ok(changed)
}

/// Takes out one line, and its table if it was the last and nobody wrote anything about it.
fn take_out(document: &mut DocumentMut, entry: &Entry) {
    if let Some(table) = document.get_mut(entry.table).and_then(Item::as_table_like_mut) {
        table.remove(entry.key);
    }
    let bare = document.get(entry.table).and_then(Item::as_table).is_some_and(|table| {
        let comment = |text: Option<&toml_edit::RawString>| {
            text.and_then(toml_edit::RawString::as_str).is_some_and(|text| !text.trim().is_empty())
        };
        table.is_empty() && !comment(table.decor().prefix()) && !comment(table.decor().suffix())
    });
    if bare {
        document.remove(entry.table);
    }
}

fn as_json(
    site: &Site<'_>,
    changed: bool,
    wired: bool,
    named: &[NamedWrapper],
    c: &c::Wired,
) -> serde_json::Value {
    let places: Vec<_> = named
        .iter()
        .map(|it| json!({ "place": it.place.to_string(), "wrapper": it.wrapper, "kiln": it.is_kiln() }))
        .collect();
    json!({
        "schema": 1,
        "file": site.file.to_string_lossy(),
        "changed": changed,
        "wired": wired,
        "named": places,
        "c": c.as_json(),
    })
}

fn as_text(arguments: &Arguments, file: &Path, changed: bool, named: &[NamedWrapper]) -> String {
    let mut text = match (changed, arguments.remove) {
        (true, false) => format!("kiln is the wrapper of every build now: {}\n", file.display()),
        (true, true) => format!("kiln is taken out of {}\n", file.display()),
        (false, true) => format!("{} does not name kiln; nothing was changed\n", file.display()),
        (false, false) if arguments.check => String::new(),
        (false, false) => format!("{} names this kiln already; nothing was changed\n", file.display()),
    };
    let own = NamedIn::File(file.to_owned());
    match named.first() {
        Some(it) if it.is_kiln() && arguments.check => {
            text += &format!("builds here go through kiln: {} names {}\n", it.place, it.wrapper);
        }
        Some(it) if it.is_kiln() && (!arguments.remove || it.place == own) => {}
        Some(it) if it.is_kiln() => {
            text += &format!("builds here still go through kiln: {} names it\n", it.place)
        }
        Some(it) if it.wrapper.is_empty() => {
            text += &format!(
                "builds here do not go through kiln: {} is empty, which switches wrappers off\n",
                it.place
            );
        }
        Some(it) => {
            text += &format!("builds here do not go through kiln: {} names `{}`\n", it.place, it.wrapper)
        }
        None if arguments.check => text += "builds here do not go through kiln; `kiln setup` changes that\n",
        None => {}
    }
    text
}
