//! Proc macros look at files, directories, variables and programs and tell nobody: each way of looking is a test.
//!
//! Guards: every rival serves a stale result here, and one that caches only what the compiler declares must.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use kiln_testkit::{Project, TestSpace, Toolchain, run};
use kiln_tests::macros::{call, step};
use kiln_tests::native;
use kiln_tests::projects::{macro_app, macro_app_with, rebuilt, right};

/// The same twice, then after an edit, then after the way back: always what plain cargo makes (or made before). When `warm`, the
/// second build must not compile anything.
#[track_caller]
fn follows(project: &Project<'_>, warm: bool, edit: impl FnOnce(), undo: impl FnOnce()) {
    let first = right(project);
    let before = project.space().stats();
    assert_eq!(rebuilt(project), first);
    let second = project.space().since(&before);
    assert!(!warm || second.misses == 0 && second.hits >= 2, "the same again must hit: {second:?}");
    edit();
    assert_ne!(right(project), first, "an edit that does not matter proves nothing");
    undo();
    assert_eq!(rebuilt(project), first);
}

/// The answer to `command` about a file follows its content.
#[track_caller]
fn follows_content(command: &str, warm: bool) {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let project = macro_app(&space, &[command], &call(command, &file));
    follows(&project, warm, || fs::write(&file, "other").unwrap(), || fs::write(&file, "one").unwrap());
}

/// The answer to `command` about a path follows whether there is something.
#[track_caller]
fn follows_presence(command: &str, warm: bool) {
    let space = TestSpace::new();
    let file = space.path("outside-file");
    let project = macro_app(&space, &[command], &call(command, &file));
    follows(&project, warm, || fs::write(&file, "there").unwrap(), || fs::remove_file(&file).unwrap());
}

#[test]
fn content_of_a_file() {
    follows_content("read", true);
}

#[test]
fn content_of_a_file_read_in_a_thread() {
    follows_content("thread", true);
}

#[test]
fn length_of_a_file() {
    follows_content("len", true);
}

#[test]
fn content_through_cat() {
    follows_content("cat", false);
}

/// Guards: a child started without the environment loses the recorder with LD_PRELOAD.
#[test]
fn content_through_cat_with_an_empty_environment() {
    follows_content("cleancat", false);
}

#[test]
fn content_through_a_shell() {
    follows_content("sh", false);
}

#[test]
fn absent_file_that_appears() {
    follows_presence("exists", true);
}

#[test]
fn absent_file_that_was_tried_and_appears() {
    follows_presence("read", true);
}

#[test]
fn absent_path_that_was_asked_its_kind_appears() {
    follows_presence("kind", true);
}

#[test]
fn executable_bit() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let project = macro_app(&space, &["kind"], &call("kind", &file));
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    follows(&project, true, || mode(0o755), || mode(0o644));
}

#[test]
fn file_that_becomes_a_directory() {
    let space = TestSpace::new();
    let path = space.write("outside/path", "one");
    let project = macro_app(&space, &["kind"], &call("kind", &path));
    let to_dir = || fs::remove_file(&path).and_then(|()| fs::create_dir(&path)).unwrap();
    let to_file = || fs::remove_dir(&path).and_then(|()| fs::write(&path, "one")).unwrap();
    follows(&project, true, to_dir, to_file);
}

/// Guards: `include_dir!`, migrations, templates: a new file in a directory that is listed.
#[test]
fn listing_of_a_directory() {
    let space = TestSpace::new();
    space.write("outside/dir/a", "a");
    let project = macro_app(&space, &["list"], &call("list", space.path("outside/dir")));
    let new = space.path("outside/dir/b");
    follows(&project, true, || fs::write(&new, "b").unwrap(), || fs::remove_file(&new).unwrap());
}

#[test]
fn rename_in_a_directory() {
    let space = TestSpace::new();
    space.write("outside/dir/a", "a");
    let project = macro_app(&space, &["listall"], &call("listall", space.path("outside/dir")));
    let (a, b) = (space.path("outside/dir/a"), space.path("outside/dir/b"));
    follows(&project, true, || fs::rename(&a, &b).unwrap(), || fs::rename(&b, &a).unwrap());
}

#[test]
fn absent_directory_that_appears() {
    let space = TestSpace::new();
    let dir = space.path("dir-to-come");
    let project = macro_app(&space, &["list"], &call("list", &dir));
    let appear = || fs::create_dir(&dir).and_then(|()| fs::write(dir.join("a"), "a")).unwrap();
    follows(&project, true, appear, || fs::remove_dir_all(&dir).unwrap());
}

#[test]
fn symlink_aimed_elsewhere() {
    for command in ["read", "readlink", "canonical"] {
        let space = TestSpace::new();
        let (one, two) = (space.write("outside/one", "1"), space.write("outside/two", "2"));
        let link = space.path("outside/link");
        symlink(&one, &link).unwrap();
        let project = macro_app(&space, &[command], &call(command, &link));
        let aim = |at: &Path| fs::remove_file(&link).and_then(|()| symlink(at, &link)).unwrap();
        follows(&project, true, || aim(&two), || aim(&one));
    }
}

/// Guards: the file's own path is unchanged, a directory above it is a symlink that moves.
#[test]
fn directory_above_is_a_symlink_that_moves() {
    let space = TestSpace::new();
    space.write("outside/one/file", "1");
    space.write("outside/two/file", "2");
    let link = space.path("outside/current");
    symlink("one", &link).unwrap();
    let project = macro_app(&space, &["read"], &call("read", link.join("file")));
    let aim = |at: &str| fs::remove_file(&link).and_then(|()| symlink(at, &link)).unwrap();
    follows(&project, true, || aim("two"), || aim("one"));
}

/// Builds with PROBE=value in the environment; what the program prints, through kiln and plainly.
#[track_caller]
fn right_with(project: &Project<'_>, value: Option<&str>) -> String {
    let with = |mut call: kiln_testkit::Cargo<'_>| {
        if let Some(value) = value {
            call = call.env("PROBE", value);
        }
        call.ok();
    };
    let expected = project.aside(|project| {
        with(project.plain(&["build"]));
        project.prints("debug/app")
    });
    with(project.clean().cargo(&["build"]));
    assert_eq!(project.prints("debug/app"), expected, "PROBE={value:?}");
    expected
}

#[track_caller]
fn follows_variable(command: &str) {
    let space = TestSpace::new();
    let project = macro_app(&space, &[command], &call(command, "PROBE"));
    let mut seen = Vec::new();
    for value in [None, Some("one"), Some(""), Some("two"), Some("one"), None] {
        seen.push(right_with(&project, value));
    }
    assert_eq!(seen[1], seen[4]);
    assert_ne!(seen[1], seen[3], "a variable that does not matter proves nothing");
}

#[test]
fn variable() {
    follows_variable("env");
}

/// Guards: walking `environ` asks for no name, so a recorder of `getenv` sees nothing.
#[test]
fn variables_walked() {
    follows_variable("envs");
}

/// Guards: the variable is read by a child of the macro.
#[test]
fn variable_read_by_a_shell() {
    follows_variable("shenv");
}

/// Guards: `--out-dir` is left out of keys as inert, but `std::env::args()` of a macro shows it, and asks nobody.
#[test]
fn own_arguments() {
    for command in ["args", "cmdline"] {
        let space = TestSpace::new();
        let project = macro_app(&space, &[command], &call(command, ""));
        let other = project.with_target(space.path("other-target"));
        let first = right(&project);
        assert!(first.contains("--crate-name"), "{first}");
        assert_ne!(right(&other), first);
        assert_eq!(right(&project), first);
    }
}

#[test]
fn arguments_from_the_profile_and_flags() {
    let space = TestSpace::new();
    let project = macro_app(&space, &["cfgs"], &call("cfgs", ""));
    let with = |flags: &str| {
        project.clean().cargo(&["build"]).env("RUSTFLAGS", flags).ok();
        project.prints("debug/app")
    };
    assert!(with("--cfg=x --cfg one").contains("one"));
    assert!(with("--cfg=x --cfg two").contains("two"));
    assert!(with("--cfg=x --cfg one").contains("one"));
}

/// Guards: the same command line and files on another number of CPUs.
#[test]
fn number_of_cpus() {
    if !Toolchain::has("taskset") || std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() < 2) {
        return; // nothing to tell apart on this machine
    }
    let space = TestSpace::new();
    let project = macro_app(&space, &["cpus"], &call("cpus", ""));
    let all = rebuilt(&project);
    let cargo = project.clean().cargo(&["build"]).command();
    let mut pinned = Command::new("taskset");
    pinned
        .args(["-c", "0"])
        .arg(cargo.get_program())
        .args(cargo.get_args())
        .current_dir(project.dir())
        .env_clear();
    pinned.envs(cargo.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(&mut pinned).ok();
    assert_eq!(project.prints("debug/app"), "1\n");
    assert_eq!(rebuilt(&project), all);
}

/// Guards: the time is a question whose answer is never the same.
#[test]
fn time_of_day() {
    let space = TestSpace::new();
    let project = macro_app(&space, &["time"], &call("time", ""));
    let first: u128 = rebuilt(&project).trim().parse().unwrap();
    let between = kiln_tests::world::nanos_now();
    let second: u128 = rebuilt(&project).trim().parse().unwrap();
    assert!(first < between && between < second, "{first} {between} {second}");
}

/// Guards: a program on PATH is replaced, or another one comes before it.
#[test]
fn program_that_is_run() {
    let space = TestSpace::new();
    let tool = space.script("outside/tool", "#!/bin/sh\necho one\n");
    let project = macro_app(&space, &["program"], &call("program", &tool));
    let make = |what: &str| {
        space.script("outside/tool", &format!("#!/bin/sh\necho {what}\n"));
    };
    follows(&project, false, || make("two"), || make("one"));
}

#[test]
fn program_shadowed_on_path() {
    let mut space = TestSpace::new();
    let path = format!(
        "{}:{}:{}",
        space.path("first").display(),
        space.path("second").display(),
        std::env::var("PATH").unwrap()
    );
    space.set_env("PATH", path);
    space.script("second/kiln-test-tool", "#!/bin/sh\necho second\n");
    fs::create_dir(space.path("first")).unwrap();
    let project = macro_app(&space, &["program"], &call("program", "kiln-test-tool"));
    let appear = || {
        space.script("first/kiln-test-tool", "#!/bin/sh\necho first\n");
    };
    follows(&project, false, appear, || fs::remove_file(space.path("first/kiln-test-tool")).unwrap());
}

/// Guards: a static program has no loader, so nothing can be preloaded into it.
#[test]
fn file_read_by_a_static_program() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one\n");
    let program = native::static_reader(&space, "reader", &file);
    let project = macro_app(&space, &["program"], &call("program", &program));
    follows(&project, false, || fs::write(&file, "two\n").unwrap(), || fs::write(&file, "one\n").unwrap());
}

const CUSTOM: &str = r#"#![allow(warnings)]
use proc_macro::TokenStream;
use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
#[proc_macro]
pub fn probe(input: TokenStream) -> TokenStream {
    let path = input.to_string();
    format!("{:?}", answer(path.trim_matches('"'))).parse().unwrap()
}
"#;

/// A macro that reads a file in a way of its own: `answer(path: &str) -> String`.
#[track_caller]
fn follows_custom(answer: &str) {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let project = macro_app_with(&space, &format!("{CUSTOM}{answer}"), &format!("pm::probe!({file:?})"));
    follows(&project, false, || fs::write(&file, "other").unwrap(), || fs::write(&file, "one").unwrap());
}

/// Guards: `syscall(2)` by number, which std itself imports as well.
#[test]
fn file_read_through_the_syscall_function() {
    follows_custom(
        r#"
extern "C" { fn syscall(number: c_long, ...) -> c_long; }
fn answer(path: &str) -> String {
    let name = CString::new(path).unwrap();
    let mut buffer = [0u8; 64];
    let length = unsafe {
        let file = syscall(257, -100 as c_long, name.as_ptr(), 0 as c_long, 0 as c_long);
        syscall(0, file, buffer.as_mut_ptr(), 64 as c_long)
    };
    String::from_utf8_lossy(&buffer[..length as usize]).into_owned()
}
"#,
    );
}

/// Guards: inline system calls (rustix does them by default) have no import that could be hooked.
#[cfg(target_arch = "x86_64")]
#[test]
fn file_read_with_inline_system_calls() {
    follows_custom(
        r#"
unsafe fn call(n: usize, a: usize, b: usize, c: usize) -> usize {
    let r: usize;
    core::arch::asm!("syscall", inlateout("rax") n => r, in("rdi") a, in("rsi") b, in("rdx") c, out("rcx") _, out("r11") _);
    r
}
fn answer(path: &str) -> String {
    let name = CString::new(path).unwrap();
    let mut buffer = [0u8; 64];
    let length = unsafe {
        let file = call(2, name.as_ptr() as usize, 0, 0);
        call(0, file, buffer.as_mut_ptr() as usize, 64)
    };
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}
"#,
    );
}

/// Guards: glibc opens the file inside `fopen` without going through a hook of `open`.
#[test]
fn file_read_with_fopen() {
    follows_custom(
        r#"
extern "C" {
    fn fopen(path: *const c_char, mode: *const c_char) -> *mut c_void;
    fn fread(buffer: *mut c_void, size: usize, count: usize, file: *mut c_void) -> usize;
}
fn answer(path: &str) -> String {
    let (name, mode) = (CString::new(path).unwrap(), CString::new("r").unwrap());
    let mut buffer = [0u8; 64];
    let length = unsafe { fread(buffer.as_mut_ptr().cast(), 1, 64, fopen(name.as_ptr(), mode.as_ptr())) };
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}
"#,
    );
}

/// Guards: `popen` and `system` start a shell from inside glibc.
#[test]
fn file_read_with_popen() {
    follows_custom(
        r#"
extern "C" {
    fn popen(command: *const c_char, mode: *const c_char) -> *mut c_void;
    fn fread(buffer: *mut c_void, size: usize, count: usize, file: *mut c_void) -> usize;
    fn pclose(file: *mut c_void) -> c_int;
}
fn answer(path: &str) -> String {
    let (command, mode) = (CString::new(format!("cat '{path}'")).unwrap(), CString::new("r").unwrap());
    let mut buffer = [0u8; 64];
    let length = unsafe {
        let file = popen(command.as_ptr(), mode.as_ptr());
        let length = fread(buffer.as_mut_ptr().cast(), 1, 64, file);
        pclose(file);
        length
    };
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}
"#,
    );
}

/// Guards: `scandir` and `glob` list a directory inside glibc.
#[test]
fn directory_listed_with_scandir() {
    let space = TestSpace::new();
    let file = space.write("outside/dir/a", "a");
    let dir = space.path("outside/dir");
    let source = format!(
        r#"{CUSTOM}
extern "C" {{ fn scandir(path: *const c_char, list: *mut *mut c_void, a: *const c_void, b: *const c_void) -> c_int; }}
fn answer(path: &str) -> String {{
    let name = CString::new(path).unwrap();
    let mut list = std::ptr::null_mut();
    unsafe {{ scandir(name.as_ptr(), &mut list, std::ptr::null(), std::ptr::null()) }}.to_string()
}}
"#
    );
    let project = macro_app_with(&space, &source, &format!("pm::probe!({dir:?})"));
    let new = file.with_file_name("b");
    follows(&project, false, || fs::write(&new, "b").unwrap(), || fs::remove_file(&new).unwrap());
}

/// Guards: `realpath` asks for links inside glibc.
#[test]
fn symlink_resolved_with_realpath() {
    let space = TestSpace::new();
    let (one, two) = (space.write("outside/one", "1"), space.write("outside/two", "2"));
    let link = space.path("outside/link");
    symlink(&one, &link).unwrap();
    let source = format!(
        r#"{CUSTOM}
extern "C" {{ fn realpath(path: *const c_char, resolved: *mut c_char) -> *mut c_char; }}
fn answer(path: &str) -> String {{
    let name = CString::new(path).unwrap();
    unsafe {{ CStr::from_ptr(realpath(name.as_ptr(), std::ptr::null_mut())) }}.to_string_lossy().into_owned()
}}
"#
    );
    let project = macro_app_with(&space, &source, &format!("pm::probe!({link:?})"));
    let aim = |at: &Path| fs::remove_file(&link).and_then(|()| symlink(at, &link)).unwrap();
    follows(&project, false, || aim(&two), || aim(&one));
}

/// Guards: what a peer process answers is no file (sqlx asks a database).
#[test]
fn answer_from_a_unix_socket() {
    let space = TestSpace::new();
    let socket = space.path("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let _ = write!(stream.unwrap(), "answer {number}");
        }
    });
    answers_are_asked_for(&space, &format!("std::os::unix::net::UnixStream::connect({socket:?})"));
}

#[test]
fn answer_from_a_tcp_socket() {
    let space = TestSpace::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let _ = write!(stream.unwrap(), "answer {number}");
        }
    });
    answers_are_asked_for(&space, &format!("std::net::TcpStream::connect(\"127.0.0.1:{port}\")"));
}

#[track_caller]
fn answers_are_asked_for(space: &TestSpace, connect: &str) {
    let source = format!(
        "{CUSTOM}fn answer(_: &str) -> String {{\n    let mut text = String::new();\n    std::io::Read::read_to_string(&mut {connect}.unwrap(), &mut text).unwrap();\n    text\n}}\n"
    );
    let project = macro_app_with(space, &source, "pm::probe!(\"\")");
    let seen = [rebuilt(&project), rebuilt(&project), rebuilt(&project)];
    assert!(
        seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2],
        "an old answer was served: {seen:?}"
    );
}

/// Guards: a file the macro writes would be missing after a hit.
#[test]
fn file_that_the_macro_writes() {
    let space = TestSpace::new();
    let written = space.path("written-by-macro");
    let project = macro_app(&space, &["write"], &call("write", &written));
    for round in 0..3 {
        let _ = fs::remove_file(&written);
        rebuilt(&project);
        assert!(written.exists(), "round {round}: the macro's file is missing");
    }
}

/// Guards: the macro crate itself is the same, a library it uses is not.
#[test]
fn library_of_the_macro_changes() {
    let space = TestSpace::new();
    let project = macro_app_with(
        &space,
        &format!("{CUSTOM}fn answer(_: &str) -> String {{ helper::text() }}\n"),
        "pm::probe!(\"\")",
    );
    let manifest =
        format!("{}\n[dependencies]\nhelper = {{ path = \"../helper\" }}\n", kiln_tests::macros::MANIFEST);
    project
        .write("pm/Cargo.toml", manifest)
        .write("Cargo.toml", kiln_tests::projects::workspace(&["app", "pm", "helper"]));
    project.write("helper/Cargo.toml", kiln_tests::projects::manifest("helper", ""));
    let text = |text: &str| {
        project.write("helper/src/lib.rs", format!("pub fn text() -> String {{ {text:?}.into() }}\n"));
    };
    text("one");
    follows(&project, true, || text("two"), || text("one"));
}

/// Guards: the recorder leaves no trace a macro can see; what it bakes in is what plain cargo's macro bakes in.
#[test]
fn recorder_is_invisible() {
    let ours = ["RUSTC_WRAPPER", "KILN_DIR"];
    for (command, argument) in [("env", "LD_PRELOAD"), ("args", ""), ("envnames", "")] {
        let mut space = TestSpace::new();
        // Plain cargo is given the same two variables, so that only what kiln adds can differ.
        space.set_env(ours[1], space.path("cache"));
        let project = macro_app(&space, &[command], &call(command, argument));
        let plain = project.aside(|project| {
            project.plain(&["build"]).env("RUSTC_WRAPPER", "/usr/bin/env").ok();
            project.prints("debug/app")
        });
        assert_eq!(rebuilt(&project), plain, "{command} {argument}");
    }
}

#[test]
fn recorder_is_invisible_to_children() {
    let space = TestSpace::new();
    let project = macro_app(&space, &["shenv"], &call("shenv", "LD_PRELOAD"));
    right(&project);
}

/// Guards: an edit while the macro runs. It reads, then takes its time; meanwhile the file changes.
#[test]
fn racy_edit_after_the_read_is_not_stored() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let expression = format!("pm::probe!(\"{};sleep 500\")", step("read", &file));
    let project = macro_app(&space, &["read", "sleep"], &expression);
    project.cargo(&["build", "-p", "pm"]).ok();
    during_compile_of_app(&project, &[(250, "two")], &file);
    assert_eq!(right(&project), "two\n");
}

/// Guards: the file is another one while the macro reads it, and is itself again at the end.
#[test]
fn racy_edit_that_is_taken_back_is_not_stored() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let expression = format!("pm::probe!(\"sleep 400;{};sleep 400\")", step("read", &file));
    let project = macro_app(&space, &["read", "sleep"], &expression);
    project.cargo(&["build", "-p", "pm"]).ok();
    during_compile_of_app(&project, &[(200, "two"), (600, "one")], &file);
    assert_eq!(right(&project), "one\n");
}

/// The same with a source file that rustc itself reads.
#[test]
fn racy_edit_of_a_source_is_not_stored() {
    let space = TestSpace::new();
    let project = macro_app(&space, &["sleep"], "{ pm::probe!(\"sleep 500\"); other::value() }");
    let main = project.read("app/src/main.rs");
    project.write("app/src/main.rs", format!("mod other;\n{main}"));
    let source = |value: &str| format!("pub fn value() -> &'static str {{ {value:?} }}\n");
    project.write("app/src/other.rs", source("one"));
    project.cargo(&["build", "-p", "pm"]).ok();
    let other = project.path("app/src/other.rs");
    during_compile_of_app(&project, &[(250, &source("two"))], &other);
    assert_eq!(right(&project), "two\n");
}

/// Builds, and writes `file` at these milliseconds after the real compiler of `app` was seen to run.
fn during_compile_of_app(project: &Project<'_>, edits: &[(u64, &str)], file: &Path) {
    let mut child = project.cargo(&["build"]).command().spawn().expect("cargo starts");
    let marker = project.target().display().to_string();
    while !rustc_of_app_runs(&marker) {
        assert!(child.try_wait().expect("wait").is_none(), "the compile was over before it was seen");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let start = std::time::Instant::now();
    for (at, content) in edits {
        std::thread::sleep(std::time::Duration::from_millis(*at).saturating_sub(start.elapsed()));
        fs::write(file, content).unwrap();
    }
    assert!(child.wait().expect("wait").success());
}

fn rustc_of_app_runs(marker: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("/proc");
    processes.flatten().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut words = line.split('\0');
        words.next().is_some_and(|program| program.ends_with("rustc"))
            && line.contains("--crate-name\0app\0")
            && line.contains(marker)
    })
}

/// Guards: the loader finds what a macro needs where it looks first, and asks nobody that kiln could watch.
#[test]
fn library_of_a_macro_that_appears_earlier() {
    let space = TestSpace::new();
    let library = |directory: &str, value: u32| {
        let source = space.write("x.c", format!("int x(void) {{ return {value}; }}\n"));
        let library = space.path(directory).join("libx.so");
        fs::create_dir_all(space.path(directory)).unwrap();
        native::gcc(&["-shared", "-fPIC", "-o", library.to_str().unwrap(), source.to_str().unwrap()]);
        library
    };
    library("last", 1);
    fs::create_dir(space.path("first")).unwrap();
    let source = "#[link(name = \"x\")]\nunsafe extern \"C\" { fn x() -> i32; }\n#[proc_macro]\npub fn probe(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    format!(\"{}\", unsafe { x() }).parse().unwrap()\n}\n";
    let project = macro_app_with(&space, source, "pm::probe!()");
    let (first, last) = (space.path("first"), space.path("last"));
    let build = || {
        let searched = format!("{}:{}", first.display(), last.display());
        let call = project.clean().cargo(&["build"]).env("LD_LIBRARY_PATH", searched);
        call.env("RUSTFLAGS", format!("-L{}", last.display())).ok();
        project.prints("debug/app")
    };
    assert_eq!(build(), "1\n");
    let before = space.stats();
    assert_eq!(build(), "1\n");
    assert_eq!(space.since(&before).misses, 0, "the same again must hit");
    let other = library("first", 2);
    assert_eq!(build(), "2\n");
    fs::remove_file(other).unwrap();
    assert_eq!(build(), "1\n");
}
