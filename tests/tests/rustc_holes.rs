//! What compiler caches overlook of rustc and its linker: one test per hole that a rival was seen to have.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs::{self, File};
use std::path::Path;

use kiln_testkit::{Project, TestSpace, Toolchain, run, run_with_input, tree};
use kiln_tests::native::{archive, gcc, object};
use kiln_tests::projects::{app, manifest, plainly, rebuilt, right, workspace};

/// Guards: extern names missing from a key, or joined to their paths without a separator.
#[test]
fn swapped_extern_names() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project.write("one.rs", "pub fn f() -> i32 { 1 }").write("two.rs", "pub fn f() -> i32 { 2 }");
    project.write("main.rs", "fn main() { println!(\"{} {}\", a::f(), b::f()); }");
    for name in ["one", "two"] {
        let source = format!("{name}.rs");
        run(&mut project.rustc(&[
            "--crate-name",
            name,
            "--crate-type",
            "lib",
            "--edition=2021",
            "--emit=link,metadata,dep-info",
            &source,
        ]))
        .ok();
    }
    let prints = |a: &str, b: &str| {
        let (a, b) = (format!("a=lib{a}.rlib"), format!("b=lib{b}.rlib"));
        let args = [
            "--crate-name",
            "main",
            "--edition=2021",
            "--emit=link,dep-info",
            "--extern",
            &a,
            "--extern",
            &b,
            "main.rs",
        ];
        run(&mut project.rustc(&args)).ok();
        run(&mut space.command(project.path("main"))).ok().out()
    };
    assert_eq!(prints("one", "two"), "1 2\n");
    assert_eq!(prints("two", "one"), "2 1\n");
    assert_eq!(prints("one", "two"), "1 2\n");
}

/// Guards: arguments concatenated without separators, and values that move between flags.
#[test]
fn arguments_that_join_to_the_same_text() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"{} {} {}\", cfg!(a), cfg!(ab), cfg!(b)); }");
    let prints = |flags: &str| {
        project.clean().cargo(&["build"]).env("RUSTFLAGS", format!("-Aunexpected_cfgs {flags}")).ok();
        project.prints("debug/app")
    };
    assert_eq!(prints("--cfg a --cfg b"), "true false true\n");
    assert_eq!(prints("--cfg ab"), "false true false\n");
    assert_eq!(prints("--cfg b --cfg ab"), "false true true\n");
    assert_eq!(prints("--cfg a --cfg b"), "true false true\n");
}

/// Guards: LLVM reckons constants by libc's mathematics, whose last bits are others where the processor does not multiply and add at once.
#[test]
fn sine_that_is_reckoned_while_it_is_compiled() {
    let space = TestSpace::new();
    let sines: String = (1..3000).map(|n| format!("({n}f64 * 0.00123).sin(), ")).collect();
    let source = format!(
        "fn main() {{\n    let all = [{sines}];\n    let sum = all.iter().fold(0_u64, |sum, it| sum.rotate_left(5) ^ it.to_bits());\n    println!(\"{{sum}}\");\n}}\n"
    );
    let project = app(&space, "ws", &source);
    let args = ["build", "--release"];
    let less = ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4");
    let prints = || project.prints("release/app");
    project.plain(&args).env(less.0, less.1).ok();
    let expected = prints();
    project.clean().cargo(&args).ok();
    let first = prints();
    if first == expected {
        return; // this processor does not either
    }
    project.clean().cargo(&args).env(less.0, less.1).ok();
    assert_eq!(prints(), expected, "left: kiln, right: plain cargo");
    project.clean().cargo(&args).ok();
    assert_eq!(prints(), first);
}

/// Guards: sources hashed without their paths: the same bytes as `a/mod.rs` panic at another place.
#[test]
fn module_moved_to_mod_rs() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "mod a;\nfn main() { println!(\"{}\", a::place()); }\n");
    project.write("src/a.rs", "pub fn place() -> String { std::panic::Location::caller().to_string() }\n");
    assert!(right(&project).starts_with("src/a.rs:"));
    project.rename("src/a.rs", "src/a/mod.rs");
    assert!(right(&project).starts_with("src/a/mod.rs:"));
    assert!(fs::read_to_string(dep_info(&project)).unwrap().contains("src/a/mod.rs"), "a stale dep-info");
    project.rename("src/a/mod.rs", "src/a.rs");
    assert!(right(&project).starts_with("src/a.rs:"));
}

fn dep_info(project: &Project<'_>) -> std::path::PathBuf {
    let deps = project.built("debug/deps");
    let name = tree::files(&deps)
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "d"));
    deps.join(name.expect("a dep-info file"))
}

/// Guards: dep-info names `a.rs` only, but rustc also looked for `a/mod.rs` and refuses when both exist (E0761).
#[test]
fn second_file_for_a_module_is_an_error() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "mod a;\nfn main() { println!(\"{}\", a::VALUE); }\n");
    project.write("src/a.rs", "pub const VALUE: i32 = 1;\n");
    assert_eq!(right(&project), "1\n");
    project.write("src/a/mod.rs", "pub const VALUE: i32 = 2;\n");
    project.clean().cargo(&["build"]).run().fails_with("E0761");
    project.remove("src/a.rs");
    assert_eq!(right(&project), "2\n");
}

/// Guards: a nested module of a file given by #[path] is looked for elsewhere than one of a plain module.
#[test]
fn second_file_for_a_nested_module_is_an_error() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "mod a;\nfn main() { println!(\"{}\", a::b::VALUE); }\n");
    project.write("src/a.rs", "pub mod b;\n").write("src/a/b.rs", "pub const VALUE: i32 = 1;\n");
    assert_eq!(right(&project), "1\n");
    project.write("src/a/b/mod.rs", "pub const VALUE: i32 = 2;\n");
    project.clean().cargo(&["build"]).run().fails_with("E0761");
}

/// A package that calls `native_value` of `libnat.a` in `native/`, which its build script links in this way.
fn native_app<'a>(space: &'a TestSpace, kind: &str, attribute: &str) -> Project<'a> {
    let main = format!(
        "{attribute}\nextern \"C\" {{ fn native_value() -> i32; }}\nfn main() {{ println!(\"{{}}\", unsafe {{ native_value() }}); }}\n"
    );
    let project = app(space, "ws", &main);
    project
        .write("native/libnat.a", archive(space, "native_value", 1))
        .write("build.rs", native_build(&["native"], kind));
    project
}

fn native_build(dirs: &[&str], kind: &str) -> String {
    let mut lines = String::from(
        "println!(\"cargo::rerun-if-changed=build.rs\");\nlet here = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n",
    );
    for dir in dirs {
        lines.push_str(&format!("println!(\"cargo::rustc-link-search=native={{here}}/{dir}\");\n"));
    }
    if !kind.is_empty() {
        lines.push_str(&format!("println!(\"cargo::rustc-link-lib={kind}=nat\");\n"));
    }
    format!("fn main() {{\n{lines}}}\n")
}

#[track_caller]
fn follows_archive(project: &Project<'_>, library: &str) {
    let space = project.space();
    assert_eq!(right(project), "1\n");
    let before = fs::metadata(project.path(library)).and_then(|meta| meta.modified()).unwrap();
    project.write(library, archive(space, "native_value", 2));
    assert_eq!(right(project), "2\n");
    // The same length and the same mtime as before: only content and ctime tell.
    project.write(library, archive(space, "native_value", 3));
    File::options().append(true).open(project.path(library)).unwrap().set_modified(before).unwrap();
    assert_eq!(right(project), "3\n");
    project.write(library, archive(space, "native_value", 1));
    assert_eq!(right(project), "1\n");
    project.remove(library);
    assert!(!project.clean().cargo(&["build"]).run().success(), "the library is gone");
}

#[test]
fn static_archive_changes() {
    let space = TestSpace::new();
    follows_archive(&native_app(&space, "static", ""), "native/libnat.a");
}

#[test]
fn whole_archive_changes() {
    let space = TestSpace::new();
    follows_archive(&native_app(&space, "static:+whole-archive", ""), "native/libnat.a");
}

#[test]
fn unbundled_archive_changes() {
    let space = TestSpace::new();
    follows_archive(&native_app(&space, "static:-bundle", ""), "native/libnat.a");
}

/// Guards: no argument names the library, only the source does.
#[test]
fn archive_of_a_link_attribute_changes() {
    let space = TestSpace::new();
    let project = native_app(&space, "", "#[link(name = \"nat\", kind = \"static\")]");
    follows_archive(&project, "native/libnat.a");
}

/// Guards: the objects are bundled into an rlib two steps away from the program.
#[test]
fn archive_bundled_in_a_transitive_rlib_changes() {
    for kind in ["static", "static:+whole-archive", "static:-bundle"] {
        let space = TestSpace::new();
        let project = space.project("ws");
        project
            .write("Cargo.toml", workspace(&["deep", "middle", "app"]))
            .write("deep/Cargo.toml", manifest("deep", ""))
            .write("deep/build.rs", native_build(&["../native"], kind))
            .write("deep/src/lib.rs", "extern \"C\" { fn native_value() -> i32; }\npub fn value() -> i32 { unsafe { native_value() } }\n")
            .write("middle/Cargo.toml", manifest("middle", "deep = { path = \"../deep\" }\n"))
            .write("middle/src/lib.rs", "pub use deep::value;\n")
            .write("app/Cargo.toml", manifest("app", "middle = { path = \"../middle\" }\n"))
            .write("app/src/main.rs", "fn main() { println!(\"{}\", middle::value()); }\n")
            .write("native/libnat.a", archive(&space, "native_value", 1));
        follows_archive(&project, "native/libnat.a");
    }
}

/// Guards: a library that appears in an earlier search directory shadows the one that was linked.
#[test]
fn earlier_native_library_shadows() {
    let space = TestSpace::new();
    let project = native_app(&space, "static", "");
    project.write("build.rs", native_build(&["early", "native"], "static")).write("early/unrelated", "");
    assert_eq!(right(&project), "1\n");
    project.write("early/libnat.a", archive(&space, "native_value", 2));
    assert_eq!(right(&project), "2\n");
    project.remove("early/libnat.a");
    assert_eq!(right(&project), "1\n");
    project.write("build.rs", native_build(&["native", "early"], "static"));
    project.write("early/libnat.a", archive(&space, "native_value", 2));
    assert_eq!(right(&project), "1\n");
}

/// Guards: the order of two search directories that both have the library.
#[test]
fn order_of_native_search_directories() {
    let space = TestSpace::new();
    let project = native_app(&space, "static", "");
    project.write("early/libnat.a", archive(&space, "native_value", 2));
    for (dirs, printed) in
        [(["native", "early"], "1\n"), (["early", "native"], "2\n"), (["native", "early"], "1\n")]
    {
        project.write("build.rs", native_build(&dirs, "static"));
        assert_eq!(right(&project), printed);
    }
}

/// Guards: gcc adds the directories of LIBRARY_PATH behind everybody's back.
#[test]
fn library_path_variable() {
    let mut space = TestSpace::new();
    space.set_env("KEEP", "1");
    let project = native_app(&space, "", "");
    project.write("build.rs", "fn main() { println!(\"cargo::rustc-link-arg=-lnat\"); }\n");
    project.write("other/libnat.a", archive(&space, "native_value", 2));
    let prints = |dir: &str| {
        project.clean().cargo(&["build"]).env("LIBRARY_PATH", project.path(dir)).ok();
        project.prints("debug/app")
    };
    assert_eq!(prints("native"), "1\n");
    assert_eq!(prints("other"), "2\n");
    assert_eq!(prints("native"), "1\n");
    project.write("native/libnat.a", archive(&space, "native_value", 3));
    assert_eq!(prints("native"), "3\n");
}

fn link_arg_app<'a>(space: &'a TestSpace, argument: &str) -> Project<'a> {
    let project = native_app(space, "", "");
    project.write(
        "build.rs",
        format!("fn main() {{ println!(\"cargo::rustc-link-arg={{}}\", {argument:?}); }}\n"),
    );
    project
}

#[test]
fn object_given_as_a_link_argument_changes() {
    let space = TestSpace::new();
    let file = space.write("outside/thing.o", object(&space, "native_value", 1));
    let project = link_arg_app(&space, &file.to_string_lossy());
    for value in [1, 2, 3, 1] {
        space.write("outside/thing.o", object(&space, "native_value", value));
        assert_eq!(right(&project), format!("{value}\n"));
    }
}

/// Guards: the linker's own response file, and a file that the response file names.
#[test]
fn response_file_of_the_linker_changes() {
    let space = TestSpace::new();
    for value in [1, 2] {
        space.write(format!("outside/{value}.o"), object(&space, "native_value", value));
    }
    let response = space.path("outside/response");
    let project = link_arg_app(&space, &format!("-Wl,@{}", response.display()));
    for value in [1, 2, 1] {
        space.write("outside/response", format!("{}/outside/{value}.o\n", space.root().display()));
        assert_eq!(right(&project), format!("{value}\n"));
    }
    space.write("outside/1.o", object(&space, "native_value", 5));
    assert_eq!(right(&project), "5\n");
}

/// Guards: a version script decides what a cdylib exports.
#[test]
fn version_script_changes() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let script = space.write("outside/exports", "{ local: alpha; };");
    project
        .write("Cargo.toml", manifest("cdy", "\n[lib]\ncrate-type = [\"cdylib\"]\n"))
        .write(
            "src/lib.rs",
            "#[no_mangle]\npub extern \"C\" fn alpha() {}\n#[no_mangle]\npub extern \"C\" fn beta() {}\n",
        )
        .write(
            "build.rs",
            format!(
                "fn main() {{ println!(\"cargo::rustc-cdylib-link-arg=-Wl,--version-script={}\"); }}\n",
                script.display()
            ),
        );
    let build = |project: &Project<'_>, kiln: bool| {
        let call = if kiln { project.clean().cargo(&["build"]) } else { project.plain(&["build"]) };
        // A link that fails leaves objects with random names behind.
        let success = call.run().success();
        (success, if success { tree::outputs(&project.built("debug/deps")) } else { Default::default() })
    };
    for content in ["{ local: alpha; };", "{ local: beta; };", "this is no script", "{ local: alpha; };"] {
        space.write("outside/exports", content);
        let (plain_success, plain) = project.aside(|project| build(project, false));
        let (success, got) = build(&project, true);
        assert_eq!(success, plain_success, "{content}");
        assert_eq!(tree::differences(&plain, &got), Vec::<String>::new(), "{content}");
    }
}

/// Guards: the linker is a script, and does something else now.
#[test]
fn linker_script_changes() {
    let space = TestSpace::new();
    for value in [1, 2] {
        space.write(format!("outside/{value}.o"), object(&space, "native_value", value));
    }
    let project = native_app(&space, "", "");
    project.write("build.rs", "fn main() {}\n");
    let linker = space.path("outside/linker");
    let flags = format!("-Clinker={}", linker.display());
    for value in [1, 2, 1] {
        let object = space.path(format!("outside/{value}.o"));
        space.script("outside/linker", &format!("#!/bin/sh\nexec cc \"$@\" {}\n", object.display()));
        project.clean().cargo(&["build"]).env("RUSTFLAGS", &flags).ok();
        assert_eq!(project.prints("debug/app"), format!("{value}\n"));
    }
}

/// Guards: another `cc` comes first on PATH; PATH itself is unchanged.
#[test]
fn linker_shadowed_on_path() {
    let mut space = TestSpace::new();
    let path = format!("{}:{}", space.path("early").display(), std::env::var("PATH").unwrap());
    space.set_env("PATH", path);
    let extra = space.write("outside/extra.o", object(&space, "native_value", 2));
    let project = native_app(&space, "static", "");
    assert_eq!(right(&project), "1\n");
    let script = format!("#!/bin/sh\nexec /usr/bin/cc {} \"$@\"\n", extra.display());
    space.script("early/cc", &script);
    assert_eq!(right(&project), "2\n");
    fs::remove_file(space.path("early/cc")).unwrap();
    assert_eq!(right(&project), "1\n");
}

/// Guards: mold writes into the old inode of its output: a hard-linked store would be overwritten.
#[test]
fn relink_in_place_does_not_reach_the_store() {
    if !Toolchain::has("mold") {
        return; // the linker that does it is not here
    }
    let space = TestSpace::new();
    let project = app(&space, "ws", "");
    let build = |value: &str| {
        project.write("src/main.rs", format!("fn main() {{ println!(\"{value}\"); }}\n"));
        project.cargo(&["build"]).env("RUSTFLAGS", "-Clink-arg=-fuse-ld=mold").ok();
        assert_eq!(project.prints("debug/app"), format!("{value}\n"));
    };
    build("one");
    build("two");
    build("one");
    build("two");
    project.clean();
    build("one");
    build("two");
}

/// Guards: `--check-cfg` changes which warnings are replayed.
#[test]
fn check_cfg_changes_warnings() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"{}\", cfg!(sometimes)); }\n");
    let manifest_with = |lints: &str| format!("{}{lints}", manifest("app", ""));
    for _ in 0..2 {
        project.write("Cargo.toml", manifest_with(""));
        diagnostics_agree(&project, &["build"], Some("unexpected `cfg` condition name"));
        project.write(
            "Cargo.toml",
            manifest_with(
                "\n[lints.rust]\nunexpected_cfgs = { level = \"warn\", check-cfg = ['cfg(sometimes)'] }\n",
            ),
        );
        diagnostics_agree(&project, &["build"], None);
    }
}

/// Guards: a lint level changes whether a unit warns, fails or says nothing.
#[test]
fn lint_level_changes_diagnostics() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { let unused = 1; }\n");
    let levels = [
        ("warn", Some("unused variable")),
        ("allow", None),
        ("deny", Some("unused variable")),
        ("warn", Some("unused variable")),
    ];
    for (level, message) in levels {
        project.write("Cargo.toml", format!("{}\n[lints.rust]\nunused = \"{level}\"\n", manifest("app", "")));
        diagnostics_agree(&project, &["build"], message);
        diagnostics_agree(&project, &["check"], message);
    }
}

/// Cold and warm builds say what plain cargo says; `message` is in it, or nothing is said.
#[track_caller]
fn diagnostics_agree(project: &Project<'_>, args: &[&str], message: Option<&str>) {
    let plain = project.aside(|project| project.plain(args).run());
    match message {
        Some(message) => assert!(plain.err().contains(message), "{plain}"),
        None => assert_eq!(plain.diagnostics(), Vec::<String>::new()),
    }
    for round in ["cold", "warm"] {
        let got = project.clean().cargo(args).run();
        assert_eq!(got.success(), plain.success(), "{round}: {got}");
        assert_eq!(
            got.diagnostics(),
            plain.diagnostics(),
            "{round}: left is through kiln, right plain cargo"
        );
    }
}

#[test]
fn warnings_are_shown_again_on_a_hit() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { let unused = 1; }\n");
    diagnostics_agree(&project, &["build"], Some("--> src/main.rs:1:17"));
}

/// Guards: colours are asked for at replay, not when the unit was compiled.
#[test]
fn warnings_keep_the_colours_asked_for() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { let unused = 1; }\n");
    for colour in ["always", "never", "always"] {
        let args = ["build", "--color", colour];
        diagnostics_agree(&project, &args, Some("unused"));
        let warm = project.clean().cargo(&args).ok();
        assert_eq!(warm.err().contains('\u{1b}'), colour == "always", "{warm}");
    }
}

#[test]
fn json_messages_are_replayed() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { let unused = 1; }\n");
    for format in ["json", "json-diagnostic-rendered-ansi", "short", "json-diagnostic-short"] {
        let format = format!("--message-format={format}");
        let args = ["build", format.as_str()];
        let plain = project.aside(|project| project.plain(&args).ok());
        for round in ["cold", "warm"] {
            let got = project.clean().cargo(&args).env("KILN_PREFILL", "false").ok();
            assert_eq!(got.out(), plain.out(), "{format} {round}");
            assert_eq!(got.diagnostics(), plain.diagnostics(), "{format} {round}");
        }
    }
}

/// Guards: `--diagnostic-width` and the error format belong to the answer.
#[test]
fn diagnostic_width_and_format() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let long = "x".repeat(150);
    project.write("lib.rs", format!("pub fn f() {{ let {long} = 1; }}\n"));
    for extra in [
        &["--diagnostic-width=40"][..],
        &["--diagnostic-width=200"],
        &["--error-format=short"],
        &["--error-format=json"],
        &["--diagnostic-width=40"],
    ] {
        let args = [
            &["--crate-name", "lib", "--crate-type", "lib", "--emit=metadata,dep-info", "lib.rs"][..],
            extra,
        ]
        .concat();
        let plain = run(&mut project.plain_rustc(&args)).ok();
        for round in ["cold", "warm"] {
            assert_eq!(run(&mut project.rustc(&args)).ok().err(), plain.err(), "{extra:?} {round}");
        }
    }
}

/// Guards: RUSTC_BOOTSTRAP is in no dep-info and changes what compiles, and the bytes.
#[test]
fn rustc_bootstrap_variable() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "#![feature(never_type)]\nfn main() { println!(\"built\"); }\n");
    for _ in 0..2 {
        project.clean().cargo(&["build"]).run().fails_with("E0554");
        project.clean().cargo(&["build"]).env("RUSTC_BOOTSTRAP", "1").ok();
        assert_eq!(project.prints("debug/app"), "built\n");
    }
    project.clean().cargo(&["build"]).run().fails_with("E0554");
}

#[test]
fn rustc_bootstrap_changes_bytes() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() {}\n");
    project.write("src/lib.rs", "pub fn f<T: Clone>(t: &T) -> T { t.clone() }\n");
    for bootstrap in [None, Some("1"), None] {
        let build = |project: &Project<'_>, kiln: bool| {
            let mut call = if kiln { project.cargo(&["build"]) } else { project.plain(&["build"]) };
            call = call.env("CARGO_INCREMENTAL", "0");
            bootstrap.into_iter().fold(call, |call, value| call.env("RUSTC_BOOTSTRAP", value)).ok();
            tree::outputs(project.target())
        };
        let plain = project.aside(|project| build(project, false));
        let got = build(project.clean(), true);
        assert_eq!(tree::differences(&plain, &got), Vec::<String>::new(), "{bootstrap:?}");
    }
}

/// Guards: keyed as the word "native", it is served to a machine without the instructions; at least it builds.
#[test]
fn target_cpu_native() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"{}\", cfg!(target_feature = \"avx2\")); }\n");
    let prints = |flags: &str, kiln: bool| {
        project.clean();
        let call = if kiln { project.cargo(&["build"]) } else { project.plain(&["build"]) };
        call.env("RUSTFLAGS", flags).ok();
        project.prints("debug/app")
    };
    for flags in [
        "-Ctarget-cpu=native",
        "-Ctarget-cpu=x86-64",
        "-Ctarget-cpu=native",
        "-Ctarget-cpu=native -Ctarget-feature=-avx2",
    ] {
        if Toolchain::host().starts_with("x86_64") || flags.ends_with("native") {
            assert_eq!(prints(flags, true), prints(flags, false), "{flags}");
        }
    }
}

/// Guards: a crate beside std is found in the sysroot without any argument that names it.
#[test]
fn library_in_the_sysroot_is_replaced() {
    let space = TestSpace::new();
    let libraries = format!("lib/rustlib/{}/lib", Toolchain::host());
    let ours = space.path("sysroot").join(&libraries);
    fs::create_dir_all(&ours).unwrap();
    for entry in fs::read_dir(Toolchain::sysroot().join(&libraries)).unwrap().flatten() {
        std::os::unix::fs::symlink(entry.path(), ours.join(entry.file_name())).unwrap();
    }
    let project = space.project("ws");
    project.write("main.rs", "extern crate beside;\nfn main() { println!(\"{}\", beside::VALUE); }\n");
    let sysroot = space.path("sysroot").to_string_lossy().into_owned();
    for value in ["1", "2", "1"] {
        project.write("beside.rs", format!("pub const VALUE: i32 = {value};\n"));
        let out = ours.to_string_lossy().into_owned();
        let library = ["--crate-name", "beside", "--crate-type", "lib", "--out-dir", &out, "beside.rs"];
        run(&mut project.plain_rustc(&library)).ok();
        run(&mut project.rustc(&[
            "--crate-name",
            "main",
            "--emit=link,dep-info",
            "--sysroot",
            &sysroot,
            "main.rs",
        ]))
        .ok();
        assert_eq!(run(&mut space.command(project.path("main"))).ok().out(), format!("{value}\n"));
    }
}

/// Guards: a target specification is a file; its name in the arguments stays the same.
#[test]
fn target_specification_changes() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let unstable = |command: &mut std::process::Command| run(command.env("RUSTC_BOOTSTRAP", "1"));
    let print = ["-Zunstable-options", "--print", "target-spec-json", "--target", Toolchain::host()];
    let specification = unstable(&mut project.plain_rustc(&print)).ok().out();
    project.write(
        "lib.rs",
        "#![feature(no_core)]\n#![no_core]\n#[cfg(target_vendor = \"one\")]\npub mod one {}\n",
    );
    let args = [
        "-Zunstable-options",
        "--target",
        "spec.json",
        "--crate-type",
        "lib",
        "--crate-name",
        "lib",
        "--emit=metadata,dep-info",
        "lib.rs",
    ];
    let mut seen = Vec::new();
    for vendor in ["one", "two", "one"] {
        let changed = specification.replacen('{', &format!("{{ \"vendor\": \"{vendor}\", "), 1);
        project.write("spec.json", changed);
        let plain = unstable(&mut project.plain_rustc(&args));
        let expected = fs::read(project.path("liblib.rmeta")).ok();
        let _ = fs::remove_file(project.path("liblib.rmeta"));
        let got = unstable(&mut project.rustc(&args));
        assert_eq!((got.status, got.err()), (plain.status, plain.err()));
        assert_eq!(fs::read(project.path("liblib.rmeta")).ok(), expected, "vendor {vendor}");
        seen.push(expected.unwrap_or_else(|| panic!("the specification must be accepted: {plain}")));
    }
    assert_ne!(seen[0], seen[1], "a vendor that does not matter proves nothing");
}

/// Guards: the compiler is a script (a wrapper of a distribution, a version manager) that reads a file of its own.
#[test]
fn compiler_behind_a_script() {
    let space = TestSpace::new();
    let rustc = Toolchain::rustc();
    let settings = space.write("outside/settings", "one");
    let script =
        format!("#!/bin/sh\nexec {} \"$@\" --cfg \"$(cat {})\"\n", rustc.display(), settings.display());
    let compiler = space.script("outside/bin/rustc", &script);
    let project = app(&space, "ws", "fn main() { println!(\"{} {}\", cfg!(one), cfg!(two)); }\n");
    for (setting, printed) in [("one", "true false\n"), ("two", "false true\n"), ("one", "true false\n")] {
        space.write("outside/settings", setting);
        project.clean().cargo(&["build"]).env("RUSTC", &compiler).env("RUSTFLAGS", "-Aunexpected_cfgs").ok();
        assert_eq!(project.prints("debug/app"), printed);
    }
}

/// Guards: probes answered from memory after the compiler behind the same path was replaced.
#[test]
fn probe_answers_follow_the_compiler() {
    let space = TestSpace::new();
    let compiler = space.path("bin/rustc");
    for version in ["one", "two", "one"] {
        space.script("bin/rustc", &format!("#!/bin/sh\necho rustc {version}\n"));
        let counts = run(space.kiln(&[]).arg(&compiler).arg("-vV")).ok().out();
        assert_eq!(counts, format!("rustc {version}\n"));
    }
}

#[test]
fn probes_answer_as_rustc_does() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let host = Toolchain::host();
    let probes: [&[&str]; 9] = [
        &["-vV"],
        &["-V"],
        &["--version", "--verbose"],
        &[
            "-",
            "--crate-name",
            "___",
            "--print=file-names",
            "--crate-type",
            "bin",
            "--crate-type",
            "rlib",
            "--print=sysroot",
            "--print=split-debuginfo",
            "--print=crate-name",
            "--print=cfg",
            "-Wwarnings",
        ],
        &["--print", "cfg", "--target", host],
        &["--print", "cfg", "-Ctarget-feature=+avx2"],
        &["--print", "target-list"],
        &["--print", "no-such-thing"],
        &["--print", "cfg", "--target", "no-such-target"],
    ];
    for probe in probes {
        let plain = run(&mut project.plain_rustc(probe));
        for round in 0..3 {
            let got = run(&mut project.rustc(probe));
            assert_eq!(
                (got.status, got.out(), got.err()),
                (plain.status, plain.out(), plain.err()),
                "{probe:?} {round}"
            );
        }
    }
    // An answer that depends on a variable.
    for bootstrap in ["0", "1", "-1", "0"] {
        let probe = ["--print", "cfg"];
        let plain = run(project.plain_rustc(&probe).env("RUSTC_BOOTSTRAP", bootstrap));
        let got = run(project.rustc(&probe).env("RUSTC_BOOTSTRAP", bootstrap));
        assert_eq!((got.status, got.out()), (plain.status, plain.out()), "RUSTC_BOOTSTRAP={bootstrap}");
    }
}

/// Guards: a failure is the compiler's to give each time, and is never stored.
#[test]
fn failing_unit_keeps_failing() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { let x: i32 = \"text\"; }\n");
    for _ in 0..3 {
        diagnostics_agree(&project, &["build"], Some("E0308"));
    }
    let call = ["--crate-name", "app", "--emit=metadata,dep-info", "--out-dir", "target", "src/main.rs"];
    let before = space.stats();
    for _ in 0..2 {
        run(&mut project.rustc(&call)).fails_with("E0308");
    }
    assert_eq!(space.since(&before).hits, 0, "a failure was served");
    project.write("src/main.rs", "fn main() { println!(\"right\"); }\n");
    assert_eq!(right(&project), "right\n");
}

/// Guards: a link error, which leaves dep-info behind.
#[test]
fn failing_link_keeps_failing() {
    let space = TestSpace::new();
    let project = native_app(&space, "", "");
    project.write("build.rs", "fn main() {}\n");
    for _ in 0..2 {
        project.clean().cargo(&["build"]).run().fails_with("native_value");
    }
    project.write("build.rs", native_build(&["native"], "static"));
    assert_eq!(right(&project), "1\n");
}

#[test]
fn response_file_of_rustc() {
    let space = TestSpace::new();
    let project = space.project("ws");
    project.write("main.rs", "fn main() { println!(\"{} {}\", cfg!(one), cfg!(two)); }\n");
    for (setting, printed) in [("one", "true false\n"), ("two", "false true\n"), ("one", "true false\n")] {
        project.write("args", format!("--cfg\n{setting}\n-Aunexpected_cfgs\n--emit=link,dep-info\n"));
        run(&mut project.rustc(&["--crate-name", "main", "@args", "main.rs"])).ok();
        assert_eq!(run(&mut space.command(project.path("main"))).ok().out(), printed);
    }
}

/// Guards: the source is on stdin (rustix and others probe so), and is in no file.
#[test]
fn source_on_stdin() {
    let space = TestSpace::new();
    let project = space.project("ws");
    for (value, ok) in [("1", true), ("2", true), ("broken", false), ("1", true)] {
        let source = format!("pub const V: i32 = {value};\n");
        let args = ["--crate-name", "probe", "--crate-type=rlib", "--emit=metadata", "-o", "out.rmeta", "-"];
        let _ = fs::remove_file(project.path("out.rmeta"));
        let plain = run_with_input(&mut project.plain_rustc(&args), source.as_bytes());
        let expected = fs::read(project.path("out.rmeta")).ok();
        for round in 0..2 {
            let _ = fs::remove_file(project.path("out.rmeta"));
            let got = run_with_input(&mut project.rustc(&args), source.as_bytes());
            assert_eq!((got.status, got.err()), (plain.status, plain.err()), "{value} {round}");
            assert_eq!(fs::read(project.path("out.rmeta")).ok(), expected, "{value} {round}");
            assert_eq!(got.success(), ok);
        }
    }
}

/// Guards: the identity of a file that is rewritten within one timestamp tick, at the same length.
#[test]
fn rewrites_within_one_tick() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let source = project.path("lib.rs");
    let text = |value: i32| format!("pub const V: i32 = {value};\n");
    let args = [
        "--crate-name",
        "lib",
        "--crate-type",
        "lib",
        "--emit=metadata,dep-info",
        "--out-dir",
        "out",
        "lib.rs",
    ];
    let mut expected = Vec::new();
    fs::create_dir(project.path("out")).unwrap();
    for value in [1, 2] {
        fs::write(&source, text(value)).unwrap();
        run(&mut project.plain_rustc(&args)).ok();
        expected.push(fs::read(project.path("out/liblib.rmeta")).unwrap());
        run(&mut project.rustc(&args)).ok();
    }
    assert_ne!(expected[0], expected[1]);
    for round in 0..60 {
        for value in [1, 2] {
            fs::write(&source, text(value)).unwrap();
            run(&mut project.rustc(&args)).ok();
            let got = fs::read(project.path("out/liblib.rmeta")).unwrap();
            assert!(got == expected[value as usize - 1], "round {round}: the metadata of the other content");
        }
    }
}

/// Guards: an edit that keeps length and mtime, at once after a build that remembered the digest.
#[test]
fn rewrite_with_the_old_mtime() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"one\"); }\n");
    let source = project.path("src/main.rs");
    for word in ["one", "two", "six", "one", "two"] {
        let before = fs::metadata(&source).and_then(|meta| meta.modified()).unwrap();
        fs::write(&source, format!("fn main() {{ println!(\"{word}\"); }}\n")).unwrap();
        File::options().append(true).open(&source).and_then(|file| file.set_modified(before)).unwrap();
        assert_eq!(rebuilt(&project), format!("{word}\n"));
    }
}

/// Guards: a file replaced by renaming another one over it, older than the build.
#[test]
fn source_replaced_by_an_older_file() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"{}\", include_str!(\"text\")); }\n");
    project.write("src/text", "one").write("src/older", "two");
    assert_eq!(right(&project), "one\n");
    project.rename("src/older", "src/text");
    assert_eq!(right(&project), "two\n");
}

/// Guards: code included from OUT_DIR has that directory's path in it.
#[test]
fn code_from_out_dir_in_two_target_directories() {
    let space = TestSpace::new();
    let project = app(
        &space,
        "ws",
        "include!(concat!(env!(\"OUT_DIR\"), \"/code.rs\"));\nfn main() { println!(\"{}\", place()); }\n",
    );
    let code = "pub fn place() -> String { std::panic::Location::caller().to_string() }\\n";
    project.write("build.rs", format!("fn main() {{ std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/code.rs\", \"{code}\").unwrap(); }}\n"));
    let other = project.with_target(space.path("other"));
    for _ in 0..2 {
        let (here, there) = (right(&project), right(&other));
        assert!(here.contains("ws/target/") && there.contains("/other/"), "{here}{there}");
    }
}

/// Guards: `option_env!` and `env!`, set, unset, empty.
#[test]
fn declared_variables() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"{:?}\", option_env!(\"PROBE\")); }\n");
    for (value, printed) in [
        (None, "None\n"),
        (Some(""), "Some(\"\")\n"),
        (Some("a\\b\nc"), "Some(\"a\\\\b\\nc\")\n"),
        (None, "None\n"),
    ] {
        let call = project.clean().cargo(&["build"]);
        value.into_iter().fold(call, |call, value| call.env("PROBE", value)).ok();
        assert_eq!(project.prints("debug/app"), printed);
        let dep_info = fs::read_to_string(dep_info(&project)).unwrap();
        assert!(dep_info.contains("# env-dep:PROBE"), "{dep_info}");
    }
}

/// Guards: dep-info of a hit must hold today's values, else cargo rebuilds for ever or never.
#[test]
fn declared_variable_in_a_kept_target() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"{:?}\", option_env!(\"PROBE\")); }\n");
    for value in ["one", "two", "one", "two"] {
        project.cargo(&["build"]).env("PROBE", value).ok();
        assert_eq!(project.prints("debug/app"), format!("Some({value:?})\n"));
        project.assert_fresh_after(project.cargo(&["build", "-v"]).env("PROBE", value));
    }
}

/// Guards: a dylib dependency is linked by its content.
#[test]
fn shared_library_changes() {
    let space = TestSpace::new();
    let project = native_app(&space, "dylib", "");
    project.remove("native/libnat.a");
    for value in [1, 2, 1] {
        let source = space.write("outside/nat.c", format!("int native_value(void) {{ return {value}; }}\n"));
        let library = project.path("native/libnat.so");
        gcc(&["-shared", "-fPIC", "-o", text(&library), text(&source)]);
        project.clean().cargo(&["build"]).ok();
        let printed =
            run(space.command(project.built("debug/app")).env("LD_LIBRARY_PATH", project.path("native")))
                .ok();
        assert_eq!(printed.out(), format!("{value}\n"));
    }
    // Its symbol is gone: the link must fail again.
    let source = space.write("outside/nat.c", "int other_value(void) { return 0; }\n");
    gcc(&["-shared", "-fPIC", "-o", text(&project.path("native/libnat.so")), text(&source)]);
    project.clean().cargo(&["build"]).run().fails_with("native_value");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Guards: an unknown flag must not be ignored in a key.
#[test]
fn profile_use_data_changes() {
    let space = TestSpace::new();
    let project = app(&space, "ws", "fn main() { println!(\"built\"); }\n");
    let flags = format!("-Cprofile-use={}", space.path("outside/data.profdata").display());
    space.write("outside/data.profdata", "this is no profile");
    let plain = project.aside(|project| project.plain(&["build"]).env("RUSTFLAGS", &flags).run());
    let got = project.clean().cargo(&["build"]).env("RUSTFLAGS", &flags).run();
    assert_eq!(got.success(), plain.success(), "{got}");
    assert_eq!(plainly(&project), "built\n");
}
