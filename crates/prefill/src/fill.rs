//! An empty `target`, filled before cargo looks. The calls of a snapshot are made again, in one process: each is understood, keyed and
//! restored as if cargo had made it, and only where its key is the one in the snapshot cargo's own files are put beside its outputs. Then
//! cargo finds the unit as if it had built it here a moment ago. What is not filled, cargo asks the wrapper for as ever.
//!
//! What this rests on (cargo 1.95, `core/compiler/fingerprint`): cargo takes a unit for done where the hash in its fingerprint is the
//! one that it computes itself of profile, features, flags, compiler, dependencies and the like; where no source is younger than
//! `dep-…`, or than a build script's output; and where no dependency is younger than the unit's newest output. What cargo does not look at
//! (contents, variables, what was not there) the key holds.
//!
//! **What cargo tells a unit** (variables, flags, features) stands in no such hash as a whole (`CARGO_PKG_DESCRIPTION` does not). It is taken
//! from a snapshot only because all that cargo derives it from is what it was then: command line, configuration, lock file and variables by
//! the snapshot's name; manifests by their digests; the compiler's answers by their keys; and what scripts say, byte for byte.

use crate::cargo_files::variables_of;
use crate::recorded::{self, CargoVariable, RecordedCall};
use crate::request::BuildRequest;
use crate::snapshot::{self, RecordedAnswer, RecordedUnit, Snapshot, WORTH_MS};
use crate::target_dir;
use kiln_action::os::OsStrExt;
use kiln_action::{Digest, Invocation, SnapshotKey, Stream, Subject, Unit};
use kiln_compiler::Recognised;
use kiln_engine::Call;
use kiln_engine::cache_dir::CacheDir;
use kiln_engine::families::build_script;
use kiln_engine::journal;
use kiln_engine::replay::{self, Replayed};
use kiln_protocol::{Made, RemoteCache, Resolve, Resolved, Wanted};
use kiln_store::{Content, Keep, Key, Store};
use kiln_sys::clock::{self, Moment};
use kiln_sys::env::Environment;
use kiln_sys::files::{self, Beneath, Lock};
use kiln_sys::machine;
use kiln_sys::process;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Fills what a build asks for whose first probe `call` is. Faults are not reported: cargo does the rest. What was taken
/// out of the store for it is to be put back.
pub fn before_cargo(call: &Call<'_>, request: &BuildRequest) -> Vec<(Digest, PathBuf)> {
    let Some(session) = call.settings.session.as_deref() else { return Vec::new() };
    let Some(rustc) = asked_first(call.argv) else { return Vec::new() };
    let filled = fill(call, request, session, Path::new(rustc));
    let unit = Unit { name: "cargo".into(), ..Unit::default() };
    journal::step(call.settings.log.as_ref(), &unit, || match &filled {
        Ok(_) => "filled what it could".to_owned(),
        Err(why) => format!("not filled: {why}"),
    });
    filled.unwrap_or_default()
}

/// Puts copies of what was taken back into the store, as long as nobody has written something else there. (The store believes none of
/// them until it has hashed it.)
pub fn put_back(call: &Call<'_>, taken: &[(Digest, PathBuf)]) {
    if taken.is_empty() {
        return;
    }
    process::be_nice();
    let Ok(cache) = CacheDir::open(call.settings) else { return };
    for (digest, path) in taken {
        let _ = cache.store.put(&Key::Blob(*digest), Content::File { path, how: Keep::Copy });
    }
}

/// The compiler, where this is what cargo asks it before anything else: `rustc -vV`, or behind a workspace's wrapper.
pub fn asked_first(argv: &[OsString]) -> Option<&OsString> {
    match argv {
        [rustc, question] | [_, rustc, question] if question == "-vV" => Some(rustc),
        _ => None,
    }
}

fn fill(
    call: &Call<'_>,
    request: &BuildRequest,
    session: &Path,
    rustc: &Path,
) -> Result<Vec<(Digest, PathBuf)>, &'static str> {
    let cache = CacheDir::open(call.settings).map_err(|_| "there is no cache")?;
    let cargo = own_name_of_cargo(call.environment);
    let key = cargo.as_ref().and_then(|cargo| request.key(rustc, Path::new(cargo), &cache.store));
    let key = key.ok_or("cargo cannot be read")?;
    let snapshot = Snapshot::find(&key, &cache.store).or_else(|| {
        bring(call, key);
        Snapshot::find(&key, &cache.store)
    });
    let snapshot = snapshot.ok_or("there is no snapshot of such a build")?;
    if snapshot.units.is_empty() || snapshot.questions.is_empty() {
        return Err("the snapshot is empty");
    }
    if !snapshot.questions.iter().all(|asked| answer(call, asked, rustc).is_some()) {
        return Err("the compiler may answer otherwise today");
    }
    if !snapshot.manifests.hold(request.began_ns, cache.store.memo()) {
        return Err("a manifest is another, or has just been changed");
    }
    let unwritable = |_| "the target directory cannot be written";
    let profiles = snapshot.profiles(&request.target).ok_or("the snapshot builds where cargo does not")?;
    if !profiles.iter().all(|profile| target_dir::is_new(profile)) {
        return Err("somebody was here before");
    }
    let is_marked = is_there(&request.target);
    files::create_dirs(&request.target).map_err(unwritable)?;
    if !is_marked && !snapshot.tag.is_empty() {
        files::write_atomic(&request.target.join(target_dir::TAG), &snapshot.tag).map_err(unwritable)?;
    }
    let beneath = Beneath::open(&request.target).map_err(unwritable)?;
    let locks = locked(&profiles, &beneath)?;
    let (lock, _) = locks.first().ok_or("the snapshot is empty")?;
    files::touch_now(lock).map_err(unwritable)?;
    let since = files::lstat(lock).map_err(unwritable)?.ok_or("the target directory is gone")?;
    let filling = Filling {
        call,
        target: &request.target,
        beneath: &beneath,
        since: since.identity.mtime_ns,
        rustc,
        remote: call.remote.map(WaitLimit::with),
        taken: RefCell::default(),
        cargo,
    };
    let filled = filling.all(&snapshot.units);
    if filled.len() < snapshot.units.len() {
        let now = clock::realtime_ns() as u64;
        let filled = filled.into_iter().map(|unit| RecordedCall { at_ns: now, ..unit.call.clone() });
        filled.for_each(|call| call.save(session)); // for a newer snapshot
    } else {
        let _ = files::write_private(&BuildRequest::done(session), b""); // else a snapshot is taken that there is already
    }
    Ok(filling.taken.into_inner())
}

/// The path that cargo gives itself in `CARGO`: the variable that it was started with, if that names it, else its own program.
fn own_name_of_cargo(environment: &Environment) -> Option<OsString> {
    let program = process::program_of_parent();
    let real = |path: &OsStr| files::real_path(Path::new(path)).ok().flatten();
    let named = environment.get("CARGO").filter(|named| Path::new(named).is_absolute());
    let named = named.filter(|named| {
        real(named).is_some_and(|named| program.as_ref().is_none_or(|it| named == Path::new(it)))
    });
    named.map(OsStr::to_owned).or(program)
}

fn is_there(path: &Path) -> bool {
    files::lstat(path).map_or(true, |found| found.is_some())
}

/// Cargo's own locks of the directories that are filled, each of which is still empty. Cargo takes them itself once this question is
/// answered.
fn locked(profiles: &BTreeSet<PathBuf>, beneath: &Beneath) -> Result<Vec<(PathBuf, Lock)>, &'static str> {
    let unwritable = |_| "the target directory cannot be written";
    let lock = |profile: &PathBuf| {
        let path = target_dir::lock_of(profile);
        let held = Lock::try_exclusive(&beneath.file(&path).map_err(unwritable)?).map_err(unwritable)?;
        let held = held.ok_or("another cargo is at work there")?;
        target_dir::is_new(profile).then_some((path, held)).ok_or("somebody was here before")
    };
    profiles.iter().map(lock).collect()
}

/// A question of cargo's that is answered as it was then: if the compiler is the same, and all else that the answer hangs on.
fn answer(call: &Call<'_>, asked: &RecordedAnswer, rustc: &Path) -> Option<()> {
    let recorded = &asked.call;
    let recognised = recognised(recorded, rustc)?;
    let (shapes, result) = asked.read()?;
    let call = again(call, recorded, call.environment, call.remote);
    replay::answer(&call, &recognised, (&recorded.weak, &recorded.key), shapes, &result)
}

/// The compiler of a call, if it is the one that cargo means today; else a build script.
fn recognised(recorded: &RecordedCall, rustc: &Path) -> Option<Recognised> {
    let (program, next) = (recorded.argv.first()?, recorded.argv.get(1).map(OsString::as_os_str));
    let recognised = kiln_compiler::recognise(program, next)?;
    let known = recognised.subject == Subject::BuildScript || recognised.compiler == rustc;
    known.then_some(recognised)
}

/// A call as it was made then, in an environment of today.
fn again<'a>(
    call: &Call<'a>,
    recorded: &'a RecordedCall,
    environment: &'a Environment,
    remote: Option<&'a dyn RemoteCache>,
) -> Call<'a> {
    Call {
        argv: &recorded.argv,
        called: None,
        environment,
        caller: call.caller,
        directory: &recorded.directory,
        settings: call.settings,
        build: call.build,
        by_hand: false,
        started: Moment::now(),
        runner: call.runner,
        remote,
        reporter: None,
    }
}

/// Asks the remote stores for the snapshot. It is waited for as long as for a unit of a second.
fn bring(call: &Call<'_>, key: SnapshotKey) {
    let wanted = Wanted::Snapshot(key);
    if let Some(remote) = call.remote {
        remote.resolve(&Resolve { wanted, build: call.build, cost_ms: WORTH_MS, most_ms: u32::MAX });
    }
}

/// The remote side of a filling. It goes one unit after the other, and cargo, which would compile with all processors, waits for it: so no more
/// time goes into waiting than all of them would have needed for what was filled, and a little until the first units come.
struct WaitLimit<'a> {
    remote: &'a dyn RemoteCache,
    processors: u32,
    waited: Cell<Duration>,
    saved: Cell<Duration>,
}

impl<'a> WaitLimit<'a> {
    const AT_FIRST: Duration = Duration::from_millis(300);

    fn with(remote: &'a dyn RemoteCache) -> WaitLimit<'a> {
        let processors = u32::try_from(machine::processors()).unwrap_or(u32::MAX);
        WaitLimit { remote, processors, waited: Cell::default(), saved: Cell::default() }
    }

    fn saved(&self, time: Duration) {
        self.saved.set(self.saved.get() + time);
    }

    fn left(&self) -> Duration {
        (WaitLimit::AT_FIRST + self.saved.get() / self.processors).saturating_sub(self.waited.get())
    }
}

impl RemoteCache for WaitLimit<'_> {
    fn resolve(&self, wanted: &Resolve) -> Resolved {
        let most_ms = u32::try_from(self.left().as_millis()).unwrap_or(u32::MAX);
        if most_ms == 0 {
            return Resolved::default(); // what has come by itself is in the store
        }
        let since = Moment::now();
        let resolved = self.remote.resolve(&Resolve { most_ms, ..wanted.clone() });
        self.waited.set(self.waited.get() + since.elapsed());
        resolved
    }

    fn made(&self, made: &Made) {
        self.remote.made(made);
    }
}

struct Filling<'a> {
    call: &'a Call<'a>,
    target: &'a Path,
    /// The same, open: nothing is written but below it.
    beneath: &'a Beneath,
    /// When it began, by the clock of the target's file system: a source that is younger is one that cargo has to look at.
    since: i64,
    /// The compiler that cargo means today.
    rustc: &'a Path,
    /// The remote side, as long as it is worth it.
    remote: Option<WaitLimit<'a>>,
    /// What the store has no more.
    taken: RefCell<Vec<(Digest, PathBuf)>>,
    /// What cargo calls itself today.
    cargo: Option<OsString>,
}

impl Filling<'_> {
    /// All units that can be filled. One that needs another that is not filled is not filled either: what that comes to today, cargo tells
    /// it. What scripts tell other packages is taken for what they would tell today only where all of them are filled.
    fn all<'u>(&self, units: &'u [RecordedUnit]) -> Vec<&'u RecordedUnit> {
        let needs = snapshot::needs(units);
        let mut done = vec![false; units.len()];
        let mut all_runs = true;
        for (at, unit) in units.iter().enumerate() {
            let of_others = unit.call.variables.iter().any(|it| it.name.as_bytes().starts_with(b"DEP_"));
            let known = needs[at].iter().all(|need| *need == at || done[*need]) && (all_runs || !of_others);
            done[at] = known && self.unit(unit).is_some();
            all_runs &= done[at] || !unit.is_run();
        }
        units.iter().zip(done).filter_map(|(unit, done)| done.then_some(unit)).collect()
    }

    /// One unit: its outputs, then cargo's files about it.
    fn unit(&self, unit: &RecordedUnit) -> Option<()> {
        let recorded = &unit.call;
        let recognised = recognised(recorded, self.rustc)?;
        let environment = self.environment(unit, recognised.subject);
        let remote = self.remote.as_ref().map(|remote| remote as &dyn RemoteCache);
        let call = again(self.call, recorded, &environment, remote);
        let begun = RefCell::new(None);
        let begin = |invocation: &Invocation| {
            if unit.is_run() {
                build_script::mark_begun(invocation, self.beneath)?;
                begun.replace(Some(invocation.clone()));
            }
            Some(())
        };
        let served = replay::replay(&call, &recognised, &recorded.key, self.beneath, begin);
        let Some(served) = served else {
            begun.borrow().iter().for_each(|invocation| build_script::take_back(invocation, self.beneath));
            return None;
        };
        self.taken.borrow_mut().extend(served.taken.iter().cloned());
        self.remote.iter().for_each(|remote| remote.saved(served.saved));
        let done =
            self.output_is_the_same(unit, &served).and_then(|()| self.about(unit, &served, &environment));
        if done.is_none() {
            for (path, _) in &unit.files {
                let _ = self.beneath.file(&self.target.join(path)).map(|path| files::remove(&path));
            }
            build_script::take_back(served.invocation(), self.beneath);
        }
        done
    }

    /// Whether a script's run has the output that it had then: flags and variables of other units follow from it.
    fn output_is_the_same(&self, unit: &RecordedUnit, served: &Replayed<'_>) -> Option<()> {
        if !unit.is_run() {
            return Some(());
        }
        let output = |stream| -> Vec<u8> {
            let pieces = served.output.iter().filter(|(of, _)| *of == stream);
            pieces.flat_map(|(_, text)| text).copied().collect()
        };
        let out = unit.call.variable("OUT_DIR")?.as_bytes();
        let same = unit.script_output("output")? == output(Stream::Out)
            && unit.script_output("stderr")? == output(Stream::Err)
            && unit.script_output("root-output")? == out;
        same.then_some(())
    }

    /// Cargo's files about a unit. What a script made has just been made, and must not be younger than cargo's files about whoever reads
    /// it. So what else was looked at is looked at once more, now that these have their times.
    fn about(&self, unit: &RecordedUnit, served: &Replayed<'_>, environment: &Environment) -> Option<()> {
        let late = unit.call.variable("OUT_DIR").is_some();
        for (path, file) in &unit.files {
            self.put(path, &file.fill(environment)?, late)?;
        }
        if late && !served.holds() {
            return None;
        }
        if unit.is_run() {
            build_script::mark_filled(served.invocation(), self.call.settings, self.beneath)?;
        }
        // Cargo makes this directory on its way to a compile that it tells of it (`prepare_tmp`), and this one it does not ask for.
        if let Some(directory) = unit.call.variable("CARGO_TARGET_TMPDIR") {
            self.beneath.directory(Path::new(directory)).ok()?;
        }
        Some(())
    }

    /// One of cargo's files. A source that is younger than it, cargo takes for changed.
    fn put(&self, path: &Path, content: &[u8], late: bool) -> Option<()> {
        let path = self.beneath.file(&self.target.join(path)).ok()?;
        files::write_atomic(&path, content).ok()?;
        if late { Some(()) } else { files::set_modified(&path, self.since).ok() }
    }

    /// What cargo gives the call: today's environment, and what follows from manifests and the scripts that ran before. Where programs
    /// are is today's, too.
    fn environment(&self, unit: &RecordedUnit, subject: Subject) -> Environment {
        let recorded = &unit.call;
        let today = |variable: &CargoVariable| {
            let value = match variable.name.to_str()? {
                _ if !recorded::is_set_by_cargo(&variable.name, subject) => None,
                "RUSTC" => Some(self.rustc.as_os_str().to_owned()),
                "CARGO" => self.cargo.clone(),
                _ if variable.before_users => {
                    let users = self.call.environment.get(&variable.name)?;
                    Some([&variable.value, users].join(OsStr::new(":")))
                }
                _ => Some(variable.value.clone()),
            };
            Some((variable.name.clone(), value?))
        };
        let output = recorded.variable("OUT_DIR").filter(|_| !unit.is_run()).and_then(|out| {
            let output = self.beneath.file(&target_dir::output_of_script(Path::new(out))).ok()?;
            files::read_limited(&output, target_dir::LARGEST_FILE).ok()
        });
        let of_script = output.as_deref().map(variables_of).unwrap_or_default();
        let of_user = self.call.environment.clone();
        let of_user = if subject == Subject::BuildScript { of_user.without(&["RUSTFLAGS"]) } else { of_user };
        of_user.with(recorded.variables.iter().filter_map(today).chain(of_script))
    }
}

#[cfg(test)]
mod tests;
