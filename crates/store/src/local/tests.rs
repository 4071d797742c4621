use super::records::{decode_newest, encode_newest};
use super::*;
use kiln_action::{ActionKey, ActionResult, SnapshotKey, WeakKey};
use kiln_sys::files::Identity;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

struct Space {
    directory: tempfile::TempDir,
    store: LocalStore,
}

impl Space {
    fn new() -> Space {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::open(&directory.path().join("cache")).unwrap();
        Space { directory, store }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A blob that got in as a copy.
    fn blob(&self, content: &[u8]) -> (Digest, PathBuf) {
        let digest = Digest::of(content);
        self.store.put(&Key::Blob(digest), Content::Bytes(content)).unwrap();
        (digest, self.store.path(&Key::Blob(digest)))
    }

    /// A file that was linked in.
    fn linked(&self, name: &str, content: &[u8]) -> (Digest, PathBuf) {
        let (digest, path) = (Digest::of(content), self.at(name));
        fs::write(&path, content).unwrap();
        self.store.put(&Key::Blob(digest), Content::File { path: &path, how: Keep::Link }).unwrap();
        (digest, path)
    }
}

const COPY: Fetch = Fetch::Copy { executable: false };

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn what_is_put_comes_back() {
    let space = Space::new();
    let from = space.at("from");
    for (n, size) in [0, 1, 5000, 300_000].into_iter().enumerate() {
        for how in [Keep::Copy, Keep::Link] {
            let content = vec![n as u8 * 2 + u8::from(how == Keep::Link); size];
            let digest = Digest::of(&content);
            let _ = fs::remove_file(&from);
            fs::write(&from, &content).unwrap();
            assert_eq!(space.store.missing(&[digest]).len(), usize::from(size > 0 || how == Keep::Copy));
            space.store.put(&Key::Blob(digest), Content::File { path: &from, how }).unwrap();
            assert_eq!(space.store.missing(&[digest]), []);
            for fetch in [Fetch::Link, COPY, Fetch::Copy { executable: true }] {
                let to = space.at(&format!("to/{n}"));
                let fetched = space.store.fetch(&digest, &to, fetch).unwrap();
                assert_eq!(fs::read(&to).unwrap(), content);
                assert_eq!(fetched.linked, fetch == Fetch::Link);
                assert_eq!(fetched.identity, files::stat(&to).unwrap().unwrap().identity);
                let executable = fs::metadata(&to).unwrap().permissions().mode() & 0o111 != 0;
                assert_eq!(executable, fetch == Fetch::Copy { executable: true });
            }
            assert_eq!(space.store.get(&[Key::Blob(digest)]), [Some(content)]);
        }
    }
}

/// A snapshot is one record, bound to its name; the newest is the one.
#[test]
fn a_snapshot_is_replaced_and_is_nothing_under_another_name() {
    let space = Space::new();
    let (ours, theirs) = (SnapshotKey::of(b"ours"), SnapshotKey::of(b"theirs"));
    let put = |key: SnapshotKey, file: &[u8]| space.store.put(&Key::Snapshot(key), Content::Bytes(file));
    let get = |key: SnapshotKey| space.store.get(&[Key::Snapshot(key)]).pop().unwrap();
    for body in [&b"first"[..], b"second"] {
        put(ours, &ours.seal(body)).unwrap();
        assert_eq!(get(ours), Some(ours.seal(body)));
    }
    assert!(matches!(put(theirs, &ours.seal(b"calls")), Err(StoreError::NotTheKey(_))));
    let path = space.store.path(&Key::Snapshot(theirs));
    assert!(path.starts_with(space.at("cache/v1/snapshots")));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, ours.seal(b"calls")).unwrap();
    assert_eq!(get(theirs), None);
    assert!(!path.exists(), "damage is dropped");
}

#[test]
fn what_is_not_there_is_missing() {
    let space = Space::new();
    let digest = Digest::of(b"nothing");
    for how in [Fetch::Link, COPY] {
        assert!(matches!(space.store.fetch(&digest, &space.at("to"), how), Err(StoreError::Missing(_))));
    }
    let keys =
        [Key::Result(ActionKey::of_name([1; 32])), Key::Shapes(WeakKey::of_name([1; 32])), Key::Blob(digest)];
    assert_eq!(space.store.get(&keys), [None, None, None]);
    assert!(!space.at("to").exists());
}

#[test]
fn the_directory_is_private_tagged_and_versioned() {
    let space = Space::new();
    let mode = fs::metadata(space.at("cache")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(
        fs::read(space.at("cache/CACHEDIR.TAG"))
            .unwrap()
            .starts_with(b"Signature: 8a477f597d28d172789f06886806bc55")
    );
    assert!(space.at("cache/v1/blobs").is_dir());
    let (digest, path) = space.blob(b"content");
    assert_eq!(path, space.at("cache/v1/blobs").join(&digest.hex()[..1]).join(digest.hex()));
}

#[test]
fn bytes_that_are_not_their_key_are_refused() {
    let space = Space::new();
    let digest = Digest::of(b"content");
    let from = space.at("from");
    fs::write(&from, b"longer content").unwrap();
    let refused = |key: Key, content| matches!(space.store.put(&key, content), Err(StoreError::NotTheKey(_)));
    assert!(refused(Key::Blob(digest), Content::Bytes(b"CONTENT")));
    for how in [Keep::Copy, Keep::Link] {
        assert!(refused(Key::Blob(digest), Content::File { path: &from, how }));
    }
    assert!(refused(Key::Result(ActionKey::of_name([1; 32])), Content::Bytes(b"nonsense")));
    assert!(refused(Key::Shapes(WeakKey::of_name([1; 32])), Content::Bytes(b"")));
    assert_eq!(space.store.missing(&[digest]), [digest]);
}

#[test]
fn a_symbolic_link_is_followed_and_not_kept() {
    let space = Space::new();
    let digest = Digest::of(b"content");
    fs::write(space.at("real"), b"content").unwrap();
    symlink("real", space.at("from")).unwrap();
    let path = space.at("from");
    space.store.put(&Key::Blob(digest), Content::File { path: &path, how: Keep::Link }).unwrap();
    let kept = space.store.path(&Key::Blob(digest));
    assert!(fs::symlink_metadata(&kept).unwrap().is_file());
    assert_ne!(inode(&kept), inode(&space.at("real")));
}

#[test]
fn damage_is_noticed_and_dropped() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 6] = [
        ("first byte", |p| flip(p, 0)),
        ("middle byte", |p| flip(p, 150_000)),
        ("last byte", |p| flip(p, 299_999)),
        ("zeros", |p| fs::write(p, vec![0; 300_000]).unwrap()),
        ("shorter", |p| fs::OpenOptions::new().write(true).open(p).unwrap().set_len(299_999).unwrap()),
        ("longer", |p| fs::OpenOptions::new().write(true).open(p).unwrap().set_len(300_001).unwrap()),
    ];
    for (name, damage) in damages {
        for how in [Fetch::Link, COPY] {
            let space = Space::new();
            let (digest, path) = space.blob(&[7; 300_000]);
            let to = space.at("to");
            fs::write(&to, "old").unwrap();
            damage(&path);
            let outcome = space.store.fetch(&digest, &to, how);
            assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{name} {how:?}: {outcome:?}");
            assert_eq!(fs::read(&to).unwrap(), b"old");
            assert_eq!(space.store.missing(&[digest]), [digest]);
            assert!(matches!(space.store.fetch(&digest, &to, how), Err(StoreError::Missing(_))));
            space.blob(&[7; 300_000]);
            space.store.fetch(&digest, &to, how).unwrap();
        }
    }
}

#[test]
fn what_is_damaged_is_put_right_by_whoever_has_it() {
    type Put = fn(&Space, Digest, &Path) -> Result<(), StoreError>;
    fn file(space: &Space, digest: Digest, path: &Path, how: Keep) -> Result<(), StoreError> {
        space.store.put(&Key::Blob(digest), Content::File { path, how })
    }
    let puts: [Put; 5] = [
        |space, digest, _| space.store.put(&Key::Blob(digest), Content::Bytes(&[7; 300_000])),
        |space, digest, made| file(space, digest, made, Keep::Copy),
        |space, digest, made| file(space, digest, made, Keep::Link),
        |space, _, made| space.store.keep(made, Keep::Copy, &[]).map(drop),
        |space, _, made| space.store.keep(made, Keep::Link, &[]).map(drop),
    ];
    for (number, put) in puts.into_iter().enumerate() {
        let space = Space::new();
        let (digest, path) = space.blob(&[7; 300_000]);
        flip(&path, 5);
        let made = space.at("made");
        fs::write(&made, [7; 300_000]).unwrap();
        put(&space, digest, &made).unwrap();
        let outcome = space.store.fetch(&digest, &space.at("to"), COPY);
        assert!(outcome.is_ok(), "way {number}: {outcome:?}");
    }
}

fn flip(path: &Path, byte: usize) {
    std::thread::sleep(Duration::from_millis(12)); // on kernels with coarse times only a later tick can be told apart
    let mut content = fs::read(path).unwrap();
    content[byte] ^= 1;
    fs::write(path, content).unwrap();
}

#[test]
fn something_else_in_a_blobs_place_is_no_blob() {
    let space = Space::new();
    let digest = Digest::of(b"content");
    let path = space.store.path(&Key::Blob(digest));
    fs::create_dir_all(&path).unwrap();
    assert_eq!(space.store.missing(&[digest]), [digest]);
    assert!(space.store.fetch(&digest, &space.at("to"), COPY).is_err());
    assert!(space.store.put(&Key::Blob(digest), Content::Bytes(b"content")).is_err());
    assert_eq!(space.store.get(&[Key::Blob(digest)]), [None]);
}

#[test]
fn damaged_records_are_dropped() {
    let space = Space::new();
    let action = ActionKey::of_name([1; 32]);
    let key = Key::Result(action);
    let result = ActionResult { unit: "serde".into(), cost_ms: 7, ..ActionResult::default() }.encode(&action);
    let path = space.store.path(&key);
    for byte in 0..result.len() {
        space.store.put(&key, Content::Bytes(&result)).unwrap();
        assert_eq!(space.store.get(&[key]), [Some(result.clone())]);
        let mut damaged = result.clone();
        damaged[byte] ^= 0x40;
        fs::write(&path, damaged).unwrap();
        assert_eq!(space.store.get(&[key]), [None], "byte {byte}");
        assert!(!path.exists());
    }
}

#[test]
fn writing_to_a_linked_file_is_noticed() {
    let space = Space::new();
    let (digest, target) = space.linked("lib.rlib", &[1; 10_000]);
    std::thread::sleep(Duration::from_millis(50));
    let sibling = space.at("sibling.rlib");
    let fetched = space.store.fetch(&digest, &sibling, Fetch::Link).unwrap();
    assert_eq!(inode(&sibling), inode(&target));
    assert_eq!(space.store.memo().get(&fetched.identity), Some(digest), "known without hashing");
    for how in [Fetch::Link, COPY] {
        flip(&sibling, 5000);
        assert!(matches!(space.store.fetch(&digest, &space.at("third"), how), Err(StoreError::Damaged(_))));
        flip(&sibling, 5000); // as it was
        space.store.put(&Key::Blob(digest), Content::File { path: &sibling, how: Keep::Link }).unwrap();
        space.store.fetch(&digest, &space.at("third"), how).unwrap();
    }
}

#[test]
fn copies_share_nothing_and_links_keep_their_time() {
    let space = Space::new();
    let (digest, target) = space.linked("lib.rlib", b"content");
    let old = SystemTime::now() - Duration::from_secs(5000);
    fs::File::open(&target).unwrap().set_modified(old).unwrap();
    let (copy, link) = (space.at("copy"), space.at("link"));
    space.store.fetch(&digest, &link, Fetch::Link).unwrap();
    space.store.fetch(&digest, &copy, COPY).unwrap();
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(time(&link), time(&target));
    assert!(time(&target) < old + Duration::from_secs(1), "never stamped again");
    assert!(time(&copy) > old + Duration::from_secs(4000));
    assert_ne!(inode(&copy), inode(&target));
    fs::write(&copy, "edited in place").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"content");
    // Over a file that shares the store's inode a copy must get one of its own.
    space.store.fetch(&digest, &link, COPY).unwrap();
    assert_ne!(inode(&link), inode(&target));
    let before = inode(&copy);
    space.store.fetch(&digest, &copy, COPY).unwrap();
    assert_ne!(inode(&copy), before, "an open old file is not written to");
}

#[test]
fn another_file_system_gets_copies() {
    let space = Space::new();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let (digest, _) = space.blob(b"content");
    let to = other.path().join("out/to");
    let fetched = space.store.fetch(&digest, &to, Fetch::Link).unwrap();
    let same = fs::metadata(space.at("cache")).unwrap().dev() == fetched.identity.dev;
    assert_eq!(fetched.linked, same);
    assert_eq!(fs::read(&to).unwrap(), b"content");
    let from = other.path().join("from");
    fs::write(&from, b"other").unwrap();
    let digest = Digest::of(b"other");
    space.store.put(&Key::Blob(digest), Content::File { path: &from, how: Keep::Link }).unwrap();
    assert_eq!(space.store.get(&[Key::Blob(digest)]), [Some(b"other".to_vec())]);
}

#[test]
fn what_kiln_placed_is_known_at_once() {
    let space = Space::new();
    let (digest, path) = space.blob(&[3; 5000]);
    let fetched = space.store.fetch(&digest, &space.at("to"), COPY).unwrap();
    assert_eq!(space.store.memo().get(&fetched.identity), Some(digest));
    let stored: Identity = files::stat(&path).unwrap().unwrap().identity;
    assert_eq!(space.store.memo().get(&stored), Some(digest));
}

#[test]
fn a_kept_copy_is_hashed_once_and_what_was_put_unseen_before_it_is_served() {
    let space = Space::new();
    let from = space.at("from");
    fs::write(&from, [5; 5000]).unwrap();
    let digest = space.store.keep(&from, Keep::Copy, &[]).unwrap();
    assert_eq!(digest, Digest::of(&[5; 5000]));
    let path = space.store.path(&Key::Blob(digest));
    assert_eq!(space.store.memo().get(&files::stat(&path).unwrap().unwrap().identity), Some(digest));
    assert_eq!(space.store.keep(&from, Keep::Copy, &[]).unwrap(), digest);
    assert_eq!(space.store.keep(&from, Keep::Link, &[]).unwrap(), digest);
    // The caller was wrong about what is in the file.
    let wrong = Digest::of(&[6; 5000]);
    space.store.put(&Key::Blob(wrong), Content::File { path: &from, how: Keep::Copy }).unwrap();
    assert!(matches!(space.store.fetch(&wrong, &space.at("to"), COPY), Err(StoreError::Damaged(_))));
}

#[test]
fn what_holds_a_banned_path_is_not_kept_however_large_it_is() {
    let space = Space::new();
    let from = space.at("from");
    for size in [5000, 256 << 10, (3 << 20) + 77] {
        for (at, banned) in [(0, true), (size - 9, true), (size / 2, true), (0, false)] {
            let mut content: Vec<u8> = (0..size).map(|n| (n % 251) as u8 | 0x80).collect();
            let needle = b"/a/target".as_slice();
            if banned {
                content[at..][..needle.len()].copy_from_slice(needle);
            }
            fs::write(&from, &content).unwrap();
            for how in [Keep::Copy, Keep::Link] {
                let kept = space.store.keep(&from, how, &[b"/a/other", needle]);
                match banned {
                    true => assert!(matches!(&kept, Err(StoreError::Banned(_, path)) if path == needle)),
                    false => assert_eq!(kept.unwrap(), Digest::of(&content)),
                }
                let there = space.store.missing(&[Digest::of(&content)]).is_empty();
                assert_eq!(there, !banned, "{size} bytes, {how:?}");
            }
            if !banned {
                let stored = fs::read(space.store.path(&Key::Blob(Digest::of(&content)))).unwrap();
                assert!(stored == content);
            }
        }
    }
}

#[test]
fn after_a_power_cut_nothing_is_believed_unseen() {
    let space = Space::new();
    let (digest, path) = space.blob(&[3; 5000]);
    // Zeros of the right length, with an identity that was known before.
    let identity = {
        fs::write(&path, [0; 5000]).unwrap();
        files::stat(&path).unwrap().unwrap().identity
    };
    space.store.memo().put(&identity, &digest, kiln_sys::identity::WrittenBy::Kiln);
    for entry in fs::read_dir(space.at("cache/v1")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_str().unwrap().starts_with("memo-") {
            fs::rename(entry.path(), space.at("cache/v1/memo-of-an-earlier-boot-0000000000000000000"))
                .unwrap();
        }
    }
    let store = LocalStore::open(&space.at("cache")).unwrap();
    assert!(matches!(store.fetch(&digest, &space.at("to"), COPY), Err(StoreError::Damaged(_))));
}

#[test]
fn a_use_is_written_down_once_an_hour() {
    let space = Space::new();
    let (action, weak) = (ActionKey::of_name([1; 32]), WeakKey::of_name([1; 32]));
    let keys = [Key::Result(action), Key::Shapes(weak)];
    let bytes = [ActionResult::default().encode(&action), kiln_action::shape::encode_shapes(&weak, &[])];
    for (key, bytes) in keys.iter().zip(&bytes) {
        space.store.put(key, Content::Bytes(bytes)).unwrap();
        let path = space.store.path(key);
        let set = |secs| {
            let time = SystemTime::now() - Duration::from_secs(secs);
            fs::File::open(&path).unwrap().set_modified(time).unwrap();
            space.store.get(&[*key]);
            fs::metadata(&path).unwrap().modified().unwrap().elapsed().unwrap().as_secs()
        };
        assert!(set(3000) >= 2999);
        assert!(set(4000) < 100);
    }
}

#[test]
fn two_stores_in_one_directory_see_each_other() {
    let space = Space::new();
    let other = LocalStore::open(&space.at("cache")).unwrap();
    let (digest, _) = space.blob(b"content");
    other.fetch(&digest, &space.at("to"), Fetch::Link).unwrap();
    assert_eq!(other.missing(&[digest, Digest::of(b"x")]), [Digest::of(b"x")]);
}

const WEAK: [u8; 32] = [7; 32];

/// docs/format.md
#[test]
fn a_sealed_list_byte_by_byte() {
    let mut body = vec![2, 0, 0, 0];
    body.extend([[1; 32], [2; 32]].concat());
    let mut file = b"KINC\x02".to_vec();
    let named = [&[32, 0, 0, 0], &WEAK[..], &body].concat();
    file.extend(&Digest::of(&named).hash[..8]);
    file.extend(&body);
    assert_eq!(encode_newest(&WEAK, &[ActionKey::of_name([1; 32]), ActionKey::of_name([2; 32])]), file);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lists_of_newest_results_read_back(keys in prop::collection::vec(any::<[u8; 32]>(), 0..5)) {
        let keys: Vec<ActionKey> = keys.into_iter().map(ActionKey::of_name).collect();
        prop_assert_eq!(decode_newest(&WEAK, &encode_newest(&WEAK, &keys)).unwrap(), keys);
    }

    #[test]
    fn lists_with_any_byte_changed_do_not(
        keys in prop::collection::vec(any::<[u8; 32]>(), 0..5),
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let keys: Vec<ActionKey> = keys.into_iter().map(ActionKey::of_name).collect();
        let whole = encode_newest(&WEAK, &keys);
        let mut file = whole.clone();
        file[at.index(whole.len())] ^= change;
        prop_assert!(decode_newest(&WEAK, &file).is_err());
        prop_assert!(decode_newest(&WEAK, &whole[..cut.index(whole.len())]).is_err());
    }

    #[test]
    fn random_bytes_in_place_of_records_are_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let space = Space::new();
        prop_assert!(decode_newest(&WEAK, &bytes).is_err());
        for key in [Key::Result(ActionKey::of_name([1; 32])), Key::Shapes(WeakKey::of_name([1; 32]))] {
            files::write_atomic(&space.store.path(&key), &bytes).unwrap();
            prop_assert_eq!(space.store.get(&[key]), vec![None]);
        }
        space.store.collect(&Limits::default(), kiln_sys::identity::FileTime::now(), false).unwrap();
    }
}
