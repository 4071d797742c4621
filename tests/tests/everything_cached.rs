//! Whatever cargo asks of rustc is cached: cold and warm builds through kiln make what plain cargo makes, byte for
//! byte, a warm one compiles nothing, and cargo finds everything fresh afterwards.
//!
//! Guards: rivals cache libraries only, or not with incremental on, or not when one of many flags is given.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::fs;

use kiln_testkit::{Cargo, Outcome, Project, TestSpace, Toolchain, run, tree};
use kiln_tests::macros::{MANIFEST, call, source};
use kiln_tests::projects::{manifest, workspace};

/// How a build is called.
struct Build<'a> {
    args: &'a [&'a str],
    env: &'a [(&'a str, &'a str)],
    /// Outputs are compared with plain cargo's.
    reproducible: bool,
}

fn dev<'a>(args: &'a [&'a str]) -> Build<'a> {
    Build { args, env: &[("CARGO_INCREMENTAL", "0")], reproducible: true }
}

impl Build<'_> {
    fn of<'p>(&self, project: &'p Project<'p>, kiln: bool) -> Cargo<'p> {
        // After the command, before any `--`.
        let args = [&self.args[..1], &["-v"], &self.args[1..]].concat();
        let call = if kiln { project.cargo(&args) } else { project.plain(&args) };
        self.env.iter().fold(call, |call, (name, value)| call.env(name, value))
    }
}

/// Plain, cold and warm; then all fresh.
#[track_caller]
fn agrees(project: &Project<'_>, build: &Build<'_>) {
    let space = project.space();
    let expected = project.path("expected");
    let plain = build.of(project.clean(), false).ok();
    let units = Project::units(&plain);
    assert!(units > 0, "a build of nothing: {plain}");
    fs::rename(project.target(), &expected).expect("set the expected outputs aside");
    let mut before = space.stats();
    for round in ["cold", "warm"] {
        before = space.stats();
        let got = build.of(project.clean(), true).ok();
        same(&plain, &got, round);
        if build.reproducible {
            tree::assert_same_outputs(&expected, project.target());
        }
    }
    let warm = space.since(&before);
    assert!(warm.misses == 0 && warm.hits >= units && warm.errors == 0, "{units} units must hit: {warm:?}");
    project.assert_fresh_after(build.of(project, true));
    project.assert_fresh_after(build.of(project, false));
    fs::remove_dir_all(&expected).expect("rm");
}

#[track_caller]
fn same(plain: &Outcome, got: &Outcome, round: &str) {
    assert_eq!(got.diagnostics(), plain.diagnostics(), "{round}: left is through kiln, right plain cargo");
    assert_eq!(without_durations(got), without_durations(plain), "{round}");
}

/// stdout, but for how long tests took and in which order they ended.
fn without_durations(outcome: &Outcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome
        .out()
        .lines()
        .map(|line| line.split("; finished in").next().unwrap_or(line).to_owned())
        .collect();
    lines.sort();
    lines
}

/// Every kind of crate, target and unit in one workspace.
fn all_kinds(space: &TestSpace) -> Project<'_> {
    let project = space.project("ws");
    let kinds = [
        ("dy", "dylib"),
        ("cdy", "cdylib"),
        ("sta", "staticlib"),
        ("rl", "rlib"),
        ("mixed", "lib\", \"cdylib\", \"staticlib"),
    ];
    for (name, kind) in kinds {
        let lib = format!("base = {{ path = \"../base\" }}\n\n[lib]\ncrate-type = [\"{kind}\"]\n");
        project.write(format!("{name}/Cargo.toml"), manifest(name, &lib));
        let code = format!("#[no_mangle]\npub extern \"C\" fn {name}_value() -> i32 {{ base::value() }}\n");
        project.write(format!("{name}/src/lib.rs"), code);
    }
    let file = project.path("app/data.txt");
    project
        .write("Cargo.toml", workspace(&["base", "dy", "cdy", "sta", "rl", "mixed", "pm", "app"]))
        .write("base/Cargo.toml", manifest("base", ""))
        .write("base/src/lib.rs", BASE)
        .write("pm/Cargo.toml", MANIFEST)
        .write("pm/src/lib.rs", source(&["read"]))
        .write("app/data.txt", "data")
        .write("app/Cargo.toml", manifest("app", "base = { path = \"../base\" }\nrl = { path = \"../rl\" }\nmixed = { path = \"../mixed\" }\npm = { path = \"../pm\" }\n"))
        .write("app/build.rs", BUILD)
        .write("app/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n\n#[test]\nfn made() {\n    assert_eq!(MADE, 7);\n}\n")
        .write("app/src/main.rs", format!("fn main() {{\n    let unused = 1;\n    println!(\"{{}} {{}} {{}}\", base::value(), app::MADE, {});\n}}\n", call("read", file)))
        .write("app/src/bin/second.rs", "fn main() {\n    println!(\"{}\", rl::rl_value() + mixed::mixed_value());\n}\n")
        .write("app/examples/shown.rs", "fn main() {\n    println!(\"{}\", base::value());\n}\n")
        .write("app/tests/outside.rs", "#[test]\nfn program() {\n    let path = env!(\"CARGO_BIN_EXE_second\");\n    assert!(std::process::Command::new(path).output().unwrap().status.success());\n}\n")
        .write("app/benches/quick.rs", "#[test]\nfn nothing() {}\n");
    project
}

const BASE: &str = "/// Seven less four.\n///\n/// ```\n/// assert_eq!(base::value(), 3);\n/// ```\npub fn value() -> i32 {\n    3\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn value() {\n        assert_eq!(super::value(), 3);\n    }\n}\n";

const BUILD: &str = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    std::fs::write(std::env::var(\"OUT_DIR\").unwrap() + \"/made.rs\", \"pub const MADE: i32 = 7;\\n\").unwrap();\n}\n";

/// A library, a macro, a build script and a program: enough for one flag.
fn few_kinds(space: &TestSpace) -> Project<'_> {
    let project = space.project("ws");
    project
        .write("Cargo.toml", workspace(&["base", "pm", "app"]))
        .write("base/Cargo.toml", manifest("base", ""))
        .write("base/src/lib.rs", BASE)
        .write("pm/Cargo.toml", MANIFEST)
        .write("pm/src/lib.rs", source(&["env"]))
        .write("app/Cargo.toml", manifest("app", "base = { path = \"../base\" }\npm = { path = \"../pm\" }\n"))
        .write("app/build.rs", BUILD)
        .write("app/src/main.rs", format!("include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\nfn main() {{\n    println!(\"{{}} {{}} {{}}\", base::value(), MADE, {});\n}}\n", call("env", "PROBE")));
    project
}

#[track_caller]
fn all_kinds_agree(args: &[&str]) {
    let space = TestSpace::new();
    agrees(&all_kinds(&space), &dev(args));
}

#[test]
fn build_of_every_kind() {
    let space = TestSpace::new();
    let project = all_kinds(&space);
    agrees(&project, &dev(&["build", "--workspace"]));
    assert_eq!(project.prints("debug/app"), "3 7 data\n");
    assert_eq!(project.prints("debug/second"), "6\n");
}

#[test]
fn release() {
    all_kinds_agree(&["build", "--workspace", "--release"]);
}

#[test]
fn all_targets() {
    all_kinds_agree(&["build", "--workspace", "--all-targets"]);
}

#[test]
fn check() {
    all_kinds_agree(&["check", "--workspace", "--all-targets"]);
}

/// Tests run from restored binaries; doctests are rustdoc's and run unchanged.
#[test]
fn test() {
    all_kinds_agree(&["test", "--workspace"]);
}

#[test]
fn bench_harness() {
    all_kinds_agree(&["bench", "--no-run", "--workspace"]);
}

#[test]
fn run_a_program() {
    all_kinds_agree(&["run", "--bin", "app"]);
}

#[test]
fn example() {
    all_kinds_agree(&["run", "--example", "shown"]);
}

#[test]
fn explicit_target() {
    all_kinds_agree(&["build", "--workspace", "--target", Toolchain::host()]);
}

/// Through `clippy-driver`: members only, and their lints are replayed.
#[test]
fn clippy() {
    if !Toolchain::has("cargo-clippy") {
        return; // not every toolchain has it
    }
    let space = TestSpace::new();
    let project = few_kinds(&space);
    project.write("base/src/lib.rs", "pub fn value() -> i32 {\n    let x = 3;\n    return x;\n}\n");
    agrees(&project, &dev(&["clippy", "--workspace"]));
    agrees(&project, &dev(&["clippy", "--workspace", "--", "-Wclippy::pedantic"]));
    let shown = project.cargo(&["clippy", "--workspace"]).ok();
    assert!(shown.err().contains("clippy::needless_return"), "{shown}");
}

/// clippy.toml changes what clippy says.
#[test]
fn clippy_settings_change() {
    if !Toolchain::has("cargo-clippy") {
        return; // not every toolchain has it
    }
    let space = TestSpace::new();
    let project = few_kinds(&space);
    let arguments: Vec<String> = (0..5).map(|number| format!("_{number}: i32")).collect();
    project.write("base/src/lib.rs", format!("pub fn value({}) -> i32 {{ 3 }}\n", arguments.join(", ")));
    for (limit, warned) in [(4, true), (7, false), (4, true)] {
        project.write("clippy.toml", format!("too-many-arguments-threshold = {limit}\n"));
        let got = project.clean().cargo(&["clippy", "-p", "base"]).ok();
        assert_eq!(got.err().contains("too_many_arguments"), warned, "limit {limit}: {got}");
    }
}

#[track_caller]
fn flags_agree(args: &[&str], env: &[(&str, &str)]) {
    let space = TestSpace::new();
    let env = [&[("CARGO_INCREMENTAL", "0")], env].concat();
    agrees(&few_kinds(&space), &Build { args, env: &env, reproducible: true });
}

#[test]
fn debuginfo_levels() {
    for level in ["0", "1", "line-tables-only", "line-directives-only"] {
        flags_agree(&["build", "--workspace"], &[("CARGO_PROFILE_DEV_DEBUG", level)]);
    }
}

#[test]
fn split_debuginfo_packed() {
    flags_agree(&["build", "--workspace"], &[("CARGO_PROFILE_DEV_SPLIT_DEBUGINFO", "packed")]);
}

#[test]
fn split_debuginfo_unpacked() {
    flags_agree(&["build", "--workspace"], &[("CARGO_PROFILE_DEV_SPLIT_DEBUGINFO", "unpacked")]);
}

#[test]
fn stripped() {
    for how in ["debuginfo", "symbols"] {
        flags_agree(&["build", "--workspace"], &[("CARGO_PROFILE_DEV_STRIP", how)]);
    }
}

#[test]
fn panic_abort() {
    flags_agree(&["build", "--workspace"], &[("CARGO_PROFILE_DEV_PANIC", "abort")]);
}

#[test]
fn lto() {
    for kind in ["thin", "fat", "off"] {
        flags_agree(&["build", "--workspace", "--release"], &[("CARGO_PROFILE_RELEASE_LTO", kind)]);
    }
}

#[test]
fn codegen_units_and_opt_level() {
    flags_agree(
        &["build", "--workspace", "--release"],
        &[("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")],
    );
}

#[test]
fn coverage() {
    flags_agree(
        &["build", "--workspace"],
        &[("RUSTFLAGS", "-Cinstrument-coverage"), ("LLVM_PROFILE_FILE", "/dev/null")],
    );
}

/// A nightly flag, which the stable compiler takes as well. Its runtime comes with the host's standard library.
#[test]
fn address_sanitizer() {
    flags_agree(
        &["build", "--workspace", "--target", Toolchain::host()],
        &[("RUSTFLAGS", "-Zsanitizer=address"), ("RUSTC_BOOTSTRAP", "1"), ("ASAN_OPTIONS", "detect_leaks=0")],
    );
}

/// Another C library, linked statically by rustc itself.
#[test]
fn target_musl() {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    if Toolchain::has_target(&target) {
        flags_agree(&["build", "--workspace", "--target", &target], &[]);
    }
}

#[test]
fn target_features_and_linker_flags() {
    flags_agree(
        &["build", "--workspace"],
        &[("RUSTFLAGS", "-Ctarget-cpu=native -Clink-arg=-Wl,--build-id -Cforce-frame-pointers=yes")],
    );
}

#[test]
fn rpath_and_prefer_dynamic() {
    flags_agree(&["build", "--workspace"], &[("RUSTFLAGS", "-Cprefer-dynamic -Crpath=yes")]);
}

#[test]
fn user_remaps_paths() {
    flags_agree(&["build", "--workspace"], &[("RUSTFLAGS", "--remap-path-prefix=/tmp=/elsewhere")]);
}

/// Incremental outputs are not reproducible, but a hit is what one real run made: all hit, all fresh, program right.
#[test]
fn incremental() {
    let space = TestSpace::new();
    let project = all_kinds(&space);
    agrees(
        &project,
        &Build { args: &["build", "--workspace"], env: &[("CARGO_INCREMENTAL", "1")], reproducible: false },
    );
    assert_eq!(project.prints("debug/app"), "3 7 data\n");
    // A chain of edits, some of them hits: the session directory is older than the outputs then.
    for value in [4, 5, 4, 6, 3, 5] {
        project.write("base/src/lib.rs", format!("pub fn value() -> i32 {{ {value} }}\n"));
        project.cargo(&["build", "--workspace"]).env("CARGO_INCREMENTAL", "1").ok();
        assert_eq!(project.prints("debug/app"), format!("{value} 7 data\n"));
        project
            .assert_fresh_after(project.cargo(&["build", "--workspace", "-v"]).env("CARGO_INCREMENTAL", "1"));
    }
}

/// A nightly flag that is in common use; only where a nightly toolchain is installed.
#[test]
fn nightly_flag() {
    let space = TestSpace::new();
    let nightly = [
        ("RUSTUP_TOOLCHAIN", "nightly"),
        ("CARGO_INCREMENTAL", "0"),
        ("RUSTFLAGS", "-Zshare-generics=y -Zthreads=2"),
    ];
    let installed = run(space
        .command("rustc")
        .arg("-vV")
        .env("RUSTUP_TOOLCHAIN", "nightly")
        .env("RUSTUP_AUTO_INSTALL", "0"));
    if installed.success() && installed.out().contains("nightly") {
        agrees(
            &few_kinds(&space),
            &Build { args: &["build", "--workspace"], env: &nightly, reproducible: true },
        );
    }
}

/// rustdoc is not wrapped by cargo; it reads what kiln restored.
#[test]
fn documentation() {
    let space = TestSpace::new();
    let project = few_kinds(&space);
    for _ in 0..2 {
        project.clean().cargo(&["doc", "--workspace", "--no-deps"]).ok();
        assert!(project.built("doc/base/fn.value.html").exists());
    }
}

/// `kiln cargo build` sets the wrapper and ends with one line that counts.
#[test]
fn kiln_cargo_build() {
    let space = TestSpace::new();
    let project = few_kinds(&space);
    let call = |args: &[&str]| run(space.kiln(&["cargo"]).args(args).current_dir(project.dir()));
    let last = |outcome: &Outcome| outcome.err().lines().last().unwrap_or_default().to_owned();
    let cold = call(&["build", "--workspace"]).ok();
    assert!(last(&cold).starts_with("kiln: ") && last(&cold).contains(" compiled"), "{cold}");
    project.clean();
    let warm = call(&["build", "--workspace"]).ok();
    let line = last(&warm);
    assert!(line.starts_with("kiln: ") && line.contains(" restored") && line.contains(" saved"), "{warm}");
    assert!(!line.contains(" 0 restored"), "{warm}");
    assert_eq!(project.prints("debug/app"), "3 7 None\n");
    // cargo's own streams and exit code come through.
    project.write("app/src/main.rs", "fn main() { std::process::exit(7) }\n");
    assert_eq!(call(&["run", "-q", "--bin", "app"]).status.code(), Some(7));
    assert_eq!(call(&["no-such-command"]).status.code(), Some(101));
}

/// A build with nothing to do asks kiln nothing.
#[test]
fn build_of_nothing_is_free() {
    let space = TestSpace::new();
    let project = few_kinds(&space);
    project.cargo(&["build", "--workspace"]).ok();
    let before = space.stats();
    project.cargo(&["build", "--workspace"]).ok();
    let done = space.since(&before);
    assert_eq!((done.hits, done.misses, done.bypasses.len()), (0, 0, 0), "{done:?}");
}
