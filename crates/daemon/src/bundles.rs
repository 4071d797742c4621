//! Bundles: what a workspace will need, fetched in build order at its first miss, and written when a build has been quiet.

use crate::desk::Desk;
use crate::shelf;
use kiln_action::{ActionKey, Digest, WeakKey};
use kiln_protocol::Workspace;
use kiln_remote::bundle::{self, Cutter, Index, Item, Opener, Segment};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Fault, Level, Unit, progress};
use kiln_store::{Content, Key, Store};
use kiln_sys::clock::Moment;
use kiln_sys::{machine, thread};
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many segments are under way at once.
const AT_ONCE: usize = 5;
/// An index is looked at again after so long.
const FRESH: Duration = Duration::from_secs(300);
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
    /// What all of it takes to compile, in milliseconds.
    promised: u64,
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

    /// What compiling takes, as far as the index says; by the key of a result or of Shapes.
    pub fn cost_ms(&self, key: &[u8; 32]) -> Option<u32> {
        self.state().costs.get(key).copied()
    }

    /// What everything in it takes to compile, in milliseconds.
    pub fn promised_ms(&self) -> u64 {
        self.state().promised
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
            results: state.places.keys().filter(|(kind, _)| *kind == Kind::Result).count(),
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
            state.costs = costs(&index);
            state.promised = index.items().map(|item| u64::from(item.cost_ms)).sum();
            state.known = true;
        });
        let wanted = self.wanted(desk, &index);
        let turns = Turns {
            state: Mutex::default(),
            changed: Condvar::new(),
            most: machine::processors().min(AT_ONCE),
        };
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(&at) = wanted.get(next.fetch_add(1, Ordering::SeqCst)) {
                let segment = &index.segments[at];
                let bytes = desk.levels.segment(segment, level);
                let opened = turns.open(&wanted, at, segment, bytes.as_deref());
                let length = bytes.map_or(0, |bytes| bytes.len() as u64); // its memory is another's now
                for (item, bytes) in opened.iter().flat_map(|opened| bundle::cut(segment, opened)) {
                    self.unpack(desk, item, bytes, at);
                    progress::note();
                    self.changed.notify_all();
                }
                self.change(|state| {
                    state.over[at] = true;
                    state.bytes += length;
                    state.segments_came += usize::from(opened.is_some());
                    if opened.is_none() {
                        // Removed by somebody's lifecycle rule, perhaps: what was in it belongs into another one.
                        state.places.retain(|_, place| *place != at);
                    }
                });
                if let Some(opened) = opened {
                    turns.give_back(opened);
                }
            }
        };
        thread::scope(|scope| {
            let mut others = 1..AT_ONCE.min(wanted.len());
            while others.next().is_some() && thread::start_scoped(scope, work).is_ok() {}
            work();
        });
    }

    /// Waits until the segments before this one that hold any of these are unpacked: somebody else is at it, side by side.
    fn wait_for_blobs(&self, blobs: &[Digest], at: usize) {
        let elsewhere = |state: &State, blob: &Digest| {
            let place = state.places.get(&(Kind::Blob, blob.hash)).copied();
            place.is_some_and(|place| place < at && !state.over[place])
        };
        let mut state = self.state();
        while blobs.iter().any(|blob| elsewhere(&state, blob)) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts one thing of a segment where it belongs.
    fn unpack(&self, desk: &Desk, item: &Item, bytes: &[u8], at: usize) {
        match item.kind {
            Kind::Shapes => {
                let weak = WeakKey(item.name);
                if let Ok(shapes) = pack::shapes_of_body(&weak, bytes.to_vec()) {
                    desk.keep_shapes(&weak, &shapes);
                }
            }
            Kind::Result => {
                let key = ActionKey(item.name);
                if shelf::whole(&desk.store, &key).is_none()
                    && let Ok(unit) = Unit::of_body(&key, bytes)
                {
                    self.wait_for_blobs(&unit.apart, at);
                    shelf::keep_unit(&desk.store, &unit, &desk.levels);
                }
            }
            Kind::Blob => {
                let digest = Digest { hash: item.name, size: bytes.len() as u64 };
                let _ = desk.store.put(&Key::Blob(digest), Content::Bytes(bytes)); // which holds it against its digest
            }
            Kind::Index | Kind::Snapshot => {}
        }
    }

    /// The segments that are to be fetched: those of which something is not here, and what has to be read before them.
    fn wanted(&self, desk: &Desk, index: &Index) -> Vec<usize> {
        let here = |item: &Item| match item.kind {
            Kind::Result => shelf::whole(&desk.store, &ActionKey(item.name)).is_some(),
            Kind::Shapes => shelf::get(&desk.store, Key::Shapes(WeakKey(item.name))).is_some(),
            _ => true, // a blob is worth something with its result only
        };
        let mut wanted = Vec::new();
        for run in index.runs() {
            let lacking = |at: &usize| !index.segments[*at].items.iter().all(here);
            let last = run.clone().rfind(lacking);
            wanted.extend(last.into_iter().flat_map(|last| run.start..=last));
        }
        self.change(|state| {
            (0..state.over.len()).for_each(|at| state.over[at] = wanted.binary_search(&at).is_err());
        });
        wanted
    }
}

/// What compiling takes, by the keys of results, and by those of the Shapes before them: of a unit that is not known here only
/// the latter is known.
fn costs(index: &Index) -> HashMap<[u8; 32], u32> {
    let mut costs = HashMap::new();
    let mut shapes = None;
    for item in index.items() {
        match item.kind {
            Kind::Shapes => shapes = Some(item.name),
            Kind::Result => {
                let known = shapes.take().into_iter().chain([item.name]);
                costs.extend(known.map(|name| (name, item.cost_ms)));
            }
            _ => {}
        }
    }
    costs
}

/// Segments come in any order and are opened in theirs.
struct Turns {
    state: Mutex<Turn>,
    changed: Condvar,
    /// So many are open at once: more than there are processors to unpack them would be memory only.
    most: usize,
}

#[derive(Default)]
struct Turn {
    /// So many of those that are wanted were opened, or will not be.
    passed: usize,
    /// Opens the next one of this run; nothing once one of them did not come.
    opener: Option<Opener>,
    /// Buffers that segments were opened into before: fresh memory costs more than what is done in it.
    spare: Vec<Vec<u8>>,
    /// So many more are with somebody who unpacks them.
    taken: usize,
}

impl Turns {
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all before it were opened; what is in it, if it could be.
    fn open(&self, wanted: &[usize], at: usize, segment: &Segment, bytes: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut turn = self.turn();
        while wanted[turn.passed] != at || turn.taken >= self.most {
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        if segment.begins {
            turn.opener = Opener::new().ok();
        }
        let mut opened = turn.spare.pop().unwrap_or_default();
        let open = |opener: &mut Opener| opener.open(segment, bytes?, &mut opened).ok();
        let came = turn.opener.as_mut().and_then(open).is_some();
        turn.passed += 1;
        let outcome = if came {
            turn.taken += 1;
            Some(opened)
        } else {
            turn.opener = None; // the rest of its run cannot be read
            turn.spare.push(opened);
            None
        };
        drop(turn);
        self.changed.notify_all();
        outcome
    }

    /// Whoever comes next opens into this.
    fn give_back(&self, opened: Vec<u8>) {
        let mut turn = self.turn();
        turn.taken -= 1;
        turn.spare.push(opened);
        drop(turn);
        self.changed.notify_all();
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
pub fn write(desk: &Desk, store: &Level, workspace: &Workspace, session: &Session) -> Result<(), Fault> {
    let found = |name: &[u8; 32]| Ok::<_, Fault>(store.index(name)?.map(|found| found.value));
    let exact = found(&workspace.exact)?;
    let is_new = exact.is_none();
    let mut base = match exact {
        Some(index) => index,
        None => found(&workspace.near)?.unwrap_or_default(),
    };
    base.keep_runs(|run| !run.iter().any(|segment| store.is_wrong(&bundle::name(&segment.digest))));
    let known: HashSet<[u8; 32]> = base.items().map(|item| item.name).collect();
    let mut made = Made::new(store)?;
    for (weak, key) in session.order.iter().filter(|(_, key)| !known.contains(&key.0)) {
        if made.bytes < bundle::MOST {
            made.unit(desk, weak, key)?;
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

/// A run on its way to a store, of which one segment is in memory.
struct Made<'a> {
    store: &'a Level,
    cutter: Cutter,
    newer: Vec<Segment>,
    bytes: u64,
}

fn broken(error: io::Error) -> Fault {
    Fault::Broken(error.to_string())
}

impl<'a> Made<'a> {
    fn new(store: &'a Level) -> Result<Made<'a>, Fault> {
        Ok(Made { store, cutter: Cutter::new().map_err(broken)?, newer: Vec::new(), bytes: 0 })
    }

    /// Everything of a unit: what it needs comes before it.
    fn unit(&mut self, desk: &Desk, weak: &WeakKey, key: &ActionKey) -> Result<(), Fault> {
        let item = |kind, name, cost_ms| Item { kind, name, length: 0, cost_ms };
        let read = |key| shelf::get(&desk.store, key);
        let Some(cost_ms) = shelf::whole(&desk.store, key) else { return Ok(()) };
        let body =
            read(Key::Result(*key)).and_then(|r| Unit::body(key, &r, &mut |blob| read(Key::Blob(*blob))));
        let Some((body, apart)) = body else { return Ok(()) };
        for digest in apart.iter().filter(|digest| digest.size <= bundle::MOST_BLOB) {
            if let Some(bytes) = read(Key::Blob(*digest)) {
                self.add(item(Kind::Blob, digest.hash, 0), &bytes)?;
            }
        }
        if let Some(shapes) = shelf::shared_shapes(&desk.store, weak, &desk.bounds) {
            self.add(item(Kind::Shapes, weak.0, 0), &shapes)?;
        }
        self.add(item(Kind::Result, key.0, cost_ms), &body)
    }

    fn add(&mut self, item: Item, bytes: &[u8]) -> Result<(), Fault> {
        let full = self.cutter.push(item, bytes).map_err(broken)?;
        self.bytes += full.as_ref().map_or(0, |(segment, _)| segment.digest.size);
        keep(self.store, full, &mut self.newer)
    }

    fn finish(self) -> Result<Vec<Segment>, Fault> {
        let Made { store, cutter, mut newer, .. } = self;
        keep(store, cutter.finish().map_err(broken)?, &mut newer)?;
        Ok(newer)
    }
}

fn keep(store: &Level, full: Option<(Segment, Vec<u8>)>, newer: &mut Vec<Segment>) -> Result<(), Fault> {
    if let Some((segment, bytes)) = full {
        store.keep(&bundle::name(&segment.digest), &bytes)?;
        newer.push(segment);
    }
    Ok(())
}
