use super::recognise;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

fn told(program: &str, first: Option<&str>) -> Option<(PathBuf, Option<PathBuf>, usize)> {
    recognise(OsStr::new(program), first.map(OsStr::new)).map(|r| (r.compiler, r.wrapper, r.skip))
}

#[test]
fn rustc_by_any_path() {
    for name in ["rustc", "/t/bin/rustc", "../bin/rustc", "rustc.exe"] {
        assert_eq!(told(name, Some("-vV")), Some((PathBuf::from(name), None, 0)));
    }
}

#[test]
fn clippy_in_front_of_rustc() {
    let expected = Some(("/t/bin/rustc".into(), Some("/t/bin/clippy-driver".into()), 1));
    assert_eq!(told("/t/bin/clippy-driver", Some("/t/bin/rustc")), expected);
    let by_name = Some(("rustc".into(), Some("clippy-driver".into()), 1));
    assert_eq!(told("clippy-driver", Some("rustc")), by_name);
}

#[test]
fn clippy_run_by_hand_uses_the_rustc_beside_it() {
    let expected = Some(("/t/bin/rustc".into(), Some("/t/bin/clippy-driver".into()), 0));
    assert_eq!(told("/t/bin/clippy-driver", Some("src/lib.rs")), expected);
    assert_eq!(told("/t/bin/clippy-driver", None), expected);
}

#[test]
fn another_workspace_wrapper() {
    let expected = Some(("/t/bin/rustc".into(), Some("/opt/checker".into()), 1));
    assert_eq!(told("/opt/checker", Some("/t/bin/rustc")), expected);
}

#[test]
fn anything_else_is_unknown() {
    for (program, first) in [("gcc", Some("-c")), ("rustdoc", Some("src/lib.rs")), ("/t/bin/rustup", None)] {
        assert_eq!(told(program, first), None);
    }
    assert_eq!(recognise(OsStr::new("/"), None), None);
    assert_eq!(recognise(Path::new("..").as_os_str(), None), None);
}
