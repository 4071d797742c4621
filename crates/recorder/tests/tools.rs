//! The tools that builds really use: they work as before, print what they printed, and are seen whole.
#![allow(clippy::disallowed_methods, clippy::print_stderr)] // Tests use the system directly.

mod common;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{
    any, command_in, found, has, opened_named, path_of, plain, programs, recorded, run, run_with_preload,
};
use kiln_recorder::{Act, Record, Recorder, Unrecorded};

fn project() -> (tempfile::TempDir, PathBuf) {
    let held = tempfile::tempdir().unwrap();
    let directory = held.path().canonicalize().unwrap();
    fs::write(directory.join("main.rs"), "fn main() { println!(\"{}\", include_str!(\"text\")); }").unwrap();
    fs::write(directory.join("text"), "hello").unwrap();
    fs::write(
        directory.join("main.c"),
        "#include <stdio.h>\n#include \"own.h\"\nint main(void) { return puts(OWN) < 0; }",
    )
    .unwrap();
    fs::write(directory.join("own.h"), "#define OWN \"hello\"\n").unwrap();
    (held, directory)
}

#[test]
fn a_link_shows_its_tools_and_their_files() {
    let (_held, directory) = project();
    let (record, _) = recorded(&mut command_in(&directory, "rustc main.rs"));
    let programs = programs(&record);
    for tool in ["gcc", "collect2", "ld"] {
        assert!(programs.iter().any(|program| program.contains(tool)), "{tool} is not in {programs:?}");
    }
    for name in ["text", "main.rs", "Scrt1.o", "libc.so.6"] {
        assert!(opened_named(&record, name), "{name} was not seen");
    }
}

#[test]
fn c_compilers_and_linkers_are_followed() {
    let (_held, directory) = project();
    let lines = ["gcc -o gcc main.c", "clang -o clang main.c", "gcc -fuse-ld=mold -o mold main.c"];
    for (line, tool) in lines.into_iter().zip(["gcc", "clang", "mold"]) {
        if !has(tool) {
            continue;
        }
        let (record, _) = recorded(&mut command_in(&directory, line));
        assert!(opened_named(&record, "own.h"), "{line}");
        assert!(record.processes.len() > 1, "{line}: {:?}", programs(&record));
        assert_eq!(plain(&mut Command::new(directory.join(tool))).stdout, b"hello\n");
    }
}

#[test]
fn make_is_followed_through_its_wildcards() {
    if !has("make") {
        return;
    }
    let (_held, directory) = project();
    let makefile = "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t@gcc -c $< -o $@\n";
    fs::write(directory.join("Makefile"), makefile).unwrap();
    let (record, _) = recorded(&mut command_in(&directory, "make -j2"));
    assert!(opened_named(&record, "own.h"));
    assert!(any(&record, |event| matches!(&event.act, Act::List { path, .. } if *path == directory)));
}

#[test]
fn interpreters_work_and_see_none_of_it() {
    let (_held, directory) = project();
    let lines = [
        ("sh", "sh -c 'env; cat text | tr a-z A-Z; (exec cat own.h)'"),
        ("bash", "bash -c 'env; diff <(cat text) <(sort text); for f in *.c; do cat $f; done'"),
        ("dash", "dash -c 'env; set; x=$(cat text); echo $x'"),
        ("env", "env -i /bin/sh -c 'env; /bin/cat text'"),
        (
            "python3",
            "python3 -c 'import os,subprocess; print(os.environ, subprocess.check_output([\"env\"]))'",
        ),
    ];
    for (tool, line) in lines {
        if tool != "sh" && tool != "dash" && !has(tool) {
            continue;
        }
        let mut shell = Command::new("sh");
        let run = run(shell.arg("-c").arg(line).current_dir(&directory));
        let stdout = String::from_utf8_lossy(&run.output.stdout).into_owned();
        assert!(run.output.status.success(), "{line}");
        assert_eq!(String::from_utf8_lossy(&run.output.stderr), "", "{line}");
        assert!(!stdout.contains("LD_PRELOAD") && !stdout.contains("KILN_RECORD"), "{line}: {stdout}");
        assert!(run.record.unwrap().processes.len() > 1, "{line}");
    }
}

#[test]
fn an_empty_environment_does_not_hide_a_program() {
    let (_held, directory) = project();
    let (record, stdout) = recorded(&mut command_in(&directory, "env -i /bin/cat text"));
    assert_eq!(stdout, "hello");
    assert!(opened_named(&record, "text"));
    assert_eq!(record.processes.len(), 2);
}

#[test]
fn a_users_value_is_given_back() {
    for value in ["", "/absent.so", "/absent.so:/other absent.so"] {
        let directory = Path::new("/");
        let plain_run = command_in(directory, "sh -c env").env("LD_PRELOAD", value).output().unwrap();
        let run = run_with_preload(&mut command_in(directory, "sh -c env"), Some(OsStr::new(value)));
        let find = |output: &[u8]| {
            let text = String::from_utf8_lossy(output).into_owned();
            text.lines().find(|line| line.starts_with("LD_PRELOAD")).map(str::to_owned)
        };
        assert_eq!(find(&run.output.stdout), find(&plain_run.stdout));
        // The loader complains about the user's objects as often as without us.
        assert_eq!(String::from_utf8_lossy(&run.output.stderr), String::from_utf8_lossy(&plain_run.stderr));
    }
}

#[test]
fn the_output_is_the_same_with_and_without() {
    let (_held, directory) = project();
    let line = "rustc -g --emit link,metadata,dep-info,obj --error-format json main.rs";
    let outputs = ["main", "main.d", "main.o", "libmain.rmeta"];
    let read = || outputs.map(|name| fs::read(directory.join(name)).unwrap());
    let plain_run = plain(&mut command_in(&directory, line));
    let plain_files = read();
    outputs.iter().for_each(|name| fs::remove_file(directory.join(name)).unwrap());
    let run = run(&mut command_in(&directory, line));
    assert!(run.record.is_ok());
    assert_eq!((run.output.stdout, run.output.stderr), (plain_run.stdout, plain_run.stderr));
    assert!(read() == plain_files);
}

#[test]
fn a_recorder_without_a_directory_works_from_memory() {
    for object_dir in [None, Some(Path::new("/proc/nowhere")), Some(Path::new("/tmp/with:colon"))] {
        let recorder = Recorder::new(object_dir).unwrap();
        let output = Command::new("env")
            .arg("cat")
            .arg("/dev/null")
            .envs(recorder.environment(None))
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        assert_eq!(recorder.finish(&found("env".as_ref())).unwrap().processes.len(), 2);
    }
}

#[test]
fn a_run_that_never_was_has_no_record() {
    let recorder = Recorder::new(None).unwrap();
    assert!(matches!(recorder.finish(Path::new("/bin/sh")), Err(Unrecorded::NoRoot)));
}

#[test]
fn without_a_log_the_object_is_silent() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(Some(directory.path())).unwrap();
    let [preload, _] = recorder.environment(None);
    for value in ["", "/absent:1", "/etc/passwd:1", "no colon", "/proc/self/exe:99999999999999"] {
        let mut command = Command::new("sh");
        command.arg("-c").arg("env").envs([preload.clone(), ("KILN_RECORD", value.into())]);
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!stdout.contains("KILN_RECORD") && !stdout.contains("LD_PRELOAD"), "{stdout}");
    }
}

#[test]
fn everything_that_strace_sees_is_in_the_record() {
    if !has("strace") {
        return;
    }
    let (_held, directory) = project();
    let (record, _) = recorded(&mut command_in(&directory, "rustc main.rs"));
    let line = "strace -f -y -s 4096 -e trace=%file -o trace rustc main.rs";
    plain(&mut command_in(&directory, line));
    let trace = fs::read_to_string(directory.join("trace")).unwrap();
    let seen = known_paths(&record);
    let missing: Vec<_> =
        traced_paths(&trace, &directory).into_iter().filter(|path| !seen.contains(path)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What the record says was looked at, with random names made equal.
fn known_paths(record: &Record) -> BTreeSet<PathBuf> {
    let mut paths: BTreeSet<PathBuf> =
        record.events.iter().filter_map(|event| path_of(&event.act)).map(Path::to_owned).collect();
    for process in &record.processes {
        paths.extend(process.modules.iter().cloned());
    }
    // realpath looks at every part of its path, and of what links on it lead to.
    let resolved = record.events.iter().filter_map(|event| match &event.act {
        Act::RealPath { path, .. } => Some(path),
        _ => None,
    });
    let links: Vec<PathBuf> = resolved.flat_map(|path| link_chain(path)).collect();
    paths.extend(links);
    let parts: Vec<PathBuf> = paths.iter().flat_map(|path| path.ancestors().map(Path::to_owned)).collect();
    paths.extend(parts);
    paths.iter().map(|path| without_chance(path)).collect()
}

fn link_chain(path: &Path) -> Vec<PathBuf> {
    let next = |path: &PathBuf| fs::read_link(path).ok().map(|target| path.parent().unwrap().join(target));
    std::iter::successors(Some(path.to_owned()), next).collect()
}

/// The paths of a trace, but for those that the dynamic loader asks for: libraries and the directories it looks for
/// them in, none of which go through libc.
fn traced_paths(trace: &str, directory: &Path) -> BTreeSet<PathBuf> {
    let lines = trace.lines().filter(|line| !line.contains("execve(") && !line.contains("getcwd("));
    let all: BTreeSet<PathBuf> = lines.filter_map(|line| traced_path(line, directory)).collect();
    let searched: BTreeSet<&Path> =
        all.iter().filter(|path| is_library(path)).filter_map(|path| path.parent()).collect();
    let real = all.iter().filter(|path| !is_the_systems(path) && !is_library(path));
    real.filter(|path| !searched.contains(path.as_path())).map(|path| without_chance(path)).collect()
}

/// The first path of a line; `-y` puts that of its directory before it.
fn traced_path(line: &str, directory: &Path) -> Option<PathBuf> {
    let mut parts = line.split('"');
    let (before, path) = (parts.next()?, parts.next()?);
    let base =
        before.rsplit_once('<').and_then(|(_, base)| base.split_once('>')).map(|(base, _)| Path::new(base));
    if path.is_empty() { None } else { Some(base.unwrap_or(directory).join(path)) }
}

fn is_library(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so"))
}

/// The kernel's own files, the locale, the loader's cache.
fn is_the_systems(path: &Path) -> bool {
    let places = ["/proc", "/sys", "/dev", "/usr/lib/locale", "/usr/share/locale", "/etc/ld.so"];
    places.iter().any(|place| path.starts_with(place)) || path.to_string_lossy().contains("/gconv")
}

/// rustc's and gcc's temporary names differ from run to run.
fn without_chance(path: &Path) -> PathBuf {
    let part = |part: &OsStr| {
        let text = part.to_string_lossy().into_owned();
        if text.starts_with("rustc") && text.len() == 11 || text.starts_with("rmeta") && text.len() == 11 {
            return "chance".to_owned();
        }
        if text.starts_with("cc") && text.len() >= 8 || text.contains(".tmp") && !text.starts_with('.') {
            "chance".to_owned()
        } else {
            text
        }
    };
    path.components().map(|component| part(component.as_os_str())).collect()
}
