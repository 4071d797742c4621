//! Build scripts look at the world in every way there is and tell cargo of few: runs kept by `kiln cargo` are what plain cargo makes.
//!
//! Guards: a run that is found again although something it looked at is another, and one that is not found although nothing is.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_testkit::{Outcome, Project, TestSpace, Toolchain, binary, run};
use kiln_tests::native;
use kiln_tests::projects::workspace;

/// What every script here begins with.
const PRELUDE: &str = r##"#![allow(unused)]
use std::{env, fs, io::{self, Read, Write}, path::{Path, PathBuf}, process::{Command, Stdio}};
use std::os::unix::fs::PermissionsExt;

fn out() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").unwrap())
}

/// What the program is to print.
fn tell(seen: impl AsRef<[u8]>) {
    fs::write(out().join("seen"), seen).unwrap();
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    format!("{} {:?}", String::from_utf8_lossy(&text), output.status.code())
}

fn succeeds(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn main() {
"##;

const PRINTS: &str = "fn main() {\n    print!(\"{}\", String::from_utf8_lossy(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/seen\"))));\n}\n";

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

/// A package with a build script, and the environment that it is built in.
struct App<'a> {
    project: Project<'a>,
    env: Vec<(OsString, OsString)>,
    args: Vec<&'a str>,
    /// The program, if there is one.
    program: Option<&'a str>,
    way: Way,
}

/// How kiln is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Cargo asks for every unit and runs every script.
    Asked,
    /// `kiln cargo`, which may fill an empty target directory before cargo looks.
    Filled,
}

/// What came of a build.
#[derive(Debug)]
struct Built {
    outcome: Outcome,
    /// What was told of the runs of build scripts.
    runs: Vec<String>,
    made: Made,
}

/// What a build made, as far as build scripts matter.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    code: Option<i32>,
    prints: String,
    warnings: Vec<String>,
    /// What each script said, and all that it left in `OUT_DIR`: permissions and bytes.
    left: BTreeMap<PathBuf, (u32, String)>,
}

impl Built {
    /// How many runs were told to have ended so.
    fn told(&self, outcome: &str) -> usize {
        let word = format!("\"outcome\":\"{outcome}\"");
        self.runs.iter().filter(|line| line.contains(&word)).count()
    }
}

fn app<'a>(space: &'a TestSpace, script: &str) -> App<'a> {
    app_in(space, "app", script)
}

/// A package whose script is this, and whose program prints what the script tells.
fn app_in<'a>(space: &'a TestSpace, directory: impl AsRef<Path>, script: &str) -> App<'a> {
    let project = space.project(directory);
    project.write("Cargo.toml", MANIFEST).write("src/main.rs", PRINTS);
    let app =
        App { project, env: Vec::new(), args: vec!["build"], program: Some("debug/app"), way: Way::Asked };
    app.script(script);
    app
}

impl App<'_> {
    fn script(&self, body: &str) {
        self.project.write("build.rs", format!("{PRELUDE}{body}\n}}\n"));
    }

    fn write(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        self.project.write(relative, content);
    }

    fn remove(&self, relative: impl AsRef<Path>) {
        self.project.remove(relative);
    }

    fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.unset(&name);
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
    }

    fn unset(&mut self, name: impl AsRef<OsStr>) {
        self.env.retain(|(known, _)| known != name.as_ref());
    }

    fn space(&self) -> &TestSpace {
        self.project.space()
    }

    /// `kiln cargo …` as it would be started, or what comes to the same without filling.
    fn kiln(&self) -> Command {
        let mut command = match self.way {
            Way::Filled => self.space().kiln(&["cargo"]),
            Way::Asked => self.space().kiln(&["run", "--", "cargo"]),
        };
        if self.way == Way::Asked {
            let notes = self.space().path("notes");
            fs::create_dir_all(&notes).expect("mkdir");
            command.env("KILN_NOTES", notes);
        }
        command.args(&self.args).current_dir(self.project.dir());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// All that was told of runs of build scripts.
    fn events(&self) -> Vec<String> {
        let log = self.space().cache().join("v1/events/current.jsonl");
        let text = fs::read_to_string(log).unwrap_or_default();
        text.lines()
            .filter(|line| line.contains("\"kind\":\"build-script-run\""))
            .map(str::to_owned)
            .collect()
    }

    /// Built through kiln in what is there.
    #[track_caller]
    fn again(&self, command: &mut Command) -> Built {
        let before = self.events().len();
        let outcome = run(command);
        let runs = self.events().split_off(before);
        Built { made: self.made(&outcome), outcome, runs }
    }

    /// Built through kiln from an empty target directory.
    #[track_caller]
    fn build(&self) -> Built {
        self.project.clean();
        self.again(&mut self.kiln())
    }

    /// What plain cargo makes from an empty target directory.
    #[track_caller]
    fn plainly(&self) -> Made {
        self.project.clean().aside(|project| {
            let call = project.plain(&self.args);
            let call = self.env.iter().fold(call, |call, (name, value)| call.env(name, value));
            self.made(&call.run())
        })
    }

    #[track_caller]
    fn made(&self, outcome: &Outcome) -> Made {
        let prints = self.program.filter(|_| outcome.success()).map(|program| self.project.prints(program));
        Made {
            code: outcome.status.code(),
            prints: prints.unwrap_or_default(),
            warnings: outcome.diagnostics(),
            left: left(self.project.target()),
        }
    }

    /// What plain cargo makes and what is built through kiln are the same.
    #[track_caller]
    fn right(&self) -> Built {
        let expected = self.plainly();
        let built = self.build();
        assert!(built.outcome.success(), "{}", built.outcome);
        same(&built, &expected);
        built
    }

    /// Built once more from an empty target directory: what is there is `expected`, and no script ran.
    #[track_caller]
    fn hits(&self, expected: &Made) {
        let built = self.build();
        assert_eq!(&built.made, expected, "left: now, right: before; {:#?}", built.runs);
        let (hits, runs) = (built.told("hit"), built.runs.len());
        assert!(hits == runs && hits > 0, "all runs must be hits:\n{}", built.runs.join("\n"));
    }
}

#[track_caller]
fn same(built: &Built, expected: &Made) {
    let shown = || format!("{}\n{}", built.outcome, built.runs.join("\n"));
    assert_eq!(&built.made, expected, "left: built through kiln, right: by plain cargo\n{}", shown());
}

/// What each build script below a target directory said and left.
fn left(target: &Path) -> BTreeMap<PathBuf, (u32, String)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![target.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            let relative = path.strip_prefix(target).expect("below").to_owned();
            let of_run = directory.parent().is_some_and(|above| above.ends_with("build"));
            let is_said = of_run && ["output", "stderr"].map(OsString::from).contains(&entry.file_name());
            let is_out = relative.components().any(|part| part.as_os_str() == "out");
            if kind.is_dir() && !kind.is_symlink() {
                pending.push(path.clone());
            }
            if is_out || is_said {
                let mode = fs::symlink_metadata(&path).expect("metadata").permissions().mode();
                let content = match (kind.is_file(), kind.is_symlink()) {
                    (true, _) => fs::read(&path).expect("read").escape_ascii().to_string(),
                    (_, true) => format!("to {:?}", fs::read_link(&path).expect("a link")),
                    _ => String::new(),
                };
                found.insert(relative, (mode, content));
            }
        }
    }
    found
}

/// The same twice, then after an edit, then after the way back: always what plain cargo makes, and found again where nothing changed.
#[track_caller]
fn follows(app: &mut App<'_>, edit: impl FnOnce(&mut App<'_>), undo: impl FnOnce(&mut App<'_>)) {
    let first = app.right();
    app.hits(&first.made);
    edit(app);
    let other = app.right();
    assert_ne!(other.made, first.made, "an edit that does not matter proves nothing");
    undo(app);
    let back = app.right();
    assert_eq!(back.made, first.made, "left: after the way back");
    app.hits(&first.made);
}

/// The same where it is no loss if the run is not kept.
#[track_caller]
fn follows_at_least(app: &mut App<'_>, edit: impl FnOnce(&mut App<'_>), undo: impl FnOnce(&mut App<'_>)) {
    let first = app.right();
    assert_eq!(app.build().made, first.made);
    edit(app);
    let other = app.right();
    assert_ne!(other.made, first.made, "an edit that does not matter proves nothing");
    undo(app);
    assert_eq!(app.right().made, first.made);
}

/// Never found again, and always what plain cargo makes, as far as that is the same from run to run.
#[track_caller]
fn never_kept(app: &App<'_>, same_every_time: bool) {
    let expected = app.plainly();
    for _ in 0..3 {
        let built = app.build();
        if same_every_time {
            same(&built, &expected);
        }
        assert_eq!(built.made.code, expected.code, "{}", built.outcome);
        assert_eq!(built.told("hit"), 0, "must never be a hit:\n{}", built.runs.join("\n"));
        assert_eq!(built.told("miss"), 0, "must not be kept:\n{}", built.runs.join("\n"));
        assert!(!built.runs.is_empty(), "nothing is told of the run");
    }
}

fn executable(path: &Path, executable: bool) {
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// The tester's PATH behind these directories.
fn path_behind(directories: &[&Path]) -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = directories.iter().map(|path| (*path).to_owned()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).expect("a PATH")
}

// Variables.

#[test]
fn variable_by_name() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(format!(\"{:?}\", env::var_os(\"PROBE\")));");
    follows(&mut app, |app| app.set("PROBE", "one"), |app| app.unset("PROBE"));
    follows(&mut app, |app| app.set("PROBE", ""), |app| app.unset("PROBE"));
    follows(&mut app, |app| app.set("PROBE", OsStr::from_bytes(b"\xff")), |app| app.unset("PROBE"));
    app.set("PROBE", "one");
    follows(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
    app.set("OTHER", "nobody asks");
    let first = app.plainly();
    app.hits(&first);
}

/// Guards: a walk asks for no name; what is kiln's own and differs from build to build is in what is walked, too.
#[test]
fn variables_walked() {
    let space = TestSpace::new();
    let body = "let probe = |(name, _): &(String, String)| name.starts_with(\"PROBE\");\ntell(format!(\"{:?}\", env::vars().filter(probe).collect::<Vec<_>>()));";
    let mut app = app(&space, body);
    app.set("PROBE_A", "a");
    follows(&mut app, |app| app.set("PROBE_B", "b"), |app| app.unset("PROBE_B"));
}

#[test]
fn variables_walked_by_an_optimised_and_stripped_script() {
    for profile in [
        "opt-level = 3\n",
        "strip = true\n",
        "opt-level = 3\nstrip = true\n",
        "opt-level = \"s\"\ncodegen-units = 1\n",
    ] {
        let space = TestSpace::new();
        let body = "let mut found: Vec<_> = env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(\"PROBE\")).collect();\nfound.sort();\ntell(format!(\"{found:?}\"));";
        let mut app = app(&space, body);
        app.project.write("Cargo.toml", format!("{MANIFEST}\n[profile.dev.build-override]\n{profile}"));
        follows_at_least(&mut app, |app| app.set("PROBE_B", "b"), |app| app.unset("PROBE_B"));
    }
}

/// Guards: std's own walk is known by its symbols; a script can go through `environ` itself.
#[test]
fn variables_walked_through_environ() {
    let space = TestSpace::new();
    let body = r#"
    unsafe extern "C" {
        static environ: *const *const std::ffi::c_char;
    }
    let mut seen = Vec::new();
    unsafe {
        let mut at = environ;
        while !(*at).is_null() {
            let text = std::ffi::CStr::from_ptr(*at).to_string_lossy().into_owned();
            if text.starts_with("PROBE") {
                seen.push(text);
            }
            at = at.add(1);
        }
    }
    seen.sort();
    tell(format!("{seen:?}"));"#;
    let mut app = app(&space, body);
    follows_at_least(&mut app, |app| app.set("PROBE_B", "b"), |app| app.unset("PROBE_B"));
}

#[test]
fn variable_read_by_a_child() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(Command::new(\"printenv\").arg(\"PROBE\")));");
    app.set("PROBE", "one");
    follows(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
}

#[test]
fn variable_read_by_a_shell() {
    for body in [
        "tell(said(Command::new(\"sh\").args([\"-c\", \"echo $PROBE\"])));",
        "tell(said(Command::new(\"sh\").args([\"-c\", \"env | grep ^PROBE\"])));",
    ] {
        let space = TestSpace::new();
        let mut app = app(&space, body);
        app.set("PROBE", "one");
        follows(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
    }
}

/// Guards: names that begin like kiln's settings are left out of keys, but may be anybody's.
#[test]
fn variable_that_is_called_like_a_setting() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(format!(\"{:?}\", env::var_os(\"KILN_OVEN\")));");
    app.set("KILN_OVEN", "one");
    follows_at_least(&mut app, |app| app.set("KILN_OVEN", "two"), |app| app.set("KILN_OVEN", "one"));
}

/// Guards: std asks for it where a thread panics; a script may ask for it by itself.
#[test]
fn variable_that_says_how_a_crash_is_told() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(format!(\"{:?}\", env::var_os(\"RUST_BACKTRACE\")));");
    app.set("RUST_BACKTRACE", "0");
    follows_at_least(&mut app, |app| app.set("RUST_BACKTRACE", "1"), |app| app.set("RUST_BACKTRACE", "0"));
}

/// What a script sees of its environment is what plain cargo shows it, but for the wrapper and for kiln's own.
#[test]
fn environment_is_cargos() {
    let space = TestSpace::new();
    let body = "let mut names: Vec<_> = env::vars_os().map(|(name, _)| name.into_string().unwrap()).filter(|name| !name.starts_with(\"KILN_\") && name != \"RUSTC_WRAPPER\").collect();\nnames.sort();\ntell(names.join(\" \"));";
    let app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn number_of_jobs_does_not_matter() {
    let space = TestSpace::new();
    let body = "let asked = [\"NUM_JOBS\", \"CARGO_MAKEFLAGS\"].map(|name| env::var_os(name).is_some());\ntell(format!(\"{asked:?}\"));";
    let mut app = app(&space, body);
    let first = app.right();
    app.args = vec!["build", "-j1"];
    app.hits(&first.made);
    app.args = vec!["build", "-j7"];
    app.hits(&first.made);
}

#[test]
fn number_of_jobs_does_not_matter_to_a_walk_or_a_child() {
    for body in [
        "tell(format!(\"{}\", env::vars_os().filter(|(name, _)| name == \"PROBE\").count()));",
        "tell(said(Command::new(\"printenv\").arg(\"PROBE\")));",
    ] {
        let space = TestSpace::new();
        let mut app = app(&space, body);
        let first = app.right();
        app.args = vec!["build", "-j7"];
        app.hits(&first.made);
    }
}

#[test]
fn profile_and_features() {
    let space = TestSpace::new();
    let body = "tell([\"OPT_LEVEL\", \"DEBUG\", \"PROFILE\", \"CARGO_FEATURE_WARM\"].map(|name| format!(\"{:?} \", env::var(name).ok())).concat());";
    let mut app = app(&space, body);
    app.project.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\n"));
    follows(&mut app, |app| app.args = vec!["build", "--features", "warm"], |app| app.args = vec!["build"]);
    app.program = Some("release/app");
    app.args = vec!["build", "--release"];
    let release = app.right();
    app.hits(&release.made);
}

// Files.

/// The answer about a file outside follows its content.
#[track_caller]
fn follows_content(body: &str) {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
    follows(&mut app, |_| fs::write(&file, "other").unwrap(), |_| fs::write(&file, "one").unwrap());
}

#[test]
fn content_of_a_file() {
    follows_content("tell(fs::read(FILE).unwrap());");
}

#[test]
fn content_of_a_file_in_the_package() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(fs::read(\"data/file\").unwrap());");
    app.project.write("data/file", "one");
    follows(&mut app, |app| app.write("data/file", "two"), |app| app.write("data/file", "one"));
}

#[test]
fn content_of_a_file_after_a_change_of_directory() {
    let space = TestSpace::new();
    let mut app = app(&space, "env::set_current_dir(\"data\").unwrap();\ntell(fs::read(\"file\").unwrap());");
    app.project.write("data/file", "one");
    follows(&mut app, |app| app.write("data/file", "two"), |app| app.write("data/file", "one"));
}

#[test]
fn content_of_a_file_read_in_a_thread() {
    follows_content(
        "let seen = std::thread::spawn(|| fs::read(FILE).unwrap()).join().unwrap();\ntell(seen);",
    );
}

#[test]
fn content_through_cat() {
    follows_content("tell(said(Command::new(\"cat\").arg(FILE)));");
}

/// Guards: a child started without the environment loses the recorder with LD_PRELOAD.
#[test]
fn content_through_cat_with_an_empty_environment() {
    follows_content("tell(said(Command::new(\"/bin/cat\").arg(FILE).env_clear()));");
}

#[test]
fn content_through_a_shell() {
    follows_content("tell(said(Command::new(\"sh\").args([\"-c\", &format!(\"cat < {}\", FILE)])));");
}

#[test]
fn shell_script_of_the_package() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(&mut Command::new(\"./tools/generate.sh\")));");
    let script = app.project.path("tools/generate.sh");
    let write = |text: &str| {
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        fs::write(&script, text).unwrap();
        executable(&script, true);
    };
    write("#!/bin/sh\necho one\nif test -e more; then echo more; fi\n");
    follows(
        &mut app,
        |_| write("#!/bin/sh\necho two\nif test -e more; then echo more; fi\n"),
        |_| write("#!/bin/sh\necho one\nif test -e more; then echo more; fi\n"),
    );
    follows(&mut app, |app| app.write("more", ""), |app| app.remove("more"));
}

#[test]
fn copied_file() {
    follows_content("fs::copy(FILE, out().join(\"copied\")).unwrap();\ntell(\"copied\");");
    follows_content(
        "let mut from = fs::File::open(FILE).unwrap();\nio::copy(&mut from, &mut fs::File::create(out().join(\"copied\")).unwrap()).unwrap();\ntell(\"copied\");",
    );
}

#[test]
fn file_copied_by_cp() {
    follows_content(
        "succeeds(Command::new(\"cp\").arg(FILE).arg(out().join(\"copied\")));\ntell(\"copied\");",
    );
}

/// The answer about a file outside follows whether it may be run.
#[track_caller]
fn follows_permissions(body: &str) {
    let space = TestSpace::new();
    let file = space.write("outside/file", "#!/bin/sh\n");
    let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
    follows_at_least(&mut app, |_| executable(&file, true), |_| executable(&file, false));
}

/// Guards: `fs::copy` takes the permissions along, and asks for them through the open file.
#[test]
fn permissions_of_a_copied_file() {
    follows_permissions("fs::copy(FILE, out().join(\"copied\")).unwrap();\ntell(\"copied\");");
}

#[test]
fn permissions_of_a_file_copied_by_cp() {
    follows_permissions(
        "succeeds(Command::new(\"cp\").arg(FILE).arg(out().join(\"copied\")));\ntell(\"copied\");",
    );
}

/// Guards: the same, where the script itself asks the open file.
#[test]
fn permissions_asked_of_an_open_file() {
    follows_permissions(
        "let file = fs::File::open(FILE).unwrap();\ntell(format!(\"{:o}\", file.metadata().unwrap().permissions().mode()));",
    );
}

#[test]
fn permissions_and_size_of_a_file() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let mut app = app(
        &space,
        &format!(
            "let meta = fs::metadata({file:?}).unwrap();\ntell(format!(\"{{:o}} {{}}\", meta.permissions().mode(), meta.len()));"
        ),
    );
    follows(&mut app, |_| executable(&file, true), |_| executable(&file, false));
    follows_at_least(&mut app, |_| fs::write(&file, "longer").unwrap(), |_| fs::write(&file, "one").unwrap());
}

#[test]
fn absent_file_that_appears() {
    for body in [
        "tell(format!(\"{}\", Path::new(FILE).exists()));",
        "tell(format!(\"{:?}\", fs::read(FILE).ok()));",
        "tell(format!(\"{:?}\", Path::new(FILE).is_dir() || fs::symlink_metadata(FILE).is_ok()));",
    ] {
        let space = TestSpace::new();
        let file = space.path("file-to-come");
        let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
        follows(&mut app, |_| fs::write(&file, "there").unwrap(), |_| fs::remove_file(&file).unwrap());
    }
}

#[test]
fn absent_file_that_a_shell_tests_for() {
    let space = TestSpace::new();
    let file = space.path("file-to-come");
    let body =
        "tell(said(Command::new(\"sh\").args([\"-c\", &format!(\"test -e {} && echo there\", FILE)])));";
    let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
    follows(&mut app, |_| fs::write(&file, "there").unwrap(), |_| fs::remove_file(&file).unwrap());
}

#[test]
fn listing_of_a_directory() {
    let space = TestSpace::new();
    space.write("outside/dir/a", "a");
    let directory = space.path("outside/dir");
    let body = format!(
        "let mut names: Vec<_> = fs::read_dir({directory:?}).unwrap().map(|entry| entry.unwrap().file_name()).collect();\nnames.sort();\ntell(format!(\"{{names:?}}\"));"
    );
    let mut app = app(&space, &body);
    let new = directory.join("b");
    follows(&mut app, |_| fs::write(&new, "b").unwrap(), |_| fs::remove_file(&new).unwrap());
    follows(&mut app, |_| fs::create_dir(&new).unwrap(), |_| fs::remove_dir(&new).unwrap());
}

/// Guards: what a script that walks its package sees of `target`, of Cargo.lock and of itself.
#[test]
fn walk_of_the_package() {
    let space = TestSpace::new();
    let body = "let mut names: Vec<_> = fs::read_dir(\".\").unwrap().map(|entry| entry.unwrap().file_name()).collect();\nnames.sort();\ntell(format!(\"{names:?}\"));";
    let mut app = app(&space, body);
    app.plainly(); // makes Cargo.lock
    follows(&mut app, |app| app.write("new", ""), |app| app.remove("new"));
}

#[test]
fn symlink_aimed_elsewhere() {
    for body in [
        "tell(fs::read(LINK).unwrap());",
        "tell(fs::read_link(LINK).unwrap().as_os_str().as_encoded_bytes());",
        "tell(fs::canonicalize(LINK).unwrap().as_os_str().as_encoded_bytes());",
    ] {
        let space = TestSpace::new();
        let (one, two) = (space.write("outside/one", "1"), space.write("outside/two", "2"));
        let link = space.path("outside/link");
        symlink(&one, &link).unwrap();
        let mut app = app(&space, &body.replace("LINK", &format!("{:?}", link)));
        let aim = |at: &Path| fs::remove_file(&link).and_then(|()| symlink(at, &link)).unwrap();
        follows(&mut app, |_| aim(&two), |_| aim(&one));
    }
}

#[test]
fn script_itself_and_what_it_depends_on() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(helper::value());");
    let manifest = format!("{MANIFEST}\n[build-dependencies]\nhelper = {{ path = \"helper\" }}\n");
    let helper = MANIFEST.replace("app", "helper");
    app.project.write("Cargo.toml", manifest).write("helper/Cargo.toml", helper);
    let value = |app: &App<'_>, value: &str| {
        app.project
            .write("helper/src/lib.rs", format!("pub fn value() -> &'static str {{\n    {value:?}\n}}\n"));
    };
    value(&app, "one");
    follows(&mut app, |app| value(app, "two"), |app| value(app, "one"));
    follows(&mut app, |app| app.script("tell(\"itself\");"), |app| app.script("tell(helper::value());"));
}

#[test]
fn script_by_another_name() {
    for name in ["other.rs", "scripts/my-build.rs", "src/build/mod.rs"] {
        let space = TestSpace::new();
        let mut app = app(&space, "");
        app.project.remove("build.rs");
        app.project.write("Cargo.toml", format!("{MANIFEST}build = {name:?}\n"));
        app.project
            .write(name, format!("{PRELUDE}tell(fs::read(\"data\").unwrap());\n}}\n"))
            .write("data", "one");
        follows(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}

// Programs.

#[test]
fn program_that_is_found_earlier_on_path() {
    let space = TestSpace::new();
    fs::create_dir(space.path("bin1")).unwrap();
    space.script("bin2/oven", "#!/bin/sh\necho two\n");
    let mut app = app(&space, "tell(said(&mut Command::new(\"oven\")));");
    app.set("PATH", path_behind(&[&space.path("bin1"), &space.path("bin2")]));
    let first = space.path("bin1/oven");
    follows(
        &mut app,
        |_| drop(space.script("bin1/oven", "#!/bin/sh\necho one\n")),
        |_| fs::remove_file(&first).unwrap(),
    );
    app.set("PATH", path_behind(&[&space.path("bin2"), &space.path("bin1")]));
    assert!(app.right().made.prints.contains("two"));
}

/// Guards: no shell in between, which would ask for the whole environment.
#[test]
fn copy_of_a_known_tool_that_is_found_earlier_on_path() {
    let space = TestSpace::new();
    fs::create_dir(space.path("bin1")).unwrap();
    let mut app = app(&space, "tell(said(Command::new(\"ar\").arg(\"--version\")));");
    app.set("PATH", path_behind(&[&space.path("bin1")]));
    let other = space.path("bin1/ar");
    follows(
        &mut app,
        |_| drop(space.script("bin1/ar", "#!/bin/sh\necho other\n")),
        |_| fs::remove_file(&other).unwrap(),
    );
    app.set("PATH", path_behind(&[]));
    app.right();
}

#[test]
fn program_that_is_not_there_yet() {
    let space = TestSpace::new();
    fs::create_dir(space.path("bin1")).unwrap();
    let mut app = app(&space, "tell(format!(\"{}\", Command::new(\"oven\").output().is_ok()));");
    app.set("PATH", path_behind(&[&space.path("bin1")]));
    let program = space.path("bin1/oven");
    follows(
        &mut app,
        |_| drop(space.script("bin1/oven", "#!/bin/sh\necho one\n")),
        |_| fs::remove_file(&program).unwrap(),
    );
}

/// Guards: a program of the right name that may not be run is passed over.
#[test]
fn program_that_becomes_executable() {
    let space = TestSpace::new();
    let first = space.script("bin1/oven", "#!/bin/sh\necho one\n");
    executable(&first, false);
    space.script("bin2/oven", "#!/bin/sh\necho two\n");
    let mut app = app(&space, "tell(said(&mut Command::new(\"oven\")));");
    app.set("PATH", path_behind(&[&space.path("bin1"), &space.path("bin2")]));
    follows_at_least(&mut app, |_| executable(&first, true), |_| executable(&first, false));
}

/// Guards: a search in directories of PATH, but in another order than PATH has them.
#[test]
fn program_searched_for_in_another_order() {
    let space = TestSpace::new();
    let (one, two) = (space.path("bin1"), space.path("bin2"));
    space.script("bin1/oven", "#!/bin/sh\necho one\n");
    fs::create_dir(&two).unwrap();
    let body = format!("tell(said(Command::new(\"oven\").env(\"PATH\", {:?})));", path_behind(&[&two, &one]));
    let mut app = app(&space, &body);
    app.set("PATH", path_behind(&[&one, &two]));
    let second = space.path("bin2/oven");
    follows_at_least(
        &mut app,
        |_| drop(space.script("bin2/oven", "#!/bin/sh\necho two\n")),
        |_| fs::remove_file(&second).unwrap(),
    );
}

/// Guards: the same with no shell that would ask for more.
#[test]
fn program_searched_for_in_another_order_without_a_shell() {
    let space = TestSpace::new();
    let (one, two) = (space.path("bin1"), space.path("bin2"));
    for (directory, value) in [(&one, "one"), (&two, "two")] {
        fs::create_dir(directory).unwrap();
        let source = space.write(
            format!("{value}.c"),
            format!("#include <stdio.h>\nint main(void) {{ puts(\"{value}\"); return 0; }}\n"),
        );
        native::gcc(&["-o", directory.join("oven").to_str().unwrap(), source.to_str().unwrap()]);
    }
    let (second, away) = (two.join("oven"), space.path("away"));
    fs::rename(&second, &away).unwrap();
    let body = format!("tell(said(Command::new(\"oven\").env(\"PATH\", {:?})));", path_behind(&[&two, &one]));
    let mut app = app(&space, &body);
    app.set("PATH", path_behind(&[&one, &two]));
    follows_at_least(
        &mut app,
        |_| fs::rename(&away, &second).unwrap(),
        |_| fs::rename(&second, &away).unwrap(),
    );
}

#[test]
fn version_of_rustc() {
    for wrapped in [false, true] {
        let space = TestSpace::new();
        let call = match wrapped {
            true => {
                "let mut command = match env::var_os(\"RUSTC_WRAPPER\") {\n    Some(wrapper) => {\n        let mut command = Command::new(wrapper);\n        command.arg(env::var_os(\"RUSTC\").unwrap());\n        command\n    }\n    None => Command::new(env::var_os(\"RUSTC\").unwrap()),\n};\n"
            }
            false => "let mut command = Command::new(env::var_os(\"RUSTC\").unwrap());\n",
        };
        let mut app = app(&space, &format!("{call}tell(said(command.arg(\"--version\")));"));
        let first = app.right();
        assert!(first.made.prints.contains("rustc 1."), "{first:?}");
        app.hits(&first.made);
        let other = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo rustc 1.0.0 another; exit 0; fi\nexec REAL \"$@\"\n";
        let other = space.script("other/rustc", &other.replace("REAL", Toolchain::rustc().to_str().unwrap()));
        follows_at_least(&mut app, |app| app.set("RUSTC", &other), |app| app.unset("RUSTC"));
    }
}

/// What serde, anyhow and others do: a small compile whose success is the answer.
#[test]
fn compile_that_is_tried_out() {
    let space = TestSpace::new();
    let body = r#"
    let rustc = env::var_os("RUSTC").unwrap();
    let mut command = match env::var_os("RUSTC_WRAPPER") {
        Some(wrapper) => {
            let mut command = Command::new(wrapper);
            command.arg(rustc);
            command
        }
        None => Command::new(rustc),
    };
    command.args(["--edition=2021", "--crate-name=probe", "--crate-type=lib", "--emit=dep-info,metadata", "--cap-lints=allow"]);
    command.arg("--out-dir").arg(out()).arg("probe/probe.rs").stderr(Stdio::null());
    let works = command.status().unwrap().success();
    println!("cargo:rustc-check-cfg=cfg(works)");
    if works {
        println!("cargo:rustc-cfg=works");
    }
    tell(format!("{works}"));
    for entry in fs::read_dir(out()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("seen")) {
        fs::remove_file(entry).unwrap();
    }"#;
    let mut app = app(&space, body);
    let probe = |app: &App<'_>, text: &str| app.write("probe/probe.rs", text);
    probe(&app, "pub fn one() {}\n");
    follows(
        &mut app,
        |app| probe(app, "#![feature(nothing_of_the_kind)]\n"),
        |app| probe(app, "pub fn one() {}\n"),
    );
    probe(&app, "mod more;\n");
    follows(&mut app, |app| app.write("probe/more.rs", ""), |app| app.remove("probe/more.rs"));
    probe(&app, "#![feature(rustc_attrs)]\n");
    follows(&mut app, |app| app.set("RUSTC_BOOTSTRAP", "1"), |app| app.unset("RUSTC_BOOTSTRAP"));
}

// C.

const CC: &str = r#"
    let (object, library) = (out().join("x.o"), out().join("libx.a"));
    succeeds(Command::new("cc").args(["-c", "c/x.c", "-Ic/first", "-Ic/second", "-o"]).arg(&object));
    succeeds(Command::new("ar").arg("crs").arg(&library).arg(&object));
    println!("cargo:rustc-link-search=native={}", out().display());
    println!("cargo:rustc-link-lib=static=x");"#;

const CALLS_C: &str = "extern \"C\" {\n    fn value() -> i32;\n}\n\nfn main() {\n    println!(\"{}\", unsafe { value() });\n}\n";

fn c_app<'a>(space: &'a TestSpace, script: &str) -> App<'a> {
    let app = app(space, script);
    app.project
        .write("src/main.rs", CALLS_C)
        .write("c/x.c", "#include \"x.h\"\nint value(void) { return VALUE; }\n")
        .write("c/second/x.h", "#define VALUE 1\n");
    fs::create_dir_all(app.project.path("c/first")).unwrap();
    app
}

#[test]
fn header_that_changes() {
    let space = TestSpace::new();
    let mut app = c_app(&space, CC);
    let header = |app: &App<'_>, value: u32| {
        app.project.write("c/second/x.h", format!("#define VALUE {value}\n"));
    };
    follows(&mut app, |app| header(app, 2), |app| header(app, 1));
}

#[test]
fn header_that_shadows_another() {
    let space = TestSpace::new();
    let mut app = c_app(&space, CC);
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
}

#[test]
fn headers_without_kiln_in_front_of_cc() {
    let space = TestSpace::new();
    let mut app = c_app(&space, CC);
    app.set("KILN_WIRE_C", "false");
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
    app.unset("KILN_WIRE_C");
    app.right();
}

/// Guards: gcc by its path is not kiln's link.
#[test]
fn headers_with_gcc_by_its_path() {
    let space = TestSpace::new();
    let mut app = c_app(&space, &CC.replace("\"cc\"", "\"/usr/bin/gcc\""));
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
}

#[test]
fn header_in_a_directory_from_a_variable() {
    let space = TestSpace::new();
    let mut app = c_app(&space, CC);
    space.write("cpath/x.h", "#define VALUE 3\n");
    app.project.rename("c/second/x.h", "c/third/x.h");
    app.set("CPATH", app.project.path("c/third"));
    follows(
        &mut app,
        |app| app.set("CPATH", space.path("cpath")),
        |app| app.set("CPATH", app.project.path("c/third")),
    );
}

#[test]
fn header_in_a_directory_from_a_variable_with_gcc_by_its_path() {
    let space = TestSpace::new();
    let mut app = c_app(&space, &CC.replace("\"cc\"", "\"/usr/bin/gcc\""));
    space.write("cpath/x.h", "#define VALUE 3\n");
    app.project.rename("c/second/x.h", "c/third/x.h");
    app.set("CPATH", app.project.path("c/third"));
    follows(
        &mut app,
        |app| app.set("CPATH", space.path("cpath")),
        |app| app.set("CPATH", app.project.path("c/third")),
    );
}

/// Guards: what counts for nothing where C is compiled counts where it is linked.
#[test]
fn library_in_a_directory_from_a_variable() {
    library_in_a_directory_from_a_variable_by("cc");
}

#[test]
fn library_in_a_directory_from_a_variable_with_gcc_by_its_path() {
    library_in_a_directory_from_a_variable_by("/usr/bin/gcc");
}

#[track_caller]
fn library_in_a_directory_from_a_variable_by(compiler: &str) {
    let space = TestSpace::new();
    for (directory, value) in [("one", 1), ("two", 2)] {
        space.write(format!("{directory}/libx.a"), native::archive(&space, "value", value));
    }
    let body = "fs::write(out().join(\"m.c\"), \"int value(void); int main(void) { return value(); }\").unwrap();\nlet program = out().join(\"program\");\nsucceeds(Command::new(CC).arg(out().join(\"m.c\")).arg(\"-o\").arg(&program).arg(\"-lx\"));\ntell(\"linked\"); // what runs an unknown program hangs on all variables";
    let mut app = app(&space, &body.replace("CC", &format!("{compiler:?}")));
    app.set("LIBRARY_PATH", space.path("one"));
    follows_at_least(
        &mut app,
        |app| app.set("LIBRARY_PATH", space.path("two")),
        |app| app.set("LIBRARY_PATH", space.path("one")),
    );
}

/// Guards: debug information has the directory as PWD spells it.
#[test]
fn directory_by_another_name_in_debug_information() {
    directory_by_another_name_in_debug_information_by("cc");
}

#[test]
fn directory_by_another_name_in_debug_information_with_gcc_by_its_path() {
    directory_by_another_name_in_debug_information_by("/usr/bin/gcc");
}

#[track_caller]
fn directory_by_another_name_in_debug_information_by(compiler: &str) {
    let space = TestSpace::new();
    let script = CC.replace("\"-c\", ", "\"-g\", \"-c\", ").replace("\"cc\"", &format!("{compiler:?}"));
    let mut app = c_app(&space, &script);
    symlink(app.project.dir(), space.path("by-another-name")).unwrap();
    app.set("PWD", space.path("app"));
    follows_at_least(
        &mut app,
        |app| app.set("PWD", space.path("by-another-name")),
        |app| app.set("PWD", space.path("app")),
    );
}

#[test]
fn compile_in_another_directory() {
    let space = TestSpace::new();
    let script = CC
        .replace("\"c/x.c\", \"-Ic/first\", \"-Ic/second\"", "\"x.c\", \"-Ifirst\", \"-Isecond\"")
        .replace("Command::new(\"cc\")", "Command::new(\"cc\").current_dir(\"c\")");
    let mut app = c_app(&space, &script);
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
}

#[test]
fn header_that_the_script_makes() {
    let space = TestSpace::new();
    let made = "fs::create_dir(out().join(\"inc\")).unwrap();\nfs::write(out().join(\"inc/x.h\"), fs::read(\"c/value.txt\").unwrap()).unwrap();\n";
    let script = format!("{made}{}", CC.replace(".args([", ".arg(\"-I\").arg(out().join(\"inc\")).args(["));
    let mut app = c_app(&space, &script);
    app.project.remove("c/second/x.h").write("c/value.txt", "#define VALUE 1\n");
    follows(
        &mut app,
        |app| app.write("c/value.txt", "#define VALUE 2\n"),
        |app| app.write("c/value.txt", "#define VALUE 1\n"),
    );
}

/// Guards: what is compiled comes through a pipe, and is the script's doing.
#[test]
fn source_through_a_pipe() {
    let space = TestSpace::new();
    let script = CC.replace(
        "succeeds(Command::new(\"cc\").args([\"-c\", \"c/x.c\",",
        "let source = fs::read_to_string(\"c/x.c\").unwrap();\nlet mut cc = Command::new(\"cc\");\ncc.args([\"-xc\", \"-c\", \"-\",",
    );
    let script = script.replace(
        ".arg(&object));\n    succeeds",
        ".arg(&object).stdin(Stdio::piped());\nlet mut child = cc.spawn().unwrap();\nchild.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();\nassert!(child.wait().unwrap().success());\n    succeeds",
    );
    let mut app = c_app(&space, &script);
    follows(
        &mut app,
        |app| app.write("c/x.c", "int value(void) { return 7; }\n"),
        |app| app.write("c/x.c", "#include \"x.h\"\nint value(void) { return VALUE; }\n"),
    );
    follows(
        &mut app,
        |app| app.write("c/second/x.h", "#define VALUE 2\n"),
        |app| app.write("c/second/x.h", "#define VALUE 1\n"),
    );
}

/// Guards: the date is no file, however cc is reached.
#[test]
fn source_with_the_time_in_it() {
    for compiler in ["cc", "/usr/bin/gcc"] {
        let space = TestSpace::new();
        let app = c_app(&space, &CC.replace("\"cc\"", &format!("{compiler:?}")));
        app.project.write("c/x.c", "int value(void) { return __TIME__[0] == 'x'; }\n");
        never_kept(&app, false);
    }
}

/// What the cc crate does: flags that a compiler does not know are left out.
#[test]
fn flag_that_is_tried_out() {
    let space = TestSpace::new();
    let body = r#"
    let flags = fs::read_to_string("flags").unwrap();
    let mut known = String::new();
    for flag in flags.lines() {
        fs::write(out().join("flag_check.c"), "int main(void) { return 0; }").unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-O0", "-ffunction-sections", flag, "-o"]).arg(out().join("flag_check")).arg("-c").arg(out().join("flag_check.c"));
        let output = cc.output().unwrap();
        known.push_str(&format!("{flag}: {} {}\n", output.status.success(), String::from_utf8_lossy(&output.stderr).contains("unrecognized")));
    }
    tell(known);"#;
    let mut app = app(&space, body);
    let flags = |app: &App<'_>, text: &str| app.write("flags", text);
    flags(&app, "-Wall\n-fno-such-flag-at-all\n");
    let first = app.right();
    assert!(
        first.made.prints.contains("-Wall: true") && first.made.prints.contains("flag-at-all: false"),
        "{first:?}"
    );
    follows(&mut app, |app| flags(app, "-Wextra\n"), |app| flags(app, "-Wall\n-fno-such-flag-at-all\n"));
}

/// A compile that fails once, and whose header then appears.
#[test]
fn compile_that_fails_until_a_header_is_there() {
    for compiler in ["cc", "/usr/bin/gcc"] {
        let space = TestSpace::new();
        let body = "let works = Command::new(CC).args([\"-c\", \"c/x.c\", \"-Ic/first\", \"-o\"]).arg(out().join(\"x.o\")).stderr(Stdio::null()).status().unwrap().success();\nlet _ = fs::remove_file(out().join(\"x.o\"));\ntell(format!(\"{works}\"));";
        let mut app = app(&space, &body.replace("CC", &format!("{compiler:?}")));
        fs::create_dir_all(app.project.path("c/first")).unwrap();
        app.project.write("c/x.c", "#include \"x.h\"\n");
        follows(&mut app, |app| app.write("c/first/x.h", ""), |app| app.remove("c/first/x.h"));
    }
}

/// Guards: what kiln keeps of the nested compile must not hide that it was asked for in another record.
#[test]
fn nested_compile_that_is_a_hit_itself() {
    let space = TestSpace::new();
    let mut app = c_app(&space, &format!("let _ = fs::read(\"unrelated\");\n{CC}"));
    app.project.write("unrelated", "one");
    app.right();
    app.project.write("unrelated", "two"); // the run is a miss, its compile a hit
    follows(
        &mut app,
        |app| app.write("c/second/x.h", "#define VALUE 2\n"),
        |app| app.write("c/second/x.h", "#define VALUE 1\n"),
    );
}

/// Guards: cc links a program for the script, which runs it.
#[test]
fn program_that_the_script_makes_and_runs() {
    let space = TestSpace::new();
    let body = "let program = out().join(\"generate\");\nsucceeds(Command::new(\"cc\").arg(\"c/generate.c\").arg(\"-o\").arg(&program));\ntell(said(&mut Command::new(&program)));\nfs::remove_file(&program).unwrap();";
    let mut app = app(&space, body);
    let write = |app: &App<'_>, text: &str| {
        let source = format!("#include <stdio.h>\nint main(void) {{ puts({text:?}); return 0; }}\n");
        app.project.write("c/generate.c", source);
    };
    write(&app, "one");
    follows_at_least(&mut app, |app| write(app, "two"), |app| write(app, "one"));
}

// What a script makes.

#[test]
fn everything_in_out_dir() {
    let space = TestSpace::new();
    let body = r##"
    use std::os::unix::ffi::OsStrExt;
    let out = out();
    fs::create_dir_all(out.join("a/b/c")).unwrap();
    fs::create_dir_all(out.join("empty/inside")).unwrap();
    fs::write(out.join("a/b/c/deep.rs"), "pub const DEEP: u32 = 1;").unwrap();
    fs::write(out.join("nothing"), "").unwrap();
    fs::write(out.join("with space"), "s").unwrap();
    fs::write(out.join(".hidden"), "h").unwrap();
    fs::write(out.join(std::ffi::OsStr::from_bytes(b"bytes\xff\n")), "b").unwrap();
    fs::write(out.join("libx.rlib"), "not one").unwrap();
    fs::write(out.join("x.rmeta"), "neither").unwrap();
    fs::write(out.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(out.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(out.join("first"), "renamed").unwrap();
    fs::rename(out.join("first"), out.join("second")).unwrap();
    fs::create_dir(out.join("gone")).unwrap();
    fs::write(out.join("gone/file"), "x").unwrap();
    fs::remove_dir_all(out.join("gone")).unwrap();
    fs::create_dir(out.join("moved")).unwrap();
    fs::write(out.join("moved/file"), "x").unwrap();
    fs::rename(out.join("moved"), out.join("there")).unwrap();
    tell(out.display().to_string());"##;
    let app = app(&space, body);
    let first = app.right();
    let names = ["a/b/c/deep.rs", "empty/inside", "run.sh", "there/file", "libx.rlib"];
    let holds = |name: &&str| first.made.left.keys().any(|path| path.ends_with(name));
    assert!(names.iter().all(holds), "{:#?}", first.made.left);
    app.hits(&first.made);
    app.hits(&first.made);
}

/// Guards: what is restored is a file of its own; writing to it must not reach the cache.
#[test]
fn restored_files_are_the_projects_own() {
    let space = TestSpace::new();
    let app = app(&space, "fs::write(out().join(\"libx.rlib\"), \"as it was\").unwrap();\ntell(\"x\");");
    let first = app.right();
    for _ in 0..2 {
        let out = first.made.left.keys().find(|path| path.ends_with("libx.rlib")).unwrap();
        let mut file = fs::File::options().append(true).open(app.project.target().join(out)).unwrap();
        file.write_all(b" and more").unwrap();
        app.hits(&first.made);
    }
}

/// A file of these permissions in OUT_DIR has them after a hit, too.
#[track_caller]
fn keeps_permissions(mode: &str) {
    let space = TestSpace::new();
    let body = "fs::write(out().join(\"made\"), \"x\").unwrap();\nfs::set_permissions(out().join(\"made\"), fs::Permissions::from_mode(MODE)).unwrap();\ntell(\"x\");";
    let app = app(&space, &body.replace("MODE", mode));
    let expected = app.right();
    let built = app.build();
    assert_eq!(built.made, expected.made, "{mode}: {:#?}", built.runs);
}

#[test]
fn permissions_of_a_program_in_out_dir() {
    keeps_permissions("0o755");
}

#[test]
fn read_only_file_in_out_dir() {
    keeps_permissions("0o444");
}

#[test]
fn private_file_in_out_dir() {
    keeps_permissions("0o600");
}

#[test]
fn what_is_said() {
    let space = TestSpace::new();
    let body = r#"
    println!("cargo:rustc-cfg=warm");
    println!("cargo:rustc-check-cfg=cfg(warm)");
    println!("cargo:rustc-env=FROM_SCRIPT={}", fs::read_to_string("said").unwrap());
    println!("cargo:warning=the oven is {}", fs::read_to_string("said").unwrap());
    println!("cargo::rerun-if-changed=said");
    eprintln!("on stderr");
    print!("without an end");
    tell("x");"#;
    let mut app = app(&space, body);
    app.project.write("said", "hot").write(
        "src/main.rs",
        "fn main() {\n    println!(\"{} {}\", cfg!(warm), env!(\"FROM_SCRIPT\"));\n}\n",
    );
    follows(&mut app, |app| app.write("said", "cold"), |app| app.write("said", "hot"));
    let built = app.build();
    assert!(built.made.warnings.iter().any(|line| line.contains("the oven is hot")), "{}", built.outcome);
    assert!(built.made.left.values().any(|(_, text)| text.contains("on stderr")), "{:#?}", built.made.left);
    app.project.assert_fresh(&["build"]);
}

#[test]
fn very_much_is_said() {
    let space = TestSpace::new();
    let body = "for line in 0..20000 {\n    println!(\"{line} and this is what it says\");\n    if line % 100 == 0 {\n        eprintln!(\"{line}\");\n    }\n}\ntell(\"x\");";
    let app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn bytes_that_are_no_text_are_said() {
    let space = TestSpace::new();
    let app =
        app(&space, "io::stdout().write_all(b\"no \\xff text \\x00\\n\").unwrap();\ntell(b\"\\xff\\x00\");");
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn metadata_of_links() {
    let space = TestSpace::new();
    let mut app = app(&space, "");
    app.project.remove("build.rs").remove("src");
    app.project
        .write("Cargo.toml", workspace(&["low", "app"]))
        .write("low/Cargo.toml", format!("{}links = \"low\"\n", MANIFEST.replace("app", "low")))
        .write("low/build.rs", "fn main() {\n    println!(\"cargo:include={}\", std::fs::read_to_string(\"where\").unwrap());\n}\n")
        .write("low/where", "here")
        .write("low/src/lib.rs", "")
        .write("app/Cargo.toml", format!("{MANIFEST}\n[dependencies]\nlow = {{ path = \"../low\" }}\n"))
        .write("app/build.rs", format!("{PRELUDE}tell(env::var(\"DEP_LOW_INCLUDE\").unwrap());\n}}\n"))
        .write("app/src/main.rs", PRINTS);
    follows(&mut app, |app| app.write("low/where", "there"), |app| app.write("low/where", "here"));
    assert_eq!(app.build().told("hit"), 2);
}

#[test]
fn own_place_in_what_is_made() {
    let space = TestSpace::new();
    let body = "println!(\"cargo:rustc-env=PLACE={}\", env::current_dir().unwrap().display());\ntell(format!(\"{} {}\", env::var(\"CARGO_MANIFEST_DIR\").unwrap(), out().display()));";
    let one = app_in(&space, "one/app", body);
    let first = one.right();
    one.hits(&first.made);
    let mut two = App { project: one.project.copy_to("two/app"), ..app_in(&space, "other", body) };
    two.args = vec!["build"];
    let second = two.right();
    assert!(
        second.made.prints.contains("/two/app") && !second.made.prints.contains("/one/app"),
        "{second:?}"
    );
    two.hits(&second.made);
    one.hits(&first.made);
    // the same place, another target directory
    let mut elsewhere =
        App { project: one.project.with_target(space.path("elsewhere")), ..app_in(&space, "other", body) };
    elsewhere.set("CARGO_TARGET_DIR", space.path("elsewhere"));
    let third = elsewhere.right();
    assert!(third.made.prints.contains("elsewhere"), "{third:?}");
    elsewhere.hits(&third.made);
}

/// Guards: a place that was moved is another one, whatever is at the old one now.
#[test]
fn other_package_at_the_same_place() {
    let space = TestSpace::new();
    let app = app(&space, "tell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let first = app.right();
    app.project.clean();
    fs::rename(app.project.dir(), space.path("away")).unwrap();
    let other = app_in(&space, "app", "tell(fs::read(\"data\").unwrap());");
    other.project.write("data", "two");
    let second = other.right();
    assert_ne!(first.made.prints, second.made.prints);
}

/// (What rustc makes behind a link is not kept, so that nothing stands in for the script either.)
#[test]
fn target_directory_behind_a_link() {
    let space = TestSpace::new();
    let mut app =
        app(&space, "tell(format!(\"{} {}\", out().display(), fs::read_to_string(\"data\").unwrap()));");
    app.project.write("data", "one");
    fs::create_dir(space.path("real")).unwrap();
    symlink(space.path("real"), space.path("link")).unwrap();
    app.project = app.project.with_target(space.path("link/target"));
    app.set("CARGO_TARGET_DIR", space.path("link/target"));
    follows_at_least(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

#[test]
fn paths_with_spaces_and_bytes() {
    for name in [OsString::from("with space"), OsString::from_vec(b"bytes \xff \"quoted\"".to_vec())] {
        let space = TestSpace::new();
        let body = "println!(\"cargo:rustc-env=SEEN={}\", fs::read_to_string(\"data\").unwrap());\nfs::write(out().join(\"x\"), \"x\").unwrap();";
        let mut app = app_in(&space, Path::new(&name), body);
        app.project
            .write("data", "one")
            .write("src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"SEEN\"));\n}\n");
        let plain = app.plainly();
        if plain.code != Some(0) {
            assert_eq!(app.build().made.code, plain.code, "{name:?}");
            continue; // no place for cargo
        }
        follows(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}

#[test]
fn target_that_is_named() {
    let space = TestSpace::new();
    let program = format!("{}/debug/app", Toolchain::host());
    let body =
        "tell(format!(\"{} {}\", env::var(\"TARGET\").unwrap(), fs::read_to_string(\"data\").unwrap()));";
    let mut app = App {
        args: vec!["build", "--target", Toolchain::host()],
        program: Some(&program),
        ..app(&space, body)
    };
    app.write("data", "one");
    follows(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

#[test]
fn directory_that_appears_and_is_made_where_it_is_not() {
    let space = TestSpace::new();
    let app = app(&space, "fs::create_dir_all(\"made\").unwrap();\ntell(\"x\");");
    fs::create_dir(app.project.path("made")).unwrap();
    let first = app.right();
    assert_eq!(app.build().made, first.made);
    app.project.remove("made");
    app.build();
    assert!(app.project.path("made").is_dir(), "plain cargo's script makes it");
}

// What is never kept.

#[test]
fn time_is_never_kept() {
    let space = TestSpace::new();
    let app = app(&space, "tell(format!(\"{:?}\", std::time::SystemTime::now()));");
    never_kept(&app, false);
    let first = app.build().made.prints;
    assert_ne!(app.build().made.prints, first);
}

#[test]
fn time_asked_by_a_child_is_never_kept() {
    for command in
        ["Command::new(\"date\").arg(\"+%s%N\")", "Command::new(\"sh\").args([\"-c\", \"date +%s%N\"])"]
    {
        let space = TestSpace::new();
        let app = app(&space, &format!("tell(said({command}));"));
        never_kept(&app, false);
        let first = app.build().made.prints;
        assert_ne!(app.build().made.prints, first);
    }
}

#[test]
fn network_is_never_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for body in [
        format!("let stream = std::net::TcpStream::connect(\"{address}\").unwrap();\ntell(\"x\");"),
        "let socket = std::net::UdpSocket::bind(\"127.0.0.1:0\").unwrap();\ntell(\"x\");".to_owned(),
        "let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();\nlet _ = std::os::unix::net::UnixStream::connect(\"/nowhere\");\ntell(\"x\");".to_owned(),
    ] {
        let space = TestSpace::new();
        never_kept(&app(&space, &body), true);
    }
}

#[test]
fn processors_host_and_process_are_never_kept() {
    for body in [
        "tell(format!(\"{:?}\", std::thread::available_parallelism()));",
        "tell(said(Command::new(\"uname\").arg(\"-n\")));",
        "tell(said(Command::new(\"id\").arg(\"-un\")));",
        "let _ = std::process::id();\ntell(\"x\");",
        "tell(fs::read(\"/proc/self/status\").unwrap().is_empty().to_string());",
        "tell(fs::read(\"/proc/cpuinfo\").unwrap().is_empty().to_string());",
        "tell(fs::read(\"/proc/self/cmdline\").unwrap().is_empty().to_string());",
    ] {
        let space = TestSpace::new();
        never_kept(&app(&space, body), true);
    }
}

#[test]
fn environment_from_the_kernel_is_never_kept() {
    let space = TestSpace::new();
    let body = "let text = fs::read(\"/proc/self/environ\").unwrap();\nlet text = String::from_utf8_lossy(&text).into_owned();\ntell(format!(\"{:?}\", text.split('\\0').filter(|part| part.starts_with(\"PROBE\")).collect::<Vec<_>>()));";
    let mut app = app(&space, body);
    never_kept(&app, true);
    app.set("PROBE", "one");
    never_kept(&app, true);
}

#[test]
fn link_in_out_dir_is_never_kept() {
    for body in [
        "std::os::unix::fs::symlink(\"seen\", out().join(\"link\")).unwrap();\ntell(\"x\");",
        "tell(\"x\");\nfs::hard_link(out().join(\"seen\"), out().join(\"link\")).unwrap();",
        "tell(\"x\");\nsucceeds(Command::new(\"ln\").args([\"-s\", \"seen\"]).arg(out().join(\"link\")));",
        "tell(\"x\");\nsucceeds(Command::new(\"cp\").args([\"-s\"]).arg(out().join(\"seen\")).arg(out().join(\"link\")));",
    ] {
        let space = TestSpace::new();
        never_kept(&app(&space, body), true);
    }
}

#[test]
fn pipe_in_out_dir_is_never_kept() {
    let space = TestSpace::new();
    let app = app(&space, "tell(\"x\");\nsucceeds(Command::new(\"mkfifo\").arg(out().join(\"pipe\")));");
    never_kept(&app, true);
}

/// What the script does outside is there after each build, as it is with plain cargo.
#[track_caller]
fn does_outside(body: &str, prepare: &dyn Fn(&Path), done: &dyn Fn(&Path) -> bool) {
    let space = TestSpace::new();
    let place = space.path("outside");
    fs::create_dir(&place).unwrap();
    let app = app(&space, &body.replace("PLACE", &format!("{:?}", place)));
    for round in 0..3 {
        prepare(&place);
        assert!(!done(&place), "nothing to be done");
        let built = app.build();
        assert!(built.outcome.success(), "{}", built.outcome);
        assert!(done(&place), "not done in round {round}: {body}\n{}", built.runs.join("\n"));
        assert_eq!(built.told("hit"), 0, "{}", built.runs.join("\n"));
    }
}

/// Another start: an empty directory outside.
fn emptied(place: &Path) {
    fs::remove_dir_all(place).and_then(|()| fs::create_dir(place)).expect("an empty directory");
}

#[test]
fn what_is_written_outside_is_never_kept() {
    for body in [
        "fs::write(Path::new(PLACE).join(\"made\"), \"x\").unwrap();\ntell(\"x\");",
        "fs::create_dir(Path::new(PLACE).join(\"made\")).unwrap();\ntell(\"x\");",
        "tell(\"x\");\nfs::copy(out().join(\"seen\"), Path::new(PLACE).join(\"made\")).unwrap();",
        "tell(\"x\");\nfs::hard_link(out().join(\"seen\"), Path::new(PLACE).join(\"made\")).unwrap();",
        "fs::write(out().join(\"y\"), \"x\").unwrap();\nfs::rename(out().join(\"y\"), Path::new(PLACE).join(\"made\")).unwrap();\ntell(\"x\");",
        "succeeds(Command::new(\"sh\").args([\"-c\", &format!(\"echo > {}/made\", PLACE)]));\ntell(\"x\");",
        "succeeds(Command::new(\"touch\").arg(Path::new(PLACE).join(\"made\")));\ntell(\"x\");",
        "std::os::unix::fs::symlink(\"/\", Path::new(PLACE).join(\"made\")).unwrap();\ntell(\"x\");",
        "fs::write(\"c.c\", \"int x;\").unwrap();\nsucceeds(Command::new(\"cc\").args([\"-c\", \"c.c\", \"-o\"]).arg(Path::new(PLACE).join(\"made\")));\nfs::remove_file(\"c.c\").unwrap();\ntell(\"x\");",
        "fs::write(out().join(\"c.c\"), \"int x;\").unwrap();\nsucceeds(Command::new(\"cc\").arg(\"-c\").arg(out().join(\"c.c\")).arg(\"-o\").arg(Path::new(PLACE).join(\"made\")));\ntell(\"x\");",
    ] {
        does_outside(body, &emptied, &|place| fs::symlink_metadata(place.join("made")).is_ok());
    }
}

#[test]
fn what_is_changed_outside_is_never_kept() {
    let original = |place: &Path| {
        emptied(place);
        fs::write(place.join("file"), "as it was").expect("write");
    };
    let is_other = |place: &Path| {
        let file = place.join("file");
        let mode = fs::metadata(&file).map(|meta| meta.permissions().mode() & 0o777);
        fs::read(&file).ok().as_deref() != Some(b"as it was") || mode.ok() == Some(0o700)
    };
    for body in [
        "fs::remove_file(Path::new(PLACE).join(\"file\")).unwrap();\ntell(\"x\");",
        "fs::set_permissions(Path::new(PLACE).join(\"file\"), fs::Permissions::from_mode(0o700)).unwrap();\ntell(\"x\");",
        "fs::OpenOptions::new().append(true).open(Path::new(PLACE).join(\"file\")).unwrap().write_all(b\"more\").unwrap();\ntell(\"x\");",
        "fs::OpenOptions::new().write(true).open(Path::new(PLACE).join(\"file\")).unwrap().set_len(0).unwrap();\ntell(\"x\");",
        "fs::rename(Path::new(PLACE).join(\"file\"), out().join(\"file\")).unwrap();\ntell(\"x\");",
        "fs::rename(Path::new(PLACE).join(\"file\"), Path::new(PLACE).join(\"other\")).unwrap();\ntell(\"x\");",
        "fs::remove_dir_all(PLACE).unwrap();\nfs::create_dir(PLACE).unwrap();\ntell(\"x\");",
        "succeeds(Command::new(\"sed\").args([\"-i\", \"s/was/is/\"]).arg(Path::new(PLACE).join(\"file\")));\ntell(\"x\");",
        "succeeds(Command::new(\"ar\").arg(\"crs\").arg(Path::new(PLACE).join(\"lib.a\")));\nfs::rename(Path::new(PLACE).join(\"lib.a\"), Path::new(PLACE).join(\"file\")).unwrap();\ntell(\"x\");",
    ] {
        does_outside(body, &original, &is_other);
    }
}

/// A file that was there before is gone after each build.
#[track_caller]
fn takes_away(body: &str) {
    let original = |place: &Path| {
        emptied(place);
        fs::write(place.join("file"), "as it was").expect("write");
    };
    let body = format!("let file = Path::new(PLACE).join(\"file\");\n{body}\ntell(\"x\");");
    does_outside(&body, &original, &|place| !place.join("file").exists());
}

/// Guards: by its name alone a file that is written over and then removed is one of the run's own.
#[test]
fn what_is_written_over_and_removed_outside_is_never_kept() {
    takes_away("fs::write(&file, \"new\").unwrap();\nfs::remove_file(&file).unwrap();");
}

#[test]
fn what_is_written_over_and_moved_into_out_dir_is_never_kept() {
    takes_away("fs::write(&file, \"new\").unwrap();\nfs::rename(&file, out().join(\"file\")).unwrap();");
}

#[test]
fn what_is_replaced_and_removed_outside_is_never_kept() {
    takes_away(
        "fs::write(out().join(\"y\"), \"new\").unwrap();\nfs::rename(out().join(\"y\"), &file).unwrap();\nfs::remove_file(&file).unwrap();",
    );
}

/// Guards: a file outside that was there, opened to be written on and read again: what was in it reaches the output.
#[test]
fn what_was_in_a_file_that_is_written_on_counts() {
    let space = TestSpace::new();
    let file = space.path("counter");
    let body = format!(
        "fs::OpenOptions::new().append(true).create(true).open({file:?}).unwrap().write_all(b\"x\").unwrap();\nlet seen = fs::read({file:?}).unwrap();\nfs::remove_file({file:?}).unwrap();\ntell(seen);"
    );
    let app = app(&space, &body);
    for start in ["one", "two", "one"] {
        fs::write(&file, start).unwrap();
        let built = app.build();
        assert_eq!(built.made.prints, format!("{start}x"), "{:#?}", built.runs);
        assert!(!file.exists());
    }
}

/// A temporary file outside that is gone afterwards is no obstacle.
#[test]
fn temporary_file_is_no_obstacle() {
    let space = TestSpace::new();
    let body = "let file = env::temp_dir().join(\"mine\");\nfs::write(&file, \"t\").unwrap();\nlet seen = fs::read(&file).unwrap();\nfs::remove_file(&file).unwrap();\ntell(seen);";
    let app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn failure_is_never_kept() {
    for body in [
        "tell(\"x\");\npanic!(\"no oven\");",
        "tell(\"x\");\neprintln!(\"no oven\");\nstd::process::exit(3);",
        "tell(\"x\");\nprintln!(\"cargo:warning=before\");\nstd::process::exit(1);",
        "tell(\"x\");\nstd::process::abort();",
        "tell(\"x\");\nlet me = fs::read_link(\"/proc/self\").unwrap();\nsucceeds(Command::new(\"kill\").arg(\"-KILL\").arg(me));\nloop {}",
    ] {
        let space = TestSpace::new();
        let app = app(&space, body);
        let expected = app.plainly();
        assert_eq!(expected.code, Some(101), "must fail");
        let plain = app.project.oracle(&["build"], |_, outcome| outcome.clone());
        for _ in 0..2 {
            let built = app.build();
            same(&built, &expected);
            assert_eq!(built.told("hit"), 0, "{}", built.runs.join("\n"));
            let said = |outcome: &Outcome| {
                let text = outcome.err().replace(".real", "");
                let tail = text.split("error: failed to run custom build command").nth(1).map(str::to_owned);
                let lines = tail.unwrap_or_default();
                let kept =
                    lines.lines().filter(|line| !line.contains("thread 'main'") && !line.contains("kiln: "));
                kept.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(said(&built.outcome), said(&plain), "left: through kiln");
        }
        // as soon as it works it is kept
        app.script("tell(\"works\");");
        let works = app.right();
        app.hits(&works.made);
    }
}

/// The script itself ends well: it may be kept, but the build never goes on.
#[test]
fn failure_that_is_only_said() {
    let space = TestSpace::new();
    let app = app(&space, "println!(\"cargo::error=no oven\");\ntell(\"x\");");
    let expected = app.plainly();
    assert_eq!(expected.code, Some(101), "must fail");
    for _ in 0..3 {
        same(&app.build(), &expected);
    }
}

/// A script that fails while something is not there, and is right afterwards.
#[test]
fn failure_that_is_mended() {
    let space = TestSpace::new();
    let app = app(&space, "tell(fs::read(\"data\").unwrap());");
    app.build().outcome.fails_with("build");
    app.project.write("data", "one");
    let built = app.again(&mut app.kiln());
    assert_eq!(built.made.prints, "one", "{}", built.outcome);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn static_program_is_never_kept() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let program = native::static_reader(&space, "reader", &file);
    let app = app(&space, &format!("tell(said(&mut Command::new({program:?})));"));
    never_kept(&app, true);
    fs::write(&file, "two").unwrap();
    never_kept(&app, true);
}

#[test]
fn kiln_itself_for_something_else() {
    let space = TestSpace::new();
    let kiln = binary::kiln();
    let app =
        app(&space, &format!("tell(said(Command::new({kiln:?}).arg(\"stats\").stdout(Stdio::null())));"));
    never_kept(&app, false);
}

/// Guards: kiln asked by the script for a compiler that it does not know, or for one that it hands on.
#[test]
fn program_behind_kiln_that_it_does_not_know() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let kiln = binary::kiln();
    let mut app =
        app(&space, &format!("tell(said(Command::new({kiln:?}).arg(\"/bin/cat\").arg({file:?})));"));
    follows_at_least(&mut app, |_| fs::write(&file, "two").unwrap(), |_| fs::write(&file, "one").unwrap());
}

#[test]
fn system_calls_of_its_own_are_never_kept() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let body = format!(
        "let path = c{:?};\nlet mut buffer = [0u8; 16];\nlet (mut fd, mut read): (isize, isize);\nunsafe {{\n    std::arch::asm!(\"syscall\", inlateout(\"rax\") 2isize => fd, in(\"rdi\") path.as_ptr(), in(\"rsi\") 0, in(\"rdx\") 0, out(\"rcx\") _, out(\"r11\") _);\n    std::arch::asm!(\"syscall\", inlateout(\"rax\") 0isize => read, in(\"rdi\") fd, in(\"rsi\") buffer.as_mut_ptr(), in(\"rdx\") 16, out(\"rcx\") _, out(\"r11\") _);\n}}\ntell(&buffer[..read as usize]);",
        file.display().to_string(),
    );
    let app = app(&space, &body);
    never_kept(&app, true);
}

/// Guards: who is still at it when the script has ended.
#[test]
fn child_that_outlives_the_script_is_never_kept() {
    let space = TestSpace::new();
    let body = "tell(\"x\");\nCommand::new(\"sh\").args([\"-c\", &format!(\"sleep 1; cat data > {}/late\", out().display())]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();";
    let app = app(&space, body);
    app.project.write("data", "one");
    for _ in 0..3 {
        let built = app.build();
        assert!(built.outcome.success(), "{}", built.outcome);
        assert_eq!(built.told("hit") + built.told("miss"), 0, "{}", built.runs.join("\n"));
        std::thread::sleep(std::time::Duration::from_secs(2));
        assert!(left(app.project.target()).keys().any(|path| path.ends_with("late")), "nobody wrote it");
    }
}

// Real life.

/// What programs like vergen do. It need not be kept, but it must be right.
#[test]
fn revision_from_git() {
    if !Toolchain::has("git") {
        return;
    }
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(Command::new(\"git\").args([\"log\", \"-1\", \"--format=%s\"])));");
    let git = |app: &App<'_>, args: &[&str]| {
        let mut command = app.space().command("git");
        command.current_dir(app.project.dir()).args(["-c", "user.name=x", "-c", "user.email=x@x"]).args(args);
        run(&mut command).ok();
    };
    git(&app, &["init", "-q"]);
    app.project.write(".gitignore", "target*\n");
    git(&app, &["add", "-A"]);
    git(&app, &["commit", "-qm", "one"]);
    follows_at_least(
        &mut app,
        |app| git(app, &["commit", "-q", "--allow-empty", "-m", "two"]),
        |app| git(app, &["reset", "-q", "--hard", "HEAD~1"]),
    );
}

#[test]
fn library_found_by_pkg_config() {
    if !Toolchain::has("pkg-config") {
        return;
    }
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(Command::new(\"pkg-config\").args([\"--cflags\", \"oven\"])));");
    let description = |value: &str| format!("Name: oven\nDescription: x\nVersion: 1\nCflags: -D{value}\n");
    let file = space.path("pc/oven.pc");
    fs::create_dir(space.path("pc")).unwrap();
    app.set("PKG_CONFIG_PATH", space.path("pc"));
    follows(&mut app, |_| fs::write(&file, description("ONE")).unwrap(), |_| fs::remove_file(&file).unwrap());
    fs::write(&file, description("ONE")).unwrap();
    follows(
        &mut app,
        |_| fs::write(&file, description("TWO")).unwrap(),
        |_| fs::write(&file, description("ONE")).unwrap(),
    );
    follows(&mut app, |app| app.unset("PKG_CONFIG_PATH"), |app| app.set("PKG_CONFIG_PATH", space.path("pc")));
}

/// Guards: the jobserver's descriptors go through launcher and kiln to whoever the script starts.
#[test]
fn make_and_the_jobserver() {
    if !Toolchain::has("make") {
        return;
    }
    let space = TestSpace::new();
    let body = "let flags = env::var(\"CARGO_MAKEFLAGS\").unwrap();\nlet mut make = Command::new(\"make\");\nmake.env(\"MAKEFLAGS\", flags).arg(format!(\"OUT={}\", out().display()));\nmake.args([\"-s\", \"-f\", \"makefile\"]);\ntell(said(&mut make));";
    let mut app = app(&space, body);
    app.project.write(
        "makefile",
        "all: $(OUT)/a $(OUT)/b\n$(OUT)/a: data\n\t+cp data $(OUT)/a\n$(OUT)/b: data\n\tcp data $(OUT)/b\n",
    );
    app.project.write("data", "one");
    follows_at_least(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

/// Guards: a tool is known by its name, and may be somebody else's program.
#[test]
fn program_that_is_only_called_like_a_tool() {
    let space = TestSpace::new();
    let source = space.write(
        "native-kit/nm.c",
        "#include <stdio.h>\n#include <string.h>\nextern char **environ;\nint main(void) { for (char **at = environ; *at; at++) if (!strncmp(*at, \"PROBE\", 5)) puts(*at); return 0; }\n",
    );
    fs::create_dir(space.path("tools")).unwrap();
    let tool = space.path("tools/nm");
    native::gcc(&["-o", tool.to_str().unwrap(), source.to_str().unwrap()]);
    let mut app = app(&space, &format!("tell(said(&mut Command::new({tool:?})));"));
    app.set("PROBE", "one");
    follows_at_least(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
}

/// Guards: a cargo in a cargo: its compiles and its scripts go through kiln, too.
#[test]
fn another_build_in_the_script() {
    let space = TestSpace::new();
    let body = "let target = out().join(\"inner-target\");\nsucceeds(Command::new(env::var_os(\"CARGO\").unwrap()).args([\"build\", \"-q\", \"--manifest-path\", \"inner/Cargo.toml\", \"--target-dir\"]).arg(&target));\ntell(said(&mut Command::new(target.join(\"debug/inner\"))));\nfs::remove_dir_all(target).unwrap();";
    let mut app = app(&space, body);
    app.project
        .write("inner/Cargo.toml", format!("{}\n[workspace]\n", MANIFEST.replace("app", "inner")))
        .write("inner/build.rs", format!("{PRELUDE}tell(fs::read(\"data\").unwrap());\n}}\n"))
        .write("inner/data", "one")
        .write("inner/src/main.rs", PRINTS);
    follows_at_least(&mut app, |app| app.write("inner/data", "two"), |app| app.write("inner/data", "one"));
    follows_at_least(
        &mut app,
        |app| app.write("inner/src/main.rs", "fn main() {\n    print!(\"other\");\n}\n"),
        |app| app.write("inner/src/main.rs", PRINTS),
    );
}

/// Guards: a script that starts itself again, or looks where it is.
#[test]
fn own_name_and_place() {
    let space = TestSpace::new();
    let body = "let own = env::current_exe().unwrap().parent().unwrap().to_owned();\nlet called = PathBuf::from(env::args_os().next().unwrap());\ntell(format!(\"{:?}\\n{:?}\\n{}\\n\", own, called, env::args_os().count()));";
    let app = app(&space, body);
    let first = app.right();
    app.hits(&first.made);
}

#[test]
fn script_that_starts_itself() {
    for me in ["env::current_exe().unwrap()", "PathBuf::from(env::args_os().next().unwrap())"] {
        let space = TestSpace::new();
        let body = format!(
            "if env::args_os().count() > 1 {{\n    print!(\"{{}}\", fs::read_to_string(\"data\").unwrap());\n    return;\n}}\ntell(said(Command::new({me}).arg(\"inner\")));"
        );
        let mut app = app(&space, &body);
        app.project.write("data", "one");
        follows_at_least(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}

/// Guards: an earlier run's files are still in OUT_DIR, and a script may look at them.
#[test]
fn out_dir_that_is_not_empty() {
    let space = TestSpace::new();
    let body = "println!(\"cargo::rerun-if-changed=data\");\nlet count = fs::read_to_string(out().join(\"count\")).map_or(0, |text| text.parse::<u32>().unwrap());\nfs::write(out().join(\"count\"), (count + 1).to_string()).unwrap();\ntell(format!(\"{} {}\", count, fs::read_to_string(\"data\").unwrap()));";
    let app = app(&space, body);
    app.project.write("data", "one");
    let first = app.right();
    app.hits(&first.made);
    for (count, text) in [(1, "two"), (2, "one"), (3, "two")] {
        app.project.write("data", text);
        let built = app.again(&mut app.kiln());
        assert_eq!(built.made.prints, format!("{count} {text}"), "{}\n{:#?}", built.outcome, built.runs);
        assert_eq!(built.told("hit") + built.told("miss"), 0, "{:#?}", built.runs);
    }
    app.project.write("data", "one");
    app.hits(&first.made);
}

#[test]
fn edit_of_the_script_in_a_target_directory_that_is_there() {
    let space = TestSpace::new();
    let app = app(&space, "tell(\"one\");");
    app.right();
    for value in ["two", "one", "three"] {
        app.script(&format!("tell({value:?});"));
        let built = app.again(&mut app.kiln());
        assert_eq!(built.made.prints, value, "{}\n{:#?}", built.outcome, built.runs);
    }
    app.project.assert_fresh(&["build"]);
}

/// Guards: what a hit put in place only in part, when the cache turned out to be damaged, must not be taken for an earlier run's.
#[test]
fn damaged_cache() {
    survives_damage(Way::Asked);
}

#[test]
fn filled_from_a_damaged_cache() {
    survives_damage(Way::Filled);
}

#[track_caller]
fn survives_damage(way: Way) {
    let space = TestSpace::new();
    let body = "let before = fs::read_dir(out()).unwrap().count();\nfor name in ['a', 'b', 'c', 'd', 'e', 'f'] {\n    fs::write(out().join(name.to_string()), format!(\"MARK {name} {}\", \"x\".repeat(5000))).unwrap();\n}\ntell(format!(\"{before} before\"));";
    let mut app = app(&space, body);
    app.way = way;
    app.plainly();
    let first = app.right();
    let marked =
        |text: &[u8]| text.windows(7).position(|part| part.starts_with(b"MARK ")).map(|at| text[at + 5]);
    let mut blobs: BTreeMap<u8, PathBuf> = BTreeMap::new();
    let mut pending = vec![space.cache().to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else if let Some(name) = marked(&fs::read(entry.path()).unwrap()).filter(u8::is_ascii_lowercase)
            {
                blobs.insert(name, entry.path());
            }
        }
    }
    let kept: Vec<_> = blobs.iter().filter(|(name, _)| (b'a'..=b'f').contains(*name)).collect();
    assert!(kept.len() >= 6, "blobs are not found by what they hold: {blobs:?}");
    for (_, path) in kept {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let built = app.build();
        assert_eq!(built.made, first.made, "without {path:?}: {:#?}", built.runs);
        if !path.exists() {
            fs::write(path, bytes).unwrap();
        }
    }
}

// With and without kiln.

#[test]
fn switched_off() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    app.way = Way::Filled;
    app.set("KILN_BUILD_SCRIPTS", "false");
    for _ in 0..2 {
        let built = app.right();
        assert!(built.runs.is_empty(), "{:#?}", built.runs);
        assert_eq!(launchers(&app), 0, "no launcher");
    }
    app.unset("KILN_BUILD_SCRIPTS");
    let first = app.right();
    assert_eq!(launchers(&app), 1);
    app.hits(&first.made);
    // a launcher from before does not mind
    app.set("KILN_BUILD_SCRIPTS", "false");
    app.project.write("data", "two");
    let built = app.again(&mut app.kiln());
    assert_eq!(built.made.prints, "two", "{}", built.outcome);
    assert!(built.told("hit") + built.told("miss") == 0, "{:#?}", built.runs);
}

#[test]
fn through_the_wrapper_alone_nothing_stands_in() {
    let space = TestSpace::new();
    let app = app(&space, "tell(\"x\");");
    app.project.cargo(&["build"]).ok();
    assert_eq!(launchers(&app), 0);
    assert_eq!(app.events(), Vec::<String>::new());
    app.project.clean().cargo(&["build"]).env("KILN_NOTES", space.path("notes")).ok();
    assert_eq!(launchers(&app), 1);
}

/// How many scripts lie beside a launcher.
fn launchers(app: &App<'_>) -> usize {
    let build = app.project.built("debug/build");
    let packages = fs::read_dir(build).into_iter().flatten().flatten();
    let files = packages.flat_map(|package| fs::read_dir(package.path()).into_iter().flatten().flatten());
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == "real")).count()
}

/// Plain cargo goes on in a target directory that `kiln cargo` filled; `forget` is done in between.
#[track_caller]
fn goes_on_plainly(app: &App<'_>, forget: impl FnOnce()) {
    app.script("println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let first = app.plainly();
    app.project.clean();
    for _ in 0..2 {
        app.project.clean();
        run(&mut app.kiln()).ok();
    }
    assert_eq!(launchers(app), 1, "a launcher is what this is about");
    forget();
    let plain = || app.project.plain(&["build"]).ok();
    plain();
    assert_eq!(app.project.prints("debug/app"), first.prints);
    app.project.touch("src/main.rs");
    plain();
    assert_eq!(app.project.prints("debug/app"), first.prints);
    app.project.write("data", "two"); // the script runs, by the launcher
    plain();
    assert_eq!(app.project.prints("debug/app"), "two");
    app.script("println!(\"cargo::rerun-if-changed=data\");\ntell(\"anew\");");
    plain();
    assert_eq!(app.project.prints("debug/app"), "anew");
    app.script("println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    plain();
    assert_eq!(app.project.prints("debug/app"), "two");
}

#[test]
fn plain_cargo_in_the_same_target_directory() {
    let space = TestSpace::new();
    let app = app(&space, "");
    goes_on_plainly(&app, || {});
    // and back
    let built = app.again(&mut app.kiln());
    assert_eq!(built.made.prints, "two", "{}", built.outcome);
    app.right();
}

#[test]
fn plain_cargo_when_kiln_is_gone() {
    let space = TestSpace::new();
    let kiln = space.path("bin/kiln");
    fs::create_dir(space.path("bin")).unwrap();
    for name in ["kiln", "kiln-cli"] {
        fs::copy(binary::kiln().with_file_name(name), space.path("bin").join(name)).unwrap();
    }
    let app = app(&space, "println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let build = || {
        let mut command = app.space().command(&kiln);
        command.env("KILN_DIR", space.cache()).args(["cargo", "build"]).current_dir(app.project.dir());
        app.again(&mut command)
    };
    let first = build();
    assert_eq!(first.made.prints, "one", "{}", first.outcome);
    app.project.clean();
    assert_eq!(build().told("hit"), 1);
    assert_eq!(launchers(&app), 1);
    fs::remove_dir_all(space.path("bin")).unwrap();
    let plain = || app.project.plain(&["build"]).ok();
    plain();
    assert_eq!(app.project.prints("debug/app"), "one");
    app.project.write("data", "two");
    plain();
    assert_eq!(app.project.prints("debug/app"), "two");
    app.script("tell(\"anew\");");
    plain();
    assert_eq!(app.project.prints("debug/app"), "anew");
}

/// Guards: the directory was moved or copied with its launchers.
#[test]
fn target_directory_that_was_copied() {
    let space = TestSpace::new();
    let app = app(&space, "println!(\"cargo::rerun-if-changed=data\");\ntell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    app.right();
    let copy = space.path("copy");
    run(Command::new("cp").arg("-a").arg(app.project.dir()).arg(&copy)).ok();
    fs::remove_dir_all(app.project.dir()).unwrap();
    let moved = App { project: space.project("copy"), ..app_in(&space, "other", "") };
    moved.project.write("data", "two");
    let built = moved.again(&mut moved.kiln());
    assert_eq!(built.made.prints, "two", "{}", built.outcome);
    moved.right();
}

/// Nothing is left to do after a build, with kiln and without.
#[track_caller]
fn leaves_nothing_to_do(way: Way, told: &str) {
    let space = TestSpace::new();
    let told = told.split_whitespace().map(|what| format!("println!(\"cargo::{what}\");\n"));
    let body = format!("{}tell(fs::read(\"data\").unwrap());", told.collect::<String>());
    let mut app = app(&space, &body);
    app.write("data", "one");
    app.plainly();
    app.way = way;
    for _ in 0..3 {
        app.build();
        let outcome = app.project.plain(&["build", "-v"]).ok();
        assert!(!outcome.err().contains("Running `"), "{outcome}");
        let built = app.again(&mut app.kiln());
        assert!(built.runs.is_empty(), "{:#?}", built.runs);
        app.project.assert_fresh(&["build"]);
    }
}

#[test]
fn fresh_afterwards() {
    for told in ["", "rerun-if-changed=data", "rerun-if-changed=data rerun-if-env-changed=PROBE"] {
        leaves_nothing_to_do(Way::Asked, told);
        leaves_nothing_to_do(Way::Filled, told);
    }
}

#[test]
fn read_only_directory_of_scripts() {
    let space = TestSpace::new();
    let app = app(&space, "tell(\"one\");");
    let first = app.right();
    let build = app.project.built("debug/build");
    let mode = |mode: u32| {
        for package in fs::read_dir(&build).unwrap().flatten() {
            fs::set_permissions(package.path(), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(&build, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o555);
    app.project.touch("src/main.rs");
    let built = app.again(&mut app.kiln());
    let plain = app.project.plain(&["build"]).run();
    mode(0o755);
    assert_eq!(built.made, first.made, "{}", built.outcome);
    assert!(plain.success(), "{plain}");
}

/// Guards: the same script, run by several builds at once.
#[test]
fn two_builds_at_once() {
    let space = TestSpace::new();
    let script =
        "std::thread::sleep(std::time::Duration::from_millis(300));\ntell(fs::read(\"data\").unwrap());";
    let one = app_in(&space, "one", script);
    let two = app_in(&space, "two", script);
    one.project.write("data", "one");
    two.project.write("data", "two");
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let builds = [&one, &two].map(|app| scope.spawn(|| run(&mut app.kiln())));
        builds.into_iter().map(|build| build.join().unwrap()).collect()
    });
    outcomes.into_iter().for_each(|outcome| drop(outcome.ok()));
    assert_eq!(one.project.prints("debug/app"), "one");
    assert_eq!(two.project.prints("debug/app"), "two");
    one.hits(&one.plainly());
    two.hits(&two.plainly());
}

#[test]
fn check_test_and_run() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(fs::read(\"data\").unwrap());");
    app.project.write("data", "one");
    let first = app.right();
    for command in ["check", "test"] {
        app.args = vec![command];
        app.program = None;
        app.hits(&app.plainly());
    }
    app.args = vec!["build"];
    app.program = Some("debug/app");
    app.hits(&first.made);
}

// Filled before cargo looks.

/// The same as [`follows`], where kiln may fill; a script must never be run in an OUT_DIR that is not its own.
#[track_caller]
fn follows_filled(app: &mut App<'_>, edit: impl FnOnce(&mut App<'_>), undo: impl FnOnce(&mut App<'_>)) {
    app.way = Way::Filled;
    app.plainly(); // there is a lock file
    let first = app.right();
    app.hits(&first.made);
    app.hits(&first.made);
    edit(app);
    let other = app.right();
    assert_ne!(other.made, first.made, "an edit that does not matter proves nothing");
    app.hits(&other.made);
    undo(app);
    let back = app.right();
    assert_eq!(back.made, first.made, "left: after the way back");
    app.hits(&first.made);
}

#[test]
fn filled_where_a_file_of_the_package_changes() {
    for told in ["", "println!(\"cargo::rerun-if-changed=data\");\n"] {
        let space = TestSpace::new();
        let mut app = app(&space, &format!("{told}tell(fs::read(\"data\").unwrap());"));
        app.write("data", "one");
        follows_filled(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}

/// Guards: cargo is told of another file only, and judges by that.
#[test]
fn filled_where_a_file_changes_that_cargo_is_not_told_of() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let body = format!("println!(\"cargo::rerun-if-changed=build.rs\");\ntell(fs::read({file:?}).unwrap());");
    let mut app = app(&space, &body);
    follows_filled(&mut app, |_| fs::write(&file, "two").unwrap(), |_| fs::write(&file, "one").unwrap());
}

#[test]
fn filled_where_a_variable_changes() {
    for told in [
        "",
        "println!(\"cargo::rerun-if-env-changed=PROBE\");\n",
        "println!(\"cargo::rerun-if-changed=build.rs\");\n",
    ] {
        let space = TestSpace::new();
        let mut app = app(&space, &format!("{told}tell(format!(\"{{:?}}\", env::var_os(\"PROBE\")));"));
        app.set("PROBE", "one");
        follows_filled(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
        follows_filled(&mut app, |app| app.unset("PROBE"), |app| app.set("PROBE", "one"));
    }
}

/// Guards: sources that are as they were, but younger, as in every fresh checkout.
#[test]
fn filled_in_a_fresh_checkout() {
    for told in ["", "println!(\"cargo::rerun-if-changed=build.rs\");\n"] {
        let space = TestSpace::new();
        let mut app =
            app(&space, &format!("{told}fs::create_dir(out().join(\"once\")).unwrap();\ntell(\"x\");"));
        app.way = Way::Filled;
        app.plainly();
        let first = app.right();
        app.hits(&first.made);
        for file in ["build.rs", "src/main.rs", "Cargo.toml", "Cargo.lock"] {
            app.project.touch(file);
        }
        let built = app.build();
        assert_eq!(built.made, first.made, "{told:?}\n{}\n{}", built.outcome, built.runs.join("\n"));
        app.hits(&first.made);
    }
}

/// Guards: whatever cargo thinks of what was filled, a script finds an empty OUT_DIR as it would without kiln.
#[test]
fn filled_out_dir_is_empty_where_the_script_runs() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let body = format!(
        "let before = fs::read_dir(out()).unwrap().count();\nfs::write(out().join(\"more\"), \"x\").unwrap();\ntell(format!(\"{{before}} {{}} {{}}\", fs::read_to_string({file:?}).unwrap(), fs::read_to_string(\"data\").unwrap()));"
    );
    let mut app = app(&space, &body);
    app.write("data", "one");
    follows_filled(&mut app, |_| fs::write(&file, "two").unwrap(), |_| fs::write(&file, "one").unwrap());
    follows_filled(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

#[test]
fn filled_with_c() {
    let space = TestSpace::new();
    let told = "println!(\"cargo::rerun-if-changed=c/x.c\");\n";
    let mut app = c_app(&space, &format!("{told}{CC}"));
    follows_filled(
        &mut app,
        |app| app.write("c/first/x.h", "#define VALUE 2\n"),
        |app| app.remove("c/first/x.h"),
    );
}

#[test]
fn filled_and_what_is_said() {
    let space = TestSpace::new();
    let body = "println!(\"cargo::rerun-if-changed=said\");\nprintln!(\"cargo::rustc-env=SAID={}\", fs::read_to_string(\"said\").unwrap());\nprintln!(\"cargo::warning={}\", fs::read_to_string(\"said\").unwrap());\neprintln!(\"on stderr\");";
    let mut app = app(&space, body);
    app.write("said", "hot");
    app.write("src/main.rs", "fn main() {\n    let unused = 1;\n    println!(\"{}\", env!(\"SAID\"));\n}\n");
    follows_filled(&mut app, |app| app.write("said", "cold"), |app| app.write("said", "hot"));
    app.project.assert_fresh(&["build"]);
}

#[test]
fn filled_where_a_script_fails_now() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let body = format!("println!(\"cargo::rerun-if-changed=build.rs\");\ntell(fs::read({file:?}).unwrap());");
    let mut app = app(&space, &body);
    app.way = Way::Filled;
    app.plainly();
    let first = app.right();
    fs::remove_file(&file).unwrap();
    let expected = app.plainly();
    assert_eq!(expected.code, Some(101));
    assert_eq!(app.build().made.code, Some(101));
    fs::write(&file, "one").unwrap();
    app.hits(&first.made);
    app.write("src/main.rs", "fn main() {\n    no_such_thing();\n}\n");
    app.build().outcome.fails_with("no_such_thing");
    app.write("src/main.rs", PRINTS);
    assert_eq!(app.build().made, first.made);
}

#[test]
fn filled_by_another_command_line() {
    let space = TestSpace::new();
    let body = "println!(\"cargo::rerun-if-changed=build.rs\");\ntell(format!(\"{:?}\", env::var_os(\"CARGO_FEATURE_WARM\").is_some()));";
    let mut app = app(&space, body);
    app.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\n"));
    follows_filled(
        &mut app,
        |app| app.args = vec!["build", "--features", "warm"],
        |app| app.args = vec!["build"],
    );
    follows_filled(
        &mut app,
        |app| app.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\ndefault = [\"warm\"]\n")),
        |app| app.write("Cargo.toml", format!("{MANIFEST}\n[features]\nwarm = []\n")),
    );
}

#[test]
fn filled_where_a_member_changes() {
    let space = TestSpace::new();
    let mut app = app(&space, "");
    app.project.remove("build.rs").remove("src");
    app.project
        .write("Cargo.toml", workspace(&["low", "app"]))
        .write("low/Cargo.toml", format!("{}links = \"low\"\n", MANIFEST.replace("app", "low")))
        .write("low/build.rs", "fn main() {\n    println!(\"cargo:include={}\", std::fs::read_to_string(\"where\").unwrap());\n}\n")
        .write("low/where", "here")
        .write("low/src/lib.rs", "pub fn value() -> u32 {\n    1\n}\n")
        .write("app/Cargo.toml", format!("{MANIFEST}\n[dependencies]\nlow = {{ path = \"../low\" }}\n"))
        .write("app/build.rs", format!("{PRELUDE}tell(env::var(\"DEP_LOW_INCLUDE\").unwrap());\n}}\n"))
        .write("app/src/main.rs", PRINTS.replace("print!(\"{}\"", "print!(\"{} {}\", low::value()"));
    follows_filled(&mut app, |app| app.write("low/where", "there"), |app| app.write("low/where", "here"));
    follows_filled(
        &mut app,
        |app| app.write("low/src/lib.rs", "pub fn value() -> u32 {\n    2\n}\n"),
        |app| app.write("low/src/lib.rs", "pub fn value() -> u32 {\n    1\n}\n"),
    );
}
