//! A store in which somebody evil has written: every digest is right and nothing else is. Each object is a miss, is set aside, and
//! leaves nothing in the local store.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

use kiln_action::shape::{decode_shapes, encode_shapes};
use kiln_action::wire::Writer;
use kiln_action::{
    ActionKey, ActionResult, Digest, Output, OutputRole, Place, Placed, Question, Shape, WeakKey,
};
use kiln_protocol::message::PROTOCOL;
use kiln_protocol::{Client, Hello, RemoteCache, Resolve, Resolved, Wanted, Workspace};
use kiln_remote::bundle::{self, Cutter, Index, Item, Segment};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Level, Spec};
use kiln_store::{Key, LocalStore, Store};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

struct Scene {
    directory: tempfile::TempDir,
    daemon: Child,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Scene {
    fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let (cache, share) = (directory.path().join("cache"), directory.path().join("share"));
        fs::create_dir(&share).unwrap();
        let daemon = Command::new(env!("CARGO_BIN_EXE_kiln-daemon"))
            .arg(&cache)
            .env("SOME_TOKEN", "x")
            .spawn()
            .unwrap();
        let (place, started) = (kiln_protocol::DaemonPlace::new(&cache), Instant::now());
        while place.connect().is_err() {
            assert!(started.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(5));
        }
        Scene { directory, daemon }
    }

    fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    fn url(&self) -> String {
        format!("file://{}", self.directory.path().join("share").display())
    }

    fn store(&self) -> Level {
        Level::open(&Spec::parse(&self.url()).unwrap(), &["main".into()], &[], None).unwrap()
    }

    fn client(&self) -> Client {
        let hello = Hello {
            protocol: PROTOCOL,
            version: "t".into(),
            urls: vec![self.url()],
            namespaces: vec!["main".into()],
            variables: Vec::new(),
        };
        Client::new(&self.cache(), hello, None).for_a_person()
    }

    /// Asks for something as a new build would, until there is an answer that is not for want of time.
    fn resolve(&self, n: u8, workspace: Option<Workspace>) -> Resolved {
        self.resolve_within(n, workspace, u32::MAX)
    }

    fn resolve_within(&self, n: u8, workspace: Option<Workspace>, most_ms: u32) -> Resolved {
        let (weak, keys) = (WeakKey::of_name([n; 32]), vec![ActionKey::of_name([n; 32])]);
        let wanted = Wanted::Unit { weak, seen: [0; 32], keys, workspace };
        self.client().resolve(&Resolve { wanted, build: u32::from(n), cost_ms: 20_000, most_ms })
    }

    /// Asks until so many objects were found to be wrong: a build does not wait for that, nor for a daemon that is busy.
    #[track_caller]
    fn until_wrong(&self, n: u8, count: u64) {
        let started = Instant::now();
        loop {
            assert_eq!(self.resolve(n, None), Resolved::default(), "{n}");
            match self.wrong() {
                Some(wrong) if wrong == count => return,
                wrong => assert!(started.elapsed() < Duration::from_secs(90), "{wrong:?} instead of {count}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn wrong(&self) -> Option<u64> {
        Some(self.client().status().ok()?.stores.first()?.health.wrong)
    }

    fn resident_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.daemon.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.chars().filter(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap() >> 10
    }
}

fn output(place: Place, path: &str, digest: Digest) -> Output {
    Output { path: Placed { place, path: path.into() }, role: OutputRole::File, executable: true, digest }
}

fn body(key: [u8; 32], result: &ActionResult, blobs: &[(Digest, &[u8])]) -> Vec<u8> {
    let mut body = Writer::default();
    body.bytes(&result.encode(&ActionKey::of_name(key)));
    body.u32(blobs.len() as u32);
    for (digest, bytes) in blobs {
        body.digest(digest);
        body.bytes(bytes);
    }
    body.0
}

#[test]
fn what_is_written_by_somebody_evil() {
    let scene = Scene::new();
    let right = Digest::of(b"evil");
    let to = |n: u8, place, path: &str| {
        let outputs = vec![output(place, path, right)];
        body([n; 32], &ActionResult { outputs, ..ActionResult::default() }, &[(right, b"evil")])
    };
    let lies = Digest { size: 5, ..right };
    let bodies = [
        to(1, Place::Out, "../../../../../../etc/cron.d/evil"),
        to(2, Place::Out, "/etc/cron.d/evil"),
        to(3, Place::Literal, "/tmp/../etc/cron.d/evil"),
        to(4, Place::Output(0), "../.bashrc"),
        body(
            [5; 32],
            &ActionResult { outputs: vec![output(Place::Out, "x", lies)], ..ActionResult::default() },
            &[(lies, b"evil")],
        ),
        body(
            [6; 32],
            &ActionResult {
                outputs: vec![output(Place::Out, "x", Digest { size: u64::MAX, ..right })],
                ..ActionResult::default()
            },
            &[],
        ),
        vec![0; 300 << 20],
        to(99, Place::Out, "x"), // another key's
    ];
    for (n, body) in bodies.iter().enumerate() {
        let key = [n as u8 + 1; 32];
        scene.store().keep(&pack::name(Kind::Result, &key), &pack::seal(Kind::Result, &key, body)).unwrap();
        scene.until_wrong(n as u8 + 1, n as u64 + 1);
        let kept = LocalStore::open(&scene.cache()).unwrap();
        assert_eq!(kept.get(&[Key::Result(ActionKey::of_name(key))]), [None], "{n}");
    }
    let aside = fs::read_dir(scene.cache().join("remote/quarantine")).unwrap().count();
    assert_eq!(aside, bodies.len());
    assert!(scene.resident_mib() < 200, "{} MiB", scene.resident_mib());
}

/// (Not evil, but of the same scene: who fills a target asks for less time than a unit is worth.)
#[test]
fn nobody_waits_longer_than_he_says() {
    let scene = Scene::new();
    let right = Digest::of(b"right");
    let outputs = vec![output(Place::Out, "x", right)];
    let result = ActionResult { outputs, ..ActionResult::default() };
    for n in 1..=20 {
        let body = body([n; 32], &result, &[(right, b"right")]);
        let name = pack::name(Kind::Result, &[n; 32]);
        scene.store().keep(&name, &pack::seal(Kind::Result, &[n; 32], &body)).unwrap();
    }
    let at_once = (1..=20).filter(|n| scene.resolve_within(*n, None, 0).found).count();
    assert!(at_once < 20, "each of them was waited for");
    let started = Instant::now();
    while !scene.resolve(20, None).found {
        assert!(started.elapsed() < Duration::from_secs(30), "what nobody waited for never comes");
    }
}

#[test]
fn questions_without_end() {
    let scene = Scene::new();
    let weak = [7; 32];
    let asking = Shape::new((0..150_000_u32).map(|n| Question::Env(n.to_string().into())).collect());
    let packed = pack::seal(Kind::Shapes, &weak, &encode_shapes(&WeakKey::of_name(weak), &[asking]));
    scene.store().keep(&pack::name(Kind::Shapes, &weak), &packed).unwrap();
    scene.until_wrong(7, 1);
    assert!(scene.resident_mib() < 200, "{} MiB", scene.resident_mib());
}

/// A bundle that names more than there can be, and one whose segment is no stream.
#[test]
fn a_bundle_of_nothing() {
    let scene = Scene::new();
    let item = |n: u8, length: u32| Item { kind: Kind::Result, name: [n; 32], length, cost_ms: u32::MAX };
    let huge = |n: u8| {
        let digest = Digest { hash: [n; 32], size: 60 << 20 };
        let segment = Segment { digest, begins: true, items: vec![item(n, 60 << 20)] };
        Index { segments: vec![segment; 500] }
    };
    let result = body([99; 32], &ActionResult::default(), &[]);
    let other = pack::seal(Kind::Result, &[99; 32], &result);
    let digest = Digest::of(&other);
    scene.store().keep(&bundle::name(&digest), &other).unwrap();
    let other = Segment { digest, begins: true, items: vec![item(2, other.len() as u32)] };
    let no_stream = Index { segments: vec![other] };
    for (n, index) in [(1, huge(1)), (2, no_stream)] {
        let workspace = Workspace { exact: [n; 32], near: [n; 32] };
        scene.store().keep(&pack::name(Kind::Index, &[n; 32]), &index.seal(&[n; 32])).unwrap();
        assert_eq!(scene.resolve(n, Some(workspace)), Resolved::default(), "{n}");
        let kept = LocalStore::open(&scene.cache()).unwrap();
        let keys = [Key::Result(ActionKey::of_name([n; 32])), Key::Result(ActionKey::of_name([99; 32]))];
        assert_eq!(kept.get(&keys), [None, None], "{n}");
    }
    assert!(scene.resident_mib() < 100, "{} MiB", scene.resident_mib());
}

/// Shapes that ask for what may be a secret: its answer would make a key that whoever sees the store can guess from. They are refused
/// beside honest ones, by themselves and in a bundle, and it is said.
#[test]
fn questions_about_secrets() {
    let scene = Scene::new();
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let honest = Shape::new(vec![Question::Env(b"LANG".to_vec())]);
    let evil = [
        Question::Env(b"SECRET_PIN".to_vec()),
        Question::File(Placed::literal(&home.join(".netrc"))),
        Question::File(Placed::literal(&home.join(".cargo/../.netrc"))),
        Question::File(Placed { place: Place::Base, path: b"../../../.netrc".to_vec() }),
        Question::Listing(Placed::literal(&home)),
        Question::File(Placed::literal(std::path::Path::new("/proc/self/environ"))),
        Question::Environ,
    ];
    let until_here = |n: u8, workspace: Option<Workspace>| {
        let started = Instant::now();
        loop {
            scene.resolve(n, workspace);
            let kept = LocalStore::open(&scene.cache()).unwrap();
            if let Some(file) = kept.get(&[Key::Shapes(WeakKey::of_name([n; 32]))]).pop().flatten() {
                return decode_shapes(&WeakKey::of_name([n; 32]), &file).unwrap();
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{n}: the honest one never comes");
            thread::sleep(Duration::from_millis(20));
        }
    };
    for (n, question) in (1..).zip(&evil) {
        let weak = WeakKey::of_name([n; 32]);
        let poison = Shape::new(vec![question.clone()]);
        let shapes = encode_shapes(&weak, &[poison.clone(), honest.clone()]);
        scene
            .store()
            .keep(&pack::name(Kind::Shapes, weak.name()), &pack::seal(Kind::Shapes, weak.name(), &shapes))
            .unwrap();
        assert_eq!(until_here(n, None), std::slice::from_ref(&honest), "{question:?}");
        let n = n + 100;
        let weak = WeakKey::of_name([n; 32]);
        let item = Item { kind: Kind::Shapes, name: *weak.name(), length: 0, cost_ms: 0 };
        let mut cutter = Cutter::new().unwrap();
        let cut = cutter.push(item, &encode_shapes(&weak, &[poison, honest.clone()])).unwrap();
        let (segment, bytes) = cut.or_else(|| cutter.finish().unwrap()).unwrap();
        scene.store().keep(&bundle::name(&segment.digest), &bytes).unwrap();
        let index = Index { segments: vec![segment] };
        scene.store().keep(&pack::name(Kind::Index, &[n; 32]), &index.seal(&[n; 32])).unwrap();
        assert_eq!(
            until_here(n, Some(Workspace { exact: [n; 32], near: [n; 32] })),
            std::slice::from_ref(&honest),
            "{question:?}"
        );
    }
    let log = fs::read_to_string(scene.cache().join("remote/daemon.log")).unwrap();
    assert!(
        log.contains("asks for the variable SECRET_PIN") && log.contains("asks about /proc/self/environ"),
        "{log}"
    );
}
