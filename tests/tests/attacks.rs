//! What a reviewer found by attacking kiln: one test per defect, by what was done to it. Single rustc calls, for speed:
//! whatever changes, kiln's call leaves what plain rustc leaves.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use kiln_testkit::{Outcome, Project, TestSpace, Toolchain, binary, run, run_with_input, tree};
use kiln_tests::macros::{call, source, step};
use kiln_tests::native::archive;

/// A library as an object, which shows the values of its statics.
const OBJECT: [&str; 7] = [
    "--crate-name=x",
    "--crate-type=lib",
    "--edition=2021",
    "--emit=dep-info,obj",
    "--error-format=json",
    "--out-dir=out",
    "x.rs",
];

/// What a call left: how it ended, what it said, and the files in `out`.
#[derive(Debug, PartialEq)]
struct Left {
    code: Option<i32>,
    out: String,
    err: String,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

fn left(project: &Project<'_>, mut command: Command) -> Left {
    let out = project.path("out");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir(&out).unwrap();
    let outcome = run(&mut command);
    let file = |path: PathBuf| (path.clone(), fs::read(out.join(path)).unwrap());
    let files = tree::files(&out).into_iter().map(file).collect();
    Left { code: outcome.status.code(), out: outcome.out(), err: outcome.err(), files }
}

/// Runs the call plainly and through kiln; both must leave the same. `adapt` sets what the call needs besides.
#[track_caller]
fn agrees_with(project: &Project<'_>, args: &[&str], adapt: impl Fn(&mut Command)) -> Left {
    let made = |mut command: Command| {
        adapt(&mut command);
        left(project, command)
    };
    let plain = made(project.plain_rustc(args));
    let ours = made(project.rustc(args));
    assert_eq!(
        (&ours.code, &ours.out, &ours.err),
        (&plain.code, &plain.out, &plain.err),
        "left: kiln, right: plain"
    );
    let differing: Vec<_> =
        plain.files.iter().filter(|(name, bytes)| ours.files.get(*name) != Some(bytes)).collect();
    assert!(
        differing.is_empty(),
        "kiln's {:?} differ from plain rustc's",
        differing.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    assert_eq!(ours.files.len(), plain.files.len());
    ours
}

#[track_caller]
fn agrees(project: &Project<'_>, args: &[&str]) -> Left {
    agrees_with(project, args, |_| ())
}

fn hits(space: &TestSpace) -> i64 {
    space.stats().hits
}

/// Kept and found again while nothing changes (else the test would show nothing), and right after `change`.
#[track_caller]
fn follows<T>(project: &Project<'_>, args: &[&str], change: impl FnOnce() -> T) {
    agrees(project, args);
    let before = hits(project.space());
    let first = agrees(project, args);
    assert_eq!(hits(project.space()) - before, 1, "not cached");
    change();
    assert_ne!(agrees(project, args), first, "the change does not show");
}

/// A project of one source.
fn of_source<'a>(space: &'a TestSpace, text: &str) -> Project<'a> {
    let project = space.project("w");
    fs::create_dir(project.path("out")).unwrap();
    project.write("x.rs", text);
    project
}

fn with_value(value: &str) -> String {
    format!("pub static VALUE: &str = {value};\n")
}

/// A project whose source is what a macro with these commands answers to `expression`, and the call that compiles it.
fn of_macro<'a>(
    space: &'a TestSpace,
    macro_source: &str,
    expression: &str,
) -> (Project<'a>, Vec<&'static str>) {
    let project = of_source(space, &with_value(expression));
    project.write("pm.rs", macro_source);
    run(&mut project.plain_rustc(&[
        "--crate-name=pm",
        "--crate-type=proc-macro",
        "--extern=proc_macro",
        "--edition=2021",
        "pm.rs",
    ]))
    .ok();
    (project, [&OBJECT[..], &["--extern", "pm=libpm.so"]].concat())
}

/// The toolchain in another directory: as links, without what no compile here needs.
fn toolchain_at(root: &Path) -> PathBuf {
    let sysroot = Toolchain::sysroot();
    for part in ["bin/rustc".into(), "lib".into(), format!("lib/rustlib/{}/lib", Toolchain::host())] {
        let from = sysroot.join(&part);
        let files = if from.is_file() { vec![PathBuf::new()] } else { files_in(&from) };
        for file in files {
            let (from, to) = (from.join(&file), root.join(&part).join(&file));
            let (from, to) = if file.as_os_str().is_empty() {
                (sysroot.join(&part), root.join(&part))
            } else {
                (from, to)
            };
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)).unwrap();
        }
    }
    root.join("bin/rustc")
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().flatten().filter(|entry| entry.path().is_file());
    entries.map(|entry| entry.file_name().into()).collect()
}

/// 28a: the source is no file: what was read from the pipe is gone.
#[test]
fn source_from_standard_input_by_name() {
    let space = TestSpace::new();
    let project = space.project("w");
    let args = ["--crate-name=x", "--crate-type=lib", "--emit=obj", "-o", "x.o", "/dev/stdin"];
    for text in ["one", "two"] {
        let object = |mut command: Command| {
            run_with_input(&mut command, with_value(&format!("{text:?}")).as_bytes()).ok();
            fs::read(project.path("x.o")).unwrap()
        };
        assert!(object(project.plain_rustc(&args)) == object(project.rustc(&args)), "{text}");
    }
}

/// 28b: the same with a shell's process substitution.
#[test]
fn source_from_a_pipe_by_name() {
    let space = TestSpace::new();
    let project = space.project("w");
    for text in ["one", "two"] {
        let object = |kiln: bool| {
            let mut command = space.kiln(&[]);
            command.current_dir(project.dir()).env("TEXT", with_value(&format!("{text:?}")));
            let mut command = through(&command, "bash", &["-c", "\"$@\" <(printf %s \"$TEXT\")", "bash"]);
            if kiln {
                command.arg(binary::kiln());
            }
            command.arg(Toolchain::rustc()).args([
                "--crate-name=x",
                "--crate-type=lib",
                "--emit=obj",
                "-o",
                "x.o",
            ]);
            run(&mut command).ok();
            fs::read(project.path("x.o")).unwrap()
        };
        assert!(object(false) == object(true), "{text}");
    }
}

/// Another program in the environment and directory of `like`.
fn through(like: &Command, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().args(args).current_dir(like.get_current_dir().unwrap_or(Path::new("/")));
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The call as a shell makes it after `before`.
fn after(before: &str, call: &Command) -> Command {
    let mut command = through(call, "bash", &["-c", &format!("{before}; exec \"$@\""), "bash"]);
    command.arg(call.get_program()).args(call.get_args());
    command
}

/// 44: without dep-info nothing says that the source asked for a variable that rustc reads for itself, too.
#[test]
fn variables_of_the_source_without_dep_info() {
    let space = TestSpace::new();
    let text = "pub static A: Option<&str> = option_env!(\"CI\");\npub static B: Option<&str> = option_env!(\"PATH\");\n";
    let project = of_source(&space, text);
    let args = ["--crate-name=x", "--crate-type=lib", "--emit=obj", "--out-dir=out", "x.rs"];
    let path = std::env::var("PATH").unwrap();
    for (ci, path) in [("1", path.clone()), ("1", path.clone()), ("2", path.clone()), ("2", path + ":/x")] {
        agrees_with(&project, &args, |command| {
            command.env("CI", ci).env("PATH", &path);
        });
    }
}

/// 14: a probe that failed for want of a directory or a place to write is no answer about the source.
#[test]
fn probe_that_failed_for_another_reason() {
    let space = TestSpace::new();
    let project = of_source(&space, "pub fn f() {}\n");
    project
        .write("no-directory", "")
        .write("taken/libx.rmeta/file", "")
        .write("wrong.rs", "pub fn f() -> u8 {}\n");
    let probe = |directory: &str, source: &str| {
        let out = format!("--out-dir={directory}");
        let args = ["--crate-name=x", "--crate-type=lib", "--emit=metadata", &out, source];
        run(project.rustc(&args).env("OUT_DIR", project.dir())).status.code()
    };
    assert_eq!(probe("no-directory", "x.rs"), Some(1));
    assert_eq!(probe("taken", "x.rs"), Some(1));
    assert_eq!(probe("fine", "x.rs"), Some(0));
    let before = hits(&space);
    assert_eq!((probe("fine", "wrong.rs"), probe("fine", "wrong.rs")), (Some(1), Some(1)));
    assert_eq!(hits(&space) - before, 1, "an error in the source is an answer");
}

/// 20: with the standard library's source beside it a toolchain shows where it is.
#[test]
fn same_toolchain_elsewhere_with_its_source() {
    let space = TestSpace::new();
    let project = of_source(&space, "pub fn f(v: &mut Vec<u8>) { v.push(1); v.sort() }\n");
    let (a, b) = (toolchain_at(&space.path("a/tc")), toolchain_at(&space.path("b/tc")));
    space.write("b/tc/lib/rustlib/src/rust/library/std/src/lib.rs", "");
    for rustc in [&a, &b] {
        let args = [&OBJECT[..], &["-g"]].concat();
        let mut ours = space.kiln(&[]);
        ours.arg(rustc).args(&args).current_dir(project.dir());
        let mut plain = space.command(rustc);
        plain.args(&args).current_dir(project.dir());
        assert!(left(&project, ours) == left(&project, plain), "{}", rustc.display());
    }
}

/// 21: the toolchain is named by a link, which is retargeted to an equal one.
#[test]
fn toolchain_link_that_is_retargeted() {
    let space = TestSpace::new();
    let link = space.path("tc");
    for name in ["a", "b"] {
        toolchain_at(&space.path(name));
        let _ = fs::remove_file(&link);
        symlink(name, &link).unwrap();
        let rustc = link.join("bin/rustc");
        let plain = run(space.command(&rustc).arg("--print=sysroot")).ok();
        let ours = run(space.kiln(&[]).arg(&rustc).arg("--print=sysroot")).ok();
        assert_eq!(ours.out(), plain.out());
    }
}

/// 25: another driver comes first in the loader's search.
#[test]
fn library_path_with_another_driver() {
    let space = TestSpace::new();
    let lib = Toolchain::sysroot().join("lib");
    let driver = files_in(&lib)
        .into_iter()
        .find(|name| name.to_string_lossy().starts_with("librustc_driver"))
        .unwrap();
    space.write(Path::new("other").join(&driver), "not even a library");
    let version = |path: &Path| {
        let mut command = space.kiln(&[]);
        command.arg(Toolchain::rustc()).arg("-vV").env("LD_LIBRARY_PATH", path);
        command
    };
    space.meet(&|| version(&lib)); // the toolchain's own directory, as rustup sets it
    run(&mut version(&space.path("other"))).fails_with("librustc_driver");
}

/// 12: a script in front of the linker decides by `test`.
#[test]
fn linker_script_that_tests_a_file() {
    let space = TestSpace::new();
    let project = of_source(&space, "fn main() {}\n");
    let flag = project.path("flag");
    let test = |option: &str| {
        let text = format!(
            "#!/bin/sh\nextra=\n[ -{option} {} ] && extra=-s\nexec cc \"$@\" $extra\n",
            flag.display()
        );
        space.script("w/linker", &text);
    };
    let args = [
        "--crate-name=x",
        "--crate-type=cdylib",
        "--emit=dep-info,link",
        "-Clinker=./linker",
        "--out-dir=out",
        "x.rs",
    ];
    project.write("flag", "");
    test("s");
    follows(&project, &args, || project.write("flag", "x"));
    test("x");
    follows(&project, &args, || fs::set_permissions(&flag, fs::Permissions::from_mode(0o755)).unwrap());
}

/// 31: what is on PATH counts by the programs that are found there.
#[test]
fn link_with_another_path() {
    let space = TestSpace::new();
    let project = of_source(&space, "fn main() {}\n");
    let args = ["--crate-name=x", "--emit=dep-info,link", "--out-dir=out", "x.rs"];
    let link = |path: &str| run(project.rustc(&args).env("PATH", path)).ok();
    let path = std::env::var("PATH").unwrap();
    link(&path);
    fs::create_dir(space.path("empty")).unwrap();
    let before = hits(&space);
    link(&format!("/opt/nothing:{path}"));
    link(&format!("{}:{path}", space.path("empty").display()));
    assert_eq!(hits(&space) - before, 2);
}

/// 02: a macro reads a link that leads nowhere, or to the same file by another way.
#[test]
fn macro_reads_a_link() {
    let space = TestSpace::new();
    let link = space.path("w/link");
    let (project, args) = of_macro(&space, &source(&["readlink"]), &call("readlink", &link));
    let to = |target: &str| {
        let _ = fs::remove_file(&link);
        symlink(target, &link).unwrap();
    };
    to("nowhere-1");
    follows(&project, &args, || to("nowhere-2"));
    project.write("file", "");
    symlink("file", project.path("middle")).unwrap();
    to("middle");
    follows(&project, &args, || to("file"));
}

/// 01: a macro asks what is there without following links.
#[test]
fn macro_asks_whether_it_is_a_link() {
    let space = TestSpace::new();
    let file = space.path("w/file");
    let (project, args) = of_macro(&space, &source(&["link"]), &call("link", &file));
    project.write("file", "text");
    follows(&project, &args, || {
        fs::rename(&file, project.path("other")).unwrap();
        symlink("other", &file).unwrap();
    });
}

/// 03b: a macro goes through /proc.
#[test]
fn macro_looks_through_proc() {
    let space = TestSpace::new();
    let (project, args) = of_macro(&space, &source(&["exists"]), &call("exists", "/proc/self/cwd/file"));
    project.write("file", "");
    agrees(&project, &args);
    project.remove("file");
    agrees(&project, &args);
}

/// 29a: a macro reads through a link that it makes and removes.
#[test]
fn macro_reads_through_its_own_link() {
    let space = TestSpace::new();
    let text = r#"extern crate proc_macro;
#[proc_macro]
pub fn probe(file: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let link = std::env::temp_dir().join("link");
    std::os::unix::fs::symlink(file.to_string().trim_matches('"'), &link).unwrap();
    let text = std::fs::read_to_string(&link).unwrap();
    std::fs::remove_file(&link).unwrap();
    format!("{text:?}").parse().unwrap()
}
"#;
    let file = space.path("w/file");
    let (project, args) = of_macro(&space, text, &format!("pm::probe!({:?})", file.display().to_string()));
    for text in ["one", "two"] {
        project.write("file", text);
        agrees(&project, &args);
    }
}

/// 16 of the second list: a macro that does not sort what it lists sees which file is older.
#[test]
fn macro_lists_without_sorting() {
    let Some(space) = in_memory() else { return };
    let text = r#"extern crate proc_macro;
#[proc_macro]
pub fn probe(directory: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let names = std::fs::read_dir(directory.to_string().trim_matches('"')).unwrap().map(|entry| entry.unwrap().file_name());
    format!("{:?}", format!("{:?}", names.collect::<Vec<_>>())).parse().unwrap()
}
"#;
    let directory = space.path("w/names");
    let (project, args) =
        of_macro(&space, text, &format!("pm::probe!({:?})", directory.display().to_string()));
    project.write("names/a", "").write("names/b", "");
    follows(&project, &args, || project.remove("names/a").write("names/a", ""));
}

/// A space on tmpfs, if there is one.
fn in_memory() -> Option<TestSpace> {
    let shm = Path::new("/dev/shm");
    let usable = shm.is_dir() && fs::write(shm.join("kiln-test-probe"), "").is_ok();
    let _ = fs::remove_file(shm.join("kiln-test-probe"));
    usable.then(|| TestSpace::inside(shm))
}

/// 10, 11, 28c, 03a: /dev/shm is no device, it holds sources, libraries, outputs and what macros ask for.
#[test]
fn everything_in_shared_memory() {
    let Some(space) = in_memory() else { return };
    let asked = space.path("w/asked");
    let (project, args) = of_macro(&space, &source(&["exists"]), &call("exists", &asked));
    follows(&project, &args, || project.write("asked", ""));
    follows(&project, &args, || project.write("x.rs", with_value("\"two\"")));
    project.write(
        "x.rs",
        "#[link(name = \"nat\", kind = \"static\")]\nextern \"C\" { pub fn native() -> i32; }\n",
    );
    project.write("libnat.a", archive(&space, "native", 1));
    let args = [
        "--crate-name=x",
        "--crate-type=rlib",
        "--emit=dep-info,metadata,link",
        "-Lnative=.",
        "--out-dir=out",
        "x.rs",
    ];
    follows(&project, &args, || project.write("libnat.a", archive(&space, "native", 2)));
}

/// 26: an input that is called like an output.
#[test]
fn input_called_like_an_output() {
    let space = TestSpace::new();
    let project = of_source(
        &space,
        "#[link(name = \"ans\", kind = \"static\")]\nextern \"C\" { pub fn native() -> i32; }\n",
    );
    let args = ["--crate-name=ans", "--crate-type=rlib", "--emit=dep-info,link", "-Lnative=.", "x.rs"];
    for value in [1, 2] {
        project.write("libans.a", archive(&space, "native", value));
        let library = |mut command: Command| {
            run(&mut command).ok();
            fs::read(project.path("libans.rlib")).unwrap()
        };
        assert!(library(project.plain_rustc(&args)) == library(project.rustc(&args)), "{value}");
    }
}

/// 13: a second file for a module appears where the outputs are, too.
#[test]
fn second_file_for_a_module_beside_the_outputs() {
    let space = TestSpace::new();
    let project = of_source(&space, "mod foo;\npub use foo::f;\n");
    project.write("foo.rs", "pub fn f() {}\n");
    let compile = || {
        run(&mut project.rustc(&["--crate-name=x", "--crate-type=lib", "--emit=dep-info,metadata", "x.rs"]))
    };
    compile().ok();
    project.write("foo/mod.rs", "pub fn f() {}\n");
    compile().fails_with("E0761");
}

/// 15: where files may not become long, the recorder's log cannot be made; the compile goes on.
#[test]
fn limit_for_the_length_of_files() {
    let space = TestSpace::new();
    let project = of_source(&space, "pub fn f() {}\n");
    run(&mut after("ulimit -f 40000", &project.rustc(&OBJECT))).ok();
    assert!(project.path("out/x.o").exists());
}

/// 16: without rustup cargo calls a bare `rustc`.
#[test]
fn bare_rustc_on_path() {
    let space = TestSpace::new();
    let project = of_source(&space, "pub fn f() {}\n");
    let path = format!("{}:{}", Toolchain::sysroot().join("bin").display(), std::env::var("PATH").unwrap());
    let compile =
        || run(space.kiln(&["rustc"]).args(OBJECT).current_dir(project.dir()).env("PATH", &path)).ok();
    compile();
    let before = hits(&space);
    compile();
    assert_eq!(hits(&space) - before, 1);
}

/// Two checkouts, `a` and `b`, under the remap setting.
fn remapped() -> TestSpace {
    let mut space = TestSpace::new();
    space.set_env("KILN_REMAP", "1");
    for checkout in ["a", "b"] {
        space.write(format!("{checkout}/Cargo.toml"), "");
        fs::create_dir(space.path(checkout).join("out")).unwrap();
    }
    space
}

/// 34: `/w+x` does not lie in `/w`.
#[test]
fn directory_that_begins_like_the_checkout() {
    for between in ["+", ":", ","] {
        let space = remapped();
        for (checkout, value) in [("a", 1), ("b", 2)] {
            let project = space.project(checkout);
            project.write(
                "x.rs",
                "#[link(name = \"nat\", kind = \"static\")]\nextern \"C\" { pub fn native() -> i32; }\n",
            );
            let beside = format!("{checkout}{between}made");
            space.write(format!("{beside}/libnat.a"), archive(&space, "native", value));
            let search = format!("-Lnative={}", space.path(&beside).display());
            run(&mut project.rustc(&[
                "--crate-name=x",
                "--crate-type=rlib",
                "--emit=dep-info,link",
                &search,
                "--out-dir=out",
                "x.rs",
            ]))
            .ok();
            let library = fs::read(project.path("out/libx.rlib")).unwrap();
            let fresh = archive(&space, "native", value);
            let object = &fresh[fresh.len() - 600..]; // the object's end holds no paths
            assert!(library.windows(64).any(|part| part == &object[..64]), "{checkout}{between}");
        }
        assert_eq!(hits(&space), 0, "{between}");
    }
}

/// 30: paths that step back inside the checkout are the checkout's.
#[test]
fn step_back_inside_the_checkout() {
    let space = remapped();
    for checkout in ["a", "b"] {
        let project = space.project(checkout);
        project.write("src/x.rs", "#[path = \"../shared/y.rs\"]\npub mod y;\npub static LENGTH: usize = include_str!(\"../shared/y.rs\").len();\n");
        project.write("shared/y.rs", "pub fn f() {}\n");
        let args =
            ["--crate-name=x", "--crate-type=lib", "--emit=dep-info,metadata", "--out-dir=out", "src/x.rs"];
        run(&mut project.rustc(&args)).ok();
    }
    assert_eq!(hits(&space), 1);
}

/// 33: values of variables are stored as digests only; dep-info tells them all the same, and unset ones.
#[test]
fn values_of_variables_are_not_stored() {
    let space = TestSpace::new();
    let text =
        "const _: usize = env!(\"SECRET\").len();\nconst _: bool = option_env!(\"UNSET\").is_some();\n";
    let project = of_source(&space, text);
    let args = ["--crate-name=x", "--crate-type=lib", "--emit=dep-info,metadata", "--out-dir=out", "x.rs"];
    let secret = "s3cr3t\\with\nlines=";
    let compile = || {
        agrees_with(&project, &args, |command| {
            command.env("SECRET", secret);
        })
    };
    compile();
    let before = hits(&space);
    let hit = compile();
    assert_eq!(hits(&space) - before, 1);
    let dep_info = String::from_utf8(hit.files[Path::new("x.d")].clone()).unwrap();
    assert!(dep_info.contains("# env-dep:SECRET=s3cr3t\\\\with\\nlines=\n"), "{dep_info}");
    assert!(dep_info.contains("# env-dep:UNSET\n"), "{dep_info}");
    // (blobs are what the compiler made of it)
    for file in tree::files(space.cache()).into_iter().filter(|file| !file.starts_with("v1/blobs")) {
        let bytes = fs::read(space.cache().join(&file)).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"s3cr3t"), "{}", file.display());
    }
}

/// 19 of the second list: a message that names the output directory because the source does.
#[test]
fn message_that_holds_the_output_directory() {
    let space = TestSpace::new();
    let project = space.project("w");
    let (one, two) = (project.path("one"), project.path("two"));
    project.write("x.rs", format!("fn unused() {{}} // {}/x\n", one.display()));
    let err = |command: &mut Command, out: &Path| {
        let _ = fs::create_dir(out);
        let out = format!("--out-dir={}", out.display());
        run(command.args([
            "--crate-name=x",
            "--crate-type=lib",
            "--emit=metadata",
            "--error-format=json",
            &out,
            "x.rs",
        ]))
        .ok()
        .err()
    };
    err(&mut project.rustc(&[]), &one);
    assert_eq!(err(&mut project.rustc(&[]), &two), err(&mut project.plain_rustc(&[]), &two));
}

/// 22: permissions are today's umask's, not those under which it was stored.
#[test]
fn permissions_follow_the_umask() {
    let space = TestSpace::new();
    let project = of_source(&space, "pub fn f() {}\n");
    // (as cargo compiles a dependency, the libraries of which are links)
    let args = [
        "--crate-name=x",
        "--crate-type=rlib",
        "--cap-lints=allow",
        "--emit=dep-info,metadata,link",
        "--out-dir=out",
        "x.rs",
    ];
    let modes = |umask: &str| {
        for file in tree::files(&project.path("out")) {
            project.remove(Path::new("out").join(file));
        }
        run(&mut after(&format!("umask {umask}"), &project.rustc(&args))).ok();
        ["x.d", "libx.rmeta", "libx.rlib"].map(|name| fs::metadata(project.path("out").join(name)).unwrap())
    };
    let bits = |umask| modes(umask).map(|it| it.permissions().mode() & 0o777);
    assert_eq!(bits("077"), [0o600; 3]);
    let before = hits(&space);
    assert_eq!(bits("022"), [0o644; 3]);
    assert_eq!(bits("077"), [0o600; 3]);
    assert!(modes("077")[2].nlink() > 1, "where nothing speaks against it, it is a link");
    assert_eq!(hits(&space) - before, 3);
}

/// 23: ending the wrapper ends the compiler, and the caller sees the same as from rustc.
#[test]
fn wrapper_that_is_ended_takes_the_compiler_along() {
    let space = TestSpace::new();
    let project = space.project("w");
    let source = project.path("never-written.rs");
    run(Command::new("mkfifo").arg(&source)).ok();
    let name = source.to_str().unwrap();
    let args = ["--crate-name=x", "--crate-type=lib", "--error-format=json", name];
    let ended_by = |signal: &str, mut command: Command, processes: usize| {
        let mut child = command.spawn().unwrap();
        wait_until(|| processes_with(name).len() == processes);
        std::thread::sleep(Duration::from_millis(100)); // rustc has arranged for SIGINT
        run(Command::new("kill").args([signal, &child.id().to_string()])).ok();
        let status = child.wait().unwrap();
        wait_until(|| processes_with(name).is_empty());
        status
    };
    for signal in ["-TERM", "-INT"] {
        let plain = ended_by(signal, project.plain_rustc(&args), 1);
        assert_eq!(ended_by(signal, project.rustc(&args), 2), plain, "{signal}");
    }
}

fn processes_with(word: &str) -> Vec<u32> {
    let holds = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|&b| b == 0).any(|argument| argument == word.as_bytes())
    };
    let names = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).filter(holds).collect()
}

#[track_caller]
fn wait_until(come: impl Fn() -> bool) {
    let start = Instant::now();
    while !come() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `kiln rustc -vV | head -n 1`: where nobody reads, rustc ends by SIGPIPE, and so does kiln, from the cache as well.
#[test]
fn output_that_nobody_reads() {
    let space = TestSpace::new();
    let deaf = |mut command: Command| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer).arg("-vV").status().unwrap().signal()
    };
    let kiln = || {
        let mut command = space.kiln(&[]);
        command.arg(Toolchain::rustc());
        command
    };
    assert_eq!(deaf(space.command(Toolchain::rustc())), Some(13));
    assert_eq!(deaf(kiln()), Some(13), "a miss");
    let received: Outcome = run(kiln().arg("-vV")).ok();
    assert!(received.out().starts_with("rustc "));
    assert_eq!(deaf(kiln()), Some(13), "a hit");
}

/// 17, 18: a directory renamed into place during the compile, or a link retargeted, brings files that are old themselves.
#[test]
fn source_directory_replaced_during_the_compile() {
    for link in [true, false] {
        let space = TestSpace::new();
        let expression = format!("pm::probe!(\"{}\")", step("sleep", "400"));
        let (project, args) = of_macro(&space, &source(&["sleep"]), &expression);
        let args = [&args[..], &["--cfg=replaced"]].concat();
        project.write("a/y.rs", "pub static Y: u8 = 1;\n").write("b/y.rs", "pub static Y: u8 = 2;\n");
        project.write(
            "x.rs",
            format!(
                "#[path = \"src/y.rs\"]\nmod y;\npub static Z: &u8 = &y::Y;\n{}",
                with_value(&expression)
            ),
        );
        let src = project.path("src");
        let put = |name: &str| match link {
            true => symlink(name, &src).unwrap(),
            false => fs::rename(project.path(name), &src).unwrap(),
        };
        let away =
            || if link { fs::remove_file(&src) } else { fs::rename(&src, project.path("old")) }.unwrap();
        put("a");
        std::thread::sleep(Duration::from_millis(30));
        let mut child = project.rustc(&args).spawn().unwrap();
        let read = || processes_with("--cfg=replaced").len() >= 2;
        wait_until(read);
        std::thread::sleep(Duration::from_millis(200));
        away();
        put("b");
        assert!(child.wait().unwrap().success());
        agrees(&project, &args);
    }
}

/// The first question to a compiler is answered before its half a gigabyte is read, and whoever asked may go: nothing of theirs is held.
#[test]
fn first_question_does_not_wait_for_the_compiler_to_be_read() {
    let space = TestSpace::new();
    let rustc = compiler_of_ours(&space, "puts(\"rustc of ours\");");
    let mut ask = space.command("sh");
    ask.args(["-c", "exec 9>&1 \"$@\"", "sh"]).arg(binary::kiln()).arg(&rustc).arg("-vV");
    ask.env("KILN_DIR", space.cache());
    let notes = || fs::read_dir(space.cache().join("v1/toolchains")).map_or(0, Iterator::count);
    let nobody_identifies_it = space.hold_units_in_flight();
    // This reads to the end of a pipe that is open as another descriptor, too, as cargo's jobserver is.
    assert_eq!(run(&mut ask).ok().out(), "rustc of ours\n");
    assert_eq!(notes(), 0, "it was read first");
    drop(nobody_identifies_it);
    wait_until(|| notes() == 2); // of the toolchain, and of what it calls itself
    assert_eq!(run(&mut ask).ok().out(), "rustc of ours\n");
    assert_eq!(hits(&space), 1, "what the compiler said itself was not kept");
}

/// Where nothing can be found, a compile does not wait for the compiler to be read either; it ends when it is, and is kept.
#[test]
fn first_compile_does_not_wait_for_the_compiler_to_be_read() {
    let space = TestSpace::new();
    let project = of_source(&space, "pub fn f() {}\n");
    let args = ["--crate-name=x", "--crate-type=lib", "--emit=dep-info,metadata", "--out-dir=out", "x.rs"];
    let notes = || fs::read_dir(space.cache().join("v1/toolchains")).map_or(0, Iterator::count);
    let nobody_identifies_it = space.hold_units_in_flight();
    std::thread::sleep(Duration::from_millis(50)); // what was written in the tick in which a run began is not kept
    let mut compile = project.rustc(&args).spawn().unwrap();
    wait_until(|| project.path("out/libx.rmeta").exists());
    assert_eq!(notes(), 0, "it was read first");
    drop(nobody_identifies_it);
    assert!(compile.wait().unwrap().success());
    let before = hits(&space);
    run(&mut project.rustc(&args)).ok();
    assert_eq!(hits(&space) - before, 1);
}

/// A toolchain of this test's own, whose compiler does this whatever it is asked.
fn compiler_of_ours(space: &TestSpace, does: &str) -> PathBuf {
    space.write("tc/lib/librustc_driver-1.so", "one");
    let headers = ["signal", "stdio", "unistd"].map(|name| format!("#include <{name}.h>\n")).concat();
    let code = space.write("tc/rustc.c", format!("{headers}int main(void) {{ {does} }}\n"));
    let rustc = space.path("tc/bin/rustc");
    fs::create_dir_all(rustc.parent().unwrap()).unwrap();
    run(Command::new("gcc").arg("-o").arg(&rustc).arg(&code)).ok();
    std::thread::sleep(Duration::from_millis(50)); // what was changed in the tick in which a run began is not kept
    rustc
}

/// A compiler that is replaced while it answers its first question: the answer is not its successor's.
#[test]
fn compiler_replaced_while_it_answers_its_first_question() {
    let space = TestSpace::new();
    let (rustc, driver) = compiler_that_stops(&space);
    let replaced = || {
        let new = space.write("tc/lib/new", "two");
        fs::rename(new, &driver).unwrap();
        std::thread::sleep(Duration::from_millis(50)); // what was changed a moment ago is not remembered
    };
    assert_eq!(answer_of(&space, &rustc, &replaced), "rustc one\n");
    let log = || fs::read_to_string(space.cache().join("v1/events/current.jsonl")).unwrap_or_default();
    wait_until(|| log().contains("input-changed"));
    for _ in 0..2 {
        assert_eq!(answer_of(&space, &rustc, &|| ()), "rustc two\n");
    }
}

/// A link to a compiler's files elsewhere makes it no other compiler.
#[test]
fn compiler_linked_elsewhere_while_it_answers_its_first_question() {
    let space = TestSpace::new();
    let (rustc, driver) = compiler_that_stops(&space);
    let linked = || {
        fs::hard_link(&driver, space.path("elsewhere")).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(answer_of(&space, &rustc, &linked), "rustc one\n");
    let log = || fs::read_to_string(space.cache().join("v1/events/current.jsonl")).unwrap_or_default();
    wait_until(|| log().contains("\"outcome\""));
    assert!(log().contains("\"miss\""), "{}", log());
    assert_eq!(answer_of(&space, &rustc, &|| ()), "rustc one\n");
    assert_eq!(hits(&space), 1);
}

/// A compiler of ours that says what is in its driver, having stopped in between; and its driver.
fn compiler_that_stops(space: &TestSpace) -> (PathBuf, PathBuf) {
    let driver = space.path("tc/lib/librustc_driver-1.so");
    let does = format!(
        "char text[9] = {{0}}; fread(text, 1, 8, fopen(\"{}\", \"r\")); kill(getpid(), SIGSTOP); \
         printf(\"rustc %s\\n\", text);",
        driver.display()
    );
    (compiler_of_ours(space, &does), driver)
}

/// What it says through kiln, `meanwhile` being done while it is stopped, if it runs at all.
fn answer_of(space: &TestSpace, rustc: &Path, meanwhile: &dyn Fn()) -> String {
    let stopped = || {
        let of_ours = |pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == rustc);
        let is_stopped = |pid: &u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
        };
        processes_with("-vV").into_iter().find(|pid| of_ours(pid) && is_stopped(pid))
    };
    let mut command = space.kiln(&[]);
    let mut child = command.arg(rustc).arg("-vV").stdout(std::process::Stdio::piped()).spawn().unwrap();
    wait_until(|| stopped().is_some() || child_has_ended(&child));
    meanwhile();
    if let Some(pid) = stopped() {
        run(Command::new("kill").args(["-CONT", &pid.to_string()])).ok();
    }
    let out = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert!(child.wait().unwrap().success());
    out
}

fn child_has_ended(child: &std::process::Child) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with(['Z', 'X']) || rest.is_empty())
}
