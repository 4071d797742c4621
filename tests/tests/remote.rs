//! One cache for several machines: what one has built, another has without compiling; and whatever a remote does, a build is
//! right and says nothing new.
//!
//! A machine is a cache directory with a daemon; all of them build the same checkout at the same path, as CI does.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use kiln_testkit::http::Http;
use kiln_testkit::mounted::Mounted;
use kiln_testkit::network::Network;
use kiln_testkit::proxy::{Proxy, Wrong};
use kiln_testkit::servers::{self, Server};
use kiln_testkit::{Outcome, Project, TestSpace, run};
use kiln_tests::projects::chain;

/// A space whose daemons are stopped at its end.
struct Machines {
    space: TestSpace,
    remote: String,
    count: u32,
}

impl Machines {
    fn new(remote: &str) -> Machines {
        let mut machines = Machines { space: TestSpace::new(), remote: String::new(), count: 0 };
        machines.set_remote(remote.to_owned());
        machines
    }

    fn set_remote(&mut self, remote: String) {
        self.space.set_env("KILN_REMOTE", &remote);
        self.remote = remote;
    }

    /// From here on another machine builds: its cache is empty.
    fn another(&mut self) {
        self.stop();
        self.count += 1;
        let cache = self.space.path(format!("cache-{}", self.count));
        self.space.set_cache(cache);
    }

    /// Another machine compiles nothing, because everything is in the remote. A build does not wait long for anybody: where
    /// this machine is busy, one may compile what comes too late, so the next ones ask before. None uploads what it made.
    #[track_caller]
    fn another_lacks_nothing(&mut self) -> Built {
        let remote = self.remote.clone();
        let mark = if remote.contains('?') { '&' } else { '?' };
        self.set_remote(format!("{remote}{mark}access=read-only"));
        let mut counts = String::new();
        for attempt in 0..6 {
            self.another();
            if attempt > 0 {
                self.prefetch();
            }
            let built = builds(self, &self.ws());
            if built.misses == 0 {
                self.stop();
                self.set_remote(remote);
                return built;
            }
            counts += &format!("{built:?}\n{}\n", self.status());
        }
        panic!("something is not in the remote: {counts}");
    }

    /// The project that all machines build.
    fn ws(&self) -> Project<'_> {
        self.space.project("ws")
    }

    /// The same, written anew.
    fn chain(&self) -> Project<'_> {
        chain(&self.space, "ws")
    }

    fn stop(&self) {
        let _ = self.space.kiln(&["daemon", "stop"]).output();
    }

    fn settle(&self) {
        run(&mut self.space.kiln(&["daemon", "wait", "--for", "60s"])).ok();
    }

    /// Brings what builds of the workspace used, however long it takes.
    fn prefetch(&self) {
        run(self.space.kiln(&["prefetch"]).current_dir(self.space.path("ws"))).ok();
    }

    fn status(&self) -> String {
        run(&mut self.space.kiln(&["daemon", "status"])).ok().out()
    }

    fn daemon(&self) -> Option<i32> {
        let counts = run(&mut self.space.kiln(&["daemon", "status", "--json"])).ok().out();
        let line = counts.lines().find(|line| line.contains("\"process\""))?;
        line.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for number in 0..=self.count {
            let name = if number == 0 { "cache".to_owned() } else { format!("cache-{number}") };
            let mut command = self.space.kiln(&["daemon", "stop"]);
            let _ = command.env("KILN_DIR", self.space.path(name)).output();
        }
    }
}

/// What a build came to: units, without questions to the compiler.
#[derive(Debug)]
struct Built {
    hits: usize,
    misses: usize,
}

/// Builds from an empty target directory; it is right and quiet.
#[track_caller]
fn builds(machines: &Machines, project: &Project<'_>) -> Built {
    let events = machines.space.path("events.jsonl");
    let _ = fs::remove_file(&events);
    let outcome = project.clean().cargo(&["build", "--workspace"]).env("KILN_EVENTS", &events).ok();
    assert!(!outcome.err().contains("kiln:"), "{outcome}");
    assert_eq!(project.prints("debug/app"), "4\n");
    let events = fs::read_to_string(&events).expect("events");
    let count = |outcome: &str| {
        let outcome = format!("\"outcome\":\"{outcome}\"");
        events.lines().filter(|line| line.contains(&outcome) && !line.contains("\"kind\":\"probe\"")).count()
    };
    Built { hits: count("hit"), misses: count("miss") + count("bypass") }
}

fn share(space: &TestSpace) -> PathBuf {
    let share = space.path("share");
    fs::create_dir_all(&share).expect("mkdir");
    share
}

/// A machine with a shared directory as its remote.
fn with_share() -> (Machines, PathBuf) {
    let mut machines = Machines::new("file:///nowhere-mounted");
    let share = share(&machines.space);
    machines.set_remote(format!("file://{}", share.display()));
    (machines, share)
}

/// Every kind of remote: a machine and the server it uses.
fn everywhere(test: impl Fn(Machines, Option<&Server>)) {
    test(with_share().0, None);
    if let Some(server) = servers::redis() {
        test(Machines::new(&servers::redis_url(server.address())), Some(&server));
    }
    if let Some(server) = servers::s3() {
        test(Machines::new(&servers::s3_url(server.address())), Some(&server));
    }
}

fn objects(directory: &Path, letter: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![directory.join("kiln2/main").join(letter)];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() { left.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

fn contents(directory: &Path, letter: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.clone(), fs::read(path).expect("an object"));
    objects(directory, letter).into_iter().map(read).collect()
}

#[test]
fn another_machine_compiles_nothing() {
    everywhere(|mut machines, _| {
        let first = builds(&machines, &machines.chain());
        assert!(first.misses >= 3, "{first:?}");
        machines.settle();
        chain(&machines.space, "ws");
        let second = machines.another_lacks_nothing();
        assert_eq!(second.hits, first.misses + first.hits, "{}", machines.status());
        machines.ws().assert_fresh(&["build", "--workspace"]);
    });
}

#[test]
fn without_a_bundle_unit_by_unit() {
    let (mut machines, share) = with_share();
    builds(&machines, &machines.chain());
    machines.settle();
    assert!(!objects(&share, "w").is_empty() && !objects(&share, "g").is_empty());
    fs::remove_dir_all(share.join("kiln2/main/w")).unwrap();
    machines.chain();
    machines.another_lacks_nothing();
}

#[test]
fn a_bundle_is_enough() {
    let (mut machines, share) = with_share();
    builds(&machines, &machines.chain());
    machines.settle();
    for letter in ["r", "s", "b"] {
        let _ = fs::remove_dir_all(share.join("kiln2/main").join(letter));
    }
    machines.chain();
    machines.another_lacks_nothing();
}

/// Somebody's lifecycle rule removes segments: what was in them is bundled again by who builds next.
#[test]
fn a_bundle_without_its_segments_is_made_whole() {
    let (mut machines, share) = with_share();
    builds(&machines, &machines.chain());
    machines.settle();
    fs::remove_dir_all(share.join("kiln2/main/g")).unwrap();
    machines.another();
    builds(&machines, &machines.ws()); // unit by unit
    machines.settle();
    for letter in ["r", "s", "b"] {
        let _ = fs::remove_dir_all(share.join("kiln2/main").join(letter));
    }
    machines.another();
    machines.prefetch();
    let third = builds(&machines, &machines.ws());
    assert_eq!(third.misses, 0, "{third:?} {}", machines.status());
}

#[test]
fn what_a_macro_reads_counts_across_machines() {
    let (mut machines, _) = with_share();
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    machines.settle();
    machines.another();
    machines.ws().write("base/src/lib.rs", "pub fn value() -> i32 { 30 }\n");
    machines.ws().clean().cargo(&["build", "--workspace"]).ok();
    assert_eq!(machines.ws().prints("debug/app"), "31\n");
}

#[test]
fn a_local_hit_needs_nobody() {
    let (machines, _) = with_share();
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    machines.settle();
    machines.stop();
    let remote = machines.space.cache().join("remote");
    fs::remove_dir_all(&remote).unwrap();
    let warm = builds(&machines, &machines.ws());
    assert_eq!(warm.misses, 0);
    assert!(!remote.exists(), "somebody wanted a daemon");
}

#[test]
fn namespaces_and_read_only_levels() {
    let (mut machines, share) = with_share();
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    machines.settle();
    let before = objects(&share, "r").len();
    // A laptop reads what CI wrote to main, and writes elsewhere.
    machines.space.set_env("KILN_REMOTE_NAMESPACE", "laptop,main");
    machines.another_lacks_nothing();
    machines.another();
    machines.ws().write("app/src/main.rs", "fn main() { println!(\"{}\", middle::value() + 0); }\n");
    assert!(builds(&machines, &machines.ws()).misses > 0);
    machines.settle();
    assert_eq!(objects(&share, "r").len(), before);
    assert!(share.join("kiln2/laptop/r").exists());
    // Another one may not write at all.
    machines.another();
    machines.set_remote(format!("file://{}?access=read-only", share.display()));
    machines.space.set_env("KILN_REMOTE_NAMESPACE", "other,main");
    machines.ws().write("app/src/main.rs", "fn main() { println!(\"{}\", middle::value() + 1 - 1); }\n");
    builds(&machines, &machines.ws());
    machines.settle();
    assert!(!share.join("kiln2/other").exists());
}

#[test]
fn what_is_far_is_near_the_next_time() {
    let mut machines = Machines::new("file:///nowhere-mounted");
    let (far, near) = (machines.space.path("far"), machines.space.path("near"));
    fs::create_dir(&far).unwrap();
    fs::create_dir(&near).unwrap();
    machines.set_remote(format!("file://{}", far.display()));
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    machines.settle();
    fs::remove_dir_all(far.join("kiln2/main/w")).unwrap(); // unit by unit
    machines.another();
    machines.set_remote(format!("file://{},file://{}", near.display(), far.display()));
    assert_eq!(builds(&machines, &machines.ws()).misses, 0);
    machines.settle();
    assert_eq!(objects(&near, "r").len(), objects(&far, "r").len());
}

/// Whatever is in the remote: what is wrong is compiled, and set right.
#[test]
fn damage_is_compiled_and_reported() {
    let (mut machines, share) = with_share();
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    machines.settle();
    for letter in ["r", "g", "s", "w"] {
        for (at, path) in objects(&share, letter).into_iter().enumerate() {
            let mut bytes = fs::read(&path).unwrap();
            match at % 3 {
                0 => bytes.truncate(bytes.len() / 2),
                1 => *bytes.last_mut().unwrap() ^= 1,
                _ => bytes.clear(),
            }
            fs::write(&path, bytes).unwrap();
        }
    }
    let verified = run(&mut machines.space.kiln(&["verify", "--remote"]));
    assert!(!verified.out().contains(" 0 damaged"), "{verified}");
    machines.another();
    let built = builds(&machines, &machines.ws());
    assert!(built.misses >= 3, "{built:?}");
    machines.settle();
    machines.another_lacks_nothing(); // it was set right
}

/// Results under other results' names: the digests in them are right, and they are the answer to another question.
#[test]
fn swapped_objects_are_nobodys_results() {
    let (mut machines, share) = with_share();
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    machines.settle();
    fs::remove_dir_all(share.join("kiln2/main/w")).unwrap();
    let results = objects(&share, "r");
    let contents: Vec<Vec<u8>> = results.iter().map(|path| fs::read(path).unwrap()).collect();
    for (at, path) in results.iter().enumerate() {
        fs::write(path, &contents[(at + 1) % contents.len()]).unwrap();
    }
    machines.another();
    assert!(builds(&machines, &machines.ws()).misses >= 3);
    assert!(machines.status().contains("wrong"), "{}", machines.status());
    assert!(machines.space.cache().join("remote/quarantine").exists());
}

/// Whole builds behind a wire that does everything a wire can do.
#[test]
fn builds_behind_a_bad_wire_are_right() {
    for (server, url) in
        [(servers::redis(), servers::redis_url as fn(_) -> String), (servers::s3(), servers::s3_url)]
    {
        let Some(server) = server else { continue };
        let proxy = Proxy::start(server.address());
        let mut machines = Machines::new(&url(proxy.address()));
        chain(&machines.space, "ws");
        builds(&machines, &machines.ws());
        machines.settle();
        for wrong in [
            Wrong::Dropped,
            Wrong::Stalled,
            Wrong::Cut(0),
            Wrong::Cut(2000),
            Wrong::Stuck(2000),
            Wrong::Lies(701),
            Wrong::Status(500),
            Wrong::Status(429),
        ] {
            machines.another();
            proxy.set(wrong);
            let started = Instant::now();
            let outcome = machines.ws().clean().cargo(&["build", "--workspace"]).ok();
            assert!(!outcome.err().contains("kiln:"), "{wrong:?} {outcome}");
            assert_eq!(machines.ws().prints("debug/app"), "4\n", "{wrong:?}");
            assert!(started.elapsed() < Duration::from_secs(30), "{wrong:?} {:?}", started.elapsed());
            proxy.set(Wrong::Nothing);
        }
        // And once more right, for everybody.
        proxy.set_round_trip(Duration::from_millis(5));
        machines.another_lacks_nothing();
    }
}

#[test]
fn the_daemon_can_be_killed_at_any_moment() {
    let (mut machines, share) = with_share();
    machines.space.set_env("CARGO_INCREMENTAL", "0"); // of an incremental unit only the newest result is uploaded
    builds(&machines, &machines.chain());
    machines.settle();
    run(&mut machines.space.kiln(&["push"])).ok(); // what nobody uploads by itself: answers to cargo's questions
    let cache = machines.space.cache().to_owned();
    let killing = std::thread::spawn(move || {
        let mut killed = 0;
        let started = Instant::now();
        let mut pauses = [150, 20, 290, 70, 210].into_iter().cycle();
        while started.elapsed() < Duration::from_secs(8) {
            std::thread::sleep(Duration::from_millis(pauses.next().unwrap()));
            // Its own lock file says who it is: only this test's daemon has it open.
            for pid in holders(&cache) {
                killed +=
                    i32::from(Command::new("kill").args(["-9", &pid]).status().is_ok_and(|s| s.success()));
            }
            let _ = fs::remove_file(cache.join("remote").join("started")); // another one may start
            for entry in fs::read_dir(cache.join("remote")).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with("started-") {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        killed
    });
    for edit in 0..12 {
        machines.ws().write("base/src/lib.rs", format!("pub fn value() -> i32 {{ 3 + {edit} - {edit} }}\n"));
        assert!(builds(&machines, &machines.ws()).misses > 0);
    }
    assert!(killing.join().unwrap() > 0);
    builds(&machines, &machines.ws());
    machines.settle();
    let there = || ["r", "s"].map(|letter| contents(&share, letter));
    let uploaded = there();
    assert!(!uploaded[0].is_empty());
    run(&mut machines.space.kiln(&["push"])).ok();
    assert!(there() == uploaded, "something was lost that push had to bring");
    assert!(run(&mut machines.space.kiln(&["verify", "--remote"])).ok().out().contains(" 0 damaged"));
}

/// Processes of ours that have the daemon's lock open.
fn holders(cache: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        let daemon = words.first().is_some_and(|program| program.ends_with(b"kiln-daemon"));
        if daemon && words.get(1) == Some(&cache.as_os_str().as_encoded_bytes()) {
            found.push(pid);
        }
    }
    found
}

#[test]
fn sixteen_builds_at_once() {
    let (mut machines, _) = with_share();
    let projects: Vec<String> = (0..16).map(|n| format!("ws{n}")).collect();
    for _ in 0..2 {
        let mut running = Vec::new();
        for name in &projects {
            let project = chain(&machines.space, name);
            let mut command = project.clean().cargo(&["build", "--workspace", "-j1"]).command();
            running.push(command.spawn().expect("cargo starts"));
        }
        for mut child in running {
            assert!(child.wait().unwrap().success());
        }
        for name in &projects {
            assert_eq!(machines.space.project(name).prints("debug/app"), "4\n");
        }
        assert!(holders(machines.space.cache()).len() == 1, "one daemon");
        machines.settle();
        machines.another();
    }
}

/// A daemon that is stopped in the middle (swapped out, on a dead disk): a build goes on, and only the first of its processes
/// waits.
#[test]
fn a_daemon_that_hangs() {
    let (mut machines, _) = with_share();
    builds(&machines, &machines.chain());
    machines.settle();
    machines.another();
    builds(&machines, &machines.ws());
    machines.ws().write("base/src/lib.rs", "pub fn value() -> i32 { 1 + 1 + 1 }\n");
    let signal = |name: &str| {
        for pid in holders(machines.space.cache()) {
            assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
        }
    };
    signal("-STOP");
    let built = builds(&machines, &machines.ws());
    assert!(built.misses >= 3, "{built:?}");
    let marks = fs::read_dir(machines.space.cache().join("remote")).unwrap().flatten();
    assert_eq!(marks.filter(|entry| entry.file_name().to_string_lossy().starts_with("silent-")).count(), 1);
    assert_eq!(builds(&machines, &machines.ws()).misses, 0);
    signal("-CONT");
    machines.settle();
}

/// The disk of the cache is full: builds are right, nobody fails, and when there is room again all is well.
#[test]
fn a_full_disk_under_the_cache() {
    let (mut machines, _) = with_share();
    builds(&machines, &machines.chain());
    machines.settle();
    let Some(disk) = Mounted::with_room_for(160) else { return };
    for full in [false, true] {
        machines.stop();
        machines.space.set_cache(disk.path().join("cache"));
        if full {
            let _ = fs::write(disk.path().join("ballast"), vec![0; 1 << 20]); // what is left of the disk
        }
        let outcome = machines.ws().clean().cargo(&["build", "--workspace"]).ok();
        assert!(!outcome.err().contains("kiln:"), "{outcome}");
        assert_eq!(machines.ws().prints("debug/app"), "4\n");
        let waited = machines.space.kiln(&["daemon", "wait", "--for", "5s"]).output();
        assert!(waited.is_ok_and(|waited| waited.status.code().is_some()));
    }
    machines.stop();
    fs::remove_file(disk.path().join("ballast")).unwrap();
    builds(&machines, &machines.ws());
    machines.stop();
}

/// The share is full, or may only be read: CI's uploads come to nothing, and everybody builds on with what is there.
#[test]
fn a_share_that_takes_nothing() {
    let Some(disk) = Mounted::with_room_for(64 << 10) else { return };
    let mut machines = Machines::new(&format!("file://{}", disk.path().display()));
    builds(&machines, &machines.chain());
    machines.settle();
    disk.make_read_only();
    machines.another();
    machines.prefetch();
    assert_eq!(builds(&machines, &machines.ws()).misses, 0);
    machines.ws().write("base/src/lib.rs", "pub fn value() -> i32 { 2 + 1 }\n");
    assert!(builds(&machines, &machines.ws()).misses > 0);
    let waited = run(&mut machines.space.kiln(&["daemon", "wait", "--for", "4s"]));
    assert!(!waited.success(), "{waited}");
    let status = machines.status();
    assert!(status.contains("not written to for a while") && status.contains("Read-only"), "{status}");
    machines.another();
    machines.prefetch();
    assert!(builds(&machines, &machines.ws()).hits > 0, "it is read on");
}

/// A server whose clock is an hour off refuses everything that we sign: that is told, and builds go on.
#[test]
fn a_server_with_another_clock() {
    let refused = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference \
                   between the request time and the current time is too large.</Message></Error>";
    let server = Http::start(move |_| (403, refused.into()));
    let machines = Machines::new(&servers::s3_url(server.address()));
    assert!(builds(&machines, &machines.chain()).misses >= 3);
    assert_eq!(builds(&machines, &machines.ws()).misses, 0);
    let status = machines.status();
    assert!(status.contains("RequestTimeTooSkewed"), "{status}");
}

/// Two machines on a network, CI and a laptop, and a server on a third: what CI has built, the laptop has, at every distance.
#[test]
fn over_a_network() {
    let Some(network) = Network::of(3) else { return };
    for (server, url) in [
        (network.on(0, servers::redis), servers::redis_url as fn(_) -> String),
        (network.on(0, servers::s3), servers::s3_url),
    ] {
        let Some(server) = server else { continue };
        let proxy = network.on(0, || Proxy::start_at(network.address(0), server.address()));
        let mut machines = Machines::new(&url(proxy.address()));
        machines.space.set_env("CARGO_INCREMENTAL", "0");
        chain(&machines.space, "ws");
        network.on(1, || {
            assert!(builds(&machines, &machines.ws()).misses >= 3);
            machines.settle();
        });
        for (delay_ms, lost) in [(0, 0), (5, 0), (50, 0), (5, 100)] {
            machines.another();
            proxy.set_round_trip(Duration::from_millis(delay_ms));
            proxy.set_lost(lost);
            network.on(2, || {
                // A build of a second does not wait long for anybody; who wants all of it asks before.
                machines.prefetch();
                let built = builds(&machines, &machines.ws());
                assert_eq!(built.misses, 0, "{delay_ms} ms {built:?} {}", machines.status());
                assert!(built.hits >= 3, "{built:?}");
            });
        }
        // And without asking: it is right, whatever came in time.
        for delay_ms in [50, 0] {
            machines.another();
            proxy.set_round_trip(Duration::from_millis(delay_ms));
            network.on(2, || builds(&machines, &machines.ws()));
        }
        // Pulled out: the laptop builds by itself.
        machines.another();
        proxy.set(Wrong::Stalled);
        network.on(2, || assert!(builds(&machines, &machines.ws()).misses >= 3));
        proxy.set(Wrong::Nothing);
    }
}

#[test]
fn commands_for_people() {
    let (mut machines, share) = with_share();
    let kiln = |machines: &Machines, args: &[&str]| {
        run(machines.space.kiln(args).current_dir(machines.space.path("ws")))
    };
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    let started = kiln(&machines, &["daemon", "start"]).ok().out();
    assert!(started.contains("process"), "{started}");
    assert!(machines.daemon().is_some());
    assert_eq!(kiln(&machines, &["daemon", "wait"]).ok().out(), "everything is uploaded\n");
    assert!(kiln(&machines, &["verify", "--remote"]).ok().out().contains("0 damaged"));
    machines.another();
    let fetched = kiln(&machines, &["prefetch"]).ok().out();
    assert!(fetched.contains("fetched"), "{fetched}");
    machines.stop();
    let moved = machines.space.path("not-here");
    fs::rename(&share, &moved).unwrap();
    assert_eq!(builds(&machines, &machines.ws()).misses, 0, "everything was fetched");
    fs::rename(&moved, &share).unwrap();
    assert!(kiln(&machines, &["stats"]).ok().out().contains("remote stores"));
    kiln(&machines, &["clear", "--remote"]).fails_with("--yes");
    kiln(&machines, &["clear", "--remote", "--yes"]).ok();
    assert!(objects(&share, "r").is_empty());
    let pushed = kiln(&machines, &["push"]).ok().out();
    assert!(pushed.contains("are in the remote store"), "{pushed}");
    machines.another_lacks_nothing();
    assert!(kiln(&machines, &["gc", "--remote"]).ok().out().contains("removed 0 objects"));
    kiln(&machines, &["daemon", "stop"]).ok();
    let none = kiln(&machines, &["daemon", "status"]).ok().out();
    assert!(none.contains("no daemon") || machines.daemon().is_none(), "{none}");
}

#[test]
fn secrets_are_nowhere() {
    let Some(server) = servers::redis() else { return };
    let machines = Machines::new(&servers::redis_url(server.address()));
    builds(&machines, &machines.chain());
    machines.settle();
    assert!(!machines.status().contains(servers::PASSWORD));
    let mut left = vec![machines.space.cache().to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                let secret = servers::PASSWORD.as_bytes();
                assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{}", path.display());
            }
        }
    }
}

/// A remote that is dead for days keeps nobody alive, and neither does a cache that is gone.
#[test]
fn a_daemon_that_nobody_needs_stops() {
    let machines = Machines::new("file:///nowhere-mounted");
    let program = kiln_testkit::binary::kiln().with_file_name("kiln-daemon");
    for gone in [false, true] {
        let idle = if gone { "20" } else { "5" };
        let mut daemon = Command::new(&program).arg(machines.space.cache()).arg(idle).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        builds(&machines, &machines.chain());
        assert_eq!(holders(machines.space.cache()), [daemon.id().to_string()]);
        if gone {
            fs::remove_dir_all(machines.space.cache()).unwrap();
        }
        let started = Instant::now();
        while daemon.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(20), "it is still there");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn a_daemon_that_cannot_be_had_is_not_missed() {
    let (machines, _) = with_share();
    chain(&machines.space, "ws");
    machines.space.write("cache/remote", "a file, where there should be a directory");
    assert!(builds(&machines, &machines.ws()).misses >= 3);
    assert_eq!(builds(&machines, &machines.ws()).misses, 0);
}

/// Whoever shares nothing installs no daemon; whoever then sets a remote is told where to get one.
#[test]
fn without_the_daemons_program_builds_go_on_and_say_so() {
    let (machines, _) = with_share();
    let bin = machines.space.path("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["kiln", "kiln-cli"] {
        let from = kiln_testkit::binary::kiln().with_file_name(name);
        fs::hard_link(&from, bin.join(name)).or_else(|_| fs::copy(&from, bin.join(name)).map(drop)).unwrap();
    }
    let project = chain(&machines.space, "ws");
    let kiln = |args: &[&str]| {
        let mut command = machines.space.command(bin.join("kiln"));
        run(command.args(args).current_dir(project.dir()))
    };
    let built = kiln(&["cargo", "build", "--workspace"]).ok();
    assert!(built.err().contains("cargo install --locked --path crates/daemon"), "{built}");
    assert_eq!(project.prints("debug/app"), "4\n");
    project.clean();
    let again = kiln(&["cargo", "build", "--workspace"]).ok();
    assert!(again.err().contains("nothing compiled") || again.err().contains("0 compiled"), "{again}");
    kiln(&["daemon", "start"]).fails_with("cargo install --locked --path crates/daemon");
    let looked = kiln(&["doctor"]);
    assert!(
        !looked.success() && looked.out().contains("cargo install --locked --path crates/daemon"),
        "{looked}"
    );
}

#[test]
fn the_doctor_asks_the_stores() {
    let (mut machines, share) = with_share();
    let dead = servers::free_port();
    machines.set_remote(format!("file://{},redis://127.0.0.1:{dead}", share.display()));
    let looked = run(&mut machines.space.kiln(&["doctor"])).out();
    assert!(looked.contains("share answers in"), "{looked}");
    assert!(looked.contains("does not answer: cannot be reached"), "{looked}");
    machines.set_remote("tape://reel".to_owned());
    let looked = run(&mut machines.space.kiln(&["doctor"])).out();
    assert!(looked.contains("no kind of storage that kiln knows"), "{looked}");
}

/// What a workspace needs is on its way before cargo has come to its first unit.
#[test]
fn kiln_cargo_asks_ahead() {
    let (mut machines, _) = with_share();
    chain(&machines.space, "ws");
    builds(&machines, &machines.ws());
    machines.settle();
    machines.another();
    machines.ws().clean();
    let slow = machines.space.script("slow/cargo", "#!/bin/sh\nsleep 4\n");
    let path = format!("{}:{}", slow.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let results = machines.space.cache().join("v1/results");
    let ask = |args: &[&str]| {
        let mut command = machines.space.kiln(args);
        run(command.env("PATH", &path).current_dir(machines.space.path("ws"))).ok();
        fs::read_dir(&results).is_ok_and(|mut entries| entries.next().is_some())
    };
    assert!(!ask(&["cargo", "fmt"]), "nothing is to be built");
    assert!(ask(&["cargo", "build"]), "{}", machines.status());
    assert_eq!(builds(&machines, &machines.ws()).misses, 0);
}

/// Builds under `kiln cargo` from an empty target, which is filled where that can be; it is right.
#[track_caller]
fn builds_filled(machines: &Machines) -> Outcome {
    machines.ws().clean();
    let mut command = machines.space.kiln(&["cargo", "build", "--workspace", "-v"]);
    let outcome = run(command.current_dir(machines.space.path("ws"))).ok();
    assert_eq!(machines.ws().prints("debug/app"), "4\n", "{outcome}");
    outcome
}

/// Filling from behind a bad wire: cargo finds what came, builds the rest, and has nothing to do the next time.
#[test]
fn filling_behind_a_bad_wire_is_right() {
    let Some(server) = servers::redis() else { return };
    let proxy = Proxy::start(server.address());
    let mut machines = Machines::new(&servers::redis_url(proxy.address()));
    chain(&machines.space, "ws");
    builds_filled(&machines);
    machines.settle();
    let ways = [
        (Wrong::Stuck(30_000), 0),
        (Wrong::Stuck(300_000), 0),
        (Wrong::Cut(100_000), 0),
        (Wrong::Lies(50_001), 0),
        (Wrong::Nothing, 100_000),
    ];
    for (wrong, rate) in ways {
        machines.another();
        proxy.set(wrong);
        proxy.set_rate(rate);
        builds_filled(&machines);
        let again = machines.ws().cargo(&["build", "--workspace", "-v"]).env_remove("RUSTC_WRAPPER").ok();
        assert!(!again.err().contains("Dirty") && !again.err().contains("Running"), "{wrong:?} {again}");
        proxy.set(Wrong::Nothing);
        proxy.set_rate(0);
    }
}

/// What CI has built under `kiln cargo` is in an empty target elsewhere before cargo looks: nothing is compiled, no build script runs, and
/// cargo itself has nothing to do.
#[test]
fn a_target_is_filled_from_the_remote() {
    let (mut machines, _) = with_share();
    chain(&machines.space, "ws");
    builds_filled(&machines);
    machines.settle();
    let mut counts = String::new();
    for _ in 0..6 {
        machines.another();
        machines.prefetch(); // a busy machine does not wait long for anybody
        let built = builds_filled(&machines);
        assert!(built.err().contains("0 compiled"), "{built}");
        if !built.err().contains("Compiling") && built.err().contains("Fresh") {
            return;
        }
        counts += &format!("{built}\n{}\n", machines.status());
    }
    panic!("it is not filled: {counts}");
}
