use super::*;
use crate::recognise;
use kiln_action::key::KeyInputs;
use kiln_action::{Subject, Unit};

/// A command line in `/home/me/p/build` of the project `/home/me/p`.
fn parsed(line: &str, variables: &[(&str, &str)]) -> Result<Invocation, Reason> {
    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    let recognised = recognise(&words[0], None).expect("a compiler");
    let getenv =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    let context = Context {
        args: &words[1..],
        directory: Path::new("/home/me/p/build"),
        response: &|_| None,
        remap: None,
        base: Some(Path::new("/home/me/p")),
        getenv: &getenv,
    };
    crate::parse(&recognised, &context)
}

fn parse(line: &str) -> Invocation {
    parsed(line, &[]).unwrap_or_else(|reason| panic!("{line}: {reason}"))
}

fn refused(line: &str) -> Reason {
    parsed(line, &[]).map(|it| it.fields).expect_err(line)
}

fn key(line: &str) -> [u8; 32] {
    let toolchain = kiln_action::Digest::of(b"toolchain");
    let invocation = &parse(line);
    *KeyInputs { invocation, toolchain: &toolchain, stdin: None, environment: &[], settings: &[] }
        .weak_key()
        .name()
}

fn same(one: &str, two: &str) -> bool {
    key(one) == key(two)
}

#[test]
fn a_plain_compile() {
    let it =
        parse("/usr/bin/clang-cl /nologo /O2 -W3 -I../inc /D A=1 /MD /c ../src/inflate.c /Foobj/inflate.obj");
    assert_eq!(it.subject, Subject::Compile(Family::ClangCl));
    assert!(it.subject.is_c());
    assert_eq!(it.unit, Unit { name: "inflate.c".into(), kind: "c".into() });
    assert_eq!(it.source.as_deref(), Some(Path::new("/home/me/p/build/../src/inflate.c")));
    assert_eq!(it.outputs.files, [Path::new("/home/me/p/build/obj/inflate.obj")]);
    assert_eq!(it.depfile, None);
    assert_eq!((it.shows_directory, it.native, it.target.is_none()), (false, false, true));
    let fields: Vec<(&str, String, bool)> = it
        .fields
        .iter()
        .map(|field| (field.name, field.value.to_string_lossy().into_owned(), field.path))
        .collect();
    let expected = [
        ("program", "clang-cl", false),
        ("/nologo", "/nologo", false),
        ("/O", "/O2", false),
        ("/W3", "-W3", false),
        ("/I", "../inc", true),
        ("/D", "A=1", false),
        ("/MD", "/MD", false),
        ("/c", "/c", false),
        ("input", "../src/inflate.c", true),
        ("/Fo", "", false),
        ("spelled", "//--/ ///", false),
    ];
    assert_eq!(fields, expected.map(|(name, value, path)| (name, value.to_owned(), path)));
}

#[test]
fn cl_reads_the_same_command_line() {
    let it = parse(
        r"cl.exe /nologo /TP /GR /EHsc /MDd /Zc:wchar_t /RTC1 /JMC /showIncludes /Fox.obj /FdTARGET.pdb /FS -c ../src/x.c",
    );
    assert_eq!((it.subject.family(), it.unit.kind.as_str()), (Some(Family::Msvc), "c++"));
    assert_eq!(it.outputs.files, [Path::new("/home/me/p/build/x.obj")]);
    assert!(it.shows_directory, "its objects name themselves");
    assert!(same("cl /c x.c /Foa.obj", "cl /c x.c /Foa.obj"));
    assert!(!same("cl /c x.c /Foa.obj", "cl /c x.c /Fob.obj"));
}

#[test]
fn languages() {
    for (line, kind) in [
        ("clang-cl /c x.c", "c"),
        ("clang-cl /c x.cpp", "c++"),
        ("clang-cl /c x.cc", "c++"),
        ("clang-cl /c x.c /TP", "c++"),
        ("clang-cl /TC /TP /TC /c x.cpp", "c"),
        ("clang-cl /c /Tpx.inc", "c++"),
        ("clang-cl /c /Tc x.inc", "c"),
        ("clang-cl /c -- /c.c", "c"),
        ("clang-cl /c /home/me/p/x.c", "c"),
    ] {
        assert_eq!(parse(line).unit.kind, kind, "{line}");
    }
}

#[test]
fn what_is_not_a_compile() {
    for compiler in ["clang-cl", "cl"] {
        for line in [
            "x.c",
            "/c",
            "",
            "/c x.c y.c",
            "/c x.c y.obj",
            "/c x.c /Tpy.c",
            "/c -",
            "/c x.c /Fo/dev/null",
            "/c @gone",
        ] {
            let line = format!("{compiler} {line}");
            assert!(matches!(refused(&line), Reason::NotACompile(_)), "{line}: {:?}", refused(&line));
        }
    }
}

#[test]
fn what_is_a_question() {
    for line in ["cl /?", "cl -?", "cl /help", "clang-cl -?", "clang-cl --version", "clang-cl -### /c x.c"] {
        assert!(matches!(refused(line), Reason::Question(_)), "{line}: {:?}", refused(line));
    }
}

#[test]
fn what_is_not_cached_by_name() {
    let both = [
        "/E",
        "/EP",
        "/P",
        "/MP",
        "/MP4:/MP",
        "/Ycpch.h:/Yc",
        "/Yupch.h:/Yu",
        "/link",
        "/FR",
        "/Frx:/Fr",
        "/ZI",
        "/Zs",
        "/sourceDependencies",
        "/experimental:module:/experimental:",
        "/headerUnit",
        "/clr",
        "/doc",
        "/Bt+",
        "/AI",
        "/external:env:X:/external:env:",
        "/d1foo:/d1",
        "/I-",
    ];
    for compiler in ["clang-cl", "cl"] {
        for flag in both {
            let (typed, name) = match flag.rsplit_once(":/") {
                Some((typed, name)) => (typed.to_owned(), format!("/{name}")),
                None => (flag.to_owned(), flag.to_owned()),
            };
            let line = format!("{compiler} /c {typed} x.c");
            assert_eq!(refused(&line), Reason::UncachedFlag(name), "{line}");
        }
    }
    for (line, name) in [
        ("cl /c /Zi x.c", "/Zi"),
        ("cl /c /FAcs x.c", "/FA"),
        ("cl /c /analyze x.c", "/analyze"),
        ("clang-cl /c /FAcs x.c", "/FAc"),
        ("clang-cl /c -v x.c", "-v"),
        ("clang-cl /c --driver-mode=g++ x.c", "--driver-mode=g++"),
        ("clang-cl /c -Xclang -ast-dump x.c", "-Xclang -ast-dump"),
        ("clang-cl /c -ftime-trace x.c", "-ftime-trace"),
        ("clang-cl /c -fmodules x.c", "-fmodules"),
        ("clang-cl /c /clang:-include /clang:x.h x.c", "/clang:-include"),
        ("clang-cl /c /clang:-MF x.c", "/clang:-MF"),
        ("clang-cl /c /clang:-save-temps x.c", "/clang:-save-temps"),
        ("clang-cl /c x.s", "a source .s"),
        ("clang-cl /c x.h", "a source .h"),
        ("clang-cl /c /Foa\\b.obj x.c", "/Foa\\b.obj"),
    ] {
        assert_eq!(refused(line), Reason::UncachedFlag(name.into()), "{line}");
    }
}

#[test]
fn what_counts_and_what_does_not() {
    assert!(same("clang-cl /c x.c /Foa.obj", "clang-cl /c x.c /Fob.obj"));
    assert!(same("clang-cl /c x.c /Fda.pdb", "clang-cl /c x.c /Fdb.pdb"));
    assert!(same("clang-cl /c x.c /FA /Faa.asm", "clang-cl /c x.c /FA /Fab.asm"));
    for (one, two) in [
        ("clang-cl /c x.c", "clang-cl -c x.c"), // messages repeat it
        ("clang-cl /c x.c /DA", "clang-cl /c x.c /D A"),
        ("clang-cl /c x.c /DA /UA", "clang-cl /c x.c /UA /DA"),
        ("clang-cl /c x.c", "clang-cl /c x.c /FA"),
        ("clang-cl /c x.c", "clang-cl /c x.c /clang:-MD"),
        ("clang-cl /c x.c /clang:-MD", "clang-cl /c x.c /clang:-MMD"),
        ("clang-cl /c x.c /clang:-O1", "clang-cl /c x.c /clang:-O2"),
        ("clang-cl /c x.c /Z7 /Foa.obj", "clang-cl /c x.c /Z7 /Fob.obj"),
        ("clang-cl /c x.c /Zi /Foa.obj", "clang-cl /c x.c /Zi /Fob.obj"),
        ("clang-cl /c x.c -m32", "clang-cl /c x.c -m64"),
        ("clang-cl /c x.c --target=i686-pc-windows-msvc", "clang-cl /c x.c --target=x86_64-pc-windows-msvc"),
        ("clang-cl /c x.c", "clang-cl-14 /c x.c"),
    ] {
        assert!(!same(one, two), "{one} and {two}");
    }
}

#[test]
fn what_shows_the_directory() {
    for (line, shows) in [
        ("clang-cl /c x.c", false),
        ("clang-cl /c /home/me/p/x.c /I/home/me/p/inc", false),
        ("clang-cl /c x.c /Z7", true),
        ("clang-cl /c x.c -gdwarf", true),
        ("clang-cl /c x.c -fsanitize=undefined", false),
        ("clang-cl /c /home/me/p/x.c -fsanitize=undefined", true),
        ("clang-cl /c /home/me/p/x.c -flto", true),
        ("clang-cl /c /home/me/p/x.c /FA", true),
        ("clang-cl /c x.c -fprofile-instr-generate", true),
        ("cl /c x.c", true),
    ] {
        let it = parse(line);
        assert_eq!(it.shows_directory, shows, "{line}");
        assert_eq!(it.environment.contains(&"PWD"), shows, "{line}");
    }
    assert!(parse("clang-cl /c x.c -march=native").native);
    assert!(parse("clang-cl /c x.c /tune:native").native);
    assert!(!parse("clang-cl /c x.c /arch:AVX2").native);
}

#[test]
fn a_rule_for_make() {
    let it = parse("clang-cl /c -clang:-MD -clang:-MTo/x.obj -clang:-MF -clang:o/x.d /Foo/x.obj -- ../x.c");
    assert_eq!(it.depfile.as_deref(), Some(Path::new("/home/me/p/build/o/x.d")));
    assert!(it.fields.iter().any(|field| field.name == "-MT" && field.value == "o/x.obj" && field.path));
    assert_eq!(
        parse("clang-cl /c /clang:-MD ../x.c").depfile.as_deref(),
        Some(Path::new("/home/me/p/build/x.d"))
    );
}

#[test]
fn variables_that_add_arguments_or_files() {
    for (name, value) in
        [("CL", "/W4"), ("_CL_", "/W4"), ("CC_PRINT_HEADERS", "1"), ("VS_UNICODE_OUTPUT", "1")]
    {
        let refused = parsed("clang-cl /c x.c", &[(name, value)]).map(|it| it.fields);
        assert_eq!(refused, Err(Reason::UncachedFlag(name.into())));
    }
    assert!(parsed("clang-cl /c x.c", &[("CL", ""), ("INCLUDE", "/i")]).is_ok());
}
