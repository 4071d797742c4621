//! Manifests and small projects that many tests build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kiln_testkit::{Project, TestSpace, tree};

use crate::macros;

/// A workspace of these members.
pub fn workspace(members: &[&str]) -> String {
    format!("[workspace]\nresolver = \"2\"\nmembers = {members:?}\n")
}

/// A package with these lines under `[dependencies]` (and whatever tables follow).
pub fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{dependencies}"
    )
}

/// One package `app` with this `src/main.rs`.
pub fn app<'a>(space: &'a TestSpace, dir: &str, main: &str) -> Project<'a> {
    let project = space.project(dir);
    project.write("Cargo.toml", manifest("app", "")).write("src/main.rs", main);
    project
}

/// A workspace of `app` and the macro crate `pm` with these commands; the program prints `expression`.
pub fn macro_app<'a>(space: &'a TestSpace, commands: &[&str], expression: &str) -> Project<'a> {
    macro_app_with(space, &macros::source(commands), expression)
}

/// The same with any macro crate.
pub fn macro_app_with<'a>(space: &'a TestSpace, source: &str, expression: &str) -> Project<'a> {
    let project = space.project("ws");
    project
        .write("Cargo.toml", workspace(&["app", "pm"]))
        .write("pm/Cargo.toml", macros::MANIFEST)
        .write("pm/src/lib.rs", source)
        .write("app/Cargo.toml", manifest("app", "pm = { path = \"../pm\" }\n"))
        .write("app/src/main.rs", format!("fn main() {{\n    println!(\"{{}}\", {expression});\n}}\n"));
    project
}

/// A workspace `base` <- `middle` (with a build script) <- `app`; the program prints `base::value()` plus one.
pub fn chain<'a>(space: &'a TestSpace, dir: &str) -> Project<'a> {
    let project = space.project(dir);
    project
        .write("Cargo.toml", workspace(&["base", "middle", "app"]))
        .write("base/Cargo.toml", manifest("base", ""))
        .write("base/src/lib.rs", "pub fn value() -> i32 { 3 }\n")
        .write("middle/Cargo.toml", manifest("middle", "base = { path = \"../base\" }\n"))
        .write("middle/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    println!(\"cargo::rustc-env=PLUS=1\");\n}\n")
        .write("middle/src/lib.rs", "pub fn value() -> i32 { base::value() + env!(\"PLUS\").parse::<i32>().unwrap() }\n")
        .write("app/Cargo.toml", manifest("app", "middle = { path = \"../middle\" }\n"))
        .write("app/src/main.rs", "fn main() {\n    println!(\"{}\", middle::value());\n}\n");
    project
}

/// Builds from an empty target directory through kiln; what the program prints.
#[track_caller]
pub fn rebuilt(project: &Project<'_>) -> String {
    project.clean().cargo(&["build"]).ok();
    project.prints("debug/app")
}

/// What the program built by plain cargo from an empty target directory prints.
#[track_caller]
pub fn plainly(project: &Project<'_>) -> String {
    project.aside(|project| {
        project.plain(&["build"]).ok();
        project.prints("debug/app")
    })
}

/// Built from an empty target directory through kiln, now: the program prints what plain cargo's prints, which
/// is returned.
#[track_caller]
pub fn right(project: &Project<'_>) -> String {
    let expected = plainly(project);
    assert_eq!(rebuilt(project), expected, "left: built through kiln, right: built by plain cargo");
    expected
}

/// What a target holds, with build scripts where plain cargo has them: not behind kiln's launchers.
pub fn outputs(target: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    behind_launchers(tree::outputs(target))
}

/// The same of files that are read already.
pub fn behind_launchers(mut files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_script = |path: &&PathBuf| path.extension().is_some_and(|it| it == "real");
    let scripts: Vec<PathBuf> = files.keys().filter(is_script).cloned().collect();
    for real in scripts {
        let script = files.remove(&real).unwrap_or_default();
        files.insert(real.with_file_name("build-script-build"), script.clone());
        files.insert(real.with_extension(""), script);
    }
    files
}
