//! A directory that several machines have mounted: what can go wrong with one.
#![allow(clippy::disallowed_methods, reason = "tests arrange and damage files themselves")]

use kiln_action::{ActionKey, ActionResult, Digest};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Fault, Level, PackedUnit, Spec};
use kiln_sys::files::fault::{Effect, arm};
use kiln_testkit::mounted::Mounted;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

const KEY: ActionKey = ActionKey::of_name([5; 32]);

fn open(directory: &Path) -> Level {
    open_with(directory, None)
}

fn open_with(directory: &Path, quarantine: Option<&Path>) -> Level {
    let spec = Spec::parse(&format!("file://{}", directory.display())).unwrap();
    Level::open(&spec, &["main".into()], &[], quarantine).unwrap()
}

fn name() -> String {
    pack::name(Kind::Result, KEY.name())
}

fn packed() -> Vec<u8> {
    let result = ActionResult { unit: "u".repeat(3000), ..ActionResult::default() };
    PackedUnit::pack(&KEY, &result.encode(&KEY), &mut |_: &Digest| None).unwrap().0
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(below(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

/// Whichever call of a directory fails, and how: a fault or the right thing, and what others see is whole or not there.
#[test]
fn every_call_may_fail() {
    const ERRNOS: [i32; 7] = [5, 13, 28, 30, 110, 116, 122]; // EIO, EACCES, ENOSPC, EROFS, ETIMEDOUT, ESTALE, EDQUOT
    for errno in ERRNOS {
        for effect in [Effect::Fail(errno), Effect::FailFrom(errno)] {
            let (mut at, mut over) = (0, false);
            while !over {
                let directory = tempfile::tempdir().unwrap();
                let armed = arm(at, effect);
                let kept = open(directory.path()).keep(&name(), &packed());
                over = armed.calls() <= at;
                drop(armed);
                let there = open(directory.path()).unit(&KEY).unwrap();
                assert!(kept.is_err() || there.is_some(), "{effect:?} {at}");
                let armed = arm(at, effect);
                let found = open(directory.path()).unit(&KEY);
                drop(armed);
                assert!(
                    found.as_ref().is_err() || found.is_ok_and(|found| found.is_some() == there.is_some())
                );
                at += 1;
            }
            assert!(at > 5, "{at}");
        }
    }
}

/// Somebody else has replaced what was being read (NFS): it is looked up once more.
#[test]
fn a_stale_handle_is_looked_up_again() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).keep(&name(), &packed()).unwrap();
    for at in 0..3 {
        let armed = arm(at, Effect::Fail(116));
        let found = open(directory.path()).unit(&KEY);
        drop(armed);
        assert!(found.unwrap().is_some(), "{at}");
    }
}

/// Whoever may use the directory may use what anybody put there, whatever umask that was under.
#[test]
fn another_users_umask() {
    // A process has one umask: this test starts itself once more under the strictest.
    if let Some(directory) = std::env::var_os("KILN_TEST_SHARE") {
        return open(Path::new(&directory)).keep(&name(), &packed()).unwrap();
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for (of_share, of_files) in [(0o2775, 0o664), (0o777, 0o666), (0o755, 0o644), (0o700, 0o600)] {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(of_share)).unwrap();
        let own = std::env::current_exe().unwrap();
        let mut again = Command::new("sh");
        again.args(["-c", "umask 077; exec \"$0\" --exact another_users_umask"]).arg(own);
        assert!(again.env("KILN_TEST_SHARE", directory.path()).output().unwrap().status.success());
        for path in below(directory.path()) {
            assert_eq!(mode(&path), if path.is_dir() { of_share } else { of_files }, "{}", path.display());
        }
        assert!(open(directory.path()).unit(&KEY).unwrap().is_some());
    }
}

#[test]
fn a_share_that_can_only_be_read() {
    let Some(mounted) = Mounted::with_room_for(1024) else { return };
    open(mounted.path()).keep(&name(), &packed()).unwrap();
    mounted.make_read_only();
    let store = open(mounted.path());
    for n in 0..20 {
        assert!(store.unit(&KEY).unwrap().is_some());
        assert!(store.keep(&format!("r/00/{n}"), b"x").is_err());
    }
    let health = store.health();
    assert_eq!((health.failed, health.found), (1, 20), "{health:?}");
    assert!(health.last_fault.contains("Read-only"), "{health:?}");
    assert!(store.is_asked() && !store.takes());
}

#[test]
fn a_share_that_is_full() {
    let Some(mounted) = Mounted::with_room_for(64) else { return };
    let store = open(mounted.path());
    store.keep(&name(), &packed()).unwrap();
    let large = vec![7; 100 << 10];
    for n in 0..20 {
        assert!(store.keep(&format!("r/00/{n}"), &large).is_err());
        assert!(store.unit(&KEY).unwrap().is_some());
    }
    let health = store.health();
    assert!(health.last_fault.starts_with("is full"), "{health:?}");
    assert_eq!(health.failed, 1, "{health:?}");
    let left = below(mounted.path()).into_iter().filter(|path| path.is_file());
    assert_eq!(left.count(), 1, "nothing is left of what did not fit");
}

/// What is no file, or larger than anything of ours, is not read.
#[test]
fn strange_things_in_a_share() {
    let (directory, quarantine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open_with(directory.path(), Some(quarantine.path()));
    let path = directory.path().join("kiln2/main").join(name());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let sparse = fs::File::create(&path).unwrap();
    sparse.set_len(300 << 30).unwrap();
    assert!(store.unit(&KEY).unwrap().is_none());
    assert_eq!(store.health().wrong, 1);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(!matches!(store.unit(&KEY), Ok(Some(_))));
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(!matches!(store.unit(&KEY), Ok(Some(_))));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(!matches!(store.unit(&KEY), Ok(Some(_))));
    fs::remove_dir(&path).unwrap();
    store.keep(&name(), &packed()).unwrap();
    assert!(store.unit(&KEY).unwrap().is_some());
}

/// However much is damaged: what is kept of it is little, and the latest.
#[test]
fn a_quarantine_stays_small() {
    let (directory, quarantine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open_with(directory.path(), Some(quarantine.path()));
    for n in 0..60_u8 {
        let key = ActionKey::of_name([n; 32]);
        store.keep(&pack::name(Kind::Result, key.name()), &vec![n; 3 << 20]).unwrap();
        assert!(store.unit(&key).unwrap().is_none());
    }
    let left = below(quarantine.path());
    assert!(left.len() <= 32, "{}", left.len());
    assert!(left.iter().any(|path| path.to_string_lossy().ends_with(&"3b".repeat(32))), "{left:?}");
    let bytes: u64 = left.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes <= 32 << 20, "{bytes}");
}

/// A writer that was killed leaves a file under a private name; who tidies up finds it when it is old.
#[test]
fn what_killed_writers_leave_is_found_later() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.keep(&name(), &packed()).unwrap();
    let left = directory.path().join("kiln2/main/r/05/.kiln-1-2");
    fs::write(&left, "half").unwrap();
    assert_eq!(store.list().unwrap().len(), 1);
    let old = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    fs::File::options().append(true).open(&left).unwrap().set_modified(old).unwrap();
    let listed = store.list().unwrap();
    assert_eq!(listed.len(), 2);
    listed.iter().for_each(|listed| store.remove(&listed.name).unwrap());
    assert!(!left.exists());
}

#[test]
fn a_share_that_is_not_mounted_is_a_fault_and_is_not_made() {
    let above = tempfile::tempdir().unwrap();
    let store = open(&above.path().join("mnt/cache"));
    assert!(matches!(store.unit(&KEY), Err(Fault::Unreachable(_))));
    assert!(store.keep("r/00/x", b"").is_err());
    assert!(store.list().is_err());
    assert!(!above.path().join("mnt").exists());
}
