//! Defaults, the user's file, the project's file, the environment: later ones win, and each value knows where it came
//! from.

use crate::schema::{Given, ROWS, Row, Settings};
use kiln_action::FileKind;
use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use toml::de::DeValue;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The user's file, with the line.
    User(PathBuf, usize),
    /// The project's file, with the line.
    Project(PathBuf, usize),
    /// This variable.
    Environment(&'static str),
}

impl Source {
    /// The layer's name, as `kiln config list` shows it.
    pub fn layer(&self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::User(..) => "user",
            Source::Project(..) => "project",
            Source::Environment(_) => "environment",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::User(file, line) | Source::Project(file, line) => write!(f, "{}:{line}", file.display()),
            Source::Environment(variable) => f.write_str(variable),
        }
    }
}

/// A setting that is not as it should be; it is left as it was.
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
    /// The project's file, if there is one.
    pub project: Option<PathBuf>,
    /// Settings that could not be used, each with its source; none of them stops a build.
    pub complaints: Vec<Complaint>,
}

impl Loaded {
    fn defaults() -> Loaded {
        Loaded {
            settings: Settings::default(),
            sources: vec![Source::Default; ROWS.len()],
            project: None,
            complaints: Vec::new(),
        }
    }
}

/// Where the project's file is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The directory of this process; absolute.
    pub directory: &'a Path,
    /// The directory that the compiler writes to; absolute.
    pub out: Option<&'a Path>,
}

/// The names of a project's file, the first found counts.
pub const PROJECT_FILES: [&str; 2] = ["kiln.toml", ".kiln.toml"];

/// The user's configuration file: what `KILN_CONFIG` names, else `$XDG_CONFIG_HOME/kiln/config.toml`, else
/// `~/.config/kiln/config.toml`.
pub fn user_file(environment: &Environment) -> Option<PathBuf> {
    if let Some(named) = absolute(environment, "KILN_CONFIG") {
        return Some(named);
    }
    let base = absolute(environment, "XDG_CONFIG_HOME").or_else(|| Some(env::home()?.join(".config")))?;
    Some(base.join("kiln/config.toml"))
}

fn absolute(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The project's file: the nearest above the directory that the compiler writes to (cargo's target directory is in the
/// project, while dependencies are compiled in cargo's own directories), else above the directory it runs in. A file
/// that came along with a dependency does not count, and neither does one that belongs to another user: above a project there may
/// be directories that everybody can write to. Costs two `stat`s for each directory; nothing is read.
pub fn project_file(start: &Start<'_>) -> Option<PathBuf> {
    find_project_file(start, &mut Vec::new())
}

/// The same; nearer ones that belong to others go to `foreign`.
fn find_project_file(start: &Start<'_>, foreign: &mut Vec<PathBuf>) -> Option<PathBuf> {
    let mut in_directory = |directory: &Path| {
        PROJECT_FILES.iter().map(|name| directory.join(name)).find(|path| {
            let there = is_file(path);
            let ours = there && is_ours(path);
            if there && !ours && !foreign.contains(path) {
                foreign.push(path.clone());
            }
            ours
        })
    };
    if let Some(found) = start.out.and_then(|out| out.ancestors().find_map(&mut in_directory)) {
        return Some(found);
    }
    if start.out.is_some_and(|out| out.starts_with(start.directory)) {
        return None; // all of these were looked at
    }
    let unpacked = |directory: &Path| is_file(&directory.join(".cargo-ok"));
    start.directory.ancestors().take_while(|directory| !unpacked(directory)).find_map(in_directory)
}

fn is_file(path: &Path) -> bool {
    files::stat(path).ok().flatten().is_some_and(|stat| stat.kind == FileKind::File)
}

/// Whether a file, and a link by which it is found, belongs to whoever runs this or to the system.
fn is_ours(path: &Path) -> bool {
    let user = env::user();
    [files::stat(path), files::lstat(path)]
        .into_iter()
        .all(|looked| looked.ok().flatten().is_some_and(|stat| stat.owner == user || stat.owner == 0))
}

/// Reads all layers: defaults, the user's file, the project's file, variables. What cannot be used is a complaint, never an error.
pub fn load(environment: &Environment, start: &Start<'_>) -> Loaded {
    let mut loaded = Loaded::defaults();
    let mut foreign = Vec::new();
    loaded.project = find_project_file(start, &mut foreign);
    loaded.complaints.extend(foreign.into_iter().map(|file| Complaint {
        place: file.display().to_string(),
        what: "it belongs to another user; the file is ignored".to_owned(),
    }));
    let base = || absolute(environment, "XDG_CACHE_HOME").or_else(|| Some(env::home()?.join(".cache")));
    loaded.settings.directory = base().map(|base| base.join("kiln"));
    let project = loaded.project.clone();
    let root = project.as_deref().and_then(Path::parent).unwrap_or(start.directory);
    if let Some(file) = user_file(environment) {
        let named = environment.get("KILN_CONFIG").is_some_and(|name| !name.is_empty());
        let layer = Layer { file: &file, base: root, project: false, inside: true };
        read_file(&layer, named, &mut loaded);
    }
    if let Some(file) = &project {
        let inside = start.directory.starts_with(root);
        read_file(&Layer { file, base: root, project: true, inside }, true, &mut loaded);
    }
    read_environment(environment, root, &mut loaded);
    loaded
}

/// A configuration file.
struct Layer<'a> {
    file: &'a Path,
    /// What relative paths are relative to.
    base: &'a Path,
    /// Whether it is a project's.
    project: bool,
    /// Whether the compile happens in the project's own directory.
    inside: bool,
}

impl Layer<'_> {
    fn complaint(&self, line: usize, what: String) -> Complaint {
        Complaint { place: format!("{}:{line}", self.file.display()), what }
    }
}

/// What one file with these bytes says, over the defaults and for compiles in its own directory. `file` is absolute, and not opened.
pub fn read(file: &Path, bytes: &[u8], project: bool) -> Loaded {
    let mut loaded = Loaded::defaults();
    let base = file.parent().unwrap_or(file);
    read_text(&Layer { file, base, project, inside: true }, &String::from_utf8_lossy(bytes), &mut loaded);
    loaded
}

/// Longer than any file that a person writes.
const MOST: u64 = 1 << 20;
/// So many keys of a file that are no settings are named; a stranger's file may have any number.
const MOST_UNKNOWN: usize = 20;

fn read_file(layer: &Layer<'_>, expected: bool, loaded: &mut Loaded) {
    match files::read_limited(layer.file, MOST) {
        Ok(bytes) => read_text(layer, &String::from_utf8_lossy(&bytes), loaded),
        Err(error) if error.is_missing() && !expected => {}
        Err(error) => {
            let place = layer.file.display().to_string();
            let what = format!("cannot {} it: {}; the file is ignored", error.verb, error.source);
            loaded.complaints.push(Complaint { place, what });
        }
    }
}

fn read_text(layer: &Layer<'_>, text: &str, loaded: &mut Loaded) {
    let table = match toml::de::DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            let what = format!("{}; the file is ignored", error.message());
            loaded.complaints.push(layer.complaint(line, what));
            return;
        }
    };
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_unstable_by_key(|(key, _)| key.span().start);
    let (mut line, mut counted, mut unknown) = (1, 0, 0);
    for (key, value) in entries {
        let (name, start) = (key.get_ref().as_ref(), key.span().start);
        line += line_of(&text[counted..], start - counted) - 1; // (each line is counted once: a stranger's file may have many keys)
        counted = start;
        let Some(at) = ROWS.iter().position(|row| !row.name.is_empty() && row.name == name) else {
            unknown += 1;
            if unknown <= MOST_UNKNOWN {
                let near = nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                loaded.complaints.push(layer.complaint(line, format!("there is no setting `{name}`{near}")));
            }
            continue;
        };
        let row = &ROWS[at];
        if layer.project && !row.project {
            let what = format!(
                "{name}: a project cannot set this, for it reaches beyond the project; set it in the user's file or \
                 with {}",
                row.variable
            );
            loaded.complaints.push(layer.complaint(line, what));
            continue;
        }
        let mut values = values_of(row, value.get_ref());
        if name == "extra-inputs" && !layer.inside && values.is_some() {
            continue; // a dependency that is compiled elsewhere
        }
        if name == "extra-inputs" && layer.project {
            let complained = loaded.complaints.len();
            values = values.map(|values| inside_of_the_project(values, layer, line, &mut loaded.complaints));
            if loaded.complaints.len() > complained && values.as_ref().is_some_and(Vec::is_empty) {
                continue; // what a weaker layer says stays
            }
        }
        let (base, project) = (layer.base, layer.project);
        let set = |values: &Vec<OsString>| (row.set)(&mut loaded.settings, &Given { values, base, project });
        if values.as_ref().is_some_and(set) {
            let source = if layer.project { Source::Project } else { Source::User };
            loaded.sources[at] = source(layer.file.to_owned(), line);
        } else {
            let written = match &values {
                Some(values) if row.name == "remote" => {
                    values.join(OsStr::new(",")).to_string_lossy().into_owned()
                }
                _ => text[value.span()].trim().trim_matches(['"', '\'']).to_owned(),
            };
            loaded.complaints.push(layer.complaint(line, format!("{name}: {}", odd(row, &written))));
        }
    }
    if let Some(rest) = unknown.checked_sub(MOST_UNKNOWN).filter(|rest| *rest > 0) {
        loaded.complaints.push(layer.complaint(line, format!("up to here {rest} more keys are no settings")));
    }
}

/// Those of a project's patterns that stay below its directory: whoever wrote a project may not have other people's files read.
fn inside_of_the_project(
    values: Vec<OsString>,
    layer: &Layer<'_>,
    line: usize,
    complaints: &mut Vec<Complaint>,
) -> Vec<OsString> {
    let (inside, outside): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| {
        let path = Path::new(value);
        let climbs = path.components().any(|part| part == Component::ParentDir);
        !climbs && layer.base.join(path).starts_with(layer.base)
    });
    complaints.extend(outside.iter().map(|value| {
        let what = format!(
            "extra-inputs: `{}` leads out of the project's directory; it is ignored (set it in the user's file or with \
             KILN_EXTRA_INPUTS)",
            value.display()
        );
        layer.complaint(line, what)
    }));
    inside
}

/// The values that a file gives, as text; `None` for what no row takes.
fn values_of(row: &Row, value: &DeValue<'_>) -> Option<Vec<OsString>> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(OsString::from(text.as_ref())),
        DeValue::Integer(number) => Some(OsString::from(number.to_string())),
        DeValue::Boolean(on) => Some(OsString::from(on.to_string())),
        _ => None,
    };
    match value {
        DeValue::Array(items) if row.list => {
            let text = |item: &DeValue<'_>| matches!(item, DeValue::String(_)).then(|| one(item)).flatten();
            let item = |item: &DeValue<'_>| match item {
                DeValue::Table(table) if row.name == "remote" => url_of(table),
                item => text(item),
            };
            items.iter().map(|value| item(value.get_ref())).collect()
        }
        _ => Some(vec![one(value)?]),
    }
}

/// A `[[remote]]` table as a URL: everything but `url` becomes a part of its query.
fn url_of(table: &toml::de::DeTable<'_>) -> Option<OsString> {
    let text = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(on) => Some(on.to_string()),
        _ => None,
    };
    let mut url = text(table.get("url")?.get_ref())?;
    let mut others: Vec<_> = table.iter().filter(|(name, _)| name.get_ref() != "url").collect();
    others.sort_unstable_by_key(|(name, _)| name.span().start);
    for (name, value) in others {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name.get_ref());
        url.push('=');
        for byte in text(value.get_ref())?.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                    url.push(char::from(byte));
                }
                other => url.push_str(&format!("%{other:02X}")),
            }
        }
    }
    Some(url.into())
}

fn read_environment(environment: &Environment, base: &Path, loaded: &mut Loaded) {
    for (at, row) in ROWS.iter().enumerate() {
        // An unset variable and an empty one are alike: CI files often pass on an empty one.
        let Some(text) = environment.get(row.variable).filter(|text| !text.is_empty()) else { continue };
        let values: Vec<OsString> = match row.list {
            true => {
                let parts = text.as_bytes().split(|&b| b == b',').map(<[u8]>::trim_ascii);
                parts.filter(|part| !part.is_empty()).map(|part| OsString::from_vec(part.to_vec())).collect()
            }
            false => vec![text.to_owned()],
        };
        if (row.set)(&mut loaded.settings, &Given { values: &values, base, project: false }) {
            loaded.sources[at] = Source::Environment(row.variable);
        } else {
            let what = odd(row, &text.to_string_lossy());
            loaded.complaints.push(Complaint { place: row.variable.to_owned(), what });
        }
    }
    for name in environment.iter().filter_map(|(name, _)| name.to_str()) {
        if let Some(near) = mistyped(name) {
            let what = format!("there is no such variable; did you mean `{near}`?");
            loaded.complaints.push(Complaint { place: name.to_owned(), what });
        }
    }
}

fn odd(row: &Row, text: &str) -> String {
    format!("{}; it is ignored", row.refusal(text))
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1
}

/// The setting whose name is nearest, if one is near enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let names = ROWS.iter().map(|row| row.name).filter(|name| !name.is_empty());
    near(name, names, 3)
}

/// The variable that was meant by one that begins like kiln's and is none.
fn mistyped(name: &str) -> Option<&'static str> {
    let known = |row: &Row| row.variable == name;
    if !name.starts_with("KILN_") || ROWS.iter().any(known) {
        return None;
    }
    near(name, ROWS.iter().map(|row| row.variable), 2)
}

fn near(name: &str, names: impl Iterator<Item = &'static str>, most: usize) -> Option<&'static str> {
    let names = names.filter(|known| known.len().abs_diff(name.len()) <= most);
    let measured = names.map(|known| (distance(name, known), known));
    measured.min().filter(|(far, _)| *far <= most).map(|(_, known)| known)
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
