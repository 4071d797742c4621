//! What a proc macro does inside rustc is told apart from what rustc does.
#![allow(clippy::disallowed_methods, clippy::print_stderr)] // Tests use the system directly.

mod common;

use std::fs;
use std::path::Path;

use common::{acts, command_in, opened, plain, recorded};
use kiln_recorder::{Act, Ask, By};

const MACRO: &str = r#"
extern crate proc_macro;
use std::path::PathBuf;
use std::process::Command;

#[proc_macro]
pub fn look(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let inputs = PathBuf::from(std::env::var("MACRO_INPUTS").unwrap());
    let text = std::fs::read_to_string(inputs.join("input.txt")).unwrap();
    assert!(!inputs.join("absent.txt").exists());
    assert!(std::fs::File::open("relative/absent.txt").is_err());
    let count = std::fs::read_dir(inputs.join("listed")).unwrap().count();
    assert!(std::time::SystemTime::now() > std::time::UNIX_EPOCH);
    let child = Command::new("sh").arg("-c").arg("env; cat /dev/null").output().unwrap().stdout;
    let child = String::from_utf8(child).unwrap();
    for name in ["LD_PRELOAD", "KILN_RECORD"] {
        assert!(std::env::vars_os().all(|(found, _)| found != name), "the macro sees {name}");
        assert!(!child.contains(name), "the macro's child sees {name}");
    }
    assert!(!std::fs::read_to_string("/proc/self/environ").unwrap().contains("KILN_RECORD"));
    format!("\"{text}{count}\"").parse().unwrap()
}
"#;

fn write_project(directory: &Path) {
    fs::write(directory.join("look.rs"), MACRO).unwrap();
    fs::write(directory.join("main.rs"), "fn main() { println!(\"{}\", look::look!()); }").unwrap();
    fs::write(directory.join("input.txt"), "seen").unwrap();
    fs::create_dir(directory.join("listed")).unwrap();
    fs::write(directory.join("listed/one"), "").unwrap();
    plain(&mut command_in(directory, "rustc --edition 2024 --crate-type proc-macro look.rs"));
}

#[test]
fn a_macro_is_distinguished_from_rustc() {
    let project = tempfile::tempdir().unwrap();
    // As the system names it, since a relative path is made absolute from there.
    let directory = &project.path().canonicalize().unwrap();
    write_project(directory);
    let mut rustc =
        command_in(directory, "rustc --edition 2024 --emit metadata --extern look=liblook.so main.rs");
    let (record, _) = recorded(rustc.env("MACRO_INPUTS", directory));

    let macros: Vec<&Act> = acts(&record, By::Loaded).collect();
    let seen = |test: &dyn Fn(&Act) -> bool| macros.iter().any(|act| test(act));
    assert!(opened(&record, By::Loaded, &directory.join("input.txt")));
    assert!(seen(
        &|act| matches!(act, Act::Stat { path, errno: 2, .. } if *path == directory.join("absent.txt"))
    ));
    let relative = directory.join("relative/absent.txt");
    assert!(seen(&|act| matches!(act, Act::Open { path, errno: 2, .. } if *path == relative)));
    assert!(seen(&|act| matches!(act, Act::List { path, errno: 0 } if *path == directory.join("listed"))));
    assert!(seen(&|act| matches!(act, Act::Getenv { name } if name == b"MACRO_INPUTS")));
    assert!(seen(&|act| matches!(act, Act::Probe { path, present: true } if path.ends_with("sh"))));
    assert!(seen(&|act| matches!(act, Act::Exec { path, errno: 0 } if path.ends_with("sh"))));
    assert!(seen(&|act| *act == Act::Ask(Ask::Time)));

    // rustc's own.
    assert!(opened(&record, By::Compiler, &directory.join("main.rs")));
    assert!(!opened(&record, By::Loaded, &directory.join("main.rs")));
    let library = directory.join("liblook.so");
    assert!(
        acts(&record, By::Compiler)
            .any(|act| matches!(act, Act::Load { path, errno: 0 } if *path == library))
    );
    let rustcs_variables = ["RUSTC_LOG", "RUST_MIN_STACK"];
    assert!(macros.iter().all(
        |act| !matches!(act, Act::Getenv { name } if rustcs_variables.iter().any(|rustcs| rustcs.as_bytes() == name))
    ));
}

#[test]
fn a_macros_child_belongs_to_the_macro() {
    let project = tempfile::tempdir().unwrap();
    let directory = project.path();
    write_project(directory);
    let mut rustc =
        command_in(directory, "rustc --edition 2024 --emit metadata --extern look=liblook.so main.rs");
    let (record, _) = recorded(rustc.env("MACRO_INPUTS", directory));

    let by_macro: Vec<_> =
        record.processes.iter().filter(|process| process.spawned_by == By::Loaded).collect();
    assert_eq!(by_macro.len(), 1);
    let shell = record.processes.iter().position(|process| process.serial == by_macro[0].serial).unwrap();
    let children = record.processes.iter().filter(|process| process.parent == Some(shell as u32));
    assert_eq!(children.count(), 2, "the shell starts env and cat");
}
