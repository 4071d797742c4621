//! Which compiler it is counts by its content: drivers, their parts, their libraries, scripts in front of them.
//!
//! Guards: a compiler that is upgraded in place, one that is found elsewhere today, and programs that cannot be watched.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use kiln_testkit::{TestSpace, binary, deaf_loader, run};
use kiln_tests::c::{Did, Site, has};

const OBJECT: [&str; 4] = ["-c", "a.c", "-o", "a.o"];
const VALUED: &str = "#ifndef VALUE\n#define VALUE 0\n#endif\nint v(void) { return VALUE; }\n";

fn site(space: &TestSpace) -> Site<'_> {
    let site = Site::new(space, "ws");
    site.write("a.c", VALUED);
    site
}

/// Where a program really is.
fn real(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    let found =
        std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file());
    fs::canonicalize(found.unwrap_or_else(|| panic!("no {program}"))).expect("a real path")
}

/// Says where gcc keeps a part of itself.
fn part(site: &Site<'_>, name: &str) -> PathBuf {
    let output = site.bare("gcc", &[format!("-print-prog-name={name}")]).ok().out();
    PathBuf::from(output.trim())
}

/// A gcc of its own below the space: driver and compiler proper are copies, where gcc looks for them by its own place.
fn own_gcc(site: &Site<'_>) -> Option<(String, PathBuf)> {
    let proper = part(site, "cc1");
    let version = proper.parent()?;
    let triple = version.parent()?.file_name()?;
    let library = site.space().path("tree/usr/lib/gcc").join(triple).join(version.file_name()?);
    fs::create_dir_all(&library).ok()?;
    fs::create_dir_all(site.space().path("tree/usr/bin")).ok()?;
    fs::copy(proper, library.join("cc1")).ok()?;
    let driver = site.space().path("tree/usr/bin/gcc");
    fs::copy(real("gcc"), &driver).ok()?;
    let driver = driver.to_str()?.to_owned();
    let used = site.bare(&driver, &["-print-prog-name=cc1"]).out();
    if Path::new(used.trim()).canonicalize().ok()? != library.join("cc1").canonicalize().ok()? {
        eprintln!("SKIPPED: a copied gcc does not find its own parts ({used})");
        return None;
    }
    Some((driver, library))
}

fn append(path: &Path) {
    OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(b"\0")).expect("append");
}

#[test]
fn compiler_is_upgraded_in_place() {
    let space = TestSpace::new();
    let site = site(&space);
    let Some((gcc, library)) = own_gcc(&site) else { return };
    site.is_cached(&gcc, &OBJECT);
    append(Path::new(&gcc));
    site.notices(&gcc, &OBJECT);
    append(&library.join("cc1"));
    site.notices(&gcc, &OBJECT);
    // rules for the driver that were not there
    let specs = site.bare(&gcc, &["-dumpspecs"]).ok().out();
    fs::write(library.join("specs"), specs.replace("*cc1:\n", "*cc1:\n-DVALUE=5 ")).unwrap();
    site.notices(&gcc, &OBJECT);
    fs::remove_file(library.join("specs")).unwrap();
    site.hits(&gcc, &OBJECT);
    // an assembler nearer than the system's
    let nearer = library.join("as");
    fs::copy(real("as"), &nearer).unwrap();
    site.notices(&gcc, &OBJECT);
    append(&nearer);
    site.notices(&gcc, &OBJECT);
    fs::remove_file(nearer).unwrap();
    site.hits(&gcc, &OBJECT);
    // a compiler proper that is a script
    fs::rename(library.join("cc1"), library.join("cc1.real")).unwrap();
    let script = format!("#!/bin/sh\nexec {} \"$@\" -DVALUE=6\n", library.join("cc1.real").display());
    fs::write(library.join("cc1"), script).unwrap();
    fs::set_permissions(library.join("cc1"), fs::Permissions::from_mode(0o755)).unwrap();
    site.notices(&gcc, &OBJECT);
}

#[test]
fn parts_are_found_elsewhere() {
    let space = TestSpace::new();
    let site = site(&space);
    fs::create_dir(space.path("parts")).unwrap();
    let parts = space.path("parts").to_str().unwrap().to_owned();
    let with = [&OBJECT[..], &["-B", &parts]].concat();
    site.is_cached("gcc", &with);
    fs::copy(real("as"), space.path("parts/as")).unwrap();
    site.notices("gcc", &with);
    append(&space.path("parts/as"));
    site.notices("gcc", &with);
    fs::remove_file(space.path("parts/as")).unwrap();
    site.hits("gcc", &with);
    let variable = site.with("COMPILER_PATH", &parts);
    variable.is_cached("gcc", &OBJECT);
    fs::copy(real("as"), space.path("parts/as")).unwrap();
    append(&space.path("parts/as"));
    variable.notices("gcc", &OBJECT);
}

#[test]
fn rules_for_the_driver_are_an_input() {
    let space = TestSpace::new();
    let site = site(&space);
    let args = [&OBJECT[..], &["-specs=own.specs"]].concat();
    site.write("own.specs", "*cc1:\n+ -DVALUE=1\n\n").compile("gcc", &args);
    site.compile("gcc", &args);
    site.write("own.specs", "*cc1:\n+ -DVALUE=2\n\n").notices("gcc", &args);
}

#[test]
fn another_compiler_comes_first_on_the_path() {
    let space = TestSpace::new();
    let site = site(&space);
    let gcc = real("gcc");
    let script = |value: u8| format!("#!/bin/sh\nexec {} -DVALUE={value} \"$@\"\n", gcc.display());
    space.script("one/gcc", &script(1));
    space.script("two/gcc", &script(2));
    let path = std::env::var("PATH").unwrap();
    let with = |first: &str| site.with("PATH", format!("{}:{path}", space.path(first).display()));
    for _ in 0..2 {
        site.compile("gcc", &OBJECT);
        with("one").compile("gcc", &OBJECT);
        with("two").compile("gcc", &OBJECT);
        with("none").compile("gcc", &OBJECT);
    }
}

#[test]
fn scripts_in_front_of_a_compiler() {
    let space = TestSpace::new();
    let site = site(&space);
    let gcc = real("gcc");
    space.script("bin/gcc", &format!("#!/bin/sh\nexec {} -DVALUE=1 \"$@\"\n", gcc.display()));
    let script = space.path("bin/gcc").to_str().unwrap().to_owned();
    site.compile(&script, &OBJECT);
    site.compile(&script, &OBJECT);
    space.script("bin/gcc", &format!("#!/bin/sh\nexec {} -DVALUE=2 \"$@\"\n", gcc.display()));
    site.notices(&script, &OBJECT);
    space.script("bin/gcc", &format!("#!/bin/sh\nexec {} -DVALUE=$OF \"$@\"\n", gcc.display()));
    for value in ["1", "2", "1"] {
        site.with("OF", value).compile(&script, &OBJECT);
    }
    let reads = format!(
        "#!/bin/sh\nread value < {}\nexec {} -DVALUE=$value \"$@\"\n",
        space.path("value").display(),
        gcc.display()
    );
    space.script("bin/gcc", &reads);
    for value in ["1", "2", "2", "1"] {
        space.write("value", format!("{value}\n"));
        site.compile(&script, &OBJECT);
    }
    let counts =
        format!("#!/bin/sh\necho x >> {}\nexec {} \"$@\"\n", space.path("counted").display(), gcc.display());
    space.script("bin/gcc", &counts);
    for calls in 1..=3 {
        site.through(&script, &OBJECT).0.ok();
        let counted = fs::read_to_string(space.path("counted")).unwrap();
        assert_eq!(counted.lines().count(), calls, "what a script does beside compiling is never left out");
    }
}

/// A program in front of the compiler that says `-DVALUE=` what is in a file; `None` where it cannot be linked in this way.
fn front(space: &TestSpace, flags: &[&str]) -> Option<String> {
    let source = format!(
        "#include <unistd.h>\n#include <stdio.h>\nint main(int n, char **v) {{ char d[99] = \"-DVALUE=\"; char *a[99] = {{ \"gcc\", d }};\n\
         FILE *f = fopen(\"{}\", \"r\"); fscanf(f, \"%80s\", d + 8);\n\
         for (int i = 1; i < n && i < 90; i++) a[i + 1] = v[i]; return execv(\"{}\", a); }}\n",
        space.path("value").display(),
        real("gcc").display()
    );
    let (source, program) = (space.write("home/front.c", source), space.path("bin/gcc"));
    fs::create_dir_all(space.path("bin")).unwrap();
    let mut build = space.command("gcc");
    if !run(build.args(flags).args(["-w", "-o"]).args([&program, &source])).success() {
        eprintln!("SKIPPED: nothing can be linked with {flags:?} here");
        return None;
    }
    Some(program.to_str().unwrap().to_owned())
}

/// Programs that cannot be watched: nothing is cached, by name.
#[test]
fn compiler_is_static_or_of_another_machine() {
    for flag in ["-static", "-m32"] {
        let space = TestSpace::new();
        let site = site(&space);
        let Some(program) = front(&space, &[flag]) else { continue };
        for value in ["1", "2"] {
            space.write("value", format!("{value}\n"));
            site.is_not_cached(&program, &OBJECT, &format!("unrecorded {program} cannot be traced"));
        }
    }
}

/// The compiler that the front becomes is watched, and reports in the front's place.
#[test]
fn compiler_has_a_loader_that_preloads_nothing() {
    let space = TestSpace::new();
    let site = site(&space);
    let Some(loader) = deaf_loader(&space.path("home")) else {
        eprintln!("SKIPPED: no loader can be made deaf here");
        return;
    };
    let Some(program) = front(&space, &[&format!("-Wl,--dynamic-linker={}", loader.display())]) else {
        return;
    };
    for value in ["1", "2"] {
        space.write("value", format!("{value}\n"));
        site.is_not_cached(
            &program,
            &OBJECT,
            &format!("unrecorded {program} was started and never loaded the recorder"),
        );
    }
}

/// One that does is watched like the system's.
#[test]
fn compiler_has_a_loader_of_its_own() {
    let space = TestSpace::new();
    let site = site(&space);
    let loader = space.path("home/own-ld.so");
    if fs::copy("/lib64/ld-linux-x86-64.so.2", &loader).is_err() {
        eprintln!("SKIPPED: there is no loader of that name here");
        return;
    }
    let Some(program) = front(&space, &[&format!("-Wl,--dynamic-linker={}", loader.display())]) else {
        return;
    };
    for value in ["1", "2"] {
        space.write("value", format!("{value}\n"));
        site.notices(&program, &OBJECT);
    }
}

/// The loader leaves a preloaded object out of programs that change their user.
#[test]
fn compiler_is_of_another_user() {
    let space = TestSpace::new();
    let site = site(&space);
    let front = format!(
        "#include <unistd.h>\nint main(int n, char **v) {{ v[0] = \"gcc\"; return execv(\"{}\", v); }}\n",
        real("gcc").display()
    );
    space.write("home/front.c", front);
    fs::create_dir(space.path("bin")).unwrap();
    let program = space.path("bin/gcc").to_str().unwrap().to_owned();
    let source = space.path("home/front.c");
    run(space.command("gcc").args(["-w", "-o", &program, source.to_str().unwrap()])).ok();
    if !run(space.command("chown").args(["nobody", &program])).success() {
        eprintln!("SKIPPED: not root");
        return;
    }
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    for directory in [space.root().to_owned(), site.path(""), space.path("tmp"), space.path("bin")] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
    }
    site.write("value.h", "#define VALUE 1\n");
    let args = [&OBJECT[..], &["-include", "value.h"]].concat();
    for value in 1..4 {
        site.write("value.h", format!("#define VALUE {value}\n"));
        site.is_not_cached(&program, &args, &format!("unrecorded {program} cannot be traced"));
    }
}

/// A library that the compiler would be given instead of its own.
#[test]
fn libraries_are_found_elsewhere() {
    let space = TestSpace::new();
    let site = site(&space);
    let proper = part(&site, "cc1");
    let output = run(space.command("ldd").arg(&proper)).out();
    let library = output.lines().find_map(|line| {
        let path = line.split("=> ").nth(1)?.split(' ').next()?;
        line.contains("libisl").then(|| PathBuf::from(path))
    });
    let Some(library) = library else {
        eprintln!("SKIPPED: gcc has no libisl here");
        return;
    };
    let name = library.file_name().unwrap().to_owned();
    fs::create_dir_all(space.path("lib")).unwrap();
    let site = site.with("LD_LIBRARY_PATH", space.path("lib"));
    site.compile("gcc", &OBJECT);
    site.compile("gcc", &OBJECT);
    fs::copy(&library, space.path("lib").join(&name)).unwrap();
    append(&space.path("lib").join(&name));
    site.notices("gcc", &OBJECT);
    append(&space.path("lib").join(&name));
    site.notices("gcc", &OBJECT);
    // a broken one, so that a hit would show
    fs::write(space.path("lib").join(&name), "no library").unwrap();
    assert!(site.compile("gcc", &OBJECT) != Did::Hit);
    fs::remove_file(space.path("lib").join(&name)).unwrap();
    site.compile("gcc", &OBJECT);
    for below in ["glibc-hwcaps/x86-64-v2", "tls", "x86_64"] {
        let directory = space.path("lib").join(below);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(&name), "no library").unwrap();
        site.compile("gcc", &OBJECT);
        fs::remove_dir_all(directory).unwrap();
    }
}

#[test]
fn preloaded_objects_count() {
    let space = TestSpace::new();
    let site = site(&space);
    let object = |value: &str| {
        let text = format!(
            "#include <stdlib.h>\n__attribute__((constructor)) static void f(void) {{ setenv(\"CPATH\", \"{value}\", 1); }}\n"
        );
        let source = space.write("home/p.c", text);
        let args = ["-shared", "-fPIC", "-o", space.path("p.so").to_str().unwrap(), source.to_str().unwrap()]
            .map(str::to_owned);
        run(space.command("gcc").args(args)).ok();
    };
    site.write("a.c", "#include <value.h>\nint v = VALUE;\n");
    site.write("one/value.h", "#define VALUE 1\n").write("two/value.h", "#define VALUE 2\n");
    let site = site.with("LD_PRELOAD", space.path("p.so"));
    for value in ["one", "two", "one"] {
        object(value);
        site.compile("gcc", &OBJECT);
        site.compile("gcc", &OBJECT);
    }
}

#[test]
fn compilers_by_other_names() {
    let space = TestSpace::new();
    let site = site(&space);
    fs::create_dir(space.path("bin")).unwrap();
    for name in ["gcc-12", "x86_64-linux-gnu-gcc", "cc", "gcc", "c99", "my-tool"] {
        symlink(real("gcc"), space.path("bin").join(name)).unwrap();
        let path = space.path("bin").join(name).to_str().unwrap().to_owned();
        site.compile(&path, &OBJECT);
        site.compile(&path, &OBJECT);
    }
    symlink(space.path("bin/gcc"), site.path("gcc")).unwrap();
    site.is_cached("./gcc", &OBJECT);
    if has("clang") {
        // a link named cc that leads to another family now
        fs::remove_file(space.path("bin/cc")).unwrap();
        symlink(real("clang"), space.path("bin/cc")).unwrap();
        let cc = space.path("bin/cc").to_str().unwrap().to_owned();
        site.compile(&cc, &OBJECT);
        site.compile(&cc, &OBJECT);
        site.compile(&cc, &["-c", "a.c", "-Weverything", "-O2"]);
    }
}

/// One source for two machines: each is cached, and neither is ever served for the other.
#[test]
fn compilers_for_other_machines() {
    const AARCH64: u8 = 183; // EM_AARCH64
    let space = TestSpace::new();
    let site = site(&space);
    let machine = || fs::read(site.path("a.o")).unwrap()[18]; // e_machine
    let cross = "aarch64-linux-gnu-gcc";
    if has(cross) {
        site.is_cached("gcc", &OBJECT);
        assert_ne!(machine(), AARCH64);
        site.is_cached(cross, &OBJECT);
        assert_eq!(machine(), AARCH64);
        site.hits("gcc", &OBJECT);
        assert_ne!(machine(), AARCH64);
        site.hits(cross, &OBJECT);
        let path = real(cross).to_str().unwrap().to_owned();
        site.compile(&path, &OBJECT);
        site.hits(&path, &OBJECT);
        assert_eq!(machine(), AARCH64);
    }
    if has("clang") {
        let there = ["--target=aarch64-linux-gnu", "-c", "a.c", "-o", "a.o"];
        site.is_cached("clang", &OBJECT);
        site.is_cached("clang", &there);
        assert_eq!(machine(), AARCH64);
        site.hits("clang", &OBJECT);
        assert_ne!(machine(), AARCH64);
        site.is_cached("clang", &["-target", "aarch64-linux-gnu", "-c", "a.c", "-o", "a.o"]);
        assert_eq!(machine(), AARCH64);
    }
}

/// Another C library, by a script that Debian puts in front of gcc.
#[test]
fn another_c_library() {
    if !has("musl-gcc") {
        return;
    }
    let space = TestSpace::new();
    let site = site(&space);
    site.write(
        "a.c",
        "#include <limits.h>\n#include <stdio.h>\nint a = PATH_MAX; FILE *f(void) { return stdin; }\n",
    );
    for _ in 0..2 {
        site.compile("gcc", &OBJECT);
        site.compile("musl-gcc", &OBJECT);
    }
}

/// Links named like compilers that lead to kiln: the next on the path is meant, and kiln never calls itself.
#[test]
fn kiln_by_a_compilers_name() {
    let space = TestSpace::new();
    let site = site(&space);
    fs::create_dir(space.path("links")).unwrap();
    for name in ["gcc", "cc", "g++", "nothing-gcc"] {
        symlink(binary::kiln(), space.path("links").join(name)).unwrap();
    }
    let path = format!("{}:{}", space.path("links").display(), std::env::var("PATH").unwrap());
    let call = |program: &str, args: &[&str]| {
        let mut command = space.command(program);
        command.args(args).env("PATH", &path).env("KILN_DIR", space.cache());
        site.observed(&mut command)
    };
    let gcc = space.path("links/gcc").to_str().unwrap().to_owned();
    let expected = {
        site.bare("gcc", &OBJECT).ok();
        fs::read(site.path("a.o")).unwrap()
    };
    assert_eq!(call(&gcc, &OBJECT).1, Did::Miss);
    assert_eq!(call(&gcc, &OBJECT).1, Did::Hit);
    assert_eq!(fs::read(site.path("a.o")).unwrap(), expected);
    let version = call(&gcc, &["--version"]).0.ok().out();
    assert_eq!(version, site.bare("gcc", &["--version"]).out());
    let asked = call(&gcc, &["-print-prog-name=cc1"]).0.ok().out();
    assert_eq!(asked, site.bare("gcc", &["-print-prog-name=cc1"]).out());
    assert_eq!(call(&gcc, &[]).0.status.code(), Some(1));
    let missing = space.path("links/nothing-gcc").to_str().unwrap().to_owned();
    assert_eq!(call(&missing, &OBJECT).0.status.code(), Some(127));
    // kiln in front of kiln
    let mut twice = space.kiln(&["gcc"]);
    twice.args(OBJECT).env("PATH", &path);
    assert_eq!(site.observed(&mut twice).1, Did::Hit);
}
