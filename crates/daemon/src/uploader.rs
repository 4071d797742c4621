//! What was made here goes to the remotes, behind everybody's back: at the lowest priority, and after whoever waits for an answer.

use crate::bundles::Bundles;
use crate::in_flight::{Ask, InFlight};
use crate::shelf;
use crate::stores::Stores;
use crate::sync::{begin, locked};
use crate::travel::Travel;
use kiln_action::{ActionKey, Digest, SnapshotKey, WeakKey};
use kiln_protocol::queue::{self, Waiting};
use kiln_protocol::{Product, Pushed, Waited};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Fault, Level, WriteBack};
use kiln_store::Key;
use kiln_sys::clock::{self, Moment};
use kiln_sys::{files, process, thread};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// More than these are not kept waiting; the oldest go.
const MOST: usize = 10_000;
/// So many are under way at once.
const AT_ONCE: usize = 4;
/// A build is over when nothing came for so long.
const QUIET: Duration = Duration::from_secs(4);
/// A result that the next edit replaces waits for so long.
const SETTLED_NS: i64 = 30_000_000_000;
/// So often the queue is looked at when nobody says anything.
const LOOK: Duration = Duration::from_secs(1);
/// After a failure there is no new attempt for so long, and then twice as long each time.
const AGAIN: Duration = Duration::from_secs(3);
const LONGEST_AGAIN: Duration = Duration::from_secs(60);
/// No more bytes wait to be written to nearer levels.
const MOST_BACKS: usize = 32 << 20;
/// More than the queue has.
const MOST_SENT: usize = 40_000;
/// Stores that are left alone for so long are not waited for by a person either.
const HOPELESS: Duration = Duration::from_secs(15);
/// Of blobs that are larger there is one in memory at a time.
const HUGE: u64 = 64 << 20;
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What an uploader is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Another one uploads to these stores, with other credentials, or none does.
    Retired,
    /// It looks at the queue now and then.
    Idle,
    /// There is something new in the queue.
    Poked,
    /// A person waits until everything is uploaded: bundles are written without waiting for quiet.
    Hurried,
}

/// Uploads to one set of stores.
pub struct Uploader {
    stores: Arc<Stores>,
    bundles: Arc<Bundles>,
    in_flight: Arc<InFlight>,
    state: Mutex<State>,
    changed: Condvar,
    /// Held by the thread that uploads.
    alone: Mutex<()>,
    /// How many clients wait for an answer: they come first.
    ahead: AtomicU32,
    /// Which levels have what of the queue, as long as another level lacks them.
    sent: Mutex<HashSet<(usize, [u8; 32])>>,
    /// What nearer levels lack.
    backs: Mutex<Vec<WriteBack>>,
}

/// A client that waits for an answer, as long as this lives.
pub struct Ahead<'a>(&'a AtomicU32);

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Uploader {
    /// One that does not upload yet.
    pub fn new(stores: &Arc<Stores>, bundles: &Arc<Bundles>, in_flight: &Arc<InFlight>) -> Uploader {
        Uploader {
            stores: stores.clone(),
            bundles: bundles.clone(),
            in_flight: in_flight.clone(),
            state: Mutex::new(State::Retired),
            changed: Condvar::new(),
            alone: Mutex::new(()),
            ahead: AtomicU32::new(0),
            sent: Mutex::default(),
            backs: Mutex::default(),
        }
    }

    fn state(&self) -> State {
        *locked(&self.state)
    }

    fn is_retired(&self) -> bool {
        self.state() == State::Retired
    }

    fn is_hurried(&self) -> bool {
        self.state() == State::Hurried
    }

    /// Goes into another state unless it is in one of these; whether it did.
    fn enter(&self, state: State, unless: &[State]) -> bool {
        let mut now = locked(&self.state);
        let enters = !unless.contains(&now);
        if enters {
            *now = state;
        }
        drop(now);
        self.changed.notify_all();
        enters
    }

    /// Makes it the one that uploads. Where there is no room for a thread, the next one who asks tries again.
    pub fn appoint(self: &Arc<Uploader>) {
        let is_new = self.enter(State::Poked, &[State::Idle, State::Poked, State::Hurried]);
        let uploading = self.clone();
        if is_new && !begin(move || uploading.run()) {
            self.retire();
        }
    }

    /// Another one uploads from now on.
    pub fn retire(&self) {
        self.enter(State::Retired, &[]);
    }

    /// There is something to be uploaded.
    pub fn poke(&self) {
        self.enter(State::Poked, &[State::Retired, State::Hurried]);
    }

    /// A client waits for an answer.
    pub fn give_way(&self) -> Ahead<'_> {
        self.ahead.fetch_add(1, Ordering::SeqCst);
        Ahead(&self.ahead)
    }

    /// Writes to nearer levels what they lack, when there is time.
    pub fn write_back(&self, new: impl Iterator<Item = WriteBack>) {
        let mut backs = locked(&self.backs);
        for back in new {
            if backs.iter().map(WriteBack::size).sum::<usize>() + back.size() < MOST_BACKS {
                backs.push(back);
            }
        }
        drop(backs);
        self.poke();
    }

    /// Finishes uploads, for at most so many milliseconds.
    pub fn wait(&self, most_ms: u64, alive: &mut dyn FnMut()) -> Waited {
        let started = Moment::now();
        self.enter(State::Hurried, &[State::Retired]);
        let mut asked = Moment::now();
        let goes_on = || match self.state() {
            State::Hurried => true,
            State::Retired => self.left() > 0, // another one is at it
            State::Idle | State::Poked => false,
        };
        while goes_on() && started.elapsed() < Duration::from_millis(most_ms) {
            if self.stores.levels.takes() {
                asked = Moment::now();
            }
            if asked.elapsed() > HOPELESS {
                break;
            }
            process::pause(Duration::from_millis(20));
            alive();
        }
        let left = self.left() as u64;
        Waited { left, done: left == 0 && !self.is_hurried() }
    }

    /// Uploads, as long as it is the one that does.
    fn run(&self) {
        let _alone = locked(&self.alone);
        process::be_nice();
        let (mut some_left, mut pause, mut before) = (true, AGAIN, State::Idle);
        while !self.is_retired() {
            some_left |= self.wait_for_poke(before);
            before = self.state();
            let backs = std::mem::take(&mut *locked(&self.backs));
            backs.iter().for_each(|back| self.stores.levels.write_back(back));
            let hurry = self.is_hurried();
            if !self.stores.levels.takes() {
                continue; // everything stays where it is
            }
            if hurry || some_left {
                let uploaded = self.stores.uploaded();
                let failed = self.upload_all(&due(self.waiting(), hurry));
                if failed > 0 {
                    // What one level takes and another does not stays here, and nobody looks at it all the time.
                    pause = if self.stores.uploaded() > uploaded {
                        AGAIN
                    } else {
                        (pause * 2).min(LONGEST_AGAIN)
                    };
                    self.rest(if hurry { AGAIN } else { pause });
                    continue;
                }
            }
            pause = AGAIN;
            let left = self.waiting();
            some_left = !left.is_empty();
            if due(left, hurry).is_empty() {
                if !self.bundles.write(if hurry { Duration::ZERO } else { QUIET }) {
                    self.rest(AGAIN);
                }
                if hurry && !some_left && self.bundles.is_written() {
                    self.enter(State::Poked, &[State::Retired]); // what came meanwhile is seen
                }
            }
        }
    }

    /// Waits until there is something new, or another state than before, but not longer than [`LOOK`]; whether there is something new.
    fn wait_for_poke(&self, before: State) -> bool {
        let mut state = locked(&self.state);
        let is_as_before = *state == State::Hurried && before == State::Hurried;
        if *state == State::Idle || is_as_before {
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        let is_poked = *state == State::Poked;
        if is_poked {
            *state = State::Idle;
        }
        is_poked
    }

    /// Does nothing for a while, unless a person begins to wait or another one is to upload.
    fn rest(&self, most: Duration) {
        let (started, hurry) = (Moment::now(), self.is_hurried());
        while started.elapsed() < most && !self.is_retired() && self.is_hurried() == hurry {
            process::pause(Duration::from_millis(100));
        }
    }

    /// What is in the queue for these stores.
    fn waiting(&self) -> Vec<Waiting> {
        let queue = self.stores.place.queue();
        queue::shorten(&queue, MOST);
        let (waiting, dropped) = queue::waiting(&queue, &self.stores.id);
        if dropped > 0 {
            self.stores.log.say(&format!(
                "{dropped} uploads are dropped that cannot be read (an older kiln queued them?); `kiln push` uploads what is still here"
            ));
        }
        waiting
    }

    /// How many are in the queue for these stores.
    pub fn left(&self) -> usize {
        queue::count(&self.stores.place.queue(), &self.stores.id)
    }

    /// Uploads these, several at once; how many could not be.
    fn upload_all(&self, waiting: &[Waiting]) -> usize {
        let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            process::be_nice();
            while let Some(one) = waiting.get(next.fetch_add(1, Ordering::SeqCst)) {
                self.let_others_go_first();
                match self.upload(&one.queued.product) {
                    Ok(()) => self.over(one),
                    Err(_) if !self.stores.levels.takes() || self.is_retired() => {
                        failed.fetch_add(waiting.len(), Ordering::SeqCst);
                        return;
                    }
                    Err(_) => drop(failed.fetch_add(1, Ordering::SeqCst)),
                }
            }
        };
        thread::scope(|scope| {
            let most = 0..AT_ONCE.min(waiting.len());
            if most.map_while(|_| thread::start_scoped(scope, work).ok()).count() == 0 {
                work();
            }
        });
        failed.into_inner()
    }

    /// Something of the queue is where it belongs.
    fn over(&self, one: &Waiting) {
        let product = &one.queued.product;
        locked(&self.sent).retain(|(_, sent)| sent != sent_as(product));
        match product {
            Product::Unit { weak, key, workspace, .. } => {
                if let Some(workspace) = workspace {
                    self.bundles.used(workspace, *weak, *key);
                }
                self.in_flight.forget(Ask::Result(*key));
                self.in_flight.forget(Ask::Shapes(*weak));
            }
            Product::Snapshot(key) => self.in_flight.forget(Ask::Snapshot(*key)),
        }
        // Of an incremental unit there may be a newer one by this name now.
        let same =
            files::lstat(&one.path).ok().flatten().is_some_and(|stat| stat.identity.mtime_ns == one.since_ns);
        if same {
            let _ = files::remove(&one.path);
        }
    }

    /// Waits while clients wait, for a while.
    fn let_others_go_first(&self) {
        let started = Moment::now();
        while self.ahead.load(Ordering::SeqCst) > 0 && started.elapsed() < Duration::from_millis(300) {
            process::pause(Duration::from_millis(5));
        }
    }

    /// Uploads a snapshot, or a result with its blobs and its Shapes, to every level that may be written to, and once to each: another one
    /// may fail for days. What is not here any more is over.
    fn upload(&self, product: &Product) -> Result<(), Fault> {
        let (stores, name) = (&self.stores, sent_as(product));
        let has = |level: usize| locked(&self.sent).contains(&(level, *name));
        let lacks = |(level, store): &(usize, &Level)| store.is_writable() && !has(*level);
        let (takes, refuse): (Vec<_>, Vec<_>) =
            stores.levels.stores().iter().enumerate().filter(lacks).partition(|(_, store)| store.takes());
        let mut outcome = if refuse.is_empty() { Ok(()) } else { Err(Fault::GivenUp) };
        let packed = match product {
            Product::Unit { key, .. } if !takes.is_empty() => shelf::pack(&stores.local, key),
            _ => None,
        };
        for (level, store) in takes {
            let uploaded = match product {
                Product::Unit { weak, key, .. } => {
                    let unit = packed
                        .as_ref()
                        .map_or(Ok(()), |(unit, apart)| upload_to(stores, store, key, (unit, apart), false));
                    unit.and_then(|()| upload_shapes(stores, store, weak))
                }
                Product::Snapshot(key) => upload_snapshot(stores, store, key, false),
            };
            match uploaded {
                Ok(()) | Err(Fault::TooLarge) => self.sent(level, name),
                Err(fault) => outcome = Err(fault),
            }
        }
        outcome
    }

    /// A level has it now.
    fn sent(&self, level: usize, name: &[u8; 32]) {
        let mut sent = locked(&self.sent);
        if sent.len() >= MOST_SENT {
            sent.clear(); // they are sent once more
        }
        sent.insert((level, *name));
    }

    /// Uploads everything that is in the local store, may leave this machine and is on no level yet; of the snapshots these.
    pub fn push(&self, snapshots: &[SnapshotKey], alive: &mut dyn FnMut()) -> Pushed {
        let stores = &self.stores;
        let entries = stores.local.entries().unwrap_or_default();
        let travel = Travel::of(stores, alive);
        let (keys, held): (Vec<ActionKey>, Vec<_>) =
            entries.into_iter().map(|entry| entry.key).partition(|key| travel.may(key));
        let (snapshots, unread): (Vec<_>, Vec<_>) =
            stores.local.snapshots().unwrap_or_default().into_iter().partition(|key| snapshots.contains(key));
        let stayed = (held.len() + unread.len()) as u64;
        let mut pushed = Pushed { results: keys.len() as u64, stayed, failed: 0 };
        let writable = || stores.levels.stores().iter().filter(|store| store.is_writable());
        let failure = |outcome: Result<(), Fault>| outcome.is_err_and(|fault| fault != Fault::TooLarge);
        for key in &keys {
            alive();
            let Some((unit, apart)) = shelf::pack(&stores.local, key) else { continue };
            let fails = |store: &&Level| failure(upload_to(stores, store, key, (&unit, &apart), true));
            pushed.failed += writable().filter(fails).count() as u64;
            if pushed.failed > 0 && !stores.levels.takes() {
                return pushed;
            }
        }
        for weak in &stores.local.weak_keys().unwrap_or_default() {
            alive();
            let fails = writable().try_for_each(|store| upload_shapes(stores, store, weak)).is_err();
            pushed.failed += u64::from(fails);
        }
        for key in snapshots {
            alive();
            let fails = |store: &&Level| failure(upload_snapshot(stores, store, &key, true));
            pushed.failed += writable().filter(fails).count() as u64;
        }
        pushed
    }
}

fn due(mut waiting: Vec<Waiting>, hurry: bool) -> Vec<Waiting> {
    let now = clock::realtime_ns();
    waiting
        .retain(|waiting| hurry || !waiting.queued.product.is_passing() || is_settled(waiting.since_ns, now));
    waiting
}

/// What was put there in the future was put there before somebody set the clock.
fn is_settled(since_ns: i64, now_ns: i64) -> bool {
    !(0..SETTLED_NS).contains(&(now_ns - since_ns))
}

/// What it is uploaded as: of an incremental unit one result after the other.
fn sent_as(product: &Product) -> &[u8; 32] {
    match product {
        Product::Unit { key, .. } => key.name(),
        Product::Snapshot(key) => key.name(),
    }
}

fn upload_snapshot(stores: &Stores, store: &Level, key: &SnapshotKey, if_missing: bool) -> Result<(), Fault> {
    let name = pack::name(Kind::Snapshot, key.name());
    if if_missing && store.has(&name)? {
        return Ok(());
    }
    match shelf::get(&stores.local, Key::Snapshot(*key)) {
        Some(file) => store.keep(&name, &pack::seal(Kind::Snapshot, key.name(), &file)),
        None => Ok(()),
    }
}

fn upload_to(
    stores: &Stores,
    store: &Level,
    key: &ActionKey,
    (unit, apart): (&[u8], &[Digest]),
    if_missing: bool,
) -> Result<(), Fault> {
    let name = pack::name(Kind::Result, key.name());
    if if_missing && store.has(&name)? {
        return Ok(());
    }
    for digest in apart {
        let blob = pack::name(Kind::Blob, &digest.hash);
        if store.has(&blob)? {
            continue;
        }
        let _alone =
            (digest.size > HUGE).then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(bytes) = shelf::get(&stores.local, Key::Blob(*digest)) else { return Ok(()) };
        store.keep(&blob, &pack::seal(Kind::Blob, &digest.hash, &bytes))?;
    }
    store.keep(&name, unit)
}

fn upload_shapes(stores: &Stores, store: &Level, weak: &WeakKey) -> Result<(), Fault> {
    let shapes = stores.shared_shapes(weak);
    shapes.map_or(Ok(()), |shapes| store.add_shapes(weak, &shapes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Log;
    use kiln_protocol::{DaemonPlace, Hello};
    use kiln_store::LocalStore;

    fn uploader(cache: &std::path::Path) -> Arc<Uploader> {
        let (place, local) = (DaemonPlace::new(cache), Arc::new(LocalStore::open(cache).unwrap()));
        place.make().unwrap();
        let stores = Arc::new(Stores::open(&Hello::default(), &local, &place, &Log::open(place.root())));
        let bundles = Arc::new(Bundles::new(&stores));
        Arc::new(Uploader::new(&stores, &bundles, &Arc::default()))
    }

    /// One that is retired stays so, whatever there is to do; who waits for one that is appointed hears when it is done; what comes while
    /// somebody waits is looked at afterwards.
    #[test]
    fn an_uploader_works_while_it_is_appointed() {
        let directory = tempfile::tempdir().unwrap();
        let uploader = uploader(directory.path());
        uploader.poke();
        assert_eq!(uploader.state(), State::Retired);
        for _ in 0..3 {
            uploader.appoint();
            uploader.appoint();
            assert_eq!(uploader.wait(20_000, &mut || uploader.poke()), Waited { left: 0, done: true });
            assert!([State::Poked, State::Idle].contains(&uploader.state()));
            uploader.poke();
            uploader.retire();
            drop(locked(&uploader.alone)); // its thread is over
            assert_eq!(uploader.state(), State::Retired);
        }
    }

    /// Clients that wait go first, as long as they do.
    #[test]
    fn a_client_is_ahead_as_long_as_it_waits() {
        let directory = tempfile::tempdir().unwrap();
        let uploader = uploader(directory.path());
        let two = (uploader.give_way(), uploader.give_way());
        assert_eq!(uploader.ahead.load(Ordering::SeqCst), 2);
        drop(two);
        assert_eq!(uploader.ahead.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_clock_that_was_set_keeps_nothing_back() {
        let now = 1_700_000_000_000_000_000;
        let hour = 3_600_000_000_000;
        assert!(!is_settled(now, now) && !is_settled(now - SETTLED_NS + 1, now));
        assert!(
            is_settled(now - SETTLED_NS, now) && is_settled(now - hour, now) && is_settled(now + hour, now)
        );
    }
}
