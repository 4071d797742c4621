//! Command lines that mean different things are never taken for each other, whatever they have in common.
//!
//! Guards: the order of arguments, arguments that are equal when written one after another, variables that compilers read.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use kiln_testkit::TestSpace;
use kiln_tests::c::{Did, Site, compilers, has};

/// Every line twice, in a row and then in a row again; every one of them right, and in the end a hit.
#[track_caller]
fn distinguished(site: &Site<'_>, compiler: &str, lines: &[&[&str]]) {
    for round in 0..2 {
        for line in lines {
            let did = site.compile(compiler, line);
            let cached = did == Did::Hit || did == Did::Failed;
            assert!(round == 0 || cached, "{compiler} {line:?}: {did}");
        }
    }
}

#[test]
fn order_counts() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        site.write(
            "a.c",
            "#include <value.h>\n#ifdef X\nint x;\n#endif\nint v(void) { int unused; return VALUE; }\n",
        )
        .write("one/value.h", "#define VALUE 1\n")
        .write("two/value.h", "#define VALUE 2\n")
        .write("define.h", "#define X\n")
        .write("undefine.h", "#undef X\n");
        distinguished(
            &site,
            compiler,
            &[
                &["-c", "a.c", "-I", "one", "-I", "two"],
                &["-c", "a.c", "-I", "two", "-I", "one"],
                &["-c", "a.c", "-Ione", "-Itwo"],
                &["-c", "a.c", "-Ione", "-DX", "-UX"],
                &["-c", "a.c", "-Ione", "-UX", "-DX"],
                &["-c", "a.c", "-Ione", "-include", "define.h", "-include", "undefine.h"],
                &["-c", "a.c", "-Ione", "-include", "undefine.h", "-include", "define.h"],
                &["-c", "a.c", "-Ione", "-O2", "-O0"],
                &["-c", "a.c", "-Ione", "-O0", "-O2"],
                &["-c", "a.c", "-Ione", "-Wall", "-Wno-unused-variable"],
                &["-c", "a.c", "-Ione", "-Wno-unused-variable", "-Wall"],
                &["-c", "a.c", "-Ione", "-Wall", "-w"],
                &["-c", "a.c", "-Ione", "-Wall", "-Werror"],
                &["-c", "a.c", "-isystem", "one", "-Itwo"],
                &["-c", "a.c", "-iquote", "two", "-idirafter", "one"],
                &["-c", "a.c", "-Ione", "-fPIC", "-fno-PIC"],
                &["-c", "a.c", "-Ione", "-fno-PIC", "-fPIC"],
                &["-c", "a.c", "-Ione", "-g0", "-g"],
                &["-c", "a.c", "-Ione", "-g", "-g0"],
            ],
        );
    }
}

#[test]
fn arguments_do_not_run_together() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        site.write(
            "a.c",
            "int v[] = {0\n#ifdef ab\n,1\n#endif\n#ifdef a\n,2\n#endif\n#ifdef c\n,3\n#endif\n#ifdef bc\n,4\n#endif\n\
             #ifdef a_D\n,5\n#endif\n};\n#ifdef TEXT\nchar t[] = TEXT;\n#endif\n",
        );
        distinguished(
            &site,
            compiler,
            &[
                &["-c", "a.c", "-Dab", "-Dc"],
                &["-c", "a.c", "-Da", "-Dbc"],
                &["-c", "a.c", "-D", "ab", "-D", "c"],
                &["-c", "a.c", "-Dab=c"],
                &["-c", "a.c", "-Dab=", "-Dc"],
                &["-c", "a.c", "-Dab=1", "-Dc=1"],
                &["-c", "a.c", "-Da", "-Db", "-Dc"],
                &["-c", "a.c", "-DTEXT=\"a b\""],
                &["-c", "a.c", "-DTEXT=\"a\" \"b\""],
                &["-c", "a.c", "-DTEXT=\"a\\0b\""],
                &["-c", "a.c", "-DTEXT=\"-Da\""],
                &["-c", "a.c", "-DTEXT=\"\n\""],
                &["-c", "a.c", "-DTEXT=\"\""],
            ],
        );
    }
}

#[test]
fn languages_and_names_count() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        let source =
            "int v = sizeof('a');\n#ifdef __cplusplus\nint cxx;\n#endif\n#ifdef __ASSEMBLER__\nx:\n#endif\n";
        for name in ["a.c", "a.cc", "a.C", "a.cpp", "a.i", "a.ii", "a.txt"] {
            site.write(name, source);
        }
        distinguished(
            &site,
            compiler,
            &[
                &["-c", "a.c"],
                &["-c", "a.cc"],
                &["-c", "a.C"],
                &["-c", "a.cpp"],
                &["-c", "-x", "c", "a.cc"],
                &["-c", "-xc++", "a.c"],
                &["-c", "-x", "c", "a.txt", "-o", "a.o"],
                &["-c", "-x", "c++", "a.txt", "-o", "a.o"],
                &["-c", "-x", "c", "-x", "none", "a.cc"],
                &["-c", "a.c", "-std=c89"],
                &["-c", "a.c", "-std=gnu17"],
                &["-c", "a.c", "-m32", "-ffreestanding"],
                &["-c", "a.c", "-O1"],
                &["-c", "a.c", "-frandom-seed=1"],
                &["-c", "a.c", "-frandom-seed=2"],
            ],
        );
        let cxx = if compiler == "gcc" { "g++" } else { "clang++" };
        if has(cxx) {
            distinguished(&site, cxx, &[&["-c", "a.c"], &["-c", "a.cc"], &["-c", "-x", "c", "a.c"]]);
        }
    }
}

/// What is random without a seed is at least what one compile made; with one it is the same in all.
#[test]
fn random_names_are_those_of_one_run() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.cc", "namespace { struct S { S() { v = 1; } volatile int v; } s; }\nstatic int f() { return s.v; }\nstatic int g = f();\n");
    distinguished(
        &site,
        "g++",
        &[
            &["-c", "a.cc", "-frandom-seed=one"],
            &["-c", "a.cc", "-frandom-seed=two"],
            &["-c", "a.cc", "-flto", "-frandom-seed=one"],
            &["-c", "a.cc", "-flto", "-frandom-seed=two"],
        ],
    );
}

#[test]
fn variables_count() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        site.write("a.c", "int v(void) { int caf\u{e9}; return nothing(); }\n").write("sub/keep", "");
        let args = ["-c", "a.c", "-Wall", "-MD"];
        for _ in 0..2 {
            site.compile(compiler, &args);
            for (name, value) in [
                ("LC_ALL", "C"),
                ("LC_ALL", "C.UTF-8"),
                ("LANG", "C.UTF-8"),
                ("GCC_COLORS", "error=01;32"),
                ("TERM", "xterm"),
                ("COLUMNS", "40"),
                ("CPATH", "sub"),
                ("TMPDIR", "sub"),
                ("LD_LIBRARY_PATH", "sub"),
                ("MAKEFLAGS", "-j2"),
                ("SOURCE_DATE_EPOCH", "1"),
                ("GCC_EXEC_PREFIX", "/usr/lib/gcc/"),
                ("COMPILER_PATH", "sub"),
                ("PWD", "/nonsense"),
            ] {
                site.with(name, value).compile(compiler, &args);
            }
        }
    }
}

/// Variables that make the compiler write further files.
#[test]
fn variables_that_write_are_not_cached() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.c", "int v;\n");
    for name in ["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"] {
        site.with(name, "all.d").is_not_cached("gcc", &["-c", "a.c"], name);
    }
}

/// Debug information names the directory as `PWD` calls it.
#[test]
fn directory_by_another_name() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        site.write("a.c", "int v(void) { return 1; }\n");
        std::os::unix::fs::symlink(site.path(""), space.path("way")).unwrap();
        let way = space.path("way");
        for remap in ["0", "1"] {
            let mut site = site.with("KILN_REMAP", remap);
            if remap == "1" {
                let base = site.text("");
                site.added =
                    vec![format!("-ffile-prefix-map={}=/kiln/workspace", base.trim_end_matches('/')).into()];
            }
            for _ in 0..2 {
                site.compile(compiler, &["-c", "a.c", "-g"]);
                site.with("PWD", &way).compile(compiler, &["-c", "a.c", "-g"]);
                site.with("PWD", site.path("")).compile(compiler, &["-c", "a.c", "-g"]);
                site.with("PWD", site.path(".")).compile(compiler, &["-c", "a.c", "-g"]);
                site.with("PWD", "").compile(compiler, &["-c", "a.c", "-g"]);
            }
        }
    }
}
