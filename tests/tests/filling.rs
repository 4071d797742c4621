//! What an empty `target` may be filled with, and where: only what this build's own cargo builds, only into directories in which nothing is,
//! and only while all is there that cargo would refuse to build without. The oracle is plain cargo.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves, and say what they skip; nothing here runs in kiln"
)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use kiln_testkit::{Outcome, Project, TestSpace, Toolchain, kill_group, run, tree};
use kiln_tests::projects::{chain, manifest};
use kiln_tests::whole_builds::kiln_cargo;

/// What cargo did itself, in a verbose call.
fn work(outcome: &Outcome) -> Vec<String> {
    let err = outcome.err();
    let lines = err.lines().map(str::trim_start);
    let calls = lines.filter(|line| line.starts_with("Running `") && !line.contains("/rustdoc "));
    calls.map(str::to_owned).collect()
}

/// Takes all variables of cargo's out of a command's environment, and starts cargo.
const SCRUBBED: &str = "fn cargo() -> std::process::Command {\n    \
    let mut cargo = std::process::Command::new(std::env::var_os(\"CARGO\").unwrap());\n    \
    for (name, _) in std::env::vars_os() {\n        \
    let text = name.to_string_lossy().into_owned();\n        \
    if text.starts_with(\"CARGO\") && text != \"CARGO_HOME\" { cargo.env_remove(name); }\n    }\n    \
    cargo\n}\n";

/// A package `app` in a workspace with a package apart, which cargo builds when it is asked for `fixture` below `target`.
fn nesting<'a>(space: &'a TestSpace, at: &str) -> Project<'a> {
    let project = space.project("ws");
    let own = |name: &str| format!("{}[workspace]\nexclude = [\"fixture\"]\n", manifest(name, ""));
    // A program is what cargo becomes, so that it starts a cargo as anybody does, whose build is its own and may be filled.
    let nested = format!(
        "{SCRUBBED}fn nest() -> String {{\n    let at = concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/target/{at}\");\n    \
         assert!(!std::path::Path::new(at).join(\"debug\").exists(), \"somebody was here before\");\n    \
         let said = cargo().args([\"build\", \"--offline\"]).current_dir(\"fixture\").env(\"CARGO_TARGET_DIR\", at).output().unwrap();\n    \
         let said = String::from_utf8_lossy(&said.stderr).into_owned();\n    \
         said\n}}\n"
    );
    project
        .write("Cargo.toml", own("app"))
        .write("src/lib.rs", "")
        .write("src/main.rs", format!("{nested}fn main() {{\n    nest();\n    println!(\"4\");\n}}\n"))
        .write("tests/nested.rs", format!("{nested}#[test]\nfn nested() {{\n    let said = nest();\n    assert!(said.contains(\"Compiling fixture\"), \"{{said}}\");\n}}\n"))
        .write("fixture/Cargo.toml", own("fixture"))
        .write("fixture/build.rs", "fn main() {}\n")
        .write("fixture/src/lib.rs", "");
    project
}

/// Tests and programs that start cargo with none of cargo's variables, wherever it builds.
#[test]
fn what_a_scrubbed_cargo_builds_is_in_no_snapshot() {
    for (at, command) in [("tmp/nest", "test"), ("tmp/nest", "run"), ("nest", "test")] {
        let space = TestSpace::new();
        let project = nesting(&space, at);
        for round in 0..3 {
            project.clean();
            let outcome = run(&mut kiln_cargo(&project, &[command, "-v"]));
            assert!(outcome.success(), "{at} {command}, {round}: {outcome}");
            let worked = work(&outcome).iter().any(|line| line.contains("--crate-name app"));
            assert_eq!(worked, round == 0, "{at} {command}, {round}: {outcome}");
        }
    }
}

/// The same for what it builds into this very target directory, with another profile.
#[test]
fn what_a_scrubbed_cargo_builds_beside_it_is_in_no_snapshot() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    project.write(
        "app/tests/nested.rs",
        format!("{SCRUBBED}#[test]\nfn nested() {{\n    assert!(cargo().args([\"build\", \"--release\", \"-p\", \"base\"]).status().unwrap().success());\n}}\n"),
    );
    run(&mut kiln_cargo(&project, &["test"])).ok();
    project.plain(&["build", "--release"]).ok();
    let before = tree::stamps(&project.target().join("release"));
    fs::remove_dir_all(project.path("target/debug")).unwrap();
    let again = run(&mut kiln_cargo(&project, &["test", "-v"])).ok();
    assert!(work(&again).iter().all(|line| !line.contains("--crate-name")), "{again}");
    let after = tree::stamps(&project.target().join("release"));
    assert!(before.iter().all(|(path, stamp)| after.get(path) == Some(stamp)));
    let plain = project.plain(&["build", "--release", "-v"]).ok();
    assert!(work(&plain).is_empty(), "{plain}");
}

/// The names in a directory.
fn names(directory: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(directory).unwrap().flatten().map(|entry| entry.file_name().into()).collect()
}

/// A directory that is full is left alone, whichever of the other ones is gone; and none is made that cargo does not make.
#[track_caller]
fn full_is_full(args: &[&str], full: &str, gone: &str) {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let only = [args, &["-p", "base"]].concat();
    run(&mut kiln_cargo(&project, &only)).ok();
    // Nothing that cargo does not make, and filled the second time.
    let made = names(project.target());
    let plain = project.aside(|project| {
        project.plain(&only).ok();
        names(project.target())
    });
    assert_eq!(made, plain, "{args:?}: left: kiln cargo, right: plain cargo");
    let is_filled = |outcome: &Outcome| !outcome.err().contains("Compiling");
    project.clean();
    let filled = run(&mut kiln_cargo(&project, &only)).ok();
    assert!(is_filled(&filled), "{args:?}: {filled}");
    assert_eq!(names(project.target()), plain, "{args:?}: left: filled, right: plain cargo");
    // All of it is built; then the other one is gone.
    project.plain(args).ok();
    let _ = fs::remove_dir_all(project.target().join(gone));
    let before = tree::stamps(&project.target().join(full).join(".fingerprint"));
    run(&mut kiln_cargo(&project, &only)).ok();
    let after = tree::stamps(&project.target().join(full).join(".fingerprint"));
    let changed: Vec<_> = before.iter().filter(|(path, stamp)| after.get(*path) != Some(*stamp)).collect();
    let timestamp = |path: &Path| path.ends_with("invoked.timestamp");
    assert!(changed.iter().all(|(path, _)| timestamp(path)), "{args:?}: {changed:?}");
    let loud: Vec<String> = args.iter().map(|word| word.replace('q', "v")).collect();
    let plain = project.plain(&loud.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    assert!(!work(&plain).iter().any(|line| line.contains("--crate-name base")), "{args:?}: {plain}");
}

#[test]
fn a_profile_however_it_is_named() {
    full_is_full(&["build", "-qr"], "release", "debug");
    full_is_full(&["b", "-rq"], "release", "debug");
    full_is_full(&["-q", "build", "--profile=release"], "release", "debug");
}

#[test]
fn a_target_however_it_is_named() {
    let triple = Toolchain::host();
    full_is_full(&["build", "-q", "--target", triple], &format!("{triple}/debug"), "debug");
}

/// `make CARGO="kiln cargo"` tells everybody so. What cargo is called is what it tells its compiles.
#[test]
fn a_variable_that_means_something_else() {
    let mut space = TestSpace::new();
    space.set_env("CARGO", "kiln cargo");
    let project = chain(&space, "ws");
    for round in 0..2 {
        project.clean();
        let outcome = run(&mut kiln_cargo(&project, &["build", "-v"])).ok();
        assert_eq!(work(&outcome).is_empty(), round > 0, "{outcome}");
    }
}

/// Where another cargo is at work nothing is filled: each directory has its lock.
#[test]
fn a_directory_that_is_locked() {
    let triple = Toolchain::host();
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let args = ["build", "--target", triple];
    run(&mut kiln_cargo(&project, &args)).ok();
    project.clean();
    let profile = project.target().join(triple).join("debug");
    fs::create_dir_all(&profile).unwrap();
    let lock = fs::File::create(profile.join(".cargo-lock")).unwrap();
    lock.lock().unwrap();
    let mut child = kiln_cargo(&project, &args).stderr(Stdio::null()).spawn().unwrap();
    // Cargo has come to its own lock, which it waits for, once the question before it is answered.
    let until = Instant::now() + Duration::from_secs(60);
    while !project.target().join(".rustc_info.json").exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!profile.join(".fingerprint").join("lib-base").exists());
    let there: Vec<PathBuf> = tree::files(&profile);
    assert!(there.iter().all(|path| path.ends_with(".cargo-lock")), "{there:?}");
    drop(lock);
    assert!(child.wait().unwrap().success());
    assert_eq!(project.prints(&format!("{triple}/debug/app")), "4\n");
}

/// Writes a package into a directory of packages, as `cargo vendor` does.
fn vendored(project: &Project<'_>, name: &str, files: &[(&str, &str)]) {
    let digest = |path: &Path| {
        let printed = project.space().command("sha256sum").arg(path).output().unwrap();
        String::from_utf8(printed.stdout).unwrap().split(' ').next().unwrap().to_owned()
    };
    let mut sums = Vec::new();
    for (file, text) in files {
        let path = format!("vendor/{name}/{file}");
        project.write(&path, text);
        sums.push(format!("\"{file}\":\"{}\"", digest(&project.path(&path))));
    }
    let sums = format!("{{\"files\":{{{}}},\"package\":null}}", sums.join(","));
    project.write(format!("vendor/{name}/.cargo-checksum.json"), sums);
    project.write(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n",
    );
}

/// Cargo refuses to build a package of a directory of packages when any of its files is another, whoever reads it.
#[test]
fn a_vendored_file_that_nobody_reads() {
    let space = TestSpace::new();
    let project = space.project("ws");
    vendored(
        &project,
        "v",
        &[
            ("Cargo.toml", &manifest("v", "")),
            ("src/lib.rs", "pub const V: i32 = 4;\n"),
            ("legal/LICENSE", "MIT"),
        ],
    );
    project
        .write("Cargo.toml", manifest("app", "v = \"0.1\"\n"))
        .write("src/main.rs", "fn main() { println!(\"{}\", v::V); }\n");
    run(&mut kiln_cargo(&project, &["build"])).ok();
    let is_filled = || {
        project.clean();
        work(&run(&mut kiln_cargo(&project, &["build", "-v"])).ok()).is_empty()
    };
    assert!(is_filled());
    project.write("vendor/v/legal/LICENSE", "GPL");
    let plain = project.aside(|project| project.plain(&["build"]).run());
    assert!(!plain.success() && plain.err().contains("checksum"), "{plain}");
    project.clean();
    let outcome = run(&mut kiln_cargo(&project, &["build"]));
    assert!(!outcome.success() && outcome.err().contains("checksum"), "{outcome}");
    project.write("vendor/v/legal/LICENSE", "MIT");
    assert!(is_filled(), "it is what it was");
}

/// A directory that is new below `members = ["m/*"]` is in no manifest and not yet in the lock file, and makes a package a member that
/// was none: cargo tells its compile so.
#[test]
fn a_member_that_is_new() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let manifest_of = |name: &str, version: &str| manifest(name, "").replace("0.1.0", version);
    vendored(&project, "v", &[("Cargo.toml", &manifest_of("v", "1.0.0")), ("src/lib.rs", "")]);
    project
        .write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"m/*\"]\nresolver = \"2\"\n[patch.crates-io]\nv = { path = \"patched/v\" }\n",
        )
        .write("patched/v/Cargo.toml", manifest_of("v", "1.0.9"))
        .write("patched/v/src/lib.rs", "pub const V: Option<&str> = option_env!(\"CARGO_PRIMARY_PACKAGE\");\n")
        .write("m/a/Cargo.toml", manifest("app", "v = \"1\"\n"))
        .write("m/a/src/main.rs", "fn main() { println!(\"{:?}\", v::V); }\n");
    let shown = |outcome: Outcome| {
        outcome.ok();
        project.prints("debug/app")
    };
    let args = ["build", "--workspace"];
    let first = shown(run(&mut kiln_cargo(&project, &args)));
    project.clean();
    assert!(work(&run(&mut kiln_cargo(&project, &["build", "--workspace", "-v"])).ok()).is_empty());
    let lock = project.read("Cargo.lock");
    project
        .write("m/n/Cargo.toml", manifest("n", "v = { path = \"../../patched/v\" }\n"))
        .write("m/n/src/lib.rs", "pub use v::V;\n");
    let expected = project.aside(|project| shown(project.plain(&args).run()));
    assert_ne!(expected, first);
    project.write("Cargo.lock", &lock).clean();
    assert_eq!(
        shown(run(&mut kiln_cargo(&project, &args))),
        expected,
        "left: kiln cargo, right: plain cargo"
    );
    // One that is not built: the same, by a word in its manifest.
    let args = ["build", "--workspace", "--exclude", "n"];
    project.write("m/n/Cargo.toml", manifest("n", "")).write("m/n/src/lib.rs", "");
    for _ in 0..2 {
        project.clean();
        assert_eq!(shown(run(&mut kiln_cargo(&project, &args))), first);
    }
    let lock = project.read("Cargo.lock");
    project.write("m/n/Cargo.toml", manifest("n", "v = { path = \"../../patched/v\" }\n"));
    let expected = project.aside(|project| shown(project.plain(&args).run()));
    project.write("Cargo.lock", &lock).clean();
    assert_eq!(
        shown(run(&mut kiln_cargo(&project, &args))),
        expected,
        "left: kiln cargo, right: plain cargo"
    );
}

/// Killed while it fills an `OUT_DIR`: whoever runs the script later finds that empty, as it would be without kiln.
#[test]
fn killed_in_the_middle_of_an_out_dir() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project
        .write("Cargo.toml", manifest("app", ""))
        .write("build.rs", "use std::{env, fs, path::Path};\nfn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    let out = env::var(\"OUT_DIR\").unwrap();\n    fs::create_dir(Path::new(&out).join(\"d\")).unwrap();\n    for n in 0..500 { fs::write(format!(\"{out}/d/{n}\"), \"4\").unwrap(); }\n}\n")
        .write("src/main.rs", "fn main() { println!(\"{}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/d/7\"))); }\n");
    run(&mut kiln_cargo(&project, &["build"])).ok();
    project.clean();
    let filled = run(&mut kiln_cargo(&project, &["build", "-v"])).ok();
    assert!(work(&filled).is_empty(), "{filled}");
    let out_dir = || {
        let packages = fs::read_dir(project.path("target/debug/build")).into_iter().flatten().flatten();
        packages.map(|it| it.path().join("out/d")).find(|it| it.exists())
    };
    for (name, run_next) in [("plain", false), ("kiln", true)] {
        project.clean();
        let mut child =
            kiln_cargo(&project, &["build"]).stderr(Stdio::null()).process_group(0).spawn().unwrap();
        while out_dir().is_none() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        kill_group(child.id());
        let _ = child.wait();
        let next = match run_next {
            true => run(&mut kiln_cargo(&project, &["build"])),
            false => project.plain(&["build"]).run(),
        };
        assert!(next.success(), "{name}: {next}");
        assert_eq!(project.prints("debug/app"), "4\n", "{name}");
        let again = project.plain(&["build", "-v"]).ok();
        assert!(work(&again).is_empty(), "{name}: {again}");
    }
}

/// While a program runs that `cargo run` has built, somebody edits and builds: what cargo wrote about that build is none of this one's.
#[test]
fn what_is_built_anew_while_the_program_runs() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let edits = format!(
        "mod a;\n{SCRUBBED}fn main() {{\n    println!(\"{{}}\", a::A);\n    \
         if std::fs::remove_file(\"edit\").is_ok() {{\n        \
         std::fs::write(\"src/main.rs\", \"fn main() {{ println!(\\\"none\\\"); }}\").unwrap();\n        \
         assert!(cargo().args([\"build\", \"--offline\"]).status().unwrap().success());\n    }}\n}}\n"
    );
    project
        .write("Cargo.toml", manifest("app", ""))
        .write("src/a.rs", "pub const A: u8 = 1;\n")
        .write("src/main.rs", &edits)
        .write("edit", "");
    run(&mut kiln_cargo(&project, &["run"])).ok();
    assert_eq!(project.prints("debug/app"), "none\n");
    project.write("src/main.rs", &edits).clean();
    assert_eq!(run(&mut kiln_cargo(&project, &["run"])).ok().out(), "1\n");
    project.write("src/a.rs", "pub const A: u8 = 2;\n");
    assert_eq!(run(&mut kiln_cargo(&project, &["run"])).ok().out(), "2\n", "cargo looks at all that it read");
}
