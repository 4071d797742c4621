//! What `kiln cargo` does around a build with an empty `target`: it says what is going to be built, so that the wrapper fills it before
//! cargo looks; and where nobody had a snapshot of that build, it takes one at the end.

use crate::daemon;
use crate::session::Session;
use crate::site::{Aim, Site};
use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_engine::journal;
use kiln_prefill::snapshot::{self, BuildRequest, Plan, Snapshot};
use kiln_prefill::{descent, note};
use kiln_protocol::{Made, Product, RemoteCache};
use kiln_sys::clock::Moment;
use kiln_sys::env::{self, Environment};
use kiln_sys::{files, process};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A build that is under way.
pub struct Sketch<'a> {
    notes: &'a Path,
    began: Moment,
    /// What is built, if nothing was built there before.
    anew: Option<Anew<'a>>,
}

/// A build into an empty target directory.
struct Anew<'a> {
    aim: &'a Aim,
    words: &'a [OsString],
    start: PathBuf,
    /// All that cargo went by at the beginning, but for the lock file.
    print: [u8; 32],
    /// Where in the target directory something was built before.
    before: BTreeSet<PathBuf>,
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
        // Cargo has started whoever starts us, to run a test or a script: what it builds now is none of the workspace's.
        let nested = environment.get("CARGO_MANIFEST_DIR").is_some() || settings.notes.is_some();
        let aim = aim.filter(|_| settings.build_scripts && !settings.off && !nested)?;
        let notes = session.directory()?;
        descent::begin(notes)?;
        let began = Moment::now();
        let overheard = journal::is_overheard(settings); // cargo keeps what rustc said
        let plain = settings.verify.is_none() && !settings.recache && !aim.unclear && !overheard;
        let anew = plain.then(|| Anew::begin(aim, words, began, environment, notes)).flatten();
        Some(Sketch { notes, began, anew })
    }

    /// The directory for the wrapper's notes.
    pub fn notes(&self) -> &Path {
        self.notes
    }

    /// After cargo has ended, well or not.
    pub fn end(self, well: bool, settings: &Settings, environment: &Environment) {
        let filled = || files::lstat(&Plan::done(self.notes)).is_ok_and(|found| found.is_some());
        if well
            && let Some(anew) = &self.anew
            && !filled()
            && let Some(plan) = anew.end(self.began, environment)
        {
            let _ = self.take(&plan, &anew.before, settings, environment);
        }
    }

    /// Takes a snapshot, unless there is one that everything came of, and has it uploaded.
    fn take(
        &self,
        plan: &Plan,
        before: &BTreeSet<PathBuf>,
        settings: &Settings,
        environment: &Environment,
    ) -> Option<()> {
        let notes = note::all(self.notes);
        let is_rustc = |program: &&OsString| kiln_compiler::is_rustc(program);
        let rustc = notes.iter().filter_map(|note| note.argv.first()).find(is_rustc).cloned()?;
        // (a question is asked with whatever `CARGO` cargo was given)
        let units = notes.iter().filter(|note| !note.question);
        let cargo = units.filter_map(|note| note.variable("CARGO")).next()?.to_owned();
        let cache = CacheDir::open(settings).ok()?;
        let key = plan.key(Path::new(&rustc), Path::new(&cargo), &cache.store)?;
        let snapshot = Snapshot::take(plan, before, notes, &cache.store)?;
        let known = || Snapshot::find(&key, &cache.store);
        if self.began.clock_jumped()
            || settings.read_only
            || known().is_some_and(|known| known.says_the_same(&snapshot))
        {
            return None;
        }
        snapshot.keep(&key, &cache.store).ok()?;
        if settings.remote.is_empty() || !snapshot.may_travel(&cache.store) {
            return None;
        }
        let client = daemon::client(settings, environment, true).ok()?;
        client.made(&Made { product: Product::Snapshot(key), build: process::own_id(), took_ms: 0 });
        Some(())
    }
}

impl<'a> Anew<'a> {
    fn begin(
        aim: &'a Aim,
        words: &'a [OsString],
        began: Moment,
        environment: &Environment,
        notes: &Path,
    ) -> Option<Anew<'a>> {
        let start = env::directory()?;
        let site = aim.site(&start, environment);
        if site.apart || site.is_built(aim) {
            return None;
        }
        let before = snapshot::built(&site.target);
        let told = told(words);
        let request = request(&told, (&start, &site), began, environment);
        let print = request.print()?;
        if let Some(plan) = request.plan() {
            files::write_private(&Plan::file(notes), &plan.encode()).ok()?;
            // What cargo remembers of rustc's answers is asked anew: the first question is when the target is filled.
            let _ = files::remove(&site.target.join(".rustc_info.json"));
        }
        Some(Anew { aim, words, start, print, before })
    }

    /// The plan, with the lock file that cargo may have written; `None` if anything else is not what it was at the beginning: then nobody
    /// knows what cargo went by.
    fn end(&self, began: Moment, environment: &Environment) -> Option<Plan> {
        let site = self.aim.site(&self.start, environment);
        let told = told(self.words);
        let request = request(&told, (&self.start, &site), began, environment);
        (request.print()? == self.print).then(|| request.plan()).flatten()
    }
}

/// What is going to be built, or was.
fn request<'a>(
    words: &'a [OsString],
    (start, site): (&'a Path, &'a Site),
    began: Moment,
    environment: &'a Environment,
) -> BuildRequest<'a> {
    BuildRequest {
        words,
        root: &site.root,
        here: &site.here,
        start,
        target: &site.target,
        environment,
        began_ns: began.realtime_ns(),
    }
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
