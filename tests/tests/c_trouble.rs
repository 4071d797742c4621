//! The environment is against a C compile: it fails, is killed, races with an editor, has no disk. What comes out is what the
//! compiler makes, or nothing, and the next compile is right.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kiln_testkit::{Random, TestSpace, binary, kill_group, run, tree};
use kiln_tests::c::{Did, Site, compilers, items};

const OBJECT: [&str; 5] = ["-c", "a.c", "-o", "a.o", "-MD"];

fn site(space: &TestSpace) -> Site<'_> {
    let site = Site::new(space, "ws");
    site.write("a.c", "#include \"value.h\"\nint v(void) { return VALUE; }\n")
        .write("value.h", "#define VALUE 1\n");
    site
}

/// A source that takes its compiler about a second.
fn slow(value: i32) -> String {
    let mut text = format!("#define VALUE {value}\n");
    for number in 0..4000 {
        text.push_str(&format!(
            "static inline int f{number}(int a) {{ return a * {number} % 7 + (a > {number} ? VALUE : -a); }}\n"
        ));
    }
    text + "int all(int a) { return f0(f1(f2(f3(a)))) + VALUE; }\n"
}

#[test]
fn failures_are_never_kept() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = site(&space);
        for text in [
            "int v(void) { return nothing; }",
            "#include \"missing.h\"",
            "#error stop",
            "int v(",
            "__asm__(\"bogus op\");",
        ] {
            site.write("a.c", text);
            for _ in 0..2 {
                let (outcome, did) = site.through(compiler, &OBJECT);
                assert_eq!(did, Did::Failed, "{text}");
                assert!(!outcome.success() && !site.path("a.o").exists(), "{text}");
            }
            if !text.contains("__asm__") {
                assert_eq!(site.compile(compiler, &OBJECT), Did::Failed); // (gcc names a temporary file there)
            }
        }
        site.write("a.c", "int v;\n").is_cached(compiler, &OBJECT);
        site.write("a.c", "int v(void) { int unused; return 1; }\n");
        let strict = [&OBJECT[..], &["-Wall", "-Werror"]].concat();
        assert_eq!(site.compile(compiler, &strict), Did::Failed);
        assert_eq!(site.compile(compiler, &strict), Did::Failed);
    }
}

#[test]
fn failure_after_a_hit_removes_what_the_compiler_removes() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = site(&space);
        site.is_cached(compiler, &OBJECT);
        let source = fs::read_to_string(site.path("a.c")).unwrap();
        site.write("a.c", "int v(void) { return nothing; }\n");
        assert_eq!(site.compile(compiler, &OBJECT), Did::Failed);
        site.write("a.c", source).hits(compiler, &OBJECT);
    }
}

#[test]
fn signals_are_the_compilers() {
    let space = TestSpace::new();
    let site = site(&space);
    for signal in [9, 11, 15] {
        space.script("bin/gcc", &format!("#!/bin/sh\nkill -{signal} $$\n"));
        let program = space.path("bin/gcc").to_str().unwrap().to_owned();
        let (outcome, _) = site.through(&program, &OBJECT);
        assert_eq!(outcome.signal(), Some(signal));
    }
}

/// Killed at any moment, nothing half-done is found afterwards.
#[test]
fn killed_in_the_middle() {
    let mut random = Random::new(11);
    let space = TestSpace::new();
    let site = site(&space);
    site.write("value.h", slow(1));
    for _ in 0..6 {
        let mut command = space.kiln(&["gcc"]);
        command.args(OBJECT).current_dir(site.path("")).process_group(0);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.below(400) as u64));
        kill_group(child.id());
        child.wait().unwrap();
        site.write("value.h", slow(random.below(3) as i32));
    }
    site.compile("gcc", &OBJECT);
    site.hits("gcc", &OBJECT);
}

/// An edit while the compiler runs: what was made of the old text is not kept under the new.
#[test]
fn edited_while_it_compiles() {
    for compiler in compilers() {
        let mut random = Random::new(7);
        let space = TestSpace::new();
        let site = site(&space);
        for round in 0..6 {
            site.write("value.h", slow(round * 2));
            let mut command = space.kiln(&[compiler]);
            command.args(OBJECT).current_dir(site.path(""));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(10 + random.below(150) as u64));
            match round % 3 {
                0 => drop(site.write("value.h", slow(round * 2 + 1))),
                1 => {
                    fs::create_dir(site.path("new")).unwrap();
                    site.write("new/value.h", slow(round * 2 + 1))
                        .rename("new/value.h", "value.h")
                        .remove("new");
                }
                _ => drop(site.remove("value.h").write("value.h", slow(round * 2 + 1))),
            }
            child.wait().unwrap();
            site.compile(compiler, &OBJECT);
            site.write("value.h", slow(round * 2)).compile(compiler, &OBJECT);
        }
    }
}

/// A header that appears while the compiler runs, after it was looked for.
#[test]
fn shadowed_while_it_compiles() {
    let mut random = Random::new(8);
    let space = TestSpace::new();
    let site = site(&space);
    let args = [&OBJECT[..], &["-Ione", "-Itwo"]].concat();
    site.write("a.c", "#include <value.h>\n#include <slow.h>\nint v(void) { return VALUE; }\n")
        .remove("value.h");
    site.write("two/value.h", "").write("one/other.h", "");
    for round in 0..4 {
        site.write("two/slow.h", slow(round));
        let mut command = space.kiln(&["gcc"]);
        command.args(&args).current_dir(site.path(""));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(10 + random.below(200) as u64));
        site.write("one/value.h", "int shadow;\n");
        child.wait().unwrap();
        site.compile("gcc", &args);
        site.remove("one/value.h").compile("gcc", &args);
    }
}

/// The same compile and others, many at once: all right, whoever waits for whom.
#[test]
fn many_at_once() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = site(&space);
        let expected: Vec<Vec<u8>> = (0..3)
            .map(|value| {
                site.bare(compiler, &["-c", "a.c", "-o", "x.o", &format!("-DV={value}")]).ok();
                fs::read(site.path("x.o")).unwrap()
            })
            .collect();
        for _ in 0..2 {
            let mut children = Vec::new();
            for number in 0..12 {
                let (define, out) = (format!("-DV={}", number % 3), format!("{number}.o"));
                let mut command = space.kiln(&[compiler, "-c", "a.c", "-o", &out, &define]);
                children.push(command.current_dir(site.path("")).spawn().unwrap());
            }
            for mut child in children {
                assert!(child.wait().unwrap().success());
            }
            for number in 0..12 {
                assert_eq!(fs::read(site.path(format!("{number}.o"))).unwrap(), expected[number % 3]);
            }
        }
    }
}

/// Several write one and the same output at once: it is always whole.
#[test]
fn one_output_for_many() {
    let space = TestSpace::new();
    let site = site(&space);
    site.is_cached("gcc", &OBJECT);
    let expected = fs::read(site.path("a.o")).unwrap();
    let mut children = Vec::new();
    for _ in 0..8 {
        let mut command = space.kiln(&["gcc"]);
        children.push(command.args(OBJECT).current_dir(site.path("")).spawn().unwrap());
    }
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        assert_eq!(fs::read(site.path("a.o")).unwrap(), expected);
    }
    let left: Vec<_> = items(&site.directory).into_keys().collect();
    assert_eq!(left.len(), 4, "nothing is left lying about: {left:?}");
}

#[test]
fn streams_that_are_closed() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = site(&space);
        site.write("value.h", "#warning seen\n#define VALUE 1\n").compile(compiler, &OBJECT);
        let expected = fs::read(site.path("a.o")).unwrap();
        for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full 2>&1"] {
            for fresh in ["", "-DFRESH=0", "-DFRESH=1"] {
                site.remove("a.o");
                let line = format!("exec \"$0\" {compiler} -c a.c -o a.o -MD {fresh} {closed}");
                let mut command = space.command("sh");
                command.args(["-c", &line]).arg(binary::kiln()).env("KILN_DIR", space.cache());
                site.observed(&mut command);
                if !closed.contains("full") {
                    assert_eq!(fs::read(site.path("a.o")).unwrap(), expected, "{closed} {fresh}");
                }
            }
        }
        site.hits(compiler, &OBJECT);
    }
}

/// A file system of a few kilobytes at `at`, gone at the end.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).expect("mkdir");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(&at);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("SKIPPED: mounting is not permitted here");
        }
        mounted.then_some(Self(at))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn cache_on_a_full_or_read_only_disk() {
    for size in ["16k", "64k", "256k"] {
        let mut space = TestSpace::new();
        let Some(tiny) = Tiny::mount(space.path("home/tiny"), size) else { return };
        space.set_cache(tiny.0.join("cache"));
        let site = site(&space);
        for value in 0..6 {
            site.write(
                "value.h",
                format!("#define VALUE {value}\nstatic const char t[9000] = \"{value}\";\n"),
            );
            site.compile("gcc", &OBJECT);
            site.compile("gcc", &OBJECT);
        }
        run(space.command("mount").args(["-o", "remount,size=100m"]).arg(&tiny.0)).ok();
        site.compile("gcc", &OBJECT);
        site.hits("gcc", &OBJECT);
        run(space.command("mount").args(["-o", "remount,ro"]).arg(&tiny.0)).ok();
        site.compile("gcc", &OBJECT);
        site.write("value.h", "#define VALUE 77\n").compile("gcc", &OBJECT);
        site.compile("gcc", &OBJECT);
    }
}

#[test]
fn output_on_a_full_disk() {
    let space = TestSpace::new();
    let Some(tiny) = Tiny::mount(space.path("small"), "24k") else { return };
    let site = site(&space);
    site.write("value.h", "#define VALUE 1\nchar t[60000] = \"x\";\n");
    let out = tiny.0.join("a.o").to_str().unwrap().to_owned();
    let args = ["-c", "a.c", "-o", &out];
    assert_eq!(site.through("gcc", &args).1, Did::Failed);
    run(space.command("mount").args(["-o", "remount,size=10m"]).arg(&tiny.0)).ok();
    site.is_cached("gcc", &args);
    fs::remove_file(&out).unwrap();
    run(space.command("mount").args(["-o", "remount,size=24k"]).arg(&tiny.0)).ok();
    let (outcome, did) = site.through("gcc", &args);
    assert!(!outcome.success(), "{did}: {outcome}");
}

#[test]
fn read_only_setting_serves_and_stores_nothing() {
    let space = TestSpace::new();
    let site = site(&space);
    site.is_cached("gcc", &OBJECT);
    let reading = site.with("KILN_READ_ONLY", "1");
    reading.hits("gcc", &OBJECT);
    site.write("value.h", "#define VALUE 2\n");
    for _ in 0..2 {
        assert!(matches!(reading.compile("gcc", &OBJECT), Did::Bypass(_)));
    }
    site.misses("gcc", &OBJECT);
}

#[test]
fn stored_bytes_are_damaged() {
    let space = TestSpace::new();
    let site = site(&space);
    site.is_cached("gcc", &OBJECT);
    let mut random = Random::new(3);
    for file in tree::files(space.cache()) {
        let path = space.cache().join(&file);
        let before = fs::read(&path).unwrap();
        if before.is_empty() || file.starts_with("events") {
            continue;
        }
        for kind in 0..3 {
            let mut bytes = before.clone();
            match kind {
                0 => drop(bytes.split_off(random.below(before.len()))),
                1 => bytes[random.below(before.len())] ^= 1 << random.below(8),
                _ => bytes.extend(b"more"),
            }
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            site.compile("gcc", &OBJECT);
        }
    }
    site.compile("gcc", &OBJECT);
    site.hits("gcc", &OBJECT);
}

#[test]
fn temporary_directories_that_are_odd() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = site(&space);
        site.write("sub/keep", "").is_cached(compiler, &OBJECT);
        // (in /proc gcc aborts, and a hit is served)
        for value in ["/nowhere/at/all", "sub", ".", "", "/dev/null"] {
            let site = site.with("TMPDIR", value);
            site.compile(compiler, &OBJECT);
            site.with("UNUSED", "x")
                .write("value.h", format!("#define VALUE {}\n", value.len()))
                .compile(compiler, &OBJECT);
            site.compile(compiler, &OBJECT);
        }
    }
}

#[test]
fn directory_is_gone_or_closed() {
    let space = TestSpace::new();
    let site = site(&space);
    let line = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" gcc -c ../a.c -o a.o";
    let mut command = space.command("sh");
    command.args(["-c", line]).arg(binary::kiln()).env("KILN_DIR", space.cache());
    let (outcome, _) = site.observed(&mut command);
    assert!(!outcome.success(), "{outcome}");
    assert!(!Path::new(&site.path("gone")).exists());
}
