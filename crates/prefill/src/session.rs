//! What one build through kiln has to itself: a directory below the cache directory, which nobody can name beforehand, and a number that
//! tells the build from all others. (Numbers of processes come again, in every container the same ones.)
//!
//! A build that kiln did not start has a directory, too: its cargo, which starts all that is to know of it, names a file in which the directory's name
//! stands.

use kiln_action::FileKind;
use kiln_config::Settings;
use kiln_sys::clock::Moment;
use kiln_sys::{clock, files, machine, process, random};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const SESSIONS: &str = "sessions";
/// What the names of files begin with in which a session's name stands.
const OF: &str = "of-";

/// A build that is under way.
pub struct Session {
    build: String,
    directory: Option<PathBuf>,
}

impl Session {
    /// Before the build starts. Where nothing can be written there is no directory, and the build goes on without.
    pub fn begin(settings: &Settings) -> Session {
        let root = settings.directory.as_deref().filter(|_| !settings.off);
        Session { build: number().to_string(), directory: root.and_then(make) }
    }

    /// The number of the build, which `KILN_BUILD` is set to.
    pub fn build(&self) -> &OsStr {
        OsStr::new(&self.build)
    }

    /// Its directory, for its owner only: the calls that the wrapper records are there, and the events.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The file that gets a copy of every event.
    pub fn events(&self) -> Option<PathBuf> {
        Some(self.directory()?.join("events"))
    }

    /// The content of the file of events; empty if there is none.
    pub fn recorded_events(&self) -> Vec<u8> {
        const LARGEST: u64 = 256 << 20;
        self.events().and_then(|events| files::read_own(&events, LARGEST).ok()).unwrap_or_default()
    }

    /// Waits until the sessions are over of all cargos that the build has started and that have ended; for a minute at most.
    pub fn settle(&self) {
        const MOST: Duration = Duration::from_secs(60);
        let is_under_way = |directory: &Path| {
            let entries = files::list_unsorted(directory).ok().flatten().unwrap_or_default();
            entries.iter().any(|entry| has_ended(&entry.name).unwrap_or(false))
        };
        let since = Moment::now();
        while self.directory().is_some_and(is_under_way) && since.elapsed() < MOST {
            process::pause(Duration::from_millis(1));
        }
    }

    /// After the build has ended.
    pub fn end(self) {
        if let Some(directory) = &self.directory {
            let _ = files::remove_tree(directory);
        }
    }
}

/// The cargo that started this process.
#[derive(Clone, Debug)]
pub struct Caller {
    process: u32,
    start: u64,
    /// The file in which its session's name stands.
    file: PathBuf,
    /// The same name where somebody waits for the end of the session.
    awaited: Option<PathBuf>,
}

impl Caller {
    /// The cargo that calls; `None` if it is something else that does, or there is no cache directory.
    pub fn of_this_process(settings: &Settings) -> Option<Caller> {
        let root = settings.directory.as_deref().filter(|_| !settings.off)?;
        // (`cargo run` becomes the program, and that may become another cargo: the number and the start are the same)
        let (process, (start, stack)) = (process::parent(), process::start_of_parent_called("cargo")?);
        let name = format!("{OF}{process}-{start}-{stack:x}-{}", machine::process_space()?);
        let awaited = settings.awaited.as_ref().map(|directory| directory.join(&name));
        Some(Caller { process, start, file: root.join(SESSIONS).join(name), awaited })
    }

    /// The session that was begun for it; `None` if there is none.
    pub fn session(&self) -> Option<PathBuf> {
        const LONGEST: u64 = 256;
        let text = files::read_own(&self.file, LONGEST).ok()?;
        let (machine, name) = std::str::from_utf8(&text).ok()?.split_once('\n')?;
        let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_here = machine::start().is_some_and(|here| here == machine);
        (is_plain && is_here).then(|| self.file.with_file_name(name))
    }

    /// Begins one. `None` where nothing can be written, or cannot be found again by whatever else this cargo starts.
    pub fn begin(&self, settings: &Settings) -> Option<PathBuf> {
        let room = settings.directory.as_deref().and_then(make)?;
        let text = format!("{}\n{}", machine::start()?, room.file_name()?.to_str()?);
        let written = files::write_private(&self.file, text.as_bytes());
        if written.is_err() || self.session().as_ref() != Some(&room) {
            self.end(&room);
            return None;
        }
        if let Some(awaited) = &self.awaited {
            let _ = files::write_private(awaited, b"");
        }
        Some(room)
    }

    /// Waits until it has ended. An error where that is not known.
    pub fn wait_for_end(&self) -> std::io::Result<()> {
        process::wait_for_end(self.process, self.start)
    }

    /// Removes what its session left.
    pub fn end(&self, session: &Path) {
        let _ = files::remove_tree(session);
        let _ = files::remove(&self.file); // (whoever waits for the end waits for this)
        if let Some(awaited) = &self.awaited {
            let _ = files::remove(awaited);
        }
    }
}

/// Whether the cargo has ended of which a file is named; `None` if that is another file.
fn has_ended(name: &OsStr) -> Option<bool> {
    let (process, rest) = name.to_str()?.strip_prefix(OF)?.split_once('-')?;
    let (start, _) = rest.split_once('-')?;
    let (process, start) = (process.parse().ok()?, start.parse().ok()?);
    Some(process::start_of(process) != Some(start))
}

fn number() -> u32 {
    let drawn = random::bytes().map(u32::from_ne_bytes);
    drawn.ok().filter(|number| *number != 0).unwrap_or_else(process::own_id)
}

fn make(root: &Path) -> Option<PathBuf> {
    kiln_store::check(root).ok()?;
    let all = root.join(SESSIONS);
    let there = || Some(files::lstat(&all).ok().flatten()?.kind == FileKind::Directory);
    match there() {
        Some(true) => forget_old(&all),
        Some(false) => return None,
        None => {
            files::create_private_dirs(root).ok()?;
            files::create_shared_dirs(root, &all).ok()?;
        }
    }
    files::create_private_room(&all, "").ok()
}

/// Removes what builds left that were killed.
fn forget_old(all: &Path) {
    const DAY_NS: i64 = 86_400_000_000_000;
    for entry in files::list(all).ok().flatten().unwrap_or_default() {
        let path = all.join(&entry.name);
        let is_old = |stat: files::Stat| clock::realtime_ns() - stat.identity.mtime_ns > DAY_NS;
        if files::lstat(&path).ok().flatten().is_some_and(is_old) {
            let _ = match entry.kind {
                FileKind::Directory => files::remove_tree(&path).map(drop),
                _ => files::remove(&path).map(drop),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cargo_that_goes_on_is_not_waited_for() {
        let own = process::own_id();
        let start = process::start_of(own).expect("a start");
        let ended = |name: String| has_ended(OsStr::new(&name));
        assert_eq!(ended(format!("of-{own}-{start}-4026531836")), Some(false));
        assert_eq!(ended(format!("of-{own}-{}-4026531836", start + 1)), Some(true));
        for other in ["events", "of-", "of-1", "of-x-1-2", "0f-1-2-3"] {
            assert_eq!(ended(other.to_owned()), None, "{other}");
        }
    }
}
