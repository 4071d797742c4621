#![allow(clippy::disallowed_methods, reason = "tests make the files that are looked at")]
use super::*;
use std::os::unix::fs::symlink;

fn placed(path: &Path) -> Placed {
    Placed::literal(path)
}

/// Asks a fresh view for each name, together with so many others that are not there.
fn asked(directory: &Path, names: &[&str], others: usize) -> Vec<Option<Answer>> {
    let others = (0..others).map(|n| directory.join(format!("other{n}")));
    let all: Vec<Placed> =
        names.iter().map(|name| directory.join(name)).chain(others).map(|path| placed(&path)).collect();
    let (mut view, places) = (View::default(), Places::new());
    let spots: Vec<_> = all.iter().map(|path| view.expect(&path.borrowed(), true, &places)).collect();
    let mut answers = Vec::new();
    for (path, spot) in all.iter().zip(spots).take(names.len()) {
        answers.push(match spot {
            Some(spot) => view.presence(spot, &Memo::none()),
            None => places.resolve(path).and_then(|path| presence(&path)),
        });
    }
    answers
}

#[test]
fn many_names_get_the_answers_of_single_ones() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("a.h"), "").unwrap();
    std::fs::create_dir_all(at("sub/deep")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("a.h", at("link")).unwrap();
    symlink("sub", at("way")).unwrap();
    symlink("round", at("round")).unwrap();
    let names = [
        "a.h",
        "A.h",
        "b.h",
        "sub",
        "sub/",
        "sub/.",
        "dangling",
        "link",
        "sub/x.h",
        "none/x.h",
        "none/y/x.h",
        "a.h/x.h",
        "a.h/../b.h",
        "none/../a.h",
        "sub/../a.h",
        "sub//deep",
        "way/deep",
        "way/../a.h",
        "way/x.h",
        "dangling/x.h",
        "link/x.h",
        "round/x.h",
        "round",
        "",
        ".",
        "..",
        "\u{e4}.h",
    ];
    for others in [0, SEVERAL, MANY] {
        let single: Vec<_> = names.iter().map(|name| presence(&at(name))).collect();
        assert_eq!(asked(dir.path(), &names, others), single, "beside {others}");
        let of_link: Vec<_> = names.iter().map(|name| presence(&at("way").join(name))).collect();
        assert_eq!(asked(&at("way"), &names, others), of_link, "through a link, beside {others}");
        assert_eq!(
            asked(&at("none"), &["a.h", "b.h"], others),
            [Some(Answer::Nothing), Some(Answer::Nothing)]
        );
        assert_eq!(asked(&at("a.h"), &["b.h"], others), [presence(&at("a.h/b.h"))]);
        assert_eq!(asked(&at("round"), &["b.h"], others), [presence(&at("round/b.h"))]);
    }
    std::fs::write(at("\u{e4}.h"), "").unwrap();
    let single: Vec<_> = names.iter().map(|name| presence(&at(name))).collect();
    assert_eq!(
        asked(dir.path(), &names, MANY),
        single,
        "with a name that not every file system compares alike"
    );
}

#[test]
fn a_directory_is_missing_only_in_its_own_place() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("base/sub")).unwrap();
    std::fs::write(dir.path().join("base/sub/a.h"), "").unwrap();
    let mut places = Places::new();
    places.add(Place::Base, &dir.path().join("base"));
    places.add(Place::Out, &dir.path().join("gone"));
    let of = |place, path: &str| Placed { place, path: path.as_bytes().to_vec() };
    let asked = [
        of(Place::Base, "sub/a.h"),
        of(Place::Out, "sub/a.h"),
        of(Place::Work, "sub/a.h"),
        of(Place::Out, "../base/sub/a.h"),
        of(Place::Base, "../base/sub/a.h"),
        of(Place::Literal, "sub/a.h"),
    ];
    let mut view = View::default();
    let mut answers = Vec::new();
    for path in &asked {
        let spot = view.expect(&path.borrowed(), true, &places);
        answers.push(spot.and_then(|spot| view.presence(spot, &Memo::none())));
    }
    let there = Some(Answer::Something);
    assert_eq!(answers, [there.clone(), Some(Answer::Nothing), None, None, there, None]);
}

#[test]
fn contents_are_those_of_single_files() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("sub")).unwrap();
    for n in 0..6 {
        std::fs::write(at(&format!("sub/{n}.h")), format!("{n}")).unwrap();
    }
    symlink("0.h", at("sub/link.h")).unwrap();
    symlink("sub", at("way")).unwrap();
    let memo = Memo::none();
    for start in ["sub", "way", "none"] {
        let names = ["../sub", "0.h", "1.h", "2.h", "3.h", "4.h", "5.h", "link.h", "none.h"]; // sorted, as in a Shape
        let all: Vec<Placed> = names.iter().map(|name| placed(&at(start).join(name))).collect();
        let (mut view, places) = (View::default(), Places::new());
        for path in &all {
            let spot = view.expect(&path.borrowed(), false, &places).unwrap();
            let file = places.resolve(path).unwrap();
            assert_eq!(
                view.content(&path.borrowed(), spot, &memo),
                View::default().content_at(&file, &memo),
                "{path:?}"
            );
            let stat = files::lstat(&file).unwrap().filter(|stat| stat.kind == FileKind::File);
            assert_eq!(view.file(&path.borrowed()), stat, "{path:?}");
            assert_eq!(view.real_path(&path.borrowed(), spot, &Memo::none()), real_path(&file), "{path:?}");
        }
    }
}

#[test]
fn real_paths_are_those_of_the_system() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir_all(at("d/e")).unwrap();
    std::fs::write(at("d/e/a.h"), "").unwrap();
    symlink("d", at("link")).unwrap();
    symlink("../d/e/a.h", at("d/b.h")).unwrap();
    symlink("nowhere", at("d/dangling")).unwrap();
    let (mut view, places) = (View::default(), Places::new());
    let paths = [
        "d/e/a.h",
        "link/e/a.h",
        "link/e/../b.h",
        "d/b.h",
        "d/dangling",
        "d/none",
        "none/x",
        "link",
        "d/e/",
        "d/e/.",
        "d/e/..",
        "d/..",
        "link/..",
        "link/../d/e",
        "link/e/../e/.",
        "d/e/../../link/b.h",
        "none/..",
        "d/e/a.h/.",
        "d/e/a.h/..",
        "d/dangling/..",
        "../../../../../../../../../../../../usr",
    ];
    let all: Vec<Placed> = paths.iter().map(|path| placed(&at(path))).collect();
    for path in all.iter().chain(&all) {
        let file = places.resolve(path).unwrap();
        if let Some(spot) = view.expect(&path.borrowed(), false, &places) {
            assert_eq!(view.real_path(&path.borrowed(), spot, &Memo::none()), real_path(&file), "{path:?}");
        }
    }
}
