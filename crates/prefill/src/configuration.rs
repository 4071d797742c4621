//! Cargo's configuration files: where they are, and what they say about where a build takes place (the cargo book, "Configuration").

use kiln_action::FileKind;
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use std::path::{Path, PathBuf};
use toml::de::DeTable;
use toml::{Table, Value};

/// Cargo's home: `CARGO_HOME`, from where cargo is started, else `.cargo` in the user's home directory.
pub fn cargo_home(environment: &Environment, start: &Path) -> Option<PathBuf> {
    let named = environment.get("CARGO_HOME").filter(|home| !home.is_empty());
    named.map(|home| start.join(home)).or_else(|| Some(env::home()?.join(".cargo")))
}

/// The configuration file in a directory: the one without ending counts if both are there.
pub fn file_in(directory: &Path) -> PathBuf {
    let old = directory.join("config");
    let there = files::stat(&old).ok().flatten().is_some_and(|stat| stat.kind == FileKind::File);
    if there { old } else { directory.join("config.toml") }
}

/// The configuration files of a cargo that is started in a directory, nearest first; the user's is the last.
pub fn files(environment: &Environment, start: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = start.ancestors().map(|above| file_in(&above.join(".cargo"))).collect();
    if let Some(home) = cargo_home(environment, start) {
        let user = file_in(&home);
        found.retain(|path| *path != user);
        found.push(user);
    }
    found
}

/// Every path at which cargo looks for its configuration (the cargo book, "Hierarchical structure"). A variable in its `[env]` is one that calls have
/// and we cannot see.
pub fn candidates(start: &Path, home: &Path) -> Vec<PathBuf> {
    let above = start.ancestors().map(|directory| directory.join(".cargo"));
    let all = above.chain([home.to_owned()]);
    all.flat_map(|directory| ["config.toml", "config"].map(|name| directory.join(name))).collect()
}

/// Whether a configuration takes in other files, which nobody reads here, or may: it cannot be read.
pub fn includes_others(text: &[u8]) -> bool {
    let table = std::str::from_utf8(text).ok().and_then(|text| DeTable::parse(text).ok());
    table.is_none_or(|table| table.get_ref().contains_key("include"))
}

/// A TOML file of cargo's, if it is there and can be read.
pub(crate) fn read(file: &Path) -> Option<Table> {
    String::from_utf8(files::read(file).ok()?).ok()?.parse().ok()
}

/// What a build's configuration says: its files, the nearest first, and the aliases in variables.
pub(crate) struct Configuration {
    files: Vec<(PathBuf, Table)>,
    /// Name in capitals and words of each `CARGO_ALIAS_<NAME>`.
    variables: Vec<(String, String)>,
}

impl Configuration {
    /// The configuration of a cargo that is started in a directory.
    pub(crate) fn of(start: &Path, environment: &Environment) -> Configuration {
        let aliases = environment.iter().filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix("CARGO_ALIAS_")?;
            Some((name.to_owned(), value.to_str()?.to_owned()))
        });
        let files = files(environment, start).into_iter();
        Configuration {
            files: files.filter_map(|file| read(&file).map(|table| (file, table))).collect(),
            variables: aliases.collect(),
        }
    }

    fn first<'a, T>(
        &'a self,
        table: &str,
        key: &str,
        read: impl Fn(&'a Path, &'a Value) -> Option<T>,
    ) -> Option<T> {
        let mut found = self.files.iter().filter_map(|(file, text)| Some((file, text.get(table)?.get(key)?)));
        found.find_map(|(file, value)| read(file, value))
    }

    /// A directory below `[build]`, named from where `.cargo` is.
    pub(crate) fn directory(&self, key: &str) -> Option<PathBuf> {
        self.first("build", key, |file, value| Some(file.parent()?.parent()?.join(value.as_str()?)))
    }

    /// The words that an alias stands for.
    pub(crate) fn alias(&self, command: &str) -> Option<Vec<String>> {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let variable = command.to_uppercase().replace(['-', '.'], "_");
        if let Some((_, words)) = self.variables.iter().find(|(name, _)| *name == variable) {
            return Some(split(words));
        }
        self.first("alias", command, |_, value| match value.as_array() {
            Some(words) => words.iter().map(|word| word.as_str().map(str::to_owned)).collect(),
            None => value.as_str().map(split),
        })
    }
}
