//! The environment is against us: the cache cannot be written, is elsewhere, is full, processes are killed. A build
//! goes on, and is right.
//!
//! Guards: rivals fail the build when the cache has trouble. Cargo remembers a failed probe: none may ever fail.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kiln_testkit::{Project, Random, TestSpace, run, tree};
use kiln_tests::macros::{call, source};
use kiln_tests::native::gcc;
use kiln_tests::projects::{chain, macro_app, rebuilt, right};

/// Two builds from empty are right, no probe failed, and cargo finds all fresh.
#[track_caller]
fn builds_anyway(project: &Project<'_>) {
    for _ in 0..2 {
        let outcome = project.clean().cargo(&["build", "--workspace"]).ok();
        assert!(!outcome.err().contains("panicked"), "{outcome}");
        assert_eq!(project.prints("debug/app"), "4\n");
        assert!(!project.read("target/.rustc_info.json").contains("\"success\":false"), "a probe failed");
        project.assert_fresh(&["build", "--workspace"]);
    }
    let bad = project.read("app/src/main.rs");
    project.write("app/src/main.rs", "fn main() { let x: i32 = \"\"; }\n");
    project.cargo(&["build"]).run().fails_with("E0308");
    project.write("app/src/main.rs", bad);
}

#[track_caller]
fn builds_with_cache_at(cache: impl AsRef<Path>) {
    let mut space = TestSpace::new();
    let cache = space.path(cache);
    space.set_cache(cache);
    builds_anyway(&chain(&space, "ws"));
}

#[test]
fn cache_is_a_file() {
    let mut space = TestSpace::new();
    let file = space.write("not-a-directory", "a file");
    space.set_cache(&file);
    builds_anyway(&chain(&space, "ws"));
    assert_eq!(fs::read_to_string(file).unwrap(), "a file");
}

#[test]
fn cache_is_below_a_file() {
    let mut space = TestSpace::new();
    let file = space.write("not-a-directory", "a file");
    space.set_cache(file.join("cache"));
    builds_anyway(&chain(&space, "ws"));
}

#[test]
fn cache_cannot_be_created() {
    for place in ["/proc/kiln", "/proc/self/fd/kiln", "/sys/kiln", "/dev/null", "/dev/null/cache"] {
        builds_with_cache_at(place);
    }
}

#[test]
fn cache_is_an_empty_word() {
    let mut space = TestSpace::new();
    space.set_cache("");
    builds_anyway(&chain(&space, "ws"));
}

#[test]
fn cache_is_a_relative_path() {
    let mut space = TestSpace::new();
    space.set_cache("relative/cache");
    builds_anyway(&chain(&space, "ws"));
}

#[test]
fn cache_is_a_dangling_symlink() {
    let mut space = TestSpace::new();
    let link = space.path("link");
    std::os::unix::fs::symlink("/proc/nowhere", &link).unwrap();
    space.set_cache(link);
    builds_anyway(&chain(&space, "ws"));
}

#[test]
fn cache_has_an_odd_name() {
    for name in [&b"a cache"[..], b"caf\xe9 \xff", b"quote'\"\\", b"new\nline", b"colon:comma,", b"=sign"] {
        let mut space = TestSpace::new();
        let cache = space.path(OsStr::from_bytes(name));
        space.set_cache(cache);
        let project = chain(&space, "ws");
        builds_anyway(&project);
        let before = space.stats();
        rebuilt(&project);
        assert!(space.since(&before).hits >= 4, "a cache in {:?} must work", name.escape_ascii().to_string());
    }
}

/// The cache is on another file system, behind a symlink: no links, no renames across.
#[test]
fn cache_on_another_file_system() {
    if !Path::new("/dev/shm").is_dir() {
        return; // no second file system here
    }
    let elsewhere = TestSpace::inside(Path::new("/dev/shm"));
    for behind_symlink in [false, true] {
        let mut space = TestSpace::new();
        let mut cache = elsewhere.path(format!("cache-{behind_symlink}"));
        fs::create_dir(&cache).unwrap();
        if behind_symlink {
            std::os::unix::fs::symlink(&cache, space.path("link")).unwrap();
            cache = space.path("link");
        }
        space.set_cache(cache);
        let project = chain(&space, "ws");
        builds_anyway(&project);
        let before = space.stats();
        rebuilt(&project);
        let done = space.since(&before);
        assert!(done.hits >= 4, "{done:?}");
    }
}

#[test]
fn target_on_another_file_system() {
    if !Path::new("/dev/shm").is_dir() {
        return; // no second file system here
    }
    let elsewhere = TestSpace::inside(Path::new("/dev/shm"));
    let space = TestSpace::new();
    let project = chain(&space, "ws").with_target(elsewhere.path("target"));
    for _ in 0..2 {
        assert_eq!(right(&project), "4\n");
        project.assert_fresh(&["build"]);
    }
    let before = space.stats();
    rebuilt(&project);
    let done = space.since(&before);
    assert!(done.hits >= 4, "{done:?}");
}

/// A file system of a few kilobytes at `at`, gone at the end.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).expect("mkdir");
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(&at);
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn cache_on_a_full_disk() {
    for size in ["64k", "1m", "6m"] {
        let mut space = TestSpace::new();
        let Some(tiny) = Tiny::mount(space.path("tiny"), size) else { return }; // mounting is not permitted here
        space.set_cache(tiny.0.join("cache"));
        let project = chain(&space, "ws");
        builds_anyway(&project);
        // Room appears, and full it was left behind nothing broken.
        run(space.command("mount").args(["-o", "remount,size=200m"]).arg(&tiny.0)).ok();
        builds_anyway(&project);
        builds_anyway(&project);
    }
}

#[test]
fn cache_on_a_read_only_disk() {
    let mut space = TestSpace::new();
    let Some(tiny) = Tiny::mount(space.path("tiny"), "200m") else { return }; // mounting is not permitted here
    space.set_cache(tiny.0.join("cache"));
    let project = chain(&space, "ws");
    builds_anyway(&project);
    run(space.command("mount").args(["-o", "remount,ro"]).arg(&tiny.0)).ok();
    builds_anyway(&project);
    project.write("base/src/lib.rs", "pub fn value() -> i32 { 8 }\n");
    assert_eq!(right(&project), "9\n");
}

#[test]
fn home_and_temporary_directory_missing() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    project.cargo(&["build"]).env_remove("HOME").ok();
    project.clean().cargo(&["build"]).env_remove("HOME").env_remove("KILN_DIR").ok();
    assert_eq!(project.prints("debug/app"), "4\n");
    project.clean().cargo(&["build"]).env("HOME", "/nonexistent").env_remove("KILN_DIR").ok();
    assert_eq!(project.prints("debug/app"), "4\n");
}

/// Without a home and a cache directory, nothing may be strewn into the project.
#[test]
fn nothing_is_left_in_the_project() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let before = tree::files(project.dir());
    project.cargo(&["build"]).env_remove("HOME").env_remove("KILN_DIR").ok();
    project.clean().cargo(&["build"]).ok();
    project.clean();
    let strewn: Vec<_> =
        tree::files(project.dir()).into_iter().filter(|file| !before.contains(file)).collect();
    assert_eq!(strewn, [PathBuf::from("Cargo.lock")]);
    let temporary = tree::files(&space.path("tmp"));
    assert!(temporary.is_empty(), "left in TMPDIR: {temporary:?}");
}

#[test]
fn project_path_is_odd() {
    for name in [&b"a project"[..], "caf\u{e9} \u{2603}".as_bytes(), b"quote'\"", b"$HOME #;&=(1)"] {
        let space = TestSpace::new();
        let project = chain(&space, OsStr::from_bytes(name).to_str().unwrap());
        for _ in 0..2 {
            assert_eq!(right(&project), "4\n");
            project.assert_fresh(&["build"]);
        }
    }
}

/// Where plain cargo can build, kiln can.
#[test]
fn project_path_is_not_utf8() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    fs::rename(project.dir(), space.path(OsStr::from_bytes(b"caf\xe9-\xff"))).unwrap();
    let project = space.project(OsStr::from_bytes(b"caf\xe9-\xff"));
    let plain = project.aside(|project| project.plain(&["build"]).run());
    for _ in 0..2 {
        let got = project.clean().cargo(&["build"]).run();
        assert_eq!(got.success(), plain.success(), "{got}\nplain: {plain}");
    }
}

#[test]
fn temporary_directory_does_not_exist() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let plain = project.aside(|project| project.plain(&["build"]).env("TMPDIR", "/nonexistent").run());
    for _ in 0..2 {
        let got = project.clean().cargo(&["build"]).env("TMPDIR", "/nonexistent").run();
        assert_eq!(got.success(), plain.success(), "{got}");
    }
}

/// Cargo and all it started are killed at any moment: the next build is right, and the store whole.
#[test]
fn killed_in_the_middle() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let mut random = Random::new(11);
    for round in 0..12 {
        project.write("base/src/lib.rs", format!("pub fn value() -> i32 {{ {} }}\n", round % 4));
        let mut command = project.clean().cargo(&["build", "--workspace"]).command();
        let mut child = command.process_group(0).stderr(Stdio::null()).spawn().expect("cargo starts");
        std::thread::sleep(Duration::from_millis(20 + random.below(500) as u64));
        kiln_testkit::kill_group(child.id());
        child.wait().expect("wait");
        let kept = random.chance(50);
        if !kept {
            project.clean();
        }
        project.cargo(&["build", "--workspace"]).ok();
        assert_eq!(
            project.prints("debug/app"),
            format!("{}\n", round % 4 + 1),
            "round {round}, target kept: {kept}"
        );
        project.assert_fresh(&["build", "--workspace"]);
    }
    let before = space.stats();
    rebuilt(&project);
    let done = space.since(&before);
    assert_eq!(done.misses, 0, "{done:?}");
}

/// Only the wrapper is killed, from below: its compiler lives on and writes what nobody waits for.
#[test]
fn wrapper_killed_alone() {
    let space = TestSpace::new();
    let marker = space.path("outside/kill");
    let script = "#!/bin/sh\np=$(awk '/^PPid/ { print $2 }' /proc/$PPID/status)\n\
                  if [ -e \"${0%/*}/kill\" ] && [ \"$(cat /proc/$p/comm)\" = kiln ]; then kill -KILL $p; fi\necho ran\n";
    let program = space.script("outside/program", script);
    let project = macro_app(&space, &["program", "sleep"], &call("program", &program));
    fs::write(&marker, "").unwrap();
    let _ = project.cargo(&["build"]).run();
    fs::remove_file(&marker).unwrap();
    project.cargo(&["build"]).ok();
    assert_eq!(project.prints("debug/app"), "ran\n\n");
    assert_eq!(right(&project), "ran\n\n");
}

#[test]
fn two_builds_at_once() {
    let space = TestSpace::new();
    let first = chain(&space, "ws");
    let second = first.with_target(space.path("second-target"));
    for value in [3, 4, 5, 3] {
        first.write("base/src/lib.rs", format!("pub fn value() -> i32 {{ {value} }}\n"));
        first.clean();
        second.clean();
        std::thread::scope(|scope| {
            for project in [&first, &second, &first] {
                scope.spawn(|| project.cargo(&["build", "--workspace"]).ok());
            }
        });
        for project in [&first, &second] {
            assert_eq!(project.prints("debug/app"), format!("{}\n", value + 1));
            project.assert_fresh(&["build", "--workspace"]);
        }
    }
}

/// Two checkouts, different contents, one cache, at the same time.
#[test]
fn two_checkouts_at_once() {
    let space = TestSpace::new();
    let first = chain(&space, "ws");
    let second = first.copy_to("other");
    for round in 0..4 {
        first.write("base/src/lib.rs", format!("pub fn value() -> i32 {{ {round} }}\n"));
        second.write("base/src/lib.rs", format!("pub fn value() -> i32 {{ {} }}\n", 3 - round));
        std::thread::scope(|scope| {
            scope.spawn(|| first.clean().cargo(&["build", "--workspace"]).ok());
            scope.spawn(|| second.clean().cargo(&["build", "--workspace"]).ok());
        });
        assert_eq!(first.prints("debug/app"), format!("{}\n", round + 1));
        assert_eq!(second.prints("debug/app"), format!("{}\n", 4 - round));
    }
}

const PRELOADED: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int first(struct dl_phdr_info *info, size_t size, void *data) {
    if (!info->dlpi_name[0] || strstr(info->dlpi_name, "vdso")) return 0;
    strcpy(data, info->dlpi_name);
    return 1;
}
__attribute__((constructor)) static void begin(void) {
    char line[5000] = "", object[4000] = "";
    const char *log = getenv("PRELOAD_LOG"), *value = getenv("LD_PRELOAD");
    if (!log) return;
    dl_iterate_phdr(first, object);
    strcat(strcat(strcat(line, program_invocation_short_name), " "), object);
    strcat(strcat(strcat(line, " "), value ? value : "unset"), "\n");
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (write(file, line, strlen(line)) < 0) _exit(99);
    close(file);
}
"#;

/// A user's own LD_PRELOAD (a sanitizer, a profiler) is loaded first and sees itself, alone, in the variable.
#[test]
fn users_own_preload() {
    let space = TestSpace::new();
    let (c, library, log) =
        (space.write("preload.c", PRELOADED), space.path("libpreload.so"), space.path("log"));
    gcc(&["-shared", "-fPIC", "-o", library.to_str().unwrap(), c.to_str().unwrap()]);
    let project = macro_app(&space, &["env"], &call("env", "LD_PRELOAD"));
    let build =
        |call: kiln_testkit::Cargo<'_>| call.env("LD_PRELOAD", &library).env("PRELOAD_LOG", &log).run();
    let plain = project.aside(|project| {
        build(project.plain(&["build"])).ok();
        project.prints("debug/app")
    });
    assert!(plain.contains("libpreload.so"), "{plain}");
    for round in ["cold", "warm"] {
        let _ = fs::remove_file(&log);
        let outcome = build(project.clean().cargo(&["build"])).ok();
        assert!(!outcome.err().contains("ld.so"), "{outcome}");
        assert_eq!(project.prints("debug/app"), plain, "{round}");
        let shown = fs::read_to_string(&log).unwrap();
        let expected = format!("{} {}", library.display(), library.display());
        let compilers: Vec<_> = shown.lines().filter(|line| line.starts_with("rustc ")).collect();
        assert!(!compilers.is_empty(), "rustc ran without the user's library:\n{shown}");
        let wrong: Vec<_> = compilers.iter().filter(|line| **line != format!("rustc {expected}")).collect();
        assert!(wrong.is_empty(), "not first, or not alone in the variable: {wrong:?}");
    }
}

/// A preloaded library that cannot be loaded: ld.so's complaint is the user's own, and stays one.
#[test]
fn users_broken_preload() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    for _ in 0..2 {
        project.clean().cargo(&["build", "--workspace"]).env("LD_PRELOAD", "/nonexistent/lib.so").ok();
        assert_eq!(project.prints("debug/app"), "4\n");
    }
}

/// Strange resource limits: few descriptors, small files.
#[test]
fn few_file_descriptors() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    let cargo = project.cargo(&["build", "--workspace"]).command();
    for _ in 0..2 {
        project.clean();
        let mut shell = space.command("sh");
        shell.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]).arg(cargo.get_program()).args(cargo.get_args());
        shell.current_dir(project.dir());
        space.wrap(&mut shell);
        run(&mut shell).ok();
        assert_eq!(project.prints("debug/app"), "4\n");
    }
}

#[test]
fn target_directory_is_not_writable() {
    let space = TestSpace::new();
    let project = chain(&space, "ws");
    project.cargo(&["build"]).ok();
    project.clean().write("target", "a file");
    let got = project.cargo(&["build"]).run();
    assert!(!got.success() && !got.err().contains("panicked"), "{got}");
    project.remove("target");
    assert_eq!(right(&project), "4\n");
}

/// The macro crate needs nothing of this: a source of commands is complete.
#[test]
fn macro_sources_are_minimal() {
    assert!(!source(&["read"]).contains("vars_os"));
}
