//! In turns with and without kiln.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use kiln_testkit::{Outcome, TestSpace, binary, run};

use super::app::{App, Way, app, app_in};

#[test]
fn switched_off() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    app.way = Way::Filled;
    app.set("KILN_BUILD_SCRIPTS", "false");
    for _ in 0..2 {
        let built = app.right();
        assert!(built.runs.is_empty(), "{:#?}", built.runs);
        assert_eq!(launchers(&app), 0, "no launcher");
    }
    app.unset("KILN_BUILD_SCRIPTS");
    let first = app.right();
    assert_eq!(launchers(&app), 1);
    app.hits(&first.made);
    // a launcher from before does not mind
    app.set("KILN_BUILD_SCRIPTS", "false");
    app.project.write("data", "two");
    let built = app.again(&mut app.kiln());
    assert_eq!(built.made.prints, "two", "{}", built.outcome);
    assert!(built.outcomes("hit") + built.outcomes("miss") == 0, "{:#?}", built.runs);
}

#[test]
fn through_the_wrapper_alone() {
    let space = TestSpace::new();
    let app = app(&space, "println!(\"cargo::warning=ran\");\ntell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let build = || {
        let mut cargo = app.project.cargo(&["build"]);
        cargo = cargo.env("KILN_PREFILL", "false");
        let before = app.events().len();
        cargo.ok();
        (app.project.prints("debug/app"), app.events().split_off(before))
    };
    let (prints, runs) = build();
    assert_eq!((prints.as_str(), launchers(&app), runs.len()), ("one", 1, 1), "{runs:#?}");
    app.project.clean();
    let (prints, runs) = build();
    assert_eq!((prints.as_str(), launchers(&app)), ("one", 1));
    assert!(runs.len() == 1 && runs[0].contains("\"outcome\":\"hit\""), "{runs:#?}");
    app.project.write("data", "two").clean();
    let (prints, runs) = build();
    assert_eq!(prints, "two");
    assert!(runs.len() == 1 && runs[0].contains("\"outcome\":\"miss\""), "{runs:#?}");
}

/// Whoever is not cargo may copy a script elsewhere, without what lies beside it.
#[test]
fn where_cargo_does_not_start_rustc_nothing_stands_in() {
    let space = TestSpace::new();
    let app = app(&space, "tell(\"x\");");
    app.project.cargo(&["build"]).ok();
    let rustc = kiln_testkit::Toolchain::rustc();
    let build = app.project.built("debug/build/by-hand");
    for _ in 0..2 {
        let _ = fs::remove_dir_all(&build);
        fs::create_dir_all(&build).unwrap();
        let mut call = space.kiln(&[]);
        call.arg(&rustc).args(["--crate-name", "build_script_build", "--edition=2021", "build.rs"]);
        call.args(["--crate-type", "bin", "--emit=dep-info,link", "-C", "extra-filename=-0123456789abcdef"]);
        call.arg("--out-dir").arg(&build).current_dir(app.project.dir());
        assert!(run(&mut call).success());
        let script = build.join("build_script_build-0123456789abcdef");
        assert!(script.exists() && !script.with_extension("real").exists());
    }
}

/// How many scripts lie beside a launcher.
fn launchers(app: &App<'_>) -> usize {
    let build = app.project.built("debug/build");
    let packages = fs::read_dir(build).into_iter().flatten().flatten();
    let files = packages.flat_map(|package| fs::read_dir(package.path()).into_iter().flatten().flatten());
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == "real")).count()
}

/// Plain cargo goes on in a target directory that `kiln cargo` filled; `forget` is done in between.
#[track_caller]
fn goes_on_plainly(app: &App<'_>, forget: impl FnOnce()) {
    app.script("println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let first = app.plainly();
    app.project.clean();
    for _ in 0..2 {
        app.project.clean();
        run(&mut app.kiln()).ok();
    }
    assert_eq!(launchers(app), 1, "a launcher is what this is about");
    forget();
    let plain = || app.project.plain(&["build"]).ok();
    plain();
    assert_eq!(app.project.prints("debug/app"), first.prints);
    app.project.touch("src/main.rs");
    plain();
    assert_eq!(app.project.prints("debug/app"), first.prints);
    app.project.write("data", "two"); // the script runs, by the launcher
    plain();
    assert_eq!(app.project.prints("debug/app"), "two");
    app.script("println!(\"cargo::rerun-if-changed=data\");\ntell(\"anew\");");
    plain();
    assert_eq!(app.project.prints("debug/app"), "anew");
    app.script("println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    plain();
    assert_eq!(app.project.prints("debug/app"), "two");
}

#[test]
fn plain_cargo_in_the_same_target_directory() {
    let space = TestSpace::new();
    let app = app(&space, "");
    goes_on_plainly(&app, || {});
    // and back
    let built = app.again(&mut app.kiln());
    assert_eq!(built.made.prints, "two", "{}", built.outcome);
    app.right();
}

#[test]
fn plain_cargo_when_kiln_is_gone() {
    let space = TestSpace::new();
    let kiln = space.path("bin/kiln");
    fs::create_dir(space.path("bin")).unwrap();
    for name in ["kiln", "kiln-cli"] {
        fs::copy(binary::kiln().with_file_name(name), space.path("bin").join(name)).unwrap();
    }
    let app = app(&space, "println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let build = || {
        let mut command = app.space().command(&kiln);
        command.env("KILN_DIR", space.cache()).args(["cargo", "build"]).current_dir(app.project.dir());
        app.again(&mut command)
    };
    let first = build();
    assert_eq!(first.made.prints, "one", "{}", first.outcome);
    app.project.clean();
    assert_eq!(build().outcomes("hit"), 1);
    assert_eq!(launchers(&app), 1);
    fs::remove_dir_all(space.path("bin")).unwrap();
    let plain = || app.project.plain(&["build"]).ok();
    plain();
    assert_eq!(app.project.prints("debug/app"), "one");
    app.project.write("data", "two");
    plain();
    assert_eq!(app.project.prints("debug/app"), "two");
    app.script("tell(\"anew\");");
    plain();
    assert_eq!(app.project.prints("debug/app"), "anew");
}

/// Guards: the directory was moved or copied with its launchers.
#[test]
fn target_directory_that_was_copied() {
    let space = TestSpace::new();
    let app = app(&space, "println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    app.right();
    let copy = space.path("copy");
    run(Command::new("cp").arg("-a").arg(app.project.dir()).arg(&copy)).ok();
    fs::remove_dir_all(app.project.dir()).unwrap();
    let moved = App { project: space.project("copy"), ..app_in(&space, "other", "") };
    moved.project.write("data", "two");
    let built = moved.again(&mut moved.kiln());
    assert_eq!(built.made.prints, "two", "{}", built.outcome);
    moved.right();
}

/// Nothing is left to do after a build, with kiln and without.
#[track_caller]
fn leaves_nothing_to_do(way: Way, shown: &str) {
    let space = TestSpace::new();
    let shown = shown.split_whitespace().map(|what| format!("println!(\"cargo::{what}\");\n"));
    let body = format!("{}tell(fs::read(\"data\").unwrap());", shown.collect::<String>());
    let mut app = app(&space, &body);
    app.write("data", "one");
    app.plainly();
    app.way = way;
    for _ in 0..3 {
        app.build();
        let outcome = app.project.plain(&["build", "-v"]).ok();
        assert!(!outcome.err().contains("Running `"), "{outcome}");
        let built = app.again(&mut app.kiln());
        assert!(built.runs.is_empty(), "{:#?}", built.runs);
        app.project.assert_fresh(&["build"]);
    }
}

#[test]
fn fresh_afterwards() {
    for shown in ["", "rerun-if-changed=data", "rerun-if-changed=data rerun-if-env-changed=PROBE"] {
        leaves_nothing_to_do(Way::Asked, shown);
        leaves_nothing_to_do(Way::Filled, shown);
    }
}

#[test]
fn read_only_directory_of_scripts() {
    let space = TestSpace::new();
    let app = app(&space, "tell(\"one\");");
    let first = app.right();
    let build = app.project.built("debug/build");
    let mode = |mode: u32| {
        for package in fs::read_dir(&build).unwrap().flatten() {
            fs::set_permissions(package.path(), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(&build, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o555);
    app.project.touch("src/main.rs");
    let built = app.again(&mut app.kiln());
    let plain = app.project.plain(&["build"]).run();
    mode(0o755);
    assert_eq!(built.made, first.made, "{}", built.outcome);
    assert!(plain.success(), "{plain}");
}

/// Guards: the same script, run by several builds at once.
#[test]
fn two_builds_at_once() {
    let space = TestSpace::new();
    let script =
        "std::thread::sleep(std::time::Duration::from_millis(300));\ntell(fs::read(\"data\").unwrap());";
    let one = app_in(&space, "one", script);
    let two = app_in(&space, "two", script);
    one.project.write("data", "one");
    two.project.write("data", "two");
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let builds = [&one, &two].map(|app| scope.spawn(|| run(&mut app.kiln())));
        builds.into_iter().map(|build| build.join().unwrap()).collect()
    });
    outcomes.into_iter().for_each(|outcome| drop(outcome.ok()));
    assert_eq!(one.project.prints("debug/app"), "one");
    assert_eq!(two.project.prints("debug/app"), "two");
    one.hits(&one.plainly());
    two.hits(&two.plainly());
}

#[test]
fn check_test_and_run() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let first = app.right();
    for command in ["check", "test"] {
        app.args = vec![command];
        app.program = None;
        app.hits(&app.plainly());
    }
    app.args = vec!["build"];
    app.program = Some("debug/app");
    app.hits(&first.made);
}
