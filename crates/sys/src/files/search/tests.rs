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

#[test]
fn bytes_are_found_wherever_pieces_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let needle = b"0123456789";
    for at in [0, (256 << 10) - 10, (256 << 10) - 1, 256 << 10, (512 << 10) - 9, 700_000 - 10] {
        let mut bytes = vec![b'.'; 700_000];
        bytes[at..][..needle.len()].copy_from_slice(needle);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(find_any(&path, &[needle]).unwrap(), Some(0), "at {at}");
    }
    std::fs::write(&path, b"012345678").unwrap();
    assert_eq!(find_any(&path, &[needle]).unwrap(), None);
}
