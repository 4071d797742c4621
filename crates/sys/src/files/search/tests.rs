use super::*;

#[test]
fn bytes_are_found_across_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut bytes = vec![b'.'; 700_000];
    let needle = b"/target/debug/deps";
    bytes[(256 << 10) - 5..][..needle.len()].copy_from_slice(needle);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(find_any(&path, &[b"/elsewhere", needle]).unwrap(), Some(1));
    assert_eq!(find_any(&path, &[b"/elsewhere"]).unwrap(), None);
    assert_eq!(find_any(&path, &[]).unwrap(), None);
}
