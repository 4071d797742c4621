//! Running real tools under the recorder, and asking what it saw.
#![allow(dead_code)] // Each test file uses its own part.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kiln_recorder::{Act, By, Record, RecordedEvent, Recorder, Unrecorded};

/// A command that ran, and what is known of it.
pub struct Run {
    pub output: Output,
    pub record: Result<Record, Unrecorded>,
}

/// Runs it recorded, with that value of LD_PRELOAD for the user's own.
pub fn run_with_preload(command: &mut Command, preload: Option<&OsStr>) -> Run {
    let object_dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(Some(object_dir.path())).unwrap();
    let output = command.envs(recorder.environment(preload)).output().unwrap();
    let directory = command.get_current_dir().unwrap_or(Path::new("."));
    let program = directory.join(found(command.get_program()));
    Run { output, record: recorder.finish(&program) }
}

/// The file that a command's name leads to.
pub fn found(name: &OsStr) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let on_path = || std::env::split_paths(&path).map(|part| part.join(name)).find(|file| file.is_file());
    let is_path = Path::new(name).components().count() > 1;
    (!is_path).then(on_path).flatten().unwrap_or_else(|| name.into())
}

pub fn run(command: &mut Command) -> Run {
    run_with_preload(command, None)
}

/// Runs it recorded; it must succeed without a word on stderr, and be known to the end.
pub fn recorded(command: &mut Command) -> (Record, String) {
    let run = run(command);
    let stderr = String::from_utf8_lossy(&run.output.stderr).into_owned();
    assert!(run.output.status.success(), "{command:?} failed: {stderr}");
    assert_eq!(stderr, "", "{command:?} says something");
    (run.record.unwrap(), String::from_utf8_lossy(&run.output.stdout).into_owned())
}

/// Runs it without the recorder; it must succeed.
pub fn plain(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A command that starts in that directory.
pub fn command_in(directory: &Path, line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).current_dir(directory);
    command
}

/// Compiles a C program into that directory.
pub fn compile_c(directory: &Path, name: &str, source: &str, flags: &str) -> PathBuf {
    fs::write(directory.join(format!("{name}.c")), source).unwrap();
    plain(&mut command_in(directory, &format!("cc -o {name} {name}.c {flags}")));
    directory.join(name)
}

/// Whether a tool is on this machine; says so where it is not.
pub fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

pub fn acts(record: &Record, by: By) -> impl Iterator<Item = &Act> {
    record.events.iter().filter(move |event| event.by == by).map(|event| &event.act)
}

/// The path an act is about.
pub fn path_of(act: &Act) -> Option<&Path> {
    match act {
        Act::Open { path, .. }
        | Act::Stat { path, .. }
        | Act::Access { path, .. }
        | Act::ReadLink { path, .. }
        | Act::RealPath { path, .. }
        | Act::List { path, .. }
        | Act::Load { path, .. }
        | Act::Loaded { path, .. }
        | Act::Probe { path, .. }
        | Act::Exec { path, .. }
        | Act::Remove { path, .. }
        | Act::Create { path, .. }
        | Act::Modify { path, .. } => Some(path),
        Act::Rename { from, .. } => Some(from),
        Act::Getenv { .. } | Act::Search | Act::Question { .. } | Act::Ask(_) | Act::LoadedAll => None,
    }
}

pub fn opened(record: &Record, by: By, wanted: &Path) -> bool {
    acts(record, by).any(|act| matches!(act, Act::Open { path, errno: 0, .. } if path == wanted))
}

/// Opened under a path that ends so.
pub fn opened_named(record: &Record, name: &str) -> bool {
    record
        .events
        .iter()
        .any(|event| matches!(&event.act, Act::Open { path, errno: 0, .. } if path.ends_with(name)))
}

/// The file names of the programs that ran.
pub fn programs(record: &Record) -> Vec<String> {
    let name = |exe: &PathBuf| exe.file_name().unwrap().to_string_lossy().into_owned();
    record.processes.iter().map(|process| name(&process.exe)).collect()
}

pub fn any(record: &Record, test: impl Fn(&RecordedEvent) -> bool) -> bool {
    record.events.iter().any(test)
}
