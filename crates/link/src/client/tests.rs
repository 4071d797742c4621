use super::*;
use kiln_action::WeakKey;
use std::os::unix::net::UnixListener;

fn hello() -> Hello {
    Hello { protocol: PROTOCOL, version: "t".into(), ..Hello::default() }
}

fn wanted() -> Resolve {
    Resolve { weak: WeakKey([1; 32]), seen: [0; 32], keys: Vec::new(), build: 1, workspace: None, cost_ms: 0 }
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

fn place(cache: &Path) -> Place {
    let place = Place::new(cache);
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
