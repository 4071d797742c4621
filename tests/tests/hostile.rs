//! Anything can lie where kiln expects a file of its own: a pipe that nobody writes to, a directory, a socket, a link to what never ends,
//! gigabytes of nothing, something that may not be read. A build ends, in time and right, whatever lies there.
//!
//! One file of each kind is replaced; with `KILN_TEST_EVERY_FILE=1 cargo test -p kiln-tests --test hostile` every one.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use kiln_testkit::{TestSpace, Toolchain, tree};

/// The first three make a careless program wait, or take all memory.
const THINGS: [&str; 9] =
    ["pipe", "endless", "huge", "directory", "socket", "link", "closed", "empty", "noise"];

/// Puts a thing in the place of a file.
fn replace(file: &Path, thing: &str, elsewhere: &Path) {
    // What is gone was a file of the collector's, which works behind everybody's back.
    let Ok(there) = fs::symlink_metadata(file) else { return };
    if there.is_dir() {
        fs::remove_dir_all(file).unwrap();
    } else {
        fs::remove_file(file).unwrap();
    }
    match thing {
        "pipe" => assert!(Command::new("mkfifo").arg(file).status().unwrap().success()),
        "endless" => symlink("/dev/zero", file).unwrap(),
        "huge" => File::create(file).unwrap().set_len(16 << 30).unwrap(),
        "directory" => {
            fs::create_dir(file).unwrap();
            fs::write(file.join("something"), "in it").unwrap();
        }
        "socket" => bind(file),
        "link" => symlink(elsewhere, file).unwrap(),
        "closed" => {
            fs::write(file, "x").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
        }
        "empty" => fs::write(file, "").unwrap(),
        "noise" => fs::write(file, vec![0xa5; 5000]).unwrap(),
        _ => unreachable!("{thing}"),
    }
}

/// A socket, whose address has no room for long paths.
fn bind(file: &Path) {
    let short = std::env::temp_dir().join(format!("s{}", std::process::id()));
    drop(UnixListener::bind(&short).unwrap());
    let moved = Command::new("mv").args([&short, file]).status().unwrap();
    assert!(moved.success());
}

/// What a file is for: its path with the names that are made of digests and numbers left out.
fn role(file: &Path) -> String {
    let part = |part: &str| match part {
        part if part.len() < 2 => "*".to_owned(),
        part if part.bytes().filter(|byte| byte.is_ascii_hexdigit()).count() > 15 => {
            let end = part.rsplit_once('.').map_or("", |(_, end)| end);
            format!("{}*{end}", part.split('-').next().filter(|start| start.len() < 16).unwrap_or(""))
        }
        part => part.to_owned(),
    };
    file.iter().map(|name| part(&name.to_string_lossy())).collect::<Vec<_>>().join("/")
}

/// What came of a call.
struct Did {
    code: Option<i32>,
    printed: String,
    made: Option<Vec<u8>>,
}

/// So many calls of a build are the same in every build.
const OLD: usize = 2;

/// Whether all is to be tried.
fn every() -> bool {
    std::env::var_os("KILN_TEST_EVERY_FILE").is_some()
}

struct Scene {
    space: TestSpace,
    rustc: PathBuf,
    /// Another one each time: what an earlier build left to do goes on behind it, in the one that it had.
    cache: PathBuf,
}

impl Scene {
    fn new() -> Scene {
        let space = TestSpace::new();
        let rustc = Toolchain::rustc();
        space.write("ws/a.c", "#include \"a.h\"\n#warning told\nint f(void) { return VALUE; }\n");
        space.write("ws/a.h", "#define VALUE 1\n");
        space.write(
            "ws/it.rs",
            "extern crate proc_macro;\n#[proc_macro]\npub fn it(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    \
             \"pub fn made() {}\".parse().unwrap()\n}\n",
        );
        space.write("ws/user.rs", "it::it! {}\npub fn f() { let unused = 1; }\n");
        let cache = space.cache().to_owned();
        let scene = Scene { space, rustc, cache };
        let mut made = scene.space.command(&scene.rustc);
        made.args([
            "--crate-name",
            "it",
            "--edition=2021",
            "it.rs",
            "--crate-type",
            "proc-macro",
            "--out-dir",
            "macro",
        ]);
        fs::create_dir(scene.space.path("ws/macro")).unwrap();
        assert!(made.current_dir(scene.space.path("ws")).status().unwrap().success());
        scene
    }

    /// All compiles of it: some that were seen before, and some that nobody has seen.
    fn build(&self, kiln: Option<&Path>) -> Vec<Did> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let ws = self.space.path("ws");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.space.write("ws/new.c", format!("int g{number}(void) {{ return {number}; }}\n"));
        self.space.write("ws/new.rs", format!("pub fn g{number}() {{}}\n"));
        std::thread::sleep(std::time::Duration::from_millis(30)); // (else they are too young to be kept)
        let rustc = self.rustc.to_str().unwrap();
        let library = |name: &str| {
            format!(
                "{rustc} --crate-name {name} --edition=2021 {name}.rs --emit=dep-info,metadata,link --out-dir out"
            )
        };
        let mut calls = vec![
            ("gcc -c a.c -o out/a.o -MD".to_owned(), "out/a.o"),
            (library("user") + " --crate-type lib --extern it=macro/libit.so", "out/libuser.rlib"),
            ("gcc -c new.c -o out/new.o".to_owned(), "out/new.o"),
        ];
        if every() {
            calls.push((library("new") + " --crate-type lib", "out/libnew.rlib"));
        }
        let _ = fs::remove_dir_all(ws.join("out"));
        fs::create_dir(ws.join("out")).unwrap();
        let run = |(call, made): &(String, &str)| {
            // What waits for ever is ended, and 8 GB are more than a compiler needs here (and less than what lies there).
            let mut command = self.space.command("bash");
            let line = "ulimit -v 8000000; exec timeout -k 1 100 \"$@\"";
            command.args(["-c", line, "bash"]).args(kiln).args(call.split(' ')).current_dir(&ws);
            command.env("KILN_DIR", &self.cache);
            let output = command.output().unwrap();
            let printed = String::from_utf8_lossy(&output.stderr).into_owned();
            Did { code: output.status.code(), printed, made: fs::read(ws.join(made)).ok() }
        };
        calls.iter().map(run).collect()
    }

    /// The build beside what the compilers make alone.
    #[track_caller]
    fn is_right(&self, plain: &[Did], shown: &str) {
        let through = self.build(Some(kiln_testkit::binary::kiln()));
        for (call, (did, alone)) in through.iter().zip(plain).enumerate() {
            assert_eq!(did.code, Some(0), "{shown}: call {call}: {}", did.printed);
            let same = did.made == alone.made || call >= OLD && did.made.is_some();
            assert!(same, "{shown}: call {call} made something else: {}", did.printed);
            assert!(did.printed.contains(&alone.printed), "{shown}: call {call} said {}", did.printed);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(Command::new("cp").args(["-a", "--sparse=always"]).args([from, to]).status().unwrap().success());
}

#[test]
fn anything_in_the_place_of_any_file() {
    let mut scene = Scene::new();
    let plain = scene.build(None);
    for _ in 0..20 {
        scene.is_right(&plain, "at first");
        // (what identifies the compilers goes on behind the first calls)
        if tree::files(&scene.space.cache().join("v1/results")).len() > 3 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    let pristine = scene.space.path("pristine");
    copy(&scene.cache, &pristine);
    let mut number = 0;
    let mut seen = BTreeSet::new();
    let mut files: Vec<PathBuf> = tree::files(&pristine);
    let directories: BTreeSet<PathBuf> = files
        .iter()
        .flat_map(|file| file.ancestors().skip(1))
        .filter(|path| path.iter().count() > 0)
        .map(Path::to_owned)
        .collect();
    files.extend(directories);
    files.retain(|file| every() || seen.insert(role(file)));
    assert!(files.len() > 10, "{files:?}");
    let elsewhere = scene.space.write("elsewhere", "another one's");
    for file in files {
        // (in the place of a directory one thing is as good as another)
        let things = if every() {
            &THINGS[..]
        } else if pristine.join(&file).is_dir() {
            &THINGS[..1]
        } else {
            &THINGS[..3]
        };
        for thing in things {
            let _ = fs::remove_dir_all(&scene.cache);
            number += 1;
            scene.cache = scene.space.path(format!("cache-{number}"));
            copy(&pristine, &scene.cache);
            replace(&scene.cache.join(&file), thing, &elsewhere);
            scene.is_right(&plain, &format!("{thing} at {}", file.display()));
            assert_eq!(
                fs::read_to_string(&elsewhere).unwrap(),
                "another one's",
                "{thing} at {}",
                file.display()
            );
        }
    }
}

/// What the daemon and its clients have below `remote/`: a build that cannot have a daemon does without one.
#[test]
fn anything_in_the_place_of_the_daemons_files() {
    let mut scene = Scene::new();
    let share = scene.space.path("share");
    fs::create_dir(&share).unwrap();
    scene.space.set_env("KILN_REMOTE", format!("file://{}", share.display()));
    let plain = scene.build(None);
    let daemon = |scene: &Scene, words: &[&str]| {
        let mut command = scene.space.command("timeout");
        command.args(["-k", "1", "100"]).arg(kiln_testkit::binary::kiln()).arg("daemon").args(words);
        let ended = command.env("KILN_DIR", &scene.cache).output().unwrap();
        assert_ne!(ended.status.code(), Some(124), "kiln daemon {words:?} hangs: {ended:?}");
        String::from_utf8_lossy(&ended.stdout).into_owned()
    };
    for _ in 0..3 {
        scene.is_right(&plain, "at first");
    }
    daemon(&scene, &["wait", "--for", "60s"]);
    let names = |directory: &Path| -> BTreeSet<PathBuf> {
        let found = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        found.map(|path| path.strip_prefix(&scene.cache).unwrap().to_owned()).collect()
    };
    let mut files = names(&scene.cache.join("remote"));
    files.insert(PathBuf::from("remote"));
    files.insert(PathBuf::from("remote/counters"));
    daemon(&scene, &["stop"]);
    assert!(files.len() > 4, "{files:?}");
    let pristine = scene.space.path("pristine");
    copy(&scene.cache, &pristine);
    for file in &files {
        // (else nobody starts another daemon for a while)
        if ["started-", "silent-"].iter().any(|start| file.to_string_lossy().contains(start)) {
            let _ = fs::remove_file(pristine.join(file));
        }
    }
    let elsewhere = scene.space.write("elsewhere", "another one's");
    let things = if every() { &THINGS[..] } else { &["pipe", "endless", "huge", "directory", "link"][..] };
    let mut with_daemon = 0;
    for (number, file) in files.iter().enumerate() {
        for thing in things {
            let shown = format!("{thing} at {}", file.display());
            let _ = fs::remove_dir_all(&scene.cache);
            scene.cache = scene.space.path(format!("c{number}{thing}"));
            copy(&pristine, &scene.cache);
            let place = scene.cache.join(file);
            if !place.exists() {
                fs::write(&place, "").unwrap();
            }
            replace(&place, thing, &elsewhere);
            scene.is_right(&plain, &shown);
            daemon(&scene, &["wait", "--for", "2s"]);
            let status = daemon(&scene, &["status", "--json"]);
            let lives = status.contains("\"process\": ") && !status.contains("\"process\": null");
            daemon(&scene, &["stop"]);
            with_daemon += usize::from(lives);
            assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "another one's", "{shown}");
        }
    }
    assert!(with_daemon > things.len(), "{with_daemon}: hardly ever there was one to meet all this");
}
