//! Libraries that the loader finds for what a script runs, and where it would look earlier.

use std::fs;
use std::path::{Path, PathBuf};

use kiln_testkit::TestSpace;
use kiln_tests::native;

use super::app::{App, app};

/// A library `lib<name>.so` in a directory, whose `<name>()` is this value.
fn library(directory: &Path, name: &str, value: u32, flags: &[&str]) -> PathBuf {
    fs::create_dir_all(directory).unwrap();
    let source = directory.join(format!("{name}.c"));
    fs::write(&source, format!("int {name}(void) {{ return {value}; }}\n")).unwrap();
    let library = directory.join(format!("lib{name}.so"));
    let named = format!("-Wl,-soname,lib{name}.so");
    let args = ["-shared", "-fPIC", &named, "-o", library.to_str().unwrap(), source.to_str().unwrap()];
    native::gcc(&[&args, flags].concat());
    fs::remove_file(source).unwrap();
    library
}

/// A program that prints a function's value.
fn tool(space: &TestSpace, name: &str, main: &str, flags: &[&str]) -> PathBuf {
    let text = format!("#include <dlfcn.h>\n#include <stdio.h>\nint x(void);\nint main(void) {{ {main} }}\n");
    let source = space.write(format!("tools/{name}.c"), text);
    let program = space.path("tools").join(name);
    native::gcc(&[&["-o", program.to_str().unwrap(), source.to_str().unwrap()], flags].concat());
    program
}

/// The run is found again as it is; then a library appears in each of these directories, and is gone again.
#[track_caller]
fn follows_libraries(app: &App<'_>, name: &str, earlier: &[PathBuf]) {
    let first = app.right();
    app.hits(&first.made);
    for (value, directory) in (2..).zip(earlier) {
        let path = library(directory, name, value, &[]);
        let built = app.build();
        let shown = format!("{} for {}: {:#?}", built.made.prints, directory.display(), built.runs);
        assert!(built.made.prints.contains(&value.to_string()), "{shown}");
        fs::remove_file(path).unwrap();
        app.hits(&first.made);
    }
}

#[test]
fn library_of_a_tool_that_appears_earlier() {
    let space = TestSpace::new();
    let dir = |name: &str| space.path("libs").join(name);
    library(&dir("last"), "x", 1, &[]);
    let last = dir("last").display().to_string();
    for earlier in ["variable", "child", "run", "old"] {
        fs::create_dir_all(dir(earlier)).unwrap();
    }
    let print = "printf(\"%d\", x()); return 0;";
    let linked = |name: &str, flags: &[&str]| {
        let search = format!("-L{last}");
        tool(&space, name, print, &[&[search.as_str(), "-lx"], flags].concat())
    };
    let run = format!("-Wl,--enable-new-dtags,-rpath,{}:{last}", dir("run").display());
    let old = format!("-Wl,--disable-new-dtags,-rpath,{}:{last}", dir("old").display());
    let tools = [linked("by-variable", &[]), linked("by-run", &[&run]), linked("by-old", &[&old])];
    let mut app = app(
        &space,
        &format!(
            "let tools = {tools:?};\nlet plain = said(&mut Command::new(tools[0])) + &said(&mut Command::new(tools[2]));\nlet run = said(Command::new(tools[1]).env_remove(\"LD_LIBRARY_PATH\"));\nlet child = said(Command::new({:?}).env(\"LD_LIBRARY_PATH\", \"{}:{last}\"));\ntell(plain + &run + &child);",
            tools[0],
            dir("child").display(),
        ),
    );
    app.set("LD_LIBRARY_PATH", format!("{}:{last}", dir("variable").display()));
    follows_libraries(&app, "x", &["variable", "child", "run", "old"].map(dir));
}

#[test]
fn library_brought_by_another_that_appears_earlier() {
    let space = TestSpace::new();
    let dir = |name: &str| space.path("libs").join(name);
    library(&dir("last"), "x", 1, &[]);
    fs::create_dir_all(dir("first")).unwrap();
    let search = format!("-L{}", dir("last").display());
    let run = "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../first:$ORIGIN/../last";
    let needed = ["-Wl,--no-as-needed", &search, "-lx", run];
    let plugin = library(&dir("plugins"), "y", 7, &needed);
    let main = format!(
        "void *it = dlopen(\"{}\", RTLD_NOW | RTLD_GLOBAL); if (!it) {{ puts(dlerror()); return 1; }} int (*x)(void) = dlsym(it, \"x\"); printf(\"%d\", x()); return 0;",
        plugin.display()
    );
    let tool = tool(&space, "opener", &main, &["-ldl"]);
    let app = app(&space, &format!("tell(said(&mut Command::new({tool:?})));"));
    follows_libraries(&app, "x", &[dir("first")]);
}

#[test]
fn library_of_the_script_itself_that_appears_earlier() {
    let space = TestSpace::new();
    let dir = |name: &str| space.path("libs").join(name);
    library(&dir("last"), "x", 1, &[]);
    fs::create_dir_all(dir("first")).unwrap();
    let body =
        "#[link(name = \"x\")]\nunsafe extern \"C\" { fn x() -> i32; }\ntell(unsafe { x() }.to_string());";
    let mut app = app(&space, body);
    let last = dir("last").display().to_string();
    app.set("RUSTFLAGS", format!("-L{last}"));
    app.set("LD_LIBRARY_PATH", format!("{}:{last}", dir("first").display()));
    follows_libraries(&app, "x", &[dir("first")]);
}

/// Guards: which library it is then is for the loader to know.
#[test]
fn directory_for_a_kind_of_processor() {
    let space = TestSpace::new();
    let directory = space.path("libs");
    library(&directory, "x", 1, &[]);
    let (search, run) = (format!("-L{}", directory.display()), format!("-Wl,-rpath,{}", directory.display()));
    let tool = tool(&space, "tool", "printf(\"%d\", x()); return 0;", &[&search, "-lx", &run]);
    let app = app(&space, &format!("tell(said(&mut Command::new({tool:?})));"));
    let first = app.right();
    app.hits(&first.made);
    library(&directory.join("glibc-hwcaps/x86-64-v2"), "x", 2, &[]);
    app.right();
    assert_eq!(app.right().outcomes("hit"), 0, "nobody can tell what the loader would find");
}
