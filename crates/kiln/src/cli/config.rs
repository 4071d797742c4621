//! `kiln config`: every setting with its value and where that came from, and changing them.

use crate::edit::Edited;
use crate::{exit, fail, say};
use clap::builder::PossibleValuesParser;
use kiln_config::layers::{self, Loaded, PROJECT_FILES};
use kiln_config::schema::{self, Given, ROWS, Row, Value};
use kiln_config::{Settings, Source};
use kiln_sys::env::Environment;
use serde_json::json;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What to do.
#[derive(clap::Args)]
#[command(after_help = "\
Settings come from, each stronger than the one before: defaults, the user's file, the project's file (kiln.toml or \
.kiln.toml, the nearest above the project), the environment.

Examples:
  kiln config list                      every setting, its value, where it came from
  kiln config set max-size 30GiB        in the user's file
  kiln config set --project extra-inputs 'migrations/**' VERSION
  KILN_SALT=2 kiln config get salt --json")]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Show every setting, its value and where that came from
    List {
        /// As JSON (fields are only ever added)
        #[arg(long)]
        json: bool,
    },
    /// Show one setting's value
    Get {
        /// The setting
        #[arg(value_parser = names())]
        name: String,
        /// As JSON, with where the value came from
        #[arg(long)]
        json: bool,
    },
    /// Write a setting into the user's file; comments and everything else stay as they are
    Set {
        /// The setting
        #[arg(value_parser = names())]
        name: String,
        /// The value; several for a list
        #[arg(required = true, allow_hyphen_values = true)]
        value: Vec<OsString>,
        /// Into the project's file: the nearest one above, else a new kiln.toml here
        #[arg(long)]
        project: bool,
    },
    /// Take a setting out of the user's file
    Unset {
        /// The setting
        #[arg(value_parser = names())]
        name: String,
        /// Out of the project's file
        #[arg(long)]
        project: bool,
    },
    /// Show where the user's file is
    Path {
        /// The project's file instead; exit code 1 if there is none
        #[arg(long)]
        project: bool,
        /// Both, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a file with every setting, its description and default, to start from
    Template,
}

fn names() -> PossibleValuesParser {
    let named = ROWS.iter().filter(|row| !row.name.is_empty());
    PossibleValuesParser::new(named.map(|row| clap::builder::PossibleValue::new(row.name).help(row.written)))
}

/// Where a command is given.
pub struct CalledFrom<'a> {
    /// The environment that settings are read from.
    pub environment: &'a Environment,
    /// The directory in which the command was called.
    pub directory: &'a Path,
}

/// Shows or changes settings; returns the exit code.
pub fn run(arguments: &Arguments, loaded: &Loaded, place: &CalledFrom<'_>) -> i32 {
    match &arguments.verb {
        Verb::List { json: true } => say(&format!("{:#}\n", as_json(loaded, place))),
        Verb::List { json: false } => say(&as_text(loaded)),
        Verb::Get { name, json } => {
            let Some((row, source)) = shown(loaded).find(|(row, _)| row.name == name) else {
                return exit::WRONG;
            };
            match json {
                true => say(&format!("{:#}\n", row_as_json(row, source, &loaded.settings))),
                false => say(&format!("{}\n", in_words(&(row.show)(&loaded.settings), "\n"))),
            }
        }
        Verb::Set { name, value, project } => return change(name, Some(value), *project, loaded, place),
        Verb::Unset { name, project } => return change(name, None, *project, loaded, place),
        Verb::Path { project, json } => return path(*project, *json, loaded, place),
        Verb::Template => say(&template()),
    }
    exit::FINE
}

/// The settings that have a name, and where each value came from.
fn shown(loaded: &Loaded) -> impl Iterator<Item = (&'static Row, &Source)> {
    ROWS.iter().zip(&loaded.sources).filter(|(row, _)| !row.name.is_empty())
}

fn in_words(value: &Value, between: &str) -> String {
    match value {
        Value::Unset => String::new(),
        Value::Switch(on) => on.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(list) => list.join(between),
    }
}

fn as_text(loaded: &Loaded) -> String {
    let rows: Vec<[String; 3]> = shown(loaded)
        .map(|(row, source)| {
            let value = in_words(&(row.show)(&loaded.settings), ",");
            [row.name.to_owned(), if value.is_empty() { "-".into() } else { value }, source.to_string()]
        })
        .collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let (names, values) = (width(0), width(1).min(40));
    let mut text = String::new();
    for [name, value, source] in &rows {
        let _ = writeln!(text, "{name:names$}  {value:values$}  {source}");
    }
    text
}

fn value_as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Unset => serde_json::Value::Null,
        Value::Switch(on) => json!(on),
        Value::Text(text) => json!(text),
        Value::List(list) => json!(list),
    }
}

fn row_as_json(row: &Row, source: &Source, settings: &Settings) -> serde_json::Value {
    let mut from = json!({ "layer": source.layer() });
    match source {
        Source::Default => {}
        Source::User(file, line) | Source::Project(file, line) => {
            from["file"] = json!(file.to_string_lossy());
            from["line"] = json!(line);
        }
        Source::Environment(variable) => from["variable"] = json!(variable),
    }
    json!({
        "name": row.name,
        "variable": row.variable,
        "value": value_as_json(&(row.show)(settings)),
        "default": row.default,
        "source": from,
    })
}

fn as_json(loaded: &Loaded, place: &CalledFrom<'_>) -> serde_json::Value {
    let settings: Vec<_> =
        shown(loaded).map(|(row, source)| row_as_json(row, source, &loaded.settings)).collect();
    let complaints: Vec<_> =
        loaded.complaints.iter().map(|it| json!({ "place": it.place, "what": it.what })).collect();
    json!({ "schema": 1, "settings": settings, "complaints": complaints, "files": files(loaded, place) })
}

fn files(loaded: &Loaded, place: &CalledFrom<'_>) -> serde_json::Value {
    let shown = |path: Option<PathBuf>| path.map(|path| path.to_string_lossy().into_owned());
    json!({ "user": shown(layers::user_file(place.environment)), "project": shown(loaded.project.clone()) })
}

fn path(project: bool, json: bool, loaded: &Loaded, place: &CalledFrom<'_>) -> i32 {
    if json {
        say(&format!("{:#}\n", files(loaded, place)));
        return exit::FINE;
    }
    let path = if project { loaded.project.clone() } else { layers::user_file(place.environment) };
    match path {
        Some(path) => {
            say(&format!("{}\n", path.display()));
            exit::FINE
        }
        None if project => fail("there is no kiln.toml here or above"),
        None => fail("there is no home directory; set KILN_CONFIG"),
    }
}

fn change(
    name: &str,
    values: Option<&Vec<OsString>>,
    project: bool,
    loaded: &Loaded,
    place: &CalledFrom<'_>,
) -> i32 {
    let file = match project {
        true => Some(loaded.project.clone().unwrap_or_else(|| place.directory.join(PROJECT_FILES[0]))),
        false => layers::user_file(place.environment),
    };
    let (Some(file), Some(row)) = (file, schema::row(name)) else {
        return fail("there is no home directory; set KILN_CONFIG");
    };
    if project && !row.project {
        return fail(&format!(
            "{name}: a project cannot set this, for it reaches beyond the project; leave out --project, or set {}",
            row.variable
        ));
    }
    let value = match values.map(|values| written(row, values)).transpose() {
        Ok(value) => value,
        Err(what) => return fail(&what),
    };
    let changed = Edited::open(&file).and_then(|mut edited| {
        match value {
            Some(value) => put(&mut edited.document, name, value),
            None => drop(edited.document.remove(name)),
        }
        edited.save()
    });
    match changed {
        Ok(true) => say(&format!(
            "{name} {} {}\n",
            if values.is_some() { "set in" } else { "taken out of" },
            file.display()
        )),
        Ok(false) => say(&format!("{} is as it should be\n", file.display())),
        Err(what) => return fail(&what),
    }
    if let Some((_, Source::Environment(variable))) = shown(loaded).find(|(row, _)| row.name == name) {
        say(&format!("{variable} is set in the environment, and is stronger\n"));
    }
    exit::FINE
}

/// The value as it stands in a file, if it is one.
fn written(row: &Row, values: &[OsString]) -> Result<toml_edit::Value, String> {
    let split = |value: &OsString| {
        value.to_string_lossy().split(',').map(|part| part.trim().into()).collect::<Vec<_>>()
    };
    let values: Vec<OsString> = match row.list {
        true => values.iter().flat_map(split).filter(|value: &OsString| !value.is_empty()).collect(),
        false => values.to_vec(),
    };
    let mut settings = Settings::default();
    let shown: Vec<_> = values.iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !(row.set)(&mut settings, &Given { values: &values, base: Path::new("/"), project: false }) {
        let shown = if row.list && row.name == "remote" { shown.join(",") } else { shown.join(" ") };
        return Err(format!("{}: {}", row.name, row.refusal(&shown)));
    }
    Ok(match (row.show)(&settings) {
        Value::Switch(on) => on.into(),
        _ if row.list => shown.into_iter().collect::<toml_edit::Array>().into(),
        _ => shown.concat().into(),
    })
}

/// Sets a value, with the comments around the old one.
fn put(document: &mut toml_edit::DocumentMut, name: &str, mut value: toml_edit::Value) {
    if let Some(old) = document.get_mut(name).and_then(toml_edit::Item::as_value_mut) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
    } else {
        document.insert(name, toml_edit::Item::Value(value));
    }
}

/// A file with every setting commented out.
pub fn template() -> String {
    let mut text = String::from("# kiln's settings. What is commented out is the default.\n");
    for row in ROWS.iter().filter(|row| !row.name.is_empty()) {
        let _ = write!(text, "\n{}", wrapped(row.does, 100));
        let _ = writeln!(text, "# Written: {}. Environment: {}.", row.written, row.variable);
        let value = match (row.list, row.default) {
            (true, _) => "[]".to_owned(),
            (false, text @ ("true" | "false")) => text.to_owned(),
            (false, text) if text.starts_with('$') => "\"/an/absolute/path\"".to_owned(),
            (false, text) => format!("{text:?}"),
        };
        let _ = writeln!(text, "# {} = {value}", row.name);
    }
    text
}

/// A comment in lines of at most so many characters.
fn wrapped(words: &str, most: usize) -> String {
    let (mut text, mut line) = (String::new(), String::from("#"));
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > most {
            let _ = writeln!(text, "{line}");
            "#".clone_into(&mut line);
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(text, "{line}");
    text
}

#[cfg(test)]
mod tests;
