use super::*;
use crate::{Content, Store};
use kiln_action::{ActionKey, Output, OutputRole, Placed, WeakKey};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn store() -> (tempfile::TempDir, LocalStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalStore::open(&directory.path().join("cache")).unwrap();
    (directory, store)
}

fn keep(store: &LocalStore, key: u8, content: &[u8]) -> Digest {
    let digest = Digest::of(content);
    store.put(&Key::Blob(digest), Content::Bytes(content)).unwrap();
    let output = Output {
        path: Placed::literal(Path::new("/o/a")),
        role: OutputRole::File,
        executable: false,
        digest,
    };
    let result = ActionResult { outputs: vec![output], unit: "a lib".into(), ..ActionResult::default() };
    store
        .put(
            &Key::Result(ActionKey::of_name([key; 32])),
            Content::Bytes(&result.encode(&ActionKey::of_name([key; 32]))),
        )
        .unwrap();
    digest
}

fn faults(verified: &VerifyReport) -> Vec<(&'static str, bool)> {
    verified.damage.iter().map(|damage| (damage.fault.name(), damage.repaired)).collect()
}

#[test]
fn a_sound_store_has_no_damage() {
    let (_directory, store) = store();
    keep(&store, 1, b"content");
    let verified = store.verify(false, &|_, _| ()).unwrap();
    assert_eq!((verified.blobs, verified.results, verified.bytes), (1, 1, 7));
    assert_eq!(verified.damage, []);
}

#[test]
fn every_kind_of_damage_is_found_and_repaired_once() {
    let (_directory, store) = store();
    let (flipped, lost) = (keep(&store, 1, b"flipped"), keep(&store, 2, b"lost"));
    keep(&store, 3, b"torn");
    fs::write(store.blob_path(&flipped), b"flippeD").unwrap();
    fs::remove_file(store.blob_path(&lost)).unwrap();
    fs::write(store.path(&Key::Result(ActionKey::of_name([3; 32]))), b"KRES").unwrap();
    let weak = WeakKey::of_name([4; 32]);
    store.put(&Key::Shapes(weak), Content::Bytes(&kiln_action::shape::encode_shapes(&weak, &[]))).unwrap();
    fs::write(store.path(&Key::Shapes(weak)), b"").unwrap();
    let (build, another) = (SnapshotKey::of(b"a build"), SnapshotKey::of(b"another"));
    store.put(&Key::Snapshot(build), Content::Bytes(&build.seal(b"calls"))).unwrap();
    fs::write(store.path(&Key::Snapshot(build)), another.seal(b"calls")).unwrap();
    let unit = store.shard(UNITS, &[5; 32]);
    fs::create_dir_all(unit.parent().unwrap()).unwrap();
    fs::write(&unit, b"KUNI").unwrap();
    fs::write(store.directory().join("units/salt"), [0; 32]).unwrap();
    fs::set_permissions(store.directory(), fs::Permissions::from_mode(0o777)).unwrap();

    let expected = ["exposed", "blob", "result", "dangling", "dangling", "shapes", "snapshot", "baseline"];
    let looked = store.verify(false, &|_, _| ()).unwrap();
    assert_eq!(faults(&looked), expected.map(|name| (name, false)));
    let repaired = store.verify(true, &|_, _| ()).unwrap();
    assert_eq!(faults(&repaired), expected.map(|name| (name, true)));
    assert_eq!(store.verify(false, &|_, _| ()).unwrap().damage, []);
    assert_eq!(fs::metadata(store.directory()).unwrap().permissions().mode() & 0o777, 0o755);
}
