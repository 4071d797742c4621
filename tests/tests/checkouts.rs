//! Two checkouts of one project share a cache: each gets its own paths, and neither drives the other out.
//!
//! Guards: rivals hand checkout A's baked-in path to checkout B.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use kiln_testkit::{Project, TestSpace, run, tree};
use kiln_tests::macros::{MANIFEST, call, source};
use kiln_tests::projects::{manifest, plainly, rebuilt, right, workspace};

/// Tells its own place in every way a program can; the paths of two checkouts differ in length.
fn teller(space: &TestSpace) -> Project<'_> {
    let project = space.project("a");
    let main = format!(
        r#"include!(concat!(env!("OUT_DIR"), "/made.rs"));
fn main() {{
    println!("{{}} {{}}", env!("CARGO_MANIFEST_DIR"), env!("CARGO_MANIFEST_DIR").len());
    println!("{{}} {{}}", file!(), lib::place());
    println!("{{}} {{}}", made(), MADE);
    println!("{{}} {{}}", {}, {});
    println!("{{}}", outside::place());
}}
"#,
        call("cwd", ""),
        call("env", "CARGO_MANIFEST_DIR")
    );
    let build = r#"fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    let code = "pub fn made() -> String { std::panic::Location::caller().to_string() }\npub const MADE: usize = ";
    std::fs::write(out.clone() + "/made.rs", format!("{code}{};", out.len())).unwrap();
}
"#;
    let place = "pub fn place() -> String {\n    std::panic::Location::caller().to_string()\n}\n";
    project
        .write("ws/Cargo.toml", workspace(&["app", "lib", "pm"]))
        .write("ws/pm/Cargo.toml", MANIFEST)
        .write("ws/pm/src/lib.rs", source(&["cwd", "env"]))
        .write("ws/lib/Cargo.toml", manifest("lib", ""))
        .write("ws/lib/src/lib.rs", place)
        .write("ws/app/Cargo.toml", manifest("app", "lib = { path = \"../lib\" }\npm = { path = \"../pm\" }\noutside = { path = \"../../outside\" }\n"))
        .write("ws/app/build.rs", build)
        .write("ws/app/src/main.rs", main)
        .write("outside/Cargo.toml", manifest("outside", ""))
        .write("outside/src/lib.rs", place);
    project
}

/// The first checkout's workspace and the second's.
fn two_checkouts(space: &TestSpace) -> (Project<'_>, Project<'_>) {
    let first = teller(space);
    first.copy_to("another-checkout");
    (space.project("a/ws"), space.project("another-checkout/ws"))
}

#[test]
fn each_gets_its_own_paths() {
    let space = TestSpace::new();
    let (first, second) = two_checkouts(&space);
    let (printed_first, printed_second) = (right(&first), right(&second));
    assert!(printed_second.contains("another-checkout") && !printed_first.contains("another-checkout"));
    assert_eq!(rebuilt(&first), printed_first);
    assert_eq!(rebuilt(&second), printed_second);
}

#[test]
fn each_gets_its_own_bytes() {
    let space = TestSpace::new();
    let (first, second) = two_checkouts(&space);
    let build = |project: &Project<'_>, kiln: bool| {
        let call = if kiln { project.clean().cargo(&["build"]) } else { project.plain(&["build"]) };
        call.env("CARGO_INCREMENTAL", "0").ok();
        tree::outputs(project.target())
    };
    for project in [&first, &second, &first, &second] {
        let plain = project.aside(|project| build(project, false));
        let got = build(project, true);
        assert_eq!(tree::differences(&plain, &got), Vec::<String>::new());
    }
}

/// Guards: two checkouts that overwrite each other's entry miss for ever.
#[test]
fn taking_turns_hits() {
    let space = TestSpace::new();
    let (first, second) = two_checkouts(&space);
    rebuilt(&first);
    rebuilt(&second);
    let before = space.stats();
    for project in [&first, &second, &first, &second] {
        rebuilt(project);
    }
    let done = space.since(&before);
    assert!(done.misses == 0 && done.hits >= 4 * 6, "{done:?}");
}

/// Warnings name the file of the checkout that is built, in text and in JSON.
#[test]
fn diagnostics_name_this_checkout() {
    let space = TestSpace::new();
    let (first, second) = two_checkouts(&space);
    for project in [&first, &second] {
        project.write(
            "../outside/src/lib.rs",
            "pub fn place() -> String {\n    let unused = 1;\n    String::new()\n}\n",
        );
    }
    for args in [&["build"][..], &["build", "--message-format=json"]] {
        for project in [&first, &second, &first, &second] {
            let plain = project.aside(|project| project.plain(args).ok());
            let got = project.clean().cargo(args).ok();
            assert_eq!(got.diagnostics(), plain.diagnostics());
            let sorted = |text: String| {
                // (cargo says of what kiln has put in place that it was there)
                let text = text.replace("\"fresh\":true", "\"fresh\":false");
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(got.out()), sorted(plain.out()));
        }
    }
}

/// Guards: an edit in one checkout reaches the other, or the same edit in both does not hit.
#[test]
fn edits_in_one_checkout() {
    let space = TestSpace::new();
    let (first, second) = two_checkouts(&space);
    right(&first);
    right(&second);
    first.write("lib/src/lib.rs", "\npub fn place() -> String {\n    String::from(\"edited\")\n}\n");
    assert!(right(&first).contains("edited"));
    assert!(!right(&second).contains("edited"));
    assert!(rebuilt(&first).contains("edited"));
}

/// One checkout moved to another path, target and all.
#[test]
fn checkout_that_was_moved() {
    let space = TestSpace::new();
    let (first, _) = two_checkouts(&space);
    right(&first);
    std::fs::rename(space.path("a"), space.path("moved-to-a-longer-name")).unwrap();
    let moved = space.project("moved-to-a-longer-name/ws");
    assert!(right(&moved).contains("moved-to-a-longer-name"));
}

/// A project whose outputs name no path but through debug information and panic locations.
fn shareable(space: &TestSpace) -> (Project<'_>, Project<'_>) {
    let project = space.project("first-checkout");
    project
        .write("Cargo.toml", workspace(&["app", "lib", "pm"]))
        .write("pm/Cargo.toml", MANIFEST)
        .write("pm/src/lib.rs", source(&["env"]))
        .write("lib/Cargo.toml", manifest("lib", ""))
        .write("lib/src/lib.rs", "pub fn place() -> String {\n    std::panic::Location::caller().to_string()\n}\n")
        .write("app/Cargo.toml", manifest("app", "lib = { path = \"../lib\" }\npm = { path = \"../pm\" }\n"))
        .write("app/src/main.rs", format!("fn main() {{\n    println!(\"{{}} {{}}\", lib::place(), {});\n    panic!(\"on purpose\");\n}}\n", call("env", "PROBE")));
    let second = project.copy_to("the-second-checkout");
    (project, second)
}

#[test]
fn remapped_checkouts_share_everything() {
    let mut space = TestSpace::new();
    space.set_env("KILN_REMAP", "1");
    let (first, second) = shareable(&space);
    first.cargo(&["build"]).ok();
    let before = space.stats();
    second.cargo(&["build"]).ok();
    let done = space.since(&before);
    assert!(done.misses == 0 && done.hits >= 3, "the second checkout must hit: {done:?}");
    for project in [&first, &second] {
        let printed = project.run("debug/app");
        assert_eq!(printed.out(), "lib/src/lib.rs:2:5 None\n");
        assert!(printed.err().contains("app/src/main.rs:3:5"), "{printed}");
    }
    let needle = first.dir().to_string_lossy().into_owned().into_bytes();
    for file in tree::files(&second.built("debug/deps")) {
        let path = second.built("debug/deps").join(file);
        assert!(!tree::contains(&path, &needle), "{path:?} names the first checkout");
    }
    second.assert_fresh(&["build"]);
    first.assert_fresh(&["build"]);
}

/// Remapping must not make anything wrong either: what tells its place is compiled in each checkout.
#[test]
fn remapped_checkouts_that_bake_in_paths() {
    let mut space = TestSpace::new();
    space.set_env("KILN_REMAP", "1");
    let (first, second) = two_checkouts(&space);
    for project in [&first, &second, &first, &second] {
        // Lines with `Location` of code from OUT_DIR and outside may be remapped: values of variables may not.
        let values = |printed: &str| {
            let lines: Vec<String> = printed.lines().map(str::to_owned).collect();
            (lines[0].clone(), lines[2].rsplit(' ').next().map(str::to_owned), lines[3].clone())
        };
        assert_eq!(values(&rebuilt(project)), values(&plainly(project)));
    }
}

/// Guards: remapped and literal results under one key.
#[test]
fn remapping_switched_on_and_off() {
    let space = TestSpace::new();
    let (first, second) = shareable(&space);
    let build = |project: &Project<'_>, remap: &str| {
        project.clean().cargo(&["build"]).env("KILN_REMAP", remap).env("CARGO_INCREMENTAL", "0").ok();
        tree::outputs(project.target())
    };
    let plain = |project: &Project<'_>| {
        project.aside(|project| {
            project.plain(&["build"]).env("CARGO_INCREMENTAL", "0").ok();
            tree::outputs(project.target())
        })
    };
    build(&first, "1");
    for project in [&first, &second] {
        let differences = tree::differences(&plain(project), &build(project, "0"));
        assert_eq!(differences, Vec::<String>::new());
        build(project, "1");
    }
}

/// Two targets of one checkout, and a git-like worktree below the first checkout.
#[test]
fn checkout_inside_a_checkout() {
    let space = TestSpace::new();
    let (first, _) = shareable(&space);
    first.copy_to("first-checkout-copy");
    std::fs::rename(space.path("first-checkout-copy"), first.path("worktree")).unwrap();
    let inner = space.project("first-checkout/worktree");
    for project in [&first, &inner, &first, &inner] {
        let plain = project.aside(|project| {
            project.plain(&["build"]).ok();
            project.run("debug/app")
        });
        project.clean().cargo(&["build"]).ok();
        let got = run(space.command(project.built("debug/app")).current_dir(project.dir()));
        assert_eq!((got.out(), got.status), (plain.out(), plain.status));
    }
}
