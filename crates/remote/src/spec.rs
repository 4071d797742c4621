//! What a user writes for a remote: a URL, whose query has what does not fit elsewhere. Secrets in it are never shown.

use kiln_action::conceal;
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

/// The query's own word for who may write: `access=read-only`.
const ACCESS: &str = "access";

impl Spec {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Spec, String> {
        let url = Url::parse(text).map_err(|error| format!("{error}"))?;
        let access = url.query_pairs().find(|(name, _)| name == ACCESS).map(|(_, value)| value.into_owned());
        let read_only = match access.as_deref() {
            None | Some("read-write") => false,
            Some("read-only") => true,
            Some(_) => return Err("access is neither read-only nor read-write".to_owned()),
        };
        Ok(Spec { url, read_only })
    }

    /// The value of a word in the query.
    pub fn option(&self, name: &str) -> Option<String> {
        let found = self.url.query_pairs().find(|(word, _)| word == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }

    /// Complains about a word in the query that nobody knows.
    pub fn allow(&self, known: &[&str]) -> Result<(), String> {
        let unknown =
            self.url.query_pairs().find(|(name, _)| name != ACCESS && !known.contains(&name.as_ref()));
        match unknown {
            Some((name, _)) => Err(format!("`{name}` is not known for {}://", self.url.scheme())),
            None => Ok(()),
        }
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
    /// Near to far.
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
