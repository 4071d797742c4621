//! The daemon's program with clients of other times, without descriptors, with two stores of which one refuses.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

use kiln_action::{ActionKey, ActionResult, SnapshotKey, WeakKey};
use kiln_protocol::message::{self, PROTOCOL, RETIRE, tag};
use kiln_protocol::{Client, DaemonPlace, Hello, Product, Queued, RemoteCache, Resolve, Wanted};
use kiln_remote::pack::{self, Kind};
use kiln_store::{Content, Key, LocalStore, Store};
use kiln_testkit::mounted::Mounted;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

struct Daemon(Child);

impl Daemon {
    fn spawn(cache: &Path) -> Daemon {
        Daemon(Command::new(env!("CARGO_BIN_EXE_kiln-daemon")).arg(cache).spawn().unwrap())
    }

    fn start(cache: &Path) -> Daemon {
        let daemon = Daemon::spawn(cache);
        reached(cache);
        daemon
    }

    fn ends(&mut self) {
        until(|| self.0.try_wait().unwrap().is_some());
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn until(mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(20), "it never is");
        thread::sleep(Duration::from_millis(5));
    }
}

fn reached(cache: &Path) -> UnixStream {
    let mut stream = None;
    until(|| {
        stream = DaemonPlace::new(cache).connect().ok();
        stream.is_some()
    });
    stream.unwrap()
}

fn hello(protocol: u32, urls: &[&str]) -> Hello {
    let urls = urls.iter().map(|&url| url.to_owned()).collect();
    Hello { protocol, version: "t".into(), urls, ..Hello::default() }
}

fn cache() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    (directory, cache)
}

/// What a client of another protocol hears: our number, and no answer to what it might mean.
#[test]
fn clients_of_other_times() {
    let (_directory, cache) = cache();
    let mut daemon = Daemon::start(&cache);
    for protocol in [0, PROTOCOL + 1, u32::MAX] {
        let mut stream = reached(&cache);
        let mut words = hello(protocol, &[]).encode();
        words.extend(b"and whatever else their Hello says");
        message::send(&mut stream, tag::HELLO, &words).unwrap();
        let (answer, body) = message::receive(&mut stream).unwrap();
        assert_eq!((answer, &body[..4]), (tag::TEXT, &PROTOCOL.to_le_bytes()[..]), "{protocol}");
        message::send(&mut stream, tag::STATUS, b"").unwrap();
        assert_eq!(message::receive(&mut stream).unwrap().0, tag::REFUSED);
    }
    assert!(daemon.lives());
}

/// A newer client asks it to go and starts its own: that one waits until the old one is gone, and takes its place.
#[test]
fn it_goes_when_it_is_asked_to_and_another_takes_its_place() {
    let (_directory, cache) = cache();
    let mut current = Daemon::start(&cache);
    for _ in 0..10 {
        let mut stream = reached(&cache);
        message::send(&mut stream, tag::HELLO, &hello(PROTOCOL + 1, &[]).encode()).unwrap();
        message::receive(&mut stream).unwrap();
        message::send(&mut stream, RETIRE, b"").unwrap();
        assert_eq!(message::receive(&mut stream).unwrap().0, tag::TEXT);
        let mut next = Daemon::spawn(&cache);
        current.ends();
        let client = Client::new(&cache, hello(PROTOCOL, &["file:///"]), None).for_a_person();
        until(|| Client::new(&cache, hello(PROTOCOL, &["file:///"]), None).is_there());
        assert_eq!(client.status().unwrap().process, next.0.id());
        assert!(next.lives());
        current = next;
    }
    // As long as there is one that answers, nobody else becomes one.
    Daemon::spawn(&cache).ends();
    assert!(current.lives());
}

/// More connections than it has descriptors for: some hear nothing, and when they are gone it is as before.
#[test]
fn without_descriptors() {
    let (_directory, cache) = cache();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" \"$1\"", env!("CARGO_BIN_EXE_kiln-daemon")]).arg(&cache);
    let mut daemon = Daemon(command.spawn().unwrap());
    reached(&cache);
    let greeted = |stream: &mut UnixStream| {
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        message::send(stream, tag::HELLO, &hello(PROTOCOL, &[]).encode()).is_ok()
            && message::receive(stream).is_ok()
    };
    let mut held: Vec<UnixStream> = (0..60).filter_map(|_| DaemonPlace::new(&cache).connect().ok()).collect();
    assert!(!greeted(held.last_mut().unwrap()));
    let spent = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let words: Vec<&str> = stat.split(' ').collect();
        words[13].parse::<u64>().unwrap() + words[14].parse::<u64>().unwrap()
    };
    let before = spent(daemon.0.id());
    thread::sleep(Duration::from_secs(1));
    assert!(spent(daemon.0.id()) - before < 20, "it spins");
    held.clear();
    until(|| greeted(&mut reached(&cache)));
    assert!(daemon.lives());
}

/// A near store that takes what a far one refuses gets it once, and not every few seconds for as long as the other refuses.
#[test]
fn what_one_level_has_is_not_sent_again() {
    let Some(refusing) = Mounted::with_room_for(64) else { return };
    refusing.make_read_only();
    let (directory, cache) = cache();
    let near = directory.path().join("near");
    fs::create_dir(&near).unwrap();
    let urls = [format!("file://{}", near.display()), format!("file://{}", refusing.path().display())];
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let store = LocalStore::open(&cache).unwrap();
    let key = ActionKey::of_name([5; 32]);
    store.put(&Key::Result(key), Content::Bytes(&ActionResult::default().encode(&key))).unwrap();
    let _daemon = Daemon::start(&cache);
    let client = Client::new(&cache, hello(PROTOCOL, &urls), None);
    let product = Product::Unit { weak: WeakKey::of_name([1; 32]), key, workspace: None, incremental: false };
    let queued = Queued { remotes: client.stores(), product };
    queued.enqueue(&client.place().queue()).unwrap();
    client.kept(1, 1);
    let object = near.join("kiln2/main").join(pack::name(Kind::Result, key.name()));
    until(|| object.exists());
    let (inode, waiting) = (fs::metadata(&object).unwrap().ino(), client.place().queue());
    thread::sleep(Duration::from_secs(5));
    assert_eq!(fs::metadata(&object).unwrap().ino(), inode, "it was written again");
    assert_eq!(fs::read_dir(waiting).unwrap().count(), 1, "the other store may take it some day");
}

/// A snapshot is uploaded from one machine and brought to another; the next one of its name takes its place, and one that was sealed for
/// another build is none.
#[test]
fn a_snapshot_travels_under_its_name() {
    let (directory, ours) = cache();
    let theirs = directory.path().join("theirs");
    let share = directory.path().join("share");
    fs::create_dir(&share).unwrap();
    let url = format!("file://{}", share.display());
    let _daemons = (Daemon::start(&ours), Daemon::start(&theirs));
    let key = SnapshotKey::of(b"a build");
    let object = share.join("kiln2/main").join(pack::name(Kind::Snapshot, key.name()));
    let store = LocalStore::open(&ours).unwrap();
    let client = |cache: &Path| Client::new(cache, hello(PROTOCOL, &[&url]), None);
    let upload = |body: &[u8]| {
        store.put(&Key::Snapshot(key), Content::Bytes(&key.seal(body))).unwrap();
        let before = fs::read(&object).ok();
        let client = client(&ours);
        Queued { remotes: client.stores(), product: Product::Snapshot(key) }
            .enqueue(&client.place().queue())
            .unwrap();
        client.kept(1, 1);
        until(|| fs::read(&object).is_ok_and(|now| Some(now) != before));
    };
    let brought = || {
        let there = LocalStore::open(&theirs).unwrap();
        let _ = fs::remove_dir_all(theirs.join("v1/snapshots"));
        let wanted = Wanted::Snapshot(key);
        let resolved =
            client(&theirs).resolve(&Resolve { wanted, build: 1, cost_ms: 20_000, most_ms: u32::MAX });
        (resolved.found, there.get(&[Key::Snapshot(key)]).pop().flatten())
    };
    for body in [&b"its calls"[..], b"other calls"] {
        upload(body);
        assert_eq!(brought(), (true, Some(key.seal(body))));
    }
    let other = SnapshotKey::of(b"another build").seal(b"calls");
    fs::write(&object, pack::seal(Kind::Snapshot, key.name(), &other)).unwrap();
    assert_eq!(brought(), (false, None));
}

/// What was wrong with the settings may be right later: a daemon does not remember for ever that a certificate was missing.
#[test]
fn complaints_are_looked_into_again() {
    let (directory, cache) = cache();
    let _daemon = Daemon::start(&cache);
    let ca = directory.path().join("ca.pem");
    let url = format!("rediss://localhost?ca={}", ca.display());
    let complaints = || {
        let client = Client::new(&cache, hello(PROTOCOL, &[&url]), None).for_a_person();
        !client.status().unwrap().complaints.is_empty()
    };
    assert!(complaints());
    fs::write(&ca, "").unwrap();
    until(|| !complaints());
}
