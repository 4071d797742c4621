use super::*;
use kiln_testkit::mutated::fuzz;

/// Results of bytes that do not compress, but resemble each other.
fn things(count: u8, size: usize) -> Vec<(Item, Vec<u8>)> {
    let item = |n: u8| Item { kind: Kind::Result, name: [n; 32], length: 0, cost_ms: u32::from(n) };
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let common: Vec<u8> = (0..size / 2).map(|_| noise()).collect();
    let bytes = |n| [vec![n], common.clone(), (0..size / 2).map(|_| noise()).collect()].concat();
    let things: Vec<Vec<u8>> = (0..count).map(bytes).collect();
    (0..count).map(item).zip(things).collect()
}

fn segments(things: &[(Item, Vec<u8>)]) -> Vec<(Segment, Vec<u8>)> {
    let mut cutter = Cutter::new().unwrap();
    let mut made: Vec<_> =
        things.iter().filter_map(|(item, bytes)| cutter.push(*item, bytes).unwrap()).collect();
    made.extend(cutter.finish().unwrap());
    made
}

/// An index that names more than anybody would fetch is nobody's.
#[test]
fn an_index_of_everything_is_nothing() {
    let named = |count: u64, size: u64| {
        let item = |n: u64| Item { kind: Kind::Result, name: [n as u8; 32], length: size as u32, cost_ms: 0 };
        let segment =
            |n| Segment { digest: Digest { hash: [n as u8; 32], size }, begins: true, items: vec![item(n)] };
        Index { segments: (0..count).map(segment).collect() }
    };
    let opens = |index: Index| Index::open(&[7; 32], &index.seal(&[7; 32])).is_ok();
    assert!(opens(named(20, 4 << 20)));
    assert!(!opens(named(1, 257 << 20)) && !opens(named(3000, 1)) && !opens(named(300, 4 << 20)));
}

#[test]
fn segments_begin_small_keep_the_order_and_are_read_in_theirs() {
    let things = things(40, 600 << 10);
    let made = segments(&things);
    assert!(made[0].1.len() < made[2].1.len());
    assert!(
        made.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 13 << 20,
        "what they share travels once"
    );
    let mut opener = Opener::new().unwrap();
    let (mut read, mut opened) = (Vec::new(), Vec::new());
    for (at, (segment, bytes)) in made.iter().enumerate() {
        assert_eq!(segment.begins, at == 0);
        opener.open(segment, bytes, &mut opened).unwrap();
        read.extend(cut(segment, &opened).map(|(item, bytes)| (item.name, bytes.to_vec())));
    }
    let expected: Vec<_> = things.iter().map(|(item, bytes)| (item.name, bytes.clone())).collect();
    assert!(read == expected);
}

#[test]
fn a_segment_that_is_cut_short_too_long_or_out_of_turn_is_nothing() {
    let made = segments(&things(12, 300 << 10));
    let (segment, bytes) = &made[0];
    let opens = |segment: &Segment, bytes: &[u8]| {
        Opener::new().unwrap().open(segment, bytes, &mut Vec::new()).is_ok()
    };
    assert!(opens(segment, bytes));
    assert!(!opens(segment, &bytes[..bytes.len() - 1]));
    assert!(!opens(segment, &[bytes, &made[1].1[..]].concat()));
    assert!(!opens(&made[1].0, &made[1].1), "it goes on from what was not read");
    let with = |change: i64| {
        let mut segment = segment.clone();
        segment.items[0].length = (i64::from(segment.items[0].length) + change) as u32;
        segment
    };
    assert!(!opens(&with(1), bytes) && !opens(&with(-1), bytes), "lengths that lie");
}

#[test]
fn a_segment_ends_with_a_unit_or_a_large_blob() {
    let mut things = things(12, 900 << 10);
    (0..12).filter(|at| at % 3 == 0).for_each(|at| things[at].0.kind = Kind::Blob);
    (0..12).filter(|at| at % 3 == 1).for_each(|at| things[at].0.kind = Kind::Shapes);
    let made = segments(&things);
    let ends: Vec<Kind> = made.iter().map(|(segment, _)| segment.items.last().unwrap().kind).collect();
    assert!(ends.contains(&Kind::Result) && ends.contains(&Kind::Blob) && !ends.contains(&Kind::Shapes));
}

#[test]
fn an_index_comes_back_and_names_where_things_are() {
    let made = segments(&things(5, 300 << 10));
    let index = Index { segments: made.into_iter().map(|(segment, _)| segment).collect() };
    let pack = index.seal(&[7; 32]);
    assert_eq!(Index::open(&[7; 32], &pack).unwrap(), index);
    assert!(Index::open(&[8; 32], &pack).is_err());
    assert_eq!(index.places()[&(Kind::Result, [0; 32])], 0);
    assert_eq!(index.places()[&(Kind::Result, [4; 32])], index.segments.len() - 1);
}

#[test]
fn a_bundle_that_grew_too_large_begins_anew() {
    let segment = |n: u8, size: u64| Segment {
        digest: Digest { hash: [n; 32], size },
        begins: true,
        items: vec![Item { kind: Kind::Result, name: [n; 32], length: 0, cost_ms: 0 }],
    };
    let old = Index { segments: vec![segment(1, MOST / 2), segment(2, MOST / 2)] };
    let wanted = HashSet::from([[2; 32]]);
    let grown = old.grown(vec![segment(3, 10)], &wanted);
    let left: Vec<u8> = grown.segments.iter().map(|s| s.digest.hash[0]).collect();
    assert_eq!(left, [2, 3]);
}

/// The body of any index: what is read is written as it was, is no more than anybody would fetch, and is cut into runs whole.
#[test]
fn mutated_indexes() {
    fuzz("bundle_index", |bytes| {
        let name = [7; 32];
        let Ok(index) = Index::open(&name, &pack::seal(Kind::Index, &name, bytes)) else { return };
        assert_eq!(Index::open(&name, &index.seal(&name)), Ok(index.clone()));
        assert!(index.bytes() <= 2 * MOST && index.places().len() <= index.items().count());
        assert!(index.runs().into_iter().flatten().eq(0..index.segments.len()));
        let wanted = index.items().take(1).map(|item| item.name).collect();
        let grown = index.clone().grown(index.segments[..index.segments.len() / 2].to_vec(), &wanted);
        assert!(grown.segments.len() <= 2 * MOST_SEGMENTS);
    });
}

/// Any bytes for a segment, and the same once more behind it in its run: what is opened has the length that it should have.
#[test]
fn mutated_segments() {
    let item = |length| Item { kind: Kind::Result, name: [1; 32], length, cost_ms: 0 };
    let items = vec![item(10), item(0), item(290)];
    let segment = Segment { digest: Digest::of(b""), begins: true, items };
    fuzz("bundle_segment", |bytes| {
        let (mut opener, mut opened) = (Opener::new().unwrap(), Vec::new());
        for _ in 0..2 {
            if opener.open(&segment, bytes, &mut opened).is_err() {
                return;
            }
            assert_eq!(opened.len(), 300);
            let lengths = cut(&segment, &opened).map(|(_, bytes)| bytes.len());
            assert!(lengths.eq([10, 0, 290]));
        }
    });
}
