//! C that a script compiles, through kiln and past it.

use std::fs;
use std::os::unix::fs::symlink;

use kiln_testkit::TestSpace;
use kiln_tests::native;

use super::app::{App, app, follows, follows_at_least, never_kept};

pub const CC: &str = r#"
    let (object, library) = (out().join("x.o"), out().join("libx.a"));
    succeeds(Command::new("cc").args(["-c", "c/x.c", "-Ic/first", "-Ic/second", "-o"]).arg(&object));
    succeeds(Command::new("ar").arg("crs").arg(&library).arg(&object));
    println!("cargo:rustc-link-search=native={}", out().display());
    println!("cargo:rustc-link-lib=static=x");"#;

pub const CALLS_C: &str = "extern \"C\" {\n    fn value() -> i32;\n}\n\nfn main() {\n    println!(\"{}\", unsafe { value() });\n}\n";

pub fn c_app<'a>(space: &'a TestSpace, script: &str) -> App<'a> {
    let app = app(space, script);
    app.project
        .write("src/main.rs", CALLS_C)
        .write("c/x.c", "#include \"x.h\"\nint value(void) { return VALUE; }\n")
        .write("c/second/x.h", "#define VALUE 1\n");
    fs::create_dir_all(app.project.path("c/first")).unwrap();
    app
}

#[test]
fn header_that_changes() {
    let space = TestSpace::new();
    let mut app = c_app(&space, CC);
    let header = |app: &App<'_>, value: u32| {
        app.project.write("c/second/x.h", format!("#define VALUE {value}\n"));
    };
    follows(&mut app, |app| header(app, 2), |app| header(app, 1));
}

#[test]
fn header_that_shadows_another() {
    let space = TestSpace::new();
    let mut app = c_app(&space, CC);
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
}

#[test]
fn headers_without_kiln_in_front_of_cc() {
    let space = TestSpace::new();
    let mut app = c_app(&space, CC);
    app.set("KILN_WIRE_C", "false");
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
    app.unset("KILN_WIRE_C");
    app.right();
}

/// Guards: gcc by its path is not kiln's link.
#[test]
fn headers_with_gcc_by_its_path() {
    let space = TestSpace::new();
    let mut app = c_app(&space, &CC.replace("\"cc\"", "\"/usr/bin/gcc\""));
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
}

#[test]
fn header_in_a_directory_from_a_variable() {
    header_in_a_directory_from_a_variable_by("cc");
}

#[test]
fn header_in_a_directory_from_a_variable_with_gcc_by_its_path() {
    header_in_a_directory_from_a_variable_by("/usr/bin/gcc");
}

#[track_caller]
fn header_in_a_directory_from_a_variable_by(compiler: &str) {
    let space = TestSpace::new();
    let mut app = c_app(&space, &CC.replace("\"cc\"", &format!("{compiler:?}")));
    space.write("cpath/x.h", "#define VALUE 3\n");
    app.project.rename("c/second/x.h", "c/third/x.h");
    app.set("CPATH", app.project.path("c/third"));
    follows(
        &mut app,
        |app| app.set("CPATH", space.path("cpath")),
        |app| app.set("CPATH", app.project.path("c/third")),
    );
}

/// Guards: what counts for nothing where C is compiled counts where it is linked.
#[test]
fn library_in_a_directory_from_a_variable() {
    library_in_a_directory_from_a_variable_by("cc");
}

#[test]
fn library_in_a_directory_from_a_variable_with_gcc_by_its_path() {
    library_in_a_directory_from_a_variable_by("/usr/bin/gcc");
}

#[track_caller]
fn library_in_a_directory_from_a_variable_by(compiler: &str) {
    let space = TestSpace::new();
    for (directory, value) in [("one", 1), ("two", 2)] {
        space.write(format!("{directory}/libx.a"), native::archive(&space, "value", value));
    }
    let body = "fs::write(out().join(\"m.c\"), \"int value(void); int main(void) { return value(); }\").unwrap();\nlet program = out().join(\"program\");\nsucceeds(Command::new(CC).arg(out().join(\"m.c\")).arg(\"-o\").arg(&program).arg(\"-lx\"));\ntell(\"linked\"); // what runs an unknown program hangs on all variables";
    let mut app = app(&space, &body.replace("CC", &format!("{compiler:?}")));
    app.set("LIBRARY_PATH", space.path("one"));
    follows_at_least(
        &mut app,
        |app| app.set("LIBRARY_PATH", space.path("two")),
        |app| app.set("LIBRARY_PATH", space.path("one")),
    );
}

/// Guards: debug information has the directory as PWD spells it.
#[test]
fn directory_by_another_name_in_debug_information() {
    directory_by_another_name_in_debug_information_by("cc");
}

#[test]
fn directory_by_another_name_in_debug_information_with_gcc_by_its_path() {
    directory_by_another_name_in_debug_information_by("/usr/bin/gcc");
}

#[track_caller]
fn directory_by_another_name_in_debug_information_by(compiler: &str) {
    let space = TestSpace::new();
    let script = CC.replace("\"-c\", ", "\"-g\", \"-c\", ").replace("\"cc\"", &format!("{compiler:?}"));
    let mut app = c_app(&space, &script);
    symlink(app.project.dir(), space.path("by-another-name")).unwrap();
    app.set("PWD", space.path("app"));
    follows_at_least(
        &mut app,
        |app| app.set("PWD", space.path("by-another-name")),
        |app| app.set("PWD", space.path("app")),
    );
}

#[test]
fn compile_in_another_directory() {
    let space = TestSpace::new();
    let script = CC
        .replace("\"c/x.c\", \"-Ic/first\", \"-Ic/second\"", "\"x.c\", \"-Ifirst\", \"-Isecond\"")
        .replace("Command::new(\"cc\")", "Command::new(\"cc\").current_dir(\"c\")");
    let mut app = c_app(&space, &script);
    follows(&mut app, |app| app.write("c/first/x.h", "#define VALUE 2\n"), |app| app.remove("c/first/x.h"));
}

#[test]
fn header_that_the_script_makes() {
    let space = TestSpace::new();
    let made = "fs::create_dir(out().join(\"inc\")).unwrap();\nfs::write(out().join(\"inc/x.h\"), fs::read(\"c/value.txt\").unwrap()).unwrap();\n";
    let script = format!("{made}{}", CC.replace(".args([", ".arg(\"-I\").arg(out().join(\"inc\")).args(["));
    let mut app = c_app(&space, &script);
    app.project.remove("c/second/x.h").write("c/value.txt", "#define VALUE 1\n");
    follows(
        &mut app,
        |app| app.write("c/value.txt", "#define VALUE 2\n"),
        |app| app.write("c/value.txt", "#define VALUE 1\n"),
    );
}

/// Guards: what is compiled comes through a pipe, and is the script's doing.
#[test]
fn source_through_a_pipe() {
    let space = TestSpace::new();
    let script = CC.replace(
        "succeeds(Command::new(\"cc\").args([\"-c\", \"c/x.c\",",
        "let source = fs::read_to_string(\"c/x.c\").unwrap();\nlet mut cc = Command::new(\"cc\");\ncc.args([\"-xc\", \"-c\", \"-\",",
    );
    let script = script.replace(
        ".arg(&object));\n    succeeds",
        ".arg(&object).stdin(Stdio::piped());\nlet mut child = cc.spawn().unwrap();\nchild.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();\nassert!(child.wait().unwrap().success());\n    succeeds",
    );
    let mut app = c_app(&space, &script);
    follows(
        &mut app,
        |app| app.write("c/x.c", "int value(void) { return 7; }\n"),
        |app| app.write("c/x.c", "#include \"x.h\"\nint value(void) { return VALUE; }\n"),
    );
    follows(
        &mut app,
        |app| app.write("c/second/x.h", "#define VALUE 2\n"),
        |app| app.write("c/second/x.h", "#define VALUE 1\n"),
    );
}

/// Guards: the date is no file, however cc is reached.
#[test]
fn source_with_the_time_in_it() {
    for compiler in ["cc", "/usr/bin/gcc"] {
        let space = TestSpace::new();
        let app = c_app(&space, &CC.replace("\"cc\"", &format!("{compiler:?}")));
        app.project.write("c/x.c", "int value(void) { return __TIME__[0] == 'x'; }\n");
        never_kept(&app, false);
    }
}

/// What the cc crate does: flags that a compiler does not know are left out.
#[test]
fn flag_that_is_tried_out() {
    let space = TestSpace::new();
    let body = r#"
    let flags = fs::read_to_string("flags").unwrap();
    let mut known = String::new();
    for flag in flags.lines() {
        fs::write(out().join("flag_check.c"), "int main(void) { return 0; }").unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-O0", "-ffunction-sections", flag, "-o"]).arg(out().join("flag_check")).arg("-c").arg(out().join("flag_check.c"));
        let output = cc.output().unwrap();
        known.push_str(&format!("{flag}: {} {}\n", output.status.success(), String::from_utf8_lossy(&output.stderr).contains("unrecognized")));
    }
    tell(known);"#;
    let mut app = app(&space, body);
    let flags = |app: &App<'_>, text: &str| app.write("flags", text);
    flags(&app, "-Wall\n-fno-such-flag-at-all\n");
    let first = app.right();
    assert!(
        first.made.prints.contains("-Wall: true") && first.made.prints.contains("flag-at-all: false"),
        "{first:?}"
    );
    follows(&mut app, |app| flags(app, "-Wextra\n"), |app| flags(app, "-Wall\n-fno-such-flag-at-all\n"));
}

/// A compile that fails once, and whose header then appears.
#[test]
fn compile_that_fails_until_a_header_is_there() {
    for compiler in ["cc", "/usr/bin/gcc"] {
        let space = TestSpace::new();
        let body = "let works = Command::new(CC).args([\"-c\", \"c/x.c\", \"-Ic/first\", \"-o\"]).arg(out().join(\"x.o\")).stderr(Stdio::null()).status().unwrap().success();\nlet _ = fs::remove_file(out().join(\"x.o\"));\ntell(format!(\"{works}\"));";
        let mut app = app(&space, &body.replace("CC", &format!("{compiler:?}")));
        fs::create_dir_all(app.project.path("c/first")).unwrap();
        app.project.write("c/x.c", "#include \"x.h\"\n");
        follows(&mut app, |app| app.write("c/first/x.h", ""), |app| app.remove("c/first/x.h"));
    }
}

/// Guards: what kiln keeps of the nested compile must not hide that it was asked for in another record.
#[test]
fn nested_compile_that_is_a_hit_itself() {
    let space = TestSpace::new();
    let mut app = c_app(&space, &format!("let _ = fs::read(\"unrelated\");\n{CC}"));
    app.project.write("unrelated", "one");
    app.right();
    app.project.write("unrelated", "two"); // the run is a miss, its compile a hit
    follows(
        &mut app,
        |app| app.write("c/second/x.h", "#define VALUE 2\n"),
        |app| app.write("c/second/x.h", "#define VALUE 1\n"),
    );
}

/// Guards: cc links a program for the script, which runs it.
#[test]
fn program_that_the_script_makes_and_runs() {
    let space = TestSpace::new();
    let body = "let program = out().join(\"generate\");\nsucceeds(Command::new(\"cc\").arg(\"c/generate.c\").arg(\"-o\").arg(&program));\ntell(said(&mut Command::new(&program)));\nfs::remove_file(&program).unwrap();";
    let mut app = app(&space, body);
    let write = |app: &App<'_>, text: &str| {
        let source = format!("#include <stdio.h>\nint main(void) {{ puts({text:?}); return 0; }}\n");
        app.project.write("c/generate.c", source);
    };
    write(&app, "one");
    follows_at_least(&mut app, |app| write(app, "two"), |app| write(app, "one"));
}
