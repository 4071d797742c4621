//! Files: content, permissions, absence, listings, links, and the script itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use kiln_testkit::TestSpace;

use super::app::{App, MANIFEST, PRELUDE, app, executable, follows, follows_at_least};

/// The answer about a file outside follows its content.
#[track_caller]
fn follows_content(body: &str) {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
    follows(&mut app, |_| fs::write(&file, "other").unwrap(), |_| fs::write(&file, "one").unwrap());
}

#[test]
fn content_of_a_file() {
    follows_content("tell(fs::read(FILE).unwrap());");
}

#[test]
fn content_of_a_file_in_the_package() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(fs::read(\"data/file\").unwrap());");
    app.project.write("data/file", "one");
    follows(&mut app, |app| app.write("data/file", "two"), |app| app.write("data/file", "one"));
}

#[test]
fn content_of_a_file_after_a_change_of_directory() {
    let space = TestSpace::new();
    let mut app = app(&space, "env::set_current_dir(\"data\").unwrap();\ntell(fs::read(\"file\").unwrap());");
    app.project.write("data/file", "one");
    follows(&mut app, |app| app.write("data/file", "two"), |app| app.write("data/file", "one"));
}

#[test]
fn content_of_a_file_read_in_a_thread() {
    follows_content(
        "let seen = std::thread::spawn(|| fs::read(FILE).unwrap()).join().unwrap();\ntell(seen);",
    );
}

#[test]
fn content_through_cat() {
    follows_content("tell(said(Command::new(\"cat\").arg(FILE)));");
}

/// Guards: a child started without the environment loses the recorder with LD_PRELOAD.
#[test]
fn content_through_cat_with_an_empty_environment() {
    follows_content("tell(said(Command::new(\"/bin/cat\").arg(FILE).env_clear()));");
}

#[test]
fn content_through_a_shell() {
    follows_content("tell(said(Command::new(\"sh\").args([\"-c\", &format!(\"cat < {}\", FILE)])));");
}

#[test]
fn shell_script_of_the_package() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(said(&mut Command::new(\"./tools/generate.sh\")));");
    let script = app.project.path("tools/generate.sh");
    let write = |text: &str| {
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        fs::write(&script, text).unwrap();
        executable(&script, true);
    };
    write("#!/bin/sh\necho one\nif test -e more; then echo more; fi\n");
    follows(
        &mut app,
        |_| write("#!/bin/sh\necho two\nif test -e more; then echo more; fi\n"),
        |_| write("#!/bin/sh\necho one\nif test -e more; then echo more; fi\n"),
    );
    follows(&mut app, |app| app.write("more", ""), |app| app.remove("more"));
}

#[test]
fn copied_file() {
    follows_content("fs::copy(FILE, out().join(\"copied\")).unwrap();\ntell(\"copied\");");
    follows_content(
        "let mut from = fs::File::open(FILE).unwrap();\nio::copy(&mut from, &mut fs::File::create(out().join(\"copied\")).unwrap()).unwrap();\ntell(\"copied\");",
    );
}

#[test]
fn file_copied_by_cp() {
    follows_content(
        "succeeds(Command::new(\"cp\").arg(FILE).arg(out().join(\"copied\")));\ntell(\"copied\");",
    );
}

/// The answer about a file outside follows whether it may be run.
#[track_caller]
fn follows_permissions(body: &str) {
    let space = TestSpace::new();
    let file = space.write("outside/file", "#!/bin/sh\n");
    let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
    follows_at_least(&mut app, |_| executable(&file, true), |_| executable(&file, false));
}

/// Guards: `fs::copy` takes the permissions along, and asks for them through the open file.
#[test]
fn permissions_of_a_copied_file() {
    follows_permissions("fs::copy(FILE, out().join(\"copied\")).unwrap();\ntell(\"copied\");");
}

#[test]
fn permissions_of_a_file_copied_by_cp() {
    follows_permissions(
        "succeeds(Command::new(\"cp\").arg(FILE).arg(out().join(\"copied\")));\ntell(\"copied\");",
    );
}

/// Guards: the same, where the script itself asks the open file.
#[test]
fn permissions_asked_of_an_open_file() {
    follows_permissions(
        "let file = fs::File::open(FILE).unwrap();\ntell(format!(\"{:o}\", file.metadata().unwrap().permissions().mode()));",
    );
}

#[test]
fn permissions_and_size_of_a_file() {
    let space = TestSpace::new();
    let file = space.write("outside/file", "one");
    let mut app = app(
        &space,
        &format!(
            "let meta = fs::metadata({file:?}).unwrap();\ntell(format!(\"{{:o}} {{}}\", meta.permissions().mode(), meta.len()));"
        ),
    );
    follows(&mut app, |_| executable(&file, true), |_| executable(&file, false));
    follows_at_least(&mut app, |_| fs::write(&file, "longer").unwrap(), |_| fs::write(&file, "one").unwrap());
}

#[test]
fn absent_file_that_appears() {
    for body in [
        "tell(format!(\"{}\", Path::new(FILE).exists()));",
        "tell(format!(\"{:?}\", fs::read(FILE).ok()));",
        "tell(format!(\"{:?}\", Path::new(FILE).is_dir() || fs::symlink_metadata(FILE).is_ok()));",
    ] {
        let space = TestSpace::new();
        let file = space.path("file-to-come");
        let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
        follows(&mut app, |_| fs::write(&file, "there").unwrap(), |_| fs::remove_file(&file).unwrap());
    }
}

#[test]
fn absent_file_that_a_shell_tests_for() {
    let space = TestSpace::new();
    let file = space.path("file-to-come");
    let body =
        "tell(said(Command::new(\"sh\").args([\"-c\", &format!(\"test -e {} && echo there\", FILE)])));";
    let mut app = app(&space, &body.replace("FILE", &format!("{:?}", file)));
    follows(&mut app, |_| fs::write(&file, "there").unwrap(), |_| fs::remove_file(&file).unwrap());
}

#[test]
fn listing_of_a_directory() {
    let space = TestSpace::new();
    space.write("outside/dir/a", "a");
    let directory = space.path("outside/dir");
    let body = format!(
        "let mut names: Vec<_> = fs::read_dir({directory:?}).unwrap().map(|entry| entry.unwrap().file_name()).collect();\nnames.sort();\ntell(format!(\"{{names:?}}\"));"
    );
    let mut app = app(&space, &body);
    let new = directory.join("b");
    follows(&mut app, |_| fs::write(&new, "b").unwrap(), |_| fs::remove_file(&new).unwrap());
    follows(&mut app, |_| fs::create_dir(&new).unwrap(), |_| fs::remove_dir(&new).unwrap());
}

/// Guards: what a script that walks its package sees of `target`, of Cargo.lock and of itself.
#[test]
fn walk_of_the_package() {
    let space = TestSpace::new();
    let body = "let mut names: Vec<_> = fs::read_dir(\".\").unwrap().map(|entry| entry.unwrap().file_name()).collect();\nnames.sort();\ntell(format!(\"{names:?}\"));";
    let mut app = app(&space, body);
    app.plainly(); // makes Cargo.lock
    follows(&mut app, |app| app.write("new", ""), |app| app.remove("new"));
}

#[test]
fn symlink_aimed_elsewhere() {
    for body in [
        "tell(fs::read(LINK).unwrap());",
        "tell(fs::read_link(LINK).unwrap().as_os_str().as_encoded_bytes());",
        "tell(fs::canonicalize(LINK).unwrap().as_os_str().as_encoded_bytes());",
    ] {
        let space = TestSpace::new();
        let (one, two) = (space.write("outside/one", "1"), space.write("outside/two", "2"));
        let link = space.path("outside/link");
        symlink(&one, &link).unwrap();
        let mut app = app(&space, &body.replace("LINK", &format!("{:?}", link)));
        let aim = |at: &Path| fs::remove_file(&link).and_then(|()| symlink(at, &link)).unwrap();
        follows(&mut app, |_| aim(&two), |_| aim(&one));
    }
}

#[test]
fn script_itself_and_what_it_depends_on() {
    let space = TestSpace::new();
    let mut app = app(&space, "tell(helper::value());");
    let manifest = format!("{MANIFEST}\n[build-dependencies]\nhelper = {{ path = \"helper\" }}\n");
    let helper = MANIFEST.replace("app", "helper");
    app.project.write("Cargo.toml", manifest).write("helper/Cargo.toml", helper);
    let value = |app: &App<'_>, value: &str| {
        app.project
            .write("helper/src/lib.rs", format!("pub fn value() -> &'static str {{\n    {value:?}\n}}\n"));
    };
    value(&app, "one");
    follows(&mut app, |app| value(app, "two"), |app| value(app, "one"));
    follows(&mut app, |app| app.script("tell(\"itself\");"), |app| app.script("tell(helper::value());"));
}

#[test]
fn script_by_another_name() {
    for name in ["other.rs", "scripts/my-build.rs", "src/build/mod.rs"] {
        let space = TestSpace::new();
        let mut app = app(&space, "");
        app.project.remove("build.rs");
        app.project.write("Cargo.toml", format!("{MANIFEST}build = {name:?}\n"));
        app.project
            .write(name, format!("{PRELUDE}tell(fs::read(\"data\").unwrap());\n}}\n"))
            .write("data", "one");
        follows(&mut app, |app| app.write("data", "two"), |app| app.write("data", "one"));
    }
}
