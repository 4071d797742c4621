#![allow(clippy::disallowed_methods, reason = "tests ask the system's own list")]
use super::*;

#[test]
fn numbers_are_ordered_by_value() {
    assert_eq!(order(b"libx.so.10", b"libx.so.9"), Ordering::Greater);
    assert_eq!(order(b"libx.so", b"libx.so.1"), Ordering::Less);
    assert_eq!(order(b"lib1.so", b"liba.so"), Ordering::Greater);
    assert_eq!(order(b"libx.so.1", b"libx.so.1"), Ordering::Equal);
}

/// Guards: the order in which one is looked for is that in which `ldconfig` writes them.
#[test]
fn all_of_the_systems_list_is_found() {
    let Ok(list) = std::fs::read("/etc/ld.so.cache") else { return };
    let Some(list) = List::of(list) else { return };
    for index in 0..list.count {
        let (name, flags) = (list.name(index).unwrap(), u32_at(&list.file, list.entry(index)).unwrap());
        let path = list.text(list.entry(index) + 8).unwrap();
        let found = list.paths(name);
        assert!(!is_of_this_kind(flags) || found.contains(&PathBuf::from(OsStr::from_bytes(path))));
    }
    assert!(list.paths(b"libnothing.so.1").is_empty());
    assert!(list.paths(b"").is_empty() && list.paths(b"~").is_empty());
}
