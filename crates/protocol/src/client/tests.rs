use super::*;
use crate::{Product, Wanted};
use kiln_action::WeakKey;
use std::os::unix::net::UnixListener;

fn hello() -> Hello {
    Hello { protocol: PROTOCOL, version: "t".into(), ..Hello::default() }
}

fn wanted() -> Resolve {
    let wanted =
        Wanted::Unit { weak: WeakKey::of_name([1; 32]), seen: [0; 32], keys: Vec::new(), workspace: None };
    Resolve { wanted, build: 1, cost_ms: 0, most_ms: u32::MAX }
}

fn answering(listener: UnixListener, protocol: u32) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut tags = Vec::new();
        while let Ok((tag, _)) = message::receive(&mut stream) {
            tags.push(tag);
            let _ = match tag {
                tag::HELLO => message::send(&mut stream, tag::TEXT, &protocol.to_le_bytes()),
                tag::RESOLVE => message::send(&mut stream, tag::WORKING, b"")
                    .and_then(|()| message::send(&mut stream, tag::RESOLVED, &[1])),
                _ => break,
            };
        }
        tags
    })
}

fn place(cache: &Path) -> DaemonPlace {
    let place = DaemonPlace::new(cache);
    place.make().unwrap();
    place
}

#[test]
fn nobody_there_is_no() {
    let directory = tempfile::tempdir().unwrap();
    let client = Client::new(directory.path(), hello(), None);
    assert_eq!(client.resolve(&wanted()), Resolved::default());
    client.kept(1, 1);
}

#[test]
fn an_answer_after_signs_of_life() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = answering(place(directory.path()).listen().unwrap(), PROTOCOL);
    let client = Client::new(directory.path(), hello(), None);
    assert!(client.resolve(&wanted()).found);
    assert!(client.resolve(&wanted()).found);
    drop(client);
    assert_eq!(daemon.join().unwrap(), [tag::HELLO, tag::RESOLVE, tag::RESOLVE]);
}

#[test]
fn an_older_daemon_is_asked_to_go_and_a_newer_one_is_left_alone() {
    for (protocol, tags) in
        [(PROTOCOL - 1, vec![tag::HELLO, message::RETIRE]), (PROTOCOL + 1, vec![tag::HELLO])]
    {
        let directory = tempfile::tempdir().unwrap();
        let daemon = answering(place(directory.path()).listen().unwrap(), protocol);
        let client = Client::new(directory.path(), hello(), None);
        assert_eq!(client.resolve(&wanted()), Resolved::default());
        assert_eq!(daemon.join().unwrap(), tags);
    }
}

#[test]
fn a_socket_with_a_long_name_can_be_reached() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("a-rather-long-name-for-a-directory".repeat(4));
    let daemon = answering(place(&deep).listen().unwrap(), PROTOCOL);
    assert!(Client::new(&deep, hello(), None).resolve(&wanted()).found);
    drop(daemon);
}

/// A daemon that is stopped in the middle costs one process a wait, and not every one of a build.
#[test]
fn a_silent_daemon_is_asked_once() {
    let directory = tempfile::tempdir().unwrap();
    let listener = place(directory.path()).listen().unwrap(); // accepts nobody
    let client = || Client::new(directory.path(), hello(), None);
    assert_eq!(client().resolve(&wanted()), Resolved::default());
    let asked = || {
        listener.set_nonblocking(true).unwrap();
        std::iter::from_fn(|| listener.accept().ok()).count()
    };
    assert_eq!(asked(), 1);
    for _ in 0..1000 {
        assert_eq!(client().resolve(&wanted()), Resolved::default());
    }
    assert_eq!(asked(), 0);
    // A mark from the future is one of a clock that was set since, and an old one says nothing.
    let mark = DaemonPlace::new(directory.path()).silent();
    let set = |at| std::fs::File::options().append(true).open(&mark).unwrap().set_modified(at).unwrap();
    for at in [std::time::SystemTime::now() + SILENT * 10, std::time::SystemTime::now() - SILENT * 2] {
        set(at);
        assert!(!client().is_silent());
    }
}

/// One that says for ever that it is still at it, or says its answer a byte at a time, is not listened to for ever.
#[test]
fn a_daemon_that_never_comes_to_an_end_is_left() {
    type Lie = fn(&mut Stream) -> io::Result<()>;
    let working: Lie = |stream| message::send(stream, tag::WORKING, &7_u64.to_le_bytes());
    let wordless: Lie = |stream| message::send(stream, tag::WORKING, b"");
    let trickle: Lie = |stream| io::Write::write_all(stream, &[0]);
    let a_long_frame = (4_u32 << 20).to_le_bytes();
    for (first, lie) in [(&[][..], working), (&[][..], wordless), (&a_long_frame[..], trickle)] {
        let directory = tempfile::tempdir().unwrap();
        let listener = place(directory.path()).listen().unwrap();
        let first = first.to_vec();
        let daemon = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            message::receive(&mut stream).unwrap();
            message::send(&mut stream, tag::TEXT, &PROTOCOL.to_le_bytes()).unwrap();
            message::receive(&mut stream).unwrap();
            io::Write::write_all(&mut stream, &first).unwrap();
            for _ in 0..600 {
                if lie(&mut stream).is_err() {
                    return true; // the client has left
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            false
        });
        let client = Client::new(directory.path(), hello(), None);
        let started = Moment::now();
        assert_eq!(client.resolve(&wanted()), Resolved::default());
        assert!(started.elapsed() < Duration::from_secs(8), "it waits as if something came");
        assert!(client.is_silent(), "the others do not ask it either");
        drop(client);
        assert!(daemon.join().unwrap());
    }
}

/// An answer that is longer than a frame comes whole, with signs of life before it.
#[test]
fn an_answer_longer_than_a_frame() {
    let directory = tempfile::tempdir().unwrap();
    let listener = place(directory.path()).listen().unwrap();
    let complaints = vec!["x".repeat(3 << 20); 3];
    let status = Status {
        version: String::new(),
        protocol: PROTOCOL,
        process: 1,
        up_ms: 2,
        queue: 3,
        complaints,
        stores: Vec::new(),
    };
    let answer = status.encode();
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        message::receive(&mut stream).unwrap();
        message::send(&mut stream, tag::TEXT, &PROTOCOL.to_le_bytes()).unwrap();
        message::receive(&mut stream).unwrap();
        message::send(&mut stream, tag::WORKING, &1_u64.to_le_bytes()).unwrap();
        message::send_long(&mut stream, tag::ANSWER, &mut answer.as_slice()).unwrap();
    });
    assert!(Client::new(directory.path(), hello(), None).status().unwrap() == status);
    daemon.join().unwrap();
}

/// What the daemon says that it has brought is waited for.
#[test]
fn a_daemon_that_brings_something_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let listener = place(directory.path()).listen().unwrap();
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        message::receive(&mut stream).unwrap();
        message::send(&mut stream, tag::TEXT, &PROTOCOL.to_le_bytes()).unwrap();
        message::receive(&mut stream).unwrap();
        for came in 0..6_u64 {
            message::send(&mut stream, tag::WORKING, &came.to_le_bytes()).unwrap();
            std::thread::sleep(SILENCE / 4);
        }
        message::send(&mut stream, tag::RESOLVED, &[1]).unwrap();
    });
    let client = Client::new(directory.path(), hello(), None);
    assert!(client.resolve(&wanted()).found);
    daemon.join().unwrap();
}

/// What is waited for before there is an answer to the greeting is not waited for again after it.
#[test]
fn a_daemon_that_is_slow_at_everything_is_waited_for_once() {
    let directory = tempfile::tempdir().unwrap();
    let listener = place(directory.path()).listen().unwrap();
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        message::receive(&mut stream).unwrap();
        std::thread::sleep(SILENCE * 3 / 4);
        message::send(&mut stream, tag::TEXT, &PROTOCOL.to_le_bytes()).unwrap();
        message::receive(&mut stream).unwrap();
        std::thread::sleep(SILENCE * 3 / 4);
        let _ = message::send(&mut stream, tag::RESOLVED, &[1]);
    });
    let client = Client::new(directory.path(), hello(), None);
    assert!(!client.resolve(&wanted()).found);
    daemon.join().unwrap();
}

/// A daemon that does not come (it has no permission, its file system has no sockets) is waited for once.
#[test]
fn a_daemon_that_does_not_start_is_waited_for_once() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let (program, starts) = (directory.path().join("daemon"), directory.path().join("told"));
    std::fs::write(&program, format!("#!/bin/sh\necho x >> {}\n", starts.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let client = || Client::new(&directory.path().join("cache"), hello(), Some(program.clone()));
    assert_eq!(client().resolve(&wanted()), Resolved::default());
    assert!(client().is_silent());
    std::fs::remove_file(client().place().started()).unwrap(); // as if that were long ago
    for _ in 0..1000 {
        assert_eq!(client().resolve(&wanted()), Resolved::default());
    }
    assert_eq!(std::fs::read_to_string(starts).unwrap(), "x\n");
}

/// Whoever else can write to the directory could say what we link.
#[test]
fn a_directory_that_is_not_ours_alone_is_not_used() {
    use std::os::unix::fs::{PermissionsExt, chown};
    for mode in [0o770, 0o702, 0o777] {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path());
        let listener = place.listen().unwrap();
        std::fs::set_permissions(place.root(), std::fs::Permissions::from_mode(mode)).unwrap();
        let client = Client::new(directory.path(), hello(), Some("/bin/true".into()));
        assert_eq!(client.resolve(&wanted()), Resolved::default());
        let refused = client.ask(tag::STATUS, b"", SILENCE).unwrap_err().to_string();
        assert!(refused.contains("not") || refused.contains("connect"), "{refused}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{mode:o}");
        assert!(place.make().is_err() && !client.enqueue(&queued()));
    }
    let directory = tempfile::tempdir().unwrap();
    let place = place(directory.path());
    let _listener = place.listen().unwrap();
    if chown(place.root(), Some(12345), None).is_ok() {
        assert_eq!(place.connect().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}

fn queued() -> Queued {
    let key = kiln_action::ActionKey::of_name([1; 32]);
    let product = Product::Unit { weak: WeakKey::of_name([1; 32]), key, workspace: None, incremental: false };
    Queued { remotes: [1; 32], product }
}

/// What daemons of other boots and killed writers leave goes when it is old.
#[test]
fn what_is_left_goes() {
    let directory = tempfile::tempdir().unwrap();
    let place = place(directory.path());
    let old = std::time::SystemTime::now() - Duration::from_secs(40 * 24 * 3600);
    let own = place.lock().file_name().unwrap().to_string_lossy().into_owned();
    for name in ["lock-another", "socket-another", "queue/.kiln-1-2", ".kiln-1-3", &own, "queue/kept"] {
        let path = place.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"").unwrap();
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
    }
    std::fs::write(place.root().join("lock-a-neighbour"), b"").unwrap();
    place.tidy();
    let mut left: Vec<String> = std::fs::read_dir(place.root())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let mut expected = vec!["lock-a-neighbour".to_owned(), own, "queue".to_owned()];
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(std::fs::read_dir(place.queue()).unwrap().count(), 1);
}

#[test]
fn the_socket_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let place = place(directory.path());
    let _listener = place.listen().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.socket()), 0o600);
    assert_eq!(mode(place.root()), 0o700);
}
