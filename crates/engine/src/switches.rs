//! What the user's settings add to a compile: parts of the key, further questions, crates that are never cached.
//!
//! Names go into the WeakKey (another list is another key), answers into the ActionKey, where an explanation finds them.

use kiln_action::os::OsStrExt;
use kiln_action::{Family, Field, FileKind, Invocation, Places, Question, Reason, Subject};
use kiln_config::Settings;
use kiln_config::schema::{self, Concerns, Counts, Row};
use kiln_sys::env::Environment;
use kiln_sys::files;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// What the settings add to the WeakKey of a compile: nothing where nothing is set. The table of settings says of each what.
pub fn fields(settings: &Settings, subject: Subject) -> Vec<Field> {
    let added = |row: &Row| match row.counts {
        Counts::Key(Concerns::C, _) if subject == Subject::Compile(Family::Rustc) => Vec::new(),
        Counts::Key(_, fields) => fields(settings),
        Counts::Command(_) | Counts::Not(_) => Vec::new(),
    };
    schema::ROWS.iter().flat_map(added).collect()
}

/// The name under which the settings say that this is never cached: the crate's, or its package's.
pub fn never<'a>(
    settings: &'a Settings,
    invocation: &Invocation,
    environment: &Environment,
) -> Option<&'a str> {
    let plain = |name: &str| name.replace('-', "_");
    let package = environment.get("CARGO_PKG_NAME").and_then(OsStr::to_str).map(plain);
    let krate = plain(&invocation.unit.name);
    let listed = settings.never.iter().find(|name| {
        let name = plain(name);
        name == krate || Some(&name) == package.as_ref()
    });
    listed.map(String::as_str)
}

/// Whether the settings promise that a variable does not count for macros. Naming it as one that does is stronger.
pub fn is_ignored(settings: &Settings, name: &[u8]) -> bool {
    let named = |list: &[String]| list.iter().any(|known| known.as_bytes() == name);
    named(&settings.ignore_variables) && !named(&settings.extra_variables)
}

/// What is to be asked on top of what the run was seen to ask; a reason to keep nothing if that is out of all proportion, or leads out
/// of the project that asks for it.
pub fn questions(settings: &Settings, places: &Places) -> Result<BTreeSet<Question>, Reason> {
    let mapped = places.remapped();
    let within = settings.extra_inputs_within.as_deref().filter(|_| !settings.extra_inputs.is_empty());
    let within = within.and_then(|root| files::real_path(root).ok().flatten());
    let mut asked = PatternSearch { mapped: &mapped, within, questions: BTreeSet::new(), left: MOST };
    let names = settings.extra_variables.iter();
    asked.questions.extend(names.map(|name| Question::Env(name.as_bytes().to_vec())));
    for pattern in &settings.extra_inputs {
        asked.pattern(pattern)?;
    }
    Ok(asked.questions)
}

/// How much patterns may name. Each compile looks at all of it.
#[derive(Clone, Copy)]
struct Left {
    names: u32,
    bytes: u64,
}

const MOST: Left = Left { names: 50_000, bytes: 4 << 30 };

struct PatternSearch<'a> {
    mapped: &'a Places,
    /// Where everything has to lie, links followed.
    within: Option<PathBuf>,
    questions: BTreeSet<Question>,
    left: Left,
}

impl PatternSearch<'_> {
    fn pattern(&mut self, pattern: &Path) -> Result<(), Reason> {
        let parts: Vec<&OsStr> = pattern
            .components()
            .filter(|part| !matches!(part, Component::RootDir | Component::CurDir))
            .map(Component::as_os_str)
            .collect();
        self.below(PathBuf::from("/"), &parts)
    }

    /// Everything that the rest of a pattern names in a directory. Each directory that is searched is listed, so that a
    /// name that comes or goes is another answer.
    fn below(&mut self, directory: PathBuf, parts: &[&OsStr]) -> Result<(), Reason> {
        let Some((part, rest)) = parts.split_first() else { return self.whole(&directory) };
        if *part == ".." {
            let above = directory.parent().map_or_else(|| directory.clone(), Path::to_owned);
            return self.below(above, rest);
        }
        if *part == "**" {
            if rest.is_empty() {
                return self.whole(&directory);
            }
            self.below(directory.clone(), rest)?;
            for (name, kind) in self.list(&directory)? {
                if kind == FileKind::Directory {
                    self.below(directory.join(name), parts)?;
                }
            }
            return Ok(());
        }
        if !part.as_bytes().iter().any(|b| matches!(b, b'*' | b'?')) {
            return self.below(directory.join(part), rest);
        }
        for (name, _) in self.list(&directory)? {
            if matches(part.as_bytes(), name.as_bytes()) {
                self.below(directory.join(name), rest)?;
            }
        }
        Ok(())
    }

    /// A file; of a directory every file below it. Links to directories are not followed.
    fn whole(&mut self, path: &Path) -> Result<(), Reason> {
        self.stays(path)?;
        let there = files::stat(path).ok().flatten().filter(|stat| stat.kind == FileKind::File);
        self.take(1, there.map_or(0, |stat| stat.identity.size))?;
        self.questions.insert(Question::File(self.mapped.place(path)));
        if files::lstat(path).ok().flatten().is_some_and(|stat| stat.kind == FileKind::Directory) {
            for (name, _) in self.list(path)? {
                self.whole(&path.join(name))?;
            }
        }
        Ok(())
    }

    fn list(&mut self, directory: &Path) -> Result<Vec<(OsString, FileKind)>, Reason> {
        self.stays(directory)?;
        self.questions.insert(Question::Listing(self.mapped.place(directory)));
        let entries = files::list(directory).ok().flatten().unwrap_or_default();
        self.take(u32::try_from(entries.len()).unwrap_or(u32::MAX).saturating_add(1), 0)?;
        Ok(entries.into_iter().map(|entry| (entry.name, entry.kind)).collect())
    }

    fn take(&mut self, names: u32, bytes: u64) -> Result<(), Reason> {
        let (names, bytes) = (self.left.names.checked_sub(names), self.left.bytes.checked_sub(bytes));
        let (Some(names), Some(bytes)) = (names, bytes) else {
            let (most, gib) = (MOST.names, MOST.bytes >> 30);
            return Err(Reason::Nondeterministic(format!(
                "extra-inputs name more than {most} files and directories or {gib} GiB"
            )));
        };
        self.left = Left { names, bytes };
        Ok(())
    }

    /// A project's pattern leads nowhere but below its directory, not by a link either.
    fn stays(&self, path: &Path) -> Result<(), Reason> {
        let Some(root) = &self.within else { return Ok(()) };
        match files::real_path(path).ok().flatten() {
            Some(real) if !real.starts_with(root) => Err(Reason::Nondeterministic(format!(
                "extra-inputs of the project lead out of its directory: {}",
                path.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// Whether a name is what a part of a pattern says. A leading dot is a character like any other: what is not meant to
/// count is rarely hidden, and what counts too much only costs a compile.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut done) = (0, 0);
    let mut star = None; // where the last `*` is, and up to where it stands for the name
    while done < name.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, done));
                at += 1;
            }
            (Some(&one), _) if one == b'?' || one == name[done] => {
                at += 1;
                done += 1;
            }
            (_, Some((back, upto))) => {
                star = Some((back, upto + 1));
                at = back + 1;
                done = upto + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|&rest| rest == b'*')
}

#[cfg(test)]
mod tests;
