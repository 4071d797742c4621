//! An empty `target` that is filled before cargo looks: cargo then finds the units as if it had built them a moment ago, and what it
//! finds is what it would have built.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use kiln_testkit::{Outcome, Project, TestSpace, Toolchain, tree};
use kiln_tests::macros;
use kiln_tests::projects::{manifest, outputs, workspace};
use kiln_tests::whole_builds::{build, kiln_cargo};

/// A program with a library, a proc macro that reads a file and a variable without saying so, and a build script that writes code,
/// sets a variable, and reads a file that it does not declare.
fn everything<'a>(space: &'a TestSpace, dir: &str) -> Project<'a> {
    let project = space.project(dir);
    let data = space.write("outside/data.txt", "one");
    let read = macros::call("read", &data);
    project
        .write("Cargo.toml", workspace(&["app", "base", "pm"]))
        .write("pm/Cargo.toml", macros::MANIFEST)
        .write("pm/src/lib.rs", macros::source(&["read"]))
        .write("base/Cargo.toml", manifest("base", ""))
        .write(
            "base/build.rs",
            "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             let out = std::path::PathBuf::from(std::env::var_os(\"OUT_DIR\").unwrap());\n    \
             let hidden = std::fs::read_to_string(\"hidden.txt\").unwrap();\n    \
             let set = std::env::var(\"KILN_TEST_SET\").unwrap_or_default();\n    \
             std::fs::create_dir_all(out.join(\"deep/empty\")).unwrap();\n    \
             std::fs::write(out.join(\"deep/made.rs\"), format!(\"pub const MADE: &str = {:?};\", hidden.trim())).unwrap();\n    \
             println!(\"cargo::rustc-env=SAID={set}!\");\n}\n",
        )
        .write("base/hidden.txt", "hidden one")
        .write(
            "base/src/made.rs",
            "include!(concat!(env!(\"OUT_DIR\"), \"/deep/made.rs\"));\npub const SAID: &str = env!(\"SAID\");\n",
        )
        .write("base/src/lib.rs", "pub mod made;\npub fn value() -> i32 { 3 }\n")
        .write("app/Cargo.toml", manifest("app", "base = { path = \"../base\" }\npm = { path = \"../pm\" }\n"))
        .write(
            "app/src/main.rs",
            format!(
                "fn main() {{\n    println!(\"{{}} {{}} {{}} {{}}\", base::value(), base::made::MADE, base::made::SAID, {read});\n}}\n"
            ),
        );
    project
}

/// What cargo did itself, in a verbose call.
fn work(outcome: &Outcome) -> Vec<String> {
    let starts = ["Dirty ", "Compiling ", "Checking ", "Running "];
    let err = outcome.err();
    let lines = err.lines().map(str::trim_start);
    lines.filter(|line| starts.iter().any(|start| line.starts_with(start))).map(str::to_owned).collect()
}

/// Built from an empty target: cargo had nothing to do.
#[track_caller]
fn filled(project: &Project<'_>, args: &[&str]) -> Outcome {
    project.clean();
    let outcome = build(project, &[args, &["-v"]].concat());
    assert!(work(&outcome).is_empty() && outcome.err().contains("Fresh "), "not filled:\n{outcome}");
    outcome
}

/// Built from an empty target, the program prints what plain cargo's does, which is returned.
#[track_caller]
fn right(project: &Project<'_>) -> String {
    let expected = project.aside(|project| {
        project.plain(&["build"]).ok();
        project.prints("debug/app")
    });
    project.clean();
    build(project, &["build"]);
    assert_eq!(project.prints("debug/app"), expected, "left: kiln cargo, right: plain cargo");
    expected
}

#[test]
fn cargo_has_nothing_to_do_and_everything_is_there() {
    let mut space = TestSpace::new();
    space.set_env("CARGO_INCREMENTAL", "0"); // else no two builds are equal
    let project = everything(&space, "ws");
    let expected = project.aside(|project| {
        project.plain(&["build"]).ok();
        outputs(project.target())
    });
    build(&project, &["build"]);
    let printed = filled(&project, &["build"]);
    assert!(printed.err().contains("0 compiled"), "{printed}");
    let differences = tree::differences(&expected, &outputs(project.target()));
    assert!(differences.is_empty(), "{differences:?}");
    assert!(fs::read_dir(project.target()).unwrap().flatten().any(|it| it.file_name() == "CACHEDIR.TAG"));
    assert_eq!(project.prints("debug/app"), "3 hidden one ! one\n");
    // And without kiln, too.
    let plain = project.plain(&["build", "-v"]).ok();
    assert!(work(&plain).is_empty(), "{plain}");
}

#[test]
fn checks_tests_and_other_profiles_have_snapshots_of_their_own() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    for args in [&["check"][..], &["test", "--no-run"], &["build", "--release"], &["build", "-p", "base"]] {
        project.clean();
        build(&project, args);
        filled(&project, args);
    }
    project.clean();
    build(&project, &["build"]);
    assert_eq!(project.prints("debug/app"), "3 hidden one ! one\n");
}

#[test]
fn how_cargo_works_and_talks_does_not_matter() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build", "--offline", "-j1", "--color=always", "--quiet"]);
    filled(&project, &["build", "--color", "never", "--jobs", "2"]);
}

/// Old times and other contents: cargo looks at times only, the key at contents.
#[test]
fn sources_that_changed_are_not_filled() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
    for (file, text) in [
        ("base/src/lib.rs", "pub mod made;\npub fn value() -> i32 { 33 }\n"),
        ("base/hidden.txt", "hidden other"),
    ] {
        let before = project.read(file);
        let first = right(&project);
        project.write(file, text);
        File::options().append(true).open(project.path(file)).unwrap().set_modified(long_ago).unwrap();
        assert_ne!(right(&project), first, "{file}");
        project.write(file, before);
        assert_eq!(right(&project), first, "{file}");
    }
    let first = right(&project);
    space.write("outside/data.txt", "other");
    assert_ne!(right(&project), first, "what a macro reads");
}

#[test]
fn variables_that_changed_are_not_filled() {
    let mut space = TestSpace::new();
    everything(&space, "ws");
    build(&space.project("ws"), &["build"]);
    let first = right(&space.project("ws"));
    space.set_env("KILN_TEST_SET", "set");
    let second = right(&space.project("ws"));
    assert_ne!(first, second);
    filled(&space.project("ws"), &["build"]);
}

#[test]
fn an_edit_afterwards_is_seen_by_cargo() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    filled(&project, &["build"]);
    project.write("base/src/lib.rs", "pub mod made;\npub fn value() -> i32 { 4 }\n");
    let outcome = project.plain(&["build", "-v"]).ok();
    assert!(outcome.err().contains("Dirty base"), "{outcome}");
    assert_eq!(project.prints("debug/app"), "4 hidden one ! one\n");
    filled_after_edit(&project);
}

fn filled_after_edit(project: &Project<'_>) {
    project.clean();
    build(project, &["build"]);
    filled(project, &["build"]);
    project.write("base/build.rs", project.read("base/build.rs").replace("hidden.trim()", "\"edited\""));
    build(project, &["build"]);
    assert_eq!(project.prints("debug/app"), "4 edited ! one\n");
}

#[test]
fn a_change_of_configuration_or_features_counts() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    let first = right(&project);
    // A variable that only cargo's configuration sets.
    project.write(".cargo/config.toml", "[env]\nKILN_TEST_SET = \"configured\"\n");
    let configured = right(&project);
    assert_ne!(configured, first);
    project.remove(".cargo/config.toml");
    assert_eq!(right(&project), first);
    // Flags, profiles, features.
    project.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"other\"]\n");
    project.write(
        "app/src/main.rs",
        "fn main() { println!(\"{}\", if cfg!(other) { \"flags\" } else { \"none\" }); }\n",
    );
    assert_eq!(right(&project), "flags\n");
    project.remove(".cargo/config.toml");
    assert_eq!(right(&project), "none\n");
    project.write(
        "app/Cargo.toml",
        project.read("app/Cargo.toml") + "[features]\ndefault = [\"on\"]\non = []\n",
    );
    project.write("app/src/main.rs", "fn main() { println!(\"{}\", cfg!(feature = \"on\")); }\n");
    assert_eq!(right(&project), "true\n");
    project.write("app/Cargo.toml", project.read("app/Cargo.toml").replace("[\"on\"]", "[]"));
    assert_eq!(right(&project), "false\n");
}

#[test]
fn another_checkout_gets_none_of_the_paths() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    let other = project.copy_to("other/ws");
    assert_eq!(right(&other), "3 hidden one ! one\n");
    let needle = project.dir().as_os_str().as_encoded_bytes().to_vec();
    let own = [needle.as_slice(), b"/"].concat();
    for file in tree::files(other.target()) {
        let noted = file.to_string_lossy().contains("incremental");
        assert!(noted || !tree::contains(&other.target().join(&file), &own), "{file:?}");
    }
    filled(&other, &["build"]);
    filled(&project, &["build"]);
}

#[test]
fn two_at_once_in_one_empty_target() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    for _ in 0..4 {
        project.clean();
        let mut running: Vec<_> =
            (0..2).map(|_| kiln_cargo(&project, &["build"]).stderr(Stdio::null()).spawn().unwrap()).collect();
        for child in &mut running {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(project.prints("debug/app"), "3 hidden one ! one\n");
        let again = build(&project, &["build", "-v"]);
        assert!(work(&again).is_empty(), "{again}");
    }
}

/// Killed in the middle, at any moment: the next build is right.
#[test]
fn killed_while_it_fills() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    for after_ms in [5, 15, 25, 35, 45, 60, 80] {
        project.clean();
        let mut child = kiln_cargo(&project, &["build"]).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after_ms));
        let group = format!("pkill -KILL -P {0}; kill -KILL {0}", child.id());
        let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
        let _ = child.wait();
        build(&project, &["build"]);
        assert_eq!(project.prints("debug/app"), "3 hidden one ! one\n");
        let again = build(&project, &["build", "-v"]);
        assert!(work(&again).is_empty(), "{again}");
    }
}

/// A snapshot that is damaged, or has gone, is none.
#[test]
fn without_its_snapshot_a_build_goes_on() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    filled(&project, &["build"]);
    let mut damaged = 0;
    for file in tree::files(&space.cache().join("v1/snapshots")) {
        let path = space.cache().join("v1/snapshots").join(file);
        let bytes = fs::read(&path).unwrap();
        if bytes.starts_with(b"KPIC") {
            let mut other = bytes.clone();
            let middle = other.len() / 2;
            other[middle] ^= 1;
            fs::write(&path, other).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    project.clean();
    let outcome = build(&project, &["build"]);
    assert!(!outcome.err().contains("warning"), "{outcome}");
    assert_eq!(project.prints("debug/app"), "3 hidden one ! one\n");
    filled(&project, &["build"]);
}

/// A `target` in which something was built is cargo's.
#[test]
fn what_is_there_is_left_alone() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    project.clean();
    project.plain(&["build", "-p", "base"]).ok();
    let before = tree::stamps(&project.target().join("debug/.fingerprint"));
    build(&project, &["build"]);
    let after = tree::stamps(&project.target().join("debug/.fingerprint"));
    let kept = |path: &PathBuf| after.get(path) == before.get(path);
    assert!(before.keys().filter(|path| path.to_string_lossy().contains("base-")).all(kept));
    assert_eq!(project.prints("debug/app"), "3 hidden one ! one\n");
}

#[test]
fn switched_off_nothing_is_filled_and_nothing_stands_in() {
    let mut space = TestSpace::new();
    everything(&space, "ws");
    build(&space.project("ws"), &["build"]);
    space.set_env("KILN_BUILD_SCRIPTS", "false");
    let project = space.project("ws");
    project.clean();
    let outcome = build(&project, &["build", "-v"]);
    assert!(outcome.err().contains("Compiling base"), "{outcome}");
    let standing_in = |file: &PathBuf| file.extension().is_some_and(|it| it == "real");
    assert!(!tree::files(project.target()).iter().any(standing_in));
    assert_eq!(project.prints("debug/app"), "3 hidden one ! one\n");
}

/// With the option that asks for this machine's own processor, what cargo tells build scripts is the machine's.
#[test]
fn a_build_for_this_very_processor_has_no_snapshot() {
    let mut space = TestSpace::new();
    space.set_env("RUSTFLAGS", "-C target-cpu=native");
    let project = everything(&space, "ws");
    build(&project, &["build"]);
    project.clean();
    let outcome = build(&project, &["build", "-v"]);
    assert!(outcome.err().contains("Compiling base"), "{outcome}");
    assert!(outcome.err().contains("0 compiled"), "{outcome}");
}

/// For another target cargo has two places: the target's, and the host's for scripts and macros.
#[test]
fn for_another_target() {
    let triple = Toolchain::host();
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    build(&project, &["build", "--target", triple]);
    filled(&project, &["build", "--target", triple]);
    assert_eq!(project.prints(&format!("{triple}/debug/app")), "3 hidden one ! one\n");
}

#[test]
fn the_directory_that_cargo_makes_for_tests_is_there() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project.write("Cargo.toml", manifest("a", "")).write("src/lib.rs", "").write(
        "tests/t.rs",
        "#[test]\nfn t() {\n    \
         std::fs::write(concat!(env!(\"CARGO_TARGET_TMPDIR\"), \"/x\"), \"\").unwrap();\n}\n",
    );
    build(&project, &["test"]);
    project.clean();
    let outcome = build(&project, &["test", "-v"]);
    assert!(outcome.err().contains("Fresh "), "not filled:\n{outcome}");
}
