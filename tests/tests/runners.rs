//! The seam for "somewhere else": a runner that answers from memory builds a workspace of two crates and a C project, and what it made
//! is kept and served as if it had been compiled here.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

use kiln_config::Settings;
use kiln_engine::{Call, Ending};
use kiln_exec::{OutputSink, Run, RunRequest, Runner};
use kiln_sys::clock::Moment;
use kiln_sys::env::Environment;
use kiln_testkit::remembering::Remembering;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs nothing at all.
struct Nobody;

impl Runner for Nobody {
    fn run(&self, request: &RunRequest<'_>, _sink: &mut dyn OutputSink) -> io::Result<Run> {
        panic!("{:?} is run", request.command.args)
    }
}

/// A project, and the command lines that build it.
struct Scene {
    root: tempfile::TempDir,
    commands: Vec<Vec<OsString>>,
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Builds all of it into an empty directory, with a cache of this name. The outputs, by name.
    fn build(&self, cache: &str, runner: &dyn Runner) -> BTreeMap<OsString, Vec<u8>> {
        let out = self.path("out");
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(&out).unwrap();
        std::thread::sleep(Duration::from_millis(30)); // sources of this very moment are not kept
        let events = Some(self.path("events"));
        let settings = Settings { directory: Some(self.path(cache)), events, ..Settings::default() };
        let environment = Environment::capture();
        let directory = std::env::current_dir().unwrap();
        for argv in &self.commands {
            let call = Call {
                argv,
                called: None,
                environment: &environment,
                caller: None,
                directory: &directory,
                settings: &settings,
                build: 1,
                by_hand: false,
                started: Moment::now(),
                runner,
                remote: None,
                reporter: None,
            };
            let recognised =
                kiln_compiler::recognise(&argv[0], argv.get(1).map(OsString::as_os_str)).unwrap();
            let wrapped = kiln_engine::wrap(&call, &recognised);
            assert_eq!(wrapped.ending, Ending::Code(0), "{argv:?}");
            assert!(wrapped.named.is_some(), "{argv:?} is not in the cache: {}", self.log());
        }
        let entries = std::fs::read_dir(&out).unwrap().flatten();
        entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect()
    }

    /// What kiln says of its calls.
    fn log(&self) -> String {
        std::fs::read_to_string(self.path("events")).unwrap_or_default()
    }

    /// The whole story: `edit` is compiled here once, and then elsewhere.
    fn is_built_from_memory(&self, edit: impl Fn(&Scene), undo: impl Fn(&Scene)) {
        let memory = Remembering::default();
        self.build("here", &memory);
        edit(self);
        let here = self.build("here", &memory);
        undo(self);
        self.build("other", &memory);
        edit(self);
        memory.run_nothing();
        let elsewhere = self.build("other", &memory);
        assert_eq!(memory.answered(), self.commands.len());
        assert_same(&here, &elsewhere);
        assert_same(&here, &self.build("other", &Nobody));
    }
}

fn assert_same(one: &BTreeMap<OsString, Vec<u8>>, other: &BTreeMap<OsString, Vec<u8>>) {
    assert!(!one.is_empty());
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, content) in one {
        assert!(other[name] == *content, "{} differs", name.display());
    }
}

fn words(text: &str, root: &Path) -> Vec<OsString> {
    text.split_whitespace().map(|word| word.replace("ROOT", root.to_str().unwrap()).into()).collect()
}

fn rustc() -> String {
    let output = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    format!("{}/bin/rustc", String::from_utf8(output.stdout).unwrap().trim())
}

#[test]
fn a_workspace_of_two_crates_is_built_from_memory() {
    let root = tempfile::tempdir().unwrap();
    let common = "--edition=2021 --error-format=json --out-dir ROOT/out -L dependency=ROOT/out";
    let lib = format!(
        "{} --crate-name a ROOT/a.rs --crate-type lib --emit=dep-info,metadata,link -C metadata=1 -C extra-filename=-1 {common}",
        rustc()
    );
    let bin = format!(
        "{} --crate-name b ROOT/b.rs --crate-type bin --emit=dep-info,link -C metadata=2 -C extra-filename=-2 --extern a=ROOT/out/liba-1.rlib {common}",
        rustc()
    );
    let commands = [lib, bin].map(|text| words(&text, root.path())).to_vec();
    let scene = Scene { root, commands };
    let sources = |number: u32| {
        move |scene: &Scene| {
            scene.write("a.rs", &format!("pub fn a() -> u32 {{ {number} }}\n"));
            scene.write("b.rs", &format!("fn main() {{ println!(\"{{}}\", a::a() + {number}); }}\n"));
        }
    };
    sources(1)(&scene);
    scene.is_built_from_memory(sources(2), sources(1));
    let printed = std::process::Command::new(scene.path("out/b-2")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&printed.stdout), "4\n");
}

#[test]
fn a_c_project_is_built_from_memory() {
    let root = tempfile::tempdir().unwrap();
    let commands = ["main", "part"]
        .map(|name| {
            words(
                &format!("gcc -c ROOT/{name}.c -o ROOT/out/{name}.o -MD -MF ROOT/out/{name}.d"),
                root.path(),
            )
        })
        .to_vec();
    let scene = Scene { root, commands };
    let sources = |number: u32| {
        move |scene: &Scene| {
            scene.write("part.h", &format!("#define NUMBER {number}\nint part(void);\n"));
            scene.write("part.c", "#include \"part.h\"\nint part(void) { return NUMBER; }\n");
            scene.write("main.c", "#include \"part.h\"\nint main(void) { return part() - NUMBER; }\n");
        }
    };
    sources(1)(&scene);
    scene.is_built_from_memory(sources(2), sources(1));
}
