#![allow(clippy::disallowed_methods)] // Tests use the system directly.

use super::*;

#[test]
fn the_object_is_written_once_and_repaired() {
    let held = tempfile::tempdir().unwrap();
    let directory = held.path().join("not/yet/there");
    let object = Object::place(Some(&directory)).unwrap();
    assert!(object.path.starts_with(&directory));
    assert_eq!(std::fs::read(&object.path).unwrap(), OBJECT);

    let before = std::fs::metadata(&object.path).unwrap();
    Object::place(Some(&directory)).unwrap();
    let after = std::fs::metadata(&object.path).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::ino(&before), std::os::unix::fs::MetadataExt::ino(&after));

    std::fs::write(&object.path, "damaged").unwrap();
    Object::place(Some(&directory)).unwrap();
    assert_eq!(std::fs::read(&object.path).unwrap(), OBJECT);
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_directory_the_loader_cannot_name_is_not_used() {
    for name in ["/a:b", "/a b", "/a$b", "relative", "/a\tb", "/a\\b"] {
        assert!(!loader_can_name(Path::new(name)), "{name}");
    }
    assert!(loader_can_name(Path::new("/home/user/.cache/kiln")));
    let object = Object::place(Some(Path::new("/tmp/a b"))).unwrap();
    assert!(object.path.starts_with("/proc"));
    assert_eq!(std::fs::read(&object.path).unwrap(), OBJECT);
}
