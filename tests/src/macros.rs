//! A proc-macro crate that asks the machine things at compile time: `pm::probe!("read /some/file")` expands to a
//! string literal with the answer. It is written for the commands one project needs and holds nothing else, so
//! that an innocent macro stays innocent: one import of `environ` may make kiln distrust the whole library.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// (command, what it does with `path`, `word` (the argument as text) and answers as a `String`).
const COMMANDS: [(&str, &str); 28] = [
    (
        "read",
        "match std::fs::read_to_string(&path) { Ok(text) => text, Err(e) => format!(\"{:?}\", e.kind()) }",
    ),
    (
        "outread",
        "match std::fs::read_to_string(PathBuf::from(std::env::var_os(\"OUT_DIR\").unwrap()).join(&path)) { Ok(text) => text, Err(e) => format!(\"{:?}\", e.kind()) }",
    ),
    (
        "thread",
        "{ let path = path.clone(); std::thread::spawn(move || format!(\"{:?}\", std::fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).map_err(|e| e.kind()))).join().unwrap() }",
    ),
    ("exists", "path.exists().to_string()"),
    ("len", "format!(\"{:?}\", std::fs::metadata(&path).map(|m| m.len()).map_err(|e| e.kind()))"),
    (
        "kind",
        "{ use std::os::unix::fs::PermissionsExt; format!(\"{:?}\", std::fs::metadata(&path).map(|m| (m.is_dir(), m.permissions().mode() & 0o111)).map_err(|e| e.kind())) }",
    ),
    (
        "link",
        "format!(\"{:?}\", std::fs::symlink_metadata(&path).map(|m| m.file_type().is_symlink()).map_err(|e| e.kind()))",
    ),
    ("readlink", "format!(\"{:?}\", std::fs::read_link(&path).map_err(|e| e.kind()))"),
    ("canonical", "format!(\"{:?}\", std::fs::canonicalize(&path).map_err(|e| e.kind()))"),
    (
        "list",
        "{ let mut names: Vec<_> = std::fs::read_dir(&path).into_iter().flatten().flatten().map(|e| e.file_name()).collect(); names.sort(); format!(\"{names:?}\") }",
    ),
    (
        "listall",
        "{ let mut all: Vec<_> = std::fs::read_dir(&path).into_iter().flatten().flatten().map(|e| (e.file_name(), std::fs::read(e.path()).map(|b| String::from_utf8_lossy(&b).into_owned()).ok())).collect(); all.sort(); format!(\"{all:?}\") }",
    ),
    ("env", "format!(\"{:?}\", std::env::var_os(word))"),
    (
        "envs",
        "{ let mut all: Vec<_> = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(word)).collect(); all.sort(); format!(\"{all:?}\") }",
    ),
    (
        "envnames",
        "{ let mut all: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect(); all.sort(); format!(\"{all:?}\") }",
    ),
    ("args", "std::env::args().collect::<Vec<_>>().join(\"\\n\")"),
    (
        "cfgs",
        "{ let all: Vec<_> = std::env::args().collect(); all.windows(2).filter(|w| w[0] == \"--cfg\").map(|w| w[1].clone()).collect::<Vec<_>>().join(\"\\n\") }",
    ),
    (
        "outdir",
        "{ let all: Vec<_> = std::env::args().collect(); all.windows(2).filter(|w| w[0] == \"--out-dir\").map(|w| w[1].clone()).collect() }",
    ),
    (
        "cmdline",
        "String::from_utf8_lossy(&std::fs::read(\"/proc/self/cmdline\").unwrap()).replace('\\0', \"\\n\")",
    ),
    ("cwd", "std::env::current_dir().unwrap().display().to_string()"),
    ("cpus", "std::thread::available_parallelism().unwrap().to_string()"),
    (
        "time",
        "std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string()",
    ),
    ("cat", "run(std::process::Command::new(\"cat\").arg(&path))"),
    ("cleancat", "run(std::process::Command::new(\"cat\").arg(&path).env_clear())"),
    (
        "sh",
        "run(std::process::Command::new(\"sh\").arg(\"-c\").arg(\"cat \\\"$0\\\" 2>/dev/null || echo none\").arg(&path))",
    ),
    (
        "shenv",
        "run(std::process::Command::new(\"sh\").arg(\"-c\").arg(format!(\"printf %s \\\"${{{word}-unset}}\\\"\")))",
    ),
    ("program", "run(&mut std::process::Command::new(&path))"),
    (
        "sleep",
        "{ std::thread::sleep(std::time::Duration::from_millis(word.parse().unwrap())); String::new() }",
    ),
    ("write", "format!(\"{:?}\", std::fs::write(&path, \"written by the macro\").map_err(|e| e.kind()))"),
];

const HEAD: &str = r#"#![allow(unused, warnings)]
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use proc_macro::TokenStream;

/// Several commands, separated by `;`: the answers, joined.
#[proc_macro]
pub fn probe(input: TokenStream) -> TokenStream {
    let text = input.to_string();
    let answers: Vec<String> = text.trim_matches('"').split(';').map(answer).collect();
    format!("{:?}", answers.join("")).parse().unwrap()
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    bytes
}

fn answer(step: &str) -> String {
    let (command, argument) = step.split_once(' ').unwrap_or((step, ""));
    let bytes = decode(argument);
    let owned = String::from_utf8_lossy(&bytes).into_owned();
    let word = owned.as_str();
    let path = PathBuf::from(OsString::from_vec(bytes));
    match command {
"#;

const RUN: &str = r#"
fn run(command: &mut std::process::Command) -> String {
    match command.output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(e) => format!("{:?}", e.kind()),
    }
}
"#;

/// The manifest of the macro crate.
pub const MANIFEST: &str =
    "[package]\nname = \"pm\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[lib]\nproc-macro = true\n";

/// The source of a macro crate that knows these commands.
pub fn source(commands: &[&str]) -> String {
    let mut text = HEAD.to_owned();
    for (name, code) in COMMANDS.iter().filter(|(name, _)| commands.contains(name)) {
        text.push_str(&format!("        {name:?} => {code},\n"));
    }
    text.push_str("        other => panic!(\"no command {other}\"),\n    }\n}\n");
    if COMMANDS.iter().any(|(name, code)| commands.contains(name) && code.contains("run(")) {
        text.push_str(RUN);
    }
    text
}

/// `pm::probe!("<command> <path>")`.
pub fn call(command: &str, path: impl AsRef<Path>) -> String {
    format!("pm::probe!(\"{}\")", step(command, path))
}

/// `<command> <path>` with everything but plain characters percent-encoded, for a string literal.
pub fn step(command: &str, path: impl AsRef<Path>) -> String {
    let mut text = command.to_owned();
    text.push(' ');
    for byte in path.as_ref().as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                text.push(char::from(*byte))
            }
            _ => text.push_str(&format!("%{byte:02x}")),
        }
    }
    text
}
