use super::*;
use kiln_action::{Family, Mode, OutputPlan, Places, Unit};

pub fn built_in(out: &str, target: Option<&str>) -> Invocation {
    Invocation {
        family: Family::Rustc,
        mode: Mode::Compile,
        unit: Unit { name: "a".into(), kind: "lib".into() },
        compiler: "/t/bin/rustc".into(),
        wrapper: None,
        target: target.map(Into::into),
        fields: Vec::new(),
        lazy: Vec::new(),
        externs: Vec::new(),
        outputs: OutputPlan { directory: out.into(), ..OutputPlan::default() },
        places: Places::new(),
        stdin: false,
        incremental: false,
        native: false,
        links: false,
        environment: &[],
        append: Vec::new(),
        directory: "/registry/a-1.0.0".into(),
        source: None,
        depfile: None,
        shows_directory: false,
    }
}

#[test]
fn the_output_directory_tells_the_project() {
    for (out, target, expected) in [
        ("/w/app/target/debug/deps", None, "/w/app"),
        ("/w/app/target/debug/examples", None, "/w/app"),
        ("/w/app/target/release/build/libc-0123456789abcdef", None, "/w/app"),
        ("/w/app/target/aarch64-unknown-linux-gnu/debug/deps", Some("aarch64-unknown-linux-gnu"), "/w/app"),
        ("/w/app/target/board/debug/deps", Some("/specs/board.json"), "/w/app"),
        ("/var/shared/debug/deps", None, "/var/shared"),
        ("/somewhere", None, "/registry/a-1.0.0"),
    ] {
        assert_eq!(project(&built_in(out, target)), expected, "{out}");
    }
}

#[test]
fn a_salt_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let units = Units::new(directory.path().join("units"));
    let salt = units.salt().unwrap();
    assert_eq!(salt.len(), SALT);
    assert_eq!(units.salt(), Some(salt));
}

#[test]
fn a_version_is_what_the_compiler_says_first() {
    let directory = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"toolchain");
    assert_eq!(version(directory.path(), &digest), "");
    keep_version(directory.path(), &digest, b"rustc 1.95.0 (abc 2026-04-14)\nbinary: rustc\n");
    assert_eq!(version(directory.path(), &digest), "rustc 1.95.0 (abc 2026-04-14)");
    keep_version(directory.path(), &digest, b"debug_assertions\n");
    assert_eq!(version(directory.path(), &digest), "rustc 1.95.0 (abc 2026-04-14)");
}
