//! The daemon from its first to its last moment: one for a cache directory and machine, gone when nobody needs it.

use crate::counters::{self, Counters};
use crate::desk::{Desk, begin};
use crate::log::Log;
use crate::{maintenance, uploads};
use kiln_action::wire::Reader;
use kiln_protocol::message::{self, PROTOCOL, tag};
use kiln_protocol::{
    Chore, Hello, Message, Place, Prefetched, Pushed, Resolve, Status, Tried, TriedStore, Waited, Workspace,
};
use kiln_remote::progress;
use kiln_store::LocalStore;
use kiln_sys::clock::Moment;
use kiln_sys::files::{self, Lock};
use kiln_sys::process;
use kiln_sys::socket::Stream;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Without anything to do for so long, it stops.
const IDLE: Duration = Duration::from_secs(600);
/// Counters are written down so often.
const WRITE_DOWN: Duration = Duration::from_secs(5);

/// So many connections there are at once: a build has as many as it has jobs.
const MOST_CONNECTIONS: u32 = 512;
/// So many sets of stores and credentials at once; the one that was used longest ago goes.
const MOST_DESKS: usize = 8;
/// A desk with something wrong in its settings is opened again after so long: what was wrong may be right by now.
const COMPLAINING: Duration = Duration::from_secs(5);
/// A daemon before this one may need so long to end.
const ENDING: Duration = Duration::from_secs(1);

/// Stores that are left alone for so long are not waited for by a person either.
const HOPELESS: Duration = Duration::from_secs(15);

struct Daemon {
    store: Arc<LocalStore>,
    place: Place,
    log: Log,
    desks: Mutex<HashMap<[u8; 32], Arc<Desk>>>,
    started: Moment,
    last: Mutex<Moment>,
    connections: AtomicU32,
    over: Mutex<bool>,
    ended: Condvar,
    /// What the daemons before this one counted, and desks that are gone.
    before: Mutex<Counters>,
}

/// Serves a cache directory until nobody needs it; the exit code.
pub fn run(cache: &Path, idle: Option<Duration>) -> i32 {
    let place = Place::new(cache);
    if place.make().is_err() {
        return 1;
    }
    let Some(_lock) = become_the_one(&place) else { return 0 };
    place.tidy();
    let log = Log::open(place.root());
    let store = match LocalStore::open(cache) {
        Ok(store) => Arc::new(store),
        Err(error) => {
            log.say(&error.to_string());
            return 1;
        }
    };
    let listener = match place.listen() {
        Ok(listener) => listener,
        Err(error) => {
            log.say(&format!("cannot listen: {error}"));
            return 1;
        }
    };
    let _ = files::remove(&place.silent()); // that was another one
    log.say(&format!("started, version {}", env!("CARGO_PKG_VERSION")));
    let daemon = Arc::new(Daemon {
        before: Mutex::new(counters::read(&place)),
        store,
        place,
        log,
        desks: Mutex::default(),
        started: Moment::now(),
        last: Mutex::new(Moment::now()),
        connections: AtomicU32::new(0),
        over: Mutex::new(false),
        ended: Condvar::new(),
    });
    let watching = daemon.clone();
    let watches = begin(move || watching.watch(idle.unwrap_or(IDLE)));
    let serving = daemon.clone();
    let serves = begin(move || {
        for stream in listener.incoming() {
            match stream {
                Ok(stream) => serving.admit(stream),
                Err(_) => process::pause(Duration::from_millis(50)), // there are no descriptors left
            }
        }
    });
    if !watches || !serves {
        daemon.log.say("no thread can be had");
        return 1;
    }
    let mut over = locked(&daemon.over);
    while !*over {
        over = daemon.ended.wait(over).unwrap_or_else(PoisonError::into_inner);
    }
    drop(over);
    daemon.write_counters();
    daemon.log.say("stopped");
    let _ = files::remove(&daemon.place.started()); // whoever needs one next may start it at once
    let _ = files::remove(&daemon.place.socket()); // the last sign of life
    0
}

/// There is one daemon for a cache directory; `None` if there is another that somebody can speak to.
fn become_the_one(place: &Place) -> Option<Lock> {
    let started = Moment::now();
    loop {
        match Lock::try_exclusive(&place.lock()) {
            Ok(Some(lock)) => return Some(lock),
            // It was asked to go, and is about to.
            Ok(None) if place.connect().is_err() && started.elapsed() < ENDING => {
                process::pause(Duration::from_millis(10));
            }
            _ => return None,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Daemon {
    /// Stops the daemon when nobody has asked for anything and nothing has been uploaded for so long, whatever still waits in the
    /// queue (a remote may be dead for days), and when its directory is gone.
    fn watch(&self, idle: Duration) {
        let mut kept = 0;
        loop {
            process::pause(WRITE_DOWN.min(idle / 2));
            if !files::lstat(&self.place.socket()).is_ok_and(|found| found.is_some()) {
                return self.finish(); // nobody can come any more
            }
            self.write_counters();
            let now = self.desks().iter().map(|desk| desk.kept()).sum();
            if self.connections.load(Ordering::SeqCst) > 0 || now != kept {
                *locked(&self.last) = Moment::now();
            } else if locked(&self.last).elapsed() >= idle {
                return self.finish();
            }
            kept = now;
        }
    }

    /// The end.
    fn finish(&self) {
        *locked(&self.over) = true;
        self.ended.notify_all();
    }

    fn desks(&self) -> Vec<Arc<Desk>> {
        locked(&self.desks).values().cloned().collect()
    }

    fn admit(self: &Arc<Daemon>, stream: Stream) {
        if self.connections.load(Ordering::SeqCst) < MOST_CONNECTIONS {
            let daemon = self.clone();
            begin(move || daemon.serve(stream));
        }
    }

    fn serve(self: &Arc<Daemon>, mut stream: Stream) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        *locked(&self.last) = Moment::now();
        let mut desk = None;
        while let Ok((tag, body)) = message::receive(&mut stream) {
            let answered = match (tag, &desk) {
                (tag::HELLO, _) => self.greet(&mut stream, &body, &mut desk),
                (message::RETIRE | tag::STOP, _) => {
                    if tag == message::RETIRE {
                        let _ = files::remove(&self.place.socket()); // so that its successor sees that it goes
                    }
                    let answered = message::send(&mut stream, tag::TEXT, b"");
                    self.finish();
                    answered
                }
                (_, None) => message::send(&mut stream, tag::REFUSED, b"who are you?"),
                (tag, Some(desk)) => self.answer(&mut stream, tag, &body, desk),
            };
            if answered.is_err() {
                break;
            }
        }
        self.connections.fetch_sub(1, Ordering::SeqCst);
        *locked(&self.last) = Moment::now();
    }

    fn greet(
        self: &Arc<Daemon>,
        stream: &mut Stream,
        body: &[u8],
        desk: &mut Option<Arc<Desk>>,
    ) -> std::io::Result<()> {
        match Hello::decode(body) {
            Ok(hello) if hello.protocol == PROTOCOL => *desk = Some(self.desk(&hello)),
            _ => *desk = None, // it sees by our protocol what is to be done
        }
        let mut answer = PROTOCOL.to_le_bytes().to_vec();
        answer.extend(env!("CARGO_PKG_VERSION").as_bytes());
        message::send(stream, tag::TEXT, &answer)
    }

    fn desk(self: &Arc<Daemon>, hello: &Hello) -> Arc<Desk> {
        let mut desks = locked(&self.desks);
        let print = hello.print();
        let known = desks.get(&print).cloned();
        let stale = |desk: &Arc<Desk>| !desk.complaints.is_empty() && desk.opened.elapsed() > COMPLAINING;
        let desk = match known.filter(|desk| !stale(desk)) {
            Some(known) => known,
            None => {
                let desk = Arc::new(Desk::open(hello, &self.store, &self.place, &self.log));
                desks.insert(print, desk.clone()).inspect(|before| self.retire(before));
                desk
            }
        };
        *locked(&desk.greeted) = Moment::now();
        if desks.len() > MOST_DESKS {
            let others = desks.iter().filter(|(other, _)| **other != print);
            let oldest =
                others.max_by_key(|(_, desk)| locked(&desk.greeted).elapsed()).map(|(print, _)| *print);
            oldest.and_then(|oldest| desks.remove(&oldest)).inspect(|desk| self.retire(desk));
        }
        appoint(&desk, desks.values());
        desk
    }

    /// It is no desk of the daemon's any more; whoever still speaks to it may go on.
    fn retire(&self, desk: &Desk) {
        desk.uploads.store(false, Ordering::SeqCst);
        counters::add(&mut locked(&self.before), &desk.levels);
    }

    fn answer(&self, stream: &mut Stream, tag: u8, body: &[u8], desk: &Arc<Desk>) -> std::io::Result<()> {
        let mut said = Moment::now();
        let mut sign = stream.try_clone()?;
        let mut alive = move || {
            if said.elapsed() > Duration::from_millis(150) {
                let _ = message::send(&mut sign, tag::WORKING, &progress::seen().to_le_bytes());
                said = Moment::now();
            }
        };
        let refuse = |stream: &mut Stream, why: &[u8]| message::send(stream, tag::REFUSED, why);
        let answer = match tag {
            tag::RESOLVE => {
                let Ok(wanted) = Resolve::decode(body) else { return refuse(stream, b"not a question") };
                let resolved = desk.resolve(&wanted, &mut alive);
                return message::send(stream, tag::RESOLVED, &resolved.encode());
            }
            tag::KEPT => {
                let mut from = Reader(body);
                if let (Ok(build), Ok(took)) = (from.u32(), from.u32()) {
                    desk.budgets.compiled(build, took);
                }
                desk.poke();
                return Ok(());
            }
            tag::STATUS => self.status(desk).encode(),
            tag::TRY => try_all(desk, &mut alive).encode(),
            tag::WAIT => {
                let Ok(most_ms) = u64::decode(body) else { return refuse(stream, b"not a span") };
                wait(desk, most_ms, &mut alive).encode()
            }
            tag::PREFETCH => {
                let Ok(workspace) = Workspace::decode(body) else {
                    return refuse(stream, b"not a workspace");
                };
                prefetch(desk, &workspace, &mut alive).encode()
            }
            tag::PUSH => {
                let (results, failed) = uploads::push(desk, &mut alive);
                Pushed { results: results as u64, failed: failed as u64 }.encode()
            }
            tag::MAINTAIN => {
                let Ok(chore) = Chore::decode(body) else { return refuse(stream, b"not a chore") };
                maintenance::run(&desk.levels, &chore, &mut alive).encode()
            }
            _ => return refuse(stream, b"not a word of this protocol"),
        };
        message::send(stream, tag::ANSWER, &answer)
    }

    fn status(&self, desk: &Desk) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            process: process::own_id(),
            up_ms: self.started.elapsed().as_millis() as u64,
            queue: uploads::left(desk) as u64,
            complaints: desk.complaints.clone(),
            stores: desk.levels.stores().iter().map(counters::status).collect(),
        }
    }

    /// The counters of all stores, by URL, on top of what was counted before.
    fn write_counters(&self) {
        let mut stores = locked(&self.before).clone();
        self.desks().iter().for_each(|desk| counters::add(&mut stores, &desk.levels));
        counters::write(&self.place, stores);
    }
}

/// Of several desks with the same stores the one that was greeted last uploads: its credentials are the ones that count now.
fn appoint<'a>(desk: &Arc<Desk>, all: impl Iterator<Item = &'a Arc<Desk>>) {
    for other in all.filter(|other| other.remotes == desk.remotes && !Arc::ptr_eq(other, desk)) {
        other.uploads.store(false, Ordering::SeqCst);
    }
    if !desk.uploads.swap(true, Ordering::SeqCst) {
        let uploading = desk.clone();
        if !begin(move || uploads::run(&uploading)) {
            desk.uploads.store(false, Ordering::SeqCst); // the next Hello tries again
        }
    }
}

/// Whether the stores answer, now.
fn try_all(desk: &Desk, alive: &mut dyn FnMut()) -> Tried {
    let tried = desk.levels.try_all(alive);
    let stores = desk.levels.stores().iter().zip(tried).map(|(store, tried)| TriedStore {
        url: store.spec().to_string(),
        writable: store.is_writable(),
        outcome: tried.map(|took| took.as_secs_f64() * 1000.0).map_err(|fault| fault.to_string()),
    });
    Tried { complaints: desk.complaints.clone(), stores: stores.collect() }
}

/// Finishes uploads, for at most so many milliseconds.
fn wait(desk: &Desk, most_ms: u64, alive: &mut dyn FnMut()) -> Waited {
    let started = Moment::now();
    desk.hurry.store(true, Ordering::SeqCst);
    desk.poke();
    let mut asked = Moment::now();
    while desk.hurry.load(Ordering::SeqCst) && started.elapsed() < Duration::from_millis(most_ms) {
        if desk.levels.takes() {
            asked = Moment::now();
        }
        if asked.elapsed() > HOPELESS {
            break;
        }
        process::pause(Duration::from_millis(20));
        alive();
    }
    let left = uploads::left(desk) as u64;
    Waited { left, done: left == 0 && !desk.hurry.load(Ordering::SeqCst) }
}

/// Brings a workspace's bundle, all of it.
fn prefetch(desk: &Arc<Desk>, workspace: &Workspace, alive: &mut dyn FnMut()) -> Prefetched {
    let bundle = desk.bundle(workspace);
    loop {
        let progress = bundle.progress();
        if progress.over {
            return Prefetched {
                segments: progress.segments as u64,
                fetched_segments: progress.came as u64,
                results: progress.results as u64,
                bytes: progress.bytes,
            };
        }
        bundle.wait(Duration::from_millis(200));
        alive();
    }
}
