//! What a script makes and says, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kiln_testkit::{TestSpace, Toolchain};

use super::app::{App, Way, app, app_in, follows, follows_at_least, left, links_app};

#[test]
fn everything_in_out_dir() {
    let space = TestSpace::new();
    let body = r##"
    use std::os::unix::ffi::OsStrExt;
    let out = out();
    fs::create_dir_all(out.join("a/b/c")).unwrap();
    fs::create_dir_all(out.join("empty/inside")).unwrap();
    fs::write(out.join("a/b/c/deep.rs"), "pub const DEEP: u32 = 1;").unwrap();
    fs::write(out.join("nothing"), "").unwrap();
    fs::write(out.join("with space"), "s").unwrap();
    fs::write(out.join(".hidden"), "h").unwrap();
    fs::write(out.join(std::ffi::OsStr::from_bytes(b"bytes\xff\n")), "b").unwrap();
    fs::write(out.join("libx.rlib"), "not one").unwrap();
    fs::write(out.join("x.rmeta"), "neither").unwrap();
    fs::write(out.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(out.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(out.join("first"), "renamed").unwrap();
    fs::rename(out.join("first"), out.join("second")).unwrap();
    fs::create_dir(out.join("gone")).unwrap();
    fs::write(out.join("gone/file"), "x").unwrap();
    fs::remove_dir_all(out.join("gone")).unwrap();
    fs::create_dir(out.join("moved")).unwrap();
    fs::write(out.join("moved/file"), "x").unwrap();
    fs::rename(out.join("moved"), out.join("there")).unwrap();
    tell(out.display().to_string());"##;
    let app = app(&space, body);
    let first = app.right();
    let names = ["a/b/c/deep.rs", "empty/inside", "run.sh", "there/file", "libx.rlib"];
    let holds = |name: &&str| first.made.left.keys().any(|path| path.ends_with(name));
    assert!(names.iter().all(holds), "{:#?}", first.made.left);
    app.hits(&first.made);
    app.hits(&first.made);
}

/// Guards: what is restored is a file of its own; writing to it must not reach the cache.
#[test]
fn restored_files_are_the_projects_own() {
    let space = TestSpace::new();
    let app = app(&space, "fs::write(out().join(\"libx.rlib\"), \"as it was\").unwrap();\ntell(\"x\");");
    let first = app.right();
    for _ in 0..2 {
        let out = first.made.left.keys().find(|path| path.ends_with("libx.rlib")).unwrap();
        let mut file = fs::File::options().append(true).open(app.project.target().join(out)).unwrap();
        file.write_all(b" and more").unwrap();
        app.hits(&first.made);
    }
}

/// A file of these permissions in OUT_DIR has them after a hit, too.
#[track_caller]
fn keeps_permissions(mode: &str) {
    let space = TestSpace::new();
    let body = "fs::write(out().join(\"made\"), \"x\").unwrap();\nfs::set_permissions(out().join(\"made\"), fs::Permissions::from_mode(MODE)).unwrap();\ntell(\"x\");";
    let app = app(&space, &body.replace("MODE", mode));
    let expected = app.right();
    let built = app.build();
    assert_eq!(built.made, expected.made, "{mode}: {:#?}", built.runs);
}

#[test]
fn permissions_of_a_program_in_out_dir() {
    keeps_permissions("0o755");
}

#[test]
fn read_only_file_in_out_dir() {
    keeps_permissions("0o444");
}

#[test]
fn private_file_in_out_dir() {
    keeps_permissions("0o600");
}

#[test]
fn messages_of_a_script() {
    let space = TestSpace::new();
    let body = r#"
    println!("cargo:rustc-cfg=warm");
    println!("cargo:rustc-check-cfg=cfg(warm)");
    println!("cargo:rustc-env=FROM_SCRIPT={}", fs::read_to_string("said").unwrap());
    println!("cargo:warning=the oven is {}", fs::read_to_string("said").unwrap());
    println!("cargo::rerun-if-changed=said");
    eprintln!("on stderr");
    print!("without an end");
    tell("x");"#;
    let mut app = app(&space, body);
    app.project.write("said", "hot").write(
        "src/main.rs",
        "fn main() {\n    println!(\"{} {}\", cfg!(warm), env!(\"FROM_SCRIPT\"));\n}\n",
    );
    follows(&mut app, |app| app.write("said", "cold"), |app| app.write("said", "hot"));
    let built = app.build();
    assert!(built.made.warnings.iter().any(|line| line.contains("the oven is hot")), "{}", built.outcome);
    assert!(built.made.left.values().any(|(_, text)| text.contains("on stderr")), "{:#?}", built.made.left);
    app.project.assert_fresh(&["build"]);
}

#[test]
fn very_long_output() {
    let space = TestSpace::new();
    let body = "for line in 0..20000 {\n    println!(\"{line} and this is what it says\");\n    if line % 100 == 0 {\n        eprintln!(\"{line}\");\n    }\n}\ntell(\"x\");";
    let app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn output_that_is_no_text() {
    let space = TestSpace::new();
    let app =
        app(&space, "io::stdout().write_all(b\"no \\xff text \\x00\\n\").unwrap();\ntell(b\"\\xff\\x00\");");
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn metadata_of_links() {
    let space = TestSpace::new();
    let mut app = links_app(&space);
    follows(&mut app, |app| app.write("low/where", "there"), |app| app.write("low/where", "here"));
    assert_eq!(app.build().outcomes("hit"), 2);
}

#[test]
fn own_place_in_what_is_made() {
    let space = TestSpace::new();
    let body = "println!(\"cargo:rustc-env=PLACE={}\", env::current_dir().unwrap().display());\ntell(format!(\"{} {}\", env::var(\"CARGO_MANIFEST_DIR\").unwrap(), out().display()));";
    let one = app_in(&space, "one/app", body);
    let first = one.right();
    one.hits(&first.made);
    let mut two = App { project: one.project.copy_to("two/app"), ..app_in(&space, "other", body) };
    two.args = vec!["build"];
    let second = two.right();
    assert!(
        second.made.prints.contains("/two/app") && !second.made.prints.contains("/one/app"),
        "{second:?}"
    );
    two.hits(&second.made);
    one.hits(&first.made);
    // the same place, another target directory
    let mut elsewhere =
        App { project: one.project.with_target(space.path("elsewhere")), ..app_in(&space, "other", body) };
    elsewhere.set("CARGO_TARGET_DIR", space.path("elsewhere"));
    let third = elsewhere.right();
    assert!(third.made.prints.contains("elsewhere"), "{third:?}");
    elsewhere.hits(&third.made);
}

/// Guards: a place that was moved is another one, whatever is at the old one now.
#[test]
fn other_package_at_the_same_place() {
    let space = TestSpace::new();
    let app = app(&space, "tell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let first = app.right();
    app.project.clean();
    fs::rename(app.project.dir(), space.path("away")).unwrap();
    let other = app_in(&space, "app", "tell(fs::read(\"data\").unwrap());");
    other.project.write("data", "two");
    let second = other.right();
    assert_ne!(first.made.prints, second.made.prints);
}

/// (What rustc makes behind a link is not kept, so that nothing stands in for the script either.)
#[test]
fn target_directory_behind_a_link() {
    let space = TestSpace::new();
    let mut app =
        app(&space, "tell(format!(\"{} {}\", out().display(), fs::read_to_string(\"data\").unwrap()));");
    app.project.write("data", "one");
    fs::create_dir(space.path("real")).unwrap();
    symlink(space.path("real"), space.path("link")).unwrap();
    app.project = app.project.with_target(space.path("link/target"));
    app.set("CARGO_TARGET_DIR", space.path("link/target"));
    follows_at_least(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

#[test]
fn paths_with_spaces_and_bytes() {
    for name in [OsString::from("with space"), OsString::from_vec(b"bytes \xff \"quoted\"".to_vec())] {
        let space = TestSpace::new();
        let body = "println!(\"cargo:rustc-env=SEEN={}\", fs::read_to_string(\"data\").unwrap());\nfs::write(out().join(\"x\"), \"x\").unwrap();";
        let mut app = app_in(&space, Path::new(&name), body);
        app.project
            .write("data", "one")
            .write("src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"SEEN\"));\n}\n");
        let plain = app.plainly();
        if plain.code != Some(0) {
            assert_eq!(app.build().made.code, plain.code, "{name:?}");
            continue; // no place for cargo
        }
        follows(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}

#[test]
fn target_that_is_named() {
    let space = TestSpace::new();
    let program = format!("{}/debug/app", Toolchain::host());
    let body =
        "tell(format!(\"{} {}\", env::var(\"TARGET\").unwrap(), fs::read_to_string(\"data\").unwrap()));";
    let mut app = App {
        args: vec!["build", "--target", Toolchain::host()],
        program: Some(&program),
        ..app(&space, body)
    };
    app.write("data", "one");
    follows(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

#[test]
fn directory_that_appears_and_is_made_where_it_is_not() {
    let space = TestSpace::new();
    let app = app(&space, "fs::create_dir_all(\"made\").unwrap();\ntell(\"x\");");
    fs::create_dir(app.project.path("made")).unwrap();
    let first = app.right();
    assert_eq!(app.build().made, first.made);
    app.project.remove("made");
    app.build();
    assert!(app.project.path("made").is_dir(), "plain cargo's script makes it");
}

/// Guards: all scripts behind launchers have one inode, and whoever takes rights from one of them takes them from the next target's.
#[test]
fn rights_that_are_taken_from_one_script_are_not_taken_from_the_next() {
    use std::os::unix::fs::PermissionsExt;
    let space = TestSpace::new();
    let app = app(&space, "tell(\"\");");
    let scripts = || -> Vec<PathBuf> {
        let is_script = |path: &PathBuf| path.extension().is_some_and(|end| end == "real");
        let below = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|it| it.path());
        let units = below(&app.project.target().join("debug/build")).collect::<Vec<_>>();
        units.iter().flat_map(|unit| below(unit).collect::<Vec<_>>()).filter(is_script).collect()
    };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o555;
    let first = app.build();
    app.hits(&first.made);
    let before = mode(&scripts()[0]);
    fs::set_permissions(&scripts()[0], fs::Permissions::from_mode(0o700)).unwrap();
    app.hits(&first.made);
    assert_eq!(mode(&scripts()[0]), before);
}

/// When each file and directory in `OUT_DIR` was modified.
fn times(app: &App<'_>) -> BTreeMap<PathBuf, SystemTime> {
    let target = app.project.target();
    let left = left(target).into_keys().filter(|path| path.iter().any(|part| part == "out"));
    let modified = |path: &Path| fs::metadata(target.join(path)).unwrap().modified().unwrap();
    let inside = left.filter(|path| !path.ends_with("out"));
    inside.map(|path| (path.clone(), modified(&path))).collect()
}

/// The same as places in one order; equal times have one place.
fn ranks(times: &BTreeMap<PathBuf, SystemTime>) -> Vec<(&Path, usize)> {
    let distinct: BTreeSet<_> = times.values().collect();
    let rank = |time| distinct.iter().position(|other| *other == time).unwrap();
    times.iter().map(|(path, time)| (path.as_path(), rank(time))).collect()
}

/// Guards: a script that runs again in what was restored, and whoever builds there, go by times. (Restored as it came, everything rose with
/// the alphabet.)
#[test]
fn order_of_times_in_out_dir() {
    let body = r#"
    let out = out();
    let tick = || std::thread::sleep(std::time::Duration::from_millis(60));
    let write = |name: &str| { tick(); fs::write(out.join(name), name).unwrap(); };
    let as_is = |of: &Path, name: &str| {
        let modified = fs::metadata(of).unwrap().modified().unwrap();
        fs::File::options().append(true).open(out.join(name)).unwrap().set_modified(modified).unwrap();
    };
    for name in ["z.am", "m.ac", "a.in", "b.in", "Makefile.in", "kept", "kept too"] { write(name); }
    as_is(&out.join("a.in"), "b.in");
    as_is(Path::new("old"), "kept");
    succeeds(Command::new("cp").args(["--preserve=timestamps", "older"]).arg(&out));
    tick();
    fs::create_dir_all(out.join("deep/er")).unwrap();
    write("deep/er/y");
    write("deep/er/x");
    write("deep/er/x"); // later than its directory
    tick();
    tell(out.display().to_string());
    as_is(Path::new("older"), "kept too");"#;
    for way in [Way::Asked, Way::Filled] {
        let space = TestSpace::new();
        let mut app = app(&space, body);
        app.way = way;
        for (name, ns) in [("old", 1_000_000_000_123_456_789), ("older", 999_999_999_987_654_321)] {
            app.write(name, name);
            let file = fs::File::options().append(true).open(app.project.path(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(ns)).unwrap();
        }
        app.project.plain(&["build"]).run().ok();
        let expected = times(&app);
        let first = app.right();
        let run = times(&app);
        assert_eq!(ranks(&run), ranks(&expected), "left: the run, right: plain cargo's");
        for _ in 0..2 {
            app.hits(&first.made);
            let restored = times(&app);
            assert_eq!(ranks(&restored), ranks(&expected), "{:#?}", restored);
            for (path, time) in &restored {
                let is_old = ["kept", "kept too", "older"].iter().any(|name| path.ends_with(name));
                assert_eq!(*time == expected[path], is_old, "{}: {time:?}", path.display());
                assert!(is_old || *time > run[path], "{}: {time:?}", path.display());
            }
            app.project.assert_fresh(&["build"]);
        }
    }
}

/// Guards: the sources of a project that is shipped with what autotools made of it; whoever builds it has no autotools.
#[test]
fn make_again_in_what_was_restored() {
    let body = r#"
    println!("cargo::rerun-if-changed=knob");
    for name in ["z.am", "m.ac", "a.in", "Makefile"] {
        if !out().join(name).exists() {
            fs::write(out().join(name), fs::read(Path::new("tree").join(name)).unwrap()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
    }
    if fs::read_to_string("knob").unwrap() != "as it came" {
        succeeds(Command::new("make").arg("-C").arg(out()));
    }"#;
    for way in [Way::Asked, Way::Filled] {
        let space = TestSpace::new();
        let mut app = app(&space, body);
        app.way = way;
        for name in ["z.am", "m.ac", "a.in"] {
            app.write(Path::new("tree").join(name), name);
        }
        app.write("tree/Makefile", "a.in: z.am m.ac\n\t@echo there is no automake\n\t@exit 127\n");
        app.write("src/main.rs", "fn main() {}\n");
        app.write("knob", "as it came");
        app.plainly();
        let first = app.right();
        app.hits(&first.made);
        app.write("knob", "made");
        app.project.plain(&["build"]).run().ok();
    }
}
