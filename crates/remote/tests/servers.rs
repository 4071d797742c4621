//! The same expectations of every kind of remote store, each against a real server; then the same behind a wire that misbehaves.
#![allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves")]

use kiln_action::shape::{decode_shapes, encode_shapes};
use kiln_action::{
    ActionKey, ActionResult, Digest, Output, OutputRole, Place, Placed, Question, Shape, WeakKey,
};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Brought, Fault, Level, Levels, PackedUnit, Spec};
use kiln_testkit::proxy::{Proxy, Wrong};
use kiln_testkit::servers::{self, Certificates, Server};
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

/// Expectations of every kind of store: a test each against the usual ones, and each against the unusual ones.
macro_rules! expectations {
    ($($name:ident),* $(,)?) => {
        const EXPECTATIONS: &[(&str, fn(&Place_))] = &[$((stringify!($name), $name)),*];
        mod usual {
            $(#[test]
            fn $name() {
                super::stores().iter().for_each(super::$name);
            })*
        }
    };
}

expectations!(
    what_was_kept_is_there,
    a_unit_is_one_object,
    shapes_of_two_writers_are_both_there,
    namespaces_fall_through,
    a_wrong_object_is_a_miss_and_goes_into_quarantine,
    far_hits_are_written_to_near_stores,
);

/// Everything that is expected of any store, of this one.
fn as_expected(url: &str) {
    for (name, expectation) in EXPECTATIONS {
        let sign = if url.contains('?') { '&' } else { '?' };
        expectation(&Place_ { server: None, url: format!("{url}{sign}prefix={name}") });
    }
}

fn open(url: &str, namespaces: &[&str]) -> Level {
    let namespaces: Vec<String> = namespaces.iter().map(|&name| name.to_owned()).collect();
    Level::open(&Spec::parse(url).unwrap(), &namespaces, &[], None).unwrap()
}

fn shape(name: &str) -> Shape {
    Shape::new(vec![Question::Env(name.into())])
}

fn result(blobs: &[&[u8]]) -> ActionResult {
    let output = |bytes: &&[u8]| Output {
        path: Placed { place: Place::Out, path: b"o".to_vec() },
        role: OutputRole::File,
        executable: false,
        digest: Digest::of(bytes),
    };
    ActionResult { outputs: blobs.iter().map(output).collect(), cost_ms: 12, ..ActionResult::default() }
}

fn packed(key: &ActionKey, blobs: &[&[u8]]) -> Vec<u8> {
    let mut read =
        |wanted: &Digest| blobs.iter().find(|bytes| Digest::of(bytes) == *wanted).map(|bytes| bytes.to_vec());
    PackedUnit::pack(key, &result(blobs).encode(key), &mut read).unwrap().0
}

fn what_was_kept_is_there(place: &Place_) {
    let store = open(&place.url, &["main"]);
    let (weak, key) = (WeakKey::of_name([1; 32]), ActionKey::of_name([2; 32]));
    let blob = b"content".repeat(1000);
    let digest = Digest::of(&blob);
    let shapes = encode_shapes(&weak, &[shape("A")]);
    let name = pack::name(Kind::Blob, &digest.hash);
    let there = || {
        let shapes = store.shapes(&weak).unwrap().map(|found| found.value);
        let unit = store.unit(&key).unwrap().map(|found| found.value.result.into_owned());
        (shapes, unit, store.blob(&digest).unwrap().map(|found| found.value), store.has(&name).unwrap())
    };
    assert_eq!(there(), (None, None, None, false), "{}", place.url);

    store.add_shapes(&weak, &shapes).unwrap();
    store.keep(&pack::name(Kind::Result, key.name()), &packed(&key, &[&blob])).unwrap();
    store.keep(&name, &pack::seal(Kind::Blob, &digest.hash, &blob)).unwrap();
    let encoded = result(&[&blob]).encode(&key);
    assert_eq!(there(), (Some(shapes), Some(encoded), Some(blob.clone()), true), "{}", place.url);

    assert_eq!(store.list().unwrap().len(), 3, "{}", place.url);
    for listed in store.list().unwrap() {
        assert!(store.is_sound(&listed.name).unwrap(), "{listed:?}");
        store.remove(&listed.name).unwrap();
    }
    assert_eq!(there(), (None, None, None, false));
}

fn a_unit_is_one_object(place: &Place_) {
    let store = open(&place.url, &["main"]);
    let key = ActionKey::of_name([5; 32]);
    let pack = packed(&key, &[b"one", b"two"]);
    store.keep(&pack::name(Kind::Result, key.name()), &pack).unwrap();
    let unit = store.unit(&key).unwrap().unwrap().value;
    assert_eq!(unit.blobs.len(), 2);
    assert_eq!(unit.result, result(&[b"one", b"two"]).encode(&key));
    assert_eq!(store.health().found, 1);
}

fn shapes_of_two_writers_are_both_there(place: &Place_) {
    let (one, two) = (open(&place.url, &["main"]), open(&place.url, &["main"]));
    let weak = WeakKey::of_name([1; 32]);
    one.add_shapes(&weak, &encode_shapes(&weak, &[shape("A")])).unwrap();
    two.add_shapes(&weak, &encode_shapes(&weak, &[shape("B")])).unwrap();
    two.add_shapes(&weak, &encode_shapes(&weak, &[shape("B")])).unwrap();
    let all = one.shapes(&weak).unwrap().unwrap().value;
    assert_eq!(decode_shapes(&weak, &all).unwrap(), [shape("B"), shape("A")]);
}

fn namespaces_fall_through(place: &Place_) {
    let main = open(&place.url, &["main"]);
    let branch = open(&place.url, &["branch", "main"]);
    let key = ActionKey::of_name([5; 32]);
    main.keep(&pack::name(Kind::Result, key.name()), &packed(&key, &[b"one"])).unwrap();
    assert!(branch.unit(&key).unwrap().is_some(), "{}", place.url);
    let other = ActionKey::of_name([6; 32]);
    branch.keep(&pack::name(Kind::Result, other.name()), &packed(&other, &[b"one"])).unwrap();
    assert!(main.unit(&other).unwrap().is_none());
}

fn a_wrong_object_is_a_miss_and_goes_into_quarantine(place: &Place_) {
    let quarantine = tempfile::tempdir().unwrap();
    let namespaces = ["main".to_owned()];
    let spec = Spec::parse(&place.url).unwrap();
    let store = Level::open(&spec, &namespaces, &[], Some(quarantine.path())).unwrap();
    let (key, other) = (ActionKey::of_name([5; 32]), ActionKey::of_name([6; 32]));
    let pack = packed(&key, &[b"one"]);
    // Truncated, changed, swapped, empty.
    let mut changed = pack.clone();
    *changed.last_mut().unwrap() ^= 1;
    let bad = [pack[..pack.len() - 3].to_vec(), changed, packed(&other, &[b"one"]), Vec::new()];
    for (at, bytes) in bad.iter().enumerate() {
        store.keep(&pack::name(Kind::Result, key.name()), bytes).unwrap();
        assert!(store.unit(&key).unwrap().is_none(), "{} {at}", place.url);
        assert_eq!(store.health().wrong, at as u64 + 1);
        assert!(!store.has(&pack::name(Kind::Result, key.name())).unwrap(), "it is to be put there again");
    }
    assert_eq!(std::fs::read_dir(quarantine.path()).unwrap().count(), 1, "{}", place.url);
}

fn far_hits_are_written_to_near_stores(place: &Place_) {
    let near = tempfile::tempdir().unwrap();
    let near = format!("file://{}", near.path().display());
    let key = ActionKey::of_name([5; 32]);
    open(&place.url, &["main"]).keep(&pack::name(Kind::Result, key.name()), &packed(&key, &[b"1"])).unwrap();
    let levels = Levels::of(vec![open(&near, &["main"]), open(&place.url, &["main"])]);
    let Brought::Here(_, Some(back)) = levels.unit(&key) else { panic!("{}", place.url) };
    levels.write_back(&back);
    assert!(open(&near, &["main"]).unit(&key).unwrap().is_some());
    assert!(matches!(levels.unit(&key), Brought::Here(_, None)));
}

#[test]
fn a_read_only_store_is_not_written_to() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}", directory.path().display());
    let key = ActionKey::of_name([5; 32]);
    let name = pack::name(Kind::Result, key.name());
    open(&url, &["main"]).keep(&name, b"junk").unwrap();
    let store = open(&format!("{url}?access=read-only"), &["main"]);
    assert!(!store.is_writable());
    assert!(store.unit(&key).unwrap().is_none());
    assert_eq!(store.list().unwrap().len(), 1, "what is wrong is left there");
}

#[test]
fn wrong_words_are_reported_and_secrets_are_not() {
    for (url, message) in [
        ("ftp://host/", "no kind of storage"),
        ("s3://bucket?colour=red", "`colour` is no word of s3://"),
        ("redis://:hush@host?expires=soon", "expires"),
    ] {
        let error = Spec::parse(url).unwrap_err();
        assert!(error.contains(message), "{error}");
        assert!(!error.contains("hush"));
    }
}

#[test]
fn wrong_credentials_are_faults() {
    for place in stores().iter().skip(1) {
        let url = place.url.replace(servers::PASSWORD, "wrong").replace(servers::SECRET, "wrong");
        let store = open(&url, &["main"]);
        let asked = store.unit(&ActionKey::of_name([1; 32]));
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
        let key = ActionKey::of_name([7; 32]);
        let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let pack = packed(&key, &[&noise]);
        let name = pack::name(Kind::Result, key.name());
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

/// A machine was asleep, or a router was switched off: the connections that there were lead nowhere and nobody says so. That costs one
/// answer, and not one for each of them.
#[test]
fn connections_that_were_forgotten() {
    let short = Duration::from_millis(700);
    for place in stores().iter().skip(1) {
        let server = place.server.as_ref().unwrap().address();
        let proxy = Proxy::start(server);
        let url = place.url.replace(&server.to_string(), &proxy.address().to_string());
        let bucket = kiln_remote::bucket::open(&Spec::parse(&url).unwrap(), &[]).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| bucket.get("kiln2/main/x", 1, Duration::from_secs(5)).unwrap());
            }
        });
        assert!(proxy.connections() > 1, "{}", proxy.connections());
        std::thread::sleep(Duration::from_millis(2100)); // new ones are made every two seconds at most
        proxy.forget();
        assert_eq!(bucket.get("kiln2/main/x", 1, short), Err(Fault::Late), "{url}");
        for _ in 0..3 {
            assert_eq!(bucket.get("kiln2/main/x", 1, Duration::from_secs(5)), Ok(None), "{url}");
        }
    }
}

#[test]
fn s3_over_tls() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(server) = servers::s3_tls(&certificates) else { return };
    let url = servers::s3_url(server.address()).replace("http://", "https://");
    let ca = |name: &str| certificates.certificate(name).display().to_string();
    let key = ActionKey::of_name([1; 32]);
    let store = open(&format!("{url}&ca={}", ca("ca")), &["main"]);
    store.keep(&pack::name(Kind::Result, key.name()), &packed(&key, &[b"one"])).unwrap();
    assert!(store.unit(&key).unwrap().is_some());
    for url in [url.clone(), format!("{url}&ca={}", ca("other"))] {
        assert!(refusal(&url).contains("certificate"), "{}", refusal(&url));
    }
    let spec = Spec::parse(&format!("{url}&ca=/not-a-file")).unwrap();
    assert!(Level::open(&spec, &["main".into()], &[], None).err().unwrap().starts_with("ca: cannot"));
}

fn key(n: u8) -> (ActionKey, String, Vec<u8>) {
    let key = ActionKey::of_name([n; 32]);
    (key, pack::name(Kind::Result, key.name()), packed(&key, &[b"one"]))
}

/// What the store says when it is asked for something.
fn refusal(url: &str) -> String {
    match open(url, &["main"]).unit(&ActionKey::of_name([1; 32])) {
        Err(Fault::Refused(message)) => message,
        other => panic!("{url}: {:?}", other.map(|found| found.is_some())),
    }
}

#[test]
fn redis_over_tls() {
    let Some(certificates) = Certificates::make() else { return };
    let ca = |name: &str| certificates.certificate(name).display().to_string();
    let Some(server) = servers::redis_tls(&certificates, false) else { return };
    let plain = format!("rediss://:{}@{}/0", servers::PASSWORD, server.address());
    as_expected(&format!("{plain}?ca={}", ca("ca")));
    // Another authority's certificate, or one that the system does not know, is nobody's.
    for url in [format!("{plain}?ca={}", ca("other")), plain.clone()] {
        assert!(refusal(&url).contains("certificate"), "{}", refusal(&url));
    }
    // And whoever speaks no TLS gets no answer.
    let store = open(&plain.replace("rediss", "redis"), &["main"]);
    assert!(store.unit(&ActionKey::of_name([1; 32])).is_err());
    // A host of another name has another certificate.
    let named = plain.replace("127.0.0.1", "localhost");
    open(&format!("{named}?ca={}", ca("ca")), &["main"]).unit(&ActionKey::of_name([1; 32])).unwrap();
    let other = plain.replace("127.0.0.1", "127.0.0.2");
    assert!(open(&format!("{other}?ca={}", ca("ca")), &["main"]).unit(&ActionKey::of_name([1; 32])).is_err());
}

#[test]
fn redis_over_tls_with_certificates_of_clients() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(server) = servers::redis_tls(&certificates, true) else { return };
    let ca = certificates.certificate("ca").display().to_string();
    let plain = format!("rediss://:{}@{}/0?ca={ca}", servers::PASSWORD, server.address());
    assert!(open(&plain, &["main"]).unit(&ActionKey::of_name([1; 32])).is_err());
    let (cert, key) = (certificates.certificate("client"), certificates.key("client"));
    as_expected(&format!("{plain}&cert={}&key={}", cert.display(), key.display()));
}

#[test]
fn redis_with_users() {
    let rules = "~kiln2/* ~*/kiln2/* resetchannels -@all +get +set +exists +del +scan +strlen";
    let Some(server) = servers::redis_of_user(rules) else { return };
    let url = |user: &str| format!("redis://{user}:{}@{}/0", servers::PASSWORD, server.address());
    as_expected(&url("kiln"));
    refusal(&url("stranger"));
}

/// Who may only read reads; that writing is refused is found out once, and is no reason not to read.
#[test]
fn a_redis_user_who_may_only_read() {
    let Some(server) = servers::redis_of_user("~* resetchannels -@all +get +exists +scan +strlen") else {
        return;
    };
    let store = open(&format!("redis://kiln:{}@{}/0", servers::PASSWORD, server.address()), &["main"]);
    reads_and_does_not_write(&store, |message| {
        message.contains("no permissions") || message.contains("NOPERM")
    });
}

/// A Redis that has no more room reads on.
#[test]
fn a_redis_that_is_full() {
    let arguments = ["--requirepass", "p@ss", "--maxmemory", "1", "--maxmemory-policy", "noeviction"];
    let Some(server) = servers::redis_with(&arguments) else { return };
    let store = open(&servers::redis_url(server.address()), &["main"]);
    reads_and_does_not_write(&store, |message| message.contains("is full"));
}

fn reads_and_does_not_write(store: &Level, message: impl Fn(&str) -> bool) {
    let (_, name, pack) = key(1);
    for _ in 0..20 {
        assert!(store.keep(&name, &pack).is_err());
    }
    let health = store.health();
    assert!(message(&health.last_fault), "{health:?}");
    assert_eq!(health.failed, 1, "it was told once that it may not: {health:?}");
    assert!(health.writes_given_up && !health.given_up, "{health:?}");
    assert!(store.is_asked() && !store.takes());
    assert!(store.unit(&ActionKey::of_name([9; 32])).unwrap().is_none(), "it is read");
}

#[test]
fn a_redis_cluster() {
    let Some(nodes) = servers::redis_cluster() else { return };
    let url = format!("redis+cluster://:{}@{}", servers::PASSWORD, nodes.address);
    as_expected(&url);
    // Its objects are everywhere, and all of them are found.
    let store = open(&url, &["everywhere"]);
    for n in 0..60 {
        let (_, name, pack) = key(n);
        store.keep(&name, &pack).unwrap();
    }
    assert_eq!(store.list().unwrap().len(), 60);
    // The first node need not be there, as long as another one is named.
    let dead = servers::free_port();
    let other = nodes.servers[2].address();
    let url = format!("redis+cluster://:{}@127.0.0.1:{dead}?node={other}", servers::PASSWORD);
    assert!(open(&url, &["everywhere"]).unit(&ActionKey::of_name([7; 32])).unwrap().is_some());
    refusal(&format!("redis+cluster://:wrong@{}", nodes.address));
}

/// The master dies, another one takes its place: the store goes on, with what it had.
#[test]
fn a_redis_behind_sentinels() {
    let Some(mut nodes) = servers::redis_sentinel() else { return };
    let url = |user: &str, node: &str| {
        let words = format!("master=kiln&sentinel_password={}", servers::SENTINEL);
        format!("redis+sentinel://:{user}@{node}/0?{words}")
    };
    let (right, address) = (url(servers::PASSWORD, &nodes.address.to_string()), nodes.address);
    as_expected(&right);
    refusal(&url("wrong", &address.to_string()));
    let nameless = right.replace("master=kiln", "master=nobody");
    assert!(open(&nameless, &["main"]).unit(&ActionKey::of_name([1; 32])).is_err());
    // The first sentinel need not be there.
    let dead = format!("127.0.0.1:{}", servers::free_port());
    let store = open(&format!("{}&node={address}", url(servers::PASSWORD, &dead)), &["main"]);
    let (one, name, pack) = key(1);
    store.keep(&name, &pack).unwrap();
    std::thread::sleep(Duration::from_millis(300)); // what replicas have is a little older
    nodes.servers[0].stop();
    let started = Instant::now();
    while store.unit(&one).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(5), "somebody dead answers");
    }
    nodes.until_master_is(1);
    let store = open(&right, &["main"]);
    let started = Instant::now();
    while !matches!(store.unit(&one), Ok(Some(_))) {
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", store.health());
        std::thread::sleep(Duration::from_millis(100));
    }
    let (_, name, pack) = key(2);
    store.keep(&name, &pack).unwrap();
}
