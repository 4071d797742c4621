use super::*;

fn packs(count: u8, size: usize) -> Vec<(Item, Vec<u8>)> {
    let item = |n: u8| Item { kind: Kind::Result, name: [n; 32], length: 0, cost_ms: u32::from(n) };
    (0..count).map(|n| (item(n), vec![n; size])).collect()
}

fn segments(packs: Vec<(Item, Vec<u8>)>) -> Vec<(Segment, Vec<u8>)> {
    let mut cutter = Cutter::default();
    let mut made: Vec<_> = packs.into_iter().filter_map(|(item, pack)| cutter.push(item, &pack)).collect();
    made.extend(cutter.finish());
    made
}

/// An index that names more than anybody would fetch is nobody's.
#[test]
fn an_index_of_everything_is_nothing() {
    let named = |count: u64, size: u64| {
        let item = |n: u64| Item { kind: Kind::Result, name: [n as u8; 32], length: size as u32, cost_ms: 0 };
        let segment = |n| Segment { digest: Digest { hash: [n as u8; 32], size }, items: vec![item(n)] };
        Index { segments: (0..count).map(segment).collect() }
    };
    let opens = |index: Index| Index::open(&[7; 32], &index.seal(&[7; 32])).is_ok();
    assert!(opens(named(20, 4 << 20)));
    assert!(!opens(named(1, 65 << 20)) && !opens(named(3000, 1)) && !opens(named(300, 4 << 20)));
}

#[test]
fn segments_begin_small_and_keep_the_order() {
    let made = segments(packs(40, 300 << 10));
    assert!(made[0].1.len() < made[2].1.len());
    let names: Vec<u8> = made.iter().flat_map(|(s, _)| s.items.iter().map(|item| item.name[0])).collect();
    assert_eq!(names, (0..40).collect::<Vec<u8>>());
    for (segment, bytes) in &made {
        for (item, pack) in cut(segment, bytes).unwrap() {
            assert!(pack.iter().all(|byte| *byte == item.name[0]));
        }
        let mut wrong = bytes.clone();
        wrong[17] ^= 1;
        assert!(cut(segment, &wrong).is_err());
        assert!(cut(segment, &bytes[1..]).is_err());
    }
}

#[test]
fn an_index_comes_back_and_names_where_things_are() {
    let made = segments(packs(5, 300 << 10));
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
        items: vec![Item { kind: Kind::Result, name: [n; 32], length: 0, cost_ms: 0 }],
    };
    let old = Index { segments: vec![segment(1, MOST / 2), segment(2, MOST / 2)] };
    let wanted = HashSet::from([[2; 32]]);
    let grown = old.grown(vec![segment(3, 10)], &wanted);
    let left: Vec<u8> = grown.segments.iter().map(|s| s.digest.hash[0]).collect();
    assert_eq!(left, [2, 3]);
}
