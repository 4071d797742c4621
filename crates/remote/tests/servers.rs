//! The same expectations of every kind of remote store, each against a real server; then the same behind a wire that misbehaves.
#![allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves")]

use kiln_action::shape::{decode_shapes, encode_shapes};
use kiln_action::{ActionKey, ActionResult, Digest, Output, Place, Placed, Question, Role, Shape, WeakKey};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Brought, Fault, Levels, RemoteStore, Spec, Unit};
use kiln_store::{Content, Fetch, Key, Store, StoreError};
use kiln_testkit::proxy::{Proxy, Wrong};
use kiln_testkit::servers::{self, Server};
use std::path::Path;
use std::time::{Duration, Instant};

/// A kind of store: how it is started, and what its URL is.
struct Place_ {
    #[allow(dead_code, reason = "it lives as long as the test")]
    server: Option<Server>,
    url: String,
}

fn stores() -> Vec<Place_> {
    let directory = tempfile::tempdir().unwrap().keep();
    let mut all = vec![Place_ { server: None, url: format!("file://{}", directory.display()) }];
    if let Some(server) = servers::redis() {
        let url = servers::redis_url(server.address());
        all.push(Place_ { server: Some(server), url });
    }
    if let Some(server) = servers::s3() {
        let url = servers::s3_url(server.address());
        all.push(Place_ { server: Some(server), url });
    }
    all
}

fn open(url: &str, namespaces: &[&str]) -> RemoteStore {
    let namespaces: Vec<String> = namespaces.iter().map(|&name| name.to_owned()).collect();
    RemoteStore::open(&Spec::parse(url).unwrap(), &namespaces, &[], None).unwrap()
}

fn shape(name: &str) -> Shape {
    Shape::new(vec![Question::Env(name.into())])
}

fn result(blobs: &[&[u8]]) -> ActionResult {
    let output = |bytes: &&[u8]| Output {
        path: Placed { place: Place::Out, path: b"o".to_vec() },
        role: Role::File,
        executable: false,
        digest: Digest::of(bytes),
    };
    ActionResult { outputs: blobs.iter().map(output).collect(), cost_ms: 12, ..ActionResult::default() }
}

fn packed(key: &ActionKey, blobs: &[&[u8]]) -> Vec<u8> {
    let mut read =
        |wanted: &Digest| blobs.iter().find(|bytes| Digest::of(bytes) == *wanted).map(|bytes| bytes.to_vec());
    Unit::pack(key, &result(blobs).encode(), &mut read).unwrap().0
}

#[test]
fn what_was_kept_is_there() {
    for place in stores() {
        let store = open(&place.url, &["main"]);
        let (weak, key) = (WeakKey([1; 32]), ActionKey([2; 32]));
        let blob = b"content".repeat(1000);
        let digest = Digest::of(&blob);
        let keys = [Key::Shapes(weak), Key::Result(key), Key::Blob(digest)];
        assert_eq!(store.get(&keys), [None, None, None], "{}", place.url);
        assert_eq!(store.missing(&[digest]), [digest]);

        let shapes = encode_shapes(&[shape("A")]);
        let encoded = result(&[&blob]).encode();
        store.put(&keys[0], Content::Bytes(&shapes)).unwrap();
        store.put(&keys[1], Content::Bytes(&encoded)).unwrap();
        store.put(&keys[2], Content::Bytes(&blob)).unwrap();
        assert_eq!(store.get(&keys), [Some(shapes), Some(encoded), Some(blob.clone())], "{}", place.url);
        assert_eq!(store.missing(&[digest, Digest::of(b"other")]), [Digest::of(b"other")]);

        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("out");
        store.fetch(&digest, &to, Fetch::Copy { executable: true }).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), blob);
        assert!(matches!(store.fetch(&Digest::of(b"other"), &to, Fetch::Link), Err(StoreError::Missing(_))));
        assert_eq!(store.list().unwrap().len(), 3, "{}", place.url);
        for listed in store.list().unwrap() {
            assert!(store.is_sound(&listed.name).unwrap(), "{listed:?}");
            store.remove(&listed.name).unwrap();
        }
        assert_eq!(store.get(&keys), [None, None, None]);
    }
}

#[test]
fn what_is_not_its_key_is_not_kept() {
    for place in stores() {
        let store = open(&place.url, &["main"]);
        let digest = Digest::of(b"right");
        assert!(store.put(&Key::Blob(digest), Content::Bytes(b"wrong")).is_err());
        assert!(store.put(&Key::Result(ActionKey([1; 32])), Content::Bytes(b"junk")).is_err());
        assert!(store.put(&Key::Shapes(WeakKey([1; 32])), Content::Bytes(b"junk")).is_err());
        assert_eq!(store.missing(&[digest]), [digest]);
    }
}

#[test]
fn a_unit_is_one_object() {
    for place in stores() {
        let store = open(&place.url, &["main"]);
        let key = ActionKey([5; 32]);
        let pack = packed(&key, &[b"one", b"two"]);
        store.keep(&pack::name(Kind::Result, &key.0), &pack).unwrap();
        let unit = store.unit(&key).unwrap().unwrap().value;
        assert_eq!(unit.blobs.len(), 2);
        assert_eq!(unit.result, result(&[b"one", b"two"]).encode());
        assert_eq!(store.health().found, 1);
    }
}

#[test]
fn shapes_of_two_writers_are_both_there() {
    for place in stores() {
        let (one, two) = (open(&place.url, &["main"]), open(&place.url, &["main"]));
        let weak = WeakKey([1; 32]);
        one.add_shapes(&weak, &encode_shapes(&[shape("A")])).unwrap();
        two.add_shapes(&weak, &encode_shapes(&[shape("B")])).unwrap();
        two.add_shapes(&weak, &encode_shapes(&[shape("B")])).unwrap();
        let all = one.shapes(&weak).unwrap().unwrap().value;
        assert_eq!(decode_shapes(&all).unwrap(), [shape("B"), shape("A")]);
    }
}

#[test]
fn namespaces_fall_through() {
    for place in stores() {
        let main = open(&place.url, &["main"]);
        let branch = open(&place.url, &["branch", "main"]);
        let key = ActionKey([5; 32]);
        main.keep(&pack::name(Kind::Result, &key.0), &packed(&key, &[b"one"])).unwrap();
        assert!(branch.unit(&key).unwrap().is_some(), "{}", place.url);
        let other = ActionKey([6; 32]);
        branch.keep(&pack::name(Kind::Result, &other.0), &packed(&other, &[b"one"])).unwrap();
        assert!(main.unit(&other).unwrap().is_none());
    }
}

#[test]
fn a_wrong_object_is_a_miss_and_goes_into_quarantine() {
    for place in stores() {
        let quarantine = tempfile::tempdir().unwrap();
        let namespaces = ["main".to_owned()];
        let spec = Spec::parse(&place.url).unwrap();
        let store = RemoteStore::open(&spec, &namespaces, &[], Some(quarantine.path())).unwrap();
        let (key, other) = (ActionKey([5; 32]), ActionKey([6; 32]));
        let pack = packed(&key, &[b"one"]);
        // Truncated, changed, swapped, empty.
        let mut changed = pack.clone();
        *changed.last_mut().unwrap() ^= 1;
        let bad = [pack[..pack.len() - 3].to_vec(), changed, packed(&other, &[b"one"]), Vec::new()];
        for (at, bytes) in bad.iter().enumerate() {
            store.keep(&pack::name(Kind::Result, &key.0), bytes).unwrap();
            assert!(store.unit(&key).unwrap().is_none(), "{} {at}", place.url);
            assert_eq!(store.health().wrong, at as u64 + 1);
            assert!(!store.has(&pack::name(Kind::Result, &key.0)).unwrap(), "it is to be put there again");
        }
        assert_eq!(std::fs::read_dir(quarantine.path()).unwrap().count(), 1, "{}", place.url);
    }
}

#[test]
fn far_hits_are_written_to_near_stores() {
    let near = tempfile::tempdir().unwrap();
    for place in stores() {
        let near = near.path().join(place.url.len().to_string());
        std::fs::create_dir(&near).unwrap();
        let near = format!("file://{}", near.display());
        let key = ActionKey([5; 32]);
        open(&place.url, &["main"]).keep(&pack::name(Kind::Result, &key.0), &packed(&key, &[b"1"])).unwrap();
        let levels = Levels::of(vec![open(&near, &["main"]), open(&place.url, &["main"])]);
        let Brought::Here(_, Some(back)) = levels.unit(&key) else { panic!("{}", place.url) };
        levels.write_back(&back);
        assert!(open(&near, &["main"]).unit(&key).unwrap().is_some());
        assert!(matches!(levels.unit(&key), Brought::Here(_, None)));
    }
}

#[test]
fn a_read_only_store_is_not_written_to() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}", directory.path().display());
    let key = ActionKey([5; 32]);
    let name = pack::name(Kind::Result, &key.0);
    open(&url, &["main"]).keep(&name, b"junk").unwrap();
    let store = open(&format!("{url}?access=read-only"), &["main"]);
    assert!(!store.is_writable());
    assert!(store.unit(&key).unwrap().is_none());
    assert_eq!(store.list().unwrap().len(), 1, "what is wrong is left there");
}

#[test]
fn a_share_that_is_not_mounted_is_a_fault_and_is_not_made() {
    let store = open("file:///nowhere-mounted/at/all", &["main"]);
    assert!(matches!(store.unit(&ActionKey([1; 32])), Err(Fault::Unreachable(_))));
    assert!(store.keep("r/00/x", b"").is_err());
    assert!(!Path::new("/nowhere-mounted").exists());
}

#[test]
fn wrong_words_are_told_and_secrets_are_not() {
    for (url, told) in [
        ("ftp://host/", "no kind of storage"),
        ("s3://bucket?colour=red", "`colour` is not known"),
        ("redis://:hush@host?expires=soon", "expires"),
    ] {
        let spec = Spec::parse(url).unwrap();
        let error = RemoteStore::open(&spec, &["main".into()], &[], None).err().unwrap();
        assert!(error.contains(told), "{error}");
        assert!(!error.contains("hush"));
    }
}

#[test]
fn wrong_credentials_are_faults() {
    for place in stores().iter().skip(1) {
        let url = place.url.replace(servers::PASSWORD, "wrong").replace(servers::SECRET, "wrong");
        let store = open(&url, &["main"]);
        let asked = store.unit(&ActionKey([1; 32]));
        assert!(matches!(asked, Err(Fault::Refused(_))), "{url}: {:?}", asked.err());
    }
}

/// Everything that can go wrong on a wire, in front of every server: never an answer that is not right, and never for long.
#[test]
fn a_wire_that_misbehaves() {
    for place in stores().iter_mut().skip(1) {
        let server = place.server.as_ref().unwrap();
        let proxy = Proxy::start(server.address());
        let url = place.url.replace(&server.address().to_string(), &proxy.address().to_string());
        let key = ActionKey([7; 32]);
        let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let pack = packed(&key, &[&noise]);
        let name = pack::name(Kind::Result, &key.0);
        open(&place.url, &["main"]).keep(&name, &pack).unwrap();
        let http = url.starts_with("s3");
        let mut wrongs = vec![
            Wrong::Dropped,
            Wrong::Cut(0),
            Wrong::Cut(10),
            Wrong::Cut(50_000),
            Wrong::Lies(40_000),
            Wrong::Lies(997),
        ];
        if http {
            wrongs.extend([Wrong::Status(500), Wrong::Status(503), Wrong::Status(429), Wrong::Status(403)]);
        }
        for wrong in wrongs {
            proxy.set(wrong);
            let store = open(&url, &["main"]);
            let started = Instant::now();
            match store.unit(&key) {
                Ok(None) | Err(_) => {}
                Ok(Some(found)) => assert_eq!(found.pack, pack, "{wrong:?} {url}"),
            }
            assert!(started.elapsed() < Duration::from_secs(5), "{wrong:?} {url}");
            proxy.set(Wrong::Nothing);
            let again = open(&url, &["main"]).unit(&key);
            assert!(matches!(again, Ok(Some(_))), "{wrong:?} {url}: {:?}", again.err());
        }
    }
}
