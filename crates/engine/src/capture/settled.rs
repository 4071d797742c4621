//! Today's answers to what a run asked, if what they are about stood still from before the run began.

use crate::evidence::Evidence;
use crate::inputs::{Answers, World};
use kiln_action::os::OsStrExt;
use kiln_action::{Answer, FileKind, OutputPlan, Place, Placed, Question, Reason, Shape};
use kiln_sys::clock::Moment;
use kiln_sys::files;
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Today's answers, each about something that has not changed since before the run began.
pub fn settled_answers(
    shape: &Shape,
    evidence: &Evidence,
    (called, started): (&Moment, &Moment),
    world: &World<'_>,
) -> Result<Vec<Answer>, Reason> {
    let changed = |path: &Path| Reason::InputChanged(path.display().to_string());
    let unanswered = |question: Question<&[u8]>| {
        let question = question.into_owned();
        let path = question.path().and_then(|placed| world.invocation.places.resolve(placed));
        Reason::InputChanged(match path {
            Some(path) => format!("{} cannot be read any more", path.display()),
            None => "what the compile asked the system for cannot be asked any more".into(),
        })
    };
    let mut view = Answers::default();
    let questions: Vec<_> = shape.questions().iter().map(Question::borrowed).collect();
    let answers = view.of_all(&questions, world).map_err(unanswered)?;
    let path_of = |question: &Question| world.invocation.places.resolve(question.path()?);
    let asked = shape.questions().iter().zip(&answers);
    let still_absent: HashSet<OsString> = asked
        .filter(|(question, answer)| matches!(question, Question::Absent(_)) && **answer == Answer::Nothing)
        .filter_map(|(question, _)| Some(path_of(question)?.into_os_string()))
        .collect();
    for path in evidence.absent.difference(&still_absent).map(Path::new) {
        if !evidence.outputs.contains(path) && files::lstat(path).is_ok_and(|found| found.is_some()) {
            return Err(changed(path));
        }
    }
    let mut still = Still::since(started.realtime_ns());
    if let Some(link) = still.link_that_changed(&world.invocation.outputs) {
        return Err(changed(&link)); // what is found there now may be another run's
    }
    let mut since_called = Still::since(called.realtime_ns());
    for response in world.responses {
        if !since_called.of(&Question::File(Placed::literal(response)), response, &view) {
            return Err(changed(response));
        }
    }
    for (question, answer) in shape.questions().iter().zip(&answers) {
        let path = path_of(question);
        if let (Question::File(_), Answer::NotAFile(FileKind::Other), Some(path)) = (question, answer, &path)
        {
            return Err(Reason::Nondeterministic(format!(
                "{} is no regular file, and its content may differ each time",
                path.display()
            )));
        }
        if let Some(path) = path {
            let still = match answer {
                Answer::Nothing if matches!(question, Question::Absent(_)) => still.above(&path),
                Answer::Nothing => !evidence.opened.contains(&path) && still.above(&path),
                _ => still.of(question, &path, &view),
            };
            if !still {
                return Err(changed(&path));
            }
        }
    }
    Ok(answers)
}

/// Whether what was looked at has not changed since the run began.
struct Still {
    since: i64,
    /// Directories and links that are known to be as they were, and all above them, as they are spelled.
    ways: HashSet<OsString>,
    /// The latest of them.
    last: PathBuf,
    /// Links that have been followed.
    links: HashSet<PathBuf>,
}

impl Still {
    fn since(since: i64) -> Still {
        Still { since, ways: HashSet::new(), last: PathBuf::new(), links: HashSet::new() }
    }

    /// A link on the way to outputs that leads elsewhere than before the run, or may.
    fn link_that_changed(&mut self, outputs: &OutputPlan) -> Option<PathBuf> {
        let parents = outputs.files.iter().filter_map(|file| file.parent());
        let directories =
            [outputs.directory.as_path()].into_iter().chain(outputs.tree.as_deref()).chain(parents);
        let on_the_way: HashSet<&Path> = directories.flat_map(Path::ancestors).collect();
        let is_link =
            |path: &Path| files::lstat(path).ok().flatten().filter(|stat| stat.kind == FileKind::Symlink);
        let changed = |path: &&Path| is_link(path).is_some_and(|stat| !self.part(path, &stat));
        on_the_way.into_iter().find(changed).map(Path::to_owned)
    }

    /// A file that was asked for by its own name was this one when its answer was taken: it need not be looked at again.
    fn of(&mut self, question: &Question, path: &Path, view: &Answers<'_>) -> bool {
        let seen = match question {
            Question::File(placed) | Question::Real(placed) => view.file(&placed.borrowed()),
            _ => None, // has been answered by itself, later
        };
        let leaf = seen.or_else(|| files::lstat(path).ok().flatten());
        let itself = match &leaf {
            None => true, // where nothing is, the way ends above it
            Some(stat) if stat.kind == FileKind::Symlink => {
                let leads = files::stat(path).ok().flatten();
                self.part(path, stat) && leads.is_none_or(|stat| self.file(question, &stat))
            }
            Some(stat) => self.file(question, stat) && self.part(path, stat),
        };
        itself && self.above(path)
    }

    /// Whether the way to a path is the same. Questions about one directory follow one another.
    fn above(&mut self, path: &Path) -> bool {
        let Some(above) = above(path) else { return true };
        if self.last.as_os_str() == above.as_os_str() {
            return true;
        }
        let still = self.way(above);
        if still {
            above.clone_into(&mut self.last);
        }
        still
    }

    /// A dependency's `.rlib` is linked into other target directories and unlinked from them at any time, which changes its
    /// ctime but not its content.
    fn file(&self, question: &Question, stat: &files::Stat) -> bool {
        let of_dependency =
            matches!(question.path(), Some(Placed { place: Place::Deps(_) | Place::Out, .. }));
        let linked = stat.links > 1 && of_dependency;
        let identity = &stat.identity;
        match question {
            Question::File(_) if stat.kind == FileKind::File => {
                identity.mtime_ns <= self.since && (linked || identity.ctime_ns <= self.since)
            }
            Question::Kind(_) if stat.kind == FileKind::File => identity.ctime_ns <= self.since,
            Question::Listing(_) => identity.mtime_ns <= self.since,
            _ => true,
        }
    }

    /// Whether the way to a file is the same: a directory that was renamed into place brings files that are old themselves,
    /// and so does a link that was retargeted.
    fn way(&mut self, directory: &Path) -> bool {
        let mut seen = Vec::new();
        let mut next = Some(directory);
        while let Some(part) = next.filter(|part| !self.ways.contains(part.as_os_str())) {
            seen.push(part);
            if files::lstat(part).ok().flatten().is_some_and(|stat| !self.part(part, &stat)) {
                return false;
            }
            next = above(part);
        }
        self.ways.extend(seen.into_iter().map(OsString::from)); // what is known has a known way above it
        true
    }

    /// Renaming shows in a directory's ctime alone; where names were added or removed in it, its mtime moves as well.
    fn part(&mut self, path: &Path, stat: &files::Stat) -> bool {
        match stat.kind {
            FileKind::Directory => {
                stat.identity.ctime_ns <= self.since || stat.identity.mtime_ns > self.since
            }
            FileKind::Symlink => stat.identity.ctime_ns <= self.since && self.behind(path),
            _ => true,
        }
    }

    /// Whether what a link leads through is the same: there may be more links on that way.
    fn behind(&mut self, link: &Path) -> bool {
        if !self.links.insert(link.to_owned()) {
            return true; // has been followed, or leads round in a circle
        }
        let Ok(Some(target)) = files::read_link(link) else { return false };
        self.way(&link.parent().unwrap_or(link).join(target))
    }
}

/// What a path is in, as far as it is spelled: `a/.` is in `a`. There are thousands.
fn above(path: &Path) -> Option<&Path> {
    let text = path.as_os_str().as_bytes();
    match memchr::memrchr(b'/', text)? {
        0 => (text.len() > 1).then_some(Path::new("/")),
        slash => Some(Path::new(std::ffi::OsStr::from_bytes(&text[..slash]))),
    }
}

#[cfg(test)]
mod tests;
