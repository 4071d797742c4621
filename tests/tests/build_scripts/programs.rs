//! Programs, and how they are searched for.

use std::fs;

use kiln_testkit::{TestSpace, Toolchain};
use kiln_tests::native;

use super::app::{App, app, executable, follows, follows_at_least, path_behind};

#[test]
fn program_that_is_found_earlier_on_path() {
    let space = TestSpace::new();
    fs::create_dir(space.path("bin1")).unwrap();
    space.script("bin2/oven", "#!/bin/sh\necho two\n");
    let mut app = app(&space, "tell(said(&mut Command::new(\"oven\")));");
    app.set("PATH", path_behind(&[&space.path("bin1"), &space.path("bin2")]));
    let first = space.path("bin1/oven");
    follows(
        &mut app,
        |_| drop(space.script("bin1/oven", "#!/bin/sh\necho one\n")),
        |_| fs::remove_file(&first).unwrap(),
    );
    app.set("PATH", path_behind(&[&space.path("bin2"), &space.path("bin1")]));
    assert!(app.right().made.prints.contains("two"));
}

/// Guards: no shell in between, which would ask for the whole environment.
#[test]
fn copy_of_a_known_tool_that_is_found_earlier_on_path() {
    let space = TestSpace::new();
    fs::create_dir(space.path("bin1")).unwrap();
    let mut app = app(&space, "tell(said(Command::new(\"ar\").arg(\"--version\")));");
    app.set("PATH", path_behind(&[&space.path("bin1")]));
    let other = space.path("bin1/ar");
    follows(
        &mut app,
        |_| drop(space.script("bin1/ar", "#!/bin/sh\necho other\n")),
        |_| fs::remove_file(&other).unwrap(),
    );
    app.set("PATH", path_behind(&[]));
    app.right();
}

#[test]
fn program_that_is_not_there_yet() {
    let space = TestSpace::new();
    fs::create_dir(space.path("bin1")).unwrap();
    let mut app = app(&space, "tell(format!(\"{}\", Command::new(\"oven\").output().is_ok()));");
    app.set("PATH", path_behind(&[&space.path("bin1")]));
    let program = space.path("bin1/oven");
    follows(
        &mut app,
        |_| drop(space.script("bin1/oven", "#!/bin/sh\necho one\n")),
        |_| fs::remove_file(&program).unwrap(),
    );
}

/// Guards: a program of the right name that may not be run is passed over.
#[test]
fn program_that_becomes_executable() {
    let space = TestSpace::new();
    let first = space.script("bin1/oven", "#!/bin/sh\necho one\n");
    executable(&first, false);
    space.script("bin2/oven", "#!/bin/sh\necho two\n");
    let mut app = app(&space, "tell(said(&mut Command::new(\"oven\")));");
    app.set("PATH", path_behind(&[&space.path("bin1"), &space.path("bin2")]));
    follows_at_least(&mut app, |_| executable(&first, true), |_| executable(&first, false));
}

/// Guards: a search in directories of PATH, but in another order than PATH has them.
#[test]
fn program_searched_for_in_another_order() {
    let space = TestSpace::new();
    let (one, two) = (space.path("bin1"), space.path("bin2"));
    space.script("bin1/oven", "#!/bin/sh\necho one\n");
    fs::create_dir(&two).unwrap();
    let body = format!("tell(said(Command::new(\"oven\").env(\"PATH\", {:?})));", path_behind(&[&two, &one]));
    let mut app = app(&space, &body);
    app.set("PATH", path_behind(&[&one, &two]));
    let second = space.path("bin2/oven");
    follows_at_least(
        &mut app,
        |_| drop(space.script("bin2/oven", "#!/bin/sh\necho two\n")),
        |_| fs::remove_file(&second).unwrap(),
    );
}

/// Guards: the same with no shell that would ask for more.
#[test]
fn program_searched_for_in_another_order_without_a_shell() {
    let space = TestSpace::new();
    let (one, two) = (space.path("bin1"), space.path("bin2"));
    for (directory, value) in [(&one, "one"), (&two, "two")] {
        fs::create_dir(directory).unwrap();
        let source = space.write(
            format!("{value}.c"),
            format!("#include <stdio.h>\nint main(void) {{ puts(\"{value}\"); return 0; }}\n"),
        );
        native::gcc(&["-o", directory.join("oven").to_str().unwrap(), source.to_str().unwrap()]);
    }
    let (second, away) = (two.join("oven"), space.path("away"));
    fs::rename(&second, &away).unwrap();
    let body = format!("tell(said(Command::new(\"oven\").env(\"PATH\", {:?})));", path_behind(&[&two, &one]));
    let mut app = app(&space, &body);
    app.set("PATH", path_behind(&[&one, &two]));
    follows_at_least(
        &mut app,
        |_| fs::rename(&away, &second).unwrap(),
        |_| fs::rename(&second, &away).unwrap(),
    );
}

#[test]
fn version_of_rustc() {
    for wrapped in [false, true] {
        let space = TestSpace::new();
        let call = match wrapped {
            true => {
                "let mut command = match env::var_os(\"RUSTC_WRAPPER\") {\n    Some(wrapper) => {\n        let mut command = Command::new(wrapper);\n        command.arg(env::var_os(\"RUSTC\").unwrap());\n        command\n    }\n    None => Command::new(env::var_os(\"RUSTC\").unwrap()),\n};\n"
            }
            false => "let mut command = Command::new(env::var_os(\"RUSTC\").unwrap());\n",
        };
        let mut app = app(&space, &format!("{call}tell(said(command.arg(\"--version\")));"));
        let first = app.right();
        assert!(first.made.prints.contains("rustc 1."), "{first:?}");
        app.hits(&first.made);
        let other = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo rustc 1.0.0 another; exit 0; fi\nexec REAL \"$@\"\n";
        let other = space.script("other/rustc", &other.replace("REAL", Toolchain::rustc().to_str().unwrap()));
        follows_at_least(&mut app, |app| app.set("RUSTC", &other), |app| app.unset("RUSTC"));
    }
}

/// What serde, anyhow and others do: a small compile whose success is the answer.
#[test]
fn compile_that_is_tried_out() {
    let space = TestSpace::new();
    let body = r#"
    let rustc = env::var_os("RUSTC").unwrap();
    let mut command = match env::var_os("RUSTC_WRAPPER") {
        Some(wrapper) => {
            let mut command = Command::new(wrapper);
            command.arg(rustc);
            command
        }
        None => Command::new(rustc),
    };
    command.args(["--edition=2021", "--crate-name=probe", "--crate-type=lib", "--emit=dep-info,metadata", "--cap-lints=allow"]);
    command.arg("--out-dir").arg(out()).arg("probe/probe.rs").stderr(Stdio::null());
    let works = command.status().unwrap().success();
    println!("cargo:rustc-check-cfg=cfg(works)");
    if works {
        println!("cargo:rustc-cfg=works");
    }
    tell(format!("{works}"));
    for entry in fs::read_dir(out()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("seen")) {
        fs::remove_file(entry).unwrap();
    }"#;
    let mut app = app(&space, body);
    let probe = |app: &App<'_>, text: &str| app.write("probe/probe.rs", text);
    probe(&app, "pub fn one() {}\n");
    follows(
        &mut app,
        |app| probe(app, "#![feature(nothing_of_the_kind)]\n"),
        |app| probe(app, "pub fn one() {}\n"),
    );
    probe(&app, "mod more;\n");
    follows(&mut app, |app| app.write("probe/more.rs", ""), |app| app.remove("probe/more.rs"));
    probe(&app, "#![feature(rustc_attrs)]\n");
    follows(&mut app, |app| app.set("RUSTC_BOOTSTRAP", "1"), |app| app.unset("RUSTC_BOOTSTRAP"));
}
