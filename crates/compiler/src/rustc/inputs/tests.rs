use super::*;
use crate::recognise;
use std::collections::HashMap;
use std::ffi::OsStr;

mod lines;
mod random;

/// A command line in `/ws` without the program.
struct Line<'a> {
    arguments: Vec<&'a str>,
    environment: HashMap<&'a str, &'a str>,
    remap: Option<Remap>,
}

impl<'a> Line<'a> {
    fn new(text: &'a str) -> Line<'a> {
        Line { arguments: text.split_whitespace().collect(), environment: HashMap::new(), remap: None }
    }

    fn with(mut self, name: &'a str, value: &'a str) -> Line<'a> {
        self.environment.insert(name, value);
        self
    }

    fn remapped(mut self, work: &str, target: &str) -> Line<'a> {
        self.remap = Some(Remap { work: work.into(), target: Some(target.into()) });
        self
    }

    fn parse(&self) -> Result<Invocation, Reason> {
        let args: Vec<OsString> = self.arguments.iter().map(OsString::from).collect();
        let recognised = recognise(OsStr::new("/toolchain/bin/rustc"), None).expect("rustc");
        crate::parse(
            &recognised,
            &Context {
                args: &args,
                directory: Path::new("/ws"),
                response: &|_| None,
                remap: self.remap.as_ref(),
                base: None,
                getenv: &|name| self.environment.get(name).map(OsString::from),
            },
        )
    }

    fn fine(&self) -> Invocation {
        self.parse().unwrap_or_else(|reason| panic!("{:?}: {reason}", self.arguments))
    }
}

fn parsed(text: &str) -> Invocation {
    Line::new(text).fine()
}

/// What counts, without the cutting of remapped paths.
fn key(invocation: &Invocation) -> Vec<(String, OsString)> {
    let fields = invocation.fields.iter().map(|field| (field.name.to_owned(), field.value.clone()));
    let externs = invocation.externs.iter().map(|krate| {
        let file = krate.path.as_ref().and_then(|path| path.file_name()).unwrap_or_default();
        let mut value = krate.options.clone();
        value.push(":");
        value.push(&krate.name);
        value.push("=");
        value.push(file);
        ("extern".to_owned(), value)
    });
    fields.chain(externs).collect()
}

fn uncached(text: &str) -> String {
    match Line::new(text).parse() {
        Err(Reason::UncachedFlag(flag)) => flag,
        other => panic!("{text}: {other:?}"),
    }
}

const LIB: &str =
    "--crate-name a --crate-type lib --emit=dep-info,metadata,link --error-format=json src/lib.rs";

#[test]
fn inert_directories_do_not_count() {
    let here =
        parsed(&format!("{LIB} --out-dir /t/deps -L dependency=/t/deps --extern b=/t/deps/libb.rmeta"));
    let there =
        parsed(&format!("{LIB} --out-dir /u/deps -L dependency=/u/deps --extern b=/u/deps/libb.rmeta"));
    assert_eq!(key(&here), key(&there));
    assert_eq!(there.outputs.directory, Path::new("/u/deps"));
    assert_eq!(there.places.place(Path::new("/u/deps/libb.rmeta")).place, Place::Out);
    assert_ne!(key(&here), key(&parsed(&format!("{LIB} --extern b=/t/deps/libb.rlib"))));
}

#[test]
fn incremental_counts_but_its_directory_does_not() {
    let on = parsed(&format!("{LIB} -C incremental=/t/incremental"));
    let elsewhere = parsed(&format!("{LIB} -Cincremental=inc"));
    assert_eq!(key(&on), key(&elsewhere));
    assert_ne!(key(&on), key(&parsed(LIB)));
    assert!(on.incremental && !parsed(LIB).incremental);
    assert!(elsewhere.outputs.is_private(Path::new("/ws/inc/a-1/s-2/x.o")));
}

#[test]
fn directories_count_where_they_are_in_the_outputs() {
    for flags in [
        "-C rpath",
        "-C rpath=yes",
        "-C split-debuginfo=packed",
        "-Csplit-debuginfo=unpacked",
        "-C link-arg=-fuse-ld=gold",
        "-C linker=/opt/link.sh",
        "--crate-type cdylib --target aarch64-apple-darwin",
    ] {
        let with = |out: &str, deps: &str| {
            key(&parsed(&format!(
                "{LIB} {flags} --out-dir {out} --extern b={deps}/libb.so -L dependency={deps}"
            )))
        };
        assert_ne!(with("/t", "/d"), with("/u", "/d"), "{flags}");
        assert_ne!(with("/t", "/d"), with("/t", "/e"), "{flags}");
    }
    for flags in [
        "-C rpath=no",
        "-C split-debuginfo=off",
        "--emit=asm,llvm-ir,obj",
        "-C linker=clang -C link-arg=-fuse-ld=mold",
        "--target aarch64-apple-darwin",
    ] {
        let with = |out: &str| key(&parsed(&format!("{LIB} {flags} --out-dir {out}")));
        assert_eq!(with("/t"), with("/u"), "{flags}");
    }
}

#[test]
fn order_and_names_of_externs_count() {
    let one = parsed(&format!("{LIB} --extern a=/t/libx.rlib --extern b=/t/liby.rlib"));
    let swapped = parsed(&format!("{LIB} --extern a=/t/liby.rlib --extern b=/t/libx.rlib"));
    let turned = parsed(&format!("{LIB} --extern b=/t/liby.rlib --extern a=/t/libx.rlib"));
    assert_ne!(key(&one), key(&swapped));
    assert_ne!(key(&one), key(&turned));
}

#[test]
fn externs_with_options_and_without_paths() {
    let line =
        format!("{LIB} --extern priv,noprelude:a=t/libx.rlib --extern proc_macro --extern a=/o/libx.so");
    let externs = parsed(&line).externs;
    assert_eq!(externs[0].options, "priv,noprelude");
    assert_eq!(externs[0].path.as_deref(), Some(Path::new("/ws/t/libx.rlib")));
    assert_eq!((externs[1].name.as_os_str(), &externs[1].path), (OsStr::new("proc_macro"), &None));
    assert_eq!(externs[2].name, "a");
    let unknown = Line::new("x.rs --extern odd:a=b").parse();
    assert!(matches!(unknown, Err(Reason::UnknownFlag(flag)) if flag == "--extern odd:"));
}

#[test]
fn places_of_dependencies_are_numbered_in_order() {
    let invocation = parsed(&format!(
        "{LIB} --out-dir /t/deps -L dependency=/t/deps -L dependency=/t/host --extern a=/x/liba.so --extern b=/x/libb.so"
    ));
    let place = |path: &str| invocation.places.place(Path::new(path)).place;
    assert_eq!(place("/t/deps/a"), Place::Out);
    assert_eq!(place("/t/host/a"), Place::Deps(1));
    assert_eq!(place("/x/liba.so"), Place::Deps(2));
    let many: String = (0..400).map(|n| format!(" -L dependency=/d{n}")).collect();
    let invocation = parsed(&format!("{LIB}{many}"));
    assert_eq!(invocation.places.place(Path::new("/d255/a")).place, Place::Deps(255));
    assert_eq!(invocation.places.place(Path::new("/d256/a")).place, Place::Literal);
}

#[test]
fn other_search_paths_and_libraries_count_in_order() {
    for (one, other) in [
        ("-L native=/a -L native=/b", "-L native=/b -L native=/a"),
        ("-L /a", "-L crate=/a"),
        ("-L/a", "-L/b"),
        ("-l static:+whole-archive=foo", "-l static=foo"),
        ("-l foo -l bar", "-l bar -l foo"),
        ("-lfoo:bar", "-lfoo"),
        ("--cfg a --cfg b", "--cfg ab"),
        ("--check-cfg cfg(a)", "--check-cfg cfg(b)"),
        ("-A dead_code -D warnings", "-D warnings -A dead_code"),
        ("--cap-lints allow", "--cap-lints warn"),
        ("--json artifacts", "--json diagnostic-short"),
        ("-C lto", "-C lto=no"),
        ("-C lto=", "-C lto"),
        ("-C metadata=a", "-C metadata=b"),
        ("-C link-arg=-Wl,-rpath,/a", "-C link-arg=-Wl,-rpath,/b"),
        ("--target x86_64-unknown-linux-musl", "--target x86_64-unknown-linux-gnu"),
        ("-C target-cpu=native", "-C target-cpu=x86-64"),
        ("-g", "-O"),
        ("--test", ""),
        ("--sysroot /a", "--sysroot /b"),
        ("-Z sanitizer=address", "-Z sanitizer=leak"),
    ] {
        let with = |flags: &str| key(&parsed(&format!("{LIB} {flags}")));
        assert_ne!(with(one), with(other), "{one} | {other}");
        assert_eq!(with(one), with(one), "{one}");
    }
}

#[test]
fn what_only_diagnostics_see_is_lazy() {
    let wide = parsed(&format!("{LIB} --diagnostic-width=200 --color always"));
    assert_eq!(key(&wide), key(&parsed(LIB)));
    let lazy: Vec<_> = wide.lazy.iter().map(|lazy| (lazy.name, lazy.value.clone())).collect();
    assert_eq!(lazy, [("diagnostic-width", "200".into()), ("color", "always".into())]);
}

#[test]
fn native_is_recognised() {
    for flags in [
        "-C target-cpu=native",
        "-Ctarget_cpu=native",
        "-Z tune-cpu=native",
        "-C link-arg=-march=native",
        "-C llvm-args=-mcpu=native",
    ] {
        assert!(parsed(&format!("{LIB} {flags}")).native, "{flags}");
    }
    assert!(parsed("--print target-cpus").native);
    assert!(!parsed(&format!("{LIB} -C target-cpu=znver4 -L native=/a")).native);
}

#[test]
fn what_is_not_cached_is_named() {
    for (flags, name) in [
        ("--help", "-h, --help"),
        ("--explain E0425", "--explain"),
        ("x.rs -C save-temps", "-C save-temps"),
        ("x.rs -Zself-profile", "-Z self-profile"),
        ("x.rs -Z time-passes=yes", "-Z time-passes"),
        ("x.rs -Zunpretty=expanded", "-Z unpretty"),
        ("x.rs -Z dump-mir=all", "-Z dump-mir"),
        ("x.rs -Zcodegen-backend=/x/lib.so", "-Z codegen-backend"),
        ("x.rs --print link-args", "--print link-args"),
        ("x.rs -C help", "-C help"),
        ("-W help", "-W, --warn"),
    ] {
        assert_eq!(uncached(flags), name);
    }
    assert!(
        parsed(&format!("{LIB} -C save-temps=no -Z time-passes=off -Zcodegen-backend=cranelift"))
            .fields
            .len()
            > 5
    );
    let logging = Line::new(LIB).with("RUSTC_LOG", "info").parse();
    assert!(matches!(logging, Err(Reason::UncachedFlag(name)) if name == "RUSTC_LOG"));
    assert!(Line::new(LIB).with("RUSTC_LOG", "").parse().is_ok());
}

#[test]
fn values_that_are_not_known_are_named() {
    for (flags, name) in [
        ("x.rs --crate-type lib,sdylib", "--crate-type sdylib"),
        ("x.rs --emit=link,rlink", "--emit rlink"),
        ("x.rs --print=weather", "--print weather"),
        ("x.rs --emit=", "--emit "),
    ] {
        let refused = Line::new(flags).parse();
        assert!(matches!(&refused, Err(Reason::UnknownFlag(flag)) if flag == name), "{flags}: {refused:?}");
    }
}

#[test]
fn odd_command_lines_run_unchanged() {
    for line in ["", "-O", "a.rs b.rs", "a.rs --remap-path-prefix=x", "- -"] {
        assert!(matches!(Line::new(line).parse(), Err(Reason::BadArguments(_))), "{line}");
    }
}

#[test]
fn modes() {
    let mode = |line: &Line<'_>| line.fine().mode;
    for question in ["-vV", "-V", "--version", "--print=cfg", "- --crate-name ___ --print=file-names"] {
        assert_eq!(mode(&Line::new(question)), Mode::Probe, "{question}");
    }
    assert_eq!(mode(&Line::new(LIB)), Mode::Compile);
    assert_eq!(mode(&Line::new(LIB).with("OUT_DIR", "/o")), Mode::Compile);
    let by_hand = "--crate-type=rlib --emit=metadata -o /o/probe -";
    assert_eq!(mode(&Line::new(by_hand)), Mode::Compile);
    let probe = Line::new(by_hand).with("OUT_DIR", "/o").fine();
    assert_eq!((probe.mode, probe.stdin, probe.unit.kind.as_str()), (Mode::Probe, true, "probe"));
    let compiles = parsed("--print=native-static-libs --crate-type staticlib x.rs");
    assert_eq!((compiles.mode, compiles.unit.kind.as_str()), (Mode::Compile, "staticlib"));
}

#[test]
fn the_toolchains_path_counts_where_an_argument_names_it() {
    assert!(parsed("--print sysroot").fields.iter().any(|field| field.name == "compiler"));
    assert!(!parsed("-vV").fields.iter().any(|field| field.name == "compiler"));
}

#[test]
fn remap_appends_and_the_inner_directory_comes_last() {
    let line = Line::new(LIB).remapped("/ws", "/ws/target").fine();
    let expected = ["--remap-path-prefix=/ws=/kiln/workspace", "--remap-path-prefix=/ws/target=/kiln/target"];
    assert_eq!(line.append, expected);
    assert_eq!(line.places.place(Path::new("/ws/target/x")).place, Place::Target);
    assert_eq!(line.places.place(Path::new("/ws/x")).place, Place::Work);
    let turned = Line::new(LIB).remapped("/t/ws", "/t").fine();
    assert_eq!(turned.append[1], *expected[0].replace("/ws=", "/t/ws="));
    assert!(parsed(LIB).append.is_empty());
}

#[test]
fn remap_gives_two_checkouts_one_key() {
    let weak = |directory: &str, work: &str, target: &str| {
        let text =
            format!("{directory}/src/lib.rs --crate-type lib -L native={target}/out --out-dir {target}/deps");
        let invocation = Line::new(&text).remapped(work, target).fine();
        let invocation = Invocation { directory: directory.into(), ..invocation };
        let toolchain = kiln_action::Digest::of(b"t");
        let inputs = kiln_action::KeyInputs {
            invocation: &invocation,
            toolchain: &toolchain,
            stdin: None,
            environment: &[],
            settings: &[],
        };
        inputs.weak_key()
    };
    assert_eq!(weak("/a/ws", "/a/ws", "/a/ws/target"), weak("/b", "/b", "/b/target"));
    assert_eq!(weak("/registry/x", "/a/ws", "/a/ws/target"), weak("/registry/x", "/b", "/elsewhere"));
    assert_ne!(weak("/registry/x", "/a", "/a/target"), weak("/registry/y", "/a", "/a/target"));
}

#[test]
fn remap_leaves_the_users_mapping_alone() {
    let append = |flags: &str| {
        let text = format!("{LIB} {flags}");
        let line = Line::new(&text).remapped("/ws", "/ws/target").fine();
        (line.append.len(), line.places.remapped().roots().len())
    };
    assert_eq!(append("--remap-path-prefix=/ws=."), (0, 0));
    assert_eq!(append("--remap-path-prefix /ws/target=t"), (1, 1));
    assert_eq!(append("--remap-path-prefix=/=/root"), (2, 2));
    assert_eq!(append("--remap-path-prefix=/home=/h"), (2, 2));
    assert_eq!(append("--remap-path-scope=macro"), (0, 0));
    assert_eq!(append("--remap-path-scope=all"), (2, 2));
}

#[test]
fn a_user_mapping_counts_as_path_and_text() {
    let line = Line::new("x.rs --remap-path-prefix=/a=b=/c").fine();
    let questions: Vec<_> =
        line.fields.iter().map(|field| (field.name, field.value.to_str(), field.path)).collect();
    let expected = [
        ("input", Some("x.rs"), true),
        ("remap-path-prefix", Some("/a=b"), true),
        ("remap-path-prefix.to", Some("/c"), false),
    ];
    assert_eq!(questions, expected);
}

#[test]
fn clippy_counts_its_own_variables() {
    let recognised =
        recognise(OsStr::new("/t/bin/clippy-driver"), Some(OsStr::new("/t/bin/rustc"))).expect("clippy");
    let args: Vec<OsString> = LIB.split_whitespace().map(OsString::from).collect();
    let context = Context {
        args: &args,
        directory: Path::new("/ws"),
        response: &|_| None,
        remap: None,
        base: None,
        getenv: &|_| None,
    };
    let invocation = crate::parse(&recognised, &context).expect("fine");
    assert!(invocation.environment.contains(&"CLIPPY_ARGS"));
    assert!(!parsed(LIB).environment.contains(&"CLIPPY_ARGS"));
}
