use super::*;

#[test]
fn a_salt_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let units = Units::new(directory.path().join("units"));
    let salt = units.salt().unwrap();
    assert_eq!(salt.len(), SALT);
    assert_eq!(units.salt(), Some(salt));
}

#[test]
fn many_make_one_salt() {
    for _ in 0..50 {
        let directory = tempfile::tempdir().unwrap();
        let units = Units::new(directory.path().join("units"));
        let start = std::sync::Barrier::new(8);
        let salts: Vec<_> = std::thread::scope(|scope| {
            let make = || {
                start.wait();
                units.salt()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(salts[0].is_some() && salts.iter().all(|salt| *salt == salts[0]));
    }
}
