use super::*;

#[test]
fn it_counts_in_whole_blocks_and_over_processes() {
    let space = tempfile::tempdir().unwrap();
    let usage = Usage::new(space.path());
    assert_eq!(usage.read(), Count::Nothing);
    usage.grow(1);
    usage.grow(4097);
    assert_eq!(usage.read(), Count::Nothing, "not written down yet");
    drop(usage);
    let usage = Usage::new(space.path());
    assert!(matches!(usage.read(), Count::Known { bytes: 12_288, .. }));
    usage.write(100, FileTime(7)).unwrap();
    assert_eq!(usage.read(), Count::Known { bytes: 100, counted: FileTime(7) });
}

#[test]
fn damage_is_noticed_and_stays_until_somebody_counts() {
    let space = tempfile::tempdir().unwrap();
    let usage = Usage::new(space.path());
    for byte in 0..RECORD {
        usage.write(123_456, FileTime(789)).unwrap();
        let mut record = kiln_sys::files::read(&space.path().join("usage")).unwrap();
        record[byte] ^= 0x10;
        kiln_sys::files::write_atomic(&space.path().join("usage"), &record).unwrap();
        assert_eq!(usage.read(), Count::Damaged, "byte {byte}");
        usage.grow(1);
        usage.flush();
        assert_eq!(usage.read(), Count::Damaged);
    }
    kiln_sys::files::write_atomic(&space.path().join("usage"), b"short").unwrap();
    assert_eq!(usage.read(), Count::Damaged);
}

/// docs/format.md
#[test]
fn a_record_byte_by_byte() {
    let mut record = vec![4, 3, 2, 1, 0, 0, 0, 0, 0xff, 255, 255, 255, 255, 255, 255, 255];
    record.extend(&Digest::of(&record).hash[..8]);
    assert_eq!(encode(0x0102_0304, FileTime(-1)).as_slice(), record);
}
