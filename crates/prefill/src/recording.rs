//! What `kiln cargo` does around a build with an empty `target`: before it, the session gets a request that says what is going to be built, so that the
//! wrapper fills the directory; after it, a snapshot is taken where there was none of that build.

use crate::cargo_command::{CargoCommand, Layout, essential};
use crate::request::{BuildInputs, BuildRequest};
use crate::snapshot::Snapshot;
use crate::{descent, recorded, target_dir};
use kiln_action::SnapshotKey;
use kiln_config::Settings;
use kiln_engine::cache_dir::CacheDir;
use kiln_engine::journal;
use kiln_sys::clock::Moment;
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A build whose calls are recorded.
pub struct Recording<'a> {
    session: &'a Path,
    began: Moment,
    /// What is built, if nothing was built there before.
    fresh: Option<FreshBuild<'a>>,
}

/// A build into an empty target directory.
struct FreshBuild<'a> {
    command: &'a CargoCommand,
    words: &'a [OsString],
    start: PathBuf,
    /// A hash of all that cargo went by at the beginning, but for the lock file.
    fingerprint: [u8; 32],
    /// Where in the target directory something was built before.
    before: BTreeSet<PathBuf>,
}

impl<'a> Recording<'a> {
    /// Before cargo starts with these words; `session` is the build's own directory. `None` where kiln is to keep out of build scripts.
    pub fn begin(
        command: Option<&'a CargoCommand>,
        words: &'a [OsString],
        settings: &Settings,
        environment: &Environment,
        session: &'a Path,
    ) -> Option<Recording<'a>> {
        // Whoever starts us was started by cargo, to run a test or a script: what it builds now is not part of the workspace.
        let nested = environment.get("CARGO_MANIFEST_DIR").is_some() || settings.notes.is_some();
        let command = command.filter(|_| settings.build_scripts && !settings.off && !nested)?;
        descent::begin(session)?;
        let began = Moment::now();
        let overheard = journal::reaches_the_build(settings); // cargo keeps rustc's output
        let plain = settings.verify.is_none() && !settings.recache && !command.unclear && !overheard;
        let fresh = plain.then(|| FreshBuild::begin(command, words, began, environment, session)).flatten();
        Some(Recording { session, began, fresh })
    }

    /// The directory in which the wrapper records calls.
    pub fn session(&self) -> &Path {
        self.session
    }

    /// After cargo has ended: the key of a snapshot that was taken and may be uploaded; `None` if there is none.
    pub fn end(self, succeeded: bool, settings: &Settings, environment: &Environment) -> Option<SnapshotKey> {
        let fresh = self.fresh.as_ref().filter(|_| succeeded)?;
        let filled = files::lstat(&BuildRequest::done(self.session)).is_ok_and(|found| found.is_some());
        if filled {
            return None;
        }
        let request = fresh.end(self.began, environment)?;
        self.take(&request, &fresh.before, settings)
    }

    /// Takes a snapshot, unless there is one that says the same.
    fn take(
        &self,
        request: &BuildRequest,
        before: &BTreeSet<PathBuf>,
        settings: &Settings,
    ) -> Option<SnapshotKey> {
        let calls = recorded::all(self.session);
        let is_rustc = |program: &&OsString| kiln_compiler::is_rustc(program);
        let rustc = calls.iter().filter_map(|call| call.argv.first()).find(is_rustc).cloned()?;
        // (a probe is made with whatever `CARGO` cargo was given)
        let units = calls.iter().filter(|call| !call.question);
        let cargo = units.filter_map(|call| call.variable("CARGO")).next()?.to_owned();
        let cache = CacheDir::open(settings).ok()?;
        let key = request.key(Path::new(&rustc), Path::new(&cargo), &cache.store)?;
        let snapshot = Snapshot::take(request, before, calls, &cache.store)?;
        let known = || Snapshot::find(&key, &cache.store);
        if self.began.clock_jumped()
            || settings.read_only
            || known().is_some_and(|known| known.says_the_same(&snapshot))
        {
            return None;
        }
        snapshot.keep(&key, &cache.store).ok()?;
        (!settings.remote.is_empty() && snapshot.may_travel(&cache.store)).then_some(key)
    }
}

impl<'a> FreshBuild<'a> {
    fn begin(
        command: &'a CargoCommand,
        words: &'a [OsString],
        began: Moment,
        environment: &Environment,
        session: &Path,
    ) -> Option<FreshBuild<'a>> {
        let start = env::directory()?;
        let layout = command.layout(&start, environment);
        if layout.is_split || layout.is_built(command) {
            return None;
        }
        let before = target_dir::built(&layout.target);
        let essential = essential(words);
        let inputs = inputs(&essential, (&start, &layout), began, environment);
        let fingerprint = inputs.fingerprint()?;
        if let Some(request) = inputs.request() {
            files::write_private(&BuildRequest::file(session), &request.encode()).ok()?;
            // Without what cargo remembers of rustc's answers it asks anew: the first probe is when the target directory is filled.
            let _ = files::remove(&target_dir::rustc_answers(&layout.target));
        }
        Some(FreshBuild { command, words, start, fingerprint, before })
    }

    /// The request, with the lock file that cargo may have written; `None` if anything else is not what it was at the beginning: then it
    /// is not known what cargo went by.
    fn end(&self, began: Moment, environment: &Environment) -> Option<BuildRequest> {
        let layout = self.command.layout(&self.start, environment);
        let essential = essential(self.words);
        let inputs = inputs(&essential, (&self.start, &layout), began, environment);
        (inputs.fingerprint()? == self.fingerprint).then(|| inputs.request()).flatten()
    }
}

fn inputs<'a>(
    words: &'a [OsString],
    (start, layout): (&'a Path, &'a Layout),
    began: Moment,
    environment: &'a Environment,
) -> BuildInputs<'a> {
    BuildInputs {
        words,
        root: &layout.workspace,
        here: &layout.package,
        start,
        target: &layout.target,
        environment,
        began_ns: began.realtime_ns(),
    }
}
