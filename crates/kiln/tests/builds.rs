//! What `kiln explain` takes for one build, and what it calls the units of one, with the tools that people build with.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]
#![allow(clippy::print_stderr, reason = "a test that cannot run says so")]

mod space;

use serde_json::Value;
use space::{Space, out, rustc, succeeds};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");
const SOURCES: [&str; 4] = ["a", "b", "c", "d"];

fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(30)); // a tick of the file system's clock
}

/// Four C files in `project`.
fn sources() -> Space {
    let space = Space::new();
    for name in SOURCES {
        space.write(&format!("project/{name}.c"), &format!("int {name}(void) {{ return 1; }}\n"));
    }
    pause();
    space
}

fn last(space: &Space) -> Value {
    let printed = out(&succeeds(&mut space.kiln(&["explain", "--json"])));
    let printed: Value = serde_json::from_str(&printed).unwrap();
    printed["builds"][0].clone()
}

fn units(space: &Space) -> u64 {
    last(space)["units"].as_u64().unwrap()
}

fn sh(space: &Space, command: &str) {
    succeeds(space.command("sh").args(["-c", command]));
    pause();
}

fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    let found = found.status.success();
    if !found {
        eprintln!("skipped: no {program}");
    }
    found
}

#[test]
fn all_commands_of_one_ninja_are_one_build() {
    if !has("ninja") {
        return;
    }
    let space = sources();
    let rule = format!("rule cc\n  command = {KILN} gcc -c $in -o $out\n");
    let edges: String = SOURCES.iter().map(|name| format!("build {name}.o: cc {name}.c\n")).collect();
    space.write("project/build.ninja", &(rule + &edges));
    sh(&space, "ninja -j2");
    assert_eq!(units(&space), 4);
    space.write("project/a.c", "int a(void) { return 2; }\n");
    pause();
    sh(&space, "ninja; exit $?");
    assert_eq!(units(&space), 1, "the next ninja is the next build");
}

#[test]
fn cmake_build_is_one_build_with_either_generator() {
    for (generator, program) in [("Ninja", "ninja"), ("Unix Makefiles", "make")] {
        if !has("cmake") || !has(program) {
            return;
        }
        let space = sources();
        let lists = "cmake_minimum_required(VERSION 3.13)\nproject(p C)\nadd_library(p a.c b.c c.c d.c)\n";
        space.write("project/CMakeLists.txt", lists);
        pause();
        sh(&space, &format!("cmake -G '{generator}' -B build -DCMAKE_C_COMPILER_LAUNCHER={KILN}"));
        sh(&space, "cmake --build build -j2");
        let build = last(&space);
        assert_eq!(
            (&build["units"], build["misses"].as_array().map(Vec::len)),
            (&4.into(), Some(1)),
            "{build:#}"
        );
        fs::remove_dir_all(space.path("project/build")).unwrap();
        sh(&space, &format!("cmake -G '{generator}' -B build -DCMAKE_C_COMPILER_LAUNCHER={KILN}"));
        sh(&space, &format!("{program} -C build"));
        assert_eq!(
            (last(&space)["units"].clone(), last(&space)["hits"].clone()),
            (4.into(), 4.into()),
            "{program}"
        );
    }
}

#[test]
fn all_commands_of_one_make_are_one_build_its_own_makes_among_them() {
    let space = sources();
    let makefile = "all: a.o b.o\n\t$(MAKE) more\n\tsh -c '$(MAKE) last'\nmore: c.o\nlast: d.o\n\
                    %.o: %.c\n\t@true; $(CC) -c $< -o $@\n";
    space.write("project/Makefile", makefile);
    sh(&space, &format!("make -j2 CC='{KILN} gcc'"));
    assert_eq!(units(&space), 4);
    space.write("project/d.c", "int d(void) { return 2; }\n");
    pause();
    sh(&space, &format!("make CC='{KILN} gcc'; exit $?"));
    assert_eq!(units(&space), 1);
}

#[test]
fn a_loop_that_somebody_types_is_one_build_and_so_is_a_script() {
    // At a prompt each command has a process group of its own.
    for own_group in ["", "setsid -w "] {
        let space = sources();
        sh(&space, &format!("for f in a b c d; do {own_group}{KILN} gcc -c $f.c -o $f.o; done; exit $?"));
        assert_eq!(units(&space), 4, "{own_group}");
    }
}

#[test]
fn rustc_that_make_starts_is_one_build() {
    let space = Space::new();
    space.write("project/a.rs", "");
    space.write("project/b.rs", "");
    let rustc = rustc();
    let recipe = format!(
        "\t@true; $(KILN) {} --crate-type=lib --error-format=json --emit=metadata --out-dir . $<\n",
        rustc.display()
    );
    space.write("project/Makefile", &format!("all: a b\na: a.rs\n{recipe}b: b.rs\n{recipe}"));
    pause();
    sh(&space, &format!("make KILN={KILN}"));
    assert_eq!(units(&space), 2);
}

#[test]
fn compiles_by_drivers_that_are_not_known_are_counted_and_named() {
    let space = Space::new();
    space.write("bin/miri", &format!("#!/bin/sh\nexec {} \"$@\"\n", rustc().display()));
    fs::set_permissions(space.path("bin/miri"), fs::Permissions::from_mode(0o755)).unwrap();
    let miri = space.path("bin/miri");
    let miri = miri.to_str().unwrap();
    succeeds(&mut space.kiln(&[miri, "-vV"]));
    succeeds(&mut space.kiln(&[
        miri,
        "--crate-name",
        "it",
        "--crate-type=lib",
        "--emit=metadata",
        "--out-dir",
        ".",
        "lib.rs",
    ]));
    let build = last(&space);
    let uncached = &build["uncached"][0];
    assert_eq!((&build["units"], &uncached["reason"]), (&1.into(), &"unknown-compiler".into()), "{build:#}");
    assert_eq!((&uncached["details"][0], &uncached["units"][0]["name"]), (&"miri".into(), &"it".into()));
    let stats: Value =
        serde_json::from_slice(&succeeds(&mut space.kiln(&["stats", "--json"])).stdout).unwrap();
    assert_eq!(stats["bypasses"], serde_json::json!({ "unknown-compiler": 1 }));
}

/// A workspace whose member compiles C in its build script, and links it.
fn with_c() -> Space {
    let space = Space::new();
    fs::remove_dir_all(space.path("project")).unwrap();
    space.write("project/Cargo.toml", "[workspace]\nmembers = ['native', 'app']\nresolver = '3'\n");
    let manifest = |name: &str, rest: &str| {
        format!("[package]\nname = '{name}'\nversion = '0.1.0'\nedition = '2024'\n{rest}")
    };
    space.write("project/native/Cargo.toml", &manifest("native", ""));
    space.write("project/native/c/add.h", "#define ADD 1\n");
    space.write("project/native/c/add.c", "#include \"add.h\"\nint add(void) { return ADD; }\n");
    let script = r#"fn main() {
        let run = |program: &str, args: &[&str]| {
            assert!(std::process::Command::new(program).args(args).status().unwrap().success());
        };
        let out = std::env::var("OUT_DIR").unwrap();
        let (object, library) = (format!("{out}/add.o"), format!("{out}/libadd.a"));
        run("cc", &["-O2", "-c", "c/add.c", "-o", &object]);
        run("ar", &["crsD", &library, &object]);
        println!("cargo:rustc-link-search=native={out}\ncargo:rustc-link-lib=static=add\ncargo:rerun-if-changed=c");
    }"#;
    space.write("project/native/build.rs", script);
    space.write("project/native/src/lib.rs", "unsafe extern \"C\" { pub fn add() -> i32; }");
    space.write(
        "project/app/Cargo.toml",
        &manifest("app", "[dependencies]\nnative = { path = '../native' }\n"),
    );
    space.write("project/app/src/main.rs", "fn main() { println!(\"{}\", unsafe { native::add() }); }");
    pause();
    space
}

fn cargo(space: &Space) -> Command {
    let mut command = space.command("cargo");
    let path = format!("{}:{}", space.path("home/.cargo/kiln/bin").display(), std::env::var("PATH").unwrap());
    command.args(["build", "--offline", "-q"]).env("CARGO_INCREMENTAL", "0").env("PATH", path);
    command
}

#[test]
fn a_header_that_a_build_script_compiles_is_named_and_what_follows_from_it() {
    let space = with_c();
    succeeds(&mut space.kiln(&["setup", "--c"]));
    succeeds(&mut cargo(&space));
    let printed = out(&succeeds(&mut space.kiln(&["explain"])));
    assert!(printed.contains("native build script,"), "it is called after its package: {printed}");
    space.write("project/native/c/add.h", "#define ADD 2\n");
    pause();
    succeeds(&mut cargo(&space));
    let printed = out(&succeeds(&mut space.kiln(&["explain"])));
    let expected = "add.h changed\n    add.c c\n    and 2 units that depend on it: native lib, app bin\n";
    assert!(printed.contains(expected) && !printed.contains("libadd.a"), "{printed}");
}

#[test]
fn a_build_script_that_changed_is_named_and_not_a_compiler() {
    let space = with_c();
    let kiln_cargo = || {
        succeeds(space.kiln(&["cargo", "build", "--offline", "-q"]).env("CARGO_INCREMENTAL", "0"));
        pause();
    };
    kiln_cargo();
    let script = space.read("project/native/build.rs");
    space.write("project/native/build.rs", &script.replace("-O2", "-O1"));
    fs::remove_dir_all(space.path("project/target")).unwrap();
    kiln_cargo();
    let printed = out(&succeeds(&mut space.kiln(&["explain"])));
    assert!(printed.contains("build.rs changed\n    native build script\n    and "), "{printed}");
    assert!(
        printed.contains("native build script (run)") && !printed.contains("compiler changed"),
        "{printed}"
    );
}

#[test]
fn a_compiler_by_its_other_name_is_no_compiler_that_changed() {
    let space = sources();
    sh(&space, &format!("{KILN} gcc -c a.c -o a.o; exit $?"));
    sh(&space, &format!("{KILN} cc -c a.c -o a.o; exit $?"));
    let printed = out(&succeeds(&mut space.kiln(&["explain"])));
    assert!(printed.contains("the compiler is called `cc` now (was `gcc`)"), "{printed}");
}

#[test]
fn tries_of_configure_and_of_build_scripts_are_no_units() {
    let space = sources();
    space.write("project/conftest.c", "int main(void) { return 0; }\n");
    space.write("project/flag_check.c", "int main(void) { return 0; }\n");
    pause();
    let commands = format!(
        "for f in conftest flag_check a; do {KILN} gcc -c $f.c -o $f.o; done; {KILN} gcc -dumpmachine; {KILN} gcc a.o \
         conftest.o; exit $?"
    );
    sh(&space, &commands);
    let printed = out(&succeeds(&mut space.kiln(&["explain"])));
    assert!(
        printed.contains(": 1 unit, 0 restored, 1 compiled\n") && !printed.contains("conftest"),
        "{printed}"
    );
    let all = out(&succeeds(&mut space.kiln(&["explain", "--all"])));
    assert!(
        all.contains("no unit: asked of the compiler, and kept\n    conftest.c probe, flag_check.c probe"),
        "{all}"
    );
    assert!(
        all.contains("no unit: it only asks the compiler") && all.contains("no unit: it is not a compile"),
        "{all}"
    );
}

#[test]
fn tries_and_questions_with_flags_that_are_not_cached_are_no_units_either() {
    let space = sources();
    let scratch = "build/CMakeFiles/CMakeScratch/TryCompile-x1";
    space.write(&format!("project/{scratch}/t.c"), "int main(void) { return 0; }\n");
    // As CMake asks for the ABI, and meson for macros.
    let commands = format!(
        "(cd {scratch} && {KILN} gcc -v -c t.c -o t.c.o 2>/dev/null); {KILN} gcc -E -dM - </dev/null >/dev/null; \
         {KILN} gcc -c a.c -o a.o; exit $?"
    );
    sh(&space, &commands);
    let printed = out(&succeeds(&mut space.kiln(&["explain"])));
    assert!(printed.contains(": 1 unit, 0 restored, 1 compiled\n") && !printed.contains("flag"), "{printed}");
    let all = out(&succeeds(&mut space.kiln(&["explain", "--all"])));
    assert!(
        all.contains("no unit: kiln does not cache compiles with this flag\n    t.c.o probe, gcc probe\n"),
        "{all}"
    );
    let stats = out(&succeeds(&mut space.kiln(&["stats"])));
    assert!(stats.contains("1 unit, 0 restored, 1 compiled\n") && !stats.contains("flag"), "{stats}");
}
