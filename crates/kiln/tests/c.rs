//! C and C++ as a person meets them: wiring that lasts, what the doctor says of compilers, and hits that are held against real
//! compiles.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

mod space;

use serde_json::Value;
use space::{Space, out, succeeds};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(30)); // a tick of the file system's clock
}

/// A program that says its name and its arguments.
fn compiler(space: &Space, name: &str) {
    let path = space.path(name);
    space.write(name, &format!("#!/bin/sh\necho {name} \"$@\"\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_permanent_link_is_what_the_user_chose() {
    let space = Space::new();
    succeeds(&mut space.kiln(&["setup", "--c"]));
    compiler(&space, "bin/cc");
    compiler(&space, "bin/clang");
    compiler(&space, "own/compiler here/cc");
    let bin = space.path("bin");
    let of_path = space.path("home/.cargo/kiln/bin");
    let path = format!("{}:{}:/usr/bin:/bin", of_path.display(), bin.display());
    let says = |link: &str, variables: &[(&str, &str)]| {
        let mut command = space.command(space.path(link));
        command.arg("--version").env("PATH", &path).envs(variables.iter().copied());
        out(&succeeds(&mut command)).trim().to_owned()
    };
    let link = "home/.cargo/kiln/host/cc";
    assert_eq!(says(link, &[]), "bin/cc --version");
    assert_eq!(says(link, &[("CC", "")]), "bin/cc --version");
    assert_eq!(says(link, &[("CC", "clang")]), "bin/clang --version");
    assert_eq!(says(link, &[("CC", "clang -m32")]), "bin/clang -m32 --version");
    let with_space = space.path("own/compiler here/cc");
    assert_eq!(says(link, &[("CC", with_space.to_str().unwrap())]), "own/compiler here/cc --version");
    assert_eq!(says(link, &[("CXX", "clang")]), "bin/cc --version", "the other language's");
    // What build scripts hand on to builds of their own is the link itself.
    assert_eq!(says(link, &[("CC", space.path(link).to_str().unwrap())]), "bin/cc --version");
    assert_eq!(says(link, &[("CC", "nowhere")]), "bin/cc --version");
    // On PATH a name is a name.
    assert_eq!(says("home/.cargo/kiln/bin/cc", &[("CC", "clang")]), "bin/cc --version");
}

#[test]
fn build_scripts_compile_through_the_permanent_link() {
    let space = Space::new();
    succeeds(&mut space.kiln(&["setup", "--c"]));
    fs::remove_dir_all(space.path("project")).unwrap();
    space.write("project/Cargo.toml", "[package]\nname = 'p'\nversion = '0.1.0'\nedition = '2024'\n");
    space.write("project/src/lib.rs", "");
    space.write("project/a.c", "int a(void) { return 1; }\n");
    // As cc-rs asks; what it does besides is its own affair.
    let script = r#"fn main() {
        let cc = std::env::var("HOST_CC").unwrap();
        let object = std::env::var("OUT_DIR").unwrap() + "/a.o";
        let args = ["-O2", "-c", "a.c", "-o", object.as_str()];
        assert!(std::process::Command::new(cc).args(args).status().unwrap().success());
    }"#;
    space.write("project/build.rs", script);
    pause();
    let build =
        || succeeds(space.command("cargo").args(["build", "--offline"]).env("CARGO_INCREMENTAL", "0"));
    build();
    fs::remove_dir_all(space.path("project/target")).unwrap();
    build();
    let explained = out(&succeeds(&mut space.kiln(&["explain", "--json"])));
    let explained: Value = serde_json::from_str(&explained).unwrap();
    let last = &explained["builds"][0];
    // one build, of this project: the script, its C and the library
    assert_eq!((&last["units"], &last["hits"]), (&3.into(), &3.into()), "{last:#}");
    let stats: Value =
        serde_json::from_slice(&succeeds(&mut space.kiln(&["stats", "--json"])).stdout).unwrap();
    let projects: Vec<&String> = stats["projects"].as_object().unwrap().keys().collect();
    assert_eq!(projects, [space.path("project").to_str().unwrap()]);
}

/// A project of one file a way to compile it.
fn site(commands: &str) -> Space {
    let space = Space::new();
    space.write("project/a.h", "#define A 2\n");
    space.write("project/a.c", "#include \"a.h\"\n#warning told\nint a(void) { return A; }\n");
    space.write("project/build.sh", &format!("set -e\nmkdir -p o\n{commands}"));
    pause();
    space
}

fn rebuilt(space: &Space) -> Value {
    let output = space.kiln(&["verify", "--rebuild", "--json", "--", "sh", "build.sh"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn hits_of_c_are_held_against_real_compiles() {
    let space = site(
        "cc -g -MD -c a.c -o o/a.o\ncc -c a.c\ncc -MMD -MP -MF o/b.d -MT x -c a.c -oo/b.o\n\
         cc -Wp,-MD,o/.c.d -c a.c -o o/c.o\ncc -S -O1 a.c -o o/a.s\ncc -MD -c $PWD/a.c -o $PWD/o/d.o\n",
    );
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    let counts = rebuilt(&space);
    assert_eq!((&counts["hits"], &counts["same"]), (&6.into(), &6.into()), "{counts:#}");
    assert_eq!(fs::read_dir(space.path("tmp")).unwrap().count(), 0, "nothing is left behind");
    // The same through `kiln run`, which must not take the events away.
    let command = ["verify", "--rebuild", "--", env!("CARGO_BIN_EXE_kiln"), "run", "--", "sh", "build.sh"];
    let printed = out(&succeeds(&mut space.kiln(&command)));
    assert!(printed.starts_with("6 units compiled again and the same"), "{printed}");
}

/// Split debug information and coverage are named in the object; gcc's coverage holds the time of day besides.
#[test]
fn what_shows_its_own_name_is_compared_where_it_belongs() {
    let space = site("cc -g -gsplit-dwarf -c a.c -o o/a.o\ncc --coverage -c a.c -o o/b.o\n");
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    let dwo = fs::read(space.path("project/o/a.dwo")).unwrap();
    let counts = rebuilt(&space);
    assert_eq!((&counts["hits"], &counts["same"]), (&2.into(), &2.into()), "{counts:#}");
    assert_eq!(fs::read(space.path("project/o/a.dwo")).unwrap(), dwo);
    assert_eq!(fs::read_dir(space.path("tmp")).unwrap().count(), 0, "nothing is left behind");
}

/// The names of sections end in a random number, whose length is mostly the same.
#[test]
fn objects_for_link_time_optimisation_are_compared_without_their_seed() {
    let lines: Vec<_> = (0..6).map(|n| format!("gcc -O1 -flto -DN={n} -c a.c -o o/{n}.o\n")).collect();
    let space = site(&lines.concat());
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    let counts = rebuilt(&space);
    assert_eq!(counts["hits"], 6, "{counts:#}");
    assert!(counts["same"].as_u64() > Some(0), "{counts:#}");
    assert_eq!(counts["wrong"], Value::Array(vec![]), "{counts:#}");
}

/// A file that is denied to it is taken for one that is not there: the object is another one, and the same every time.
#[test]
#[cfg(target_arch = "x86_64")]
fn what_a_c_compiler_is_denied_is_not_explained_by_names() {
    let lenient = HIDDEN.replace(
        "return fprintf(stderr, \"cc: error: hidden: Permission denied\\n\"), 1;",
        "value[9] = '0';",
    );
    assert_ne!(lenient, HIDDEN);
    let line = format!("{} $PWD/front/gcc -g -gsplit-dwarf -c a.c -o o/a.o\n", env!("CARGO_BIN_EXE_kiln"));
    let space = hiding(&line, &lenient);
    let counts = rebuilt(&space);
    assert_eq!(counts["wrong"][0]["unit"], "a.c c", "{counts:#}");
    assert!(counts["wrong"][0]["finding"].as_str().unwrap().starts_with("different: "), "{counts:#}");
}

/// A front in front of gcc that reads a file by a system call of its own, which no recorder sees.
#[cfg(target_arch = "x86_64")]
const HIDDEN: &str = r#"
#include <stdio.h>
#include <unistd.h>
static long call(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return number;
}
int main(int count, char **words)
{
    char value[40] = "-DHIDDEN=", *args[40] = {"gcc", value};
    long file = call(257, -100, (long)"hidden", 0, 0); /* openat */
    if (file < 0)
        return fprintf(stderr, "cc: error: hidden: Permission denied\n"), 1;
    call(0, file, (long)(value + 9), 1, 0); /* read */
    for (int i = 1; i < count; i++)
        args[i + 1] = words[i];
    return execvp("gcc", args);
}
"#;

/// A project that was built with such a front.
#[cfg(target_arch = "x86_64")]
fn hiding(commands: &str, front: &str) -> Space {
    let space = site(commands);
    space.write("project/a.c", "int a(void) { return HIDDEN; }\n");
    space.write("project/front/front.c", front);
    space.write("project/hidden", "1");
    let cc = ["cc", "-w", "front/front.c", "-o", "front/gcc"];
    succeeds(Command::new(cc[0]).args(&cc[1..]).current_dir(space.path("project")));
    pause();
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    space
}

/// Verify mode's compile may read what was recorded and nothing else.
#[test]
#[cfg(target_arch = "x86_64")]
fn what_a_c_compiler_reads_unseen_is_denied() {
    let space = hiding(&format!("{} $PWD/front/gcc -c a.c -o o/a.o\n", env!("CARGO_BIN_EXE_kiln")), HIDDEN);
    let counts = rebuilt(&space);
    assert_eq!(counts["wrong"][0]["unit"], "a.c c", "{counts:#}");
    let finding = counts["wrong"][0]["finding"].as_str().unwrap();
    assert_eq!(finding, "denied: a file that is not among the recorded inputs");
    assert_eq!(counts["same"], 0, "{counts:#}");
}

/// Damage in the store is never put in place, whatever is compared.
#[test]
fn a_stored_object_that_is_wrong_is_found() {
    let space = site("cc -c a.c -o o/a.o\n");
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    let right = fs::read(space.path("project/o/a.o")).unwrap();
    let mut damaged = 0;
    for entry in walk(&space.path("cache")) {
        if fs::read(&entry).is_ok_and(|bytes| bytes == right) {
            let mut wrong = right.clone();
            *wrong.last_mut().unwrap() ^= 1;
            fs::set_permissions(&entry, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(&entry, wrong).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    rebuilt(&space);
    assert_eq!(fs::read(space.path("project/o/a.o")).unwrap(), right);
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn the_doctor_knows_c_compilers() {
    let space = Space::new();
    let bin = space.path("bin");
    fs::create_dir(&bin).unwrap();
    for program in ["gcc", "as"] {
        let find = format!("readlink -f $(command -v {program})");
        symlink(out(&Command::new("sh").args(["-c", &find]).output().unwrap()).trim(), bin.join(program))
            .unwrap();
    }
    compiler(&space, "rival/ccache");
    symlink(space.path("rival/ccache"), bin.join("clang")).unwrap();
    compiler(&space, "bin/g++"); // compiles nothing
    symlink(env!("CARGO_BIN_EXE_kiln"), bin.join("cc")).unwrap(); // kiln's own link is no compiler
    let rustc = space::rustc();
    let path = format!("{}:{}", bin.display(), rustc.parent().unwrap().display());
    let output =
        space.kiln(&["doctor", "--json"]).env("PATH", &path).env("CXX", "ccache g++").output().unwrap();
    let counts: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| -> Vec<(String, String)> {
        let findings =
            counts["findings"].as_array().unwrap().iter().filter(|finding| finding["name"] == name);
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        findings.map(|finding| (text(finding, "level"), text(finding, "says"))).collect()
    };
    let found = of("c");
    let has = |level: &str, says: &str| found.iter().any(|(l, s)| l == level && s.contains(says));
    assert!(has("ok", "gcc: gcc, can be watched"), "{found:?}");
    assert!(has("warning", "clang: ccache in disguise"), "{found:?}");
    assert!(has("warning", "CXX is `ccache g++`"), "{found:?}");
    assert!(has("warning", "what it reads is not seen"), "{found:?}");
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(of("c wiring")[0].1.contains("build scripts that cargo makes through kiln"), "{counts:#}");
}
