//! C that scripts compile goes through kiln whenever a script runs, and what is left behind works without kiln.

use std::fs;
use std::path::{Path, PathBuf};

use kiln_testkit::{Stats, TestSpace, binary, run};
use kiln_tests::c::has;

use super::app::{App, Way, app};
use super::c::{CALLS_C, c_app};

/// Three units of C, one of which includes the header that is edited; and what else a script may do to reach its compiler.
const THREE: &str = r#"
    println!("cargo:rerun-if-changed=c");
    let mut objects = Vec::new();
    for name in ["x", "y", "z"] {
        let (source, object) = (format!("c/{name}.c"), out().join(format!("{name}.o")));
        succeeds(Command::new("COMPILER").args(["-c", &source, "-o"]).arg(&object));
        objects.push(object);
    }
    let library = out().join("libx.a");
    let _ = fs::remove_file(&library);
    succeeds(Command::new("ar").arg("crs").arg(&library).args(&objects));
    println!("cargo:rustc-link-search=native={}", out().display());
    println!("cargo:rustc-link-lib=static=x");"#;

fn three<'a>(space: &'a TestSpace, compiler: &str) -> App<'a> {
    let app = c_app(space, &THREE.replace("COMPILER", compiler));
    app.project
        .write("c/x.c", "#include \"x.h\"\nint value(void) { return VALUE; }\n")
        .write("c/x.h", "#define VALUE 1\n")
        .write("c/y.c", "int y;\n")
        .write("c/z.c", "int z;\n");
    app
}

/// What happened to C in a build of what is there.
#[track_caller]
fn c_units(app: &App<'_>) -> (usize, usize) {
    let shown = || {
        let log = fs::read_to_string(app.space().cache().join("v1/events/current.jsonl")).unwrap_or_default();
        let units = log.lines().filter(|line| line.contains("\"kind\":\"c\""));
        let units: Vec<String> = units.map(str::to_owned).collect();
        let count = |outcome: &str| {
            units.iter().filter(|line| line.contains(&format!("\"outcome\":\"{outcome}\""))).count()
        };
        (count("hit"), count("miss"))
    };
    let before = shown();
    run(&mut app.kiln()).ok();
    let now = shown();
    (now.0 - before.0, now.1 - before.1)
}

#[track_caller]
fn goes_on(app: &App<'_>, anew: u32, what: &str) {
    let header = |value: u32| app.project.write("c/x.h", format!("#define VALUE {value}\n"));
    header(anew);
    assert_eq!(c_units(app), (2, 1), "{what}: a header was edited");
    assert_eq!(app.project.prints("debug/app"), format!("{anew}\n"), "{what}");
    header(1);
    assert_eq!(c_units(app), (3, 0), "{what}: and put back");
    assert_eq!(app.project.prints("debug/app"), "1\n", "{what}");
}

#[test]
fn script_that_runs_again_in_a_full_directory() {
    for way in [Way::Filled, Way::Asked] {
        let space = TestSpace::new();
        let mut app = three(&space, "cc");
        app.way = way;
        assert_eq!(c_units(&app), (0, 3));
        goes_on(&app, 2, "recorded first");
        app.project.clean();
        assert_eq!(c_units(&app).1, 0);
        goes_on(&app, 3, "restored first");
    }
}

/// Nothing has to stand in front of the script.
#[test]
fn script_without_a_launcher() {
    let space = TestSpace::new();
    let mut app = three(&space, "cc");
    app.way = Way::Filled;
    app.set("KILN_BUILD_SCRIPTS", "false");
    assert_eq!(c_units(&app), (0, 3));
    goes_on(&app, 2, "launchers are switched off");
    app.unset("KILN_BUILD_SCRIPTS");
    app.project.clean();
    app.project.plain(&["build"]).ok();
    goes_on(&app, 3, "plain cargo made the script");
}

#[test]
fn script_when_c_is_not_wired() {
    let space = TestSpace::new();
    let mut app = three(&space, "cc");
    app.way = Way::Filled;
    for (name, value) in [("KILN_WIRE_C", "false"), ("KILN_OFF", "true")] {
        app.set(name, value);
        app.project.clean();
        assert_eq!(c_units(&app), (0, 0), "{name}");
        app.write("c/x.h", "#define VALUE 1\n");
        assert_eq!(c_units(&app), (0, 0), "{name}");
        app.unset(name);
    }
}

/// Every kind of way from a script to its compiler: each compiles the same source, from the second run on a hit.
#[test]
fn through_others_and_by_every_name() {
    let space = TestSpace::new();
    let gcc = fs::canonicalize("/usr/bin/gcc").unwrap();
    let versioned = gcc.file_name().unwrap().to_str().unwrap();
    let mut lines: Vec<String> =
        ["cc", "c++", "/usr/bin/gcc", versioned, "tools/g++", "env cc", "sh -c 'cc \"$@\"' x"]
            .map(|compiler| format!("{compiler} -xc -c c/y.c -o $OUT_DIR/y.o"))
            .into();
    lines.push("make -s -C c -f y.mk".to_owned());
    lines.extend(has("clang").then(|| "clang -c c/y.c -o $OUT_DIR/y.o".to_owned()));
    lines.extend(has("python3").then(|| "python3 -c 'import os, subprocess; subprocess.check_call([\"cc\", \"-c\", \"c/y.c\", \"-o\", os.environ[\"OUT_DIR\"] + \"/y.o\"])'".to_owned()));
    let calls: String = lines
        .iter()
        .map(|line| format!("    succeeds(Command::new(\"sh\").args([\"-e\", \"-c\", {line:?}]));\n"))
        .collect();
    let body =
        format!("println!(\"cargo:rerun-if-changed=again\");\n{calls}tell(fs::read(\"again\").unwrap());");
    let mut app = app(&space, &body);
    app.way = Way::Filled;
    app.project
        .write("again", "1")
        .write("c/y.c", "int y;\n")
        .write("c/y.mk", "all:\n\t@sh -c '$(CC) -c y.c -o $(OUT_DIR)/y.o'\n");
    space.script("app/tools/g++", "#!/bin/sh\nexec g++ -DHERE \"$@\"\n");
    run(&mut app.kiln()).ok();
    app.write("again", "2");
    let (hits, misses) = c_units(&app);
    // (what a shell in front of the compiler asks at its start may keep that one from being kept)
    assert!(misses == 0 && hits + 1 >= lines.len(), "{hits}, {misses}: {lines:#?}");
    assert_eq!(app.project.prints("debug/app"), "2");
}

/// What a script finds is the compiler, and it says so where it writes it down.
#[test]
fn what_a_script_finds_along_the_path() {
    let space = TestSpace::new();
    let body = "tell(said(Command::new(\"sh\").args([\"-c\", \"command -v cc gcc c++; echo $PATH; env | grep -E '^(CC|CXX|LD_)'; gcc -c missing.c -o $OUT_DIR/m.o; cc -v 2>&1 | grep COLLECT_GCC=\"])));";
    let mut app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
    app.way = Way::Filled;
    app.hits(&app.plainly());
}

/// kiln in a place of its own, which can be taken away.
struct Own<'a> {
    app: App<'a>,
    bin: PathBuf,
}

impl<'a> Own<'a> {
    fn new(app: App<'a>) -> Self {
        let bin = app.space().path("bin");
        fs::create_dir(&bin).unwrap();
        for name in ["kiln", "kiln-cli"] {
            fs::copy(binary::kiln().with_file_name(name), bin.join(name)).unwrap();
        }
        Own { app, bin }
    }

    #[track_caller]
    fn builds(&self, prints: &str) -> Stats {
        let space = self.app.space();
        let before = space.stats();
        let mut command = space.command(self.bin.join("kiln"));
        command.env("KILN_DIR", space.cache()).args(["cargo", "build"]).current_dir(self.app.project.dir());
        run(&mut command).ok();
        assert_eq!(self.app.project.prints("debug/app"), prints);
        space.since(&before)
    }

    /// Its programs and its directory are deleted: plain cargo builds on, whatever is edited.
    #[track_caller]
    fn goes_on_without(&self, edit: &dyn Fn(u32)) {
        let space = self.app.space();
        fs::remove_dir_all(&self.bin).unwrap();
        fs::remove_dir_all(space.cache()).unwrap();
        for value in [5, 6] {
            edit(value);
            self.app.project.plain(&["build"]).ok();
            assert_eq!(self.app.project.prints("debug/app"), format!("{value}\n"));
        }
    }
}

/// Where kiln is does not count for what a script did.
#[test]
fn runs_are_found_again_when_kiln_has_moved() {
    let space = TestSpace::new();
    let mut own = Own::new(three(&space, "cc"));
    own.builds("1\n");
    let elsewhere = space.path("elsewhere");
    fs::rename(&own.bin, &elsewhere).unwrap();
    own.bin = elsewhere;
    own.app.project.clean();
    let before = own.app.events().len();
    own.builds("1\n");
    let runs = own.app.events().split_off(before);
    assert!(!runs.is_empty() && runs.iter().all(|line| line.contains("\"outcome\":\"hit\"")), "{runs:#?}");
}

#[test]
fn c_is_compiled_when_kiln_is_gone() {
    let space = TestSpace::new();
    let own = Own::new(three(&space, "cc"));
    own.builds("1\n");
    own.app.project.clean();
    own.builds("1\n");
    own.goes_on_without(&|value| own.app.write("c/x.h", format!("#define VALUE {value}\n")));
}

/// A CMake tree in `OUT_DIR`, as the cmake crate makes it, configured anew or not.
#[test]
fn tree_of_cmake_when_kiln_is_gone() {
    if !has("cmake") {
        return;
    }
    let space = TestSpace::new();
    let body = r#"
    println!("cargo:rerun-if-changed=c");
    let build = out().join("build");
    succeeds(Command::new("cmake").args(["-S", "c", "-B"]).arg(&build).stdout(Stdio::null()));
    succeeds(Command::new("cmake").arg("--build").arg(&build).stdout(Stdio::null()));
    println!("cargo:rustc-link-search=native={}", build.display());
    println!("cargo:rustc-link-lib=static=x");"#;
    let app = app(&space, body);
    let value = |app: &App<'_>, value: u32| app.write("c/x.h", format!("#define VALUE {value}\n"));
    app.project
        .write("src/main.rs", CALLS_C)
        .write(
            "c/CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.16)\nproject(x C)\nadd_library(x STATIC x.c)\n",
        )
        .write("c/x.c", "#include \"x.h\"\nint value(void) { return VALUE; }\n");
    value(&app, 1);
    let own = Own::new(app);
    let first = own.builds("1\n");
    assert!(first.misses >= 3, "rustc's two and C: {first:?}");
    value(&own.app, 2);
    own.builds("2\n");
    let target = own.app.project.target();
    for named in [space.cache().to_owned(), space.path("bin")] {
        names_nowhere(target, &named);
    }
    own.goes_on_without(&|it| value(&own.app, it));
}

/// No small text below the outputs of scripts has that path.
#[track_caller]
fn names_nowhere(target: &Path, named: &Path) {
    let named = named.to_str().unwrap();
    let texts =
        kiln_testkit::tree::files(target).into_iter().filter(|file| file.iter().any(|part| part == "out"));
    for file in texts {
        let text = fs::read(target.join(&file)).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(named), "{named} is named in {file:?}");
    }
}
