//! What `kiln cargo` does around a build with an empty `target`: it says what is going to be built, so that the wrapper fills it before
//! cargo looks; and where nobody had a picture of that build, it takes one at the end.

use crate::cargo::Aim;
use crate::daemon;
use crate::session::Session;
use kiln_config::Settings;
use kiln_engine::note;
use kiln_engine::picture::{Intent, Picture, Plan};
use kiln_engine::workshop::Workshop;
use kiln_link::Queued;
use kiln_sys::env::Environment;
use kiln_sys::{files, process};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A build that is under way.
pub struct Sketch<'a> {
    notes: &'a Path,
    /// What is built, if nothing was built there before.
    anew: Option<(&'a Aim, &'a [OsString])>,
}

impl<'a> Sketch<'a> {
    /// Before cargo starts; `None` where kiln is to keep out of build scripts.
    pub fn begin(
        aim: Option<&'a Aim>,
        words: &'a [OsString],
        settings: &Settings,
        environment: &Environment,
        session: &'a Session,
    ) -> Option<Sketch<'a>> {
        let aim = aim.filter(|_| settings.build_scripts && !settings.off)?;
        let notes = session.directory()?;
        let plain = settings.verify.is_none() && !settings.recache;
        let anew = plain && aim.site(environment).is_some_and(|site| !site.is_built(aim));
        if anew && let Some(plan) = plan(aim, words, environment) {
            files::write_private(&Plan::file(notes), &plan.encode()).ok()?;
        }
        Some(Sketch { notes, anew: anew.then_some((aim, words)) })
    }

    /// The directory for the wrapper's notes.
    pub fn notes(&self) -> &Path {
        self.notes
    }

    /// After cargo has ended, well or not.
    pub fn end(self, well: bool, settings: &Settings, environment: &Environment) {
        let filled = || files::lstat(&Plan::done(self.notes)).is_ok_and(|found| found.is_some());
        if well
            && let Some((aim, words)) = self.anew
            && !filled()
            && let Some(plan) = plan(aim, words, environment)
        {
            let _ = self.take(&plan, settings, environment); // (cargo may have written another lock file)
        }
    }

    /// Takes a picture, unless there is one that everything came of, and has it uploaded.
    fn take(&self, plan: &Plan, settings: &Settings, environment: &Environment) -> Option<()> {
        let notes = note::all(self.notes);
        let is_rustc = |program: &&OsString| kiln_compiler::is_rustc(program);
        let rustc = notes.iter().filter_map(|note| note.argv.first()).find(is_rustc).cloned()?;
        let (rustc, shop) = (Path::new(&rustc), Workshop::open(settings).ok()?);
        let (_, key) = plan.names(rustc);
        let picture = Picture::take(plan, notes, &shop.store)?;
        let known = || Picture::find(&key, &shop.store, self.notes);
        if settings.read_only || known().is_some_and(|known| known.is_of_the_same_calls(&picture)) {
            return None;
        }
        let (weak, key) = picture.keep(plan, rustc, &shop.store).ok()?;
        if settings.remote.is_empty() {
            return None;
        }
        let client = daemon::client(settings, environment, true).ok()?;
        let queued = Queued { remotes: client.stores(), weak, key, workspace: None, incremental: false };
        if client.enqueue(&queued) {
            client.kept(process::own_id(), 0);
        }
        Some(())
    }
}

/// What is going to be built, or was; `None` if there is no lock file.
fn plan(aim: &Aim, words: &[OsString], environment: &Environment) -> Option<Plan> {
    let site = aim.site(environment)?;
    let (root, target) = (site.root.as_deref()?, site.target()?);
    Plan::of(&Intent {
        words: &told(words),
        root,
        here: &site.here,
        target: &target,
        profile: &aim.profile,
        environment,
    })
}

/// The command line without what says only how cargo works and talks.
fn told(words: &[OsString]) -> Vec<OsString> {
    const ALONE: [&str; 8] = ["-q", "--quiet", "-v", "-vv", "--verbose", "--offline", "--locked", "--frozen"];
    const WITH_VALUE: [&str; 3] = ["-j", "--jobs", "--color"];
    let mut kept = Vec::new();
    let mut words = words.iter().take_while(|word| *word != OsStr::new("--"));
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let joined = |flag: &str| {
            let behind = |c: char| c == '=' || flag == "-j" && c.is_ascii_digit();
            text.strip_prefix(flag).is_some_and(|rest| rest.starts_with(behind))
        };
        if WITH_VALUE.contains(&&*text) {
            words.next();
        } else if !ALONE.contains(&&*text) && !WITH_VALUE.into_iter().any(joined) {
            kept.push(word.clone());
        }
    }
    kept
}
