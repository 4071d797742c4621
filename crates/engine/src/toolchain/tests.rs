#![allow(clippy::disallowed_methods, reason = "tests make the files that are looked at")]
use super::*;

const DRIVER: &str = "librustc_driver-1.so";

/// Whether a toolchain in `tc` is known in this environment, seen from `here`. In `other` there is another driver, in
/// `same` the toolchain's own by another name.
fn known(variables: &[(&str, &str)], here: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["tc", "other", "same", "empty"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    let own = at("tc").join(DRIVER);
    std::fs::write(&own, "driver").unwrap();
    std::fs::write(at("other").join(DRIVER), "driver").unwrap();
    std::fs::hard_link(&own, at("same").join(DRIVER)).unwrap();
    let identity = files::stat(&own).unwrap().unwrap().identity;
    let known = Known { digest: Digest::of(b""), libraries: vec![(own, identity)], owned: Owned::default() };
    let root = dir.path().to_str().unwrap();
    let variables: Vec<(&str, String)> =
        variables.iter().map(|(name, value)| (*name, value.replace("$D", root))).collect();
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    known.loaded_in(&at(here), &Environment::of(&variables)).is_ok()
}

#[test]
fn another_driver_in_the_loaders_search_is_another_toolchain() {
    for value in ["", "$D/empty", "$D/tc", "$D/same:$D/tc", "/nowhere"] {
        assert!(known(&[("LD_LIBRARY_PATH", value)], "empty"), "{value}");
    }
    for value in ["$D/other", "$D/tc:$D/other", "$D/empty;$D/other", "../other"] {
        assert!(!known(&[("LD_LIBRARY_PATH", value)], "empty"), "{value}");
    }
    assert!(!known(&[("LD_LIBRARY_PATH", "$D/empty:")], "other"), "an empty word is the current directory");
    assert!(known(&[], "other"));
}

#[test]
fn a_preloaded_driver_is_another_toolchain() {
    assert!(known(&[("LD_PRELOAD", "/lib/libasan.so $D/tc/librustc_driver-1.so")], "empty"));
    assert!(!known(&[("LD_PRELOAD", "/lib/libasan.so:$D/other/librustc_driver-1.so")], "empty"));
}

#[test]
fn libraries_are_recognised_by_their_names() {
    for (name, library) in [
        ("/tc/lib/librustc_driver-6108105cd7e839cf.so", true),
        ("/tc/lib/libLLVM.so.22.1-rust-1.95.0-stable", true),
        ("/tc/lib/rustlib/x/lib/libstd-0.so", true),
        ("/tc/lib/rustlib/x/lib/libstd-0.rlib", false),
        ("/tc/bin/rustc", false),
    ] {
        assert_eq!(is_library(Path::new(name)), library, "{name}");
    }
}

#[test]
fn what_is_remembered_of_one_compiler_is_not_believed_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("rustc"), "compiler").unwrap();
    std::thread::sleep(Duration::from_millis(40)); // what was written this moment is not remembered
    let memo = Memo::open(dir.path());
    let parts = || Parts {
        root: dir.path().to_owned(),
        directories: Vec::new(),
        whole: Vec::new(),
        files: Vec::new(),
    };
    examine(&at("rustc"), None, parts(), &memo, &at("note")).unwrap();
    assert!(recall(&at("note"), &at("rustc"), None).is_some());
    std::fs::rename(at("note"), at("another")).unwrap();
    assert!(recall(&at("another"), &at("rustc"), None).is_none());
}
