//! A bundle on its way: what a workspace will need, fetched in build order.

use crate::shelf;
use crate::stores::Stores;
use kiln_action::{ActionKey, Digest, WeakKey};
use kiln_protocol::Workspace;
use kiln_remote::bundle::{self, Index, Item, Opener, Segment};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{PackedUnit, progress};
use kiln_store::{Content, Key, Store};
use kiln_sys::clock::Moment;
use kiln_sys::{machine, thread};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many segments are under way at once.
const AT_ONCE: usize = 5;
/// An index is looked at again after so long.
const FRESH: Duration = Duration::from_secs(300);

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
    /// How many results the bundle has.
    pub results: usize,
    /// How many bytes were downloaded for it.
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
    pub fn load(&self, stores: &Stores, workspace: &Workspace) {
        let named = stores.levels.index(&workspace.exact).or_else(|| stores.levels.index(&workspace.near));
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
        let wanted = self.wanted(stores, &index);
        let turns = Turns {
            state: Mutex::default(),
            changed: Condvar::new(),
            most: machine::processors().min(AT_ONCE),
        };
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(&at) = wanted.get(next.fetch_add(1, Ordering::SeqCst)) {
                let segment = &index.segments[at];
                let bytes = stores.levels.segment(segment, level);
                let opened = turns.open(&wanted, at, segment, bytes.as_deref());
                let length = bytes.map_or(0, |bytes| bytes.len() as u64); // its memory is another's now
                for (item, bytes) in opened.iter().flat_map(|opened| bundle::cut(segment, opened)) {
                    self.unpack(stores, item, bytes, at);
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
    fn unpack(&self, stores: &Stores, item: &Item, bytes: &[u8], at: usize) {
        match item.kind {
            Kind::Shapes => {
                let weak = WeakKey::of_name(item.name);
                if let Ok(shapes) = pack::shapes_of_body(&weak, bytes.to_vec()) {
                    stores.keep_shapes(&weak, &shapes);
                }
            }
            Kind::Result => {
                let key = ActionKey::of_name(item.name);
                if shelf::whole(&stores.local, &key).is_none()
                    && let Ok(unit) = PackedUnit::of_body(&key, bytes)
                {
                    self.wait_for_blobs(&unit.apart, at);
                    shelf::keep_unit(&stores.local, &unit, &stores.levels);
                }
            }
            Kind::Blob => {
                let digest = Digest { hash: item.name, size: bytes.len() as u64 };
                let _ = stores.local.put(&Key::Blob(digest), Content::Bytes(bytes)); // which holds it against its digest
            }
            Kind::Index | Kind::Snapshot => {}
        }
    }

    /// The segments that are to be fetched: those of which something is not here, and what has to be read before them.
    fn wanted(&self, stores: &Stores, index: &Index) -> Vec<usize> {
        let here = |item: &Item| match item.kind {
            Kind::Result => shelf::whole(&stores.local, &ActionKey::of_name(item.name)).is_some(),
            Kind::Shapes => shelf::get(&stores.local, Key::Shapes(WeakKey::of_name(item.name))).is_some(),
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
