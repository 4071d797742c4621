//! What a user writes for a remote: a URL, whose query has what does not fit elsewhere. Secrets in it are never shown.

use kiln_action::{conceal, schemes};
use std::fmt;
use url::Url;

/// One remote store, as written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Spec {
    /// The whole URL; may hold a password.
    pub url: Url,
    /// Whether it is only read.
    pub read_only: bool,
}

impl Spec {
    /// Reads a URL. Its scheme and its words have a row among the [`schemes`].
    pub fn parse(text: &str) -> Result<Spec, String> {
        if let Some(fault) = schemes::fault_of(text) {
            return Err(fault);
        }
        let url = Url::parse(text).map_err(|error| format!("{error}"))?;
        let mut spec = Spec { url, read_only: false };
        spec.read_only = spec.option(schemes::ACCESS.name).as_deref() == Some("read-only");
        Ok(spec)
    }

    /// The value of a word in the query.
    pub fn option(&self, name: &str) -> Option<String> {
        let found = self.url.query_pairs().find(|(word, _)| word == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }
}

/// Without secrets.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&conceal::url(self.url.as_str()))
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All remotes of a build, near to far, and whose results are looked for in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remotes {
    /// The stores, from the nearest to the farthest.
    pub specs: Vec<Spec>,
    /// The first one is written to; the others are read where it has nothing.
    pub namespaces: Vec<String>,
}

impl Remotes {
    /// Reads URLs and namespaces; the first thing that is wrong, without secrets.
    pub fn parse<'a>(
        urls: impl Iterator<Item = &'a str>,
        namespaces: impl Iterator<Item = &'a str>,
    ) -> Result<Remotes, String> {
        let specs = urls.map(Spec::parse).collect::<Result<Vec<_>, _>>()?;
        let mut namespaces: Vec<String> = namespaces.map(clean).collect();
        if namespaces.is_empty() {
            namespaces.push("main".to_owned());
        }
        Ok(Remotes { specs, namespaces })
    }
}

/// A namespace as one part of a path: branches have slashes in their names.
fn clean(name: &str) -> String {
    let fine = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let cleaned: String = name.chars().map(fine).collect();
    if cleaned.trim_matches('.').is_empty() { "main".to_owned() } else { cleaned }
}

#[cfg(test)]
mod tests;
