//! The projects: how each is fetched, built and tested.
//!
//! Scripts run under `sh -e` in the directory of the sources. `$FLAGS` are the flags of the compile, `$LAUNCHER` is kiln where
//! it is wired as a launcher, and empty in a plain build.

/// A project.
pub struct Project {
    /// What it is called here.
    pub name: &'static str,
    /// Debian's source package.
    pub package: &'static str,
    /// What the directory that it unpacks to is called, before the version.
    pub folder: &'static str,
    /// Flags for the language's standard, of which one is drawn; it may be none.
    pub standards: &'static [&'static str],
    /// The ways to build it.
    pub ways: &'static [Way],
}

/// A way to build it.
pub struct Way {
    /// The build tool, in words.
    pub name: &'static str,
    /// How kiln comes in front of the compiler.
    pub wiring: Wiring,
    /// Prepares the build; what it tries out is no unit.
    pub configure: &'static str,
    /// Builds, and builds again after an edit.
    pub build: &'static str,
    /// Flags of the compile.
    pub flags: &'static str,
    /// The header that is edited, below the sources.
    pub header: &'static str,
    /// The project's own tests, or a part of them.
    pub tests: &'static str,
    /// Which these are, in words.
    pub tested: &'static str,
}

/// How kiln comes in front of the compiler.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// `kiln run --`.
    Run,
    /// `$LAUNCHER` in the scripts.
    Launcher,
}

/// All of them, the quickest first.
pub const ALL: &[Project] = &[LUA, ZLIB, FRIBIDI, JSONCPP, REDIS, CURL, SQLITE, GIT];

const C: &[&str] = &["", "-std=gnu11", "-std=gnu17"];
const CXX: &[&str] = &["", "-std=gnu++14", "-std=gnu++17"];

const LUA: Project = Project {
    name: "lua",
    package: "lua5.4",
    folder: "lua5.4",
    standards: C,
    ways: &[
        Way {
            name: "make, gcc",
            wiring: Wiring::Run,
            configure: "",
            build: "make -C src -j2 linux MYCFLAGS=\"$FLAGS -MMD\"",
            flags: "-O1 -g",
            header: "src/lobject.h",
            tests: LUA_TESTS,
            tested: "a program of its own",
        },
        Way {
            name: "make, clang",
            wiring: Wiring::Run,
            configure: "",
            build: "make -C src -j2 linux CC='clang -std=gnu99' MYCFLAGS=\"$FLAGS -MMD\"",
            flags: "-O1",
            header: "src/lobject.h",
            tests: LUA_TESTS,
            tested: "a program of its own",
        },
    ],
};

/// The package has no tests.
const LUA_TESTS: &str = "src/lua -e 'local t = {} for i = 1, 99 do t[i] = i * i end table.sort(t, function(a, b) return a > b end) \
    assert(#t == 99 and t[1] == 9801 and (\"x\"):rep(3) == \"xxx\" and load(\"return 6 * 7\")() == 42) \
    local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) assert(c() + c() + c() == 6)' \
    && src/luac -p -l - < /dev/null > /dev/null";

const ZLIB: Project = Project {
    name: "zlib",
    package: "zlib",
    folder: "zlib",
    standards: C,
    ways: &[
        Way {
            name: "configure, make",
            wiring: Wiring::Run,
            configure: "CFLAGS=\"$FLAGS -fPIC -D_LARGEFILE64_SOURCE=1\" ./configure",
            build: "make -j2 static shared",
            flags: "-O2",
            header: "zutil.h",
            tests: "make test",
            tested: "all (`make test`)",
        },
        Way {
            name: "CMake, Ninja, clang",
            wiring: Wiring::Launcher,
            // (Debian leaves the file for Windows out)
            configure: "mkdir -p win32 && touch win32/zlib1.rc && cmake -S . -B build -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_C_COMPILER_LAUNCHER=$LAUNCHER -DCMAKE_C_FLAGS=\"$FLAGS\"",
            build: "ninja -C build",
            flags: "-O1 -g",
            header: "zutil.h",
            tests: "cd build && ctest",
            tested: "all (`ctest`)",
        },
    ],
};

const FRIBIDI: Project = Project {
    name: "fribidi",
    package: "fribidi",
    folder: "fribidi",
    standards: C,
    ways: &[Way {
        name: "meson, Ninja",
        wiring: Wiring::Launcher,
        configure: "CC=\"$LAUNCHER cc\" CFLAGS=\"$FLAGS\" meson setup build -Ddocs=false --buildtype=debugoptimized",
        build: "ninja -C build",
        flags: "-fno-omit-frame-pointer",
        header: "lib/common.h",
        tests: "meson test -C build --no-rebuild",
        tested: "all (`meson test`)",
    }],
};

const JSONCPP: Project = Project {
    name: "jsoncpp (C++)",
    package: "libjsoncpp",
    folder: "libjsoncpp",
    standards: CXX,
    ways: &[
        Way {
            name: "meson, Ninja",
            wiring: Wiring::Launcher,
            configure: "CXX=\"$LAUNCHER c++\" CXXFLAGS=\"$FLAGS\" meson setup build --buildtype=plain",
            build: "ninja -C build",
            flags: "-O1 -g",
            header: "include/json/value.h",
            tests: "meson test -C build --no-rebuild",
            tested: "all (`meson test`)",
        },
        Way {
            name: "CMake, make, clang",
            wiring: Wiring::Launcher,
            // (it forces ccache into the launcher where it finds one)
            configure: "cmake -S . -B build -DCCACHE_EXECUTABLE= -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_COMPILER_LAUNCHER=$LAUNCHER -DCMAKE_CXX_FLAGS=\"$FLAGS\" -DJSONCPP_WITH_POST_BUILD_UNITTEST=OFF",
            build: "make -C build -j2",
            flags: "-O1",
            header: "include/json/value.h",
            tests: "cd build && bin/jsoncpp_test",
            tested: "its unit tests",
        },
    ],
};

const REDIS: Project = Project {
    name: "redis",
    package: "redis",
    folder: "redis",
    standards: C,
    ways: &[Way {
        name: "make",
        wiring: Wiring::Run,
        configure: "",
        // (the day goes into release.h)
        build: "SOURCE_DATE_EPOCH=1700000000 make -j2 OPTIMIZATION=\"$FLAGS\"",
        flags: "-O1",
        header: "src/server.h",
        tests: "./runtest --clients 2 --single unit/type/string --single unit/type/incr --single unit/type/hash --single unit/keyspace --single unit/scripting --single unit/expire",
        tested: "6 files of `runtest`",
    }],
};

const CURL: Project = Project {
    name: "curl",
    package: "curl",
    folder: "curl",
    standards: C,
    ways: &[
        Way {
            name: "CMake, Ninja",
            wiring: Wiring::Launcher,
            configure: "cmake -S . -B build -G Ninja -DCMAKE_C_COMPILER_LAUNCHER=$LAUNCHER -DCMAKE_C_FLAGS=\"$FLAGS\" -DCURL_USE_LIBSSH2=OFF -DBUILD_TESTING=OFF",
            build: "ninja -C build",
            flags: "-O1",
            header: "lib/urldata.h",
            tests: "build/src/curl --version && build/src/curl file://$PWD/README | cmp - README",
            tested: "the program once (a file)",
        },
        Way {
            name: "configure, libtool, make",
            wiring: Wiring::Run,
            configure: "chmod +x configure && CFLAGS=\"$FLAGS\" ./configure --with-openssl --without-libpsl --disable-ldap --disable-manual --disable-maintainer-mode",
            build: "make -j2 && make -j2 -C tests",
            flags: "-O0 -g",
            header: "lib/urldata.h",
            tests: "cd tests && ./runtests.pl -a -n -s '!1139' '!1140' '!1173' 1 to 60",
            tested: "1 to 60 of `runtests.pl`",
        },
    ],
};

const SQLITE: Project = Project {
    name: "sqlite",
    package: "sqlite3",
    folder: "sqlite3",
    standards: C,
    ways: &[Way {
        name: "configure, libtool, make",
        wiring: Wiring::Run,
        configure: "CFLAGS=\"$FLAGS\" ./configure --enable-fts5 --disable-readline --disable-amalgamation",
        // (programs are compiled and linked at once; the last is the amalgamation)
        build: "make -j2 libsqlite3.la testfixture fuzzcheck && make sqlite3.lo",
        flags: "-O0 -g",
        header: "src/btreeInt.h",
        tests: "./testfixture test/select1.test && ./testfixture test/insert.test && ./testfixture test/trigger1.test && ./testfixture test/join.test && ./testfixture test/wal.test && ./fuzzcheck --limit-mem 100M test/fuzzdata1.db",
        tested: "5 files of its test fixture, one of `fuzzcheck`",
    }],
};

const GIT: Project = Project {
    name: "git",
    package: "git",
    folder: "git",
    standards: C,
    ways: &[Way {
        name: "make",
        wiring: Wiring::Run,
        configure: "",
        build: "make -j2 CFLAGS=\"$FLAGS\" NO_GETTEXT=1 NO_CURL=1 NO_EXPAT=1 NO_PYTHON=1 NO_TCLTK=1",
        flags: "-O0 -g",
        header: "cache.h",
        tests: "cd t && for test in t0000*.sh t0001*.sh t0002*.sh t0003*.sh t0004*.sh t0005*.sh t0006*.sh t0008*.sh t1000*.sh t1001*.sh t1300*.sh t1400*.sh t3200*.sh t4000*.sh; do ./$test --quiet; done",
        tested: "t0000 to t0008, t1000, t1001, t1300, t1400, t3200, t4000",
    }],
};
