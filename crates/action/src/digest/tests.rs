use super::*;

#[test]
fn pieces_and_whole_agree_and_size_counts() {
    let mut pieces = ContentHasher::new();
    pieces.update(b"ab");
    pieces.update(b"c");
    assert_eq!(pieces.finish(), Digest::of(b"abc"));
    assert_eq!(Digest::of(b"abc").size, 3);
}

#[test]
fn hex_round_trip_and_rejects_other_text() {
    let digest = Digest::of(b"x");
    assert_eq!(unhex(&digest.hex()), Some(digest.hash));
    assert_eq!(unhex("00"), None);
    assert_eq!(unhex(&"g".repeat(64)), None);
}
