use super::*;

#[test]
fn secrets_are_not_shown() {
    for (written, shown) in [
        ("redis://:pw@host:6379/0", "redis://***@host:6379/0"),
        ("s3://b/p?secret_access_key=hush&region=auto", "s3://b/p?secret_access_key=***&region=auto"),
        ("file:///mnt/cache", "file:///mnt/cache"),
    ] {
        let spec = Spec::parse(written).unwrap();
        assert_eq!(spec.to_string(), shown);
        assert_eq!(format!("{spec:?}"), shown);
    }
}

#[test]
fn access_is_one_of_two() {
    assert!(Spec::parse("file:///c?access=read-only").unwrap().read_only);
    assert!(!Spec::parse("file:///c?access=read-write").unwrap().read_only);
    assert!(Spec::parse("file:///c?access=no").is_err());
}

#[test]
fn namespaces_are_single_parts_of_a_path() {
    let names = ["feature/x", "..", "main"];
    let remotes = Remotes::parse(std::iter::empty(), names.into_iter()).unwrap();
    assert_eq!(remotes.namespaces, ["feature-x", "main", "main"]);
}
