use super::*;
use crate::memory::{Memory, SOON};

fn wrong() -> Fault {
    Fault::Wrong(b"damaged".to_vec())
}

#[test]
fn a_wrong_object_is_not_there_until_it_is_put_there() {
    let memory = Memory::default();
    let bucket = Quarantined::new(&memory, None);
    bucket.put("r/1", b"x", SOON).unwrap();
    memory.fail_with([wrong()]);
    assert_eq!(bucket.get("r/1", 9, SOON), Ok(None));
    assert!(bucket.is_wrong("r/1"));
    assert_eq!(bucket.has("r/1", SOON), Ok(false), "it is to be put there again");
    let health = bucket.health();
    assert_eq!((health.wrong, health.last_fault.as_str()), (1, "r/1 was not what its name says"));
    memory.fail_with([Fault::Late]);
    assert_eq!(bucket.put("r/1", b"x", SOON), Err(Fault::Late));
    assert!(bucket.is_wrong("r/1"), "nothing was put there");
    bucket.put("r/1", b"x", SOON).unwrap();
    assert_eq!(bucket.has("r/1", SOON), Ok(true));
}

#[test]
fn a_lost_object_counts_as_wrong() {
    let memory = Memory::default();
    let bucket = Quarantined::new(&memory, None);
    bucket.is_lost("g/1");
    assert!(bucket.is_wrong("g/1") && bucket.health().wrong == 0);
}

#[test]
fn some_of_it_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let bucket = Quarantined::new(&memory, Some(directory.path()));
    for n in 0..MOST_KEPT + 8 {
        memory.fail_with([Fault::Wrong(vec![0; MOST_OF_ONE + 1])]);
        assert_eq!(bucket.get(&format!("kiln2/main/r/{n}"), 9, SOON), Ok(None));
    }
    let kept: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(kept.len(), MOST_KEPT);
    assert!(kept.iter().all(|one| one.metadata().unwrap().len() == MOST_OF_ONE as u64));
    let last = format!("kiln2-main-r-{}", MOST_KEPT + 7);
    assert!(directory.path().join(last).exists());
}

#[test]
fn looking_at_an_object_says_whether_it_is_sound() {
    let memory = Memory::default();
    let bucket = Quarantined::new(&memory, None);
    assert_eq!(bucket.is_sound("x", 9, SOON), Ok(true), "what is not there is not damaged");
    memory.fail_with([wrong(), Fault::Late]);
    assert_eq!(bucket.is_sound("x", 9, SOON), Ok(false));
    assert_eq!(bucket.is_sound("x", 9, SOON), Err(Fault::Late));
    assert!(bucket.is_wrong("x"));
}

#[test]
fn a_store_that_gives_nothing_right_is_asked_but_not_waited_for() {
    let memory = Memory::default();
    let bucket = Quarantined::new(&memory, None);
    bucket.put("right", b"x", SOON).unwrap();
    let gives = |right: bool| {
        if !right {
            memory.fail_with([wrong()]);
        }
        bucket.get("right", 9, SOON).unwrap();
    };
    for right in [false, false, true, false, false] {
        gives(right);
        assert!(bucket.is_prompt());
    }
    gives(false);
    assert!(!bucket.is_prompt());
    assert_eq!(
        (bucket.asked(BucketCall::Read), bucket.asked(BucketCall::Change)),
        (Admission::Yes, Admission::Yes)
    );
    gives(true);
    assert!(bucket.is_prompt());
    (0..3).for_each(|_| gives(false));
    assert_eq!(bucket.get("absent", 9, SOON), Ok(None));
    assert!(!bucket.is_prompt(), "what is absent is neither right nor wrong");
    bucket.state().doubted = Some((Moment::now(), Duration::ZERO));
    assert!(bucket.is_prompt(), "it may have nothing right to give");
}
