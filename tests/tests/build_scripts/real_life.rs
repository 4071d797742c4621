//! What scripts do in real life, and what may happen to them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use kiln_testkit::{TestSpace, Toolchain, run};
use kiln_tests::native;

use super::app::{App, MANIFEST, PRELUDE, PRINTS, Way, app, follows, follows_at_least};

/// What programs like vergen do. It need not be kept, but it must be right.
#[test]
fn revision_from_git() {
    if !Toolchain::has("git") {
        return;
    }
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(Command::new(\"git\").args([\"log\", \"-1\", \"--format=%s\"])));");
    let git = |app: &App<'_>, args: &[&str]| {
        let mut command = app.space().command("git");
        command.current_dir(app.project.dir()).args(["-c", "user.name=x", "-c", "user.email=x@x"]).args(args);
        run(&mut command).ok();
    };
    git(&app, &["init", "-q"]);
    app.project.write(".gitignore", "target*\n");
    git(&app, &["add", "-A"]);
    git(&app, &["commit", "-qm", "one"]);
    follows_at_least(
        &mut app,
        |app| git(app, &["commit", "-q", "--allow-empty", "-m", "two"]),
        |app| git(app, &["reset", "-q", "--hard", "HEAD~1"]),
    );
}

#[test]
fn library_found_by_pkg_config() {
    if !Toolchain::has("pkg-config") {
        return;
    }
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(Command::new(\"pkg-config\").args([\"--cflags\", \"oven\"])));");
    let description = |value: &str| format!("Name: oven\nDescription: x\nVersion: 1\nCflags: -D{value}\n");
    let file = space.path("pc/oven.pc");
    fs::create_dir(space.path("pc")).unwrap();
    app.set("PKG_CONFIG_PATH", space.path("pc"));
    follows(&mut app, |_| fs::write(&file, description("ONE")).unwrap(), |_| fs::remove_file(&file).unwrap());
    fs::write(&file, description("ONE")).unwrap();
    follows(
        &mut app,
        |_| fs::write(&file, description("TWO")).unwrap(),
        |_| fs::write(&file, description("ONE")).unwrap(),
    );
    follows(&mut app, |app| app.unset("PKG_CONFIG_PATH"), |app| app.set("PKG_CONFIG_PATH", space.path("pc")));
}

/// Guards: the jobserver's descriptors go through launcher and kiln to whoever the script starts.
#[test]
fn make_and_the_jobserver() {
    if !Toolchain::has("make") {
        return;
    }
    let space = TestSpace::new();
    let body = "let flags = env::var(\"CARGO_MAKEFLAGS\").unwrap();\nlet mut make = Command::new(\"make\");\nmake.env(\"MAKEFLAGS\", flags).arg(format!(\"OUT={}\", out().display()));\nmake.args([\"-s\", \"-f\", \"makefile\"]);\ntell(said(&mut make));";
    let mut app = app(&space, body);
    app.project.write(
        "makefile",
        "all: $(OUT)/a $(OUT)/b\n$(OUT)/a: data\n\t+cp data $(OUT)/a\n$(OUT)/b: data\n\tcp data $(OUT)/b\n",
    );
    app.project.write("data", "one");
    follows_at_least(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

/// Guards: a tool is known by its name, and may be somebody else's program.
#[test]
fn program_that_is_only_called_like_a_tool() {
    let space = TestSpace::new();
    let source = space.write(
        "native-kit/nm.c",
        "#include <stdio.h>\n#include <string.h>\nextern char **environ;\nint main(void) { for (char **at = environ; *at; at++) if (!strncmp(*at, \"PROBE\", 5)) puts(*at); return 0; }\n",
    );
    fs::create_dir(space.path("tools")).unwrap();
    let tool = space.path("tools/nm");
    native::gcc(&["-o", tool.to_str().unwrap(), source.to_str().unwrap()]);
    let mut app = app(&space, &format!("tell(said(&mut Command::new({tool:?})));"));
    app.set("PROBE", "one");
    follows_at_least(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
}

/// Guards: a cargo in a cargo: its compiles and its scripts go through kiln, too.
#[test]
fn another_build_in_the_script() {
    let space = TestSpace::new();
    let body = "let target = out().join(\"inner-target\");\nsucceeds(Command::new(env::var_os(\"CARGO\").unwrap()).args([\"build\", \"-q\", \"--manifest-path\", \"inner/Cargo.toml\", \"--target-dir\"]).arg(&target));\ntell(said(&mut Command::new(target.join(\"debug/inner\"))));\nfs::remove_dir_all(target).unwrap();";
    let mut app = app(&space, body);
    app.project
        .write("inner/Cargo.toml", format!("{}\n[workspace]\n", MANIFEST.replace("app", "inner")))
        .write("inner/build.rs", format!("{PRELUDE}tell(fs::read(\"data\").unwrap());\n}}\n"))
        .write("inner/data", "one")
        .write("inner/src/main.rs", PRINTS);
    follows_at_least(&mut app, |app| app.write("inner/data", "two"), |app| app.write("inner/data", "one"));
    follows_at_least(
        &mut app,
        |app| app.write("inner/src/main.rs", "fn main() {\n    print!(\"other\");\n}\n"),
        |app| app.write("inner/src/main.rs", PRINTS),
    );
}

/// Guards: a script that starts itself again, or looks where it is.
#[test]
fn own_name_and_place() {
    let space = TestSpace::new();
    let body = "let own = env::current_exe().unwrap().parent().unwrap().to_owned();\nlet called = PathBuf::from(env::args_os().next().unwrap());\ntell(format!(\"{:?}\\n{:?}\\n{}\\n\", own, called, env::args_os().count()));";
    let app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn script_that_starts_itself() {
    for me in ["env::current_exe().unwrap()", "PathBuf::from(env::args_os().next().unwrap())"] {
        let space = TestSpace::new();
        let body = format!(
            "if env::args_os().count() > 1 {{\n    print!(\"{{}}\", fs::read_to_string(\"data\").unwrap());\n    return;\n}}\ntell(said(Command::new({me}).arg(\"inner\")));"
        );
        let mut app = app(&space, &body);
        app.project.write("data", "one");
        follows_at_least(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}

/// Guards: an earlier run's files are still in OUT_DIR, and a script may look at them.
#[test]
fn out_dir_that_is_not_empty() {
    let space = TestSpace::new();
    let body = "println!(\"cargo::rerun-if-changed=data\");\nlet count = fs::read_to_string(out().join(\"count\")).map_or(0, |text| text.parse::<u32>().unwrap());\nfs::write(out().join(\"count\"), (count + 1).to_string()).unwrap();\ntell(format!(\"{} {}\", count, fs::read_to_string(\"data\").unwrap()));";
    let app = app(&space, body);
    app.project.write("data", "one");
    let first = app.right();
    app.hits(&first.made);
    for (count, text) in [(1, "two"), (2, "one"), (3, "two")] {
        app.project.write("data", text);
        let built = app.again(&mut app.kiln());
        assert_eq!(built.made.prints, format!("{count} {text}"), "{}\n{:#?}", built.outcome, built.runs);
        assert_eq!(built.outcomes("hit") + built.outcomes("miss"), 0, "{:#?}", built.runs);
    }
    app.project.write("data", "one");
    app.hits(&first.made);
}

#[test]
fn edit_of_the_script_in_a_target_directory_that_is_there() {
    let space = TestSpace::new();
    let app = app(&space, "tell(\"one\");");
    app.right();
    for value in ["two", "one", "three"] {
        app.script(&format!("tell({value:?});"));
        let built = app.again(&mut app.kiln());
        assert_eq!(built.made.prints, value, "{}\n{:#?}", built.outcome, built.runs);
    }
    app.project.assert_fresh(&["build"]);
}

/// Guards: what a hit put in place only in part, when the cache turned out to be damaged, must not be taken for an earlier run's.
#[test]
fn damaged_cache() {
    survives_damage(Way::Asked);
}

#[test]
fn filled_from_a_damaged_cache() {
    survives_damage(Way::Filled);
}

#[track_caller]
fn survives_damage(way: Way) {
    let space = TestSpace::new();
    let body = "let before = fs::read_dir(out()).unwrap().count();\nfor name in ['a', 'b', 'c', 'd', 'e', 'f'] {\n    fs::write(out().join(name.to_string()), format!(\"MARK {name} {}\", \"x\".repeat(5000))).unwrap();\n}\ntell(format!(\"{before} before\"));";
    let mut app = app(&space, body);
    app.way = way;
    app.plainly();
    let first = app.right();
    let marked =
        |text: &[u8]| text.windows(7).position(|part| part.starts_with(b"MARK ")).map(|at| text[at + 5]);
    let mut blobs: BTreeMap<u8, PathBuf> = BTreeMap::new();
    let mut pending = vec![space.cache().to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else if let Some(name) = marked(&fs::read(entry.path()).unwrap()).filter(u8::is_ascii_lowercase)
            {
                blobs.insert(name, entry.path());
            }
        }
    }
    let kept: Vec<_> = blobs.iter().filter(|(name, _)| (b'a'..=b'f').contains(*name)).collect();
    assert!(kept.len() >= 6, "blobs are not found by what they hold: {blobs:?}");
    for (_, path) in kept {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let built = app.build();
        assert_eq!(built.made, first.made, "without {path:?}: {:#?}", built.runs);
        if !path.exists() {
            fs::write(path, bytes).unwrap();
        }
    }
}
