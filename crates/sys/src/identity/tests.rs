use super::*;
use proptest::prelude::*;
use std::fs;
use std::time::{Duration, SystemTime};

fn identity(ino: u64, mtime_ns: i64) -> Identity {
    Identity { dev: 7, ino, size: 5, mtime_ns, ctime_ns: mtime_ns + 1 }
}

fn digest(n: u64) -> Digest {
    Digest { hash: Digest::of(&n.to_le_bytes()).hash, size: 5 }
}

#[test]
fn what_was_put_is_known_by_everybody_until_the_file_changes() {
    let space = tempfile::tempdir().unwrap();
    let (memo, other) = (Memo::open(space.path()), Memo::open(space.path()));
    let id = identity(1, 1000);
    assert_eq!(memo.get(&id), None);
    memo.put(&id, &digest(1), WrittenBy::Kiln);
    assert_eq!(other.get(&id), Some(digest(1)));
    for changed in [
        Identity { dev: 8, ..id },
        Identity { ino: 2, ..id },
        Identity { size: 6, ..id },
        Identity { mtime_ns: 1001, ..id },
        Identity { ctime_ns: 1002, ..id },
    ] {
        assert_eq!(memo.get(&changed), None);
    }
    memo.put(&Identity { ctime_ns: 2000, ..id }, &digest(2), WrittenBy::Kiln);
    assert_eq!(memo.get(&id), None, "the old state of a file makes room for the new one");
}

#[test]
fn a_digest_of_another_length_is_not_remembered() {
    let space = tempfile::tempdir().unwrap();
    let memo = Memo::open(space.path());
    memo.put(&Identity { size: 4, ..identity(1, 1000) }, &digest(1), WrittenBy::Kiln);
    assert_eq!(memo.get(&Identity { size: 4, ..identity(1, 1000) }), None);
}

#[test]
fn young_files_of_others_are_not_remembered() {
    let now = FileTime(1_000_000_123_456_789);
    let other = WrittenBy::Other(now);
    let at = |age_ms: i64| identity(1, now.0 - age_ms * MILLISECOND);
    assert!(other.settled(&at(21)));
    assert!(!other.settled(&at(19)));
    assert!(!other.settled(&at(0)));
    assert!(!other.settled(&at(-5000)), "from the future");
    assert!(!other.settled(&Identity { ctime_ns: now.0, ..at(1000) }), "times set back");
    assert!(WrittenBy::Kiln.settled(&at(0)));
    assert!(!WrittenBy::Remote(now).settled(&at(1000)));
    assert!(WrittenBy::Remote(now).settled(&at(601_000)));
    let whole = |age_s: i64| {
        let time = (now.0 / SECOND - age_s) * SECOND;
        Identity { mtime_ns: time, ctime_ns: time, ..at(0) }
    };
    assert!(!other.settled(&whole(2)), "a clock of whole seconds");
    assert!(other.settled(&whole(4)));
}

/// docs/format.md
#[test]
fn a_slot_byte_by_byte() {
    let id = Identity { dev: 0x0102, ino: 0x0304, size: 5, mtime_ns: -2, ctime_ns: 0x0607 };
    let slot = slot_bytes(&id, &digest(1));
    let mut expected = vec![2, 1, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0];
    expected.extend([0xfe, 255, 255, 255, 255, 255, 255, 255, 7, 6, 0, 0, 0, 0, 0, 0]);
    expected.extend(digest(1).hash);
    let mut sum = 0x6b69_6c6e_6d65_6d6f_u64;
    for word in expected.chunks_exact(8) {
        sum = mix(sum ^ u64::from_le_bytes(word.try_into().unwrap()));
    }
    expected.extend(sum.to_le_bytes());
    assert_eq!(slot.as_slice(), expected);
    assert_eq!((WAYS, BUCKETS), (4, 16_384));
    assert_eq!(mix(1), 0x5692_161d_100b_05e5, "the finisher of splitmix64");
}

#[test]
fn no_memo_is_no_error() {
    let nowhere = Memo::open(Path::new("/proc/none"));
    nowhere.put(&identity(1, 1), &digest(1), WrittenBy::Kiln);
    assert_eq!(nowhere.get(&identity(1, 1)), None);
    assert_eq!(Memo::none().get(&identity(1, 1)), None);
}

#[test]
fn the_table_stays_small() {
    assert!(BUCKETS * (WAYS * SLOT) as u64 <= 8 << 20);
    let space = tempfile::tempdir().unwrap();
    let memo = Memo::open(space.path());
    for ino in 0..5000 {
        memo.put(&identity(ino, 1000), &digest(ino), WrittenBy::Kiln);
    }
    let known = (0..5000).filter(|&ino| memo.get(&identity(ino, 1000)) == Some(digest(ino))).count();
    assert!(known > 4900, "{known} of 5000 known");
    let file = fs::read_dir(space.path()).unwrap().next().unwrap().unwrap();
    assert!(file.metadata().unwrap().len() <= 8 << 20);
    assert!(file.file_name().to_str().unwrap().starts_with(MEMO_PREFIX));
}

#[test]
fn the_digest_of_a_path() {
    let space = tempfile::tempdir().unwrap();
    let path = space.path().join("file");
    let memo = Memo::open(space.path());
    assert_eq!(digest_of(&path, &memo).unwrap(), Found::Nothing);
    assert_eq!(digest_of(space.path(), &memo).unwrap(), Found::Other(FileKind::Directory));
    fs::write(&path, "12345").unwrap();
    let Found::Content(found, fresh) = digest_of(&path, &memo).unwrap() else { panic!() };
    assert_eq!(found, Digest::of(b"12345"));
    assert_eq!(memo.get(&fresh), None, "it was written just now");
    std::thread::sleep(Duration::from_millis(60));
    digest_of(&path, &memo).unwrap();
    assert_eq!(memo.get(&fresh), Some(found), "it has settled");
    memo.put(&fresh, &digest(9), WrittenBy::Kiln);
    assert_eq!(digest_of(&path, &memo).unwrap(), Found::Content(digest(9), fresh), "the memo is asked first");
    fs::write(&path, "54321").unwrap();
    assert!(matches!(digest_of(&path, &memo).unwrap(), Found::Content(d, _) if d == Digest::of(b"54321")));
}

#[test]
fn times_in_the_future_are_never_believed() {
    let space = tempfile::tempdir().unwrap();
    let path = space.path().join("file");
    let memo = Memo::open(space.path());
    fs::write(&path, "12345").unwrap();
    let later = SystemTime::now() + Duration::from_secs(1000);
    fs::File::open(&path).unwrap().set_modified(later).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let Found::Content(_, identity) = digest_of(&path, &memo).unwrap() else { panic!() };
    assert_eq!(memo.get(&identity), None);
}

#[test]
fn an_edit_in_place_is_seen_however_soon() {
    let space = tempfile::tempdir().unwrap();
    let path = space.path().join("file");
    let memo = Memo::open(space.path());
    for round in 0..200_u32 {
        let content = round.to_le_bytes();
        fs::write(&path, content).unwrap();
        let Found::Content(found, _) = digest_of(&path, &memo).unwrap() else { panic!() };
        assert_eq!(found, Digest::of(&content), "round {round}");
    }
}

#[test]
fn many_at_once_never_get_a_wrong_answer() {
    let space = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let memo = Memo::open(space.path());
            scope.spawn(move || {
                for n in 0..4000 {
                    // All in a handful of buckets, and the same files from several threads.
                    let id = identity((n * 7 + thread) % 61, 1000 + (n as i64 % 3));
                    let right = digest(id.ino * 1000 + id.mtime_ns as u64);
                    if let Some(known) = memo.get(&id) {
                        assert_eq!(known, right);
                    }
                    memo.put(&id, &right, WrittenBy::Kiln);
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_bytes_are_forgotten_and_never_believed(
        hits in prop::collection::vec((0_usize..40, 0_usize..SLOT, 1_u8..), 1..60),
    ) {
        let space = tempfile::tempdir().unwrap();
        let memo = Memo::open(space.path());
        for ino in 0..40 {
            memo.put(&identity(ino, 1000), &digest(ino), WrittenBy::Kiln);
        }
        let path = space.path().join(memo_name().unwrap());
        let mut table = fs::read(&path).unwrap();
        for (ino, byte, change) in hits {
            let bucket = bucket_offset(&identity(ino as u64, 1000)) as usize;
            let slots = table.len().min(bucket + SLOT * WAYS) - bucket;
            table[bucket + byte.min(slots - 1)] ^= change;
        }
        fs::write(&path, table).unwrap();
        let memo = Memo::open(space.path());
        for ino in 0..40 {
            let known = memo.get(&identity(ino, 1000));
            prop_assert!(known.is_none() || known == Some(digest(ino)));
        }
    }

    #[test]
    fn random_bytes_are_no_memo(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let space = tempfile::tempdir().unwrap();
        fs::write(space.path().join(memo_name().unwrap()), bytes).unwrap();
        let memo = Memo::open(space.path());
        for ino in 0..20 {
            prop_assert_eq!(memo.get(&identity(ino, 1000)), None);
            memo.put(&identity(ino, 1000), &digest(ino), WrittenBy::Kiln);
            prop_assert_eq!(memo.get(&identity(ino, 1000)), Some(digest(ino)));
        }
    }
}

#[test]
fn an_allowance_is_for_each_and_for_all() {
    let mut allowed = Allowance { one: 10, left: 25 };
    assert!(allowed.take(10) && !allowed.take(11) && allowed.take(10));
    assert!(!allowed.take(6), "what is left");
    assert!(allowed.take(5) && allowed.take(0) && !allowed.take(1));
}
