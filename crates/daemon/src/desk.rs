//! One desk for each set of remotes and credentials: answers the question "is there anything for this unit?" in time.

use crate::budget::Budgets;
use crate::bundles::{Bundle, Name, Session};
use crate::flights::{Ask, Begun, End, Flights};
use crate::log::Log;
use crate::shelf;
use kiln_action::bounds::{Beyond, Bounds};
use kiln_action::{ActionKey, SnapshotKey, WeakKey, digest};
use kiln_protocol::{Hello, Place, Resolve, Resolved, Wanted, Workspace};
use kiln_remote::pack::Kind;
use kiln_remote::{Brought, Levels, Remotes, WriteBack, progress};
use kiln_store::{Content, Key, LocalStore, Store};
use kiln_sys::clock::Moment;
use kiln_sys::thread;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So often whoever waits hears that we are still at it.
const SIGN_OF_LIFE: Duration = Duration::from_millis(100);
/// Nobody waits for stores of which nothing has come for so long. A client waits for half a second longer, and takes us for dead then.
const STILL: Duration = Duration::from_millis(1500);
/// No more bytes wait to be written to nearer levels.
const MOST_BACKS: usize = 32 << 20;
/// So many workspaces' bundles are known at once, and so many builds' sessions.
const MOST_BUNDLES: usize = 24;
const MOST_SESSIONS: usize = 64;
/// More than the queue has.
const MOST_SENT: usize = 40_000;

/// What is wanted from one set of remotes, and everything that is known of them.
pub struct Desk {
    /// Names the stores, as the queue's files do.
    pub remotes: [u8; 32],
    /// The local store.
    pub store: Arc<LocalStore>,
    /// The remotes.
    pub levels: Levels,
    /// Where the daemon lives.
    pub place: Place,
    /// What happened.
    pub log: Log,
    /// What Shapes from a remote store may ask.
    pub bounds: Bounds,
    /// What is wrong with the settings.
    pub complaints: Vec<String>,
    /// What builds may lose.
    pub budgets: Budgets,
    /// Somebody waits for an answer.
    pub waiting: AtomicU32,
    /// Bundles are to be written without waiting for quiet.
    pub hurry: AtomicBool,
    /// Whether it is the one that uploads to its stores: there may be others with other credentials.
    pub uploads: AtomicBool,
    /// Held by whoever uploads.
    pub uploading: Mutex<()>,
    /// When it was opened.
    pub opened: Moment,
    /// When somebody last said Hello.
    pub greeted: Mutex<Moment>,
    /// Which levels have what of the queue, as long as another level lacks them.
    sent: Mutex<HashSet<(usize, [u8; 32])>>,
    flights: Flights,
    bundles: Mutex<HashMap<[u8; 32], Arc<Bundle>>>,
    sessions: Mutex<HashMap<[u8; 32], (Workspace, Session)>>,
    backs: Mutex<Vec<WriteBack>>,
    poked: Mutex<bool>,
    poke: Condvar,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a thread; whether there was room for one.
pub fn begin(work: impl FnOnce() + Send + 'static) -> bool {
    thread::start(work).is_ok()
}

/// Whether anything comes, for one who waits.
struct Coming {
    came: u64,
    at: Moment,
}

impl Coming {
    fn goes_on(&mut self) -> bool {
        let came = progress::seen();
        if came != self.came {
            *self = Coming { came, at: Moment::now() };
        }
        self.at.elapsed() < STILL
    }
}

/// What is asked for something.
fn asks(wanted: &Wanted) -> Vec<Ask> {
    match wanted {
        Wanted::Unit { weak, keys, .. } => {
            keys.iter().map(|key| Ask::Result(*key)).chain([Ask::Shapes(*weak)]).collect()
        }
        Wanted::Snapshot(key) => vec![Ask::Snapshot(*key)],
    }
}

impl Ask {
    /// What it is called in the index of a bundle; `None` for what is in none.
    fn in_bundle(&self) -> Option<Name> {
        match self {
            Ask::Shapes(weak) => Some((Kind::Shapes, weak.0)),
            Ask::Result(key) => Some((Kind::Result, key.0)),
            Ask::Snapshot(_) => None,
        }
    }
}

impl Desk {
    /// For what a client says.
    pub fn open(hello: &Hello, store: &Arc<LocalStore>, place: &Place, log: &Log) -> Desk {
        let urls = hello.urls.iter().map(String::as_str);
        let namespaces = hello.namespaces.iter().map(String::as_str);
        let (levels, complaints) = match Remotes::parse(urls, namespaces) {
            Ok(remotes) => Levels::open(&remotes, &hello.variables, &place.quarantine()),
            Err(what) => (Levels::of(Vec::new()), vec![what]),
        };
        complaints.iter().for_each(|what| log.say(what));
        Desk {
            remotes: hello.stores(),
            store: store.clone(),
            levels,
            place: place.clone(),
            log: log.clone(),
            bounds: kiln_sys::env::bounds(),
            complaints,
            budgets: Budgets::default(),
            waiting: AtomicU32::new(0),
            hurry: AtomicBool::new(false),
            uploads: AtomicBool::new(false),
            uploading: Mutex::new(()),
            opened: Moment::now(),
            greeted: Mutex::new(Moment::now()),
            sent: Mutex::default(),
            flights: Flights::default(),
            bundles: Mutex::default(),
            sessions: Mutex::default(),
            backs: Mutex::default(),
            poked: Mutex::new(true), // what an earlier daemon left
            poke: Condvar::new(),
        }
    }

    /// Brings what there is for a unit, in time.
    pub fn resolve(self: &Arc<Desk>, wanted: &Resolve, alive: &mut dyn FnMut()) -> Resolved {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let started = Moment::now();
        let resolved = self.search(wanted, started, alive);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if !resolved.found && !resolved.news {
            self.budgets.in_vain(wanted.build, started.elapsed());
        }
        resolved
    }

    fn search(self: &Arc<Desk>, resolve: &Resolve, started: Moment, alive: &mut dyn FnMut()) -> Resolved {
        if let Some(resolved) = self.look(resolve, started) {
            return resolved;
        }
        let bundle = match &resolve.wanted {
            Wanted::Unit { workspace: Some(workspace), .. } => Some(self.bundle(workspace)),
            _ => None,
        };
        let asks = asks(&resolve.wanted);
        let cost = || {
            let costs = asks.iter().filter_map(|ask| bundle.as_ref()?.cost_ms(&ask.in_bundle()?.1));
            costs.max().unwrap_or(resolve.cost_ms)
        };
        let most = Duration::from_millis(u64::from(resolve.most_ms));
        let mut coming = Coming { came: progress::seen(), at: started };
        let mut left = |allowed: Duration| {
            let left = allowed.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
            left.filter(|_| coming.goes_on())
        };
        let names: Vec<Name> = asks.iter().filter_map(Ask::in_bundle).collect();
        while let Some(bundle) = bundle.as_ref().filter(|bundle| bundle.is_pending(&names)) {
            self.budgets.promise(resolve.build, bundle.promised_ms());
            let allowed = self.budgets.allow(resolve.build, cost()).min(most);
            let worth = bundle.is_known() || self.levels.is_prompt(allowed);
            let Some(left) = left(allowed).filter(|_| worth) else { return Resolved::default() };
            bundle.wait(left.min(SIGN_OF_LIFE));
            alive();
            if let Some(resolved) = self.look(resolve, started) {
                return resolved;
            }
        }
        if !self.levels.is_asked() {
            return Resolved::default();
        }
        let allowed = self.budgets.allow_guess(resolve.build, cost()).min(most);
        if allowed.is_zero() && self.flights.is_busy() {
            return Resolved::default(); // no swarm of questions that nobody waits for
        }
        let mut asks = asks;
        asks.retain(|ask| self.begin(*ask, resolve.build));
        loop {
            asks.retain(|ask| self.flights.is_under_way(*ask));
            if let Some(resolved) = self.look(resolve, started) {
                self.note(&resolve.wanted, bundle.as_deref());
                return resolved;
            }
            let worth = !asks.is_empty() && self.levels.is_prompt(allowed);
            let Some(left) = left(allowed).filter(|_| worth) else { return Resolved::default() };
            self.flights.wait(&asks, left.min(SIGN_OF_LIFE));
            alive();
        }
    }

    /// What the local store says by now.
    fn look(&self, resolve: &Resolve, started: Moment) -> Option<Resolved> {
        let found = Resolved { found: true, news: false };
        match &resolve.wanted {
            Wanted::Unit { weak, seen, keys, .. } => {
                if let Some(cost) = keys.iter().find_map(|key| shelf::whole(&self.store, key)) {
                    self.budgets.spared(resolve.build, started.elapsed(), cost);
                    return Some(found);
                }
                let news = shelf::seen(&self.store, weak) != *seen;
                news.then_some(Resolved { found: false, news: true })
            }
            Wanted::Snapshot(key) => {
                shelf::get(&self.store, Key::Snapshot(*key))?;
                self.budgets.spared(resolve.build, started.elapsed(), resolve.cost_ms);
                Some(found)
            }
        }
    }

    /// What came by itself belongs into the bundle.
    fn note(&self, wanted: &Wanted, bundle: Option<&Bundle>) {
        let Wanted::Unit { weak, keys, workspace: Some(workspace), .. } = wanted else { return };
        for key in keys {
            let here = shelf::whole(&self.store, key).is_some();
            if here && !bundle.is_some_and(|bundle| bundle.has(&(Kind::Result, key.0))) {
                self.used(workspace, *weak, *key);
            }
        }
    }

    /// Begins a flight unless it is under way; whether it is worth waiting for. It goes on when nobody does, and what it finds is a reason
    /// for the next unit of the build to wait for its own.
    fn begin(self: &Arc<Desk>, ask: Ask, build: u32) -> bool {
        match self.flights.begin(ask) {
            Begun::No => false,
            Begun::UnderWay => true,
            Begun::Yes => {
                let desk = self.clone();
                let begun = begin(move || {
                    let end = desk.fly(ask);
                    if end != End::Unknown {
                        desk.budgets.guessed(build, end == End::Landed);
                    }
                    desk.flights.end(ask, end);
                });
                if !begun {
                    self.flights.end(ask, End::Unknown);
                }
                begun
            }
        }
    }

    fn fly(&self, ask: Ask) -> End {
        match ask {
            Ask::Shapes(weak) => match self.levels.shapes(&weak) {
                Brought::Here(shapes, _) => {
                    self.keep_shapes(&weak, &shapes);
                    End::Landed
                }
                Brought::Nowhere => End::Absent,
                Brought::Unknown => End::Unknown,
            },
            Ask::Result(key) => match self.levels.unit(&key) {
                Brought::Here(unit, back) => match shelf::keep_unit(&self.store, &unit, &self.levels) {
                    Some(backs) => {
                        self.write_back(backs.into_iter().chain(back));
                        End::Landed
                    }
                    None => End::Unknown,
                },
                Brought::Nowhere => End::Absent,
                Brought::Unknown => End::Unknown,
            },
            Ask::Snapshot(key) => match self.levels.snapshot(&key) {
                Brought::Here(file, back) => {
                    let kept = self.store.put(&Key::Snapshot(key), Content::Bytes(&file));
                    self.write_back(back.into_iter());
                    if kept.is_ok() { End::Landed } else { End::Unknown }
                }
                Brought::Nowhere => End::Absent,
                Brought::Unknown => End::Unknown,
            },
        }
    }

    /// Keeps Shapes that came. Those that ask for what may be a secret are refused, and said.
    pub fn keep_shapes(&self, weak: &WeakKey, shapes: &[u8]) {
        let refused = |beyond: &Beyond| {
            self.log.say(&format!("refused a Shape of {}: it {beyond}", digest::hex(&weak.0)));
        };
        shelf::keep_shapes(&self.store, weak, shapes, &self.bounds, refused);
    }

    fn write_back(&self, new: impl Iterator<Item = WriteBack>) {
        let mut backs = locked(&self.backs);
        for back in new {
            if backs.iter().map(WriteBack::size).sum::<usize>() + back.size() < MOST_BACKS {
                backs.push(back);
            }
        }
        drop(backs);
        self.poke();
    }

    /// What nearer levels lack.
    pub fn take_backs(&self) -> Vec<WriteBack> {
        std::mem::take(&mut locked(&self.backs))
    }

    /// The bundle of a workspace; loading begins when it is first asked for.
    pub fn bundle(self: &Arc<Desk>, workspace: &Workspace) -> Arc<Bundle> {
        let mut bundles = locked(&self.bundles);
        if let Some(known) = bundles.get(&workspace.exact).filter(|bundle| !bundle.is_old()) {
            return known.clone();
        }
        bundles.remove(&workspace.exact);
        while bundles.len() >= MOST_BUNDLES {
            let over = bundles.iter().filter(|(_, bundle)| bundle.progress().over);
            let Some(oldest) = over.max_by_key(|(_, bundle)| bundle.age()).map(|(name, _)| *name) else {
                return Arc::new(Bundle::empty()); // all of them are under way
            };
            bundles.remove(&oldest);
        }
        let bundle = Arc::new(Bundle::new());
        bundles.insert(workspace.exact, bundle.clone());
        let (loading, desk, workspace) = (bundle.clone(), self.clone(), *workspace);
        if !begin(move || loading.load(&desk, &workspace)) {
            bundles.remove(&workspace.exact);
            return Arc::new(Bundle::empty());
        }
        bundle
    }

    /// A unit of a workspace was used.
    pub fn used(&self, workspace: &Workspace, weak: WeakKey, key: ActionKey) {
        let mut sessions = locked(&self.sessions);
        if sessions.len() >= MOST_SESSIONS && !sessions.contains_key(&workspace.exact) {
            // One that is written already, if there is any: the hint of another is lost.
            let oldest = sessions.iter().max_by_key(|(_, (_, session))| (!session.is_dirty(), session.age()));
            oldest.map(|(name, _)| *name).map(|name| sessions.remove(&name));
        }
        sessions.entry(workspace.exact).or_insert_with(|| (*workspace, Session::default())).1.note(weak, key);
        drop(sessions);
        self.flights.forget(Ask::Result(key));
        self.flights.forget(Ask::Shapes(weak));
    }

    /// A snapshot was put there.
    pub fn has_snapshot(&self, key: SnapshotKey) {
        self.flights.forget(Ask::Snapshot(key));
    }

    /// Sessions that are to be written.
    pub fn dirty_sessions(&self, quiet: Duration) -> Vec<(Workspace, Session)> {
        let sessions = locked(&self.sessions);
        let dirty = sessions.values().filter(|(_, session)| session.is_dirty() && session.is_quiet(quiet));
        dirty.cloned().collect()
    }

    /// A session was written, as it was then.
    pub fn session_written(&self, workspace: &Workspace, length: usize) {
        if let Some((_, session)) = locked(&self.sessions).get_mut(&workspace.exact) {
            session.is_written(length);
        }
    }

    /// Whether a level has something of the queue already.
    pub fn has_sent(&self, level: usize, name: &[u8; 32]) -> bool {
        locked(&self.sent).contains(&(level, *name))
    }

    /// A level has it now.
    pub fn sent(&self, level: usize, name: &[u8; 32]) {
        let mut sent = locked(&self.sent);
        if sent.len() >= MOST_SENT {
            sent.clear(); // they are sent once more
        }
        sent.insert((level, *name));
    }

    /// All of them have it.
    pub fn forget_sent(&self, name: &[u8; 32]) {
        locked(&self.sent).retain(|(_, sent)| sent != name);
    }

    /// How many objects were uploaded.
    pub fn kept(&self) -> u64 {
        self.levels.stores().iter().map(|store| store.health().kept).sum()
    }

    /// There is something to be uploaded.
    pub fn poke(&self) {
        *locked(&self.poked) = true;
        self.poke.notify_all();
    }

    /// Does nothing for a while, unless somebody is in a hurry or somebody else uploads.
    pub fn rest(&self, most: Duration) {
        let (started, hurry) = (Moment::now(), self.hurry.load(Ordering::SeqCst));
        while started.elapsed() < most
            && self.uploads.load(Ordering::SeqCst)
            && self.hurry.load(Ordering::SeqCst) == hurry
        {
            kiln_sys::process::pause(Duration::from_millis(100));
        }
    }

    /// Waits for that, but not longer than `most`; whether there was.
    pub fn wait_for_poke(&self, most: Duration) -> bool {
        let mut poked = locked(&self.poked);
        if !*poked {
            poked = self.poke.wait_timeout(poked, most).unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::take(&mut *poked)
    }
}
