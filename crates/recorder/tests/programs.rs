//! Every hook that matters, called by a C program made for it.
#![allow(clippy::disallowed_methods, clippy::print_stderr)] // Tests use the system directly.

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{any, compile_c, programs, recorded, run, run_with_preload};
use kiln_recorder::{Act, Ask, Record, Unrecorded, What};
use kiln_testkit::deaf_loader;

/// A test of an act, given whether a path has that name in the bench's directory.
type Test<'a> = &'a dyn Fn(&Act, &dyn Fn(&Path, &str) -> bool) -> bool;

struct Bench {
    directory: PathBuf,
    program: PathBuf,
    _held: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let held = tempfile::tempdir().unwrap();
        let directory = held.path().canonicalize().unwrap();
        fs::create_dir(directory.join("sub")).unwrap();
        fs::write(directory.join("sub/inner"), "").unwrap();
        symlink("sub", directory.join("way")).unwrap();
        let program = compile_c(&directory, "programs", include_str!("programs.c"), "-pthread -ldl");
        Bench { directory, program, _held: held }
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments.split_whitespace()).current_dir(&self.directory);
        command
    }

    fn has(&self, record: &Record, test: impl Fn(&Act, &dyn Fn(&Path, &str) -> bool) -> bool) -> bool {
        let named = |path: &Path, name: &str| path == self.directory.join(name);
        any(record, |event| test(&event.act, &named))
    }
}

#[test]
fn every_way_to_start_a_program_is_followed() {
    let bench = Bench::new();
    let ways = "execv execve execvp execvpe execl execlp execle fexecve execveat no_environment posix_spawn \
                posix_spawnp vfork";
    for way in ways.split_whitespace() {
        let (record, stdout) = recorded(&mut bench.command(&format!("run {way}")));
        assert_eq!(stdout, "hi\n", "{way}");
        assert_eq!(programs(&record), ["programs", "echo"], "{way}");
        assert_eq!(record.processes[1].parent, Some(0), "{way}");
        let searched = matches!(way, "execvp" | "execvpe" | "execlp" | "posix_spawnp");
        assert_eq!(
            any(&record, |event| matches!(event.act, Act::Probe { present: true, .. })),
            searched,
            "{way}"
        );
    }
    for way in ["system", "popen"] {
        let (record, stdout) = recorded(&mut bench.command(&format!("run {way}")));
        assert_eq!(stdout, "hi\n", "{way}");
        assert_eq!(record.processes.len(), 2, "{way}");
    }
}

#[test]
fn a_program_that_does_not_start_leaves_its_error() {
    let bench = Bench::new();
    let (record, _) = recorded(&mut bench.command("run failing"));
    let failed = |event: &&kiln_recorder::RecordedEvent| matches!(&event.act, Act::Exec { errno: 2, .. });
    assert_eq!(record.events.iter().filter(failed).count(), 2);
}

#[test]
fn a_fork_is_the_same_process() {
    let bench = Bench::new();
    let (record, _) = recorded(&mut bench.command("run fork"));
    assert_eq!(record.processes.len(), 1);
    assert!(
        bench.has(&record, |act, named| matches!(act, Act::Open { path, .. } if named(path, "sub/inner")))
    );
}

#[test]
fn looks_are_recorded_with_their_paths() {
    let bench = Bench::new();
    let (record, _) = recorded(&mut bench.command("look"));
    let has = |test: Test<'_>| bench.has(&record, test);
    assert!(has(
        &|act, is| matches!(act, Act::Open { path, mode, errno: 0 } if is(path, "sub") && mode.directory)
    ));
    assert!(has(&|act, is| matches!(act, Act::Open { path, errno: 0, .. } if is(path, "sub/inner"))));
    assert!(has(&|act, is| matches!(act, Act::Open { path, errno: 0, .. } if is(path, "programs.c"))));
    assert!(has(&|act, is| matches!(act, Act::Open { path, errno: 2, .. } if is(path, "absent"))));
    assert!(has(&|act, is| matches!(act, Act::Stat { path, errno: 2, .. } if is(path, "absent"))));
    assert!(has(&|act, is| matches!(act, Act::Stat { path, follow: false, .. } if is(path, "sub/inner"))));
    assert!(has(&|act, is| matches!(act, Act::Access { path, mode: 4, errno: 0 } if is(path, "sub/inner"))));
    assert!(has(&|act, is| matches!(act, Act::RealPath { path, .. } if is(path, "sub/../sub/inner"))));
    assert!(has(&|act, is| matches!(act, Act::ReadLink { path, errno: 0 } if is(path, "way"))));
    let lists = record.events.iter().filter(|event| matches!(&event.act, Act::List { .. })).count();
    assert_eq!(lists, 2);
    let opens = |event: &&kiln_recorder::RecordedEvent| matches!(&event.act, Act::Open { path, .. } if path.ends_with("programs.c"));
    assert_eq!(record.events.iter().filter(opens).count(), 2, "fopen and the raw openat");
}

/// Guards: other names of hooked functions, and functions that open or ask inside libc.
#[test]
#[cfg(target_env = "gnu")]
fn looks_inside_libc_are_recorded() {
    let bench = Bench::new();
    let (record, _) = recorded(&mut bench.command("inside"));
    let has = |test: Test<'_>| bench.has(&record, test);
    assert!(has(&|act, is| matches!(act, Act::Open { path, errno: 0, .. } if is(path, "programs.c"))));
    assert!(has(&|act, is| matches!(act, Act::Stat { path, errno: 0, .. } if is(path, "sub/inner"))));
    assert!(has(&|act, is| matches!(act, Act::Open { path, errno: 2, .. } if is(path, "./absent"))));
    assert!(has(&|act, is| matches!(act, Act::Stat { path, errno: 0, .. } if is(path, "sub"))));
    assert!(has(&|act, is| matches!(act, Act::Open { path, errno: 0, .. } if is(path, "sub/inner"))));
    assert!(has(
        &|act, _| matches!(act, Act::Open { path, errno: 2, .. } if path == Path::new("/absent/file"))
    ));
    let asked = |event: &kiln_recorder::RecordedEvent| matches!(&event.act, Act::Getenv { name } if name == b"POSIXLY_CORRECT");
    assert!(any(&record, asked));
    for ask in [Ask::Pid, Ask::Others, Ask::Unseen] {
        assert!(any(&record, |event| event.act == Act::Ask(ask)), "{ask:?}");
    }
}

#[test]
fn changes_are_recorded_with_their_paths() {
    let bench = Bench::new();
    let (record, _) = recorded(&mut bench.command("change"));
    let has = |test: Test<'_>| bench.has(&record, test);
    for (wanted, name) in [(What::Dir, "made"), (What::Symlink, "pointer"), (What::Link, "second")] {
        assert!(has(
            &|act, is| matches!(act, Act::Create { path, what, .. } if is(path, name) && *what == wanted)
        ));
    }
    assert!(has(&|act, _| matches!(act, Act::Create { path, what: What::Temp, .. }
        if path.starts_with(&bench.directory) && !path.ends_with("temp-XXXXXX"))));
    assert!(has(&|act, is| matches!(act, Act::Rename { to, errno: 0, .. } if is(to, "made/moved"))));
    assert!(has(&|act, is| matches!(act, Act::Modify { path, .. } if is(path, "made/moved"))), "futimens");
    assert!(has(&|act, is| matches!(act, Act::Modify { path, .. } if is(path, "second"))));
    for name in ["second", "pointer", "made/moved", "made"] {
        assert!(has(&|act, is| matches!(act, Act::Remove { path, errno: 0 } if is(path, name))), "{name}");
    }
}

#[test]
fn threads_write_at_the_same_time() {
    let bench = Bench::new();
    let (record, _) = recorded(&mut bench.command("threads"));
    let opens = |event: &&kiln_recorder::RecordedEvent| matches!(&event.act, Act::Open { path, .. } if path.ends_with("programs.c"));
    assert_eq!(record.events.iter().filter(opens).count(), 16000);
}

#[test]
fn nothing_is_disturbed() {
    let bench = Bench::new();
    recorded(&mut bench.command("auxiliary"));
    let (record, _) = recorded(&mut bench.command("close_all"));
    assert!(
        bench.has(&record, |act, named| matches!(act, Act::Open { path, .. } if named(path, "sub/inner")))
    );
}

#[test]
fn what_a_killed_process_wrote_is_there() {
    let bench = Bench::new();
    let run = run(&mut bench.command("killed"));
    let record = run.record.unwrap();
    assert!(
        bench.has(&record, |act, named| matches!(act, Act::Open { path, .. } if named(path, "sub/inner")))
    );
}

#[test]
fn what_the_log_cannot_tell_is_an_overflow() {
    let bench = Bench::new();
    for way in ["overflow", "nowhere"] {
        let run = run(&mut bench.command(way));
        assert!(run.output.status.success(), "{way}");
        assert!(matches!(run.record, Err(Unrecorded::Overflow)), "{way}: {:?}", run.record.err());
    }
}

#[test]
fn a_program_that_never_gets_to_report_is_silent() {
    let bench = Bench::new();
    let library = compile_c(&bench.directory, "libgone.so", "int gone(void) { return 0; }", "-shared -fPIC");
    let source = "int gone(void); int main(void) { return gone(); }";
    let program = compile_c(&bench.directory, "needy", source, "-L. -lgone");
    fs::remove_file(library).unwrap();
    let run = run(&mut bench.command(&format!("run given {}", program.display())));
    assert!(matches!(run.record, Err(Unrecorded::Silent { path }) if path == program));
}

#[test]
fn what_passes_the_hooks_by_is_blind() {
    let bench = Bench::new();
    for way in ["raw_exec", "glob", "ftw", "namespace"] {
        let run = run(&mut bench.command(&format!("blind {way}")));
        assert!(run.output.status.success(), "{way}");
        assert!(matches!(run.record, Err(Unrecorded::Blind { .. })), "{way}: {:?}", run.record);
    }
}

#[test]
fn a_program_that_cannot_be_watched_is_blind_and_undisturbed() {
    let bench = Bench::new();
    let source = "#include <stdio.h>\nextern char **environ;\nint main(void) { for (char **e = environ; *e; e++) \
                  puts(*e); }";
    let program = compile_c(&bench.directory, "alone", source, "-static");
    let run = run(&mut bench.command(&format!("run given {}", program.display())));
    let stdout = String::from_utf8(run.output.stdout).unwrap();
    assert!(run.output.status.success() && run.output.stderr.is_empty());
    assert!(!stdout.contains("LD_PRELOAD") && !stdout.contains("KILN_RECORD"));
    assert!(matches!(run.record, Err(Unrecorded::Blind { path }) if path == program));
    assert!(!kiln_recorder::watchable(&program));
    assert!(kiln_recorder::watchable(&bench.program));
}

#[test]
fn an_untraced_program_hides_behind_no_other() {
    let bench = Bench::new();
    let Some(loader) = deaf_loader(&bench.directory) else {
        eprintln!("skipped: no loader can be made deaf here");
        return;
    };
    let source = "#include <unistd.h>\n#include <stdio.h>\nint main(void) { fopen(\"/etc/passwd\", \"r\"); \
                  return execl(\"/bin/true\", \"true\", (char *)0); }";
    let program =
        compile_c(&bench.directory, "deaf", source, &format!("-Wl,--dynamic-linker={}", loader.display()));
    let root = run(&mut Command::new(&program));
    assert!(matches!(root.record, Err(Unrecorded::Silent { path }) if path == program));
    let child = run(&mut bench.command(&format!("run given {}", program.display())));
    assert!(child.output.status.success());
    assert!(matches!(child.record, Err(Unrecorded::Silent { path }) if path == program));
}

#[test]
fn set_id_programs_are_blind() {
    let bench = Bench::new();
    let program = compile_c(&bench.directory, "set_id", "int main(void) { return 0; }", "");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    let run = run(&mut bench.command(&format!("run given {}", program.display())));
    assert!(matches!(run.record, Err(Unrecorded::Blind { .. })));
    assert!(!kiln_recorder::watchable(&program));
}

#[test]
fn a_program_of_another_machine_is_blind_and_nothing_is_printed() {
    let bench = Bench::new();
    let foreign = bench.directory.join("foreign");
    let mut content = fs::read(&bench.program).unwrap();
    content[4] = 1; // 32 bits
    fs::write(&foreign, content).unwrap();
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o755)).unwrap();
    let run = run(&mut bench.command(&format!("run given {}", foreign.display())));
    assert_eq!(run.output.stderr, b"");
    assert!(matches!(run.record, Err(Unrecorded::Blind { path }) if path == foreign));
}

#[test]
fn a_sanitizer_that_wants_to_be_first_is_blind_and_undisturbed() {
    let bench = Bench::new();
    fs::write(bench.directory.join("main.c"), "int main(void) { return 0; }").unwrap();
    let built =
        Command::new("gcc").args(["-fsanitize=address", "main.c"]).current_dir(&bench.directory).output();
    if !built.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: gcc has no address sanitizer");
        return;
    }
    let program = bench.directory.join("a.out");
    let run = run(&mut bench.command(&format!("run given {}", program.display())));
    assert!(run.output.status.success() && run.output.stderr.is_empty());
    assert!(matches!(run.record, Err(Unrecorded::Blind { path }) if path == program));
    assert!(!kiln_recorder::watchable(&program));
}

#[test]
fn scripts_are_judged_by_their_interpreter() {
    let bench = Bench::new();
    let script = bench.directory.join("script");
    fs::write(&script, "#! /bin/sh -e\n: > touched\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let (record, _) = recorded(&mut bench.command(&format!("run given {}", script.display())));
    assert_eq!(record.processes.len(), 2);
    assert!(bench.has(&record, |act, named| matches!(act, Act::Exec { path, .. } if named(path, "script"))));
    assert!(bench.has(&record, |act, named| matches!(act, Act::Open { path, .. } if named(path, "touched"))));
    assert!(kiln_recorder::watchable(&script));
}

#[test]
fn a_users_own_preload_stays_first_and_as_it_was() {
    let bench = Bench::new();
    let source = "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <stdarg.h>\n\
                  int open(const char *path, int flags, ...) { va_list l; va_start(l, flags); int m = va_arg(l, int); \
                  va_end(l); int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, \"open\"); \
                  return next(path, flags, m) < 0 ? -1 : 123; }";
    let library = compile_c(&bench.directory, "user.so", source, "-shared -fPIC -ldl");
    let main = "#include <fcntl.h>\n#include <stdio.h>\n#include <stdlib.h>\n\
                int main(void) { printf(\"%d %s\", open(\"sub/inner\", O_RDONLY), getenv(\"LD_PRELOAD\")); return 0; }";
    let program = compile_c(&bench.directory, "main", main, "");
    let run =
        run_with_preload(Command::new(program).current_dir(&bench.directory), Some(library.as_os_str()));
    assert_eq!(String::from_utf8(run.output.stdout).unwrap(), format!("123 {}", library.display()));
    let record = run.record.unwrap();
    assert!(
        bench.has(&record, |act, named| matches!(act, Act::Open { path, .. } if named(path, "sub/inner")))
    );
    assert!(record.processes[0].modules.contains(&library));
    assert!(record.processes[0].modules.iter().all(|module| !module.to_string_lossy().contains("kiln")));
}

#[test]
fn a_library_is_found_from_where_it_is_asked_for() {
    let bench = Bench::new();
    let near = bench.directory.join("near");
    fs::create_dir(&near).unwrap();
    compile_c(&near, "libleaf.so", "int leaf(void) { return 7; }", "-shared -fPIC");
    let source = "#include <dlfcn.h>\nint middle(void) { void *leaf = dlopen(\"libleaf.so\", RTLD_NOW); \
                  return leaf ? ((int (*)(void))dlsym(leaf, \"leaf\"))() : -1; }";
    compile_c(&near, "libmiddle.so", source, "-shared -fPIC -ldl -Wl,-rpath,$ORIGIN -Wl,--enable-new-dtags");
    let main = "#include <dlfcn.h>\nint main(void) { void *middle = dlopen(\"near/libmiddle.so\", RTLD_NOW); \
                return !middle || ((int (*)(void))dlsym(middle, \"middle\"))() != 7; }";
    let program = compile_c(&bench.directory, "main", main, "-ldl");
    let (record, _) = recorded(Command::new(program).current_dir(&bench.directory));
    let loads: Vec<_> = record.events.iter().filter(|event| matches!(event.act, Act::Load { .. })).collect();
    assert!(bench.has(
        &record,
        |act, named| matches!(act, Act::Load { path, errno: 0 } if named(path, "near/libmiddle.so"))
    ));
    assert!(
        loads
            .iter()
            .any(|event| matches!(&event.act, Act::Load { path, .. } if path == Path::new("libleaf.so")))
    );
    assert!(bench.has(
        &record,
        |act, named| matches!(act, Act::Loaded { path, .. } if named(path, "near/libleaf.so"))
    ));
    assert!(bench.has(
        &record,
        |act, named| matches!(act, Act::Loaded { path, search } if named(path, "near/libmiddle.so") && search == "$ORIGIN")
    ));
    assert!(record.events.iter().any(|event| event.act == Act::LoadedAll));
}

#[test]
fn where_the_loader_looks_is_recorded() {
    let bench = Bench::new();
    fs::create_dir(bench.directory.join("near")).unwrap();
    compile_c(&bench.directory, "near/libleaf.so", "int leaf(void) { return 7; }", "-shared -fPIC");
    let flags = "-Lnear -lleaf -Wl,-rpath,$ORIGIN/near";
    let program =
        compile_c(&bench.directory, "main", "int leaf(void); int main(void) { return leaf() != 7; }", flags);
    let (record, _) = recorded(Command::new(&program).env("LD_LIBRARY_PATH", "nowhere:"));
    let process = &record.processes[0];
    assert_eq!(process.library_path.as_deref(), Some(std::ffi::OsStr::new("nowhere:")));
    assert_eq!(process.searches, [(process.exe.clone(), "$ORIGIN/near".into())]);
    assert!(process.modules.iter().any(|module| module.ends_with("near/libleaf.so")), "{process:?}");
    // found by a path that is none from the root
    let mut command = Command::new(&program);
    let (record, _) = recorded(command.env("LD_LIBRARY_PATH", "near").current_dir(&bench.directory));
    let found = bench.directory.join("near/libleaf.so");
    assert!(record.processes[0].modules.contains(&found), "{:?}", record.processes[0]);
}
