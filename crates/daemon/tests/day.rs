//! A day of a busy team in half a minute, against the real program and a real server: afterwards it is as small as before.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

use kiln_action::shape::encode_shapes;
use kiln_action::{
    ActionKey, ActionResult, Digest, Output, OutputRole, Place, Placed, Question, Shape, WeakKey,
};
use kiln_protocol::message::{PROTOCOL, tag};
use kiln_protocol::{Client, Hello, Product, Queued, RemoteCache, Resolve, Wanted, Workspace};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Level, PackedUnit, Spec};
use kiln_store::{Content, Key, LocalStore, Store};
use kiln_testkit::servers;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// Keys that nobody else has.
fn name(kind: u8, n: u32) -> [u8; 32] {
    Digest::of(&[&[kind][..], &n.to_le_bytes()].concat()).hash
}

fn result(n: u32) -> (ActionResult, Vec<u8>) {
    let blob: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(n | 1) >> 7) as u8).collect();
    let output = Output {
        path: Placed { place: Place::Out, path: b"o".to_vec() },
        role: OutputRole::File,
        executable: false,
        digest: Digest::of(&blob),
    };
    (ActionResult { outputs: vec![output], cost_ms: 200, ..ActionResult::default() }, blob)
}

struct Team {
    cache: PathBuf,
    url: String,
    daemon: Child,
}

#[derive(Debug)]
struct Size {
    resident_kib: u64,
    threads: u64,
    descriptors: usize,
}

impl Team {
    fn start(cache: &Path) -> Child {
        let daemon = Command::new(env!("CARGO_BIN_EXE_kiln-daemon")).arg(cache).spawn().unwrap();
        let place = kiln_protocol::DaemonPlace::new(cache);
        let started = Instant::now();
        while place.connect().is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "it does not start");
            thread::sleep(Duration::from_millis(5));
        }
        daemon
    }

    fn hello(&self, credentials: u32) -> Hello {
        Hello {
            protocol: PROTOCOL,
            version: "day".into(),
            urls: vec![self.url.clone()],
            namespaces: vec!["main".into()],
            variables: vec![("AWS_SESSION_TOKEN".into(), credentials.to_string())],
        }
    }

    fn client(&self, credentials: u32) -> Client {
        Client::new(&self.cache, self.hello(credentials), None)
    }

    fn kill(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
        self.daemon = Team::start(&self.cache);
    }

    fn size(&self) -> Size {
        let directory = PathBuf::from(format!("/proc/{}", self.daemon.id()));
        let status = fs::read_to_string(directory.join("status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
        };
        let descriptors = fs::read_dir(directory.join("fd")).unwrap().count();
        Size { resident_kib: number("VmRSS:"), threads: number("Threads:"), descriptors }
    }

    /// What is to be uploaded is, and whoever was served is gone.
    fn settle(&self, credentials: u32) {
        let waited = self.client(credentials).for_a_person().wait(Duration::from_secs(60)).unwrap();
        assert!(waited.done, "{waited:?}");
        thread::sleep(Duration::from_millis(1200)); // desks that are gone notice within a second
    }

    /// One client of a build: units that are nowhere, and units that are far away.
    fn look_up(&self, client: &Client, of: u32, present: u32) {
        for n in 0..60 {
            let n = of * 1000 + n;
            let there = n.is_multiple_of(3);
            let key = if there { name(b'r', n % present) } else { name(b'a', n) };
            let workspace =
                n.is_multiple_of(10).then(|| Workspace { exact: name(b'x', n), near: name(b'n', n % 50) });
            let (weak, keys) = (WeakKey::of_name(name(b'w', n)), vec![ActionKey::of_name(key)]);
            let wanted = Wanted::Unit { weak, seen: [0; 32], keys, workspace };
            let wanted = Resolve { wanted, build: of, cost_ms: 10_000, most_ms: u32::MAX };
            let resolved = client.resolve(&wanted);
            assert!(there || !resolved.found);
        }
    }

    /// Who connects and vanishes in the middle of a word.
    fn vanish(&self, n: u32) {
        let place = kiln_protocol::DaemonPlace::new(&self.cache);
        let mut hello = Vec::new();
        kiln_protocol::message::send(&mut hello, tag::HELLO, &self.hello(0).encode()).unwrap();
        for words in
            [&hello[..], &hello[..9], b"\xff\xff\xff\xff", b"\x00\x00\x3f\x00RUBBISH", b"", &n.to_le_bytes()]
        {
            if let Ok(mut stream) = place.connect() {
                let _ = stream.write_all(words);
            }
        }
    }

    /// What a build makes is put into the local store and into the queue.
    fn make(&self, client: &Client, store: &LocalStore, n: u32) {
        let (result, blob) = result(n);
        let (weak, key) = (WeakKey::of_name(name(b'W', n)), ActionKey::of_name(name(b'R', n)));
        store.put(&Key::Blob(Digest::of(&blob)), Content::Bytes(&blob)).unwrap();
        store.put(&Key::Result(key), Content::Bytes(&result.encode(&key))).unwrap();
        let shape = Shape::new(vec![Question::Env(n.to_string().into())]);
        store.put(&Key::Shapes(weak), Content::Bytes(&encode_shapes(&weak, &[shape]))).unwrap();
        let workspace = Some(Workspace { exact: name(b'x', n % 200), near: name(b'n', n % 50) });
        let product = Product::Unit { weak, key, workspace, incremental: n.is_multiple_of(5) };
        let queued = Queued { remotes: client.stores(), product };
        queued.enqueue(&client.place().queue()).unwrap();
        client.kept(n, 100);
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn bytes_below(directory: &Path) -> (usize, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let stat = entry.metadata().unwrap();
        let below = if stat.is_dir() { bytes_below(&entry.path()) } else { (1, stat.len()) };
        files += below.0;
        bytes += below.1;
    }
    (files, bytes)
}

#[test]
fn a_day_of_a_busy_team() {
    const PRESENT: u32 = 300;
    let Some(server) = servers::redis() else { return };
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let url = servers::redis_url(server.address());
    let far = Level::open(&Spec::parse(&url).unwrap(), &["main".into()], &[], None).unwrap();
    for n in 0..PRESENT {
        let (result, blob) = result(n + 1);
        let key = ActionKey::of_name(name(b'r', n));
        let (packed, _) = PackedUnit::pack(&key, &result.encode(&key), &mut |_| Some(blob.clone())).unwrap();
        // Some of it is damaged, as it is in life.
        let bytes = if n % 10 == 9 { &packed[..packed.len() / 2] } else { &packed[..] };
        far.keep(&pack::name(Kind::Result, key.name()), bytes).unwrap();
    }
    let store = LocalStore::open(&cache).unwrap();
    let daemon = Team::start(&cache);
    let mut team = Team { cache, url, daemon };
    let (mut start, mut middle) = (None, None);
    for hour in 0..24 {
        if hour == 4 || hour == 8 {
            team.kill();
        }
        let team = &team;
        thread::scope(|scope| {
            for of in 0..8 {
                // Credentials are others every hour.
                scope.spawn(move || team.look_up(&team.client(hour), hour * 8 + of, PRESENT));
            }
            scope.spawn(move || (0..20).for_each(|n| team.vanish(n)));
            let (client, store) = (team.client(hour), &store);
            scope.spawn(move || (0..40).for_each(|n| team.make(&client, store, hour * 40 + n)));
        });
        if hour % 4 == 0 {
            team.settle(hour);
        }
        match hour {
            8 => start = Some(team.size()),
            16 => middle = Some(team.size()),
            _ => {}
        }
    }
    team.settle(23);
    let (start, middle, end) = (start.unwrap(), middle.unwrap(), team.size());
    assert!(end.resident_kib < 64 << 10, "{end:?}");
    assert!(end.resident_kib < middle.resident_kib + (6 << 10), "it grows: {middle:?} {end:?}");
    assert!(end.threads <= start.threads + 16, "threads are left: {start:?} {end:?}");
    // A desk keeps connections to its server.
    assert!(end.descriptors < 200, "descriptors are left: {start:?} {end:?}");
    let (files, bytes) = bytes_below(&team.cache.join("remote"));
    assert!(files < 60 && bytes < 4 << 20, "{files} files, {bytes} bytes");
    // And it has done its work.
    let uploaded = (0..24 * 40_u32).filter(|n| n % 5 > 0).filter(|n| {
        let key = ActionKey::of_name(name(b'R', *n));
        matches!(far.unit(&key), Ok(Some(_)))
    });
    assert_eq!(uploaded.count(), 24 * 40 * 4 / 5);
}
