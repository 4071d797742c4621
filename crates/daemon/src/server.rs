//! The daemon from its first to its last moment: one for a cache directory and machine, gone when nobody needs it.

use crate::counters::{self, Counters};
use crate::log::Log;
use crate::services::Services;
use crate::sync::{begin, locked};
use kiln_action::wire::Reader;
use kiln_protocol::message::{self, PROTOCOL, tag};
use kiln_protocol::{Chore, DaemonPlace, Hello, Message, Resolve, Status, Workspace};
use kiln_remote::progress;
use kiln_store::LocalStore;
use kiln_sys::clock::Moment;
use kiln_sys::files::{self, Lock};
use kiln_sys::process;
use kiln_sys::socket::Stream;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Without anything to do for so long, it stops.
const IDLE: Duration = Duration::from_secs(600);
/// Counters are written down so often.
const WRITE_DOWN: Duration = Duration::from_secs(5);

/// So many connections there are at once: a build has as many as it has jobs.
const MOST_CONNECTIONS: u32 = 512;
/// So many sets of stores and credentials at once; the one that was used longest ago goes.
const MOST_SERVICES: usize = 8;
/// A daemon before this one may need so long to end.
const ENDING: Duration = Duration::from_secs(1);

struct Daemon {
    store: Arc<LocalStore>,
    place: DaemonPlace,
    log: Log,
    /// By what a client's Hello means.
    services: Mutex<HashMap<[u8; 32], Arc<Services>>>,
    started: Moment,
    last: Mutex<Moment>,
    connections: AtomicU32,
    over: Mutex<bool>,
    ended: Condvar,
    /// What the daemons before this one counted, and stores that nobody means any more.
    before: Mutex<Counters>,
}

/// Serves a cache directory until nobody needs it; the exit code.
pub fn run(cache: &Path, idle: Option<Duration>) -> i32 {
    let place = DaemonPlace::new(cache);
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
        services: Mutex::default(),
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
fn become_the_one(place: &DaemonPlace) -> Option<Lock> {
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
            let now = self.all_services().iter().map(|one| one.stores.uploaded()).sum();
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

    fn all_services(&self) -> Vec<Arc<Services>> {
        locked(&self.services).values().cloned().collect()
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
        let mut services = None;
        while let Ok((tag, body)) = message::receive(&mut stream) {
            let answered = match (tag, &services) {
                (tag::HELLO, _) => self.greet(&mut stream, &body, &mut services),
                (message::RETIRE | tag::STOP, _) => {
                    if tag == message::RETIRE {
                        let _ = files::remove(&self.place.socket()); // so that its successor sees that it goes
                    }
                    let answered = message::send(&mut stream, tag::TEXT, b"");
                    self.finish();
                    answered
                }
                (_, None) => message::send(&mut stream, tag::REFUSED, b"who are you?"),
                (tag, Some(services)) => self.answer(&mut stream, tag, &body, services),
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
        services: &mut Option<Arc<Services>>,
    ) -> std::io::Result<()> {
        match Hello::decode(body) {
            Ok(hello) if hello.protocol == PROTOCOL => *services = Some(self.services(&hello)),
            _ => *services = None, // it sees by our protocol what is to be done
        }
        let mut answer = PROTOCOL.to_le_bytes().to_vec();
        answer.extend(env!("CARGO_PKG_VERSION").as_bytes());
        message::send(stream, tag::TEXT, &answer)
    }

    fn services(self: &Arc<Daemon>, hello: &Hello) -> Arc<Services> {
        let mut all = locked(&self.services);
        let print = hello.print();
        let known = all.get(&print).filter(|services| !services.is_stale()).cloned();
        let services = known.unwrap_or_else(|| {
            let services = Arc::new(Services::open(hello, &self.store, &self.place, &self.log));
            all.insert(print, services.clone()).inspect(|before| self.retire(before));
            services
        });
        services.greet();
        if all.len() > MOST_SERVICES {
            let others = all.iter().filter(|(other, _)| **other != print);
            let oldest = others.max_by_key(|(_, services)| services.unused()).map(|(print, _)| *print);
            oldest.and_then(|oldest| all.remove(&oldest)).inspect(|services| self.retire(services));
        }
        appoint(&services, all.values());
        services
    }

    /// No new client is served by these; whoever still speaks to them may go on.
    fn retire(&self, services: &Services) {
        services.uploader.retire();
        counters::add(&mut locked(&self.before), &services.stores.levels);
    }

    fn answer(&self, stream: &mut Stream, tag: u8, body: &[u8], services: &Services) -> std::io::Result<()> {
        let Services { resolver, bundles, uploader, maintenance, .. } = services;
        let mut reported = Moment::now();
        let mut sign = stream.try_clone()?;
        let mut alive = move || {
            if reported.elapsed() > Duration::from_millis(150) {
                let _ = message::send(&mut sign, tag::WORKING, &progress::seen().to_le_bytes());
                reported = Moment::now();
            }
        };
        let refuse = |stream: &mut Stream, why: &[u8]| message::send(stream, tag::REFUSED, why);
        let answer = match tag {
            tag::RESOLVE => {
                let Ok(wanted) = Resolve::decode(body) else { return refuse(stream, b"not a question") };
                let resolved = resolver.resolve(&wanted, &mut alive);
                return message::send(stream, tag::RESOLVED, &resolved.encode());
            }
            tag::KEPT => {
                let mut from = Reader(body);
                if let (Ok(build), Ok(took)) = (from.u32(), from.u32()) {
                    resolver.compiled(build, took);
                }
                uploader.poke();
                return Ok(());
            }
            tag::STATUS => self.status(services).encode(),
            tag::TRY => maintenance.try_stores(&mut alive).encode(),
            tag::WAIT => {
                let Ok(most_ms) = u64::decode(body) else { return refuse(stream, b"not a span") };
                uploader.wait(most_ms, &mut alive).encode()
            }
            tag::PREFETCH => {
                let Ok(workspace) = Workspace::decode(body) else {
                    return refuse(stream, b"not a workspace");
                };
                bundles.prefetch(&workspace, &mut alive).encode()
            }
            tag::PUSH => {
                let Ok(snapshots) = Vec::decode(body) else {
                    return refuse(stream, b"not a list of snapshots");
                };
                uploader.push(&snapshots, &mut alive).encode()
            }
            tag::MAINTAIN => {
                let Ok(chore) = Chore::decode(body) else { return refuse(stream, b"not a chore") };
                maintenance.run(&chore, &mut alive).encode()
            }
            _ => return refuse(stream, b"not a word of this protocol"),
        };
        message::send_long(stream, tag::ANSWER, &mut answer.as_slice())
    }

    fn status(&self, services: &Services) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            process: process::own_id(),
            up_ms: self.started.elapsed().as_millis() as u64,
            queue: services.uploader.left() as u64,
            complaints: services.stores.complaints.clone(),
            stores: services.stores.levels.stores().iter().map(counters::status).collect(),
        }
    }

    /// The counters of all stores, by URL, on top of what was counted before.
    fn write_counters(&self) {
        let mut stores = locked(&self.before).clone();
        self.all_services().iter().for_each(|one| counters::add(&mut stores, &one.stores.levels));
        counters::write(&self.place, stores);
    }
}

/// Of several that serve the same stores the one that was greeted last uploads: its credentials are the ones that count now.
fn appoint<'a>(services: &Arc<Services>, all: impl Iterator<Item = &'a Arc<Services>>) {
    let same = |other: &&Arc<Services>| other.stores.id == services.stores.id;
    let others = all.filter(same).filter(|other| !Arc::ptr_eq(other, services));
    others.for_each(|other| other.uploader.retire());
    services.uploader.appoint();
}
