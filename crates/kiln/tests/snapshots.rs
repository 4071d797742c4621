//! What every command says, word for word, for people and for programs. A change of these words is a change that somebody
//! meant: `INSTA_UPDATE=always cargo test -p kiln --test snapshots` accepts it, and `git diff` shows it.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

mod space;
mod transcript;

use space::{Space, rustc, succeeds};
use std::fs;
use std::process::Command;
use transcript::Transcript;

/// Three packages in a row (app, mid, leaf) in `project`, and one beside them.
fn workspace() -> Space {
    let space = Space::new();
    fs::remove_dir_all(space.path("project")).unwrap();
    let members = "[workspace]\nmembers = ['app', 'mid', 'leaf', 'odd']\nresolver = '3'\n";
    space.write("project/Cargo.toml", members);
    for (name, dependency) in [("leaf", ""), ("mid", "leaf"), ("app", "mid"), ("odd", "")] {
        let dependency = match dependency {
            "" => String::new(),
            of => format!("{of} = {{ path = '../{of}' }}\n"),
        };
        let manifest = format!(
            "[package]\nname = '{name}'\nversion = '0.1.0'\nedition = '2024'\n[dependencies]\n{dependency}"
        );
        space.write(&format!("project/{name}/Cargo.toml"), &manifest);
    }
    space.write("project/leaf/src/lib.rs", "pub fn leaf() -> u32 { 1 }");
    space.write("project/mid/src/lib.rs", "pub fn mid() -> u32 { leaf::leaf() }");
    space.write("project/app/src/main.rs", "fn main() { println!(\"{}\", mid::mid()); }");
    space.write("project/odd/src/lib.rs", "");
    space
}

/// Cargo in `project`, with kiln in front of rustc.
fn cargo(space: &Space, args: &[&str]) -> Command {
    let mut command = space.command("cargo");
    command.args(args).env("RUSTC_WRAPPER", env!("CARGO_BIN_EXE_kiln"));
    command.env("CARGO_INCREMENTAL", "0").env("CARGO_NET_OFFLINE", "true").env("KILN_NEVER", "odd");
    // Pages list units in the order in which they ended, and nobody takes snapshots behind a test's back.
    command.env("CARGO_BUILD_JOBS", "1").env("KILN_PREFILL", "false");
    // What is changed within a tick of the file system's clock is not kept.
    std::thread::sleep(std::time::Duration::from_millis(30));
    command
}

/// A unit called `name`, compiled into a project's target directory, as cargo would ask for it.
fn unit(space: &Space, name: &str, project: &str) -> Command {
    let out = space.path(&format!("{project}/target/debug/deps"));
    fs::create_dir_all(&out).unwrap();
    let mut command =
        space.kiln(&[rustc().to_str().unwrap(), "--crate-name", name, "--edition=2021", "lib.rs"]);
    command.args([
        "--error-format=json",
        "--crate-type",
        "lib",
        "--emit=dep-info,metadata",
        "-C",
        "metadata=1",
    ]);
    command.arg("--out-dir").arg(out);
    std::thread::sleep(std::time::Duration::from_millis(30));
    command
}

#[test]
fn help() {
    let space = Space::new();
    let mut transcript = Transcript::new(&space);
    transcript.kiln(&[]).kiln(&["-h"]).kiln(&["--help"]).kiln(&["--version"]);
    let commands =
        ["run", "stats", "explain", "clear", "verify", "gc", "setup", "doctor", "config", "completions"];
    for command in commands {
        transcript.kiln(&[command, "--help"]);
    }
    for verb in ["list", "get", "set", "unset", "path", "template"] {
        transcript.kiln(&["config", verb, "--help"]);
    }
    transcript.is("help");
}

#[test]
fn completions() {
    let space = Space::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        Transcript::new(&space).kiln(&["completions", shell]).is(&format!("completions-{shell}"));
    }
    Transcript::new(&space).kiln(&["completions", "tcsh"]).is("completions-unknown");
}

#[test]
fn setup() {
    let space = Space::new();
    let mut transcript = Transcript::new(&space);
    transcript.kiln(&["setup", "--check"]).kiln(&["setup", "--check", "--json"]);
    transcript.kiln(&["setup"]).file("home/.cargo/config.toml");
    transcript.kiln(&["setup"]).kiln(&["setup", "--json"]);
    transcript.kiln(&["setup", "--check"]).kiln(&["setup", "--check", "--json"]);
    transcript.kiln_with(&[("RUSTC_WRAPPER", "")], &["setup", "--check"]);
    transcript.kiln_with(&[("RUSTC_WRAPPER", "sccache")], &["setup"]);
    transcript
        .kiln_with(&[("RUSTC_WRAPPER", "kiln")], &["setup", "--remove"])
        .file("home/.cargo/config.toml");
    transcript.kiln(&["setup", "--remove"]).kiln(&["setup", "--remove", "--json"]);
    space.write("home/.cargo/config.toml", "[build]\nrustc-wrapper = 'sccache'\n");
    transcript.note("somebody else's wrapper is there");
    transcript.kiln(&["setup"]).kiln(&["setup", "--remove"]).kiln(&["setup", "--check"]);
    transcript.kiln(&["setup", "--force"]).file("home/.cargo/config.toml");
    space.write("home/.cargo/config.toml", "[build\n");
    transcript.note("the file is broken").kiln(&["setup"]);
    transcript.kiln(&["setup", "--check", "--remove"]);
    transcript.is("setup");
}

#[test]
fn setup_of_c() {
    let space = Space::new();
    let file = "home/.cargo/config.toml";
    let mut transcript = Transcript::new(&space);
    transcript.kiln(&["setup", "--c", "--check"]).kiln(&["setup", "--c"]).file(file);
    transcript.kiln(&["setup", "--c", "--check"]).kiln(&["setup", "--c", "--check", "--json"]);
    transcript.kiln_with(&[("HOST_CC", "clang")], &["setup", "--c", "--check"]);
    transcript.kiln(&["setup", "--c", "--remove"]).file(file).kiln(&["setup", "--c", "--check", "--json"]);
    transcript.kiln(&["setup", "--c"]);
    fs::remove_dir_all(space.path("home/.cargo/kiln")).unwrap();
    transcript.note("the links are gone").kiln(&["setup", "--c", "--check"]);
    transcript.kiln(&["setup", "--remove"]).file(file);
    space.write(file, "[env]\n# mine\nHOST_CC = { value = 'clang' }\n");
    transcript
        .note("somebody else's compiler is there")
        .kiln(&["setup", "--c"])
        .kiln(&["setup", "--c", "--force"]);
    transcript.file(file).kiln(&["setup", "--remove"]).file(file);
    transcript.is("setup-c");
}

#[test]
fn doctor() {
    let space = Space::new();
    // Linkers that are installed here and elsewhere not are kept out of sight.
    fs::create_dir(space.path("bin")).unwrap();
    for program in ["cc", "as"] {
        let found =
            Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().stdout;
        let link = space.path(&format!("bin/{program}"));
        std::os::unix::fs::symlink(String::from_utf8(found).unwrap().trim(), link).unwrap();
    }
    let path = format!("{}:{}", space.path("bin").display(), rustc().parent().unwrap().display());
    let limit = [("KILN_MAX_SIZE", "1MiB"), ("PATH", path.as_str())];
    let mut transcript = Transcript::new(&space);
    transcript.kiln_with(&limit, &["doctor"]);
    succeeds(&mut space.kiln(&["setup"]));
    transcript
        .note("after `kiln setup`")
        .kiln_with(&limit, &["doctor"])
        .kiln_with(&limit, &["doctor", "--json"]);
    let odd = [
        ("KILN_DIR", "/proc/nowhere"),
        ("KILN_OFF", "1"),
        ("KILN_REMAPP", "1"),
        ("RUSTC", "/bin/true"),
        ("RUSTC_WORKSPACE_WRAPPER", "/usr/bin/sccache"),
        ("RUSTC_WRAPPER", "sccache"),
        ("SCCACHE_DIR", "/x"),
        ("PATH", path.as_str()),
    ];
    transcript.kiln_with(&odd, &["doctor"]).kiln_with(&odd, &["doctor", "--json"]);
    transcript.is("doctor");
}

#[test]
fn config() {
    let space = Space::new();
    // A directory whose length is the same everywhere, for it is in a table.
    let fixed = [("KILN_DIR", "/kiln")];
    let user = "home/.config/kiln/config.toml";
    let mut transcript = Transcript::new(&space);
    transcript.kiln_with(&fixed, &["config", "list"]);
    transcript
        .kiln(&["config", "path"])
        .kiln(&["config", "path", "--project"])
        .kiln(&["config", "path", "--json"]);
    transcript.kiln(&["config", "set", "max-size", "30GiB"]).kiln(&["config", "set", "max-size", "30GiB"]);
    transcript.kiln(&["config", "set", "never", "a,b", "c"]).file(user);
    transcript.kiln(&["config", "set", "--project", "salt", "2"]).file("project/kiln.toml");
    transcript.kiln(&["config", "path", "--project"]).kiln(&["config", "path", "--json"]);
    transcript.kiln(&["config", "get", "never"]).kiln(&["config", "get", "never", "--json"]);
    transcript.kiln(&["config", "get", "salt", "--json"]).kiln(&["config", "get", "log"]);
    transcript.kiln_with(&[("KILN_SALT", "3")], &["config", "get", "salt", "--json"]);
    transcript.kiln_with(&[("KILN_SALT", "3")], &["config", "set", "--project", "salt", "4"]);
    transcript.kiln_with(&fixed, &["config", "list"]).kiln_with(&fixed, &["config", "list", "--json"]);
    transcript.kiln(&["config", "unset", "never"]).kiln(&["config", "unset", "never"]);
    transcript.kiln(&["config", "set", "max-age", "soon"]).kiln(&[
        "config",
        "set",
        "--project",
        "directory",
        "/x",
    ]);
    transcript.kiln(&["config", "get", "max-sizze"]).kiln(&["config", "set", "remap"]);
    transcript.kiln(&["config", "template"]);
    transcript.is("config");
}

/// Two projects, hits, misses, and what is not cached.
fn lived_in() -> Space {
    let space = Space::new();
    for project in ["project", "other"] {
        succeeds(&mut unit(&space, "first", project));
    }
    succeeds(&mut unit(&space, "second", "project"));
    fs::remove_dir_all(space.path("project/target")).unwrap();
    succeeds(&mut unit(&space, "first", "project"));
    succeeds(unit(&space, "third", "project").env("KILN_NEVER", "third"));
    space.write("project/lib.rs", "pub fn f() { nonsense }\n");
    assert!(!unit(&space, "first", "project").output().unwrap().status.success());
    space.write("project/lib.rs", "pub fn f() {}\n");
    space
}

#[test]
fn stats() {
    let space = Space::new();
    Transcript::new(&space).kiln(&["stats"]).kiln(&["stats", "--json"]).is("stats-of-nothing");
    let space = lived_in();
    let mut transcript = Transcript::new(&space);
    transcript.kiln(&["stats"]).kiln(&["stats", "--json"]);
    transcript.kiln(&["stats", "--since", "1h"]).kiln(&["stats", "--since", "2100-01-01", "--json"]);
    transcript.kiln(&["stats", "--project"]).kiln(&["stats", "--project", "../other", "--json"]);
    transcript.kiln(&["stats", "--project", "nowhere"]);
    transcript.kiln(&["stats", "--top", "1"]).kiln(&["stats", "--top", "1", "--json"]);
    transcript.kiln(&["stats", "--zero"]).kiln(&["stats"]);
    transcript.kiln(&["stats", "--since", "yesterday"]).kiln(&["stats", "--zero", "--json"]);
    transcript.is("stats");
}

#[test]
fn explain() {
    let space = workspace();
    let mut transcript = Transcript::new(&space);
    transcript.kiln(&["explain"]).kiln(&["explain", "--json"]).kiln(&["explain", "leaf"]);
    succeeds(&mut cargo(&space, &["build", "-q"]));
    transcript.note("the first build").kiln(&["explain"]);
    space.write("project/leaf/src/lib.rs", "pub fn leaf() -> u32 { 2 }");
    succeeds(&mut cargo(&space, &["build", "-q"]));
    transcript.note("a changed file").kiln(&["explain", "--last"]).kiln(&["explain", "--json"]);
    transcript.kiln(&["explain", "mid"]).kiln(&["explain", "odd"]).kiln(&["explain", "--since", "1h"]);
    fs::remove_dir_all(space.path("project/target")).unwrap();
    succeeds(&mut cargo(&space, &["build", "-q"]));
    transcript.note("an empty target directory").kiln(&["explain"]);
    transcript
        .kiln(&["explain", "nobody"])
        .kiln(&["explain", "--since", "soon"])
        .kiln(&["explain", "--last", "leaf"]);
    transcript.is("explain");
}

#[test]
fn clear() {
    let space = lived_in();
    let mut transcript = Transcript::new(&space);
    transcript.kiln(&["clear", "-y", "--older-than", "1h"]).kiln(&["clear", "--older-than", "soon"]);
    transcript.kiln(&["clear", "-y", "--older-than", "5"]).kiln(&["clear", "second"]);
    transcript.kiln(&["clear", "-y", "second"]).kiln(&["clear", "-y", "--project", "../other", "--json"]);
    transcript.kiln(&["clear", "--yes"]).kiln(&["clear", "-y", "--json"]);
    transcript.is("clear");
}

#[test]
fn gc() {
    let space = lived_in();
    let mut transcript = Transcript::new(&space);
    transcript
        .note("what was used a moment ago is not collected")
        .kiln_with(&[("KILN_MAX_SIZE", "1B")], &["gc"]);
    let age = "find . -type f -exec touch -d '2 days ago' {} +";
    succeeds(Command::new("sh").args(["-c", age]).current_dir(space.path("cache")));
    transcript.note("two days later").kiln(&["gc", "--dry-run"]).kiln(&["gc", "--dry-run", "--json"]);
    let small = [("KILN_MAX_SIZE", "1B")];
    transcript.kiln_with(&small, &["gc", "--dry-run"]).kiln_with(&small, &["gc", "--json"]);
    transcript.kiln_with(&small, &["gc"]);
    transcript.is("gc");
}

#[test]
fn verify() {
    let space = lived_in();
    let mut transcript = Transcript::new(&space);
    transcript.kiln(&["verify"]).kiln(&["verify", "--json"]);
    let shapes = space.path("cache/v1/shapes");
    let mut records: Vec<_> =
        fs::read_dir(shapes).unwrap().flat_map(|shard| files(&shard.unwrap().path())).collect();
    records.sort();
    fs::write(&records[0], "").unwrap();
    transcript.note("a record is damaged").kiln(&["verify"]).kiln(&["verify", "--json"]);
    transcript.kiln(&["verify", "--repair"]).kiln(&["verify", "--repair", "--json"]);
    transcript.is("verify");
}

fn files(path: &std::path::Path) -> Vec<std::path::PathBuf> {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => vec![path.to_owned()],
    }
}

#[test]
fn verify_by_compiling() {
    let space = Space::new();
    let compile = unit(&space, "first", "project");
    let command: Vec<String> = [compile.get_program()]
        .into_iter()
        .chain(compile.get_args())
        .map(|word| word.to_str().unwrap().to_owned())
        .collect();
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut transcript = Transcript::new(&space);
    let args = |more: &[&'static str]| [&["verify", "--rebuild"], more, &["--"], &command[..]].concat();
    transcript.command("kiln verify --rebuild -- [COMPILE]", &mut space.kiln(&args(&[])));
    transcript.command("kiln verify --rebuild -- [COMPILE]", &mut space.kiln(&args(&[])));
    transcript.command("kiln verify --rebuild --json -- [COMPILE]", &mut space.kiln(&args(&["--json"])));
    transcript
        .kiln(&["verify", "--rebuild", "--sample", "half", "--", "true"])
        .kiln(&["verify", "--rebuild"]);
    transcript.kiln(&["verify", "--rebuild", "--", "/nowhere/cargo"]);
    transcript.is("verify-rebuild");
}

#[test]
fn a_build_through_kiln() {
    let space = workspace();
    let mut transcript = Transcript::new(&space);
    let build = |args: &[&str]| {
        let mut command = cargo(&space, &[]);
        let through = space.kiln(&[&["cargo"], args].concat());
        command.env_remove("RUSTC_WRAPPER");
        let mut again = Command::new(through.get_program());
        again.args(through.get_args()).current_dir(space.path("project")).env_clear();
        again.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        again
    };
    transcript.command("kiln cargo build -q", &mut build(&["build", "-q"]));
    transcript.note("all is fresh").command("kiln cargo build -q", &mut build(&["build", "-q"]));
    fs::remove_dir_all(space.path("project/target")).unwrap();
    transcript.note("an empty target directory").command("kiln cargo build -q", &mut build(&["build", "-q"]));
    transcript.command("kiln cargo no-such-command -q", &mut build(&["no-such-command", "-q"]));
    transcript.is("cargo");
}

#[test]
fn what_is_wrong() {
    let space = Space::new();
    let mut transcript = Transcript::new(&space);
    transcript
        .kiln(&["frobnicate"])
        .kiln(&["statz"])
        .kiln(&["stats", "--frobnicate"])
        .kiln(&["stats", "--top", "many"]);
    transcript.kiln(&["/nowhere/rustc", "-vV"]).kiln(&["/", "-vV"]);
    transcript.kiln_with(&[("PATH", "/nowhere")], &["cargo", "build"]);
    let unwritable = [("KILN_DIR", "/proc/nowhere")];
    for command in [&["stats"][..], &["explain"], &["clear", "--yes"], &["gc"], &["verify"]] {
        transcript.kiln_with(&unwritable, command);
    }
    transcript.kiln_with(&[("KILN_CONFIG", "/proc/nowhere/config.toml")], &["config", "set", "salt", "1"]);
    space.write("home/.config/kiln/config.toml", "# mine\nmax-sizze = '1GiB'\nmax-age = 'soon'\n");
    space.write("project/kiln.toml", "directory = '/evil'\nremap = 'perhaps'\n");
    let odd = [("KILN_OFF", "perhaps"), ("KILN_REMAPP", "1")];
    transcript.note("bad settings everywhere");
    transcript.kiln_with(&odd, &["config", "get", "max-age"]).kiln_with(&odd, &["gc"]);
    let mut compile = unit(&space, "first", "project");
    transcript.command("KILN_OFF=perhaps KILN_REMAPP=1 kiln rustc …", compile.envs(odd));
    space.write("home/.config/kiln/config.toml", "max-size = \n");
    transcript.note("a file that is not TOML").kiln(&["config", "get", "max-size"]);
    transcript.is("wrong");
}
