use super::*;

fn queued(n: u8, incremental: bool) -> Queued {
    Queued {
        remotes: [9; 32],
        weak: WeakKey([1; 32]),
        key: ActionKey([n; 32]),
        workspace: Some(Workspace { exact: [3; 32], near: [4; 32] }),
        incremental,
    }
}

#[test]
fn what_is_queued_is_waiting_once_and_damage_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    for n in [1, 2, 1] {
        queued(n, false).enqueue(directory.path()).unwrap();
    }
    std::fs::write(directory.path().join("junk"), b"junk").unwrap();
    let all = waiting(directory.path());
    assert_eq!(all.len(), 2);
    assert!(all.iter().any(|one| one.queued == queued(2, false)));
    assert!(!directory.path().join("junk").exists());
    files::remove(&all[0].path).unwrap();
    assert_eq!(waiting(directory.path()).len(), 1);
}

#[test]
fn of_an_incremental_unit_the_newest_result_is_waiting() {
    let directory = tempfile::tempdir().unwrap();
    for n in [1, 2, 3] {
        queued(n, true).enqueue(directory.path()).unwrap();
    }
    let all = waiting(directory.path());
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].queued.key, ActionKey([3; 32]));
}
