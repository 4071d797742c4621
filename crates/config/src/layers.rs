//! Defaults, the user's file, the environment: later ones win, and each value knows where it came from.

use crate::schema::{ROWS, Row, Settings};
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// The environment.
    Environment,
}

/// A setting that is not as it should be; the default counts instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file or variable, with a line where there is one.
    pub place: String,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The settings of this process, where each row's value came from (in the order of [`ROWS`]), and what is wrong.
pub struct Loaded {
    /// The settings in force.
    pub settings: Settings,
    /// Where each came from.
    pub sources: Vec<Source>,
    /// What was wrong.
    pub complaints: Vec<Complaint>,
}

/// The user's configuration file: `$XDG_CONFIG_HOME/kiln/config.toml`, else `~/.config/kiln/config.toml`.
pub fn user_file(environment: &Environment) -> Option<PathBuf> {
    let base = absolute(environment, "XDG_CONFIG_HOME").or_else(|| Some(env::home()?.join(".config")))?;
    Some(base.join("kiln/config.toml"))
}

fn absolute(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Reads all layers.
pub fn load(environment: &Environment) -> Loaded {
    let mut loaded = Loaded {
        settings: Settings::default(),
        sources: vec![Source::Default; ROWS.len()],
        complaints: Vec::new(),
    };
    let base = || absolute(environment, "XDG_CACHE_HOME").or_else(|| Some(env::home()?.join(".cache")));
    loaded.settings.directory = base().map(|base| base.join("kiln"));
    if let Some(file) = user_file(environment)
        && let Ok(text) = files::read(&file)
    {
        read_file(&file, &text, &mut loaded);
    }
    for (row, source) in ROWS.iter().zip(0..) {
        // An unset variable and an empty one are alike: CI files often pass on an empty one.
        let Some(text) = environment.get(row.variable).filter(|text| !text.is_empty()) else { continue };
        // Paths may be any bytes; everything else is text.
        let good = if row.variable == "KILN_DIR" {
            let path = PathBuf::from(text);
            let good = path.is_absolute();
            if good {
                loaded.settings.directory = Some(path);
            }
            good
        } else {
            text.to_str().is_some_and(|text| (row.set)(&mut loaded.settings, text))
        };
        if good {
            loaded.sources[source] = Source::Environment;
        } else {
            let text = text.to_string_lossy().into_owned();
            loaded.complaints.push(Complaint { place: row.variable.to_owned(), what: odd(row, &text) });
        }
    }
    loaded
}

fn odd(row: &Row, text: &str) -> String {
    format!("`{text}` is not {}; using {}", row.written, row.default)
}

fn read_file(file: &Path, bytes: &[u8], loaded: &mut Loaded) {
    let complain = |line: usize, what: String| Complaint { place: format!("{}:{line}", file.display()), what };
    let text = String::from_utf8_lossy(bytes);
    let table = match toml::de::DeTable::parse(&text) {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            loaded.complaints.push(complain(line, format!("{}; the file is ignored", error.message())));
            return;
        }
    };
    for (key, value) in table.get_ref() {
        let (name, line) = (key.get_ref().as_ref(), line_of(&text, key.span().start));
        let Some(at) = ROWS.iter().position(|row| !row.name.is_empty() && row.name == name) else {
            let near = nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            loaded.complaints.push(complain(line, format!("there is no setting `{name}`{near}")));
            continue;
        };
        let written = text[value.span()].trim().trim_matches(|c| c == '"' || c == '\'');
        if (ROWS[at].set)(&mut loaded.settings, written) {
            loaded.sources[at] = Source::File(file.to_owned());
        } else {
            loaded.complaints.push(complain(line, format!("{name}: {}", odd(&ROWS[at], written))));
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1
}

/// The setting whose name is nearest, if one is near enough to be meant.
fn nearest(name: &str) -> Option<&'static str> {
    let names = ROWS.iter().map(|row| row.name).filter(|name| !name.is_empty());
    names.map(|known| (distance(name, known), known)).min().filter(|(far, _)| *far <= 3).map(|(_, known)| known)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let next = (corner + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
