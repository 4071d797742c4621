//! Bundles: what a workspace will need, fetched in build order at its first miss, and written when a build has been quiet.

use crate::desk::Desk;
use crate::shelf;
use kiln_action::{ActionKey, WeakKey};
use kiln_link::message::Workspace;
use kiln_remote::bundle::{self, Cutter, Index, Item, Segment};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Fault, RemoteStore, Unit};
use kiln_store::{Content, Key, Store};
use kiln_sys::clock::Moment;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many segments are under way at once.
const AT_ONCE: usize = 3;
/// An index is looked at again after so long.
const FRESH: Duration = Duration::from_secs(300);
/// A blob that is larger does not travel in a bundle.
const LARGEST_BLOB: usize = 48 << 20;

/// No session has more units; then it begins anew.
const MOST_OF_SESSION: usize = 20_000;

/// A name in an index.
pub type Name = (Kind, [u8; 32]);

#[derive(Default)]
struct State {
    /// The index came, or there is none.
    known: bool,
    /// Which segment each thing is in.
    places: HashMap<Name, usize>,
    costs: HashMap<[u8; 32], u32>,
    /// Which segments are here, or will not come.
    over: Vec<bool>,
    /// Bytes that came.
    bytes: u64,
    segments_came: usize,
}

/// A workspace's bundle, as far as it has come.
pub struct Bundle {
    state: Mutex<State>,
    changed: Condvar,
    since: Moment,
}

/// What a bundle has brought.
pub struct Progress {
    /// Whether all that will come has come.
    pub over: bool,
    /// Segments that there are.
    pub segments: usize,
    /// Segments that came; others were here already.
    pub came: usize,
    /// Results in it.
    pub results: usize,
    /// Bytes that came.
    pub bytes: u64,
}

impl Bundle {
    /// One of which nothing is known yet.
    pub fn new() -> Bundle {
        Bundle { state: Mutex::default(), changed: Condvar::new(), since: Moment::now() }
    }

    /// One that there is nothing of, for whoever cannot wait.
    pub fn empty() -> Bundle {
        let bundle = Bundle::new();
        bundle.state().known = true;
        bundle
    }

    /// How long ago it was begun.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether it has to be looked at again.
    pub fn is_old(&self) -> bool {
        self.since.elapsed() > FRESH && self.progress().over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any of these may still come with it.
    pub fn is_pending(&self, names: &[Name]) -> bool {
        let state = self.state();
        !state.known || names.iter().any(|name| state.places.get(name).is_some_and(|at| !state.over[*at]))
    }

    /// Whether its index came, or there is none.
    pub fn is_known(&self) -> bool {
        self.state().known
    }

    /// Whether it has this.
    pub fn has(&self, name: &Name) -> bool {
        self.state().places.contains_key(name)
    }

    /// What compiling takes, as far as the index says.
    pub fn cost_ms(&self, key: &ActionKey) -> Option<u32> {
        self.state().costs.get(&key.0).copied()
    }

    /// Waits until something comes, but not longer than `most`.
    pub fn wait(&self, most: Duration) {
        drop(self.changed.wait_timeout(self.state(), most).unwrap_or_else(PoisonError::into_inner));
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let state = self.state();
        Progress {
            over: state.known && state.over.iter().all(|over| *over),
            segments: state.over.len(),
            came: state.segments_came,
            results: state.costs.len(),
            bytes: state.bytes,
        }
    }

    fn change(&self, work: impl FnOnce(&mut State)) {
        work(&mut self.state());
        self.changed.notify_all();
    }

    /// Fetches the index, then what it names, in order.
    pub fn load(self: &Arc<Bundle>, desk: &Arc<Desk>, workspace: &Workspace) {
        let named = desk.levels.index(&workspace.exact).or_else(|| desk.levels.index(&workspace.near));
        let Some((index, level)) = named else {
            return self.change(|state| state.known = true);
        };
        self.change(|state| {
            state.over = vec![false; index.segments.len()];
            state.places = index.places();
            let results = index.items().filter(|item| item.kind == Kind::Result);
            state.costs = results.map(|item| (item.name, item.cost_ms)).collect();
            state.known = true;
        });
        let (next, index) = (AtomicUsize::new(0), &index);
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(index.segments.len()) {
                scope.spawn(|| {
                    while let Some(at) =
                        Some(next.fetch_add(1, Ordering::SeqCst)).filter(|at| *at < index.segments.len())
                    {
                        let came = self.bring(desk, &index.segments[at], level);
                        self.change(|state| {
                            state.over[at] = true;
                            match came {
                                Some(came) => {
                                    state.bytes += came;
                                    state.segments_came += usize::from(came > 0);
                                }
                                // Removed by somebody's lifecycle rule, perhaps: what was in it belongs into another one.
                                None => state.places.retain(|_, place| *place != at),
                            }
                        });
                    }
                });
            }
        });
    }

    /// Brings one segment, if there is anything in it that is not here; the bytes that came, `None` if it cannot be had.
    fn bring(&self, desk: &Desk, segment: &Segment, level: usize) -> Option<u64> {
        let here = |item: &Item| match item.kind {
            Kind::Result => shelf::whole(&desk.store, &ActionKey(item.name)).is_some(),
            Kind::Shapes => shelf::get(&desk.store, Key::Shapes(WeakKey(item.name))).is_some(),
            _ => true, // a blob is worth something with its result only
        };
        if segment.items.iter().all(here) {
            return Some(0);
        }
        let bytes = desk.levels.segment(segment, level)?;
        for (item, pack) in bundle::cut(segment, &bytes).unwrap_or_default() {
            unpack(desk, item, pack);
            self.changed.notify_all();
        }
        Some(segment.digest.size)
    }
}

fn unpack(desk: &Desk, item: &Item, bytes: &[u8]) {
    match item.kind {
        Kind::Shapes => {
            let weak = WeakKey(item.name);
            if let Ok(shapes) = pack::open_shapes(&weak, bytes) {
                shelf::keep_shapes(&desk.store, &weak, &shapes);
            }
        }
        Kind::Result => {
            let key = ActionKey(item.name);
            if let Some(unit) =
                Unit::open(&key, bytes).ok().filter(|_| shelf::whole(&desk.store, &key).is_none())
            {
                shelf::keep_unit(&desk.store, &unit, &desk.levels);
            }
        }
        Kind::Blob => {
            if let Ok(body) = pack::open(Kind::Blob, &item.name, bytes) {
                let digest = kiln_action::Digest::of(&body);
                let _ = desk.store.put(&Key::Blob(digest), Content::Bytes(&body));
            }
        }
        Kind::Index => {}
    }
}

/// What one workspace's builds used, in order.
#[derive(Clone, Default)]
pub struct Session {
    order: Vec<(WeakKey, ActionKey)>,
    known: HashSet<[u8; 32]>,
    /// How many of them are in the bundle.
    written: usize,
    /// Something was added last.
    touched: Option<Moment>,
}

impl Session {
    /// A unit was used.
    pub fn note(&mut self, weak: WeakKey, key: ActionKey) {
        if self.order.len() >= MOST_OF_SESSION {
            *self = Session::default(); // edits of months; what is used now is what counts
        }
        if self.known.insert(key.0) {
            self.order.push((weak, key));
        }
        self.touched = Some(Moment::now());
    }

    /// Whether there is anything to be written.
    pub fn is_dirty(&self) -> bool {
        self.written < self.order.len()
    }

    /// Whether nothing was added for so long.
    pub fn is_quiet(&self, quiet: Duration) -> bool {
        self.touched.is_none_or(|touched| touched.elapsed() >= quiet)
    }

    /// How long ago something was added.
    pub fn age(&self) -> Duration {
        self.touched.map_or(Duration::MAX, |touched| touched.elapsed())
    }

    /// How much there is to be written.
    pub fn length(&self) -> usize {
        self.order.len()
    }

    /// So much was written.
    pub fn is_written(&mut self, length: usize) {
        self.written = self.written.max(length);
    }
}

/// Adds what a session used to the workspace's bundle in a store.
pub fn write(
    desk: &Desk,
    store: &RemoteStore,
    workspace: &Workspace,
    session: &Session,
) -> Result<(), Fault> {
    let found = |name: &[u8; 32]| Ok::<_, Fault>(store.index(name)?.map(|found| found.value));
    let exact = found(&workspace.exact)?;
    let is_new = exact.is_none();
    let mut base = match exact {
        Some(index) => index,
        None => found(&workspace.near)?.unwrap_or_default(),
    };
    base.segments.retain(|segment| !store.is_wrong(&bundle::name(&segment.digest)));
    let known: HashSet<[u8; 32]> = base.items().map(|item| item.name).collect();
    let mut made = Made { store, cutter: Cutter::default(), newer: Vec::new(), bytes: 0 };
    for (weak, key) in session.order.iter().filter(|(_, key)| !known.contains(&key.0)) {
        if made.bytes < bundle::MOST {
            packs_of(desk, weak, key).iter().try_for_each(|(item, pack)| made.add(*item, pack))?;
        }
    }
    let newer = made.finish()?;
    if newer.is_empty() && !is_new {
        return Ok(());
    }
    let index: Index = base.grown(newer, &session.known);
    for name in [&workspace.exact, &workspace.near] {
        store.keep(&pack::name(Kind::Index, name), &index.seal(name))?;
    }
    desk.log.say(&format!("wrote a bundle of {} segments, {} bytes", index.segments.len(), index.bytes()));
    Ok(())
}

/// Segments on their way to a store, of which one is in memory.
struct Made<'a> {
    store: &'a RemoteStore,
    cutter: Cutter,
    newer: Vec<Segment>,
    bytes: u64,
}

impl Made<'_> {
    fn add(&mut self, item: Item, pack: &[u8]) -> Result<(), Fault> {
        self.bytes += pack.len() as u64;
        self.cutter.push(item, pack).map_or(Ok(()), |full| self.keep(full))
    }

    fn keep(&mut self, (segment, bytes): (Segment, Vec<u8>)) -> Result<(), Fault> {
        self.store.keep(&bundle::name(&segment.digest), &bytes)?;
        self.newer.push(segment);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Segment>, Fault> {
        let last = std::mem::take(&mut self.cutter).finish();
        last.map_or(Ok(()), |last| self.keep(last))?;
        Ok(self.newer)
    }
}

/// Everything of a unit: what it needs comes before it.
fn packs_of(desk: &Desk, weak: &WeakKey, key: &ActionKey) -> Vec<(Item, Vec<u8>)> {
    let item = |kind, name, cost_ms| Item { kind, name, length: 0, cost_ms };
    let whole = shelf::whole(&desk.store, key).and_then(|cost| Some((cost, shelf::pack(&desk.store, key)?)));
    let Some((cost_ms, (unit, apart))) = whole else { return Vec::new() };
    let mut packs = Vec::new();
    for digest in apart {
        if let Some(bytes) = shelf::get(&desk.store, Key::Blob(digest)) {
            let pack = pack::seal(Kind::Blob, &digest.hash, &bytes);
            if pack.len() <= LARGEST_BLOB {
                packs.push((item(Kind::Blob, digest.hash, 0), pack));
            }
        }
    }
    if let Some(shapes) = shelf::get(&desk.store, Key::Shapes(*weak)) {
        packs.push((item(Kind::Shapes, weak.0, 0), pack::seal(Kind::Shapes, &weak.0, &shapes)));
    }
    packs.push((item(Kind::Result, key.0, cost_ms), unit));
    packs
}
