use super::*;
use kiln_recorder::By;

fn process(searches: &[(&str, &str)], library_path: Option<&str>) -> Process {
    Process {
        serial: 1,
        parent: None,
        spawned_by: By::Compiler,
        pid: 1,
        exe: "/p/bin/tool".into(),
        cwd: "/w".into(),
        modules: vec!["/b/libx.so".into(), "/lib64/ld-linux-x86-64.so.2".into()],
        library_path: library_path.map(Into::into),
        searches: searches.iter().map(|(whose, words)| (whose.into(), words.into())).collect(),
    }
}

fn of(process: &Process, variable: Option<&str>) -> Result<Search, Reason> {
    search(process, &Late::default(), process.modules.iter(), variable.map(OsStr::new))
}

#[test]
fn earlier_places_are_asked() {
    let process =
        process(&[("/p/bin/tool", "$ORIGIN/../lib:rel"), ("/b/libx.so", "${ORIGIN}")], Some("/a:/b"));
    let found = of(&process, Some("/a:/b")).unwrap();
    assert_eq!(found.names, BTreeSet::from([b"libx.so".to_vec()]));
    let directories = ["/p/bin/../lib", "/w/rel", "/b"].map(PathBuf::from);
    assert_eq!(found.directories, BTreeSet::from(directories));
    for there in ["/p/bin/../lib/libx.so", "/w/rel/libx.so", "/b/glibc-hwcaps"] {
        assert!(found.places.contains(Path::new(there)), "{there}");
    }
    assert!(!found.places.contains(Path::new("/b/libx.so")), "the library itself is asked for its content");
    let other = of(&process, None).unwrap();
    assert!(other.places.contains(Path::new("/a/libx.so")), "a variable that somebody else set");
}

#[test]
fn what_only_the_loader_knows_is_refused() {
    assert!(of(&process(&[("/p/bin/tool", "/opt/$LIB")], None), None).is_err());
    assert!(of(&process(&[], Some("/opt/$PLATFORM")), None).is_err());
}
