//! Plain cargo with kiln as its wrapper, started by anybody: it does what `kiln cargo` does. The oracle is plain cargo without kiln.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use kiln_store::LocalStore;
use kiln_testkit::{Outcome, Project, TestSpace, kill_group, run};
use kiln_tests::projects::{chain, plainly};
use kiln_tests::whole_builds::kiln_cargo;
use std::os::unix::process::CommandExt;

/// What cargo did itself, in a verbose call: compiles and runs of scripts.
fn work(outcome: &Outcome) -> Vec<String> {
    let err = outcome.err();
    err.lines().map(str::trim_start).filter(|line| line.starts_with("Running `")).map(str::to_owned).collect()
}

#[track_caller]
fn is_filled(project: &Project<'_>, args: &[&str]) -> Outcome {
    let outcome = project.cargo(args).ok();
    assert!(work(&outcome).is_empty(), "{outcome}");
    outcome
}

#[track_caller]
fn is_built(project: &Project<'_>, args: &[&str]) -> Outcome {
    let outcome = project.cargo(args).ok();
    assert!(!work(&outcome).is_empty(), "{outcome}");
    outcome
}

fn snapshots(space: &TestSpace) -> usize {
    LocalStore::open(space.cache()).and_then(|store| store.snapshots()).map_or(0, |keys| keys.len())
}

#[test]
fn an_empty_target_is_filled() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    for args in
        [&["build", "-v"][..], &["check", "-v"], &["build", "--release", "-v"], &["test", "--no-run", "-v"]]
    {
        is_built(project.clean(), args);
        is_filled(project.clean(), args);
        is_filled(&project, args); // and cargo stays content
        assert!(work(&project.plain(args).ok()).is_empty());
    }
    is_filled(project.clean(), &["build", "-v"]);
    assert_eq!(project.prints("debug/app"), plainly(&project));
}

#[test]
fn either_way_fills_for_the_other() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    is_built(&project, &["build", "-v"]);
    let filled = run(&mut kiln_cargo(project.clean(), &["build", "-v"])).ok();
    assert!(work(&filled).is_empty(), "{filled}");
    let release = ["build", "--release", "-v"];
    run(&mut kiln_cargo(project.clean(), &release)).ok();
    is_filled(project.clean(), &release);
}

#[test]
fn what_builds_nothing_fills_nothing() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    is_built(&project, &["build", "-v"]);
    for args in [
        &["metadata", "--format-version=1"][..],
        &["tree"],
        &["clean"],
        &["rustc", "-p", "base", "--", "--print=cfg"],
        &["--version", "--verbose"],
        &["locate-project"],
    ] {
        project.clean().cargo(args).run();
        let made = fs::read_dir(project.target().join("debug")).into_iter().flatten().flatten();
        assert!(made.into_iter().all(|it| it.file_name() != "app"), "{args:?}");
        let units = fs::read_dir(project.target().join("debug/.fingerprint")).into_iter().flatten().flatten();
        let is_of_app = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b"app-");
        assert!(units.into_iter().all(|unit| !is_of_app(&unit.file_name())), "{args:?}");
    }
}

#[test]
fn what_changed_is_built() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    is_built(&project, &["build", "-v"]);
    project.write("base/src/lib.rs", "pub fn value() -> i32 { 30 }\n");
    is_built(project.clean(), &["build", "-v"]);
    assert_eq!(project.prints("debug/app"), "31\n");
    project.write("middle/build.rs", "fn main() {\n    println!(\"cargo::rustc-env=PLUS=5\");\n}\n");
    is_built(project.clean(), &["build", "-v"]);
    assert_eq!(project.prints("debug/app"), "35\n");
    let manifest = fs::read_to_string(project.path("app/Cargo.toml")).unwrap();
    project.write("app/Cargo.toml", manifest.replace("0.1.0", "0.2.0"));
    project.write(
        "app/src/main.rs",
        "fn main() {\n    println!(\"{} {}\", env!(\"CARGO_PKG_VERSION\"), middle::value());\n}\n",
    );
    is_built(project.clean(), &["build", "-v"]);
    assert_eq!(project.prints("debug/app"), "0.2.0 35\n");
    is_filled(project.clean(), &["build", "-v"]);
    assert_eq!(project.prints("debug/app"), "0.2.0 35\n");
}

#[test]
fn switched_off() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let build = |name: &str| project.clean().cargo(&["build", "-v"]).env(name, "false").ok();
    for name in ["KILN_PREFILL", "KILN_BUILD_SCRIPTS"] {
        for _ in 0..2 {
            assert!(!work(&build(name)).is_empty());
            assert_eq!(snapshots(&space), 0);
        }
    }
    is_built(project.clean(), &["build", "-v"]);
    assert_eq!(snapshots(&space), 1);
    assert!(!work(&build("KILN_PREFILL")).is_empty());
}

/// A build that fails takes no snapshot in the place of a whole one.
#[test]
fn a_build_that_fails_is_in_no_snapshot() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    project.write("app/src/main.rs", "fn main() { x }\n");
    for _ in 0..2 {
        assert!(!project.clean().cargo(&["build"]).run().success());
        assert_eq!(snapshots(&space), 0);
    }
    project.write("app/src/main.rs", "fn main() {}\n");
    is_built(project.clean(), &["build", "-v"]);
    is_filled(project.clean(), &["build", "-v"]);
    project.write("app/src/main.rs", "fn main() { x }\n");
    assert!(!project.clean().cargo(&["build"]).run().success());
    project.write("app/src/main.rs", "fn main() {}\n");
    is_filled(project.clean(), &["build", "-v"]);
}

/// Files of sessions, and directories.
fn sessions(space: &TestSpace) -> usize {
    fs::read_dir(space.cache().join("sessions")).into_iter().flatten().count()
}

/// Whether a process of this program has this cache directory in its environment.
fn is_somebody_there(space: &TestSpace) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut environments = processes.filter_map(|process| fs::read(process.path().join("environ")).ok());
    let cache = space.cache().as_os_str().as_encoded_bytes().to_vec();
    environments.any(|text| text.windows(cache.len()).any(|part| part == cache))
}

#[track_caller]
fn ends(what: &str, is_over: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_over() {
        assert!(since.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_left_behind() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    for _ in 0..2 {
        project.clean().cargo(&["build"]).ok();
        ends("a session is left", || sessions(&space) == 0);
        ends("a process is left", || !is_somebody_there(&space));
    }
}

/// Processes that go on behind a build's first probe: their directories.
fn behind_the_first_probe(space: &TestSpace) -> Vec<PathBuf> {
    let cache = space.cache().as_os_str().as_encoded_bytes().to_vec();
    let is_one = |process: &Path| {
        let read = |name| fs::read(process.join(name)).unwrap_or_default();
        read("cmdline").ends_with(b"\0-vV\0")
            && read("environ").windows(cache.len()).any(|part| part == cache)
    };
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|process| process.path());
    processes.filter(|process| is_one(process)).filter_map(|it| fs::read_link(it.join("cwd")).ok()).collect()
}

/// Also where kiln has never seen the compiler, so that the probe's answer is kept by a process of its own.
#[test]
fn one_process_waits_and_is_in_nobodys_way() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let go = project.path("go");
    let script = format!(
        "fn main() {{ while !std::path::Path::new({go:?}).exists() {{ std::thread::sleep(std::time::Duration::from_millis(20)); }} }}\n"
    );
    project.write("app/build.rs", &script);
    std::thread::sleep(Duration::from_millis(20)); // what is as young as the build may not have been read
    let mut cargo = project.cargo(&["build"]).command();
    let mut cargo = cargo.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    ends("nobody waits, or more than one", || behind_the_first_probe(&space) == [Path::new("/")]);
    fs::write(&go, "").unwrap();
    assert!(cargo.wait().unwrap().success());
    ends("a session is left", || sessions(&space) == 0);
    assert_eq!(snapshots(&space), 1);
}

/// `-vv` shows what scripts say while they run.
#[test]
fn who_wants_to_hear_all_is_not_filled_for() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    project.write("app/build.rs", "fn main() { println!(\"said by the script\"); }\n");
    is_built(&project, &["build", "-v"]);
    is_filled(project.clean(), &["build", "-v"]);
    for args in [&["build", "-vv"][..], &["build", "-v", "--verbose"]] {
        let outcome = is_built(project.clean(), args);
        assert!(
            outcome.err().contains("said by the script") || outcome.out().contains("said by the script"),
            "{outcome}"
        );
    }
    is_filled(project.clean(), &["build", "-v"]);
}

/// Cargo is killed at any time, and what waits for its end ends.
#[test]
fn a_cargo_that_is_killed() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    for wait_ms in [30, 120, 300, 600] {
        project.clean();
        let mut cargo = project.cargo(&["build"]).command();
        cargo.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut cargo = cargo.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        kill_group(cargo.id());
        cargo.wait().unwrap();
        ends("a process is left", || !is_somebody_there(&space));
        project.cargo(&["build"]).ok();
        assert_eq!(project.prints("debug/app"), "4\n");
        assert!(work(&project.plain(&["build", "-v"]).ok()).is_empty());
        project.clean().cargo(&["build"]).ok();
        assert_eq!(project.prints("debug/app"), "4\n");
    }
}

/// Whoever reads to the end of what cargo says is not kept waiting by what waits for cargo.
#[test]
fn streams_are_let_go() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let mut shell = space.command("sh");
    shell.args(["-c", "cargo build 2>&1 | cat; cargo build 2>&1 | cat"]).current_dir(project.dir());
    space.wrap(&mut shell);
    run(&mut shell).ok();
    assert_eq!(project.prints("debug/app"), "4\n");
}

/// What a test builds, it may look at: nothing of it is there before its cargo made it.
#[test]
fn a_cargo_that_a_test_starts_fills_nothing() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let nested = "#[test]\nfn nested() {\n    let mut cargo = std::process::Command::new(std::env::var_os(\"CARGO\").unwrap());\n    for (name, _) in std::env::vars_os() {\n        if name.to_string_lossy().starts_with(\"CARGO\") && name != \"CARGO_HOME\" { cargo.env_remove(name); }\n    }\n    let said = cargo.args([\"build\", \"-p\", \"base\", \"--target-dir\", concat!(env!(\"CARGO_TARGET_TMPDIR\"), \"/n\")]).output().unwrap();\n    let said = String::from_utf8_lossy(&said.stderr).into_owned();\n    assert!(said.contains(\"Compiling base\"), \"{said}\");\n}\n";
    project.write("app/tests/nested.rs", nested);
    for _ in 0..3 {
        project.clean().cargo(&["test"]).ok();
    }
}

/// `cargo run` becomes the program that it has built, which here becomes a cargo with another environment: that is another build, and what it
/// calls is none of what the first asks for.
#[test]
fn a_cargo_that_a_cargo_becomes_is_another_one() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"task\", \"a\"]\ndefault-members = [\"a\"]\nresolver = \"2\"\n",
    );
    for name in ["task", "a"] {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
        project.write(format!("{name}/Cargo.toml"), &manifest);
    }
    project.write("task/src/main.rs", "use std::os::unix::process::CommandExt;\nfn main() {\n    let cargo = std::env::var_os(\"CARGO\").unwrap();\n    let mut cargo = std::process::Command::new(cargo);\n    for (name, _) in std::env::vars_os() {\n        if name.to_string_lossy().starts_with(\"CARGO_\") && name != \"CARGO_HOME\" { cargo.env_remove(name); }\n    }\n    let greeting = std::env::args().nth(1).unwrap();\n    panic!(\"{}\", cargo.arg(\"build\").env(\"GREETING\", greeting).exec());\n}\n");
    project.write("a/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    println!(\"cargo::rustc-env=B={}\", std::env::var(\"GREETING\").unwrap());\n}\n");
    project.write("a/src/main.rs", "fn main() { println!(env!(\"B\")); }\n");
    for greeting in ["one", "two", "one"] {
        let mut cargo = project.clean().cargo(&["run", "-p", "task", "--", greeting]).command();
        run(cargo.env("GREETING", "one")).ok();
        assert_eq!(project.prints("debug/a"), format!("{greeting}\n"));
        ends("a session is left", || sessions(&space) == 0);
    }
}

/// A directory in which something is, is left to cargo, and nothing is recorded of it.
#[test]
fn a_target_that_is_not_empty_is_cargos() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    project.plain(&["build", "-p", "base"]).ok();
    is_built(&project, &["build", "-v"]);
    assert_eq!(snapshots(&space), 0);
    fs::remove_dir_all(project.path("target/debug/.fingerprint")).unwrap();
    is_built(&project, &["build", "-v"]);
    assert_eq!(project.prints("debug/app"), "4\n");
    assert!(Path::new(&project.built("debug/app")).exists());
}
