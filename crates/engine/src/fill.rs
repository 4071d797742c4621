//! An empty `target`, filled before cargo looks. The calls of a picture are made again, in one process: each is understood, keyed and
//! restored as if cargo had made it, and only where its key is the one in the picture cargo's own files are put beside its outputs. Then
//! cargo finds the unit as if it had built it here a moment ago. What is not filled, cargo asks the wrapper for as ever.
//!
//! What this rests on (cargo 1.95, `core/compiler/fingerprint`): cargo takes a unit for done where the hash in its fingerprint is the
//! one that it computes itself of profile, features, flags, compiler, dependencies and the like; where no source is younger than
//! `dep-…`, or than what a build script said; and where no dependency is younger than the unit's newest output. So a call that cargo
//! would not make now meets another hash. What cargo does not look at (contents, variables, what was not there) the key holds.

use crate::afar::{Afar, Brought, Made, Wanted};
use crate::picture::{Picture, Plan, Unit, WORTH_MS};
use crate::pipeline::{self, Call};
use crate::script;
use crate::workshop::Workshop;
use kiln_action::{ActionKey, Digest, Family, WeakKey};
use kiln_store::{Content, Keep, Key, Store};
use kiln_sys::clock::Moment;
use kiln_sys::env::Environment;
use kiln_sys::files::{self, Lock};
use kiln_sys::machine;
use kiln_sys::process;
use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Fills, if `call` is the first question of a build that asks for it. Nothing that goes wrong is told: cargo does the rest. What was taken
/// out of the store for it is to be put back.
pub fn before_cargo(call: &Call<'_>) -> Vec<(Digest, PathBuf)> {
    let Some(notes) = call.settings.notes.as_deref() else { return Vec::new() };
    let Some(rustc) = asked_first(call.argv) else { return Vec::new() };
    let file = Plan::file(notes);
    let plan = files::read_own(&file, 1 << 16).ok().and_then(|bytes| Plan::decode(&bytes).ok());
    if let Some(plan) = plan
        && files::remove(&file).is_ok_and(|was_there| was_there)
    {
        return fill(call, &plan, notes, Path::new(rustc)).unwrap_or_default();
    }
    Vec::new()
}

/// Puts copies of what was taken back into the store, as long as nobody has written something else there. (The store believes none of
/// them until it has hashed it.)
pub fn put_back(call: &Call<'_>, taken: &[(Digest, PathBuf)]) {
    if taken.is_empty() {
        return;
    }
    process::be_nice();
    let Ok(shop) = Workshop::open(call.settings) else { return };
    for (digest, path) in taken {
        let _ = shop.store.put(&Key::Blob(*digest), Content::File { path, how: Keep::Copy });
    }
}

/// The compiler, where this is what cargo asks it before anything else: `rustc -vV`, or behind a workspace's wrapper.
fn asked_first(argv: &[OsString]) -> Option<&OsString> {
    match argv {
        [rustc, question] | [_, rustc, question] if question == "-vV" => Some(rustc),
        _ => None,
    }
}

fn fill(call: &Call<'_>, plan: &Plan, notes: &Path, rustc: &Path) -> Option<Vec<(Digest, PathBuf)>> {
    let shop = Workshop::open(call.settings).ok()?;
    let (weak, key) = plan.names(rustc);
    let picture = Picture::find(&key, &shop.store, notes).or_else(|| {
        bring(call, weak, key);
        Picture::find(&key, &shop.store, notes)
    })?;
    let is_there = |path: &Path| files::lstat(path).map_or(true, |found| found.is_some());
    picture.questions.iter().for_each(|asked| {
        let _ = asked.answer(&shop.store); // else the compiler is asked
    });
    if !is_there(&plan.target) && !picture.tag.is_empty() {
        files::create_dirs(&plan.target).ok()?;
        files::write_atomic(&plan.target.join("CACHEDIR.TAG"), &picture.tag).ok()?;
    }
    // Cargo's own lock, which it takes itself once this question is answered.
    let lock = plan.profile.join(".cargo-lock");
    let _held = Lock::try_exclusive(&lock).ok()??;
    if is_there(&plan.profile.join(".fingerprint")) {
        return None; // somebody was here before
    }
    files::touch_now(&lock).ok()?;
    let filling = Filling {
        call,
        target: &plan.target,
        since: files::lstat(&lock).ok()??.identity.mtime_ns,
        rustc,
        patience: call.afar.map(Patience::with),
        taken: RefCell::default(),
        cargo: call.environment.get("CARGO").map(OsString::from).or_else(process::program_of_parent),
    };
    // (those that need one that is not filled are not filled either)
    let filled: Vec<&Unit> = picture.units.iter().filter(|unit| filling.unit(unit).is_some()).collect();
    if filled.len() < picture.units.len() {
        filled.iter().for_each(|unit| unit.note.leave(notes)); // for a newer picture
    } else {
        let _ = files::write_private(&Plan::done(notes), b""); // else a picture is taken that there is already
    }
    Some(filling.taken.into_inner())
}

/// Asks the remote side for the picture. It is waited for as long as for a unit of a second.
fn bring(call: &Call<'_>, weak: WeakKey, key: ActionKey) {
    let wanted = Wanted {
        weak,
        seen: [0; 32],
        keys: vec![key],
        build: call.build,
        workspace: None, // a bundle has it last
        cost_ms: WORTH_MS,
        most_ms: u32::MAX,
    };
    if let Some(afar) = call.afar {
        afar.bring(&wanted);
    }
}

/// The remote side of a filling. It goes one unit after the other, and cargo, which would compile with all processors, waits for it: so no more
/// time goes into waiting than all of them would have needed for what was filled, and a little until the first units come.
struct Patience<'a> {
    afar: &'a dyn Afar,
    processors: u32,
    waited: Cell<Duration>,
    saved: Cell<Duration>,
}

impl<'a> Patience<'a> {
    const AT_FIRST: Duration = Duration::from_millis(300);

    fn with(afar: &'a dyn Afar) -> Patience<'a> {
        let processors = u32::try_from(machine::processors()).unwrap_or(u32::MAX);
        Patience { afar, processors, waited: Cell::default(), saved: Cell::default() }
    }

    fn saved(&self, time: Duration) {
        self.saved.set(self.saved.get() + time);
    }

    fn left(&self) -> Duration {
        (Patience::AT_FIRST + self.saved.get() / self.processors).saturating_sub(self.waited.get())
    }
}

impl Afar for Patience<'_> {
    fn bring(&self, wanted: &Wanted) -> Brought {
        let most_ms = u32::try_from(self.left().as_millis()).unwrap_or(u32::MAX);
        if most_ms == 0 {
            return Brought::default(); // what has come by itself is in the store
        }
        let since = Moment::now();
        let brought = self.afar.bring(&Wanted { most_ms, ..wanted.clone() });
        self.waited.set(self.waited.get() + since.elapsed());
        brought
    }

    fn made(&self, made: &Made) {
        self.afar.made(made);
    }
}

struct Filling<'a> {
    call: &'a Call<'a>,
    target: &'a Path,
    /// When it began, by the clock of the target's file system: a source that is younger is one that cargo has to look at.
    since: i64,
    /// The compiler that cargo means today.
    rustc: &'a Path,
    /// The remote side, as long as it is worth it.
    patience: Option<Patience<'a>>,
    /// What the store has no more.
    taken: RefCell<Vec<(Digest, PathBuf)>>,
    /// What cargo calls itself today.
    cargo: Option<OsString>,
}

impl Filling<'_> {
    /// One unit: its outputs, then cargo's files about it.
    fn unit(&self, unit: &Unit) -> Option<()> {
        let note = &unit.note;
        let recognised =
            kiln_compiler::recognise(note.argv.first()?, note.argv.get(1).map(OsString::as_os_str))?;
        let is_script = recognised.family == Family::Script;
        if !is_script && recognised.compiler != self.rustc {
            return None;
        }
        let environment = self.environment(unit);
        let out = PathBuf::from(if is_script { note.variable("OUT_DIR")? } else { note.after("--out-dir")? });
        if !out.starts_with(self.target) {
            return None;
        }
        files::create_dirs(&out).ok()?;
        let call = Call {
            argv: &note.argv,
            called: None,
            environment: &environment,
            directory: &note.directory,
            settings: self.call.settings,
            build: self.call.build,
            by_hand: false,
            started: Moment::now(),
            executor: self.call.executor,
            afar: self.patience.as_ref().map(|patience| patience as &dyn Afar),
            reporter: None,
        };
        let served = pipeline::serve_again(&call, &recognised, &note.key)?;
        self.taken.borrow_mut().extend(served.taken.iter().cloned());
        self.patience.iter().for_each(|patience| patience.saved(served.saved));
        // What a script made has just been made, and must not be younger than cargo's files about whoever reads it. So what else was
        // looked at is looked at once more, now that these have their times.
        let late = note.variable("OUT_DIR").is_some();
        let put = || unit.files.iter().try_for_each(|(path, content)| self.put(path, content, late));
        let marked = || !is_script || script::filled(&served.invocation, self.call.build).is_some();
        let done = put().filter(|()| (!late || served.holds()) && marked());
        if done.is_none() {
            unit.files.iter().for_each(|(path, _)| drop(files::remove(&self.target.join(path))));
            script::empty(&served.invocation);
        }
        done
    }

    /// One of cargo's files. A source that is younger than it, cargo takes for changed.
    fn put(&self, path: &Path, content: &[u8], late: bool) -> Option<()> {
        let path = self.target.join(path);
        files::write_atomic(&path, content).ok()?;
        if late { Some(()) } else { files::set_modified(&path, self.since).ok() }
    }

    /// What cargo gives the call: today's environment, and what follows from manifests and the scripts that ran before. Where programs
    /// are is today's, too.
    fn environment(&self, unit: &Unit) -> Environment {
        let note = &unit.note;
        let today = |(name, value): &(OsString, OsString)| {
            let value = match name.to_str() {
                Some("RUSTC") => Some(self.rustc.as_os_str().to_owned()),
                Some("CARGO") => self.cargo.clone(),
                _ => Some(value.clone()),
            };
            Some((name.clone(), value?))
        };
        let said = note.variable("OUT_DIR").and_then(|out| {
            let said = self.target.join(Path::new(out).parent()?.join("output"));
            files::read_limited(&said, 4 << 20).ok()
        });
        let of_script = said.as_deref().map(variables_of).unwrap_or_default();
        self.call.environment.with(note.variables.iter().filter_map(today).chain(of_script))
    }
}

/// The variables that a build script sets for the compile of its package: `cargo:rustc-env=NAME=value`, and with two colons.
fn variables_of(said: &[u8]) -> Vec<(OsString, OsString)> {
    let lines = said.split(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| {
        let line = line.strip_prefix(b"cargo::").or_else(|| line.strip_prefix(b"cargo:"))?;
        let pair = line.strip_prefix(b"rustc-env=")?;
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((OsString::from_vec(pair[..at].to_vec()), OsString::from_vec(pair[at + 1..].to_vec())))
    });
    values.collect()
}

#[cfg(test)]
mod tests;
