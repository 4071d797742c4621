//! Everything a C compile reads without its command line saying so: when it changes, the next compile notices.
//!
//! Guards: a header that newly shadows another one, `__has_include`, `.incbin`, `CPATH`, `-fprofile-use`, response files,
//! `__DATE__`, and whatever a compiler can tell from a file's time or kind.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, SystemTime};

use kiln_testkit::TestSpace;
use kiln_tests::c::{Did, Site, compilers, has, takes, there_is};

const OBJECT: [&str; 4] = ["-c", "a.c", "-o", "a.o"];

/// `a.c` returns what `value.h` says.
fn valued(space: &TestSpace) -> Site<'_> {
    let site = Site::new(space, "ws");
    site.write("a.c", "#include <value.h>\nint v(void) { return VALUE; }\n");
    site
}

fn object(more: &[&str]) -> Vec<String> {
    OBJECT.iter().chain(more).map(|arg| (*arg).to_owned()).collect()
}

fn define(value: i32) -> String {
    format!("#define VALUE {value}\n")
}

/// Plays the same edits for every compiler, each in a space of its own.
fn for_each_compiler(play: impl Fn(&TestSpace, &'static str)) {
    for compiler in compilers() {
        play(&TestSpace::new(), compiler);
    }
}

#[test]
fn header_is_edited() {
    for_each_compiler(|space, cc| {
        let site = valued(space);
        site.write("inc/value.h", define(1));
        let args = object(&["-Iinc"]);
        site.is_cached(cc, &args);
        site.write("inc/value.h", define(2)).notices(cc, &args);
        site.write("inc/value.h", define(1)).hits(cc, &args);
    });
}

#[test]
fn header_is_shadowed_in_an_earlier_directory() {
    for_each_compiler(|space, cc| {
        let site = valued(space);
        site.write("first/other.h", "").write("second/value.h", define(2));
        let args = object(&["-Ifirst", "-Isecond"]);
        site.is_cached(cc, &args);
        site.write("first/value.h", define(1)).notices(cc, &args);
        site.remove("first/value.h").hits(cc, &args);
        site.remove("second/value.h");
        assert_eq!(site.compile(cc, &args), Did::Failed);
    });
}

#[test]
fn header_is_shadowed_in_a_directory_that_was_not_there() {
    for_each_compiler(|space, cc| {
        let site = valued(space);
        site.write("second/value.h", define(2));
        let args = object(&["-Ifirst", "-Isecond"]);
        site.is_cached(cc, &args);
        site.write("first/value.h", define(1)).notices(cc, &args);
    });
}

/// Directories that have not been changed for a while: what names they do not have is remembered.
#[test]
fn header_is_shadowed_in_a_directory_that_was_at_rest() {
    let rest = || std::thread::sleep(Duration::from_millis(300));
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        let source = "#include <one.h>\n#include <two.h>\n#include <sub/three.h>\n#include <sub/value.h>\n\
                      int v(void) { return VALUE + ONE; }\n#if __has_include(<sub/four.h>)\nint w;\n#endif\n";
        site.write("a.c", source).write("second/one.h", "#define ONE 1\n").write("second/two.h", "");
        site.write("second/sub/three.h", "").write("second/sub/value.h", define(1));
        site.write("first/other.h", "").write("first/other/x.h", "");
        rest();
        let args = object(&["-Ifirst", "-Isecond"]);
        site.is_cached(cc, &args);
        for (path, text) in [
            ("first/one.h", "#define ONE 2\n"),
            ("first/sub/value.h", "#define VALUE 7\n"),
            ("first/sub/four.h", ""),
        ] {
            site.write(path, text).notices(cc, &args);
            rest();
            site.hits(cc, &args);
        }
        site.remove("first/one.h").notices(cc, &args);
        rest();
        site.rename("first/sub", "first/away").hits(cc, &args);
        rest();
        site.rename("first", "gone").compile(cc, &args);
        rest();
        site.rename("gone", "first").rename("first/away", "first/sub").hits(cc, &args);
    });
}

#[test]
fn header_is_shadowed_beside_the_source_and_beside_its_includer() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("src/a.c", "#include \"outer.h\"\nint v(void) { return VALUE; }\n")
            .write("inc/outer.h", "#include \"value.h\"\n")
            .write("base/value.h", define(1));
        let args = ["-c", "src/a.c", "-o", "a.o", "-Iinc", "-Ibase"];
        site.is_cached(cc, &args);
        site.write("inc/value.h", define(2)).notices(cc, &args);
        site.remove("inc/value.h").hits(cc, &args);
        site.write("src/value.h", define(3)).hits(cc, &args); // quotes look beside the includer only
        site.write("src/outer.h", define(4)).notices(cc, &args);
    });
}

#[test]
fn header_is_shadowed_in_every_kind_of_directory() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.c", "#include \"value.h\"\nint v(void) { return VALUE; }\n");
        for directory in ["quote", "plain", "system", "after"] {
            site.write(format!("{directory}/other.h"), "");
        }
        let args = object(&["-idirafter", "after", "-isystem", "system", "-Iplain", "-iquote", "quote"]);
        site.write("after/value.h", define(9)).is_cached(cc, &args);
        for (value, directory) in ["system", "plain", "quote"].iter().enumerate() {
            site.write(format!("{directory}/value.h"), define(value as i32)).notices(cc, &args);
        }
        site.write("value.h", define(8)).notices(cc, &args);
    });
}

#[test]
fn precompiled_header_appears() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.c", "#include \"value.h\"\nint v(void) { return VALUE; }\n").write("value.h", define(1));
    site.is_cached("gcc", &OBJECT);
    // (one that says something else than the header, so that it shows which was read)
    site.write("other.h", define(2)).bare("gcc", &["-c", "other.h", "-o", "value.h.gch"]).ok();
    site.notices("gcc", &OBJECT);
    site.remove("value.h.gch").hits("gcc", &OBJECT);
    fs::create_dir(site.path("value.h.gch")).unwrap();
    site.bare("gcc", &["-c", "other.h", "-o", "value.h.gch/one"]).ok();
    site.notices("gcc", &OBJECT);
}

/// clang looks at the times of the headers that a precompiled one was made of, and refuses it where they have changed.
#[test]
fn header_of_a_precompiled_one_is_edited() {
    if !has("clang") {
        return;
    }
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.c", "int v(void) { return VALUE; }\n").write("value.h", define(1));
    site.bare("clang", &["-x", "c-header", "value.h", "-o", "value.h.pch"]).ok();
    let args = object(&["-include", "value.h"]);
    site.compile("clang", &args);
    site.compile("clang", &args);
    std::thread::sleep(Duration::from_millis(1100)); // (it compares whole seconds)
    site.write("value.h", "#define VALUE 20\n");
    assert_eq!(site.compile("clang", &args), Did::Failed);
}

#[test]
fn has_include_turns_true_and_false() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write(
            "a.c",
            "#if __has_include(\"config.h\")\nint v(void) { return 1; }\n#else\nint v(void) { return 0; }\n#endif\n",
        );
        site.is_cached(cc, &OBJECT);
        site.write("config.h", "").notices(cc, &OBJECT);
        site.write("config.h", "\n").notices_nothing_wrong(cc, &OBJECT);
        site.remove("config.h").hits(cc, &OBJECT);
        site.write("sub/config.h", "").hits(cc, &OBJECT);
    });
}

#[test]
fn has_include_next_turns_true() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.c", "#include <first.h>\nint v(void) { return VALUE; }\n").write(
            "one/first.h",
            "#if __has_include_next(<first.h>)\n#include_next <first.h>\n#else\n#define VALUE 0\n#endif\n",
        );
        site.write("two/other.h", "");
        let args = object(&["-Ione", "-Itwo"]);
        site.is_cached(cc, &args);
        site.write("two/first.h", define(2)).notices(cc, &args);
    });
}

/// The trait of a site that a header's content does not matter where it is only looked for.
trait Quiet {
    fn notices_nothing_wrong(&self, compiler: &str, args: &[&str]);
}

impl Quiet for Site<'_> {
    fn notices_nothing_wrong(&self, compiler: &str, args: &[&str]) {
        self.compile(compiler, args);
    }
}

/// gcc knows it since 15, clang since 19: a new one may lie beside an old one.
#[test]
fn embedded_file_is_edited() {
    let new = ["gcc-15", "gcc-16", "clang-19", "clang-20", "clang-21"].into_iter().filter(|it| there_is(it));
    for cc in compilers().into_iter().chain(new) {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        let source = "char data[] = {\n#if __has_embed(\"data.bin\")\n#embed \"data.bin\"\n#endif\n};\n";
        space.write("home/data.bin", "x");
        if !takes(&space, cc, &["-std=c2x"], source) {
            eprintln!("SKIPPED: this {cc} does not know #embed");
            continue;
        }
        let args = object(&["-std=c2x", "--embed-dir=near", "--embed-dir=far"]);
        site.write("a.c", source).write("near/other", "").write("far/data.bin", "one").is_cached(cc, &args);
        site.write("far/data.bin", "two").notices(cc, &args);
        site.write("near/data.bin", "shadow").notices(cc, &args);
        site.write("data.bin", "nearest").notices(cc, &args);
    }
}

/// gcc where it has the language (`gobjc`), clang always.
#[test]
fn objective_c() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        for (file, language) in [("a.m", "objective-c"), ("a.mm", "objective-c++")] {
            if !takes(space, cc, &["-x", language], "int x;\n") {
                eprintln!("SKIPPED: this {cc} has no {language}");
                continue;
            }
            let source = "#import \"value.h\"\n#import \"value.h\"\n@interface A { int a; }\n- (int)v;\n@end\n\
                          @implementation A\n- (int)v { return VALUE + a; }\n@end\n";
            site.write(file, source).write("far/value.h", define(1)).write("near/other", "");
            let args = ["-c", file, "-o", "a.o", "-MD", "-Inear", "-Ifar"];
            site.is_cached(cc, &args);
            site.write("far/value.h", define(2)).notices(cc, &args);
            site.write("near/value.h", define(3)).notices(cc, &args);
            site.remove("near/value.h").is_cached(cc, &["-x", language, "-fexceptions", "-c", file, "-Ifar"]);
        }
    });
}

#[test]
fn incbin_is_edited_and_shadowed() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.c", "__asm__(\".data\\n.incbin \\\"data.bin\\\"\\n.text\\n\");\nint x;\n")
            .write("far/data.bin", "one")
            .write("near/other", "");
        let args = object(&["-Inear", "-Ifar"]);
        if site.compile(cc, &args) == Did::Failed {
            site.write("data.bin", "one"); // clang looks in the working directory only
            site.is_cached(cc, &args);
            site.write("data.bin", "two").notices(cc, &args);
            return;
        }
        site.hits(cc, &args);
        site.write("far/data.bin", "two").notices(cc, &args);
        site.write("near/data.bin", "shadow").notices(cc, &args);
        site.write("data.bin", "nearest").notices(cc, &args);
    });
}

#[test]
fn assembler_includes_are_edited_and_shadowed() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.s", ".include \"value.inc\"\n.data\n.long VALUE\n")
            .write("far/value.inc", ".set VALUE, 1\n")
            .write("near/other", "");
        for args in
            [["-c", "a.s", "-o", "a.o", "-Inear", "-Ifar"], ["-c", "a.S", "-o", "b.o", "-Inear", "-Ifar"]]
        {
            site.write("far/value.inc", ".set VALUE, 1\n").remove("near/value.inc");
            site.write("a.S", "#include \"head.h\"\n.include \"value.inc\"\n.data\n.long VALUE + HEAD\n");
            site.write("near/head.h", "#define HEAD 5\n");
            site.is_cached(cc, &args);
            site.write("far/value.inc", ".set VALUE, 2\n").notices(cc, &args);
            site.write("near/value.inc", ".set VALUE, 3\n").notices(cc, &args);
        }
    });
}

#[test]
fn forced_includes_are_edited_and_shadowed() {
    for_each_compiler(|space, cc| {
        for option in ["-include", "-imacros"] {
            let site = Site::new(space, format!("ws{option}"));
            site.write("a.c", "int v(void) { return VALUE; }\n").write("inc/forced.h", define(1));
            let args = object(&[option, "forced.h", "-Iinc"]);
            site.is_cached(cc, &args);
            site.write("inc/forced.h", define(2)).notices(cc, &args);
            site.write("forced.h", define(3)).notices(cc, &args);
        }
    });
}

/// Guards: LLVM reckons constants by libc's mathematics, which a variable makes others (and a processor).
#[test]
fn sine_that_is_reckoned_while_it_is_compiled() {
    if !has("clang") {
        return eprintln!("skipped: there is no clang");
    }
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    let sines: String = (1..3000).map(|n| format!("    to[{n}] = sin({n} * 0.00123);\n")).collect();
    site.write("a.c", format!("double sin(double);\nvoid fill(double *to) {{\n{sines}}}\n"));
    let args = ["-O2", "-c", "a.c", "-o", "a.o"];
    site.is_cached("clang", &args);
    site.with("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4").notices("clang", &args);
}

#[test]
fn search_variables_count() {
    for_each_compiler(|space, cc| {
        for name in ["CPATH", "C_INCLUDE_PATH"] {
            let site = valued(space);
            site.write("one/value.h", define(1)).write("two/value.h", define(2));
            let absolute = site.with(name, site.path("one"));
            absolute.is_cached(cc, &OBJECT);
            site.with(name, site.path("two")).notices(cc, &OBJECT);
            site.with(name, "two").compile(cc, &OBJECT);
            site.with(name, "one").compile(cc, &OBJECT);
            let both = site.with(name, format!("{}:{}", site.text("three"), site.text("one")));
            both.compile(cc, &OBJECT);
            site.write("three/value.h", define(3));
            both.notices(cc, &OBJECT);
            site.with(name, "").compile(cc, &OBJECT);
            site.with(name, ":").compile(cc, &OBJECT); // an empty part is the current directory
            site.write("value.h", define(7)).with(name, ":").compile(cc, &OBJECT);
            site.remove("value.h").remove("three");
        }
        let site = valued(space);
        site.write("a.cc", "#include <value.h>\nint v() { return VALUE; }\n");
        let args = ["-c", "a.cc", "-o", "a.o"];
        site.with("CPLUS_INCLUDE_PATH", site.path("one")).is_cached(cc, &args);
        site.with("CPLUS_INCLUDE_PATH", site.path("two")).notices(cc, &args);
        assert_eq!(site.with("C_INCLUDE_PATH", site.path("two")).compile(cc, &args), Did::Failed);
    });
}

#[test]
fn profile_appears_and_changes() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    let source = "int main(int n, char **v) { int s = 0; for (int i = 0; i < n * 1000; i++) s += i % 7 ? i : -i; return s & 1; }\n";
    let args = ["-c", "a.c", "-o", "a.o", "-O2", "-fprofile-use"];
    let quiet = ["-c", "a.c", "-o", "a.o", "-O2", "-fprofile-use", "-Wno-missing-profile"];
    site.write("a.c", source);
    site.compile("gcc", &args);
    site.compile("gcc", &args);
    site.compile("gcc", &quiet);
    site.bare("gcc", &["-O2", "-fprofile-generate", "-c", "a.c", "-o", "a.o"]).ok();
    site.bare("gcc", &["-fprofile-generate", "a.o", "-o", "prog"]).ok();
    site.bare("./prog", &[""]);
    assert!(site.path("a.gcda").exists());
    site.notices("gcc", &args);
    site.notices("gcc", &quiet);
    for _ in 0..3 {
        site.bare("./prog", &["one", "two", "three"]);
    }
    site.notices("gcc", &args);
}

#[test]
fn clang_profile_changes() {
    if !has("clang") || !has("llvm-profdata") && !has("llvm-profdata-14") {
        return;
    }
    let tool = if has("llvm-profdata") { "llvm-profdata" } else { "llvm-profdata-14" };
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.c", "int v(int n) { return n > 3 ? n * 2 : n; }\n");
    let text = |count: u32| format!("v\n4275\n2\n{count}\n{}\n\n", count / 2);
    let args = ["-c", "a.c", "-o", "a.o", "-O2", "-fprofile-instr-use=p.profdata"];
    for count in [10, 1000] {
        site.write("p.txt", text(count));
        site.bare(tool, &["merge", "-o", "p.profdata", "p.txt"]).ok();
        site.notices("clang", &args);
    }
}

#[test]
fn response_files_count_by_their_words() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.c", "int v(void) { return VALUE; }\nconst char *t = TEXT;\n")
            .write("inner.rsp", "-DVALUE=1\n")
            .write("outer.rsp", "-c a.c @inner.rsp '-DTEXT=\"a  b\"'\n-o\ta.o\n");
        site.is_cached(cc, &["@outer.rsp"]);
        site.write("inner.rsp", "-DVALUE=2\n").notices(cc, &["@outer.rsp"]);
        site.write("outer.rsp", "-c a.c @inner.rsp \"-DTEXT=\\\"a b\\\"\" -o a.o")
            .notices(cc, &["@outer.rsp"]);
        site.write("outer.rsp", "-c a.c -DVALUE=1 -DTEXT=\\\"a\\\\\\ b\\\" -o a.o\n")
            .notices(cc, &["@outer.rsp"]);
        site.remove("inner.rsp").write("outer.rsp", "-c a.c @inner.rsp -DVALUE=1 -DTEXT=0 -o a.o\n");
        assert_ne!(site.compile(cc, &["@outer.rsp"]), Did::Hit);
        site.write("inner.rsp", "-O2\n").notices(cc, &["@outer.rsp"]);
    });
}

/// The same words in another response file, as build tools with names of their own for each make them.
#[test]
fn response_file_may_have_another_name() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.c", "int v(void) { return 1; }\n")
        .write("one.rsp", "-c a.c -o a.o")
        .write("two.rsp", "-c a.c -o a.o");
    site.is_cached("gcc", &["@one.rsp"]);
    site.hits("gcc", &["@one.rsp"]);
    site.compile("gcc", &["@two.rsp"]);
}

#[test]
fn dates_are_not_cached() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        let words = "__DATE__, __TIME__";
        for (name, source) in [
            ("a.c", "const char *d = __DATE__;\n"),
            ("b.c", "const char *d = __TIMESTAMP__;\n"),
            ("c.c", "#define PASTE(a, b) a##b\n#define DATE PASTE(__DA, TE__)\nconst char *d = DATE;\n"),
            ("d.c", "#include \"date.h\"\nconst char *d = built();\n"),
            ("e.c", "int n = sizeof __DATE__;\n"),
        ] {
            site.write("date.h", "#define built() __DATE__\n").write(name, source);
            site.is_not_cached(cc, &["-c", name], words);
        }
        // named, but never expanded
        site.write("f.c", "#define BUILT __DATE__ __TIME__\n/* __TIMESTAMP__ */\nint x;\n");
        site.is_cached(cc, &["-c", "f.c"]);
    });
}

#[test]
fn times_of_day_are_not_cached() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.c", "const char *t = __TIME__;\n");
        for _ in 0..2 {
            let (_, did) = site.through(cc, &OBJECT);
            assert!(matches!(did, Did::Bypass(_)), "{did}");
        }
    });
}

#[test]
fn settled_dates_are_cached() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.c", "const char *d = __DATE__ __TIME__;\n");
    let settled = site.with("SOURCE_DATE_EPOCH", "1700000000");
    settled.is_cached("gcc", &OBJECT);
    site.with("SOURCE_DATE_EPOCH", "1600000000").misses("gcc", &OBJECT);
    settled.hits("gcc", &OBJECT);
    site.write("a.c", "const char *d = __TIMESTAMP__;\n"); // which it does not settle
    for _ in 0..2 {
        assert!(matches!(settled.compile("gcc", &OBJECT), Did::Bypass(_)));
    }
}

#[test]
fn dates_are_cached_where_the_user_says_so() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws").with("KILN_TIME_MACROS", "1");
    site.write("a.c", "const char *d = __DATE__ __TIME__;\n");
    assert_eq!(site.through("gcc", &OBJECT).1, Did::Miss);
    assert_eq!(site.through("gcc", &OBJECT).1, Did::Hit);
}

/// gcc takes two headers with equal bytes for one, under `#pragma once`, where their times are equal, too.
#[test]
fn twins_under_pragma_once() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        let twin = "#pragma once\n#ifdef SEEN\n#define TWICE\n#endif\n#define SEEN\n";
        site.write("one/x.h", twin).write("two/x.h", twin).write(
            "a.c",
            "#include \"one/x.h\"\n#include \"two/x.h\"\n#ifdef TWICE\nint v = 2;\n#else\nint v = 1;\n#endif\n",
        );
        let stamp = |name: &str, seconds: u64| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::options().append(true).open(site.path(name)).unwrap().set_modified(time).unwrap();
        };
        for (one, two) in [(1000, 1000), (1000, 2000), (3000, 3000), (1000, 2000)] {
            stamp("one/x.h", one);
            stamp("two/x.h", two);
            site.compile(cc, &OBJECT);
            site.compile(cc, &OBJECT);
        }
        site.remove("two/x.h").link("../one/x.h", "two/x.h");
        site.compile(cc, &OBJECT);
        site.compile(cc, &OBJECT);
        site.remove("two/x.h").write("two/x.h", twin);
        site.compile(cc, &OBJECT);
        site.remove("two/x.h");
        fs::hard_link(site.path("one/x.h"), site.path("two/x.h")).unwrap();
        site.compile(cc, &OBJECT);
        site.compile(cc, &OBJECT);
    });
}

/// Two names of one header under `#pragma once` are common (a directory of links), and are cached.
#[test]
fn links_to_a_header_under_pragma_once_are_cached() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        fs::create_dir(site.path("inc")).unwrap();
        site.write("src/x.h", "#pragma once\nenum { X };\n")
            .link("../src/x.h", "inc/x.h")
            .write("a.c", "#include <x.h>\n#include \"src/x.h\"\nint v = X;\n");
        site.is_cached(cc, &object(&["-Iinc"]));
    });
}

/// `#pragma GCC dependency` compares the times of two files.
#[test]
fn dependency_pragma_compares_times() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("grammar.y", "x\n").write("a.c", "#pragma GCC dependency \"grammar.y\"\nint x;\n");
    let stamp = |seconds: u64| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().append(true).open(site.path("grammar.y")).unwrap().set_modified(time).unwrap();
    };
    stamp(1000);
    site.compile("gcc", &OBJECT);
    site.compile("gcc", &OBJECT);
    stamp(4_000_000_000); // "current file is older than grammar.y"
    site.compile("gcc", &OBJECT);
    stamp(1000);
    site.compile("gcc", &OBJECT);
}

/// gcc drops a directory that is another one by another name, and takes its headers for the system's where that one is.
#[test]
fn include_directory_becomes_another_one() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.c", "#include <value.h>\nint v(void) { return VALUE; }\n")
            .write("one/value.h", "#warning here\n#define VALUE 1\n")
            .write("real/other.h", "");
        site.link("real", "system");
        let args = object(&["-Ione", "-isystem", "system"]);
        site.compile(cc, &args);
        site.hits(cc, &args);
        site.remove("system").link("one", "system").compile(cc, &args);
    });
}

#[test]
fn input_from_a_pipe_or_a_device_is_not_taken_for_a_file() {
    for_each_compiler(|space, cc| {
        let mut site = valued(space);
        site.write("a.c", "int v(void) { return VALUE; }\n");
        for name in ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
            for value in 0..3 {
                site.input = define(value).into_bytes();
                let did = site.compile(cc, &object(&["-include", name]));
                assert!(did != Did::Hit, "{name} {value}");
            }
        }
        let through_a_link = object(&["-include", "in.h"]);
        site.link("/dev/stdin", "in.h");
        for value in 0..3 {
            site.input = define(value).into_bytes();
            assert!(site.compile(cc, &through_a_link) != Did::Hit, "through a link");
        }
    });
}

#[test]
fn header_is_a_fifo() {
    for_each_compiler(|space, cc| {
        let site = valued(space);
        Command::new("mkfifo").arg(site.path("value.h")).status().unwrap();
        let mut objects = Vec::new();
        for value in 0..2 {
            let pipe = site.path("value.h");
            let writer = std::thread::spawn(move || fs::write(pipe, define(value)));
            let (outcome, did) = site.through(cc, &object(&["-I."]));
            assert!(did != Did::Hit, "{did}");
            outcome.ok();
            writer.join().unwrap().unwrap();
            objects.push(fs::read(site.path("a.o")).unwrap());
        }
        assert_ne!(objects[0], objects[1]);
    });
}

#[test]
fn header_changes_its_kind() {
    for_each_compiler(|space, cc| {
        let site = valued(space);
        site.write("one/other.h", "").write("two/value.h", define(2));
        let args = object(&["-Ione", "-Itwo"]);
        site.is_cached(cc, &args);
        fs::create_dir(site.path("one/value.h")).unwrap();
        site.compile(cc, &args);
        site.compile(cc, &args);
        site.remove("one/value.h").write("one/value.h", define(1)).notices(cc, &args);
        site.remove("one/value.h").link("../two/value.h", "one/value.h").notices(cc, &args);
        site.write("two/value.h", define(5)).notices(cc, &args);
        site.remove("one/value.h").link("nowhere.h", "one/value.h").compile(cc, &args);
        site.write("one/nowhere.h", define(6)).notices(cc, &args);
    });
}

#[test]
fn headers_are_replaced_and_moved() {
    for_each_compiler(|space, cc| {
        let site = valued(space);
        site.write("v1/value.h", define(1)).write("v2/value.h", define(2)).link("v1", "inc");
        let args = object(&["-Iinc"]);
        site.is_cached(cc, &args);
        site.remove("inc").link("v2", "inc").notices(cc, &args);
        site.remove("inc").link("v1", "inc").hits(cc, &args);
        site.remove("inc").rename("v2", "inc").compile(cc, &args); // a directory moved into place, old itself
        site.write("new.h", define(3)).rename("new.h", "inc/value.h").notices(cc, &args);
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        site.write("inc/value.h", define(4));
        File::options().append(true).open(site.path("inc/value.h")).unwrap().set_modified(old).unwrap();
        site.notices(cc, &args);
        let (before, size) =
            (fs::metadata(site.path("inc/value.h")).unwrap().modified().unwrap(), define(4).len());
        assert_eq!(define(5).len(), size);
        site.write("inc/value.h", define(5));
        File::options().append(true).open(site.path("inc/value.h")).unwrap().set_modified(before).unwrap();
        site.notices(cc, &args);
    });
}

/// Edits faster than the file system's clock ticks.
#[test]
fn quick_edits() {
    let space = TestSpace::new();
    let site = valued(&space);
    let args = object(&["-Iinc", "-Imore"]);
    fs::create_dir(site.path("inc")).unwrap();
    for round in 0..12 {
        site.write("more/value.h", define(round % 3));
        if round % 2 == 0 {
            site.write("inc/value.h", define(7 + round % 3));
        } else {
            site.remove("inc/value.h");
        }
        site.compile("gcc", &args);
    }
}

#[test]
fn preprocessed_text_is_an_input() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write("a.i", "# 1 \"somewhere.c\"\nint v(void) { return 1; }\n").is_cached(cc, &["-c", "a.i"]);
        site.write("a.i", "# 1 \"somewhere.c\"\nint v(void) { return 2; }\n").notices(cc, &["-c", "a.i"]);
        site.write("a.ii", "int v() { return 1; }\n").is_cached(cc, &["-c", "a.ii", "-g"]);
        site.write("b.txt", "int v() { return 1; }\n").is_cached(cc, &["-x", "c", "-c", "b.txt"]);
        site.compile(cc, &["-x", "c++", "-c", "b.txt"]);
        site.compile(cc, &["-x", "c", "-x", "none", "-c", "a.ii"]);
        site.write("a.c", "int v(void) { return 3; }\n");
        site.is_cached(cc, &["-E", "a.c", "-o", "a.i"]);
        site.is_cached(cc, &["-S", "a.c", "-o", "a.s"]);
        site.is_cached(cc, &["-S", "a.c"]);
    });
}

#[test]
fn modules_are_not_cached() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("m.cc", "export module m;\nexport int f() { return 1; }\n");
    // Not held against g++: the second in which it was made is in a module.
    let (_, did) = site.through("g++", &["-std=c++20", "-fmodules-ts", "-c", "m.cc"]);
    assert_eq!(did, Did::Bypass("uncached-flag -fmodules-ts".into()));
    assert!(site.path("gcm.cache/m.gcm").exists() && site.path("m.o").exists());
    if has("clang++") {
        site.write("inc/module.modulemap", "module m { header \"m.h\" }\n")
            .write("inc/m.h", "int f(void);\n");
        site.write("a.c", "#include <m.h>\nint g(void) { return f(); }\n");
        let args = ["-c", "a.c", "-Iinc", "-fmodules", "-fmodules-cache-path=/nowhere/at/all"];
        let (_, did) = site.through("clang", &args);
        assert!(matches!(did, Did::Bypass(_)), "{did}");
    }
}

/// What is looked for under an output's own name, or was there before under it.
#[test]
fn source_that_looks_at_the_outputs() {
    for_each_compiler(|space, cc| {
        let site = Site::new(space, "ws");
        site.write(
            "a.c",
            "#if __has_include(\"a.d\")\nint v(void) { return 1; }\n#else\nint v(void) { return 0; }\n#endif\n",
        );
        let args = object(&["-MD"]);
        for _ in 0..2 {
            site.remove("a.d").compile(cc, &args);
            site.compile(cc, &args);
            site.compile(cc, &args);
        }
    });
}
