//! `kiln run` puts kiln before compilers where they are executed, and nowhere else: what is found and written down meanwhile is the
//! compiler, so that what was built goes on when kiln is gone, and nobody sees a difference but in time.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_testkit::{Outcome, Stats, TestSpace, binary, run};
use kiln_tests::c::has;

/// kiln in a place of its own, which can be taken away.
struct Own<'a> {
    space: &'a TestSpace,
}

impl<'a> Own<'a> {
    fn new(space: &'a TestSpace) -> Self {
        fs::create_dir(space.path("bin")).unwrap();
        for name in ["kiln", "kiln-cli"] {
            fs::copy(binary::kiln().with_file_name(name), space.path("bin").join(name)).unwrap();
        }
        Own { space }
    }

    /// `kiln run -- sh -c SCRIPT`, and what it did.
    #[track_caller]
    fn runs(&self, at: &Path, script: &str) -> Stats {
        let before = self.space.stats();
        let mut command = self.space.command(self.space.path("bin/kiln"));
        command.env("KILN_DIR", self.space.cache()).args(["run", "--", "sh", "-e", "-c", script]);
        run(command.current_dir(at)).ok();
        self.space.since(&before)
    }

    fn is_gone(&self) {
        fs::remove_dir_all(self.space.path("bin")).unwrap();
        fs::remove_dir_all(self.space.cache()).unwrap();
    }
}

fn plainly(space: &TestSpace, at: &Path, script: &str) -> Outcome {
    run(space.command("sh").args(["-e", "-c", script]).current_dir(at))
}

fn project(space: &TestSpace) -> PathBuf {
    space.write("p/value.h", "#define VALUE 1\n");
    space.write("p/value.c", "#include \"value.h\"\nint value(void) { return VALUE; }\n");
    space.write(
        "p/main.c",
        "#include <stdio.h>\nint value(void);\nint main(void) { printf(\"%d\\n\", value()); return 0; }\n",
    );
    space.path("p")
}

/// Nothing below a directory names that path.
#[track_caller]
fn names_nowhere(directory: &Path, named: &Path) {
    let named = named.to_str().unwrap().as_bytes();
    for file in kiln_testkit::tree::files(directory) {
        let bytes = fs::read(directory.join(&file)).unwrap();
        assert!(
            !bytes.windows(named.len()).any(|part| part == named),
            "{} is named in {file:?}",
            named.escape_ascii()
        );
    }
}

/// Built under kiln, twice; then kiln is deleted, and a source is edited.
#[track_caller]
fn outlives_kiln(space: &TestSpace, at: &Path, configure: &str, build: &str, tree: &str) {
    let kiln = Own::new(space);
    let first = kiln.runs(at, &format!("{configure} && {build}"));
    assert!(first.misses >= 2, "{first:?}");
    plainly(space, at, &format!("rm -rf {tree}")).ok();
    let again = kiln.runs(at, &format!("{configure} && {build}"));
    assert!(again.misses == 0 && again.hits >= 2, "{again:?}");
    for named in [space.cache().to_owned(), space.path("bin")] {
        names_nowhere(at, &named);
    }
    kiln.is_gone();
    fs::write(at.join("value.h"), "#define VALUE 2\n").unwrap();
    plainly(space, at, build).ok();
    assert_eq!(plainly(space, at, "./prog || ./build/prog").ok().out(), "2\n");
    plainly(space, at, &format!("{configure} && {build}")).ok();
}

#[test]
fn tree_of_configure_and_make_outlives_kiln() {
    let space = TestSpace::new();
    let at = project(&space);
    // as autoconf's do: the compiler is looked for along PATH and written down by its path
    space.script(
        "p/configure",
        "#!/bin/sh\nset -e\nCC=$(command -v gcc)\necho 'int main(void) { return 0; }' > conftest.c\n$CC conftest.c -o conftest && ./conftest\nrm conftest*\n\
         printf 'prog: main.o value.o\\n\\t%s -o $@ main.o value.o\\n.c.o:\\n\\t%s -MD -c $< -o $@\\n-include main.d value.d\\n' \"$CC\" \"$CC\" > Makefile\n",
    );
    outlives_kiln(&space, &at, "./configure", "make", "*.o *.d prog Makefile");
}

#[test]
fn tree_of_cmake_outlives_kiln() {
    if !has("cmake") || !has("ninja") {
        return;
    }
    for generator in ["Ninja", "'Unix Makefiles'"] {
        let space = TestSpace::new();
        let at = project(&space);
        space.write(
            "p/CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.16)\nproject(p C)\nadd_executable(prog main.c value.c)\n",
        );
        let configure = format!("cmake -B build -G {generator} > log");
        outlives_kiln(&space, &at, &configure, "cmake --build build > log", "build");
    }
}

#[test]
fn tree_of_meson_outlives_kiln() {
    if !has("meson") || !has("ninja") {
        return;
    }
    let space = TestSpace::new();
    let at = project(&space);
    space.write("p/meson.build", "project('p', 'c')\nexecutable('prog', 'main.c', 'value.c')\n");
    // (named, or meson puts ccache in front where it is installed)
    let configure = "test -d build || CC=cc meson setup build > log";
    outlives_kiln(&space, &at, configure, "ninja -C build > log", "build");
}

/// Each line by the bare compilers and under `kiln run`: both streams, the exit code and what is left.
#[test]
fn nothing_is_seen_of_it() {
    let space = TestSpace::new();
    let at = project(&space);
    space.write("p/bad.c", "int f(void) { return nothing; }\n#warning told\n");
    space.script("p/tools/gcc", "#!/bin/sh\nexec /usr/bin/gcc -DVALUE=7 \"$@\"\n");
    let gcc = fs::canonicalize("/usr/bin/gcc").unwrap();
    let mut lines = vec![
        "cc -c missing.c".to_owned(),
        "gcc -c bad.c".into(),
        "gcc -Wall -c bad.c -o o/nowhere/x.o".into(),
        "cc -fno-such-flag -c main.c".into(),
        "c++ -c main.c -lnothing -o l.o".into(),
        "cc main.c value.c -o prog && ./prog".into(),
        "cc -v -c main.c 2>&1 | grep -v /tmp/cc".into(),
        "/usr/bin/cc -c missing.c".into(),
        "cd .. && p/../../usr/bin/cc; ./p/tools/gcc -c missing.c".into(),
        "gcc --version; cc -dumpmachine; gcc -print-prog-name=cc1; cc".into(),
        "echo 'int main(void) { return 0; }' | gcc -xc - -c -o piped.o && rm piped.o".into(),
        "gcc -MD -MF d.d -c main.c -o d.o".into(),
        "tools/gcc -c value.c -o seven.o".into(),
        format!("{} -c missing.c", gcc.display()),
        format!("{} -c value.c -o versioned.o", gcc.display()),
        "command -v cc gcc c++; echo $PATH; env | grep -E '^(LD_|CC|CXX)'".into(),
        "nowhere/gcc -c main.c; echo $?; ./main.c".into(),
        "env -i PATH=\"$PATH\" sh -c 'gcc -c missing.c; exit 5'".into(),
        "(exec -a gcc-by-another-name gcc -c missing.c)".into(),
    ];
    if has("clang") {
        lines.extend(
            ["clang -c missing.c", "clang -c bad.c", "clang++ -lx -c main.c", "clang --version"]
                .map(str::to_owned),
        );
    }
    for line in lines {
        let words = ["-c", line.as_str()];
        let expected = run(space.command("bash").args(words).current_dir(&at));
        let should = made(&at);
        let got = run(space.kiln(&["run", "--", "bash"]).args(words).current_dir(&at));
        let own = |line: &&str| !line.starts_with("kiln: ");
        let printed: Vec<String> = got.err().lines().filter(own).map(str::to_owned).collect();
        assert_eq!((got.status, got.out()), (expected.status, expected.out()), "{line}");
        assert_eq!(printed, expected.err().lines().collect::<Vec<_>>(), "{line}");
        let differences = kiln_testkit::tree::differences(&should, &made(&at));
        assert!(differences.is_empty(), "{line}: {differences:?}");
    }
}

fn made(at: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = kiln_testkit::tree::files(at).into_iter();
    files.map(|file| (file.clone(), fs::read(at.join(file)).unwrap())).collect()
}

/// Compiles are found again however their compilers are reached.
#[test]
fn compilers_by_every_name_and_way() {
    let space = TestSpace::new();
    let at = project(&space);
    space.write("p/Makefile", "a.o: value.c\n\t@$(CC) -c $< -o $@\n");
    space.write(
        "p/build.py",
        "import subprocess\nsubprocess.run(['cc', '-c', 'value.c', '-o', 'p.o'], check=True)\n",
    );
    let gcc = fs::canonicalize("/usr/bin/gcc").unwrap();
    let compile = |compiler: &str, name: &str| format!("{compiler} -c value.c -o {name}.o");
    let mut lines: Vec<String> =
        [("cc", "a"), ("gcc", "b"), ("g++", "c"), ("c++", "d"), ("/usr/bin/gcc", "e")]
            .map(|(compiler, name)| compile(compiler, name))
            .into();
    lines.push(compile(gcc.file_name().unwrap().to_str().unwrap(), "f"));
    lines.push(compile(gcc.to_str().unwrap(), "g"));
    lines.push("make -s CC=gcc a.o".to_owned());
    space.script("p/front", "#!/bin/sh\nexec cc \"$@\"\n");
    lines.push("sh -c 'make -s CC=./front a.o; :'".to_owned());
    lines.extend(has("python3").then(|| "python3 build.py".to_owned()));
    lines.extend(
        has("perl").then(|| "perl -e 'exit system(\"cc\", \"-c\", \"value.c\", \"-o\", \"q.o\")'".to_owned()),
    );
    lines.extend(has("clang").then(|| compile("clang", "h")));
    if has("ninja") {
        space.write("p/build.ninja", "rule cc\n  command = cc -c $in -o $out\nbuild n.o: cc value.c\n");
        lines.push("ninja".to_owned());
    }
    for line in lines {
        let again = || {
            let before = space.stats();
            let line = format!("rm -f *.o; {line}");
            run(space.kiln(&["run", "--", "sh", "-e", "-c", &line]).current_dir(&at)).ok();
            space.since(&before)
        };
        again();
        let done = again();
        assert!(done.hits >= 1 && done.misses == 0, "{line}: {done:?}");
    }
    let before = space.stats();
    run(space.kiln(&["run", "--", "gcc", "-c", "value.c", "-o", "b.o"]).current_dir(&at)).ok();
    assert_eq!(space.since(&before).hits, 1, "the command itself");
}

/// Another cache in between starts the compiler when it has nothing.
#[test]
fn ccache_in_between() {
    if !has("ccache") {
        return;
    }
    let space = TestSpace::new();
    let at = project(&space);
    for _ in 0..3 {
        let mut command =
            space.kiln(&["run", "--", "sh", "-e", "-c", "rm -f v.o; ccache gcc -c value.c -o v.o; nm v.o"]);
        let outcome = run(command.env("CCACHE_DIR", space.path("ccache")).current_dir(&at)).ok();
        assert!(outcome.out().contains("T value"), "{outcome}");
    }
}

/// What the user loads into every program stays, and a program with an address sanitizer runs.
#[test]
fn libraries_that_the_user_preloads() {
    let space = TestSpace::new();
    let at = project(&space);
    space.write("p/loud.c", "#include <unistd.h>\n__attribute__((constructor)) static void loud(void) { write(2, \"loud\\n\", 5); }\n");
    plainly(&space, &at, "cc -shared -fPIC loud.c -o loud.so").ok();
    let script = "sh -c 'echo $LD_PRELOAD; cc -c value.c'";
    let with = |mut command: Command| {
        command.args(["-e", "-c", script]).env("LD_PRELOAD", at.join("loud.so")).current_dir(&at);
        run(&mut command).ok()
    };
    let expected = with(space.command("sh"));
    let louds = |outcome: &Outcome| outcome.err().lines().filter(|line| *line == "loud").count();
    let got = with(space.kiln(&["run", "--", "sh"]));
    assert_eq!(got.out(), expected.out());
    assert!(louds(&got) >= louds(&expected), "{got}");
    if plainly(&space, &at, "cc -fsanitize=address main.c value.c -o asan && ./asan").success() {
        let mut command = space.kiln(&["run", "--", "sh", "-e", "-c", "./asan"]);
        assert_eq!(run(command.current_dir(&at)).ok().out(), "1\n");
    }
}

#[test]
fn switched_off() {
    let space = TestSpace::new();
    let at = project(&space);
    for (name, value) in [("KILN_WIRE_C", "false"), ("KILN_OFF", "true")] {
        let mut command = space.kiln(&["run", "--", "cc", "-c", "value.c"]);
        let before = space.stats();
        run(command.env(name, value).current_dir(&at)).ok();
        let done = space.since(&before);
        assert!(done.hits + done.misses == 0, "{name}: {done:?}");
    }
}

/// A static program hides what it starts: that is built all the same, and said where it is the command itself.
#[test]
fn below_a_static_program() {
    let space = TestSpace::new();
    let at = project(&space);
    space
        .write("p/front.c", "#include <stdlib.h>\nint main(int n, char **v) { return system(v[1]) != 0; }\n");
    if !plainly(&space, &at, "cc -static front.c -o front").success() {
        return;
    }
    let mut inside = space.kiln(&["run", "--", "sh", "-e", "-c", "./front 'cc -c value.c'"]);
    let outcome = run(inside.current_dir(&at)).ok();
    assert!(at.join("value.o").exists() && outcome.err().is_empty(), "{outcome}");
    let mut itself = space.kiln(&["run", "--", "./front", "env; cc -c main.c"]);
    let outcome = run(itself.current_dir(&at)).ok();
    assert!(at.join("main.o").exists() && outcome.err().contains("C compilers are not wired"), "{outcome}");
    assert!(!outcome.out().contains("KILN_RECORD"), "{outcome}");
}
