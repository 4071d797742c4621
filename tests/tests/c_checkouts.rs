//! Two checkouts of one C project share a cache: each gets its own paths in objects, rules and messages, and what shows no
//! path is compiled once for both.
//!
//! Guards: a path of checkout A baked into an output that is served to checkout B, as text, as a length or as a constant.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs;

use kiln_testkit::TestSpace;
use kiln_tests::c::{Did, Site, compilers, has, takes};

const HERE: &str = "ws";
const THERE: &str = "another/much-longer-name-of-a-checkout";

/// A project of a source and two headers, with `line` in each.
fn project<'a>(space: &'a TestSpace, line: &str, in_header: &str) -> Site<'a> {
    let site = Site::new(space, HERE);
    site.write(
        "src/a.c",
        format!("#include \"a.h\"\n#include <b.h>\nint v(void) {{ return A + B; }}\n{line}\n"),
    )
    .write("src/a.cc", format!("#include \"a.h\"\n#include <b.h>\nint v() {{ return A + B; }}\n{line}\n"))
    .write("src/a.h", "#define A 1\n")
    .write("inc/b.h", format!("#define B 2\n{in_header}\n"))
    .write("out/keep", "");
    site
}

fn relative(more: &[&str]) -> impl Fn(&Site<'_>) -> Vec<String> {
    let more: Vec<String> = more.iter().map(|arg| (*arg).to_owned()).collect();
    move |_| {
        let args = ["-c", "src/a.c", "-Iinc", "-o", "out/a.o", "-MD"].map(str::to_owned);
        args.into_iter().chain(more.clone()).collect()
    }
}

/// As CMake and cc-rs call compilers.
fn absolute(more: &[&str]) -> impl Fn(&Site<'_>) -> Vec<String> {
    let more: Vec<String> = more.iter().map(|arg| (*arg).to_owned()).collect();
    move |site| {
        let args =
            ["-c".to_owned(), site.text("src/a.c"), format!("-I{}", site.text("inc")), "-o".to_owned()];
        args.into_iter().chain([site.text("out/a.o"), "-MD".to_owned()]).chain(more.clone()).collect()
    }
}

/// Here, there, and here again: right every time. Says what the first compile there was.
#[track_caller]
fn both(site: &Site<'_>, compiler: &str, args: impl Fn(&Site<'_>) -> Vec<String>) -> Did {
    site.compile(compiler, &args(site));
    let there = site.copy_to(THERE);
    let did = there.compile(compiler, &args(&there));
    let back = site.compile(compiler, &args(site));
    assert!(back != Did::Miss, "{compiler}: {back}");
    kiln_tests::c::remove(&there.directory);
    did
}

/// The same with the workspace mapped; the oracle is given the argument that kiln adds.
fn mapped<'a>(site: &Site<'a>) -> Site<'a> {
    let mut site = site.with("KILN_REMAP", "1");
    let root = site.text("");
    site.added = vec![format!("-ffile-prefix-map={}=/kiln/workspace", root.trim_end_matches('/')).into()];
    site
}

#[track_caller]
fn both_mapped(site: &Site<'_>, compiler: &str, args: impl Fn(&Site<'_>) -> Vec<String>) -> Did {
    let here = mapped(site);
    here.compile(compiler, &args(&here));
    let there = mapped(&site.copy_to(THERE));
    let did = there.compile(compiler, &args(&there));
    kiln_tests::c::remove(&there.directory);
    did
}

#[test]
fn what_shows_no_path_is_shared() {
    for compiler in compilers() {
        for options in
            [&[][..], &["-O2"], &["-O2", "-fPIC", "-Wall", "-MP"], &["-MT", "x"], &["-Wp,-MD,out/w.d"]]
        {
            let options: Vec<&str> = options.to_vec();
            let plain = options.contains(&"-Wp,-MD,out/w.d");
            let space = TestSpace::new();
            let site = project(&space, "", "");
            let strip =
                |args: Vec<String>| args.into_iter().filter(|arg| !plain || arg != "-MD").collect::<Vec<_>>();
            let did = both(&site, compiler, |site| strip(relative(&options)(site)));
            assert_eq!(did, Did::Hit, "relative {options:?} {compiler}");
            let did = both(&site, compiler, |site| strip(absolute(&options)(site)));
            assert_eq!(did, Did::Hit, "absolute {options:?} {compiler}");
        }
    }
}

/// The usual headers of the system do not stand in the way of that.
#[test]
fn what_includes_the_systems_headers_is_shared() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let usual = [
            "stdio",
            "stdlib",
            "string",
            "math",
            "stdint",
            "unistd",
            "sys/types",
            "errno",
            "pthread",
            "time",
        ];
        let text: String = usual.iter().map(|name| format!("#include <{name}.h>\n")).collect();
        let site = project(&space, &text, "");
        assert_eq!(both(&site, compiler, absolute(&["-O1"])), Did::Hit, "{compiler}");
        let cxx = if compiler == "gcc" { "g++" } else { "clang++" };
        if has(cxx) {
            let usual = ["vector", "string", "map", "memory", "algorithm", "iostream", "cassert"];
            let text: String = usual.iter().map(|name| format!("#include <{name}>\n")).collect();
            let site = project(&space, &text, "");
            let args = |site: &Site<'_>| {
                absolute(&[])(site).into_iter().map(|arg| arg.replace("src/a.c", "src/a.cc")).collect()
            };
            assert_eq!(both(&site, cxx, args), Did::Hit, "{cxx}");
        }
    }
}

/// Everything in which a source can show where it is.
const TELLERS: [(&str, &str); 16] = [
    ("const char *f = __FILE__;", ""),
    ("int n = sizeof(__FILE__);", ""),
    ("int n(void) { return __builtin_strlen(__FILE__); }", ""),
    ("const char *f = HERE;", "#define HERE __FILE__"),
    ("int n = sizeof(HERE);", "#define HERE __FILE__"),
    ("int n = LENGTH;", "enum { LENGTH = sizeof(__FILE__) };"),
    ("#define P(a, b) a##b\n#define HERE P(__FI, LE__)\nint n = sizeof(HERE);", ""),
    ("int n = sizeof(__FI\\\nLE__);", ""),
    ("int n = sizeof(__BASE_FILE__);", ""),
    ("#define W(x) L##x\n#define V(x) W(x)\nint w(void) { return V(__FILE__)[7]; }", ""),
    ("char c(int i) { char f[] = __FILE__; return f[i]; }", ""),
    ("const char *f = __builtin_FILE();", ""),
    ("int n(void) { return __builtin_strlen(__builtin_FILE()); }", ""),
    ("#line 7 \"/somewhere/else.c\"\nconst char *f = __FILE__;", ""),
    (
        "_Static_assert(sizeof(__FILE__) > 2, \"\");\nint c = __FILE__[1] + __FILE__[sizeof(__FILE__) - 9];",
        "",
    ),
    ("#include <assert.h>\nint t(int n) { assert(n > 2); return n; }", "#define CHECK(x) assert(x)"),
];

#[test]
fn own_path_in_sources() {
    for compiler in compilers() {
        for (number, (line, in_header)) in TELLERS.into_iter().enumerate() {
            let space = TestSpace::new();
            let site = project(&space, line, in_header);
            let optimised = ["-O0", "-O2"][number % 2];
            let did = both(&site, compiler, relative(&[optimised]));
            let shared = matches!(did, Did::Hit | Did::Failed);
            assert!(shared, "relative paths show nothing: {did}: {line} {compiler}");
            both(&site, compiler, absolute(&[optimised]));
        }
    }
}

#[test]
fn own_path_in_sources_is_mapped() {
    for compiler in compilers() {
        for (line, in_header) in TELLERS {
            let space = TestSpace::new();
            let site = project(&space, line, in_header);
            both_mapped(&site, compiler, absolute(&["-O2", "-g"]));
        }
    }
}

#[test]
fn own_path_from_the_command_line() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = project(&space, "int n = sizeof(HERE);", "");
        both(&site, compiler, absolute(&["-DHERE=__FILE__"]));
        site.write("options.rsp", "-DHERE=__FILE__");
        let args = |site: &Site<'_>| {
            let rsp = format!("@{}", site.text("options.rsp"));
            [absolute(&[])(site), vec![rsp]].concat()
        };
        both(&site, compiler, args);
        let forced = |site: &Site<'_>| {
            let header = vec!["-include".to_owned(), site.text("inc/b.h")];
            [absolute(&["-DHERE=LENGTH", "-DLENGTH=__FILE__"])(site), header].concat()
        };
        both(&site, compiler, forced);
    }
}

/// A header that is nobody's in particular asks for the name of the project's source.
#[test]
fn own_path_through_a_foreign_header() {
    for compiler in compilers() {
        for (number, body) in [
            "#define LENGTH (sizeof(__FILE__))\n",
            "#define LENGTH ((int)__builtin_strlen(__FILE__))\n",
            "#define F(x) L##x\n#define G(x) F(x)\n#define LENGTH (G(__FILE__)[9])\n",
        ]
        .iter()
        .enumerate()
        {
            let space = TestSpace::new();
            space.write("elsewhere/foreign.h", body);
            let site = project(&space, "#include <foreign.h>\nint n(void) { return LENGTH; }", "");
            let foreign = format!("-I{}", space.path("elsewhere").display());
            let did = both(&site, compiler, absolute(&[&foreign, "-O1"]));
            assert!(did != Did::Hit, "{number}");
        }
    }
}

#[test]
fn source_locations() {
    for compiler in compilers() {
        let cxx = if compiler == "gcc" { "g++" } else { "clang++" };
        let space = TestSpace::new();
        let text = "#include <source_location>\nint n() { return __builtin_strlen(std::source_location::current().file_name()); }\n\
                    constexpr const char *f = std::source_location::current().file_name();\nconst char *g = f;";
        if !has(cxx) || !takes(&space, cxx, &["-std=c++20", "-x", "c++"], text) {
            eprintln!("SKIPPED: {cxx} has no source_location");
            continue;
        }
        let site = project(&space, text, "");
        let cxx_of = |args: Vec<String>| -> Vec<String> {
            args.into_iter()
                .map(|arg| arg.replace("src/a.c", "src/a.cc"))
                .chain(["-std=c++20".into(), "-O2".into()])
                .collect()
        };
        assert_eq!(both(&site, cxx, |site| cxx_of(relative(&[])(site))), Did::Hit);
        both(&site, cxx, |site| cxx_of(absolute(&[])(site)));
    }
}

#[test]
fn debug_information_shows_the_own_directory() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = project(&space, "", "static inline int f(int x) { return x; }");
        for options in [
            &["-g"][..],
            &["-g", "-O2"],
            &["-g3"],
            &["-g", "-gsplit-dwarf"],
            &["-g", "-gz"],
            &["-gline-tables-only"],
            &["--coverage", "-frandom-seed=1"],
            &["-fprofile-generate", "-frandom-seed=1"],
            &["-flto", "-frandom-seed=1"],
            &["-fsanitize=undefined", "-fsanitize=address"],
            &["-fstack-usage"],
            &["-fverbose-asm"],
        ] {
            both(&site, compiler, relative(options));
            both_mapped(&site, compiler, absolute(options));
        }
    }
}

#[test]
fn debug_information_is_shared_where_it_is_mapped() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = project(&space, "", "static inline int f(int x) { return x; }");
        for options in [&["-g"][..], &["-g", "-O2"], &["-g3"]] {
            let did = both_mapped(&site, compiler, relative(options));
            assert_eq!(did, Did::Hit, "{options:?} {compiler}");
            let did = both_mapped(&site, compiler, absolute(options));
            assert_eq!(did, Did::Hit, "absolute {options:?} {compiler}");
        }
        // by the user himself
        let own = |site: &Site<'_>| {
            let root = site.text("");
            [absolute(&["-g"])(site), vec![format!("-ffile-prefix-map={}=.", root.trim_end_matches('/'))]]
                .concat()
        };
        assert_eq!(both(&site, compiler, own), Did::Hit, "{compiler}");
    }
}

/// A mapped `__FILE__` is the same everywhere, and so is shared.
#[test]
fn mapped_names_are_shared() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site =
            project(&space, "const char *f = __FILE__;\nint n = sizeof(HERE);", "#define HERE __FILE__");
        assert_eq!(both_mapped(&site, compiler, absolute(&[])), Did::Hit, "{compiler}");
        assert_eq!(both_mapped(&site, compiler, absolute(&["-g"])), Did::Hit, "{compiler}");
    }
}

/// A directory beside the project whose name begins like it is mapped by the compiler as well.
#[test]
fn mapped_directory_beside() {
    for compiler in compilers() {
        for options in [&[][..], &["-g"]] {
            let space = TestSpace::new();
            space.write("ws-more/inc/h.h", "#define H __FILE__\nstatic inline int h(int x) { return x; }\n");
            let site =
                project(&space, "#include <h.h>\nconst char *f = H;\nint g(void) { return h(2); }", "");
            let more = format!("-I{}", space.path("ws-more/inc").display());
            both_mapped(&site, compiler, absolute(&[&[more.as_str()], options].concat()));
            both_mapped(&site, compiler, relative(&[&[more.as_str()], options].concat()));
            let own = |site: &Site<'_>| {
                let root = site.text("");
                let map = format!("-ffile-prefix-map={}=.", root.trim_end_matches('/'));
                [absolute(options)(site), vec![more.clone(), map]].concat()
            };
            both(&site, compiler, own);
        }
    }
}

#[test]
fn messages_show_the_own_paths() {
    for compiler in compilers() {
        for (line, in_header) in [
            ("int f(void) { int unused; }", ""),
            ("", "static int f(void) { int unused; }"),
            ("#warning here", "#warning there"),
            ("_Static_assert(1, __FILE__);\n#pragma message(__FILE__)", ""),
            ("", "#pragma message(\"x\" __FILE__ \"y\")"),
            ("#define M(x) int x = 1.5; int y_##x\nvoid g(void) { M(z); }", ""),
        ] {
            let space = TestSpace::new();
            let site = project(&space, line, in_header);
            let options = ["-Wall", "-Wextra"];
            assert_eq!(both(&site, compiler, relative(&options)), Did::Hit, "{line} {in_header}");
            both_mapped(&site, compiler, absolute(&options));
            both(&site, compiler, absolute(&["-Wall", "-fdiagnostics-color=always"]));
            both(&site, compiler, absolute(&["-Wall", "-fdiagnostics-format=json"]));
            both(&site, compiler, absolute(&["-H"]));
        }
    }
}

#[test]
fn preprocessed_text_and_assembly_show_the_own_paths() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = project(&space, "const char *f = __FILE__;", "#define HERE __FILE__");
        for stage in ["-E", "-S"] {
            for more in [&[][..], &["-g"], &["-fverbose-asm"], &["-P"], &["-dA"]] {
                for make in [&relative(&[]) as &dyn Fn(&Site<'_>) -> Vec<String>, &absolute(&[])] {
                    let args = |site: &Site<'_>| {
                        let args = make(site).into_iter().filter(|arg| arg != "-MD");
                        let args = args.map(|arg| if arg == "-c" { stage.to_owned() } else { arg });
                        args.chain(more.iter().map(|arg| (*arg).to_owned())).collect::<Vec<_>>()
                    };
                    both(&site, compiler, args);
                    both_mapped(&site, compiler, args);
                }
            }
        }
    }
}

#[test]
fn assembler_sources_show_the_own_directory() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = project(&space, "", "");
        site.write("src/b.s", ".text\nx:\n nop\n")
            .write("src/b.S", "#include <b.h>\n.text\nx:\n nop\n.long B\n");
        for name in ["src/b.s", "src/b.S"] {
            for more in [&[][..], &["-g"], &["-Wa,-g"]] {
                let with = |args: Vec<String>| -> Vec<String> {
                    args.into_iter()
                        .filter(|arg| arg != "-MD")
                        .map(|arg| arg.replace("src/a.c", name))
                        .collect()
                };
                both(&site, compiler, |site| with(relative(more)(site)));
                both(&site, compiler, |site| with(absolute(more)(site)));
                both_mapped(&site, compiler, |site| with(absolute(more)(site)));
            }
        }
    }
}

#[test]
fn odd_names_of_checkouts() {
    let odd = [
        "a b",
        "a$b",
        "a#b",
        "a%b",
        "a:b",
        "a+b",
        "a'b",
        "a\"b",
        "a\\b",
        "caf\u{e9}",
        "a=b",
        "a,b",
        "~a",
        "@a",
        "-a",
        "a;b",
        "a&b",
        "(a)",
    ];
    for compiler in compilers() {
        let space = TestSpace::new();
        let line = "const char *f = __FILE__;\nint g(void) { int unused; return 0; }";
        let site = project(&space, line, "#warning seen");
        for (one, two) in odd.iter().zip(odd.iter().skip(1)) {
            let (one, two) = (site.copy_to(format!("odd/{one}")), site.copy_to(format!("odd/{two}")));
            for site in [&one, &two] {
                site.compile(compiler, &absolute(&["-Wall", "-MP"])(site));
            }
            kiln_tests::c::remove(&space.path("odd"));
        }
    }
}

/// Paths that leave the checkout and come back to it by its name, which is another's name in another.
#[test]
fn ways_around_through_the_parent() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = project(&space, "", "");
        let args = |_: &Site<'_>| {
            ["-c", "../ws/src/a.c", "-I../ws/inc", "-o", "out/a.o", "-MD"].map(str::to_owned).to_vec()
        };
        let there = site.copy_to("ws2");
        site.compile(compiler, &args(&site));
        there.compile(compiler, &args(&there));
        site.write("inc/b.h", "#define B 77\n");
        there.compile(compiler, &args(&there)); // reads the first one's header
        site.compile(compiler, &args(&site));
        there.write("inc/b.h", "#define B 78\n");
        there.compile(compiler, &args(&there));
    }
}

/// What lies beside the checkouts and is reached through `..` is another file for each.
#[test]
fn headers_beside_the_checkouts() {
    for compiler in compilers() {
        let space = TestSpace::new();
        for (place, value) in [("one", 1), ("two", 2)] {
            space.write(format!("{place}/common/c.h"), format!("#define C {value}\n"));
            let site = Site::new(&space, format!("{place}/ws"));
            site.write("a.c", "#include <c.h>\n#include \"../common/c.h\"\nint v = C;\n");
            site.is_cached(compiler, &["-c", "a.c", "-I../common"]);
        }
        let three = Site::new(&space, "three/ws");
        space.write("three/common/c.h", "#define C 2\n");
        three.write("a.c", "#include <c.h>\n#include \"../common/c.h\"\nint v = C;\n");
        three.compile(compiler, &["-c", "a.c", "-I../common"]);
    }
}

#[test]
fn links_between_checkouts() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = project(&space, "const char *f = __FILE__;", "");
        site.rename("inc", "real-inc").link(site.path("real-inc"), "inc"); // absolute: it leads here from everywhere
        let there = site.copy_to(THERE);
        for make in [&relative(&[]) as &dyn Fn(&Site<'_>) -> Vec<String>, &absolute(&[])] {
            site.compile(compiler, &make(&site));
            there.compile(compiler, &make(&there));
            there.write("real-inc/b.h", "#define B 88\n"); // not what it reads
            there.compile(compiler, &make(&there));
            site.write("real-inc/b.h", "#define B 99\n");
            there.compile(compiler, &make(&there));
            site.compile(compiler, &make(&site));
            site.write("real-inc/b.h", "#define B 2\n");
        }
    }
}

/// Out of the tree, as CMake builds: the build directory in the project or beside it.
#[test]
fn build_directories() {
    for compiler in compilers() {
        for (build, git) in [("ws/build", true), ("ws/build", false), ("ws-build", true), ("build", false)] {
            let space = TestSpace::new();
            let compile = |root: &str| {
                let site = Site::new(&space, format!("{root}/ws"));
                let text = "#include <b.h>\nconst char *f = HERE;\nint v(void) { int unused; return B; }\n";
                site.write("src/a.c", text).write("inc/b.h", "#define B 2\n#define HERE __FILE__\n");
                site.write("CMakeLists.txt", "");
                if git {
                    fs::create_dir_all(site.path(".git")).unwrap();
                }
                let mut there = Site::new(&space, format!("{root}/{build}"));
                fs::create_dir_all(there.path("obj")).unwrap();
                let (source, inc) = (site.text("src/a.c"), format!("-I{}", site.text("inc")));
                let args = [
                    "-c", &source, &inc, "-Wall", "-MD", "-MF", "obj/a.d", "-MT", "obj/a.o", "-o", "obj/a.o",
                ];
                there.compile(compiler, &args);
                let args = [
                    "-g", "-c", &source, &inc, "-Wall", "-MD", "-MF", "obj/a.d", "-MT", "obj/a.o", "-o",
                    "obj/a.o",
                ];
                there.compile(compiler, &args);
                there = there.with("KILN_REMAP", "0");
                let did = there.compile(compiler, &args);
                assert_eq!(did, Did::Hit);
            };
            compile("one");
            compile("two");
            compile("three/deeper");
        }
    }
}
