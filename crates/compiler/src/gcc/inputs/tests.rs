use super::*;
use crate::{Remap, recognise};
use kiln_action::key::KeyInputs;
use kiln_action::{Placed, Subject};
use std::collections::HashMap;

mod random;

/// A command line, in `/home/me/p/build` of the project `/home/me/p`.
#[derive(Default)]
struct Line {
    environment: HashMap<&'static str, &'static str>,
    remap: Option<Remap>,
    base: Option<&'static str>,
    directory: Option<&'static str>,
}

impl Line {
    fn parse_words(&self, words: &[OsString]) -> Result<Invocation, Reason> {
        let recognised = recognise(&words[0], None).expect("a compiler");
        let getenv = |name: &str| self.environment.get(name).map(OsString::from);
        let context = Context {
            args: &words[1..],
            directory: Path::new(self.directory.unwrap_or("/home/me/p/build")),
            response: &|_| None,
            remap: self.remap.as_ref(),
            base: Some(Path::new(self.base.unwrap_or("/home/me/p"))),
            getenv: &getenv,
        };
        crate::parse(&recognised, &context)
    }

    fn parse(&self, line: &str) -> Result<Invocation, Reason> {
        self.parse_words(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }
}

fn parse(line: &str) -> Invocation {
    Line::default().parse(line).unwrap_or_else(|reason| panic!("{line}: {reason}"))
}

fn refused(line: &str) -> Reason {
    Line::default().parse(line).map(|it| it.fields).expect_err(line)
}

fn key(invocation: &Invocation) -> [u8; 32] {
    let toolchain = kiln_action::Digest::of(b"toolchain");
    let inputs =
        KeyInputs { invocation, toolchain: &toolchain, stdin: None, environment: &[], settings: &[] };
    *inputs.weak_key().name()
}

fn same(one: &str, two: &str) -> bool {
    key(&parse(one)) == key(&parse(two))
}

#[test]
fn a_plain_compile() {
    let it = parse("/usr/bin/gcc -O2 -Wall -I../inc -DA=1 -c ../src/inflate.c -o obj/inflate.o");
    assert_eq!(it.subject, Subject::Compile(Family::Gcc));
    assert_eq!(it.unit, Unit { name: "inflate.c".into(), kind: "c".into() });
    assert_eq!(it.source.as_deref(), Some(Path::new("/home/me/p/build/../src/inflate.c")));
    assert_eq!(it.outputs.files, [Path::new("/home/me/p/build/obj/inflate.o")]);
    assert_eq!(it.depfile, None);
    assert_eq!((it.shows_directory, it.native, it.target.is_none()), (false, false, true));
    assert!(it.append.is_empty() && it.lazy.is_empty() && !it.links && !it.stdin);
    let fields: Vec<(&str, String, bool)> = it
        .fields
        .iter()
        .map(|field| (field.name, field.value.to_string_lossy().into_owned(), field.path))
        .collect();
    let expected = [
        ("program", "gcc", false),
        ("-O", "-O2", false),
        ("-W", "-Wall", false),
        ("-I", "../inc", true),
        ("-D", "A=1", false),
        ("-c", "", false),
        ("input", "../src/inflate.c", true),
        ("-o", "", false),
    ];
    assert_eq!(fields, expected.map(|(name, value, path)| (name, value.to_owned(), path)));
}

#[test]
fn kinds_of_units() {
    for (line, kind) in [
        ("gcc -c a.c", "c"),
        ("g++ -c a.c", "c++"),
        ("clang++-14 -c a.c", "c++"),
        ("clang --driver-mode=g++ -c a.c", "c++"),
        ("gcc -c a.cc", "c++"),
        ("gcc -c a.m", "objc"),
        ("gcc -c a.mm", "objc++"),
        ("gcc -c a.S", "assembler"),
        ("gcc -c a.s", "assembler"),
        ("gcc -c a.ii", "preprocessed"),
        ("gcc -x c -c a.inc", "c"),
        ("gcc -c a.c -x c++", "c"),
        ("gcc -x c++ -x none -c a.c", "c"),
    ] {
        assert_eq!(parse(line).unit.kind, kind, "{line}");
    }
}

#[test]
fn what_is_not_a_compile() {
    for line in [
        "gcc a.c",
        "gcc a.o b.o -o prog",
        "gcc -c",
        "gcc",
        "gcc -c a.c b.c",
        "gcc -c a.c b.o",
        "gcc -c -",
        "gcc -x c -c -",
        "gcc -c -x c /dev/null -o x.o",
        "gcc -E a.c",
        "gcc -E a.c -o -",
        "gcc -c a.c -o /dev/null",
        "gcc -S a.S -o x",
        "gcc -E a.i -o x",
        "gcc -c @gone",
    ] {
        assert!(matches!(refused(line), Reason::NotACompile(_)), "{line}: {:?}", refused(line));
    }
}

#[test]
fn what_is_a_question() {
    for (line, question) in [
        ("gcc --version", "--version"),
        ("cc -v", "-v"),
        ("clang --verbose", "-v"),
        ("gcc -O2 -v", "-v"),
        ("gcc -### -c a.c", "-###"),
        ("gcc -print-search-dirs", "-print-search-dirs"),
        ("gcc -print-prog-name=ld", "-print-prog-name="),
        ("clang --print-resource-dir", "--print-resource-dir"),
        ("gcc -dumpmachine", "-dumpmachine"),
        ("gcc -dumpfullversion -dumpversion", "-dumpfullversion"),
        ("gcc --help=optimizers", "--help="),
        ("cc -V", "-V"),
        ("cc -qversion", "-qversion"),
        ("cc -version", "-version"),
        ("cc -?", "-?"),
    ] {
        assert_eq!(refused(line), Reason::Question(question.to_owned()), "{line}");
    }
}

#[test]
fn what_is_not_cached_by_name() {
    for (line, flag) in [
        ("gcc -v -c a.c", "-v"),
        ("clang -c a.c --verbose", "-v"),
        ("gcc -M a.c", "-M"),
        ("gcc -MM -MF x a.c", "-MM"),
        ("gcc -c -save-temps a.c", "-save-temps"),
        ("gcc -c a.h", "a source .h"),
        ("gcc -x c-header -c a.h", "-x c-header"),
        ("clang -c -fmodules a.m", "-fmodules"),
        ("g++ -c -fmodules-ts a.cc", "-fmodules-ts"),
        ("clang++ -c a.cppm", "a source .cppm"),
        ("clang++ -c a.cu", "a source .cu"),
        ("clang -c -fplugin=x.so a.c", "-fplugin="),
        ("gcc -c -fdump-tree-all a.c", "-fdump-tree-all"),
        ("gcc -c -Wa,-al=x a.c", "-Wa, -al="),
        ("gcc -c -Wa,--gdwarf-4 a.c", "debug information about a temporary file of the assembler's"),
        ("gcc -c -Wp,-include,x a.c", "-Wp,-include,x"),
        ("gcc -c -Xpreprocessor -MD a.c", "-Xpreprocessor -MD"),
        ("clang -c -Xclang -load a.c", "-Xclang -load"),
        ("clang -c -Xclang -target-feature -Xclang +x -Xclang +y a.c", "-Xclang +y"),
        ("clang -c -mllvm -stats a.c", "-mllvm -stats"),
        ("clang -arch x86_64 -arch arm64 -c a.c", "-arch arm64"),
        ("clang --driver-mode=cl -c a.c", "--driver-mode=cl"),
        ("gcc -c -I- a.c", "-I-"),
        ("gcc -c -I - a.c", "-I-"),
        ("gcc -E -MD a.c -o x.i", "-E with -MD"),
        ("gcc -S -g -gsplit-dwarf a.c", "-S with -gsplit-dwarf"),
        ("gcc -c -S a.c", "-S with another stage"),
        ("gcc -c -fdiagnostics-format=sarif-file a.c", "-fdiagnostics-format=sarif-file"),
    ] {
        assert_eq!(refused(line), Reason::UncachedFlag(flag.to_owned()), "{line}");
    }
    assert_eq!(refused("nvcc -c a.cu"), Reason::UnknownCompiler("nvcc".to_owned()));
}

#[test]
fn what_compilers_read_in_a_way_of_their_own() {
    for line in [
        "gcc -c a.c -o x.o -o y.o",
        "gcc -c a.c -MD -MF a.d -MF b.d",
        "gcc -c a.c -MF a.d",
        "gcc -c a.c -MD -MF a.d -Wp,-MD,b.d",
        "gcc -c a.c -o a.c",
        "gcc -c a.c -ffile-prefix-map=x",
        "gcc -c a.c -o",
    ] {
        assert!(matches!(refused(line), Reason::BadArguments(_)), "{line}: {:?}", refused(line));
    }
}

#[test]
fn variables_that_write_files() {
    for name in ["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "CCC_OVERRIDE_OPTIONS", "CC_PRINT_HEADERS"] {
        let line = Line { environment: HashMap::from([(name, "x")]), ..Line::default() };
        let refused = line.parse("gcc -c a.c").map(|it| it.fields);
        assert_eq!(refused, Err(Reason::UncachedFlag(name.to_owned())));
    }
}

#[test]
fn depfiles() {
    for (line, depfile) in [
        ("gcc -MD -c a.c", Some("a.d")),
        ("gcc -MMD -MP -c a.c -o o/x.o", Some("o/x.d")),
        ("gcc -MD -MF deps/a.d -MT t -c a.c -o o/x.o", Some("deps/a.d")),
        ("gcc -Wp,-MMD,o/.x.o.d -c a.c -o o/x.o", Some("o/.x.o.d")),
        ("clang -MD -MFx.d -c a.S", Some("x.d")),
        ("gcc -MD -c a.s", None),
        ("gcc -MD -MF x.d -c a.i", None),
        ("gcc -c a.c", None),
    ] {
        let it = parse(line);
        let expected = depfile.map(|name| Path::new("/home/me/p/build").join(name));
        assert_eq!(it.depfile, expected, "{line}");
        assert_eq!(it.outputs.files.get(1), expected.as_ref(), "{line}");
    }
}

#[test]
fn the_outputs_name_counts_where_bytes_depend_on_it() {
    for options in ["", "-g", "-S", "-MD -MT t", "-MD -MQ t -MF x.d", "-fstack-usage", "-O2 -flto"] {
        let line = |output: &str| format!("gcc -c a.c {options} -o {output}").replace("-c a.c -S", "-S a.c");
        assert!(same(&line("x.o"), &line("o/y.o")), "{options}");
    }
    for options in
        ["-MD", "-Wp,-MD,d", "--coverage", "-gsplit-dwarf", "-fprofile-arcs", "-fprofile-use", "-specs=x"]
    {
        let line = |output: &str| format!("gcc -c a.c {options} -o {output}");
        assert!(!same(&line("x.o"), &line("y.o")), "{options}");
    }
    assert!(!same("gcc -c a.c", "gcc -c a.c -o a.o"), "that it is given counts");
    assert!(same("gcc -c a.c -MD -MT t -MF x", "gcc -c a.c -MD -MT t -MF y"));
    assert!(!same("gcc -c a.c -MD -MT t -MF x", "gcc -c a.c -MD -MT t"));
}

#[test]
fn what_counts() {
    let plain = "gcc -c a.c";
    for other in [
        "gcc-12 -c a.c",
        "g++ -c a.c",
        "clang -c a.c",
        "gcc -S a.c",
        "gcc -c b.c",
        "gcc -c ./a.c",
        "gcc -c a.c -O1",
        "gcc -c a.c -w",
        "gcc -c a.c -Wall",
        "gcc -c a.c -m32",
        "gcc -c a.c -DA",
        "gcc -c a.c -I.",
        "gcc -c a.c -lm",
        "gcc -c a.c -fdiagnostics-color=always",
        "gcc -x c -c a.c",
        "gcc -c a.c -pipe",
        "gcc -c a.c -Wa,-W",
        "gcc -c a.c -include a.h",
        "gcc -c a.c -g0",
    ] {
        assert!(!same(plain, other), "{other}");
    }
    assert!(!same("gcc -c a.c -Ia -Ib", "gcc -c a.c -Ib -Ia"));
    assert!(!same("gcc -c a.c -DA -UA", "gcc -c a.c -UA -DA"));
    assert!(!same("gcc -c a.c -iquote a", "gcc -c a.c -I a"));
    assert!(!same("gcc -c a.c -DAB -DC", "gcc -c a.c -DA -DBC"));
    assert!(same("gcc -c a.c -Ia -D A", "gcc -c a.c -I a -DA"));
}

#[test]
fn native_and_targets() {
    for (line, native) in [
        ("gcc -c a.c -march=native", true),
        ("gcc -c a.c -mtune=native", true),
        ("clang -c a.c -mcpu=native", true),
        ("gcc -c a.c -Wa,-march=native", true),
        ("gcc -c a.c -specs=x", true),
        ("gcc -c a.c -march=x86-64", false),
    ] {
        assert_eq!(parse(line).native, native, "{line}");
    }
    assert_eq!(parse("clang -c a.c --target=arm-none-eabi").target, Some("arm-none-eabi".into()));
    assert_eq!(parse("clang -target arm-none-eabi -c a.c").target, Some("arm-none-eabi".into()));
}

#[test]
fn what_shows_the_directory() {
    for options in [
        "-g",
        "-ggdb3",
        "-gdwarf-5",
        "-g -g0",
        "--coverage",
        "-fprofile-arcs",
        "-fprofile-generate",
        "-flto",
        "-specs=x",
        "-frecord-gcc-switches",
        "-gsplit-dwarf",
        "-I/home/me/p/inc -fsanitize=address",
        "-fworking-directory",
    ] {
        let it = parse(&format!("gcc -c a.c {options}"));
        assert!(it.shows_directory, "{options}");
        assert!(it.environment.contains(&"PWD"), "{options}");
    }
    for options in [
        "",
        "-g0",
        "-O2",
        "-gz",
        "-gno-column-info",
        "-fsanitize=address",
        "-I/home/me/p/inc",
        "-fstack-usage",
        "-g -ffile-prefix-map=/home/me/p=.",
        "-g -fdebug-prefix-map=/home/me/p=. -I/home/me/p/inc",
    ] {
        let it = parse(&format!("gcc -c a.c {options}"));
        assert!(!it.shows_directory, "{options}");
        assert!(!it.environment.contains(&"PWD"), "{options}");
    }
    assert!(!parse("clang -c a.c -flto").shows_directory);
    assert!(parse("clang -c /home/me/p/a.c -flto").shows_directory);
    assert!(
        parse("clang -c a.S -g -ffile-prefix-map=/home/me/p=.").shows_directory,
        "clang's assembler maps nothing"
    );
    assert!(!parse("gcc -c a.S -g -ffile-prefix-map=/home/me/p=.").shows_directory);
    assert!(parse("gcc -E a.c -o a.i -g -ffile-prefix-map=/home/me/p=.").shows_directory);
    assert!(parse("gcc -E /home/me/p/a.c -o a.i").shows_directory);
    assert!(!parse("clang -c a.c -g -fdebug-compilation-dir=.").shows_directory);
}

/// The same command line in two checkouts.
fn in_two_checkouts(line: &str, remap: bool) -> bool {
    let at = |project: &'static str, directory: &'static str| {
        let remap = remap.then(|| Remap { work: project.into(), target: None });
        let line = line.replace("$P", project);
        let it = Line { base: Some(project), directory: Some(directory), remap, ..Line::default() };
        key(&it.parse(&line).unwrap_or_else(|reason| panic!("{line}: {reason}")))
    };
    at("/home/me/p", "/home/me/p/build") == at("/srv/q", "/srv/q/build")
}

#[test]
fn two_checkouts_share_what_does_not_show_them() {
    for line in [
        "gcc -c ../a.c -I../inc",
        "gcc -c $P/a.c -I$P/inc -isystem $P/x -include $P/c.h --sysroot=$P/s -o $P/build/a.o",
        "gcc -MD -c $P/a.c -o $P/build/a.o",
        "gcc -c ../a.c -g -ffile-prefix-map=$P=.",
        "clang -c $P/a.c -g -fdebug-prefix-map=$P=/x -I$P/inc",
    ] {
        assert!(in_two_checkouts(line, false), "{line}");
    }
    for line in [
        "gcc -c ../a.c -g",
        "gcc -c ../a.c -DROOT=\"$P\"",
        "gcc -c ../a.c -I=$P/inc",
        "gcc -c ../a.c --coverage",
        "gcc -c ../a.c -ffile-prefix-map=$P=$P",
        "gcc -c $P/a.c -fsanitize=undefined",
        "gcc -c ../a.c -L$P/lib",
    ] {
        assert!(!in_two_checkouts(line, false), "{line}");
    }
}

#[test]
fn remapping() {
    let remap = Line { remap: Some(Remap { work: "/home/me/p".into(), target: None }), ..Line::default() };
    let it = remap.parse("gcc -g -c ../a.c").expect("known");
    assert_eq!(it.append, ["-ffile-prefix-map=/home/me/p=/kiln/workspace"]);
    assert!(!it.shows_directory);
    assert_eq!(
        it.places.place(Path::new("/home/me/p/a.c")),
        Placed { place: Place::Work, path: b"a.c".to_vec() }
    );
    assert!(in_two_checkouts("gcc -g -c $P/a.c", true));
    assert!(!in_two_checkouts("gcc --coverage -c ../a.c", true), "nothing covers it");
    assert_ne!(key(&it), key(&parse("gcc -g -c ../a.c")), "the setting counts");
    let own = remap.parse("gcc -g -c ../a.c -ffile-prefix-map=/home/me/p/src=x").expect("known");
    assert!(own.append.is_empty() && own.shows_directory, "the user's own map is left alone");
    let linked = Line { environment: HashMap::from([("PWD", "/link/build")]), ..remap };
    assert!(
        linked.parse("gcc -g -c ../a.c").expect("known").shows_directory,
        "gcc calls it by its other name"
    );
}

#[test]
fn a_project_whose_path_make_writes_otherwise_is_literal() {
    for base in ["/home/me/a#b", "/home/me/a$b", "/"] {
        let it = Line { base: Some(base), ..Line::default() }.parse("gcc -c a.c").expect("known");
        assert!(it.places.roots().is_empty(), "{base}");
    }
}

#[test]
fn bytes_that_are_not_text() {
    let odd = OsStr::from_bytes(b"-DA=\xff").to_owned();
    let words = ["gcc".into(), "-c".into(), odd, "a.c".into()];
    let it = Line::default().parse_words(&words).expect("known");
    assert_eq!(it.fields[2].value.as_bytes(), b"A=\xff");
}
