//! What a process is given and can look at without opening anything: docs/design/0008-looks.md has the whole list.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use kiln_testkit::TestSpace;
use kiln_tests::native;
use kiln_tests::projects::{macro_app_with, rebuilt, workspace};

use super::app::{App, Built, MANIFEST, app, follows, follows_at_least, same};

/// Each is a script of its own: what it calls, and what it does.
const NEVER: [(&str, &str, &str); 44] = [
    (
        "getxattr",
        "(p: P, n: P, t: M, s: usize) -> isize",
        "getxattr(c\"build.rs\".as_ptr(), c\"user.x\".as_ptr(), b, 8);",
    ),
    (
        "lgetxattr",
        "(p: P, n: P, t: M, s: usize) -> isize",
        "lgetxattr(c\"build.rs\".as_ptr(), c\"user.x\".as_ptr(), b, 8);",
    ),
    ("fgetxattr", "(d: i32, n: P, t: M, s: usize) -> isize", "fgetxattr(0, c\"user.x\".as_ptr(), b, 8);"),
    ("listxattr", "(p: P, t: M, s: usize) -> isize", "listxattr(c\"build.rs\".as_ptr(), b, 8);"),
    ("nice", "(by: i32) -> i32", "nice(0);"),
    ("getpriority", "(which: i32, who: u32) -> i32", "getpriority(0, 0);"),
    ("sched_getscheduler", "(pid: i32) -> i32", "sched_getscheduler(0);"),
    ("getifaddrs", "(to: M) -> i32", "getifaddrs(b);"),
    ("if_nameindex", "() -> M", "if_nameindex();"),
    ("ioctl", "(d: i32, request: u64, ...) -> i32", "ioctl(0, 0x8912, b);"),
    ("statvfs64", "(p: P, to: M) -> i32", "statvfs64(c\"/\".as_ptr(), b);"),
    ("fstatfs64", "(d: i32, to: M) -> i32", "fstatfs64(0, b);"),
    ("getsid", "(pid: i32) -> i32", "getsid(0);"),
    ("getrusage", "(who: i32, to: M) -> i32", "getrusage(0, b);"),
    ("wait4", "(pid: i32, s: M, o: i32, usage: M) -> i32", "wait4(-1, b, 1, b);"),
    ("shmget", "(key: i32, size: usize, flags: i32) -> i32", "shmget(1, 8, 0);"),
    ("sysconf", "(name: i32) -> i64", "sysconf(4);"),
    ("getauxval", "(kind: u64) -> u64", "getauxval(11);"),
    ("capget", "(header: M, to: M) -> i32", "capget(b, b);"),
    ("getresuid", "(r: M, e: M, s: M) -> i32", "getresuid(b, b, b);"),
    ("prctl", "(option: i32, ...) -> i32", "prctl(39, 0, 0, 0, 0);"),
    ("syscall", "(number: i64, ...) -> i64", "syscall(140, 0, 0);"),
    ("getrlimit", "(resource: i32, to: M) -> i32", "getrlimit(7, b);"),
    ("abort", "() -> !", "std::hint::black_box(std::arch::x86_64::_rdtsc());"),
    ("__gettimeofday", "(to: M, zone: P) -> i32", "__gettimeofday(b, std::ptr::null());"),
    ("__getpid", "() -> i32", "__getpid();"),
    ("__sysconf", "(name: i32) -> i64", "__sysconf(84);"),
    ("__getgroups_chk", "(n: i32, to: M, room: usize) -> i32", "__getgroups_chk(64, b, 4096);"),
    ("getpwent_r", "(e: M, b: M, n: usize, r: M) -> i32", "getpwent_r(b, b.add(1024), 2048, b.add(512));"),
    ("getservbyport", "(port: i32, protocol: P) -> M", "getservbyport(80, std::ptr::null());"),
    ("ftok", "(p: P, id: i32) -> i32", "ftok(c\"build.rs\".as_ptr(), 1);"),
    ("umount", "(p: P) -> i32", "umount(c\"nowhere\".as_ptr());"),
    ("swapoff", "(p: P) -> i32", "swapoff(c\"nowhere\".as_ptr());"),
    ("tempnam", "(d: P, p: P) -> P", "tempnam(c\"nowhere\".as_ptr(), std::ptr::null());"),
    ("kill", "(pid: i32, signal: i32) -> i32", "kill(1, 0);"),
    ("alarm", "(seconds: u32) -> u32", "alarm(0);"),
    ("catopen", "(name: P, flags: i32) -> M", "catopen(c\"name\".as_ptr(), 0);"),
    ("mktime", "(to: M) -> i64", "mktime(b);"),
    ("getauxval", "(kind: u64) -> u64", "getauxval(33);"),
    (
        "getsockopt",
        "(d: i32, level: i32, option: i32, to: M, size: M) -> i32",
        "getsockopt(0, 1, 17, b, b.add(64));",
    ),
    (
        "setsockopt",
        "(d: i32, level: i32, option: i32, from: M, size: u32) -> i32",
        "setsockopt(0, 1, 16, b, 4);",
    ),
    ("syscall", "(number: i64, ...) -> i64", "syscall(62, 1, 0);"),
    ("syscall", "(number: i64, ...) -> i64", "syscall(434, 1, 0);"),
    // (nobody need call it: what libc would look at for it, kiln does not know)
    ("sethostid", "(id: i64) -> i32", "if b.is_null() { sethostid(1); }"),
];

/// What may be asked, since it is the same everywhere or a question stands for it.
const KEPT: [(&str, &str, &str); 14] = [
    ("isatty", "(d: i32) -> i32", "isatty(1);"),
    ("strftime", "(b: M, n: usize, f: P, t: M) -> usize", "strftime(b, 99, c\"%Y\".as_ptr(), b.add(512));"),
    ("strverscmp", "(a: P, b: P) -> i32", "strverscmp(c\"a\".as_ptr(), c\"b\".as_ptr());"),
    ("sysconf", "(name: i32) -> i64", "sysconf(30);"),
    ("sigaction", "(s: i32, a: M, old: M) -> i32", "sigaction(1, std::ptr::null_mut(), b);"),
    ("umask", "(mask: u32) -> u32", "umask(umask(0));"),
    ("prctl", "(option: i32, ...) -> i32", "prctl(16, b);"),
    ("getauxval", "(kind: u64) -> u64", "getauxval(16);"),
    ("ioctl", "(d: i32, request: u64, ...) -> i32", "ioctl(0, 0x5421, b);"),
    ("syscall", "(number: i64, ...) -> i64", "syscall(24);"),
    ("syscall", "(number: i64, ...) -> i64", "syscall(14, 2, 0, b, 8);"),
    (
        "getsockopt",
        "(d: i32, level: i32, option: i32, to: M, size: M) -> i32",
        "getsockopt(0, 1, 4, b, b.add(64));",
    ),
    ("sin", "(of: f64) -> f64", "std::hint::black_box(sin(f64::from(*b)));"),
    ("abort", "() -> !", "std::hint::black_box(std::is_x86_feature_detected!(\"avx2\"));"),
];

fn script((name, signature, body): (&str, &str, &str)) -> String {
    format!(
        "#![allow(unused)]\ntype P = *const std::ffi::c_char;\ntype M = *mut u8;\nunsafe extern \"C\" {{ fn {name}{signature}; }}\nfn main() {{\n    let mut room = [0u8; 4096];\n    let b = room.as_mut_ptr();\n    unsafe {{ {body} }}\n}}\n"
    )
}

#[test]
#[cfg(target_arch = "x86_64")]
fn looks_at_the_machine_and_the_process() {
    let space = TestSpace::new();
    let app = App { program: None, ..app(&space, "") };
    app.project.remove("build.rs").remove("src");
    let named = |start: &str, at: usize| format!("{start}{at}");
    let all = NEVER.iter().enumerate().map(|(at, it)| (named("never", at), *it));
    let all: Vec<_> = all.chain(KEPT.iter().enumerate().map(|(at, it)| (named("kept", at), *it))).collect();
    app.project
        .write("Cargo.toml", workspace(&all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()));
    for (name, look) in &all {
        app.project
            .write(format!("{name}/Cargo.toml"), MANIFEST.replace("app", name))
            .write(format!("{name}/src/lib.rs"), "")
            .write(format!("{name}/build.rs"), script(*look));
    }
    app.build();
    let built = app.build();
    assert!(built.outcome.success(), "{}", built.outcome);
    for (name, look) in &all {
        let shown = built.runs.iter().find(|line| line.contains(&format!("\"name\":\"{name}\"")));
        let shown = shown.unwrap_or_else(|| panic!("{name} {look:?} is not told of"));
        let hit = shown.contains("\"outcome\":\"hit\"");
        assert_eq!(hit, name.starts_with("kept"), "{look:?}: {shown}");
    }
}

/// What `kiln` or plain cargo makes after a shell did this.
fn after(text: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{text}; exec \"$@\"")).arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}

fn built_after(app: &App<'_>, text: &str) -> Built {
    app.project.clean();
    app.again(&mut after(text, &app.kiln()))
}

fn plainly_after(app: &App<'_>, text: &str) -> super::app::Made {
    app.project.clean().aside(|project| {
        let mut command = project.space().command("cargo");
        command.args(&app.args).current_dir(project.dir());
        let outcome = kiln_testkit::run(&mut after(text, &command));
        app.made(&outcome)
    })
}

/// Guards: what is kept has the permissions that it would have had today, and a look at them is a look at the umask.
#[test]
fn umask() {
    let space = TestSpace::new();
    let body = "fs::create_dir(out().join(\"d\")).unwrap();\nfs::copy(\"data\", out().join(\"copy\")).unwrap();\nfs::write(out().join(\"d/new\"), \"x\").unwrap();\ntell(format!(\"{:o}\", fs::metadata(out().join(\"d/new\")).unwrap().permissions().mode()));";
    let app = app(&space, body);
    app.project.write("data", "one");
    fs::set_permissions(app.project.path("data"), fs::Permissions::from_mode(0o644)).unwrap();
    for mask in ["umask 022", "umask 077", "umask 022"] {
        let expected = plainly_after(&app, mask);
        for _ in 0..2 {
            same(&built_after(&app, mask), &expected);
        }
    }
    assert_eq!(built_after(&app, "umask 022").outcomes("hit"), 1);
}

#[test]
fn ignored_signals() {
    let space = TestSpace::new();
    let body = "unsafe extern \"C\" { fn sigaction(signal: i32, act: *const u8, old: *mut u64) -> i32; }\nlet mut old = [0_u64; 64];\nunsafe { sigaction(1, std::ptr::null(), old.as_mut_ptr()) };\ntell(old[0].to_string());";
    let app = app(&space, body);
    for (text, seen) in [(":", "0"), ("trap '' HUP", "1"), (":", "0"), ("trap '' HUP", "1")] {
        let built = built_after(&app, text);
        assert_eq!(built.made.prints, seen, "{:#?}", built.runs);
    }
    assert_eq!(built_after(&app, ":").outcomes("hit"), 1);
}

#[test]
fn owner_of_a_file() {
    let space = TestSpace::new();
    let data = space.write("outside/data", "one");
    let body = |look: &str| {
        format!(
            "use std::os::unix::fs::MetadataExt;\nlet it = {look}(\"{}\").unwrap();\ntell(format!(\"{{}} {{}}\", it.uid(), it.gid()));",
            data.display()
        )
    };
    let mut app = app(&space, &body("fs::metadata"));
    let group = fs::metadata(&data).unwrap().gid();
    if std::os::unix::fs::chown(&data, None, Some(group + 1)).is_err() {
        return; // only root may
    }
    let owned = |group: u32| std::os::unix::fs::chown(&data, None, Some(group)).unwrap();
    follows(&mut app, |_| owned(group), |_| owned(group + 1));
}

/// Guards: only the toolchain's own directory is one of the toolchain.
#[test]
fn program_in_a_directory_that_is_called_like_a_toolchains() {
    let space = TestSpace::new();
    let source = space.write(
        "native-kit/ld.c",
        "#include <stdio.h>\n#include <string.h>\nextern char **environ;\nint main(void) { for (char **at = environ; *at; at++) if (!strncmp(*at, \"PROBE\", 5)) puts(*at); return 0; }\n",
    );
    let directory = "mine/lib/rustlib/x86_64-unknown-linux-gnu/bin";
    fs::create_dir_all(space.path(directory)).unwrap();
    let tool = space.path(directory).join("ld");
    native::gcc(&["-o", tool.to_str().unwrap(), source.to_str().unwrap()]);
    let mut app = app(&space, &format!("tell(said(&mut Command::new({tool:?})));"));
    app.set("PROBE", "one");
    follows_at_least(&mut app, |app| app.set("PROBE", "two"), |app| app.set("PROBE", "one"));
}

/// A script that calls functions of libc of these signatures.
fn calling(functions: &str, body: &str) -> String {
    format!(
        "use std::ffi::{{CStr, CString, c_char, c_int, c_void}};\nuse std::ptr::null_mut;\nunsafe extern \"C\" {{ {functions} }}\nlet c = |text: &str| CString::new(text).unwrap();\n{body}"
    )
}

/// Guards: a function that has a hook has other names.
#[test]
fn a_file_opened_by_another_name_of_the_function() {
    for (name, kind) in [("_IO_fopen", "two"), ("__setmntent", "two")] {
        let space = TestSpace::new();
        let data = space.write("outside/data", "one");
        let functions = format!(
            "fn {name}(path: *const c_char, mode: *const c_char) -> *mut c_void; fn fgets(to: *mut c_char, size: c_int, stream: *mut c_void) -> *mut c_char;"
        );
        let body = format!(
            "let mut line = [0 as c_char; 99];\nunsafe {{ let stream = {name}(c({data:?}).as_ptr(), c(\"r\").as_ptr()); fgets(line.as_mut_ptr(), 99, stream); tell(CStr::from_ptr(line.as_ptr()).to_bytes()); }}"
        );
        let mut app = app(&space, &calling(&functions, &body));
        follows(&mut app, |_| fs::write(&data, kind).unwrap(), |_| fs::write(&data, "one").unwrap());
    }
}

/// Guards: functions that look at a path inside libc, and say whether something is there.
#[test]
fn a_path_asked_about_inside_libc() {
    let asks = [
        ("fn pathconf(path: *const c_char, name: c_int) -> i64;", "pathconf(path, 3) >= 0"),
        (
            "fn inotify_init() -> c_int; fn inotify_add_watch(d: c_int, path: *const c_char, mask: u32) -> c_int;",
            "inotify_add_watch(inotify_init(), path, 2) >= 0",
        ),
        ("fn catopen(path: *const c_char, flags: c_int) -> isize;", "catopen(path, 0) != -1"),
        (
            "fn swapoff(path: *const c_char) -> c_int;",
            "{ swapoff(path); std::io::Error::last_os_error().to_string() }",
        ),
        ("fn ftok(path: *const c_char, id: c_int) -> c_int;", "ftok(path, 1) != -1"),
    ];
    for (functions, asked) in asks {
        let space = TestSpace::new();
        let data = space.path("outside-data");
        let body = format!(
            "let path = c({data:?});\nlet path = path.as_ptr();\ntell(unsafe {{ format!(\"{{}}\", {asked}) }});"
        );
        let mut app = app(&space, &calling(functions, &body));
        // A catalog of no messages.
        let catalog = [0x9604_08de_u32, 1, 1, 0, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
        let there = app.plainly().prints;
        fs::write(&data, &catalog).unwrap();
        if app.plainly().prints == there {
            continue; // nothing shows of it, here
        }
        follows_at_least(
            &mut app,
            |_| fs::remove_file(&data).unwrap(),
            |_| fs::write(&data, &catalog).unwrap(),
        );
    }
}

/// The file that a child finds as its standard input is opened by libc, in the child.
fn spawning(data: &str) -> String {
    let functions = "fn posix_spawn(pid: *mut c_int, path: *const c_char, actions: *const c_void, attributes: *const c_void, arguments: *const *const c_char, environment: *const *const c_char) -> c_int; fn posix_spawn_file_actions_init(actions: *mut c_void) -> c_int; fn posix_spawn_file_actions_addopen(actions: *mut c_void, d: c_int, path: *const c_char, flags: c_int, mode: u32) -> c_int; fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;";
    let body = format!(
        "let mut room = [0u64; 64];\nlet actions = room.as_mut_ptr() as *mut c_void;\nlet (from, to, cat) = (c({data:?}), c(out().join(\"seen\").to_str().unwrap()), c(\"/bin/cat\"));\nlet (arguments, none) = ([cat.as_ptr(), null_mut()], [std::ptr::null()]);\nunsafe {{\n    posix_spawn_file_actions_init(actions);\n    posix_spawn_file_actions_addopen(actions, 0, from.as_ptr(), 0, 0);\n    posix_spawn_file_actions_addopen(actions, 1, to.as_ptr(), 0o1101, 0o644);\n    let (mut pid, mut status) = (0, 0);\n    assert_eq!(posix_spawn(&mut pid, cat.as_ptr(), actions, null_mut(), arguments.as_ptr(), none.as_ptr()), 0);\n    waitpid(pid, &mut status, 0);\n    assert_eq!(status, 0);\n}}"
    );
    calling(functions, &body)
}

#[test]
fn a_file_opened_for_a_child() {
    let space = TestSpace::new();
    let data = space.write("outside/data", "one");
    let mut app = app(&space, &spawning(data.to_str().unwrap()));
    follows(&mut app, |_| fs::write(&data, "two").unwrap(), |_| fs::write(&data, "one").unwrap());
    app.write("data", "one");
    app.script(&spawning("data"));
    follows_at_least(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
}

/// Guards: libc asks for this variable inside itself.
#[test]
fn the_order_of_arguments() {
    let space = TestSpace::new();
    let functions =
        "fn getopt(count: c_int, arguments: *const *const c_char, letters: *const c_char) -> c_int;";
    let own = "let words = [c(\"x\"), c(\"f\"), c(\"-a\")];\nlet mut words: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();\nwords.push(std::ptr::null());\ntell(unsafe { getopt(3, words.as_ptr(), c(\"a\").as_ptr()) }.to_string());";
    let tool = "tell(said(Command::new(\"ar\").arg(\"t\").arg(\"nothing.a\").arg(\"--version\")));";
    for body in [calling(functions, own), tool.to_owned()] {
        let mut app = app(&space, &body);
        follows(&mut app, |app| app.set("POSIXLY_CORRECT", "1"), |app| app.unset("POSIXLY_CORRECT"));
    }
}

/// Guards: libc asks for this variable inside itself, too.
#[test]
fn what_a_pattern_leaves_out() {
    let space = TestSpace::new();
    let functions = "fn fnmatch(pattern: *const c_char, text: *const c_char, flags: c_int) -> c_int;";
    let body = "tell(unsafe { fnmatch(c(\"[^a]\").as_ptr(), c(\"b\").as_ptr(), 0) }.to_string());";
    let mut app = app(&space, &calling(functions, body));
    follows(&mut app, |app| app.set("POSIXLY_CORRECT", "1"), |app| app.unset("POSIXLY_CORRECT"));
}

/// Guards: glibc's mathematics are others on a processor that does not multiply and add at once, or is told so.
#[test]
fn the_last_bits_of_a_sine() {
    let sum = "let sum = (1..500_000_u32).fold(0_u64, |sum, n| { let x = f64::from(n) * 0.00123; sum.rotate_left(5) ^ x.sin().to_bits() ^ x.exp().to_bits() });\ntell(sum.to_string());";
    let tool = "use std::hash::{DefaultHasher, Hash, Hasher};\nlet mut sum = DefaultHasher::new();\nsaid(Command::new(\"awk\").arg(\"BEGIN { for (n = 1; n < 99999; n++) printf \\\"%.17g %.17g\\\", sin(n * 0.00123), exp(n * 0.00123) }\")).hash(&mut sum);\ntell(sum.finish().to_string());";
    for body in [sum, tool] {
        let space = TestSpace::new();
        let mut app = app(&space, body);
        let plain = app.plainly().prints;
        app.set("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4");
        let other = app.plainly().prints;
        app.unset("GLIBC_TUNABLES");
        if plain == other {
            continue; // this processor does not, or the sum is the same by chance
        }
        follows_at_least(
            &mut app,
            |app| app.set("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4"),
            |app| app.unset("GLIBC_TUNABLES"),
        );
    }
}

/// Guards: a macro that does the same.
#[test]
fn a_macro_that_imports_what_nobody_knows_is_not_kept() {
    let source = "unsafe extern \"C\" { fn sethostid(id: i64) -> i32; }\n#[proc_macro]\npub fn probe(text: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    if text.to_string() == \"x\" { unsafe { sethostid(1) }; }\n    \"1\".parse().unwrap()\n}\n";
    let space = TestSpace::new();
    let project = macro_app_with(&space, source, "pm::probe!()");
    rebuilt(&project);
    let before = project.space().stats();
    rebuilt(&project);
    let shown = project.space().since(&before);
    assert_eq!(shown.misses, 0, "{shown:?}");
    let text = project.space().kiln(&["explain"]).current_dir(project.dir()).output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("calls `sethostid`, which kiln does not know"), "{text}");
}
