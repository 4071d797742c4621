//! Directories that do not want to be a cache: full, read-only, somebody else's.

use crate::world::{BLOBS, FETCHES, HOWS, World, child, content, digest, result_key};
use kiln_store::{Limits, LocalStore, Store};
use kiln_sys::identity::FileTime;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own, taken away again when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, loudly, where mounting is not permitted.
    fn tmpfs(at: PathBuf, options: &str) -> Option<Mounted> {
        fs::create_dir_all(&at).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "kiln-test"]).arg(&at).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Mounted(at));
        }
        eprintln!("SKIPPED: mounting a tmpfs is not permitted here");
        None
    }

    fn remount(&self, options: &str) -> bool {
        let mount = Command::new("mount").args(["-o", options]).arg(&self.0).status();
        mount.is_ok_and(|status| status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_and_nothing_is_half() {
    let space = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::tmpfs(space.path().join("small"), "size=320k,mode=0755") else { return };
    fs::create_dir_all(space.path().join("work")).unwrap();
    symlink(&mounted.0, space.path().join("work/cache")).unwrap();
    let world = World::open(&space.path().join("work"));
    let mut refused = 0;
    for round in 0..3 {
        for n in (0..BLOBS).rev() {
            for how in HOWS {
                refused += usize::from(world.put(n, how).is_err());
            }
            let _ = world.fetch(n, round, FETCHES[0]);
        }
        for action in 0..5 {
            refused += usize::from(world.put_result(action).is_err());
            world.get_result(action);
        }
    }
    assert!(refused > 0, "5 and 4 do not fit together");
    let error = world.put(4, HOWS[1]).and_then(|()| world.put(5, HOWS[1])).unwrap_err().to_string();
    assert!(error.contains("No space left on device") && error.contains("/v1/"), "{error}");
    assert!(world.private_names().is_empty());
    // Room again: everything works.
    let later = FileTime(FileTime::now().0 + 24 * 3_600_000_000_000);
    world.store.collect(&Limits { max_bytes: Some(1), max_age: None }, later, false).unwrap();
    world.put(5, HOWS[1]).unwrap();
    world.fetch(5, 0, FETCHES[1]).unwrap();
}

#[test]
fn a_full_target_directory_refuses_and_nothing_is_half() {
    let space = tempfile::tempdir().unwrap();
    let world = World::open(&space.path().join("work"));
    let Some(mounted) = Mounted::tmpfs(space.path().join("small"), "size=200k,mode=0755") else { return };
    world.put(5, HOWS[0]).unwrap();
    for how in FETCHES {
        let to = mounted.0.join("to");
        let error = world.store.fetch(&digest(5), &to, how).unwrap_err().to_string();
        assert!(error.contains("No space left on device") && error.contains("/small/"), "{error}");
        assert_eq!(fs::read_dir(&mounted.0).unwrap().count(), 0);
    }
    assert!(world.store.missing(&[digest(5)]).is_empty(), "it is no damage");
}

#[test]
fn a_read_only_store_still_serves() {
    let space = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::tmpfs(space.path().join("disk"), "size=8m,mode=0755") else { return };
    fs::create_dir_all(space.path().join("work")).unwrap();
    symlink(&mounted.0, space.path().join("work/cache")).unwrap();
    let world = World::open(&space.path().join("work"));
    for n in [1, 5] {
        world.put(n, HOWS[0]).unwrap();
    }
    world.put_result(2).unwrap();
    drop(world);
    assert!(mounted.remount("remount,ro"));
    let world = World::open(&space.path().join("work"));
    for how in FETCHES {
        world.fetch(5, 0, how).unwrap();
    }
    assert!(world.get_result(2));
    world.put(1, HOWS[1]).unwrap(); // is there
    for error in [world.put(4, HOWS[1]).unwrap_err(), world.put_result(3).unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains("Read-only file system") && error.contains("/v1/"), "{error}");
    }
    assert!(world.store.collect(&Limits::default(), FileTime::now(), false).is_err());
    let error = LocalStore::open(&mounted.0.join("new")).err().unwrap().to_string();
    assert!(error.contains("Read-only file system") && error.contains("/new"), "{error}");
}

#[test]
#[ignore = "is run by the test below, as somebody else"]
fn stranger() {
    let Ok(root) = std::env::var("KILN_TEST_STRANGER") else { return };
    let root = Path::new(&root);
    // A directory that may not even be entered.
    let error = LocalStore::open(&root.join("closed")).err().unwrap().to_string();
    assert!(error.contains("Permission denied") && error.contains("/closed"), "{error}");
    // One that may be read.
    let store = LocalStore::open(&root.join("open")).unwrap();
    let to = root.join("stranger/to");
    for how in FETCHES {
        store.fetch(&digest(5), &to, how).unwrap();
        assert_eq!(fs::read(&to).unwrap(), content(5));
    }
    let key = kiln_store::Key::Blob(digest(4));
    let error = store.put(&key, kiln_store::Content::Bytes(&content(4))).unwrap_err().to_string();
    assert!(error.contains("Permission denied") && error.contains("/open/v1/"), "{error}");
    // A damaged blob that cannot be dropped is not served.
    let damaged = store.fetch(&digest(1), &to, FETCHES[1]).unwrap_err();
    assert!(damaged.to_string().contains("/open/v1/"), "{damaged}");
    assert_eq!(store.get(&[result_key(1)]), [None]);
    assert_eq!(fs::read(&to).unwrap(), content(5));
}

#[test]
fn somebody_elses_directory_is_an_error_or_read_only() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become somebody else");
        return;
    }
    let space = tempfile::tempdir().unwrap();
    let nobody = 65534;
    let at = |name: &str| space.path().join(name);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(space.path(), 0o755);
    LocalStore::open(&at("closed")).unwrap();
    let world = World::open(&at("open-world"));
    for n in [1, 5] {
        world.put(n, HOWS[0]).unwrap();
    }
    world.put_result(1).unwrap();
    fs::write(world.blob(1), vec![0; content(1).len()]).unwrap();
    fs::rename(at("open-world/cache"), at("open")).unwrap();
    mode(&at("open"), 0o755);
    mode(&at("open/v1"), 0o755);
    fs::create_dir(at("stranger")).unwrap();
    std::os::unix::fs::chown(at("stranger"), Some(nobody), Some(nobody)).unwrap();
    let program = at("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut stranger = child("places::stranger", "KILN_TEST_STRANGER", space.path().to_str().unwrap());
    let mut command = Command::new(program);
    command.args(stranger.get_args()).env("KILN_TEST_STRANGER", space.path());
    stranger.stdin(std::process::Stdio::null());
    let output = command.uid(nobody).gid(nobody).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_file_in_the_way_is_an_error() {
    let space = tempfile::tempdir().unwrap();
    fs::write(space.path().join("cache"), "a file").unwrap();
    let error = LocalStore::open(&space.path().join("cache")).err().unwrap().to_string();
    assert!(error.contains("cache") && error.starts_with("cannot create directory"), "{error}");
}
