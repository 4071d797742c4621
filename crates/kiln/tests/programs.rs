//! `kiln WORD …`: a word that is no command of kiln's is a program, and runs as if kiln were not there.
#![allow(clippy::disallowed_methods, reason = "a test")]

mod space;

use space::{Space, err, out, succeeds};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

/// A space with programs of its own in front on PATH.
fn space() -> Space {
    let space = Space::new();
    for name in ["mytool", "stats", "x86_64-odd-elf-gcc-win32", "mpicc"] {
        script(&space, name, "echo \"$0\" \"$#\" \"$@\"; cat; echo told >&2; exit 42");
    }
    space.write("bin/nothing", "no program");
    space.write("project/a.c", "int f(void) { return 1; }\n");
    space
}

fn script(space: &Space, name: &str, line: &str) {
    space.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{line}\n"));
    fs::set_permissions(space.path("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

fn on_path<'a>(space: &Space, command: &'a mut Command) -> &'a mut Command {
    let path = std::env::var("PATH").unwrap();
    let kiln = std::path::Path::new(env!("CARGO_BIN_EXE_kiln")).parent().unwrap();
    command.env("PATH", format!("{}:{}:{path}", space.path("bin").display(), kiln.display()))
}

fn kiln(space: &Space, args: &[&str]) -> Output {
    on_path(space, &mut space.kiln(args)).stdin(std::process::Stdio::null()).output().unwrap()
}

/// It does what the program does alone.
#[track_caller]
fn unchanged(space: &Space, args: &[&str], program: &[&str]) {
    let mut plain = space.command(program[0]);
    let plain =
        on_path(space, plain.args(&program[1..])).stdin(std::process::Stdio::null()).output().unwrap();
    let got = kiln(space, args);
    assert_eq!((got.status, out(&got), err(&got)), (plain.status, out(&plain), err(&plain)), "{args:?}");
}

#[test]
fn what_is_no_command_is_a_program() {
    let space = space();
    for program in [
        &["mytool", "a b", "", "--help", "-x"][..],
        &["mpicc", "-c", "a.c"],
        &["x86_64-odd-elf-gcc-win32", "--version"],
        &["env", "A=1", "sh", "-c", "echo $A; exit 3"],
        &["ar", "--version"],
        &["ld", "-v"],
        &["sh", "-c", "kill -9 $$"],
    ] {
        unchanged(&space, program, program);
        for front in [&["--"][..], &["kiln"], &["kiln", "kiln", "--"]] {
            unchanged(&space, &[front, program].concat(), program);
        }
        let path = space.path("bin/mytool");
        unchanged(&space, &[path.to_str().unwrap(), "a"], &[path.to_str().unwrap(), "a"]);
    }
    // A program that is called as a command is one behind dashes only.
    assert!(out(&kiln(&space, &["stats", "--json"])).starts_with('{'));
    unchanged(&space, &["--", "stats", "--json"], &["stats", "--json"]);
}

#[test]
fn a_launcher_in_front_of_a_launcher() {
    let space = space();
    script(&space, "otherlauncher", "exec \"$@\"");
    for front in [
        &["kiln"][..],
        &["kiln", "kiln"],
        &["--"],
        &["kiln", "--"],
        &["otherlauncher"],
        &["otherlauncher", "kiln"],
        &["env", "kiln"],
    ] {
        let args = [front, &["gcc", "-c", "a.c", "-o", "a.o"]].concat();
        let _ = fs::remove_file(space.path("project/a.o"));
        let output = kiln(&space, &args);
        assert!(output.status.success() && space.path("project/a.o").exists(), "{args:?}: {}", err(&output));
    }
    let events = fs::read_to_string(space.path("cache/v1/events/current.jsonl")).unwrap();
    assert!(
        events.lines().filter(|line| line.contains("\"a.c\"")).count() >= 5,
        "they go through the cache: {events}"
    );
}

#[test]
fn a_program_that_is_not_there_or_cannot_be_run() {
    let space = space();
    for args in [
        &["nosuch", "x"][..],
        &["--", "nosuch"],
        &["run", "--", "nosuch"],
        &["/no/such"],
        &["run", "--", "/no/such"],
    ] {
        let output = kiln(&space, args);
        assert_eq!(output.status.code(), Some(127), "{args:?}: {}", err(&output));
        assert!(err(&output).starts_with("kiln: error: "), "{}", err(&output));
    }
    let file = space.path("bin/nothing");
    let file = file.to_str().unwrap();
    for args in
        [&["nothing"][..], &["--", "nothing"], &["run", "--", "nothing"], &[file], &["run", "--", file]]
    {
        let output = kiln(&space, args);
        assert_eq!(output.status.code(), Some(126), "{args:?}: {}", err(&output));
    }
    let printed = err(&kiln(&space, &["explian"]));
    assert!(printed.contains("did you mean `kiln explain`?"), "{printed}");
}

#[test]
fn help_version_and_colours() {
    let space = Space::new();
    let printed = |args: &[&str]| out(&succeeds(&mut space.kiln(args)));
    assert_eq!(printed(&["version"]), printed(&["--version"]));
    assert_eq!(printed(&["help"]), printed(&["--help"]));
    assert_eq!(printed(&["help", "stats"]), printed(&["stats", "--help"]));
    assert_eq!(printed(&["help", "config", "set"]), printed(&["config", "set", "--help"]));
    let coloured = |args: &[&str]| {
        let output = space.kiln(args).env("NO_COLOR", "1").output().unwrap();
        out(&output).contains('\x1b')
    };
    assert!(coloured(&["--color", "always", "doctor"]));
    assert!(!coloured(&["--color=never", "doctor"]) && !coloured(&["doctor"]));
    // What is behind `cargo` is cargo's.
    script(&space, "cargo", "echo \"$@\"");
    let counts = succeeds(on_path(&space, &mut space.kiln(&["cargo", "--color", "always", "build"])));
    assert_eq!(out(&counts), "--color always build\n");
}

/// `CARGO` is what cargo tells those whom it starts; anybody else may mean anything with it, and plain cargo does not look at it.
#[test]
fn which_cargo_is_started() {
    let space = Space::new();
    script(&space, "cargo", "echo found \"$@\"");
    script(&space, "told/cargo", "echo told \"$@\"");
    script(&space, "told/other", "echo other \"$@\"");
    space.write("bin/plain/cargo", "no program");
    fs::create_dir_all(space.path("bin/directory/cargo")).unwrap();
    let bin = |name: &str| space.path("bin").join(name).display().to_string();
    let is = |cargo: &str, within: bool, words: &[&str]| {
        let mut command = space.kiln(&["cargo"]);
        on_path(&space, command.args(words)).env("CARGO", cargo);
        if within {
            command.env("CARGO_MANIFEST_DIR", space.path("project"));
        }
        out(&succeeds(&mut command))
    };
    let counts = bin("told/cargo");
    assert_eq!(is(&counts, true, &["--version"]), "told --version\n");
    assert_eq!(is(&counts, false, &["--version"]), "found --version\n");
    assert_eq!(is(&counts, true, &["+nightly", "--version"]), "found +nightly --version\n");
    for other in [
        "",
        "kiln cargo",
        "cargo",
        "/usr/bin/false",
        "/nowhere/cargo",
        &bin("told/other"),
        &bin("plain/cargo"),
        &bin("directory/cargo"),
    ] {
        for within in [false, true] {
            assert_eq!(is(other, within, &["build"]), "found build\n", "{other}");
        }
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let space = Space::new();
    for args in [&["config", "list"][..], &["stats"], &["version"], &["completions", "bash"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = space.kiln(args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(err(&output).contains("cannot write to standard output"), "{}", err(&output));
    }
}
