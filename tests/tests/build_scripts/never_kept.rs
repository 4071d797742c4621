//! What is never kept.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kiln_testkit::{Outcome, TestSpace, binary};
use kiln_tests::native;

use super::app::{app, follows, follows_at_least, left, never_kept, same};

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
        assert_eq!(built.outcomes("hit"), 0, "{}", built.runs.join("\n"));
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

/// By its name alone each of these is in `OUT_DIR`, or the kernel's.
#[test]
fn what_is_written_outside_by_a_detour_is_never_kept() {
    let place = |path: &str| {
        format!("let place = {path};\nfs::write(place.join(\"made\"), \"x\").unwrap();\ntell(\"x\");")
    };
    let up = "out().join(\"x/../../../../../../..\").join(Path::new(PLACE).file_name().unwrap())";
    for body in [
        place("Path::new(\"/dev/..\").join(&PLACE[1..])"),
        place("Path::new(\"/proc/self/root\").join(&PLACE[1..])"),
        place("{ env::set_current_dir(PLACE).unwrap(); Path::new(\"/proc/self/cwd\") }"),
        place("{ env::set_current_dir(PLACE).unwrap(); Path::new(\"/proc/self/cwd/../outside\") }"),
        place(&format!("{{ fs::create_dir(out().join(\"x\")).unwrap(); {up} }}")),
        format!(
            "fs::create_dir(out().join(\"x\")).unwrap();\nfs::create_dir({up}.join(\"made\")).unwrap();\ntell(\"x\");"
        ),
    ] {
        does_outside(&body, &emptied, &|place| fs::symlink_metadata(place.join("made")).is_ok());
    }
}

/// A file beside `OUT_DIR`, by a name that begins like it.
#[test]
fn what_is_read_by_a_detour_counts() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(fs::read(out().join(\"../../../../../data\")).unwrap());");
    app.write("data", "one");
    follows(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
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
            assert_eq!(built.outcomes("hit"), 0, "{}", built.runs.join("\n"));
            let printed = |outcome: &Outcome| {
                let text = outcome.err().replace(".real", "");
                let tail = text.split("error: failed to run custom build command").nth(1).map(str::to_owned);
                let lines = tail.unwrap_or_default();
                let kept =
                    lines.lines().filter(|line| !line.contains("thread 'main'") && !line.contains("kiln: "));
                kept.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(printed(&built.outcome), printed(&plain), "left: through kiln");
        }
        // as soon as it works it is kept
        app.script("tell(\"works\");");
        let works = app.right();
        app.hits(&works.made);
    }
}

/// The script itself ends well: it may be kept, but the build never goes on.
#[test]
fn failure_that_is_only_printed() {
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
        assert_eq!(built.outcomes("hit") + built.outcomes("miss"), 0, "{}", built.runs.join("\n"));
        std::thread::sleep(std::time::Duration::from_secs(2));
        assert!(left(app.project.target()).keys().any(|path| path.ends_with("late")), "nobody wrote it");
    }
}
