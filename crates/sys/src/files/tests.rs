use super::fault::{Effect, arm};
use super::*;
use rustix::fs::{CWD, Mode};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

fn space() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = list(directory).unwrap().unwrap();
    entries.into_iter().map(|entry| entry.name.into_string().unwrap()).collect()
}

fn age(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn a_file_is_replaced_as_a_whole_and_its_directory_made() {
    let space = space();
    let path = space.path().join("a/b/c");
    write_atomic(&path, b"one").unwrap();
    let first = fs::metadata(&path).unwrap().ino();
    let kept = fs::File::open(&path).unwrap();
    let identity = write_atomic(&path, b"three").unwrap();
    assert_eq!(read(&path).unwrap(), b"three");
    assert_ne!(fs::metadata(&path).unwrap().ino(), first);
    assert_eq!(io::read_to_string(kept).unwrap(), "one");
    assert_eq!(stat(&path).unwrap().unwrap().identity, identity);
    assert_eq!(names(&space.path().join("a/b")), ["c"]);
}

#[test]
fn private_files_are_for_their_owner() {
    let space = space();
    let path = space.path().join("secret");
    write_private(&path, b"x").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_copy_is_a_file_of_its_own_with_fresh_times() {
    let space = space();
    let (from, to) = (space.path().join("from"), space.path().join("out/to"));
    for size in [0, 1, 4096, 200_000, 700_001] {
        let content: Vec<u8> = (0..size).map(|n: u32| (n * 7 + n / 251) as u8).collect();
        fs::write(&from, &content).unwrap();
        age(&from);
        let identity = place_copy(&Source::open(&from).unwrap(), &to, size == 1).unwrap();
        assert_eq!(read(&to).unwrap(), content);
        let (old, new) = (stat(&from).unwrap().unwrap(), stat(&to).unwrap().unwrap());
        assert_eq!(new.identity, identity);
        assert_ne!(new.identity.ino, old.identity.ino);
        assert!(new.identity.mtime_ns > old.identity.mtime_ns + 3_000_000_000);
        assert_eq!(new.mode & 0o111 != 0, size == 1);
        let (digest, _) = place_copy_hashing(&Source::open(&from).unwrap(), &to, false).unwrap();
        assert_eq!(digest, Digest::of(&content));
    }
    assert_eq!(names(&space.path().join("out")), ["to"]);
}

#[test]
fn what_is_not_as_expected_is_not_placed() {
    let space = space();
    let (from, to) = (space.path().join("from"), space.path().join("to"));
    fs::write(&from, "content").unwrap();
    fs::write(&to, "old").unwrap();
    let source = Source::open(&from).unwrap();
    assert_eq!(place_copy_checked(&source, &to, false, &Digest::of(b"other")).unwrap(), None);
    assert_eq!(read(&to).unwrap(), b"old");
    assert!(place_copy_checked(&source, &to, false, &Digest::of(b"content")).unwrap().is_some());
    assert_eq!(read(&to).unwrap(), b"content");
    assert_eq!(names(space.path()), ["from", "to"]);
}

#[test]
fn a_source_that_changes_is_not_placed() {
    let space = space();
    let (from, to) = (space.path().join("from"), space.path().join("to"));
    fs::write(&from, vec![1; 300_000]).unwrap();
    let source = Source::open(&from).unwrap();
    fs::write(&from, vec![2; 10]).unwrap(); // in place: same inode
    let error = place_copy(&source, &to, false).unwrap_err();
    assert!(error.to_string().contains("changed while it was copied"), "{error}");
    assert_eq!(names(space.path()), ["from"]);
    // When what was copied is hashed, the digest is that of the copy, and no zeros are left behind.
    let (digest, _) = place_copy_hashing(&source, &to, false).unwrap();
    assert_eq!(digest, Digest::of(&[2; 10]));
    assert_eq!(read(&to).unwrap(), [2; 10]);
}

#[test]
fn a_link_replaces_and_leaves_nothing_private() {
    let space = space();
    let (from, to) = (space.path().join("from"), space.path().join("to"));
    fs::write(&from, "content").unwrap();
    age(&from);
    let before = stat(&from).unwrap().unwrap();
    let new = place_link(&from, &to).unwrap();
    assert_eq!(
        (new.ino, new.mtime_ns),
        (before.identity.ino, before.identity.mtime_ns),
        "times are untouched"
    );
    place_link(&from, &to).unwrap(); // is there already
    fs::remove_file(&to).unwrap();
    fs::write(&to, "old").unwrap();
    assert_eq!(place_link(&from, &to).unwrap(), stat(&from).unwrap().unwrap().identity);
    assert_eq!(names(space.path()), ["from", "to"]);
    assert_eq!(place_link(&from, &space.path().join("new/deep/to")).unwrap().ino, before.identity.ino);
    assert!(place_link(&space.path().join("none"), &to).unwrap_err().is_missing());
}

#[test]
fn a_link_to_another_file_system_wants_a_copy() {
    let space = space();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    if fs::metadata(space.path()).unwrap().dev() == fs::metadata(other.path()).unwrap().dev() {
        return;
    }
    let from = space.path().join("from");
    fs::write(&from, "content").unwrap();
    assert!(place_link(&from, &other.path().join("to")).unwrap_err().wants_copy());
    place_copy(&Source::open(&from).unwrap(), &other.path().join("to"), false).unwrap();
    assert_eq!(names(other.path()), ["to"]);
}

#[test]
fn any_failing_call_leaves_the_old_file_or_the_new_one() {
    type Act = fn(&Path, &Path) -> Result<Identity, FileError>;
    let acts: [(&str, Act); 4] = [
        ("write", |_, to| write_atomic(to, &[7; 300_000])),
        ("copy", |from, to| place_copy(&Source::open(from)?, to, true)),
        ("copy hashing", |from, to| Ok(place_copy_hashing(&Source::open(from)?, to, true)?.1)),
        ("link", place_link),
    ];
    for (name, act) in acts {
        for there in [false, true] {
            let mut failures = 0;
            for at in 0.. {
                let space = space();
                let (from, to) = (space.path().join("from"), space.path().join("to"));
                fs::write(&from, [7; 300_000]).unwrap();
                if there {
                    fs::write(&to, "old").unwrap();
                }
                let armed = arm(at, Effect::Fail(Errno::NOSPC.raw_os_error()));
                let outcome = act(&from, &to);
                let calls = armed.calls();
                drop(armed);
                let now = fs::read(&to).ok();
                let old = there.then(|| b"old".to_vec());
                assert!(now == old || now == Some(vec![7; 300_000]), "{name} at {at}");
                let left: Vec<String> = names(space.path());
                assert!(left.iter().all(|n| !n.starts_with(PRIVATE_PREFIX)), "{name} at {at}: {left:?}");
                failures += usize::from(outcome.is_err());
                if calls <= at {
                    assert!(outcome.is_ok());
                    break;
                }
            }
            assert!(failures > 0, "{name}: some calls matter");
        }
    }
}

#[test]
fn errors_tell_what_on_which_path_and_why() {
    let path = space().path().join("none");
    let error = read(&path).unwrap_err();
    let message = format!("cannot open {}: No such file or directory (os error 2)", path.display());
    assert_eq!(error.to_string(), message);
    assert!(error.is_missing() && !error.wants_copy());
}

#[test]
fn reading_is_limited() {
    let space = space();
    let path = space.path().join("file");
    fs::write(&path, [1; 1000]).unwrap();
    assert_eq!(read_limited(&path, 1000).unwrap().len(), 1000);
    assert_eq!(read_limited(&path, 999).unwrap_err().source.kind(), io::ErrorKind::FileTooLarge);
    assert!(read(Path::new("/proc/self/status")).unwrap().len() > 100, "files whose length is told as 0");
}

#[test]
fn nothing_waits_for_a_pipe() {
    let space = space();
    let path = space.path().join("pipe");
    rustix::fs::mknodat(CWD, &path, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert_eq!(Source::open(&path).unwrap().stat().kind, FileKind::Other);
}

#[test]
fn appended_records_do_not_mix() {
    let space = space();
    let path = space.path().join("log/events");
    std::thread::scope(|scope| {
        for letter in b'a'..b'e' {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..200 {
                    append(path, &[&[letter; 99][..], b"\n"].concat()).unwrap();
                }
            });
        }
    });
    let text = String::from_utf8(read(&path).unwrap()).unwrap();
    assert_eq!(text.lines().count(), 800);
    assert!(text.lines().all(|line| line.len() == 99 && line.bytes().all(|b| b == line.as_bytes()[0])));
}

#[test]
fn a_lock_is_held_by_one() {
    let space = space();
    let path = space.path().join("locks/lock");
    let held = Lock::try_exclusive(&path).unwrap().unwrap();
    assert!(Lock::try_exclusive(&path).unwrap().is_none());
    drop(held);
    let _held = Lock::exclusive(&path).unwrap();
    assert!(Lock::try_exclusive(&path).unwrap().is_none());
}

#[test]
fn a_round_sees_what_single_looks_see() {
    let space = space();
    let at = |name: &str| space.path().join(name);
    for directory in ["a", "b"] {
        fs::create_dir(at(directory)).unwrap();
        fs::write(at(directory).join("one"), directory).unwrap();
        fs::write(at(directory).join("two"), "2").unwrap();
        symlink("one", at(directory).join("link")).unwrap();
        symlink(directory, at(&format!("to-{directory}"))).unwrap();
    }
    let names = ["one", "two", "link", "none", "one/below", "..", "two"];
    let directories = ["a", "a", "b", "to-a", "to-b", "nowhere", "a"];
    let mut round = Round::default();
    for directory in directories {
        for path in names.map(|name| at(directory).join(name)) {
            assert_eq!(round.stat(&path).unwrap(), stat(&path).unwrap(), "{}", path.display());
        }
    }
    fs::rename(at("b"), at("c")).unwrap();
    symlink("a", at("b")).unwrap();
    assert_eq!(round.stat(&at("b/one")).unwrap(), stat(&at("a/one")).unwrap());
    assert_eq!(round.stat(&at("b/two")).unwrap(), stat(&at("a/two")).unwrap());
}

#[test]
fn looking_at_what_is_there_and_what_is_not() {
    let space = space();
    let at = |name: &str| space.path().join(name);
    fs::write(at("file"), "1").unwrap();
    fs::create_dir(at("dir")).unwrap();
    symlink("file", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    assert_eq!(stat(&at("link")).unwrap().unwrap().kind, FileKind::File);
    assert_eq!(lstat(&at("link")).unwrap().unwrap().kind, FileKind::Symlink);
    assert_eq!(stat(&at("dangling")).unwrap(), None);
    assert_eq!(stat(&at("file/below")).unwrap(), None);
    assert_eq!(stat(&at("dir")).unwrap().unwrap().kind, FileKind::Directory);
    let kinds: Vec<_> = list(space.path()).unwrap().unwrap().into_iter().map(|e| (e.name, e.kind)).collect();
    let expected = [
        ("dangling", FileKind::Symlink),
        ("dir", FileKind::Directory),
        ("file", FileKind::File),
        ("link", FileKind::Symlink),
    ];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.into(), kind)));
    assert_eq!(list(&at("none")).unwrap(), None);
    assert_eq!(read_link(&at("link")).unwrap(), Some("file".into()));
    assert_eq!(read_link(&at("file")).unwrap(), None);
    assert_eq!(read_link(&at("none")).unwrap(), None);
    assert_eq!(real_path(&at("link")).unwrap(), Some(fs::canonicalize(at("file")).unwrap()));
    assert_eq!(real_path(&at("dangling")).unwrap(), None);
    // Words that the kernel uses for what is no more can be part of a name.
    fs::write(at("odd (deleted)"), "").unwrap();
    assert_eq!(
        real_path(&at("odd (deleted)")).unwrap(),
        Some(fs::canonicalize(at("odd (deleted)")).unwrap())
    );
    assert!(remove(&at("dangling")).unwrap());
    assert!(!remove(&at("dangling")).unwrap());
    assert!(!remove_empty_dir(space.path()).unwrap());
    assert!(remove_empty_dir(&at("dir")).unwrap());
    assert!(create_dirs(&at("file")).is_err());
    create_dirs(&at("x/y/z")).unwrap();
    create_dirs(&at("x/y/z")).unwrap();
    assert!(free_bytes(space.path()).unwrap() > 0);
    filesystem_kind(space.path()).unwrap();
}

#[test]
fn touching_sets_the_time_of_the_file_systems_clock() {
    let space = space();
    let (path, fresh) = (space.path().join("file"), space.path().join("fresh"));
    fs::write(&path, "").unwrap();
    age(&path);
    touch_now(&path).unwrap();
    fs::write(&fresh, "").unwrap();
    let time = |path| stat(path).unwrap().unwrap().identity.mtime_ns;
    assert!(time(&path) <= time(&fresh));
    assert!(time(&fresh) - time(&path) < 10_000_000_000);
}

#[test]
fn directories_that_can_never_be_made_are_an_error() {
    assert!(create_dirs(Path::new("/proc/self/no/such/directory")).is_err());
}

#[test]
fn nothing_is_written_through_a_symbolic_link_or_into_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let (target, link) = (dir.path().join("target"), dir.path().join("link"));
    symlink(&target, &link).unwrap();
    assert!(append(&link, b"x").is_err());
    assert!(Scratch::open(&link).is_err());
    assert!(lstat(&target).unwrap().is_none());
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(append(&pipe, b"x").is_err());
}

#[test]
fn places_in_one_file_are_locked_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("locks");
    let taken = |place| matches!(PlaceLock::try_exclusive(&path, place).unwrap(), PlaceClaim::Taken(_));
    let held = PlaceLock::try_exclusive(&path, u64::MAX).unwrap();
    assert!(matches!(held, PlaceClaim::Taken(_)));
    let holder = match PlaceLock::try_exclusive(&path, u64::MAX).unwrap() {
        PlaceClaim::Held(holder) => holder,
        PlaceClaim::Taken(_) => panic!("two have it"),
    };
    assert_eq!(holder, Some(std::process::id()));
    assert!(taken(0));
    drop(held);
    assert!(taken(u64::MAX));
}

#[test]
fn a_large_copy_is_right_or_fails_whichever_call_fails() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("from");
    let content: Vec<u8> = (0..(2 << 20) + 5_u32).map(|n| (n / 7) as u8).collect();
    fs::write(&from, &content).unwrap();
    let source = Source::open(&from).unwrap();
    let mut right = 0;
    for at in 0.. {
        let draft = Draft::create(dir.path(), 0o600).unwrap();
        let mut seen = Vec::new();
        let armed = arm(at, Effect::Fail(Errno::AGAIN.raw_os_error()));
        let outcome = draft.fill_showing(&source, |piece| seen.extend_from_slice(piece));
        let calls = armed.calls();
        drop(armed);
        if let Ok(digest) = outcome {
            assert_eq!(digest, Digest::of(&content), "call {at}");
            assert!(seen == content, "call {at}");
            let to = dir.path().join("to");
            draft.publish(&to).unwrap();
            assert!(fs::read(to).unwrap() == content, "call {at}");
            right += 1;
        }
        if at > calls {
            break;
        }
    }
    assert!(right >= 3, "without a thread, without room asked for, without any failure: {right}");
}

/// What kiln keeps for itself is a regular file by its own name, whatever else lies there.
#[test]
fn the_own_books_are_regular_files() {
    let space = space();
    let at = |name: &str| space.path().join(name);
    fs::write(at("plain"), "12345").unwrap();
    symlink("plain", at("link")).unwrap();
    symlink("/dev/zero", at("endless")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    fs::File::create(at("huge")).unwrap().set_len(1 << 40).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    assert_eq!(read_own(&at("plain"), 5).unwrap(), b"12345");
    assert_eq!(read_own(&at("plain"), 4).unwrap_err().source.kind(), io::ErrorKind::FileTooLarge);
    for name in ["link", "endless", "directory", "huge", "pipe"] {
        assert!(read_own(&at(name), 1 << 20).is_err(), "{name}");
        assert!(read(&at(name)).is_err() || name == "link", "{name}");
        if name != "huge" {
            assert!(Scratch::look(&at(name)).is_err() && Scratch::open(&at(name)).is_err(), "{name}");
            assert!(hash_file(&at(name)).is_err() || name == "link", "{name}");
        }
    }
    let _ = PlaceLock::try_exclusive(&at("pipe"), 1); // (an error or not, but no waiting)
}
