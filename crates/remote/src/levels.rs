//! Several remote stores, near to far: what only a far one has is written to the nearer ones.

use crate::bucket::{Fault, Variables};
use crate::bundle::{Index, Segment};
use crate::level::{Found, Level, merge_shapes};
use crate::pack::{self, Kind, PackedUnit};
use crate::spec::Remotes;
use kiln_action::{ActionKey, Digest, SnapshotKey, WeakKey};
use kiln_sys::clock::Moment;
use kiln_sys::process;
use kiln_sys::thread::{self, ScopedJoinHandle};
use std::path::Path;
use std::time::Duration;

/// What a look-up through the levels came to.
pub enum Brought<T> {
    /// Here it is, and what the nearer levels lack.
    Here(T, Option<WriteBack>),
    /// No level has it, and all of them answered.
    Nowhere,
    /// Some level could not say.
    Unknown,
}

/// A pack that the levels before `before` lack.
pub struct WriteBack {
    name: String,
    pack: Vec<u8>,
    before: usize,
}

impl WriteBack {
    /// Bytes of it.
    pub fn size(&self) -> usize {
        self.pack.len()
    }
}

/// Several stores, near to far.
pub struct Levels {
    stores: Vec<Level>,
}

impl Levels {
    /// Opens all of them. Those that make no sense are left out, and reported.
    pub fn open(remotes: &Remotes, variables: &Variables, quarantine: &Path) -> (Levels, Vec<String>) {
        let (mut stores, mut complaints) = (Vec::new(), Vec::new());
        for spec in &remotes.specs {
            match Level::open(spec, &remotes.namespaces, variables, Some(quarantine)) {
                Ok(store) => stores.push(store),
                Err(what) => complaints.push(format!("{spec}: {what}")),
            }
        }
        (Levels { stores }, complaints)
    }

    /// These stores, asked from the nearest to the farthest.
    pub fn of(stores: Vec<Level>) -> Levels {
        Levels { stores }
    }

    /// The stores, near to far.
    pub fn stores(&self) -> &[Level] {
        &self.stores
    }

    /// Whether any of them would be asked now.
    pub fn is_asked(&self) -> bool {
        self.stores.iter().any(Level::is_asked)
    }

    /// Whether there is any that something would be written to now, or none that may ever be.
    pub fn takes(&self) -> bool {
        let mut writable = self.stores.iter().filter(|store| store.is_writable()).peekable();
        writable.peek().is_none() || writable.any(Level::takes)
    }

    /// Asks every store for something that is not there, all of them at once: how long the answer took, or why there is none.
    pub fn try_all(&self, alive: &mut dyn FnMut()) -> Vec<Result<Duration, Fault>> {
        let ask = |store: &Level| {
            let asked = Moment::now();
            store.shapes(&WeakKey::NO_COMPILE).map(|_| asked.elapsed())
        };
        thread::scope(|scope| {
            let start = |store| thread::start_scoped(scope, move || ask(store));
            let tries: Vec<_> = self.stores.iter().map(start).collect();
            while tries.iter().flatten().any(|one| !one.is_finished()) {
                process::pause(Duration::from_millis(2));
                alive();
            }
            let fallen = |_| Err(Fault::Broken("the try broke off".into()));
            let not_begun = |error: std::io::Error| Err(Fault::Broken(error.to_string()));
            let end = |one: ScopedJoinHandle<'_, _>| one.join().unwrap_or_else(fallen);
            tries.into_iter().map(|one| one.map_or_else(not_begun, end)).collect()
        })
    }

    /// Whether they are worth waiting for `allowed`, as they answer lately: a unit takes two answers.
    pub fn is_prompt(&self, allowed: Duration) -> bool {
        let latency: Duration = self.stores.iter().map(Level::latency).sum();
        latency * 2 <= allowed && self.stores.iter().all(Level::is_prompt)
    }

    /// The Shapes that any level knows for a WeakKey.
    pub fn shapes(&self, weak: &WeakKey) -> Brought<Vec<u8>> {
        let (mut all, mut unknown): (Vec<u8>, bool) = (Vec::new(), false);
        for store in &self.stores {
            match store.shapes(weak) {
                Ok(Some(found)) if all.is_empty() => all = found.value,
                Ok(Some(found)) => all = merge_shapes(weak, &all, &found.value),
                Ok(None) => {}
                Err(_) => unknown = true,
            }
        }
        match (all.is_empty(), unknown) {
            (false, _) => Brought::Here(all, None),
            (true, true) => Brought::Unknown,
            (true, false) => Brought::Nowhere,
        }
    }

    /// A result with its blobs, except those that travel by themselves.
    pub fn unit(&self, key: &ActionKey) -> Brought<PackedUnit<'static>> {
        self.nearest(&pack::name(Kind::Result, key.name()), |store| store.unit(key))
    }

    /// A blob that travels by itself.
    pub fn blob(&self, digest: &Digest) -> Brought<Vec<u8>> {
        self.nearest(&pack::name(Kind::Blob, &digest.hash), |store| store.blob(digest))
    }

    /// The snapshot of a build.
    pub fn snapshot(&self, key: &SnapshotKey) -> Brought<Vec<u8>> {
        self.nearest(&pack::name(Kind::Snapshot, key.name()), |store| store.snapshot(key))
    }

    /// The index of a bundle, and the level that has it.
    pub fn index(&self, name: &[u8; 32]) -> Option<(Index, usize)> {
        let found = |store: &Level| Some(store.index(name).ok()??.value);
        self.stores.iter().enumerate().find_map(|(level, store)| Some((found(store)?, level)))
    }

    /// A segment, from the level whose index named it.
    pub fn segment(&self, segment: &Segment, level: usize) -> Option<Vec<u8>> {
        self.stores.get(level)?.segment(segment).ok().flatten()
    }

    /// Gives the nearer levels what they lacked.
    pub fn write_back(&self, what: &WriteBack) {
        for store in self.stores[..what.before].iter().filter(|store| store.is_writable()) {
            let _ = store.keep(&what.name, &what.pack);
        }
    }

    fn nearest<T>(&self, name: &str, find: impl Fn(&Level) -> Result<Option<Found<T>>, Fault>) -> Brought<T> {
        let mut unknown = false;
        for (level, store) in self.stores.iter().enumerate() {
            match find(store) {
                Ok(Some(Found { value, pack })) => {
                    let lacking = self.stores[..level].iter().any(Level::is_writable);
                    let back = WriteBack { name: name.to_owned(), pack, before: level };
                    return Brought::Here(value, lacking.then_some(back));
                }
                Ok(None) => {}
                Err(_) => unknown = true,
            }
        }
        if unknown { Brought::Unknown } else { Brought::Nowhere }
    }
}
