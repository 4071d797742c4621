use super::*;
use crate::recognise;

fn context<'a>(args: &'a [OsString], getenv: &'a dyn Fn(&str) -> Option<OsString>) -> Context<'a> {
    Context { args, directory: Path::new("/p"), response: &|_| None, remap: None, base: None, getenv }
}

#[test]
fn names() {
    let real = real_name(OsStr::new("build_script_build-0a1b")).unwrap();
    assert_eq!(real, "build_script_build-0a1b.real");
    assert!(
        is_build_script("build_script_build-0a1b.real") && is_build_script("build_script_make_it-0a.real")
    );
    assert!(
        !is_build_script("build_script_build-0a1b")
            && !is_build_script("build-script-build")
            && !is_build_script("app.real")
    );
    assert!(
        real_name(OsStr::new("build_script_build-0a1b.d")).is_none()
            && real_name(OsStr::new("app-0a")).is_none()
    );
    let called = called(Path::new("/t/build/p-0a/build_script_build-0a.real"));
    assert_eq!(called, Some("/t/build/p-0a/build-script-build".into()));
}

#[test]
fn a_run_is_recognised_and_understood() {
    let recognised = recognise(OsStr::new("/t/build/p-0a/build_script_build-0a.real"), None).unwrap();
    assert_eq!(recognised.subject, Subject::BuildScript);
    let getenv = |name: &str| match name {
        "OUT_DIR" => Some("/t/build/p-0b/out".into()),
        "CARGO_PKG_NAME" => Some("p".into()),
        _ => None,
    };
    let args = ["one".into()];
    let run = parse(&recognised, &context(&args, &getenv)).unwrap();
    assert_eq!((run.unit.name.as_str(), run.unit.kind.as_str()), ("p", KIND));
    assert!(run.outputs.declares(Path::new("/t/build/p-0b/out/deep/file")) && !run.outputs.is_empty());
    assert!(!run.outputs.declares(Path::new("/t/build/p-0b/output")));
    assert!(run.environment.contains(&"OUT_DIR") && run.fields[0].value == "one");
    for out in [None, Some("out")] {
        let getenv = |name: &str| out.filter(|_| name == "OUT_DIR").map(OsString::from);
        assert!(parse(&recognised, &context(&args, &getenv)).is_err(), "{out:?}");
    }
}

#[test]
fn only_jobs_are_forgotten() {
    assert!(is_inert("NUM_JOBS") && is_inert("CARGO_MAKEFLAGS"));
    assert!(!is_inert("KILN_OVEN") && !is_inert("RUST_BACKTRACE") && !is_inert("TARGET"));
}
