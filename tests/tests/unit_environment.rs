//! The variables, features and flags that cargo gives a unit are today's, whatever they were when the target directory was built before:
//! every place from which cargo takes them changes, and nothing else does.
//!
//! The histories at the end are random: `KILN_FUZZ_SEED=<seed> cargo test -p kiln-tests --test unit_environment chosen_or_longer` plays one
//! again, `KILN_FUZZ_ROUNDS=<n>` plays n of them from there (or from a random seed).

use kiln_testkit::{Outcome, TestSpace, run};
use kiln_tests::macros;
use kiln_tests::projects::{self, plainly, workspace};
use kiln_tests::unit_environment::{DIMENSIONS, VariedWorkspace, place, play, usual};

/// Filled as usual; then each variant is what plain cargo makes, when it is new and when it has been built before; and so is the way back.
#[track_caller]
fn follows(name: &str) {
    let space = TestSpace::new();
    let mut workspace = VariedWorkspace::new(&space);
    let is =
        |outcome: Result<(), String>| outcome.unwrap_or_else(|difference| panic!("{name}: {difference}"));
    is(workspace.check().map(drop));
    is(workspace.check_filled());
    for variant in 1..DIMENSIONS[place(name)].variants {
        let mut state = usual();
        state[place(name)] = variant;
        workspace.become_(&state);
        is(workspace.check().map(drop));
        is(workspace.check().map(drop));
        workspace.become_(&usual());
        is(workspace.check().map(drop));
    }
}

macro_rules! dimensions {
    ($($test:ident = $name:literal;)*) => {
        $(
            #[test]
            fn $test() {
                follows($name);
            }
        )*

        #[test]
        fn every_dimension_has_its_test() {
            let tested = [$($name),*];
            assert!(DIMENSIONS.iter().all(|it| tested.contains(&it.name)));
        }
    };
}

dimensions! {
    description = "description";
    license = "license";
    authors = "authors";
    version = "version";
    inherited_homepage = "inherited homepage";
    inherited_rust_version = "inherited rust-version";
    readme = "readme";
    links = "links";
    what_a_script_says = "what a dependency's script says";
    what_a_script_sets = "what a script sets, with a blank behind";
    features = "features";
    opt_level = "opt-level";
    debug = "debug";
    release = "release";
    configured = "configured [env]";
    configured_like_cargos = "configured [env] called like one of cargo's";
    users_host = "the user's HOST";
    users_profile = "the user's PROFILE and DEBUG";
    users_dep = "the user's DEP_";
    users_feature = "the user's CARGO_FEATURE_";
    users_pkg = "the user's CARGO_PKG_";
    rustflags = "RUSTFLAGS";
    watched = "a variable that is watched";
    another_program = "another program";
    where_cargo_is_started = "where cargo is started";
    stray_lock_file = "a stray lock file";
    moved_dependency = "another path of a dependency";
    workspace_wrapper = "the compiler's wrapper of the workspace";
}

/// The programs that a test may run: another name in the manifest, and nothing else.
#[test]
fn programs_that_tests_run() {
    let space = TestSpace::new();
    let project = space.project("ws");
    let manifest = |name: &str| {
        format!("{}\n[[bin]]\nname = \"{name}\"\npath = \"src/main.rs\"\n", projects::manifest("app", ""))
    };
    project
        .write("Cargo.toml", manifest("first"))
        .write("src/main.rs", "fn main() {}\n")
        .write(
            "tests/t.rs",
            "#[test]\nfn t() {\n    panic!(\"{:?} {:?}\", option_env!(\"CARGO_BIN_EXE_first\"), option_env!(\"CARGO_BIN_EXE_other\"));\n}\n",
        );
    let printed = |outcome: Outcome| -> Vec<String> {
        let out = outcome.out() + &outcome.err();
        let lines: Vec<String> = out
            .lines()
            .filter(|line| line.starts_with("Some(") || line.starts_with("None "))
            .map(str::to_owned)
            .collect();
        assert!(!lines.is_empty(), "{outcome}");
        lines
    };
    for name in ["first", "first", "other", "first", "other"] {
        if project.read("Cargo.toml") != manifest(name) {
            project.write("Cargo.toml", manifest(name));
        }
        let expected = project.aside(|project| printed(project.plain(&["test"]).run()));
        project.clean();
        let got = printed(run(space.kiln(&["cargo", "test"]).current_dir(project.dir())));
        assert_eq!(got, expected, "{name}: left: kiln cargo, right: plain cargo");
    }
}

/// A dependency that names its workspace, in every way in which a manifest can say so; what it inherits from there changes.
#[test]
fn workspaces_however_they_are_named() {
    let of = |package: &str| {
        let rest = "name = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\ndescription.workspace = true\n";
        format!("{package}{rest}\n[dependencies]\npm = {{ path = '../../ws/pm' }}\n")
    };
    let inline = |workspace: &str| {
        let rest = "name = 'p', version = '0.1.0', edition = '2021', description.workspace = true";
        format!("package = {{ {workspace}, {rest} }}\ndependencies.pm.path = '../../ws/pm'\n")
    };
    for manifest in [
        of("[package]\n\"work\\u0073pace\" = \"../../up\"\n"),
        of("[\"p\\u0061ckage\"]\n\"\\U00000077orkspace\" = '''../../up'''\n"),
        of("[package]\n'workspace'\t= \"\"\"\n../\\\n  ../up\"\"\"\n"),
        of("[ 'package' ]\nworkspace = \"..\\u002f../up\"\n"),
        inline("\"work\\u0073pace\" = '../../up'"),
        of("package . \"workspac\\u0065\" = '../../up'\npackage . ")
            .replace("\nversion", "\npackage.version")
            .replace("\nedition", "\npackage . edition")
            .replace("\ndescription", "\npackage.description"),
    ] {
        names_its_workspace(&manifest);
    }
}

#[track_caller]
fn names_its_workspace(manifest: &str) {
    let space = TestSpace::new();
    let project = space.project("ws");
    let describe = |text: &str| {
        let members = "[workspace]\nresolver = \"2\"\nmembers = [\"../far/p\"]\n";
        space.write("up/Cargo.toml", format!("{members}[workspace.package]\ndescription = \"{text}\"\n"));
    };
    space.write("far/p/Cargo.toml", manifest);
    let read = macros::call("env", "CARGO_PKG_DESCRIPTION");
    space.write("far/p/src/lib.rs", format!("pub const TOLD: &str = {read};\n"));
    project
        .write("Cargo.toml", workspace(&["app", "pm"]))
        .write("pm/Cargo.toml", macros::MANIFEST)
        .write("pm/src/lib.rs", macros::source(&["env"]))
        .write("app/Cargo.toml", projects::manifest("app", "p = { path = \"../../far/p\" }\n"))
        .write("app/src/main.rs", "fn main() {\n    println!(\"{}\", p::TOLD);\n}\n");
    for text in ["one", "two"] {
        describe(text);
        let expected = plainly(&project);
        assert!(expected.contains(text), "{expected}");
        run(space.kiln(&["cargo", "build"]).current_dir(project.clean().dir())).ok();
        assert_eq!(project.prints("debug/app"), expected, "{manifest}\nleft: kiln cargo, right: plain cargo");
    }
}

macro_rules! histories {
    ($($name:ident = $seed:literal;)*) => {
        $(
            #[test]
            fn $name() {
                play($seed, 6);
            }
        )*
    };
}

histories! {
    history_1 = 1;
    history_2 = 2;
    history_3 = 3;
    history_4 = 4;
}

/// Nothing by default: see `KILN_FUZZ_SEED` and `KILN_FUZZ_ROUNDS`.
#[test]
fn chosen_or_longer() {
    kiln_tests::history::rounds_from_environment(|seed| play(seed, 8));
}
