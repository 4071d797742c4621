//! clang under the name `clang-cl`, which takes the command line of Microsoft's compiler, through kiln and without: the same
//! bytes, the same words, and whatever changes is noticed.
//!
//! Objects for Windows hold the time at which they were made unless `/Brepro` says otherwise, so it does wherever two are
//! compared.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs;
use std::os::unix::fs::symlink;

use kiln_testkit::TestSpace;
use kiln_tests::c::{Did, Site, has};

const WINDOWS: &str = "--target=x86_64-pc-windows-msvc";
const THERE: &str = "another/much-longer-name-of-a-checkout";

/// A path to clang called `name`; `None` where there is no clang.
fn clang_as(space: &TestSpace, name: &str) -> Option<String> {
    if !has("clang") {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let clang = std::env::split_paths(&path).map(|at| at.join("clang")).find(|clang| clang.is_file())?;
    let link = space.path("home/bin").join(name);
    fs::create_dir_all(link.parent()?).expect("mkdir");
    symlink(clang, &link).expect("symlink");
    Some(link.to_str().expect("UTF-8").to_owned())
}

/// A source with a header beside it and one in another directory.
fn project<'a>(space: &'a TestSpace, line: &str) -> Site<'a> {
    let site = Site::new(space, "ws");
    let text = format!("#include \"a.h\"\n#include <b.h>\nint v(void) {{ return A + B; }}\n{line}\n");
    site.write("src/a.c", text)
        .write("src/a.h", "#define A 1\n")
        .write("inc/b.h", "#define B 2\n#include <deep/c.h>\n")
        .write("inc/deep/c.h", "")
        .write("out/keep", "");
    site
}

fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [WINDOWS, "/nologo", "/c", "/Brepro", "src/a.c", "/Iinc", "/Foout/a.obj"]
        .iter()
        .chain(more)
        .copied()
        .collect()
}

#[test]
fn a_compile_is_kept_and_replayed() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "int unused(void) { }");
    for more in [
        &[][..],
        &["/O2", "/W4", "/EHsc", "/MD", "/GS-", "/Gy", "/DX=1", "/D", "Y"],
        &["/showIncludes"],
        &["-showIncludes:user", "/TP"],
        &["/FA"],
        &["/Faout/", "/FIinc/b.h"],
        &["/Z7"],
        &["/Zi", "/Fdout/a.pdb"],
        &["-gdwarf", "-gno-column-info"],
        &["/clang:-MD", "/clang:-MF", "/clang:out/a.d", "/clang:-MT", "/clang:out/a.obj"],
        &["/clang:-MD"],
        &["-m32", "/arch:SSE2"],
        &["--target=x86_64-linux-gnu", "-march=native", "/clang:-O3"],
        &["-fsanitize=undefined", "-Wno-unused", "-Xclang", "-disable-llvm-passes"],
        &["/Fp", "-Fi"], // "argument unused during compilation: '/Fp'"
    ] {
        site.is_cached(&clang, &args(more));
    }
}

#[test]
fn a_path_that_looks_like_an_option_and_one_behind_two_dashes() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl-14") else { return };
    let site = project(&space, "");
    let source = site.text("src/a.c");
    site.is_cached(&clang, &[WINDOWS, "/Brepro", "/Iinc", "/c", "--", "src/a.c"]);
    // `/tmp/…` is no option; `/Users/…` would be `/U`
    if source.starts_with("/tmp/") {
        site.is_cached(&clang, &[WINDOWS, "/Brepro", "/Iinc", "/c", &source]);
    }
    site.is_not_cached(&clang, &["/c", "/Users/me/a.c"], "no source");
}

#[test]
fn headers_are_inputs() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "#if __has_include(<later.h>)\n#include <later.h>\n#endif");
    let args = args(&["/showIncludes"]);
    site.is_cached(&clang, &args);
    site.write("inc/b.h", "#define B 3\n");
    site.notices(&clang, &args);
    site.write("inc/later.h", "int later;\n");
    site.notices(&clang, &args);
    site.write("src/b.h", "#define B 4\n");
    site.hits(&clang, &args); // `<b.h>` is not looked for beside the source
    site.remove("inc/later.h");
    site.hits(&clang, &args);
}

#[test]
fn variables_count() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "");
    let args = [WINDOWS, "/c", "/Brepro", "src/a.c", "/showIncludes"];
    let found = site.with("INCLUDE", site.text("inc"));
    found.is_cached(&clang, &args);
    assert_eq!(site.compile(&clang, &args), Did::Failed);
    site.write("inc/deep/c.h", "#undef B\n#define B 9\n");
    found.notices(&clang, &args);
    for (name, value) in [("CL", "/DX"), ("_CL_", "/DX")] {
        found.with(name, value).is_not_cached(&clang, &args, name);
    }
}

/// "argument unused during compilation: '/Fpx'".
#[test]
fn messages_repeat_what_was_typed() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "");
    for typed in ["/Fpx", "-Fpx", "/Fmx", "-Fmx"] {
        site.is_cached(&clang, &args(&[typed]));
    }
}

#[test]
fn a_clang_cl_that_is_a_file_of_its_own() {
    let space = TestSpace::new();
    let Some(link) = clang_as(&space, "clang-cl") else { return };
    let copy = space.path("home/copy/clang-cl");
    fs::create_dir_all(space.path("home/copy")).expect("mkdir");
    fs::copy(link, &copy).expect("a copy");
    project(&space, "").is_cached(copy.to_str().expect("UTF-8"), &args(&["/W4", "/showIncludes"]));
}

#[test]
fn response_files_are_read_as_windows_does() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "const char *s = S;");
    site.write("a.rsp", "/c /Brepro \"src/a.c\"\r\n/Iinc /DS=\\\"a\\\\b\\\" @more.rsp")
        .write("more.rsp", "/Fo\"out/\"");
    site.is_cached(&clang, &[WINDOWS, "@a.rsp"]);
    site.write("more.rsp", "/Foout/");
    site.hits(&clang, &[WINDOWS, "@a.rsp"]);
    site.write("more.rsp", "/Foout/ /O2");
    site.notices(&clang, &[WINDOWS, "@a.rsp"]);
    site.write("more.rsp", "/D\"a\"\"b\"");
    site.is_not_cached(&clang, &[WINDOWS, "@a.rsp"], "@more.rsp");
}

#[test]
fn what_is_not_cached() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "");
    site.write("src/b.c", "int b;\n");
    for (more, words) in [
        (&["/E"][..], "/E"),
        (&["/P"], "/P"),
        (&["/MP"], "/MP"),
        (&["/Yca.h"], "/Yc"),
        (&["/new-option"], "/new-option"),
        (&["-include", "a.h"], "-include"),
        (&["/clang:-save-temps"], "/clang:-save-temps"),
        (&["src/b.c"], "several sources"),
    ] {
        site.is_not_cached(&clang, &args(more), words);
    }
    site.write("src/d.c", "const char *d = __DATE__;\n");
    site.is_not_cached(&clang, &[WINDOWS, "/Brepro", "/c", "src/d.c"], "__DATE__");
}

/// As CMake calls it.
fn absolute(site: &Site<'_>, more: &[&str]) -> Vec<String> {
    let own = [WINDOWS, "/nologo", "/Brepro", "/showIncludes", "/W4", "-c"].map(str::to_owned);
    let paths = [
        format!("-I{}", site.text("inc")),
        format!("/Fo{}", site.text("out/a.obj")),
        "/Fdout/x.pdb".to_owned(),
    ];
    let more = more.iter().map(|&arg| arg.to_owned());
    own.into_iter().chain(paths).chain(more).chain(["--".to_owned(), site.text("src/a.c")]).collect()
}

#[test]
fn two_checkouts_share_what_shows_no_path() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    for (line, more, shared) in [
        ("", &[][..], true),
        ("int unused(void) { }", &[], true),
        ("", &["/clang:-MD", "/clang:-MFout/a.d", "/clang:-MTout/a.obj"], true),
        ("", &["/Z7"], false),
        ("", &["-gdwarf"], false),
        ("const char *f = __FILE__;", &[], false),
        ("int f = sizeof __FILE__;", &[], false),
    ] {
        let site = project(&space, line);
        site.compile(&clang, &absolute(&site, more));
        let there = site.copy_to(THERE);
        let did = there.compile(&clang, &absolute(&there, more));
        assert_eq!(did == Did::Hit, shared, "{line} {more:?}: {did}");
        for site in [&there, &site] {
            site.hits(&clang, &absolute(site, more));
        }
        kiln_tests::c::remove(&there.directory);
    }
}

#[test]
fn an_object_with_its_time_is_the_one_that_was_made() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "");
    let args = [WINDOWS, "/c", "src/a.c", "/Iinc", "/Brepro-"];
    let (outcome, did) = site.through(&clang, &args);
    assert!(outcome.success() && did == Did::Miss, "{did}");
    let made = fs::read(site.path("a.obj")).expect("an object");
    site.remove("a.obj");
    let (outcome, did) = site.through(&clang, &args);
    assert!(outcome.success() && did == Did::Hit, "{did}");
    assert_eq!(fs::read(site.path("a.obj")).expect("an object"), made);
}

#[test]
fn cl_runs_unchanged() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    let cl = space.script("home/bin/cl", "#!/bin/sh\necho compiled > x.obj\n");
    let cl = cl.to_str().expect("UTF-8");
    site.write("x.c", "int x;\n");
    site.is_not_cached(cl, &["/c", "x.c"], "cl runs on Windows");
    site.is_not_cached(cl, &["/c", "x.c", "/Zi"], "/Zi");
}

/// What verify mode adds behind `--` would be a source.
#[test]
fn verify_mode_compares() {
    let space = TestSpace::new();
    let Some(clang) = clang_as(&space, "clang-cl") else { return };
    let site = project(&space, "").with("KILN_VERIFY", "100");
    for line in [
        args(&["/showIncludes"]),
        args(&["/Z7", "/FA"]),
        args(&["/clang:-MD", "/clang:-MFout/a.d"]),
        vec![WINDOWS, "/Brepro", "/Iinc", "/c", "--", "src/a.c"],
    ] {
        site.is_cached(&clang, &line);
        let printed = fs::read_to_string(space.path("events")).expect("events");
        assert!(printed.contains("\"verified\":\"same\""), "{line:?}: {printed}");
    }
    // The time of day is in the object, in seconds.
    let timed = [WINDOWS, "/Iinc", "/c", "src/a.c"];
    site.through(&clang, &timed);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(site.through(&clang, &timed).1, Did::Hit);
    let printed = fs::read_to_string(space.path("events")).expect("events");
    assert!(printed.contains("\"verified\":\"same\""), "{printed}");
}
