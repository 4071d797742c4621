//! Whole C projects built through kiln by make, CMake, meson, a `configure` and cargo: cold, warm, in another directory and
//! after an edit their objects are those of the bare compilers, and what they make of themselves works.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs;

use kiln_testkit::{Stats, TestSpace, run};
use kiln_tests::c::has;
use kiln_tests::c::projects::{Build, package, small};

/// Nothing was compiled again.
#[track_caller]
fn all_hits(done: &Stats, at_least: i64) {
    assert!(done.misses == 0 && done.hits >= at_least && done.errors == 0, "{done:?}");
}

const PRINTS: &str = "test \"$(./prog)\" = 15";

#[test]
fn with_make() {
    let space = TestSpace::new();
    let sources = small(&space);
    let makefile = "CFLAGS = -O1 -Wall -Iinclude -MMD -MP\nCXXFLAGS = $(CFLAGS)\nOBJ = src/main.o src/util.o src/twice.o\n\
                    prog: $(OBJ)\n\t$(CXX) -o $@ $(OBJ)\n-include $(OBJ:.o=.d)\n";
    space.write("home/small/Makefile", makefile);
    let build = Build {
        sources: &sources,
        script: "make -j2",
        again: "make -j2",
        header: "include/util.h",
        check: PRINTS,
    };
    let [warm, elsewhere] = build.holds(&space);
    all_hits(&warm, 3);
    all_hits(&elsewhere, 3);
}

/// A recursive make with absolute paths, debug information and rules for make in a directory of their own.
#[test]
fn with_make_and_absolute_paths() {
    let space = TestSpace::new();
    let sources = small(&space);
    let makefile = "TOP := $(CURDIR)\nall:\n\t@mkdir -p obj deps\n\t$(MAKE) -C obj -f ../rules.mk TOP=$(TOP) prog\n\tcp obj/prog .\n";
    let rules = "CFLAGS = -g -O1 -I$(TOP)/include\nCXXFLAGS = $(CFLAGS)\nOBJ = main.o util.o twice.o\n\
                 prog: $(OBJ)\n\t$(CXX) -o $@ $(OBJ)\n\
                 %.o: $(TOP)/src/%.c\n\t$(CC) $(CFLAGS) -Wp,-MD,../deps/$*.d -c -o $@ $<\n\
                 %.o: $(TOP)/src/%.cc\n\t$(CXX) $(CXXFLAGS) -MD -MF ../deps/$*.d -MT $@ -c -o $@ $<\n-include ../deps/*.d\n";
    space.write("home/small/Makefile", makefile);
    space.write("home/small/rules.mk", rules);
    let build = Build {
        sources: &sources,
        script: "make -j2",
        again: "make -j2",
        header: "include/util.h",
        check: PRINTS,
    };
    let [warm, _] = build.holds(&space);
    all_hits(&warm, 3);
}

/// In the manner of autotools: it asks the compiler many small things in files of one name, and writes a Makefile.
#[test]
fn with_a_configure() {
    let space = TestSpace::new();
    let sources = small(&space);
    let configure = r##"#!/bin/sh
set -e
CC=${CC-gcc}
$CC --version > config.log
try() { echo "$2" > conftest.c; if $CC -c conftest.c -o conftest.o >> config.log 2>&1; then echo "#define HAVE_$1 1"; else echo "/* #undef HAVE_$1 */"; fi; }
{
try STDIO_H '#include <stdio.h>'
try NOTHING_H '#include <nothing/at/all.h>'
try ALLOCA '#include <alloca.h>
int f(int n) { char *c = alloca(n); return c[0]; }'
echo 'int main(void) { return sizeof(long) == 8 ? 0 : 1; }' > conftest.c
if $CC conftest.c -o conftest && ./conftest; then echo '#define SIZEOF_LONG 8'; fi
} > config.h
rm -f conftest conftest.c conftest.o
cat > Makefile <<EOF
CC = $CC
OBJ = src/main.o src/util.o src/twice.o
prog: \$(OBJ)
	\$(CXX) -o \$@ \$(OBJ)
.c.o:
	\$(CC) -DHAVE_CONFIG_H -I. -include config.h -Iinclude -g -O1 -MT \$@ -MD -MP -MF \$*.d -c -o \$@ \$<
.cc.o:
	\$(CXX) -DHAVE_CONFIG_H -I. -include config.h -Iinclude -g -O1 -MT \$@ -MD -MP -MF \$*.d -c -o \$@ \$<
.SUFFIXES: .cc
-include src/*.d
EOF
"##;
    space.script("home/small/configure", configure);
    let script = "./configure && make -j2";
    let build =
        Build { sources: &sources, script, again: "make -j2", header: "include/util.h", check: PRINTS };
    let [warm, _] = build.holds(&space);
    all_hits(&warm, 5);
}

#[test]
fn with_cmake_and_ninja() {
    if !has("cmake") || !has("ninja") {
        return;
    }
    let space = TestSpace::new();
    let sources = small(&space);
    let lists = "cmake_minimum_required(VERSION 3.16)\nproject(small C CXX)\ninclude(CheckIncludeFile)\ncheck_include_file(stdio.h HAVE_STDIO)\n\
                 add_library(util STATIC src/util.c src/twice.cc)\ntarget_include_directories(util PUBLIC include)\n\
                 add_executable(prog src/main.c)\ntarget_link_libraries(prog util)\nset_target_properties(prog PROPERTIES LINKER_LANGUAGE CXX)\n";
    space.write("home/small/CMakeLists.txt", lists);
    let ninja =
        "cmake -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug > log && ninja -C build >> log && cp build/prog .";
    let make = "cmake -B build -DCMAKE_BUILD_TYPE=Release > log && cmake --build build -j2 >> log && cp build/prog .";
    for script in [ninja, make] {
        let build =
            Build { sources: &sources, script, again: script, header: "include/util.h", check: PRINTS };
        let [warm, _] = build.holds(&space);
        all_hits(&warm, 3);
        kiln_tests::c::remove(space.cache());
    }
}

#[test]
fn with_meson() {
    if !has("meson") || !has("ninja") {
        return;
    }
    let space = TestSpace::new();
    let sources = small(&space);
    let meson = "project('small', 'c', 'cpp', default_options: ['buildtype=debugoptimized'])\n\
                 inc = include_directories('include')\ncc = meson.get_compiler('c')\ncc.has_header('stdio.h')\ncc.sizeof('long')\n\
                 executable('prog', 'src/main.c', 'src/util.c', 'src/twice.cc', include_directories: inc)\n";
    space.write("home/small/meson.build", meson);
    // (named, or meson puts ccache in front where it is installed)
    let script = "CC=cc CXX=c++ meson setup build > log && ninja -C build >> log && cp build/prog .";
    let again = "ninja -C build >> log && cp build/prog .";
    let build = Build { sources: &sources, script, again, header: "include/util.h", check: PRINTS };
    let [warm, _] = build.holds(&space);
    all_hits(&warm, 3);
}

/// zlib with its own configure, Makefile and tests.
#[test]
fn zlib() {
    let Some(package) = package("libz-sys", "1.1.2") else { return };
    let space = TestSpace::new();
    let sources = package.join("src/zlib");
    let script = "chmod +x configure && CFLAGS='-O1 -fPIC -D_LARGEFILE64_SOURCE=1' ./configure --static > log && make -j2 static >> log";
    let again = "make -j2 static >> log";
    let build = Build {
        sources: &sources,
        script,
        again,
        header: "zutil.h",
        check: "make teststatic > tested && grep -q 'test OK' tested",
    };
    for done in build.holds(&space) {
        assert!(
            done.hits >= 15 && done.misses <= 9,
            "its configure tries nine sources of random names: {done:?}"
        );
    }
}

#[test]
fn zlib_with_cmake_and_ninja() {
    if !has("cmake") || !has("ninja") {
        return;
    }
    let Some(package) = package("libz-sys", "1.1.2") else { return };
    let space = TestSpace::new();
    let sources = package.join("src/zlib");
    let cmake =
        "cmake -S . -B build -G Ninja -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DCMAKE_C_FLAGS=-O0 > log 2>&1 && ";
    let script = format!("{cmake} ninja -C build >> log");
    let build = Build {
        sources: &sources,
        script: &script,
        again: "ninja -C build >> log",
        header: "zutil.h",
        check: "cd build && ctest > tested",
    };
    let [warm, elsewhere] = build.holds(&space);
    all_hits(&warm, 30);
    all_hits(&elsewhere, 30);
}

/// Lua by a plain loop, and a program in it run by what was restored.
#[test]
fn lua() {
    let Some(package) = package("lua-src", "547.1.0") else { return };
    let space = TestSpace::new();
    let sources = package.join("lua-5.4.7");
    let script =
        "for f in *.c; do ${CC-gcc} -O0 -g -std=gnu99 -DLUA_USE_LINUX -MMD -c $f; done; ar rcsD liblua.a *.o";
    let check = "printf '#include \"lua.h\"\\n#include \"lauxlib.h\"\\n#include \"lualib.h\"\\nint main(int n, char **v) { lua_State *l = luaL_newstate(); luaL_openlibs(l); return luaL_dostring(l, v[1]); }\\n' > /tmp/lua-main-$$.c; \
                 gcc -I. /tmp/lua-main-$$.c -o /tmp/lua-$$ liblua.a -lm -ldl; rm /tmp/lua-main-$$.c; \
                 /tmp/lua-$$ 'local t = {} for i = 1, 99 do t[i] = i * i end assert(#t == 99 and t[9] == 81 and (\"x\"):rep(3) == \"xxx\")'; rm /tmp/lua-$$";
    let build = Build { sources: &sources, script, again: script, header: "lobject.h", check };
    let [warm, _] = build.holds(&space);
    all_hits(&warm, 30);
}

#[test]
#[ignore = "minutes: sqlite's nine megabytes four times"]
fn sqlite() {
    let Some(package) = package("libsqlite3-sys", "0.38.2") else { return };
    let space = TestSpace::new();
    let sources = package.join("sqlite3");
    let script = "gcc -O0 -g -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS5 -MD -c sqlite3.c && gcc -O1 -c sqlite3.c -o optimised.o";
    let build = Build { sources: &sources, script, again: script, header: "sqlite3ext.h", check: "true" };
    let [warm, elsewhere] = build.holds(&space);
    all_hits(&warm, 2);
    assert!(elsewhere.hits >= 1, "{elsewhere:?}");
}

#[test]
#[ignore = "minutes: libgit2, some hundred files"]
fn libgit2() {
    let Some(package) = package("libgit2-sys", "0.12.26+1.3.0") else { return };
    if !has("cmake") || !has("ninja") {
        return;
    }
    let space = TestSpace::new();
    let sources = package.join("libgit2");
    let cmake = "cmake -S . -B build -G Ninja -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DBUILD_CLAR=OFF -DUSE_HTTPS=OFF -DUSE_SSH=OFF -DREGEX_BACKEND=builtin -DUSE_BUNDLED_ZLIB=ON -DCMAKE_C_FLAGS=-O0 > log 2>&1 && ninja -C build >> log";
    let build = Build {
        sources: &sources,
        script: cmake,
        again: "ninja -C build >> log",
        header: "src/common.h",
        check: "true",
    };
    let [warm, _] = build.holds(&space); // (it asks for debug information, which shows the directory)
    all_hits(&warm, 100);
}

/// A crate whose build script compiles C with the `cc` crate: restored in the second build and in another target directory.
#[test]
fn cargo_with_the_cc_crate() {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    let mut patches = String::new();
    for name in ["cc", "find-msvc-tools", "shlex"] {
        let version = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).map(|(_, rest)| rest);
        let Some(version) = version.and_then(|rest| rest.split('"').next()) else { return };
        let Some(path) = package(name, version) else { return };
        patches.push_str(&format!("{name} = {{ path = {:?} }}\n", path));
    }
    let space = TestSpace::new();
    let project = space.project("ws");
    project
        .write(
            "Cargo.toml",
            format!(
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\nbuild = \"build.rs\"\n[build-dependencies]\ncc = \"1\"\n\
                 [patch.crates-io]\n{patches}[workspace]\n"
            ),
        )
        .write(
            "build.rs",
            "fn main() {\n    println!(\"cargo:rerun-if-changed=c\");\n    cc::Build::new().file(\"c/one.c\").include(\"c\").warnings(true).compile(\"one\");\n    \
             cc::Build::new().cpp(true).file(\"c/two.cc\").include(\"c\").flag_if_supported(\"-Wno-unused\").compile(\"two\");\n}\n",
        )
        .write("c/value.h", "#define VALUE 20\n")
        .write("c/one.c", "#include \"value.h\"\nint one(void) { return VALUE; }\n")
        .write("c/two.cc", "#include \"value.h\"\n#include <string>\nextern \"C\" int two() { return int(std::string(VALUE, 'x').size()) + 1; }\n")
        .write("src/main.rs", "extern \"C\" { fn one() -> i32; fn two() -> i32; }\nfn main() { println!(\"{}\", unsafe { one() + two() }); }\n");
    let build = |target: &str| {
        let mut command = space.kiln(&["cargo", "build", "--offline"]);
        command.current_dir(project.dir()).env("CARGO_TARGET_DIR", space.path(target));
        let before = space.stats();
        let outcome = run(&mut command).ok();
        let printed = run(&mut space.command(space.path(target).join("debug/app"))).ok().out();
        (space.since(&before), printed, outcome)
    };
    let (_, printed, _) = build("target-a");
    assert_eq!(printed, "41\n");
    fs::remove_dir_all(space.path("target-a")).unwrap();
    let (done, printed, outcome) = build("target-a");
    assert_eq!(printed, "41\n");
    assert!(done.misses == 0 && done.hits >= 2, "{done:?}\n{outcome}");
    let (done, printed, outcome) = build("target-b");
    assert_eq!(printed, "41\n");
    // (the program itself is linked anew: the directory of its libraries is in rustc's arguments; and the build script runs again, whose
    // OUT_DIR is another: what it compiles are hits)
    assert!(done.misses <= 2 && done.hits >= 6, "another target directory: {done:?}\n{outcome}");
    project.write("c/value.h", "#define VALUE 30\n");
    let (_, printed, _) = build("target-a");
    assert_eq!(printed, "61\n");
}
