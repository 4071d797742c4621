use super::*;
use kiln_action::{Family, Mode, OutputPlan, Places, Subject, Unit};

pub fn built_in(out: &str, target: Option<&str>) -> Invocation {
    Invocation {
        subject: Subject::Compile(Family::Rustc),
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
        assert_eq!(of_unit(&built_in(out, target)), expected, "{out}");
    }
}
