use super::*;

#[test]
fn a_salt_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let units = Units::new(directory.path().join("units"));
    let salt = units.salt().unwrap();
    assert_eq!(salt.len(), SALT);
    assert_eq!(units.salt(), Some(salt));
}
