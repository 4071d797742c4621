//! Filled before cargo looks.

use std::fs;

use kiln_testkit::TestSpace;

use super::app::{App, MANIFEST, PRINTS, Way, app, links_app};
use super::c::{CC, c_app};

/// The same as [`follows`], where kiln may fill; a script must never be run in an OUT_DIR that is not its own.
#[track_caller]
fn follows_filled(app: &mut App<'_>, edit: impl FnOnce(&mut App<'_>), undo: impl FnOnce(&mut App<'_>)) {
    app.way = Way::Filled;
    app.plainly(); // there is a lock file
    let first = app.right();
    app.hits(&first.made);
    app.hits(&first.made);
    edit(app);
    let other = app.right();
    assert_ne!(other.made, first.made, "an edit that does not matter proves nothing");
    app.hits(&other.made);
    undo(app);
    let back = app.right();
    assert_eq!(back.made, first.made, "left: after the way back");
    app.hits(&first.made);
}

#[test]
fn filled_where_a_file_of_the_package_changes() {
    for shown in ["", "println!(\"cargo::rerun-if-changed=data\");\n"] {
        let space = TestSpace::new();
        let mut app = app(&space, &format!("{shown}tell(fs::read(\"data\").unwrap());"));
        app.write("data", "one");
        follows_filled(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}

/// Guards: cargo is told of another file only, and judges by that.
#[test]
fn filled_where_an_undeclared_file_changes() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let body = format!("println!(\"cargo::rerun-if-changed=build.rs\");\ntell(fs::read({file:?}).unwrap());");
    let mut app = app(&space, &body);
    follows_filled(&mut app, |_| fs::write(&file, "two").unwrap(), |_| fs::write(&file, "one").unwrap());
}

#[test]
fn filled_where_a_variable_changes() {
    for shown in [
        "",
        "println!(\"cargo::rerun-if-env-changed=PROBE\");\n",
        "println!(\"cargo::rerun-if-changed=build.rs\");\n",
    ] {
        let space = TestSpace::new();
        let mut app = app(&space, &format!("{shown}tell(format!(\"{{:?}}\", env::var_os(\"PROBE\")));"));
        app.set("PROBE", "one");
        follows_filled(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
        follows_filled(&mut app, |app| app.unset("PROBE"), |app| app.set("PROBE", "one"));
    }
}

/// Guards: sources that are as they were, but younger, as in every fresh checkout.
#[test]
fn filled_in_a_fresh_checkout() {
    for shown in ["", "println!(\"cargo::rerun-if-changed=build.rs\");\n"] {
        let space = TestSpace::new();
        let mut app =
            app(&space, &format!("{shown}fs::create_dir(out().join(\"once\")).unwrap();\ntell(\"x\");"));
        app.way = Way::Filled;
        app.plainly();
        let first = app.right();
        app.hits(&first.made);
        for file in ["build.rs", "src/main.rs", "Cargo.toml", "Cargo.lock"] {
            app.project.touch(file);
        }
        let built = app.build();
        assert_eq!(built.made, first.made, "{shown:?}\n{}\n{}", built.outcome, built.runs.join("\n"));
        app.hits(&first.made);
    }
}

/// Guards: whatever cargo thinks of what was filled, a script finds an empty OUT_DIR as it would without kiln.
#[test]
fn filled_out_dir_is_empty_where_the_script_runs() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let body = format!(
        "let before = fs::read_dir(out()).unwrap().count();\nfs::write(out().join(\"more\"), \"x\").unwrap();\ntell(format!(\"{{before}} {{}} {{}}\", fs::read_to_string({file:?}).unwrap(), fs::read_to_string(\"data\").unwrap()));"
    );
    let mut app = app(&space, &body);
    app.write("data", "one");
    follows_filled(&mut app, |_| fs::write(&file, "two").unwrap(), |_| fs::write(&file, "one").unwrap());
    follows_filled(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

#[test]
fn filled_with_c() {
    let space = TestSpace::new();
    let shown = "println!(\"cargo::rerun-if-changed=c/x.c\");\n";
    let mut app = c_app(&space, &format!("{shown}{CC}"));
    follows_filled(
        &mut app,
        |app| app.write("c/first/x.h", "#define VALUE 2\n"),
        |app| app.remove("c/first/x.h"),
    );
}

#[test]
fn filled_and_its_output() {
    let space = TestSpace::new();
    let body = "println!(\"cargo::rerun-if-changed=said\");\nprintln!(\"cargo::rustc-env=SAID={}\", fs::read_to_string(\"said\").unwrap());\nprintln!(\"cargo::warning={}\", fs::read_to_string(\"said\").unwrap());\neprintln!(\"on stderr\");";
    let mut app = app(&space, body);
    app.write("said", "hot");
    app.write("src/main.rs", "fn main() {\n    let unused = 1;\n    println!(\"{}\", env!(\"SAID\"));\n}\n");
    follows_filled(&mut app, |app| app.write("said", "cold"), |app| app.write("said", "hot"));
    app.project.assert_fresh(&["build"]);
}

#[test]
fn filled_where_a_script_fails_now() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let body = format!("println!(\"cargo::rerun-if-changed=build.rs\");\ntell(fs::read({file:?}).unwrap());");
    let mut app = app(&space, &body);
    app.way = Way::Filled;
    app.plainly();
    let first = app.right();
    fs::remove_file(&file).unwrap();
    let expected = app.plainly();
    assert_eq!(expected.code, Some(101));
    assert_eq!(app.build().made.code, Some(101));
    fs::write(&file, "one").unwrap();
    app.hits(&first.made);
    app.write("src/main.rs", "fn main() {\n    no_such_thing();\n}\n");
    app.build().outcome.fails_with("no_such_thing");
    app.write("src/main.rs", PRINTS);
    assert_eq!(app.build().made, first.made);
}

#[test]
fn filled_by_another_command_line() {
    let space = TestSpace::new();
    let body = "println!(\"cargo::rerun-if-changed=build.rs\");\ntell(format!(\"{:?}\", env::var_os(\"CARGO_FEATURE_WARM\").is_some()));";
    let mut app = app(&space, body);
    app.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\n"));
    follows_filled(
        &mut app,
        |app| app.args = vec!["build", "--features", "warm"],
        |app| app.args = vec!["build"],
    );
    follows_filled(
        &mut app,
        |app| app.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\ndefault = [\"warm\"]\n")),
        |app| app.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\n")),
    );
}

#[test]
fn filled_where_a_member_changes() {
    let space = TestSpace::new();
    let mut app = links_app(&space);
    app.write("low/src/lib.rs", "pub fn value() -> u32 {\n    1\n}\n");
    app.write("app/src/main.rs", PRINTS.replace("print!(\"{}\"", "print!(\"{} {}\", low::value()"));
    follows_filled(&mut app, |app| app.write("low/where", "there"), |app| app.write("low/where", "here"));
    follows_filled(
        &mut app,
        |app| app.write("low/src/lib.rs", "pub fn value() -> u32 {\n    2\n}\n"),
        |app| app.write("low/src/lib.rs", "pub fn value() -> u32 {\n    1\n}\n"),
    );
}
