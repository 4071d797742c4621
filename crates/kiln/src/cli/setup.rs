//! `kiln setup`: makes kiln the wrapper of every build, in cargo's user configuration, and undoes that.

use crate::edit::Edited;
use crate::wiring::{self, Named, Place};
use crate::{exit, fail, say};
use kiln_sys::env::Environment;
use serde_json::json;
use std::path::Path;
use toml_edit::{Item, Table};

/// What to do.
#[derive(clap::Args)]
#[command(after_help = "\
It writes `rustc-wrapper` under `[build]` in $CARGO_HOME/config.toml and leaves everything else there as it is. For one \
build `kiln cargo build` needs no set-up; in CI RUSTC_WRAPPER=kiln does the same.

Examples:
  kiln setup
  kiln setup --check && cargo build
  kiln setup --remove")]
pub struct Arguments {
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

/// Does it.
pub fn run(arguments: &Arguments, environment: &Environment, directory: &Path) -> i32 {
    let Some(home) = wiring::cargo_home(environment, directory) else {
        return fail("there is no home directory; set CARGO_HOME");
    };
    let Some(own) = wiring::lasting_wrapper(environment).and_then(|own| own.to_str().map(str::to_owned))
    else {
        return fail("cannot tell where kiln is installed");
    };
    let file = wiring::config_in(&home);
    let done = match (arguments.check, arguments.remove) {
        (true, _) => Ok(false),
        (false, true) => remove(&file, arguments.force),
        (false, false) => write(&file, &own, arguments.force),
    };
    let changed = match done {
        Ok(changed) => changed,
        Err(what) => return fail(&what),
    };
    let named = wiring::named(environment, directory);
    let wired = named.first().is_some_and(Named::is_kiln);
    match arguments.json {
        true => say(&format!("{:#}\n", as_json(&file, changed, wired, &named))),
        false => say(&as_text(arguments, &file, changed, &named)),
    }
    if arguments.check && !wired { exit::WRONG } else { exit::FINE }
}

/// Names kiln in the file; says whether that changed it.
fn write(file: &Path, own: &str, force: bool) -> Result<bool, String> {
    let mut edited = Edited::open(file)?;
    let build = edited.document.entry("build").or_insert_with(|| Item::Table(Table::new()));
    let shown = file.display();
    let build = build.as_table_like_mut().ok_or_else(|| format!("{shown}: `build` is not a table"))?;
    match build.get("rustc-wrapper").map(Item::as_str) {
        Some(Some(there)) if there == own => return Ok(false),
        Some(there) if !force && !there.is_some_and(wiring::is_kiln) => {
            let there = there.unwrap_or("something else");
            return Err(format!(
                "{shown} names `{there}` as the wrapper already; `kiln setup --force` replaces it"
            ));
        }
        _ => {}
    }
    match build.get_mut("rustc-wrapper").and_then(Item::as_value_mut) {
        Some(value) => {
            let decor = value.decor().clone();
            *value = own.into();
            *value.decor_mut() = decor;
        }
        None => drop(build.insert("rustc-wrapper", toml_edit::value(own))),
    }
    edited.save()
}

/// Takes kiln out of the file; says whether that changed it.
fn remove(file: &Path, force: bool) -> Result<bool, String> {
    let mut edited = Edited::open(file)?;
    let Some(build) = edited.document.get_mut("build").and_then(Item::as_table_like_mut) else {
        return Ok(false);
    };
    let Some(there) = build.get("rustc-wrapper") else { return Ok(false) };
    if !force && !there.as_str().is_some_and(wiring::is_kiln) {
        let there = there.as_str().unwrap_or("something else");
        return Err(format!(
            "{} names `{there}`, which is not kiln; `kiln setup --remove --force` removes it",
            file.display()
        ));
    }
    build.remove("rustc-wrapper");
    let bare = edited.document.get("build").and_then(Item::as_table).is_some_and(|table| {
        let comment = |text: Option<&toml_edit::RawString>| {
            text.and_then(toml_edit::RawString::as_str).is_some_and(|text| !text.trim().is_empty())
        };
        table.is_empty() && !comment(table.decor().prefix()) && !comment(table.decor().suffix())
    });
    if bare {
        edited.document.remove("build");
    }
    edited.save()
}

fn as_json(file: &Path, changed: bool, wired: bool, named: &[Named]) -> serde_json::Value {
    let places: Vec<_> = named
        .iter()
        .map(|it| json!({ "place": it.place.to_string(), "wrapper": it.wrapper, "kiln": it.is_kiln() }))
        .collect();
    json!({ "schema": 1, "file": file.to_string_lossy(), "changed": changed, "wired": wired, "named": places })
}

fn as_text(arguments: &Arguments, file: &Path, changed: bool, named: &[Named]) -> String {
    let mut text = match (changed, arguments.remove) {
        (true, false) => format!("kiln is the wrapper of every build now: {}\n", file.display()),
        (true, true) => format!("kiln is taken out of {}\n", file.display()),
        (false, true) => format!("{} does not name kiln; nothing was changed\n", file.display()),
        (false, false) if arguments.check => String::new(),
        (false, false) => format!("{} names this kiln already; nothing was changed\n", file.display()),
    };
    let own = Place::File(file.to_owned());
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
