//! What a C compile writes, and where: after a hit the same files are there as after the compiler, byte for byte.
//!
//! Guards: `-MD` without `-MF` and every other member of that family, side files, names of outputs in outputs, and what is at
//! an output's place already.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use kiln_testkit::TestSpace;
use kiln_tests::c::{Did, Site, compilers, odd_name};

/// A source with two headers in two directories.
fn small<'a>(space: &'a TestSpace, directory: &str) -> Site<'a> {
    let site = Site::new(space, directory);
    site.write("src/a.c", "#include \"a.h\"\n#include <b.h>\nint v(void) { return A + B; }\n")
        .write("src/a.h", "#define A 1\n")
        .write("inc/b.h", "#pragma once\n#define B 2\n")
        .write("out/keep", "");
    site
}

/// Compiles twice; the second time into the emptied place. Must be the compiler's own work both times, and a hit.
#[track_caller]
fn cached(site: &Site<'_>, compiler: &str, args: &[&str]) {
    let before = kiln_tests::c::items(&site.directory);
    site.compile(compiler, args);
    for path in kiln_tests::c::items(&site.directory).keys().filter(|path| !before.contains_key(*path)) {
        kiln_tests::c::remove(path);
    }
    site.hits(compiler, args);
    site.hits(compiler, args); // over what is there
}

/// What is written beside an output is found however the output's directory is called.
#[test]
fn outputs_behind_links_and_detours() {
    let space = TestSpace::new();
    for compiler in compilers() {
        let site = small(&space, &format!("{}/project", compiler.replace('/', "_")));
        site.write("../far/keep", "").link("../far", "link").link("link", "links");
        let both =
            ["-g", "-gsplit-dwarf", "--coverage", "-frandom-seed=1", "-MD", "-Iinc", "-c", "src/a.c", "-o"];
        for output in
            ["../far/x.o", "link/x.o", "links/x.o", "link/../far/y.o", "out/../out/x.o", "../project/x.o"]
        {
            cached(&site, compiler, &[&both[..], &[output]].concat());
        }
        let absolute = site.path("link/z.o").display().to_string();
        cached(&site, compiler, &[&both[..], &[&absolute]].concat());
    }
}

#[test]
fn rules_for_make_in_every_form() {
    let forms: [&[&str]; 22] = [
        &["-MD"],
        &["-MMD"],
        &["-MD", "-MP"],
        &["-MD", "-MF", "deps.mk"],
        &["-MD", "-MFdeps.mk"],
        &["-MMD", "-MF", "out/a.dep", "-MP"],
        &["-MD", "-MT", "target"],
        &["-MD", "-MTone", "-MT", "two", "-MQ", "$(three)"],
        &["-MD", "-MQ", "a b$c"],
        &["-MD", "-o", "out/x.o"],
        &["-MD", "-o", "./out/x.o"],
        &["-MD", "-o", "out//x.o"],
        &["-MD", "-o", "out/../out/x.o"],
        &["-MD", "-oout/x.o"],
        &["-MD", "-o", "out/x"],
        &["-MD", "-o", "out/x.foo.bar"],
        &["-MD", "-MF", "out/y.d", "-o", "out/x.o"],
        &["-MMD", "-MF", "y.d", "-o", "out/z.o", "-MT", "out/x.o"],
        &["-Wp,-MD,out/w.d"],
        &["-Wp,-MMD,out/w.d", "-o", "out/x.o"],
        &["-Wp,-MD,out/w.d", "-MT", "tt"],
        &["-Wp,-MD,out/.a.o.d", "-Wp,-MP"],
    ];
    for compiler in compilers() {
        let space = TestSpace::new();
        for (number, form) in forms.iter().enumerate() {
            let site = small(&space, &format!("ws{number}"));
            let args = [&["-c", "src/a.c", "-Iinc"], *form].concat();
            let before = kiln_tests::c::items(&site.directory);
            let first = site.compile(compiler, &args);
            for path in
                kiln_tests::c::items(&site.directory).keys().filter(|path| !before.contains_key(*path))
            {
                kiln_tests::c::remove(path);
            }
            let second = site.compile(compiler, &args);
            assert!(first != Did::Miss || second == Did::Hit, "{form:?}: {first}, {second}");
            assert!(!matches!(second, Did::Bypass(_)) || form.contains(&"-Wp,-MP"), "{form:?}: {second}");
        }
    }
}

/// One cache for all forms one after another, in one directory: none is served another's rule.
#[test]
fn forms_are_distinguished() {
    let absolute = |site: &Site<'_>, name: &str| site.text(name);
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = small(&space, "ws");
        let root = site.text("");
        let root = root.trim_end_matches('/');
        let name = root.rsplit('/').next().unwrap().to_owned();
        let inputs = [
            "src/a.c".to_owned(),
            "./src/a.c".to_owned(),
            "src//a.c".to_owned(),
            "src/../src/a.c".to_owned(),
            absolute(&site, "src/a.c"),
            format!("{root}//src/a.c"),
            format!("{root}/./src/a.c"),
            format!("/{root}/src/a.c"),
            format!("../{name}/src/a.c"),
            format!("{root}/../{name}/src/a.c"),
        ];
        let directories = [
            "inc".to_owned(),
            "inc/".to_owned(),
            "./inc".to_owned(),
            ".//inc".to_owned(),
            "out/../inc".to_owned(),
            absolute(&site, "inc"),
            format!("{root}//inc"),
            format!("{root}/./inc"),
            format!("{root}/inc/."),
            format!("{}/inc", root.replacen("/", "//", 2)),
            format!("../{name}/inc"),
        ];
        let outputs = ["x.o", "./x.o", ".//x.o", "out/../x.o", "../ws/x.o"]
            .map(str::to_owned)
            .into_iter()
            .chain([absolute(&site, "x.o"), format!("{root}//x.o"), format!("{root}/./x.o")]);
        site.write("src/a.c", "#include \"a.h\"\n#include <b.h>\nconst char *f[] = {__FILE__, HERE};\n");
        site.write("inc/b.h", "#define HERE __FILE__\n#warning seen\n");
        let mut lines: Vec<Vec<String>> = Vec::new();
        for input in &inputs {
            lines.push(vec![input.clone(), "-Iinc".into(), "-o".into(), "x.o".into()]);
        }
        for directory in &directories {
            lines.push(vec!["src/a.c".into(), format!("-I{directory}"), "-o".into(), "x.o".into()]);
        }
        for output in outputs {
            lines.push(vec!["src/a.c".into(), "-Iinc".into(), "-o".into(), output.clone()]);
            lines.push(vec![
                "src/a.c".into(),
                "-Iinc".into(),
                "-o".into(),
                "x.o".into(),
                "-MT".into(),
                output,
            ]);
        }
        for round in 0..2 {
            for line in &lines {
                let args: Vec<&str> =
                    ["-c", "-MD"].into_iter().chain(line.iter().map(String::as_str)).collect();
                let did = site.compile(compiler, &args);
                assert!(round == 0 || did == Did::Hit, "{args:?}: {did}");
            }
        }
    }
}

/// A header that begins like an output, a directory that begins like the project.
#[test]
fn names_that_begin_like_others() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        for directory in ["ws-inc", "ws.inc", "ws+inc", "ws@inc", "wsinc"] {
            site.write(format!("../{directory}/h.h"), "#warning seen\n#define H __FILE__\n");
            site.write("a.c", "#include <h.h>\n#include \"a.h\"\nconst char *h = H;\n").write("a.h", "");
            let include = format!("-I{}", space.path(directory).display());
            let out = [site.text("a"), site.text("b")];
            for _ in 0..2 {
                for out in &out {
                    let source = site.text("a.c");
                    site.compile(compiler, &["-c", &source, &include, "-MD", "-MF", "x.d", "-o", out]);
                }
            }
            let other = site.copy_to("elsewhere");
            let source = other.text("a.c");
            other.compile(compiler, &["-c", &source, &include, "-MD", "-MF", "x.d", "-o", &other.text("a")]);
            kiln_tests::c::remove(&other.directory);
        }
    }
}

#[test]
fn output_in_every_form() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = small(&space, "ws");
        site.link("out", "way");
        for form in [
            &["-o", "out/x.o"][..],
            &["-oout/x.o"],
            &["-o", "x"],
            &["-o", "x."],
            &["-o", "out/x.lo"],
            &["-o", "way/x.o"],
            &["-o", "way/../x.o"],
            &["-o", "out/../x.o"],
            &[],
            &["-S"],
            &["-S", "-o", "out/x.s"],
            &["-E", "-o", "out/x.i"],
            &["-o", "other.h"],
            &["-o", "-x.o"],
            &["-o", "out/a b.o"],
        ] {
            let stage: &[&str] = if form.contains(&"-S") || form.contains(&"-E") { &[] } else { &["-c"] };
            let args = [stage, &["src/a.c", "-Iinc"], form].concat();
            if site.compile(compiler, &args) == Did::Failed {
                continue;
            }
            assert_eq!(site.compile(compiler, &args), Did::Hit, "{form:?}");
        }
        let odd = odd_name(b"out/caf\xe9 \xff.o");
        let source = odd_name(b"src/na\xefve.c");
        fs::copy(site.path("src/a.c"), site.path(&source)).unwrap();
        let args: Vec<OsString> =
            ["-c".into(), source, "-Iinc".into(), "-MD".into(), "-o".into(), odd].into_iter().collect();
        site.is_cached(compiler, &args);
    }
}

#[test]
fn outputs_that_are_no_files_are_left_alone() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = small(&space, "ws");
        site.is_not_cached(compiler, &["-c", "src/a.c", "-Iinc", "-o", "/dev/null"], "/dev/null");
        site.is_not_cached(compiler, &["-E", "src/a.c", "-Iinc"], "standard output");
        site.is_not_cached(compiler, &["-S", "src/a.c", "-Iinc", "-o", "-"], "-");
        site.is_not_cached(compiler, &["-c", "src/a.c", "-Iinc", "-MD", "-MF", "/dev/null"], "/dev/null");
        site.is_not_cached(compiler, &["-c", "src/a.c", "-Iinc", "-MD", "-MF", "-"], "-");
        site.write("b.c", "int w;\n").is_not_cached(
            compiler,
            &["-c", "src/a.c", "b.c", "-Iinc"],
            "several sources",
        );
        site.is_not_cached(compiler, &["-M", "src/a.c", "-Iinc"], "-M");
        assert_eq!(site.compile(compiler, &["-c", "src/a.c", "-Iinc", "-o", "out"]), Did::Failed);
    }
}

#[test]
fn side_files_are_kept() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let seed = "-frandom-seed=1";
        for (number, form) in [
            &["-g", "-gsplit-dwarf"][..],
            &["-g", "-gsplit-dwarf", "-o", "out/x.o"],
            &["-ftest-coverage", "-fprofile-arcs", seed],
            &["--coverage", seed, "-o", "out/x.o"],
            &["--coverage", seed, "-o", "out/x.y.o", "-g", "-gsplit-dwarf"],
            &["-fstack-usage", "-O2"],
            &["-fstack-usage", "-MD", "-o", "out/x.o"],
            &["-g"],
            &["-g3", "-O2", "-o", "out/x.o"],
            &["-g", "-gz"],
            &["-flto", seed],
            &["-flto", "-ffat-lto-objects", seed, "-g"],
            &["-march=native"],
            &["-fprofile-generate", seed],
            &["-fsanitize=address,undefined", "-g"],
            &["-S", "-fverbose-asm"],
            &["-pipe", "-O2"],
            &["-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-std=gnu11"],
        ]
        .iter()
        .enumerate()
        {
            let site = small(&space, &format!("ws{number}"));
            let stage: &[&str] = if form.contains(&"-S") { &[] } else { &["-c"] };
            let args = [stage, &["src/a.c", "-Iinc"], *form].concat();
            if site.bare(compiler, &args).success() {
                site.remove("a.o").remove("a.s");
                kiln_tests::c::remove(&site.directory);
                let site = small(&space, &format!("ws{number}"));
                cached(&site, compiler, &args);
            }
        }
    }
}

#[test]
fn files_with_names_of_the_compilers_own_are_not_cached() {
    for compiler in compilers() {
        let space = TestSpace::new();
        for option in ["-save-temps", "-save-temps=obj", "-fdump-tree-all"] {
            let site = small(&space, &format!("ws{option}"));
            let args = ["-c", "src/a.c", "-Iinc", "-o", "out/x.o", option];
            assert!(matches!(site.compile(compiler, &args), Did::Bypass(_) | Did::Failed), "{option}");
        }
    }
}

/// gcc removes the old counts of what it compiles with a fixed seed.
#[test]
fn old_counts_are_removed() {
    let space = TestSpace::new();
    let site = Site::new(&space, "ws");
    site.write("a.c", "int main(void) { return 0; }\n");
    let args = ["-c", "a.c", "-o", "a.o", "--coverage", "-frandom-seed=a"];
    site.compile("gcc", &args);
    site.compile("gcc", &args);
    site.bare("gcc", &["--coverage", "a.o", "-o", "prog"]).ok();
    site.bare("./prog", &[""]).ok();
    assert!(site.path("a.gcda").exists());
    site.compile("gcc", &args);
}

/// Two sources of one name, in two directories, into one output or into two.
#[test]
fn equal_names() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = Site::new(&space, "ws");
        site.write("one/a.c", "#include \"v.h\"\nint v = V;\n").write("one/v.h", "#define V 1\n");
        site.write("two/a.c", "#include \"v.h\"\nint v = V;\n").write("two/v.h", "#define V 2\n");
        for _ in 0..2 {
            for directory in ["one", "two"] {
                let source = format!("{directory}/a.c");
                site.compile(compiler, &["-c", &source]);
                site.compile(compiler, &["-c", &source, "-MD"]);
                site.compile(compiler, &["-c", &source, "-g", "-o", &format!("{directory}/a.o")]);
            }
        }
        // swapped, with their times
        site.rename("one", "three").rename("two", "one").rename("three", "two");
        for directory in ["one", "two"] {
            site.compile(compiler, &["-c", &format!("{directory}/a.c")]);
        }
    }
}

#[test]
fn permissions_are_those_of_a_new_file() {
    let space = TestSpace::new();
    let site = small(&space, "ws");
    let script = space.script("home/umask.sh", "#!/bin/sh\numask $1; shift\nexec \"$@\"\n");
    for mask in ["022", "077", "002", "022"] {
        site.remove("a.o").remove("a.d");
        let kiln = kiln_testkit::binary::kiln().to_str().unwrap();
        let mut command = space.command(&script);
        command.env("KILN_DIR", space.cache()).args([mask, kiln, "gcc", "-c", "src/a.c", "-Iinc", "-MD"]);
        site.observed(&mut command).0.ok();
        let mode = |name: &str| fs::metadata(site.path(name)).unwrap().permissions().mode() & 0o777;
        let expected = 0o666 & !u32::from_str_radix(mask, 8).unwrap();
        assert_eq!((mode("a.o"), mode("a.d")), (expected, expected), "umask {mask}");
    }
}

/// What lies at the output's place already: as the compiler treats it, so does a hit.
#[test]
fn something_is_in_the_way() {
    for compiler in compilers() {
        for stage in ["-c", "-S", "-E"] {
            let space = TestSpace::new();
            let site = small(&space, "ws");
            let args = [stage, "src/a.c", "-Iinc", "-o", "out/x"];
            site.is_cached(compiler, &args);
            site.write("out/x", "old and longer than what is to come ".repeat(1000)).compile(compiler, &args);
            site.write("out/x", "old");
            fs::set_permissions(site.path("out/x"), fs::Permissions::from_mode(0o444)).unwrap();
            site.compile(compiler, &args);
            site.remove("out/x").write("out/x", "old");
            fs::set_permissions(site.path("out/x"), fs::Permissions::from_mode(0o755)).unwrap();
            site.compile(compiler, &args);
            site.remove("out/x").write("aim", "aim").link("../aim", "out/x").compile(compiler, &args);
            site.remove("aim").remove("out/x").link("../aim", "out/x").compile(compiler, &args);
            site.remove("out/x").remove("aim");
            fs::create_dir(site.path("out/x")).unwrap();
            site.compile(compiler, &args);
            site.remove("out");
            site.compile(compiler, &args);
            site.write("out", "a file").compile(compiler, &args);
            site.remove("out").write("out/keep", "");
            site.hits(compiler, &args);
        }
    }
}

/// The rule for make goes through a link, or into a directory that is not there.
#[test]
fn something_is_in_the_rules_way() {
    for compiler in compilers() {
        let space = TestSpace::new();
        let site = small(&space, "ws");
        let args = ["-c", "src/a.c", "-Iinc", "-o", "a.o", "-MD", "-MF", "out/x.d"];
        site.is_cached(compiler, &args);
        site.remove("out/x.d").write("aim", "aim").link("../aim", "out/x.d").compile(compiler, &args);
        site.remove("out/x.d").remove("a.o").remove("out");
        site.compile(compiler, &args);
        site.remove("a.o").write("out/keep", "").hits(compiler, &args);
    }
}

/// Another name of an old output is not written to by a hit, unless the compiler writes to it itself.
#[test]
fn other_names_of_an_output() {
    for compiler in compilers() {
        for stage in ["-c", "-S"] {
            let space = TestSpace::new();
            let site = small(&space, "ws");
            let args = [stage, "src/a.c", "-Iinc", "-o", "x"];
            let after = |call: &dyn Fn()| {
                site.remove("x").remove("y").write("y", "old");
                fs::hard_link(site.path("y"), site.path("x")).unwrap();
                call();
                fs::read(site.path("y")).unwrap()
            };
            let expected = after(&|| drop(site.bare(compiler, &args)));
            site.remove("x").compile(compiler, &args);
            site.hits(compiler, &args);
            let is = after(&|| drop(site.through(compiler, &args)));
            assert_eq!(is, expected, "{compiler} {stage}");
        }
    }
}

/// The store never shares an inode with a build.
#[test]
fn outputs_are_private_copies() {
    let space = TestSpace::new();
    let site = small(&space, "ws");
    let args = ["-c", "src/a.c", "-Iinc", "-o", "a.o", "-MD"];
    for _ in 0..3 {
        site.compile("gcc", &args);
        for name in ["a.o", "a.d"] {
            assert_eq!(fs::metadata(site.path(name)).unwrap().nlink(), 1);
            fs::write(site.path(name), "scribbled").unwrap();
        }
    }
    site.hits("gcc", &args);
}

/// A restored object is newer than its sources, and not from the future.
#[test]
fn times_make_sense_to_make() {
    let space = TestSpace::new();
    let site = small(&space, "ws");
    let args = ["-c", "src/a.c", "-Iinc", "-o", "a.o", "-MD"];
    site.misses("gcc", &args);
    site.remove("a.o").remove("a.d");
    std::thread::sleep(Duration::from_millis(20));
    site.write("src/a.h", "#define A 1\n").hits("gcc", &args);
    std::thread::sleep(Duration::from_millis(20));
    let time = |name: &str| fs::metadata(site.path(name)).unwrap().modified().unwrap();
    for name in ["a.o", "a.d"] {
        assert!(time(name) >= time("src/a.h") && time(name) <= std::time::SystemTime::now(), "{name}");
    }
}
