use super::*;

#[test]
fn the_deepest_root_wins_and_paths_come_back() {
    let mut places = Places::new();
    places.add(Place::Work, Path::new("/w"));
    places.add(Place::Out, Path::new("/w/target/deps"));
    let placed = places.place(Path::new("/w/target/deps/liba.rmeta"));
    assert_eq!(placed, Placed { place: Place::Out, path: b"liba.rmeta".to_vec() });
    assert_eq!(places.resolve(&placed), Some("/w/target/deps/liba.rmeta".into()));
    assert_eq!(places.place(Path::new("/w/src/a.rs")).place, Place::Work);
    assert_eq!(places.place(Path::new("/wider/a.rs")).place, Place::Literal, "a root ends at a component");
}

#[test]
fn nothing_resolves_outside_its_place() {
    let mut places = Places::new();
    places.add(Place::Out, Path::new("/t"));
    for path in [&b"../etc/passwd"[..], b"/etc/passwd", b"a/../../b"] {
        assert_eq!(places.resolve(&Placed { place: Place::Out, path: path.to_vec() }), None);
    }
    assert_eq!(places.resolve(&Placed { place: Place::Deps(0), path: b"x".to_vec() }), None);
}

#[test]
fn quick_comparisons_say_what_paths_say() {
    let paths = [
        "/w", "/w/", "/w/a", "/w//a", "/w/./a", "//w/a", "/wa", "/w/a/.", "/w/a/", "/", "/w/../a", "/w/a/b",
        "w/a",
    ];
    for path in paths.map(Path::new) {
        for directory in ["/w", "/w/", "/", "/w/a", "//w", "/w/.", "/w/./a"].map(Path::new) {
            assert_eq!(below(path, directory), path.strip_prefix(directory).ok(), "{path:?} {directory:?}");
            assert_eq!(same(path, directory), path == directory, "{path:?} {directory:?}");
        }
    }
}

#[test]
fn what_lies_beside_a_project_lies_beside_each_checkout() {
    let mut places = Places::new();
    places.add(Place::Base, Path::new("/one/project"));
    let placed = places.place(Path::new("/one/project/../common/a.h"));
    assert_eq!(placed, Placed { place: Place::Base, path: b"../common/a.h".to_vec() });
    let mut elsewhere = Places::new();
    elsewhere.add(Place::Base, Path::new("/two/project"));
    assert_eq!(elsewhere.resolve(&placed), Some("/two/project/../common/a.h".into()));
    assert_eq!(elsewhere.resolve(&Placed { place: Place::Base, path: b"/etc/passwd".to_vec() }), None);
}
