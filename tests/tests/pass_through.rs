//! A compiler kiln does not know is started as if kiln were not there: arguments, stdin, directory, environment,
//! both streams, exit code and signal are its own.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_testkit::{Outcome, TestSpace, Toolchain, run, run_with_input};

/// A compiler that tells everything it was given.
fn teller(space: &TestSpace, name: &str) -> PathBuf {
    space.script(
        format!("bin/{name}"),
        "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$0\" \"$@\"\npwd\ncat\necho to stderr >&2\nexit 42\n",
    )
}

#[track_caller]
fn same(plain: &Outcome, got: &Outcome) {
    assert_eq!(got.status, plain.status);
    assert_eq!(got.stdout.escape_ascii().to_string(), plain.stdout.escape_ascii().to_string());
    assert_eq!(got.err(), plain.err());
}

#[test]
fn arguments_stdin_directory_and_streams() {
    let space = TestSpace::new();
    for name in ["mycompiler", "rustc", "clippy-driver", "gcc", "a name with spaces"] {
        let compiler = teller(&space, name);
        let argument_lists: [&[&[u8]]; 6] = [
            &[],
            &[b"-vV"],
            &[b"", b" ", b"a b", b"'", b"\"", b"\\", b"\n", b"$HOME", b"*"],
            &[b"\xff\xfe", b"-o", b"caf\xe9.o", b"--crate-name", b"x"],
            &[b"@nonexistent-response-file", b"--", b"--help"],
            &[
                b"--crate-name",
                b"fake",
                b"--emit=dep-info,metadata,link",
                b"--crate-type",
                b"lib",
                b"src/lib.rs",
            ],
        ];
        for arguments in argument_lists {
            let arguments: Vec<&OsStr> =
                arguments.iter().map(|argument| OsStr::from_bytes(argument)).collect();
            let input = b"first line\n\0\xff binary without a newline at the end";
            let dir = space.path("tmp");
            let plain = run_with_input(space.command(&compiler).args(&arguments).current_dir(&dir), input);
            let got =
                run_with_input(space.kiln(&[]).arg(&compiler).args(&arguments).current_dir(&dir), input);
            same(&plain, &got);
            assert_eq!(got.status.code(), Some(42));
        }
    }
}

#[test]
fn exit_codes() {
    let space = TestSpace::new();
    let compiler = space.script("bin/mycompiler", "#!/bin/sh\nexit $1\n");
    for code in [0, 1, 2, 101, 127, 255] {
        let got = run(space.kiln(&[]).arg(&compiler).arg(code.to_string()));
        assert_eq!(got.status.code(), Some(code));
    }
}

#[test]
fn signals() {
    let space = TestSpace::new();
    for name in ["mycompiler", "rustc"] {
        let compiler = space.script(format!("bin/{name}"), "#!/bin/sh\nkill -$1 $$\nsleep 5\n");
        for signal in [9, 15, 6, 11, 2] {
            let got = run(space.kiln(&[]).arg(&compiler).arg(signal.to_string()));
            assert_eq!(got.signal(), Some(signal), "{name}: {got}");
        }
    }
}

/// Every variable arrives, none is added: also those that are not UTF-8.
#[test]
fn environment() {
    let space = TestSpace::new();
    let compiler = space.path("bin/mycompiler");
    fs::create_dir_all(space.path("bin")).unwrap();
    fs::copy("/usr/bin/env", &compiler).unwrap();
    let with = |command: &mut Command| {
        command
            .env("KILN_DIR", space.cache())
            .env(OsStr::from_bytes(b"ODD_\xff"), OsStr::from_bytes(b"\xfe=\n"))
            .env("EMPTY", "");
        let mut lines: Vec<Vec<u8>> =
            run(command.arg("-0")).ok().stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        lines.sort();
        lines.iter().map(|line| line.escape_ascii().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(with(space.kiln(&[]).arg(&compiler)), with(&mut space.command(&compiler)));
}

/// File descriptors cargo's jobserver lives on are inherited.
#[test]
fn open_descriptors() {
    let space = TestSpace::new();
    let compiler = space.script("bin/mycompiler", "#!/bin/sh\ncat <&7\n");
    let file = space.write("file", "through descriptor 7");
    let script = format!("exec 7<'{}'; exec \"$@\"", file.display());
    let kiln = space.kiln(&[]);
    let got =
        run(space.command("sh").args(["-c", &script, "sh"]).arg(kiln.get_program()).arg(&compiler)).ok();
    assert_eq!(got.out(), "through descriptor 7");
}

#[test]
fn compiler_that_does_not_exist() {
    let space = TestSpace::new();
    let got = run(&mut space.kiln(&["/nonexistent/rustc", "-vV"]));
    assert!(!got.success(), "{got}");
    assert!(got.err().contains("/nonexistent/rustc"), "the message must name it: {got}");
    assert!(got.err().lines().count() <= 5 && !got.err().contains("panicked"), "a clear message: {got}");
}

#[test]
fn compiler_that_cannot_be_run() {
    let space = TestSpace::new();
    let file = space.write("bin/rustc", "no program, not executable");
    let directory = space.path("bin");
    for path in [file, directory] {
        let got = run(space.kiln(&[]).arg(&path).arg("-vV"));
        assert!(!got.success() && got.err().contains(&*path.to_string_lossy()), "{got}");
        assert!(!got.err().contains("panicked"), "{got}");
    }
}

/// rustc itself killed while it compiles: cargo must see the signal.
#[test]
fn rustc_killed_by_a_signal() {
    let space = TestSpace::new();
    let source = "#![allow(warnings)]\n#[proc_macro]\npub fn die(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    std::process::Command::new(\"sh\").args([\"-c\", \"kill -KILL $PPID\"]).status();\n    std::thread::sleep(std::time::Duration::from_secs(20));\n    panic!()\n}\n";
    let project = kiln_tests::projects::macro_app_with(&space, source, "pm::die!()");
    for _ in 0..2 {
        project.clean().cargo(&["build"]).run().fails_with("signal: 9");
    }
}

/// rustc that aborts (an internal error, here a macro's) keeps its status and its message.
#[test]
fn rustc_that_aborts() {
    let space = TestSpace::new();
    let source = "#[proc_macro]\npub fn die(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    std::process::abort()\n}\n";
    let project = kiln_tests::projects::macro_app_with(&space, source, "pm::die!()");
    for _ in 0..2 {
        project.clean().cargo(&["build"]).run().fails_with("signal: 6");
    }
}

/// Calls of rustc that make nothing or something unusual are rustc's own affair.
#[test]
fn unusual_calls_of_rustc() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project.write("lib.rs", "pub fn f() {}\n").write("bad name.rs", "fn main() {}\n");
    let calls: [&[&str]; 14] = [
        &[],
        &["--help"],
        &["-Chelp"],
        &["--explain", "E0308"],
        &["--crate-type", "lib", "lib.rs", "--emit=asm"],
        &["--crate-type", "lib", "lib.rs", "--emit=llvm-ir,mir"],
        &["--crate-type", "lib", "lib.rs", "-o", "elsewhere.rlib"],
        &["--crate-type", "lib", "lib.rs", "--emit=metadata=named.rmeta,dep-info=named.d"],
        &["--crate-type", "lib", "lib.rs", "--emit=dep-info=-"],
        &["--crate-type", "lib", "lib.rs", "--print=crate-name"],
        &["--crate-type", "lib", "nonexistent.rs"],
        &["--crate-type", "lib", "lib.rs", "-Zunknown"],
        &["--crate-type", "no-such-type", "lib.rs"],
        &["bad name.rs"],
    ];
    for call in calls {
        let made = || kiln_testkit::tree::outputs(project.dir());
        let clean = || {
            for file in kiln_testkit::tree::files(project.dir()) {
                if file.extension().is_none_or(|extension| extension != "rs") {
                    project.remove(file);
                }
            }
        };
        let plain = run(&mut project.plain_rustc(call));
        let expected = made();
        for _ in 0..2 {
            clean();
            let got = run(&mut project.rustc(call));
            same(&plain, &got);
            assert_eq!(kiln_testkit::tree::differences(&expected, &made()), Vec::<String>::new(), "{call:?}");
            assert_eq!(made().len(), expected.len(), "{call:?} made something else");
        }
        clean();
    }
}

/// Guards: a parallel build hangs when the wrapper keeps a jobserver token or a pipe.
#[test]
fn jobserver_of_one() {
    let space = TestSpace::new();
    let project = kiln_tests::projects::chain(&space, "ws");
    for _ in 0..2 {
        project.clean().cargo(&["build", "--workspace", "-j1"]).ok();
        assert_eq!(project.prints("debug/app"), "4\n");
    }
}

/// Source and output names that are not UTF-8.
#[test]
fn names_that_are_not_utf8() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let (source, out) = (OsStr::from_bytes(b"caf\xe9.rs"), OsStr::from_bytes(b"out-\xff"));
    for value in ["one", "two", "one"] {
        project.write(source, format!("fn main() {{ println!(\"{value}\"); }}\n"));
        let mut plain = project.plain_rustc(&["--crate-name", "odd", "--emit=link,dep-info", "--out-dir"]);
        let plain = run(plain.arg(out).arg(source));
        let _ = fs::remove_dir_all(project.path(out));
        for _ in 0..2 {
            let mut command = project.rustc(&["--crate-name", "odd", "--emit=link,dep-info", "--out-dir"]);
            // rustc 1.95 panics over such names, and its message holds a thread's number.
            let got = run(command.arg(out).arg(source));
            assert_eq!((got.status, got.out()), (plain.status, plain.out()));
            if plain.success() {
                assert_eq!(
                    run(&mut space.command(project.path(out).join("odd"))).ok().out(),
                    format!("{value}\n")
                );
            }
        }
    }
}

/// What cargo passes on: workspace wrappers are chained.
#[test]
fn workspace_wrapper() {
    let space = TestSpace::new();
    let project = kiln_tests::projects::chain(&space, "ws");
    let wrapper = space.script("bin/wrapper", "#!/bin/sh\nexec \"$@\" --cfg wrapped\n");
    project.write(
        "base/src/lib.rs",
        "#![allow(unexpected_cfgs)]\npub fn value() -> i32 { cfg!(wrapped) as i32 }\n",
    );
    for _ in 0..2 {
        project.clean().cargo(&["build", "--workspace"]).env("RUSTC_WORKSPACE_WRAPPER", &wrapper).ok();
        assert_eq!(project.prints("debug/app"), "2\n");
        project.clean().cargo(&["build", "--workspace"]).ok();
        assert_eq!(project.prints("debug/app"), "1\n");
    }
    assert!(Toolchain::rustc().is_absolute());
}

/// A file of ours would get the number of a standard stream that is closed, and what is said would be written into it.
#[test]
#[cfg(target_os = "linux")]
fn closed_streams_are_opened_on_nothing() {
    let space = TestSpace::new();
    let compiler = space.script("bin/mycompiler", "#!/bin/sh\nreadlink /proc/$$/fd/0 /proc/$$/fd/2\n");
    let mut command = space.command("sh");
    command.args(["-c", "exec \"$0\" \"$1\" <&- 2>&-"]).arg(kiln_testkit::binary::kiln()).arg(compiler);
    assert_eq!(run(&mut command).out(), "/dev/null\n/dev/null\n");
}

/// rustc takes a closed pipe as it comes, so the program behind it must not find that signal ignored.
#[test]
#[cfg(target_os = "linux")]
fn no_signal_is_left_ignored() {
    let space = TestSpace::new();
    let compiler = space.script("bin/mycompiler", "#!/bin/sh\nexec grep SigIgn /proc/self/status\n");
    let mut plain = space.command(&compiler);
    let mut command = space.command(kiln_testkit::binary::kiln());
    assert_eq!(run(command.arg(&compiler)).out(), run(&mut plain).out());
}

/// What kiln itself has to say is worth no build: nobody reads its warning here, and a closed pipe must not end it.
#[test]
fn a_warning_that_nobody_reads() {
    let space = TestSpace::new();
    space.write("x.rs", "pub fn x() {}\n");
    // It is said once to each caller, for each such cache.
    let compile = |cache: &str| {
        let mut command = space.kiln(&[]);
        command.arg(Toolchain::rustc()).args(["--crate-type=lib", "--emit=metadata", "x.rs"]);
        command.env("KILN_DIR", space.write(cache, "a file")).current_dir(space.root());
        command
    };
    let received = run(&mut compile("one")).ok();
    assert!(received.err().contains("kiln: warning"), "{received}");
    let metadata = space.path("libx.rmeta");
    fs::remove_file(&metadata).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = compile("another").stderr(writer).status().unwrap();
    assert!(status.success(), "{status}");
    assert!(metadata.exists());
}

#[test]
fn a_wrapper_of_the_projects_own_stays_where_it_is() {
    let space = TestSpace::new();
    let wrapper = space.script("bin/adds", "#!/bin/sh\nexec \"$@\" --cfg by_wrapper\n");
    let project = space.project("ws");
    project
        .write("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
        .write(
            "src/main.rs",
            "#![allow(unexpected_cfgs)]\nfn main() {\n    println!(\"{}\", cfg!(by_wrapper));\n}\n",
        );
    let built = |wrapper: Option<&OsStr>| {
        project.clean();
        let mut command = space.kiln(&["cargo", "build", "--offline"]);
        command.current_dir(project.dir()).env_remove("RUSTC_WRAPPER");
        command.envs(wrapper.map(|wrapper| ("RUSTC_WRAPPER", wrapper)));
        let outcome = run(&mut command).ok();
        (project.prints("debug/app"), outcome.err().contains("is no cache"))
    };
    let by_wrapper = ("true\n".to_owned(), true);
    assert_eq!(built(Some(wrapper.as_os_str())), by_wrapper);
    let kilns = ("false\n".to_owned(), false);
    for rival in ["sccache", ""] {
        assert_eq!(built(Some(OsStr::new(rival))), kilns, "{rival}");
    }
    let printed = |key: &str, wrapper: &Path| format!("{key}={:?}", wrapper.display().to_string());
    space.write("said.toml", printed("build . rustc-wrapper", &wrapper));
    let on_the_command_line = |printed: &str| {
        project.clean();
        let mut command = space.kiln(&["cargo", "build", "--offline", "--config", printed]);
        let outcome = run(command.current_dir(project.dir()).env_remove("RUSTC_WRAPPER")).ok();
        (project.prints("debug/app"), outcome.err().contains("is no cache"))
    };
    for key in ["build.rustc-wrapper", "'build'.\"rustc-wr\\u0061pper\""] {
        assert_eq!(on_the_command_line(&printed(key, &wrapper)), by_wrapper, "{key}");
    }
    assert_eq!(on_the_command_line("../said.toml"), by_wrapper);
    assert_eq!(on_the_command_line("build.rustc-wrapper=''"), kilns);
    let configured = format!("[build]\nrustc-wrapper = {:?}\n", wrapper.display().to_string());
    project.write(".cargo/config.toml", configured);
    assert_eq!(built(None), by_wrapper);
}
