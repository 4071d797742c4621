//! A target directory may be anywhere: behind links, on another file system, spelled by detours. Whatever it is called, the second build
//! compiles nothing, makes what plain cargo makes, and leaves cargo content.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves, and say what they skip; nothing here runs in kiln"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_testkit::mounted::Mounted;
use kiln_testkit::{Outcome, Project, TestSpace, Toolchain, run, tree};
use kiln_tests::macros;
use kiln_tests::projects::manifest;
use kiln_tests::projects::outputs;

/// How a target directory is called.
struct Way {
    /// Where cargo is started.
    dir: PathBuf,
    /// What is added to the command line.
    args: Vec<OsString>,
    /// `CARGO_TARGET_DIR`.
    variable: Option<OsString>,
    /// Other variables.
    env: Vec<(&'static str, OsString)>,
    /// Where the target directory really is.
    real: PathBuf,
    /// Whether directories there tell their names by age: what lists one that was put back in another order is a miss once more.
    by_age: bool,
}

impl Way {
    fn of(project: &Project<'_>, real: impl Into<PathBuf>) -> Way {
        let dir = project.dir().to_owned();
        Way { dir, args: Vec::new(), variable: None, env: Vec::new(), real: real.into(), by_age: false }
    }

    fn by_variable(project: &Project<'_>, value: impl Into<OsString>, real: impl Into<PathBuf>) -> Way {
        Way { variable: Some(value.into()), ..Way::of(project, real) }
    }
}

const BUILD: &str = r#"
use std::path::PathBuf;
use std::process::Command;

fn succeeds(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn main() {
    println!("cargo::rerun-if-changed=c");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    std::fs::create_dir_all(out.join("deep/empty")).unwrap();
    let hidden = std::fs::read_to_string("hidden.txt").unwrap();
    std::fs::write(out.join("deep/made.rs"), format!("pub const MADE: &str = {:?};\n", hidden.trim())).unwrap();
    // By where it really is, as many scripts do it.
    let really = out.canonicalize().unwrap();
    std::fs::write(really.join("also.txt"), "also").unwrap();
    assert_eq!(std::fs::read_to_string(out.join("also.txt")).unwrap(), "also");
    std::fs::create_dir(out.join("gone")).unwrap();
    std::fs::write(out.join("gone/file"), "").unwrap();
    std::fs::remove_dir_all(out.join("gone")).unwrap();
    if cfg!(feature = "c") {
        succeeds(Command::new("cc").args(["-c", "-Ic", "c/x.c", "-o"]).arg(out.join("x.o")));
        succeeds(Command::new("ar").arg("crs").arg(out.join("libx.a")).arg(out.join("x.o")));
        println!("cargo::rustc-link-search=native={}", out.display());
        println!("cargo::rustc-link-lib=static=x");
    }
}
"#;

const LIBRARY: &str = r#"
include!(concat!(env!("OUT_DIR"), "/deep/made.rs"));
#[cfg(feature = "c")]
extern "C" {
    fn value() -> i32;
}
#[cfg(feature = "c")]
pub fn from_c() -> i32 { unsafe { value() } }
#[cfg(not(feature = "c"))]
pub fn from_c() -> i32 { 7 }
"#;

/// A program with a library, a proc macro that reads a file, and a build script that writes code and has C compiled. All in packages
/// for which cargo starts the compiler in the same directory, so that even that directory may be part of the target's name.
fn everything<'a>(space: &'a TestSpace, dir: &str) -> Project<'a> {
    let project = space.project(dir);
    let data = space.write("outside/data.txt", "data");
    let read = macros::call("read", &data);
    let c = if Toolchain::has("cc") { "\"c\"" } else { "" };
    project
        .write(
            "Cargo.toml",
            format!(
                "[workspace]\nmembers = [\"pm\"]\n\n{}pm = {{ path = \"pm\" }}\n\n[features]\ndefault = [{c}]\nc = []\n",
                manifest("app", "")
            ),
        )
        .write("pm/Cargo.toml", macros::MANIFEST)
        .write("pm/src/lib.rs", macros::source(&["read"]))
        .write("build.rs", BUILD)
        .write("hidden.txt", "hidden")
        .write("c/x.h", "#define VALUE 7\n")
        .write("c/x.c", "#include \"x.h\"\nint value(void) { return VALUE; }\n")
        .write("src/lib.rs", LIBRARY)
        .write(
            "src/main.rs",
            format!("fn main() {{\n    println!(\"{{}} {{}} {{}}\", app::MADE, app::from_c(), {read});\n}}\n"),
        );
    project
}

/// The ways in which cargo is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Wrapper,
    KilnCargo,
}

struct Builds<'a> {
    space: &'a TestSpace,
    way: &'a Way,
    cache: PathBuf,
}

impl Builds<'_> {
    fn command(&self, mode: Mode, args: &[&str]) -> Command {
        let mut command = match mode {
            Mode::Plain | Mode::Wrapper => self.space.command("cargo"),
            Mode::KilnCargo => self.space.kiln(&["cargo"]),
        };
        if mode == Mode::Wrapper {
            self.space.wrap(&mut command);
        }
        if mode != Mode::Plain {
            command.env("KILN_DIR", &self.cache);
        }
        command.args(args).args(&self.way.args).current_dir(&self.way.dir);
        command.env("CARGO_INCREMENTAL", "0"); // else no two builds are equal
        command.envs(self.way.variable.as_ref().map(|value| ("CARGO_TARGET_DIR", value)));
        command.envs(self.way.env.iter().map(|(name, value)| (name, value)));
        command
    }

    #[track_caller]
    fn build(&self, mode: Mode) -> Outcome {
        run(&mut self.command(mode, &["build", "-v"])).ok()
    }

    /// Empties the target directory, and leaves it where it is.
    fn clean(&self) {
        for entry in fs::read_dir(&self.way.real).into_iter().flatten().flatten() {
            let gone = match entry.file_type().unwrap().is_dir() {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
            gone.unwrap_or_else(|e| panic!("{:?}: {e}", entry.path()));
        }
    }

    fn counts(&self) -> (i64, i64, BTreeMap<String, i64>) {
        let mut command = self.space.kiln(&["stats", "--json"]);
        let stats = run(command.env("KILN_DIR", &self.cache)).ok().out();
        let stats = kiln_testkit::Stats::parse(&stats);
        (stats.hits, stats.misses, stats.bypasses)
    }
}

#[track_caller]
fn assert_right(space: &TestSpace, way: &Way) {
    let of = |cache: &str| Builds { space, way, cache: space.path(cache) };
    of("none").clean();
    of("none").build(Mode::Plain);
    let expected = outputs(&way.real);
    assert!(!expected.is_empty(), "nothing was built in {:?}", way.real);
    for (mode, cache) in [(Mode::Wrapper, "cache-of-wrapper"), (Mode::KilnCargo, "cache-of-cargo")] {
        let builds = of(cache);
        builds.clean();
        let first = builds.build(mode);
        let (_, misses, bypasses) = builds.counts();
        assert!(misses > 3, "{mode:?}: {misses} misses\n{first}");
        assert_eq!(bypasses, BTreeMap::new(), "{mode:?}, at first");
        let differences = tree::differences(&expected, &outputs(&way.real));
        assert!(differences.is_empty(), "{mode:?}, at first: {differences:?}");
        if way.by_age {
            builds.clean();
            builds.build(mode);
        }
        let (hits, misses, bypasses) = builds.counts();
        builds.clean();
        let again = builds.build(mode);
        let now = builds.counts();
        assert_eq!((now.1, &now.2), (misses, &bypasses), "{mode:?}: not all were hits\n{again}");
        assert!(now.0 > hits, "{mode:?}: no hits\n{again}");
        let differences = tree::differences(&expected, &outputs(&way.real));
        assert!(differences.is_empty(), "{mode:?}: {differences:?}");
        let fresh = builds.build(Mode::Plain).err();
        let work = |line: &str| line.starts_with("Dirty ") || line.starts_with("Compiling ");
        assert!(!fresh.lines().map(str::trim_start).any(work), "{mode:?}: not fresh\n{fresh}");
        assert!(fresh.contains("Fresh "), "{mode:?}: {fresh}");
        assert_eq!(run(&mut space.command(way.real.join("debug/app"))).ok().out(), "hidden 7 data\n");
    }
}

#[test]
fn a_link() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    let disk = space.path("disk");
    fs::create_dir(&disk).unwrap();
    symlink(&disk, project.path("target")).unwrap();
    assert_right(&space, &Way::of(&project, disk));
}

#[test]
fn a_relative_link_to_a_link() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    let disk = space.path("disk");
    fs::create_dir(&disk).unwrap();
    symlink("../again", project.path("target")).unwrap();
    symlink("disk", space.path("again")).unwrap();
    assert_right(&space, &Way::of(&project, disk));
}

#[test]
fn a_link_in_the_middle() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    let disk = space.path("disk");
    fs::create_dir_all(disk.join("a")).unwrap();
    symlink(&disk, space.path("middle")).unwrap();
    let called = space.path("middle/a/target");
    assert_right(&space, &Way::by_variable(&project, called, disk.join("a/target")));
}

#[test]
fn a_link_to_another_file_system() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    let shm = Path::new("/dev/shm");
    if !shm.is_dir() {
        eprintln!("SKIPPED: no /dev/shm here");
        return;
    }
    let memory = TestSpace::inside(shm);
    let disk = memory.path("disk");
    fs::create_dir(&disk).unwrap();
    symlink(&disk, project.path("target")).unwrap();
    assert_right(&space, &Way { by_age: true, ..Way::of(&project, disk) });
}

#[test]
fn dots_in_the_variable() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    assert_right(&space, &Way::by_variable(&project, "../out", space.path("out")));
}

#[test]
fn dots_in_the_configuration() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    project.write(".cargo/config.toml", "[build]\ntarget-dir = \"../out/./here\"\n");
    assert_right(&space, &Way::of(&project, space.path("out/here")));
}

#[test]
fn dots_in_an_argument() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    let args = vec!["--target-dir".into(), "pm/../../out".into()];
    assert_right(&space, &Way { args, ..Way::of(&project, space.path("out")) });
}

/// `..` behind a link leads above where that leads, not above the link.
#[test]
fn dots_behind_a_link() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    fs::create_dir_all(space.path("disk/deep")).unwrap();
    symlink(space.path("disk/deep"), project.path("link")).unwrap();
    assert_right(&space, &Way::by_variable(&project, "link/../out", space.path("disk/out")));
}

/// (Without C: what a compiler calls so is no file to kiln.)
#[test]
fn by_the_directory_of_the_process() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    let way = Way::by_variable(&project, "/proc/self/cwd/out", project.path("out"));
    assert_right(&space, &Way { args: vec!["--no-default-features".into()], ..way });
}

#[test]
fn a_checkout_entered_through_a_link() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    let link = space.path("entry");
    symlink(project.dir(), &link).unwrap();
    let env = vec![("PWD", link.clone().into_os_string())];
    assert_right(&space, &Way { dir: link.clone(), env: env.clone(), ..Way::of(&project, project.target()) });
    let manifest = vec!["--manifest-path".into(), link.join("Cargo.toml").into_os_string()];
    assert_right(
        &space,
        &Way { dir: space.root().to_owned(), args: manifest, ..Way::of(&project, project.target()) },
    );
}

#[test]
fn mounted() {
    let space = TestSpace::new();
    let project = everything(&space, "ws");
    fs::create_dir(space.path("disk")).unwrap();
    if let Some(bound) = Mounted::bound(&space.path("disk")) {
        assert_right(&space, &Way::by_variable(&project, bound.path(), bound.path()));
    }
    if let Some(over) = Mounted::over(&space.path("disk")) {
        fs::remove_dir_all(space.path("cache-of-wrapper")).unwrap();
        fs::remove_dir_all(space.path("cache-of-cargo")).unwrap();
        symlink(over.path().join("x"), project.path("target")).unwrap();
        fs::create_dir(over.path().join("x")).unwrap();
        assert_right(&space, &Way::of(&project, over.path().join("x")));
    }
}

/// The same name for another place is another target, whose content counts.
#[test]
fn a_link_that_leads_elsewhere() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let target = project.path("target");
    project
        .write(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"pm\"]\n\n{}pm = {{ path = \"pm\" }}\n", manifest("app", "")),
        )
        .write("pm/Cargo.toml", macros::MANIFEST)
        .write("pm/src/lib.rs", macros::source(&["canonical", "read"]))
        .write(
            "src/main.rs",
            format!(
                "fn main() {{\n    println!(\"{{}} {{}}\", {}, {});\n}}\n",
                macros::call("canonical", &target),
                macros::call("read", target.join("data"))
            ),
        );
    for mode in [Mode::Wrapper, Mode::KilnCargo] {
        for (disk, data) in [("one", "1"), ("two", "1"), ("two", "2"), ("one", "1"), ("two", "3")] {
            let real = space.path(disk);
            let way = Way::of(&project, real.clone());
            let builds = Builds { space: &space, way: &way, cache: space.path(format!("cache-{mode:?}")) };
            fs::create_dir_all(&real).unwrap();
            let _ = fs::remove_file(&target);
            symlink(&real, &target).unwrap();
            builds.clean();
            fs::write(real.join("data"), data).unwrap();
            builds.build(mode);
            let printed = run(&mut space.command(real.join("debug/app"))).ok().out();
            assert_eq!(printed, format!("Ok({real:?}) {data}\n"), "{mode:?}");
        }
    }
}

/// A directory of dependencies behind a link, and the place where it really is on the same command line, for a library.
#[test]
fn a_place_that_is_named_itself() {
    for way in ["native=one/deps", "native=two/../one/deps", "native=other/deps"] {
        names_it_itself(way);
    }
}

#[track_caller]
fn names_it_itself(way: &str) {
    let space = TestSpace::new();
    let project = space.project("w");
    project.write("x.rs", "extern \"C\" {\n    pub fn given() -> i32;\n}\n");
    for disk in ["one", "two"] {
        let archive = kiln_tests::native::archive(&space, "given", 1);
        space.write(format!("{disk}/deps/libgiven.a"), archive);
    }
    let lead = |disk: &str| {
        let _ = fs::remove_file(space.path("link"));
        symlink(space.path(disk), space.path("link")).unwrap();
    };
    let search = ["dependency=link/deps", way].map(|place| {
        let (kind, place) = place.split_once('=').unwrap();
        format!("{kind}={}", space.path(place).display())
    });
    let mut args =
        vec!["--crate-type=lib", "--emit=dep-info,metadata,link", "--error-format=json", "--out-dir=out"];
    args.extend(["-L", &search[0], "-L", &search[1], "-lstatic=given", "x.rs"]);
    let agrees = || {
        let made = |mut command: Command| {
            let _ = fs::remove_dir_all(project.path("out"));
            fs::create_dir(project.path("out")).unwrap();
            run(&mut command).ok();
            tree::outputs(&project.path("out"))
        };
        let differences = tree::differences(&made(project.plain_rustc(&args)), &made(project.rustc(&args)));
        assert!(differences.is_empty(), "{differences:?}");
    };
    symlink("one", space.path("other")).unwrap();
    lead("one");
    agrees();
    agrees();
    assert!(space.stats().hits > 0);
    lead("two");
    space.write("one/deps/libgiven.a", kiln_tests::native::archive(&space, "given", 2));
    agrees();
}
