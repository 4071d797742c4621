use super::*;
use kiln_action::Family;
use std::ffi::OsString;

struct Scene {
    shown: Shown,
    fields: Vec<Field>,
    pwd: Option<&'static str>,
}

fn scene(shows: Shows, maps: &[&str], paths: &[&str]) -> Scene {
    let mut shown = Shown::default();
    shown.add(shows);
    maps.iter().for_each(|from| shown.map(Path::new(from)));
    let field = |path: &&str| Field { name: "-I", value: path.into(), path: true };
    Scene { shown, fields: paths.iter().map(field).collect(), pwd: None }
}

impl Scene {
    /// In `/home/me/p/build`, of the project `/home/me/p`.
    fn shows(&self) -> bool {
        let mut places = Places::new();
        places.add(Place::Base, Path::new("/home/me/p"));
        let pwd = self.pwd;
        let context = Context {
            args: &[],
            directory: Path::new("/home/me/p/build"),
            response: &|_| None,
            remap: None,
            base: None,
            getenv: &|name| (name == "PWD").then(|| pwd.map(OsString::from)).flatten(),
        };
        self.shown.directory(&self.fields, &places, &context)
    }
}

#[test]
fn nothing_is_shown_unless_something_shows_it() {
    assert!(Family::Gcc.is_c());
    assert!(!scene(Shows::Nothing, &[], &["/home/me/p/inc"]).shows());
    assert!(scene(Shows::Directory, &["/home/me/p"], &[]).shows());
    assert!(scene(Shows::Everything, &["/home/me/p"], &[]).shows());
}

#[test]
fn paths_are_shown_where_there_are_absolute_ones() {
    assert!(!scene(Shows::Paths, &[], &["inc", "../inc", "/usr/include"]).shows());
    assert!(scene(Shows::Paths, &[], &["inc", "/home/me/p/inc"]).shows());
}

#[test]
fn debug_information_is_covered_by_a_map_of_the_project() {
    let paths = ["inc", "/home/me/p/inc", "/usr/include"];
    assert!(scene(Shows::Debug, &[], &[]).shows());
    assert!(!scene(Shows::Debug, &["/home/me/p"], &paths).shows());
    assert!(!scene(Shows::Debug, &["/home/me/p", "/usr"], &paths).shows());
    assert!(scene(Shows::Debug, &["/home/me/p/build"], &paths).shows(), "not all of it");
    assert!(!scene(Shows::Debug, &["/home/me/p/build"], &["inc"]).shows());
    assert!(scene(Shows::Debug, &["/home"], &[]).shows(), "the rest of the project's path is left");
    assert!(scene(Shows::Debug, &["/home/me/p", "/home/m"], &[]).shows(), "whichever wins");
    assert!(scene(Shows::Debug, &["/elsewhere"], &[]).shows());
    assert!(scene(Shows::Debug, &[""], &[]).shows());
}

#[test]
fn another_name_for_the_directory_is_not_covered() {
    let mut it = scene(Shows::Debug, &["/home/me/p"], &[]);
    it.pwd = Some("/home/me/p/build");
    assert!(!it.shows());
    it.pwd = Some("/link/build");
    assert!(it.shows());
    it.shown.replaces_directory();
    assert!(!it.shows(), "clang was told what to call it");
}

#[test]
fn a_map_of_the_same_directories_is_noticed() {
    let it = scene(Shows::Debug, &["/home/me/p/src"], &[]);
    assert!(it.shown.maps_of(Path::new("/home/me/p")));
    assert!(it.shown.maps_of(Path::new("/home/me/p/src/deep")));
    assert!(!it.shown.maps_of(Path::new("/home/me/q")));
}
