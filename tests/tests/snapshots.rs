//! What a snapshot of a build says is held against today, whoever wrote it: nothing outside of `target` is touched, no answer is believed
//! that was not asked for, and builds inside a build are none of it.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves, and say what they skip; nothing here runs in kiln"
)]

use std::fs;
use std::path::{Path, PathBuf};

use kiln_action::{ActionKey, SnapshotKey, digest};
use kiln_prefill::snapshot::Snapshot;
use kiln_store::{Key, LocalStore, Store};
use kiln_testkit::{Project, TestSpace, run, tree};
use kiln_tests::projects::{chain, manifest, workspace};
use kiln_tests::whole_builds::{build, kiln_cargo};

/// Built from an empty target, cargo has nothing to do.
fn is_filled(project: &Project<'_>) -> bool {
    project.clean();
    let outcome = build(project, &["build", "-v"]);
    assert_eq!(project.prints("debug/app"), "4\n", "{outcome}");
    !outcome.err().contains("Running") && outcome.err().contains("Fresh")
}

/// The names of the snapshots in a cache.
fn snapshots(cache: &Path) -> Vec<SnapshotKey> {
    LocalStore::open(cache).expect("a store").snapshots().expect("snapshots")
}

/// Writes other snapshots over those that are there, as somebody may who can write to a store.
fn poison(space: &TestSpace, change: impl Fn(&mut Snapshot)) {
    let keys = snapshots(space.cache());
    assert!(!keys.is_empty(), "nothing to poison");
    let store = LocalStore::open(space.cache()).expect("a store");
    for key in keys {
        let mut snapshot = Snapshot::find(&key, &store).expect("a snapshot");
        change(&mut snapshot);
        snapshot.keep(&key, &store).expect("kept");
    }
}

/// Replaces a word of the first call that has it, or that it begins.
fn replace(snapshot: &mut Snapshot, word: &str, other: &str) {
    let calls = snapshot.units.iter_mut().map(|unit| &mut unit.call.argv);
    let mut words = calls.flatten().filter(|it| it.to_string_lossy().starts_with(word));
    *words.next().expect("the word") = other.into();
}

fn replace_after(snapshot: &mut Snapshot, flag: &str, other: &Path) {
    for unit in &mut snapshot.units {
        let at = unit.call.argv.iter().position(|word| word == flag);
        if let Some(at) = at {
            unit.call.argv[at + 1] = other.into();
        }
    }
}

fn set(snapshot: &mut Snapshot, variable: &str, value: &Path) {
    for unit in &mut snapshot.units {
        unit.call
            .variables
            .iter_mut()
            .filter(|it| it.name == variable)
            .for_each(|it| it.value = value.into());
    }
}

type Attack = (&'static str, fn(&mut Snapshot, &Path, &Path));

/// What somebody may write into a snapshot to reach a victim's directory, given that and the target.
const ATTACKS: &[Attack] = &[
    ("a kind of output has a file", |snapshot, victim, _| {
        replace(
            snapshot,
            "--emit=dep-info,metadata,link",
            &format!("--emit=dep-info,link,metadata={}", victim.join("precious").display()),
        );
    }),
    ("all outputs are one file", |snapshot, victim, _| {
        for unit in &mut snapshot.units {
            unit.call.argv.extend(["-o".into(), victim.join("precious").into()]);
        }
    }),
    ("outputs leave the target by dots", |snapshot, victim, target| {
        replace_after(
            snapshot,
            "--out-dir",
            &target.join("debug/../..").join(victim.file_name().expect("a name")),
        );
    }),
    ("outputs are elsewhere", |snapshot, victim, _| replace_after(snapshot, "--out-dir", victim)),
    ("outputs are in a directory that is to be made", |snapshot, victim, _| {
        replace_after(snapshot, "--out-dir", &victim.join("made"));
    }),
    ("OUT_DIR leaves the target by dots", |snapshot, victim, target| {
        set(snapshot, "OUT_DIR", &target.join("debug/../..").join(victim.file_name().expect("a name")));
    }),
    ("OUT_DIR is elsewhere", |snapshot, victim, _| set(snapshot, "OUT_DIR", &victim.join("out"))),
    ("the compiler's own directory is elsewhere", |snapshot, victim, _| {
        for unit in &mut snapshot.units {
            unit.call.argv.extend(["-C".into(), format!("incremental={}", victim.display()).into()]);
        }
    }),
    ("words are in somebody's file", |snapshot, victim, _| {
        for unit in &mut snapshot.units {
            unit.call.argv.push(format!("@{}", victim.join("precious").display()).into());
        }
    }),
    ("the compiler is another program", |snapshot, victim, _| {
        for unit in &mut snapshot.units {
            unit.call.argv[0] = victim.join("rustc").into();
        }
    }),
    ("a loader's variable is set", |snapshot, victim, _| {
        for unit in &mut snapshot.units {
            if let Some(variable) = unit.call.variables.first_mut() {
                variable.name = "LD_PRELOAD".into();
                variable.value = victim.join("precious").into();
            }
        }
    }),
];

/// What a victim has; nobody may change it.
fn victim(space: &TestSpace) -> PathBuf {
    space.write("victim/precious", "precious");
    space.path("victim")
}

#[track_caller]
fn is_untouched(space: &TestSpace, name: &str) {
    let found = tree::files(&space.path("victim"));
    assert_eq!(found, [PathBuf::from("precious")], "{name}");
    assert_eq!(fs::read_to_string(space.path("victim/precious")).unwrap(), "precious", "{name}");
    let directories = fs::read_dir(space.path("victim")).unwrap().count();
    assert_eq!(directories, 1, "{name}: a directory was made");
}

#[test]
fn a_poisoned_snapshot_reaches_nothing_outside_of_target() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let victim = victim(&space);
    build(&project, &["build"]);
    assert!(is_filled(&project));
    for (name, attack) in ATTACKS {
        poison(&space, |snapshot| attack(snapshot, &victim, project.target()));
        is_filled(&project);
        is_untouched(&space, name);
        // (what was not filled is in a newer snapshot)
        let mut attempts = 0;
        while !is_filled(&project) {
            attempts += 1;
            assert!(attempts < 3, "{name}: it stays poisoned");
        }
    }
}

/// The same by way of a store that several machines share: one of them is the attacker's.
#[test]
fn a_snapshot_that_was_poisoned_elsewhere_reaches_nothing_either() {
    let mut space = TestSpace::new();
    let share = space.path("share");
    fs::create_dir_all(&share).unwrap();
    let url = format!("file://{}", share.display());
    for (number, (name, attack)) in ATTACKS.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
        space.set_env("KILN_REMOTE", "");
        space.set_cache(space.path(format!("attacker-{number}")));
        let project = chain(&space, &format!("ws-{number}"));
        let victim = victim(&space);
        build(&project, &["build"]);
        poison(&space, |snapshot| attack(snapshot, &victim, project.target()));
        let directory = project.dir().to_owned();
        space.set_env("KILN_REMOTE", &url);
        run(space.kiln(&["push"]).current_dir(&directory)).ok();
        let _ = run(&mut space.kiln(&["daemon", "stop"]));
        space.set_cache(space.path(format!("victim-{number}")));
        is_filled(&space.project(format!("ws-{number}")));
        is_untouched(&space, name);
        assert!(!snapshots(space.cache()).is_empty(), "{name}: the attack did not arrive");
        let _ = run(&mut space.kiln(&["daemon", "stop"]));
    }
}

/// An answer of somebody else's making, under the name of another call.
#[test]
fn a_snapshot_answers_no_other_call() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    build(&project, &["build"]);
    let foreign = ActionKey::of_name([7; 32]);
    poison(&space, |snapshot| {
        assert!(!snapshot.questions.is_empty());
        snapshot.questions.iter_mut().for_each(|asked| asked.call.key = foreign);
    });
    is_filled(&project);
    let store = LocalStore::open(space.cache()).unwrap();
    assert_eq!(store.get(&[Key::Result(foreign)]), [None]);
    assert!(is_filled(&project), "the newer snapshot is right");
}

/// A variable's value is in no snapshot as text: neither one that a unit asked for, nor one that a script told cargo to watch.
#[test]
fn no_value_of_the_users_is_in_a_snapshot() {
    let mut space = TestSpace::new();
    space.set_env("SECRET_PIN", "a-secret-4711");
    space.set_env("DEP_SECRET", "a-secret-4712");
    space.set_env("LD_LIBRARY_PATH", "/a-secret-4713");
    let project = chain(&space, "ws");
    let script = project
        .read("middle/build.rs")
        .replace("fn main() {", "fn main() {\n    println!(\"cargo::rerun-if-env-changed=SECRET_PIN\");");
    project.write("middle/build.rs", script);
    project.write(
        "base/src/lib.rs",
        "pub const PIN: Option<&str> = option_env!(\"SECRET_PIN\");\npub fn value() -> i32 { 3 }\n",
    );
    build(&project, &["build"]);
    assert!(is_filled(&project));
    for key in snapshots(space.cache()) {
        let store = LocalStore::open(space.cache()).unwrap();
        let bytes = Snapshot::find(&key, &store).unwrap().encode(&key);
        assert!(!bytes.windows(9).any(|part| part == b"a-secret-"));
    }
    // What was filled holds them all the same, as cargo writes them.
    let holds = |file: &Path| tree::contains(&project.target().join(file), b"a-secret-4711");
    let own = tree::files(project.target())
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(".fingerprint"));
    assert_eq!(own.filter(|path| holds(path)).count(), 2, "dep-info of one, a script's .json");
    project.assert_fresh_after(project.plain(&["build", "-v"]));
}

/// A result whose name says something of a secret is named to nobody: a store gets neither it nor a snapshot of such a build, not when
/// they are made and not by `kiln push`.
#[test]
fn a_snapshot_that_names_results_of_secrets_stays_here() {
    for (variable, travels) in [("SECRET_PIN", false), ("WORD", true)] {
        let mut space = TestSpace::new();
        let share = space.path("share");
        fs::create_dir_all(&share).unwrap();
        space.set_env("KILN_REMOTE", format!("file://{}", share.display()));
        space.set_env(variable, "4711");
        let project = chain(&space, "ws");
        project.write(
            "base/src/lib.rs",
            format!(
                "pub const SAID: Option<&str> = option_env!({variable:?});\npub fn value() -> i32 {{ 3 }}\n"
            ),
        );
        build(&project, &["build"]);
        run(&mut space.kiln(&["daemon", "wait", "--for", "60s"])).ok();
        let _ = run(&mut space.kiln(&["daemon", "stop"]));
        let snapshot = *snapshots(space.cache()).first().expect("a snapshot");
        let store = LocalStore::open(space.cache()).unwrap();
        let results = store.entries().unwrap();
        let result = results.iter().find(|entry| entry.unit.contains("base")).expect("a result").key;
        let are_as_they_may = || {
            for name in [snapshot.name(), result.name()].map(|name| digest::hex(name)) {
                let files = tree::files(&share);
                let shared = files.iter().any(|path| path.to_string_lossy().contains(&name));
                assert_eq!(shared, travels, "{variable}: {files:?}");
            }
        };
        are_as_they_may();
        let before = tree::files(&share).len();
        let pushed = run(&mut space.kiln(&["push"])).ok().out();
        let _ = run(&mut space.kiln(&["daemon", "stop"]));
        assert!(tree::files(&share).len() > before, "{variable}: nothing is pushed: {pushed}");
        assert_eq!(pushed.contains("stay here"), !travels, "{variable}: {pushed}");
        are_as_they_may();
    }
}

/// A test that runs cargo on a package of its own: what it builds is none of the workspace's.
#[test]
fn what_tests_build_is_in_no_snapshot() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project
        .write("Cargo.toml", manifest("app", ""))
        .write("src/main.rs", "fn main() { println!(\"4\"); }\n")
        .write(
            "tests/nested.rs",
            "use std::{env, fs, path::Path, process::Command};\n#[test]\nfn nested() {\n    let here = Path::new(env!(\"CARGO_TARGET_TMPDIR\")).join(\"fixture\");\n    assert!(!here.exists(), \"somebody was here before\");\n    fs::create_dir_all(here.join(\"src\")).unwrap();\n    fs::write(here.join(\"Cargo.toml\"), \"[package]\\nname = \\\"fixture\\\"\\nversion = \\\"0.1.0\\\"\\nedition = \\\"2021\\\"\\n[workspace]\\n\").unwrap();\n    fs::write(here.join(\"src/lib.rs\"), \"\").unwrap();\n    fs::write(here.join(\"build.rs\"), \"fn main() {}\").unwrap();\n    let built = Command::new(env::var_os(\"CARGO\").unwrap()).args([\"build\", \"--offline\"]).current_dir(&here).status().unwrap();\n    assert!(built.success());\n}\n",
        );
    for round in 0..3 {
        project.clean();
        let outcome = run(&mut kiln_cargo(&project, &["test", "-v"]));
        assert!(outcome.success(), "{round}: {outcome}");
        let worked = outcome
            .err()
            .lines()
            .any(|line| line.trim_start().starts_with("Running `") && line.contains("--crate-name app"));
        assert_eq!(worked, round == 0, "{round}: {outcome}");
    }
    for key in snapshots(space.cache()) {
        let store = LocalStore::open(space.cache()).unwrap();
        let snapshot = Snapshot::find(&key, &store).unwrap();
        assert!(snapshot.units.iter().all(|unit| !unit.call.argv.iter().any(|word| word == "fixture")));
    }
}

/// The target directory is where cargo's configuration says: nothing is made where it is not.
#[test]
fn a_configured_target_directory_is_filled_and_no_other() {
    for config in ["[build]\ntarget-dir = \"../out\"\n", "[build]\ntarget-dir = \"/dev/shm/KILN\"\n"] {
        let space = TestSpace::new();
        let project = chain(&space, "ws");
        let name = space.root().file_name().unwrap().to_string_lossy().into_owned();
        let config = config.replace("KILN", &name);
        project.write(".cargo/config.toml", &config);
        let target = match config.contains("shm") {
            true => PathBuf::from("/dev/shm").join(name),
            false => space.path("out"),
        };
        let elsewhere = space.project("ws").with_target(&target);
        build(&elsewhere, &["build"]);
        assert!(is_filled(&elsewhere), "{config}");
        assert!(!project.path("target").exists(), "{config}");
        elsewhere.clean();
    }
}

/// Options of cargo's before the command, an alias, and a profile's directory that was removed by itself.
#[test]
fn however_cargo_is_started() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    project.write(".cargo/config.toml", "[alias]\nbb = \"build --workspace\"\n");
    for args in [
        &["--color", "never", "build", "-v"][..],
        &["--config", "profile.dev.debug=0", "build", "-v"],
        &["bb", "-v"],
        &["--locked", "b", "-v"],
    ] {
        for attempt in 0..2 {
            project.clean();
            let outcome = build(&project, args);
            assert_eq!(outcome.err().contains("Compiling"), attempt == 0, "{args:?} {outcome}");
        }
    }
    build(&project, &["build"]);
    fs::remove_dir_all(project.path("target/debug")).unwrap();
    let outcome = build(&project, &["build", "-v"]);
    assert!(!outcome.err().contains("Compiling"), "{outcome}");
    assert_eq!(project.prints("debug/app"), "4\n");
}

/// Numbers of processes come again, in every container the same ones: a script that runs in a filled target finds what was there.
#[test]
fn a_script_that_runs_again_finds_what_it_left() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project
        .write("Cargo.toml", workspace(&["app"]))
        .write("app/Cargo.toml", manifest("app", ""))
        .write("app/data", "one")
        .write(
            "app/build.rs",
            "use std::{env, fs, path::PathBuf};\nfn main() {\n    println!(\"cargo::rerun-if-changed=data\");\n    let out = PathBuf::from(env::var_os(\"OUT_DIR\").unwrap());\n    let before = fs::read_dir(&out).unwrap().count();\n    fs::write(out.join(\"before\"), before.to_string()).unwrap();\n}\n",
        )
        .write("app/src/main.rs", "fn main() { println!(\"{}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/before\"))); }\n");
    let alone = |args: &[&str]| {
        let kiln = kiln_cargo(&project, args);
        let mut command = space.command("unshare");
        command.args(["-pf", "--mount-proc"]).arg(kiln.get_program()).args(kiln.get_args());
        command
            .envs(kiln.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(project.dir());
        run(&mut command)
    };
    if !alone(&["build"]).success() {
        eprintln!("skipped: there are no namespaces of processes here");
        return;
    }
    project.clean();
    alone(&["build"]).ok();
    assert_eq!(project.prints("debug/app"), "0\n");
    project.write("app/data", "two");
    alone(&["build"]).ok();
    assert_eq!(project.prints("debug/app"), "1\n", "OUT_DIR was emptied");
}
