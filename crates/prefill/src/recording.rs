//! What is done around a build with an empty `target`, whoever starts cargo: before it, what is going to be built is found out, so that
//! the wrapper fills the directory; after it, a snapshot is taken where there was none of that build.

use crate::cargo_command::{CargoCommand, Layout, essential};
use crate::request::{BuildInputs, BuildRequest};
use crate::session::Caller;
use crate::snapshot::Snapshot;
use crate::{descent, recorded, target_dir};
use kiln_action::SnapshotKey;
use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_engine::journal;
use kiln_sys::clock::Moment;
use kiln_sys::env::{self, Environment};
use kiln_sys::{files, process};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How cargo is started, or was.
pub struct Start {
    /// Its arguments, without its own name.
    pub words: Vec<OsString>,
    /// The directory.
    pub directory: PathBuf,
    /// Its environment.
    pub environment: Environment,
    /// When it was started, in nanoseconds since the epoch, or a little earlier: what has changed since may not be what it has read.
    pub began_ns: i64,
}

impl Start {
    /// Of a cargo that this process is about to start with these arguments.
    pub fn now(words: &[OsString], environment: &Environment) -> Option<Start> {
        let began_ns = Moment::now().realtime_ns();
        let directory = env::directory()?;
        Some(Start { words: words.to_vec(), directory, environment: environment.clone(), began_ns })
    }

    /// Of the cargo that started this process; `None` where that is not known.
    fn of_caller() -> Option<Start> {
        Some(Start {
            words: process::arguments_of_parent()?.into_iter().skip(1).collect(),
            directory: process::directory_of_parent()?,
            environment: process::environment_of_parent()?,
            began_ns: process::began_of_parent()?,
        })
    }

    /// What it builds; `None` if that is nothing.
    pub fn command(&self) -> Option<CargoCommand> {
        CargoCommand::of(&self.words, &self.directory, &self.environment)
    }

    /// Where it builds that, if all of it is in one directory.
    fn layout(&self, command: &CargoCommand) -> Option<Layout> {
        Some(command.layout(&self.directory, &self.environment)).filter(|layout| !layout.is_split)
    }

    /// Whether kiln is to have anything to do with what cargo does beyond single calls: not if cargo has started whoever started this one, to
    /// run a test or a script.
    fn is_wanted(&self, settings: &Settings) -> bool {
        let is_nested = self.environment.get("CARGO_MANIFEST_DIR").is_some();
        settings.build_scripts && settings.prefill && !settings.off && !is_nested
    }

    /// Has the cargo that is about to be started ask rustc anew, so that an empty directory is filled: without what it remembers of rustc's
    /// answers it does.
    pub fn ask_anew(&self, settings: &Settings) {
        let command = self.command().filter(|_| self.is_wanted(settings));
        let Some(command) = command.filter(|command| is_plain(command, settings)) else { return };
        if let Some(layout) = self.layout(&command).filter(|layout| !layout.is_built(&command)) {
            let _ = files::remove(&target_dir::rustc_answers(&layout.target));
        }
    }
}

/// A build whose calls are recorded.
pub struct Recording {
    session: PathBuf,
    /// The clocks when it was looked at first.
    looked: Moment,
    fresh: FreshBuild,
}

/// A build into an empty target directory.
struct FreshBuild {
    start: Start,
    command: CargoCommand,
    /// A hash of all that cargo went by at the beginning, but for the lock file.
    fingerprint: [u8; 32],
    /// What it asks for, with the lock file; `None` where there was none yet.
    request: Option<BuildRequest>,
    /// Where in the target directory something was built before.
    before: BTreeSet<PathBuf>,
}

impl Recording {
    /// At the first probe of a cargo, whoever started it. `None` if it builds nothing, or into a directory that is not empty.
    pub fn begin(caller: &Caller, settings: &Settings) -> Option<Recording> {
        let looked = Moment::now();
        let start = Start::of_caller().filter(|start| start.is_wanted(settings))?;
        let command = start.command().filter(|command| is_plain(command, settings))?;
        let layout = start.layout(&command).filter(|layout| !layout.is_built(&command))?;
        let fresh = FreshBuild::of(start, command, &layout).filter(|_| !descent::is_below(&layout))?;
        let session = caller.begin(settings)?;
        Some(Recording { session, looked, fresh })
    }

    /// The directory in which the wrapper records calls.
    pub fn session(&self) -> &Path {
        &self.session
    }

    /// What is to be filled; `None` where there is no lock file yet.
    pub fn request(&self) -> Option<&BuildRequest> {
        self.fresh.request.as_ref()
    }

    /// After cargo has ended: the key of a snapshot that was taken and may be uploaded; `None` if there is none.
    pub fn end(self, settings: &Settings) -> Option<SnapshotKey> {
        if recorded::has_failed(&self.session) {
            return None;
        }
        let filled = files::lstat(&BuildRequest::done(&self.session)).is_ok_and(|found| found.is_some());
        if filled {
            return None;
        }
        let request = self.fresh.end()?;
        self.take(&request, &self.fresh.before, settings)
    }

    /// Takes a snapshot, unless there is one that says the same.
    fn take(
        &self,
        request: &BuildRequest,
        before: &BTreeSet<PathBuf>,
        settings: &Settings,
    ) -> Option<SnapshotKey> {
        let calls = recorded::all(&self.session);
        let is_rustc = |program: &&OsString| kiln_compiler::is_rustc(program);
        let rustc = calls.iter().filter_map(|call| call.argv.first()).find(is_rustc).cloned()?;
        // (a probe is made with whatever `CARGO` cargo was given)
        let units = calls.iter().filter(|call| !call.question);
        let cargo = units.filter_map(|call| call.variable("CARGO")).next()?.to_owned();
        let cache = CacheDir::open(settings).ok()?;
        let key = request.key(Path::new(&rustc), Path::new(&cargo), &cache.store)?;
        let snapshot = Snapshot::take(request, before, calls, &cache.store)?;
        let known = || Snapshot::find(&key, &cache.store);
        if self.looked.clock_jumped()
            || settings.read_only
            || known().is_some_and(|known| known.says_the_same(&snapshot))
        {
            return None;
        }
        snapshot.keep(&key, &cache.store).ok()?;
        (!settings.remote.is_empty() && snapshot.may_travel(&cache.store)).then_some(key)
    }
}

/// Whether the build is one as any other, its command line says what it builds, and nobody wants to hear all that is called.
fn is_plain(command: &CargoCommand, settings: &Settings) -> bool {
    let overheard = journal::reaches_the_build(settings); // cargo keeps rustc's output
    settings.verify.is_none() && !settings.recache && !command.unclear && command.verbosity < 2 && !overheard
}

impl FreshBuild {
    fn of(start: Start, command: CargoCommand, layout: &Layout) -> Option<FreshBuild> {
        let before = target_dir::built(&layout.target);
        let words = essential(&start.words);
        let inputs = inputs(&start, &words, layout);
        let fingerprint = inputs.fingerprint()?;
        let request = inputs.request(&fingerprint);
        Some(FreshBuild { start, command, fingerprint, request, before })
    }

    /// The request, with the lock file that cargo may have written; `None` if anything else is not what it was at the beginning: then it
    /// is not known what cargo went by.
    fn end(&self) -> Option<BuildRequest> {
        let layout = self.command.layout(&self.start.directory, &self.start.environment);
        let words = essential(&self.start.words);
        let inputs = inputs(&self.start, &words, &layout);
        let fingerprint = inputs.fingerprint().filter(|fingerprint| *fingerprint == self.fingerprint)?;
        inputs.request(&fingerprint)
    }
}

/// All that cargo goes by, to be asked as it is now.
fn inputs<'a>(start: &'a Start, words: &'a [OsString], layout: &'a Layout) -> BuildInputs<'a> {
    BuildInputs {
        words,
        root: &layout.workspace,
        here: &layout.package,
        start: &start.directory,
        target: &layout.target,
        environment: &start.environment,
        began_ns: start.began_ns,
    }
}
