use super::*;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

fn identity_of(path: &Path) -> Identity {
    files::stat(path).unwrap().unwrap().identity
}

/// Directories that rest, of the system, on a file system whose directories are stamped; none on some machines.
fn resting() -> Vec<(PathBuf, Identity)> {
    let among = ["/usr/include", "/usr/lib", "/usr/bin", "/etc", "/"];
    let found = among.into_iter().map(PathBuf::from).filter(|path| path.is_dir());
    let found = found.map(|path| (path.clone(), identity_of(&path)));
    found.filter(|(path, identity)| learn(path, identity).is_some()).collect()
}

#[test]
fn no_name_of_a_directory_is_ever_ruled_out() {
    let space = tempfile::tempdir().unwrap();
    for (path, identity) in resting() {
        let (memo, other) = (Memo::open(space.path()), Memo::open(space.path()));
        let names = memo.names(&path, &identity).unwrap();
        assert_eq!(other.names(Path::new("/not/looked/at"), &identity), Some(names.clone()), "remembered");
        for entry in fs::read_dir(&path).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(names.may_hold(&name), "{}/{}", path.display(), name.display());
            assert!(names.may_hold(&name.to_ascii_uppercase()), "a file system may take them for one");
        }
        assert!(names.may_hold(OsStr::new("\u{e4}")), "nobody knows what that is like");
    }
}

#[test]
fn another_state_of_a_directory_is_another_directory() {
    let space = tempfile::tempdir().unwrap();
    let memo = Memo::open(space.path());
    for (path, identity) in resting() {
        memo.names(&path, &identity).unwrap();
        for changed in [
            Identity { dev: identity.dev + 1, ..identity },
            Identity { ino: identity.ino + 1, ..identity },
            Identity { size: identity.size + 1, ..identity },
            Identity { mtime_ns: identity.mtime_ns + 1, ..identity },
            Identity { ctime_ns: identity.ctime_ns - 1, ..identity },
        ] {
            assert_eq!(memo.names(&path, &changed), None, "{changed:?} is not what is there");
        }
    }
}

#[test]
fn what_was_just_changed_is_not_remembered() {
    let of = |mtime_ns, ctime_ns| Identity { dev: 1, ino: 2, size: 3, mtime_ns, ctime_ns };
    let now = 1_000_000_000_000_000_001;
    assert!(rests(&of(now - 2 * RESTS, now - 2 * RESTS), FileTime(now)));
    assert!(!rests(&of(now - 2 * RESTS, now - RESTS), FileTime(now)), "its ctime");
    assert!(!rests(&of(now - RESTS, now - 2 * RESTS), FileTime(now)), "its mtime");
    assert!(!rests(&of(now - 2 * RESTS, now + 1), FileTime(now)), "from the future");
    let whole = now - now % super::super::SECOND;
    assert!(!rests(&of(whole - RESTS, whole), FileTime(whole + 2 * RESTS)), "whole seconds only");
    const { assert!(RESTS > 20 * MILLISECOND, "more than a tick") };
}

#[test]
fn a_name_that_comes_is_not_ruled_out_by_what_was_remembered() {
    let space = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
    let (memo, dir) = (Memo::open(space.path()), space.path().join("dir"));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("a.h"), "").unwrap();
    std::thread::sleep(Duration::from_nanos(2 * RESTS.cast_unsigned()));
    let before = identity_of(&dir);
    let names = memo.names(&dir, &before);
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("b.h", |dir| fs::write(dir.join("b.h"), "").unwrap()),
        ("c.h", |dir| fs::rename(dir.join("b.h"), dir.join("c.h")).unwrap()),
        ("d.h", |dir| fs::hard_link(dir.join("a.h"), dir.join("d.h")).unwrap()),
        ("e.h", |dir| symlink("nowhere", dir.join("e.h")).unwrap()),
        ("f.h", |dir| fs::create_dir(dir.join("f.h")).unwrap()),
    ];
    for (name, change) in changes {
        change(&dir);
        let now = identity_of(&dir);
        assert_ne!(now, before, "{name}");
        assert!(memo.names(&dir, &now).is_none_or(|names| names.may_hold(OsStr::new(name))), "{name}");
    }
    if let Some(names) = names {
        assert!(names.may_hold(OsStr::new("a.h")));
        assert!(!names.may_hold(OsStr::new("b.h")), "(which is what makes the identity matter)");
    }
}

#[test]
fn a_damaged_or_torn_slot_says_nothing() {
    let identity = Identity { dev: 1, ino: 2, size: 3, mtime_ns: 4, ctime_ns: 5 };
    let names = Names::of([OsStr::new("a.h")].into_iter());
    let slot = slot_bytes(&identity, &names);
    assert_eq!(read_slot(&slot, &identity), Some(names));
    for at in 0..SLOT {
        let mut damaged = slot;
        damaged[at] ^= 1;
        assert_eq!(read_slot(&damaged, &identity), None, "byte {at}");
    }
    assert_eq!(read_slot(&[0; SLOT], &Identity { dev: 0, ino: 0, size: 0, mtime_ns: 0, ctime_ns: 0 }), None);
}

#[test]
fn too_many_names_and_odd_ones_rule_nothing_out() {
    let many: Vec<String> = (0..=MOST).map(|n| format!("{n}.h")).collect();
    assert!(Names::of(many.iter().map(OsStr::new)).may_hold(OsStr::new("none.h")));
    let odd = ["a.h", "\u{e4}.h"];
    assert!(Names::of(odd.iter().map(OsStr::new)).may_hold(OsStr::new("none.h")));
}

#[test]
fn most_names_that_are_not_there_are_ruled_out() {
    let names: Vec<String> = (0..350).map(|n| format!("header_{n}.h")).collect();
    let names = Names::of(names.iter().map(OsStr::new));
    let kept = (0..10_000).filter(|n| names.may_hold(OsStr::new(&format!("other_{n}.h")))).count();
    assert!(kept < 400, "{kept} of 10000");
}

proptest! {
    #[test]
    fn a_filter_holds_what_it_was_made_of(names in proptest::collection::vec("[ -~]{1,40}", 0..950)) {
        let filter = Names::of(names.iter().map(OsStr::new));
        for name in &names {
            prop_assert!(filter.may_hold(OsStr::new(name)));
        }
    }
}
