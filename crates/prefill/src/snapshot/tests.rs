use super::*;
use crate::recorded::CargoVariable;
use kiln_action::{ActionKey, WeakKey};

fn key() -> SnapshotKey {
    SnapshotKey::of(b"a build")
}

fn call(key: u8, argv: &[&str], variables: &[(&str, &str)]) -> RecordedCall {
    RecordedCall {
        key: ActionKey::of_name([key; 32]),
        weak: WeakKey::of_name([key; 32]),
        question: false,
        at_ns: u64::from(key),
        argv: argv.iter().map(OsString::from).collect(),
        directory: PathBuf::from("/w"),
        variables: variables
            .iter()
            .map(|(name, value)| CargoVariable {
                name: name.into(),
                value: value.into(),
                before_users: false,
            })
            .collect(),
    }
}

fn unit(call: RecordedCall, files: &[&str]) -> RecordedUnit {
    let file = |path: &&str| (PathBuf::from(path), CargoFile::cut(Path::new("lib-x"), b"x").unwrap());
    RecordedUnit { call, files: files.iter().map(file).collect() }
}

#[test]
fn what_is_written_is_read() {
    let asked =
        RecordedAnswer { call: call(2, &["/bin/rustc", "-vV"], &[]), shapes: vec![1], result: vec![2] };
    let snapshot = Snapshot {
        units: vec![unit(
            call(3, &["/bin/rustc", "a b"], &[("OUT_DIR", "/t/out")]),
            &["debug/.fingerprint/a-1/lib-a"],
        )],
        questions: vec![asked],
        tag: b"tag".to_vec(),
        manifests: Manifests::default(),
    };
    let bytes = snapshot.encode(&key());
    assert_eq!(Snapshot::decode(&key(), &bytes), Ok(snapshot));
    for end in 0..bytes.len() {
        assert!(Snapshot::decode(&key(), &bytes[..end]).is_err(), "{end}");
    }
}

/// Guards: whoever can write to a store must not be able to write anywhere else.
#[test]
fn files_that_are_not_cargos_own_are_nobodys() {
    let reads = |path: &str| {
        let units = vec![unit(call(1, &["rustc"], &[]), &[path])];
        Snapshot::decode(&key(), &Snapshot { units, ..Snapshot::default() }.encode(&key())).is_ok()
    };
    for path in [
        "debug/.fingerprint/a-1/lib-a",
        "x86_64-unknown-linux-gnu/debug/.fingerprint/a-1/dep-lib-a",
        "debug/build/a-1/output",
        "debug/build/a-1/invoked.timestamp",
    ] {
        assert!(reads(path), "{path}");
    }
    for path in [
        "",
        "lib-a",
        "/debug/.fingerprint/a-1/lib-a",
        "debug/.fingerprint/../lib-a",
        "../.fingerprint/a-1/lib-a",
        "debug/.fingerprint/a-1/more/lib-a",
        "debug/deps/a-1/lib-a",
        "debug/build/a-1/build-script-build",
        "debug/build/a-1/out/output",
        ".fingerprint/a-1/lib-a",
        "tmp/nest/debug/.fingerprint/a-1/lib-a",
    ] {
        assert!(!reads(path), "{path}");
    }
}

#[test]
fn a_unit_is_built_where_cargo_builds_it() {
    let built = |argv: &[&str], variables: &[(&str, &str)]| {
        profile_of(Path::new("/w/target"), &call(1, argv, variables)).map(|it| it.display().to_string())
    };
    let compiled = |out: &str| built(&["rustc", "--out-dir", out], &[]);
    let for_triple = |out: &str| built(&["rustc", "--out-dir", out, "--target", "riscv"], &[]);
    let run =
        |out: &str| built(&["/w/target/debug/build/a-1/script"], &[("OUT_DIR", out), ("TARGET", "riscv")]);
    let is = |profile: &str| Some(format!("/w/target/{profile}"));
    assert_eq!(compiled("/w/target/debug/deps"), is("debug"));
    assert_eq!(compiled("/w/target/ci/examples"), is("ci"));
    assert_eq!(compiled("/w/target/debug/build/a-1"), is("debug"));
    assert_eq!(for_triple("/w/target/riscv/debug/deps"), is("riscv/debug"));
    assert_eq!(for_triple("/w/target/debug/deps"), is("debug"));
    assert_eq!(run("/w/target/debug/build/a-1/out"), is("debug"));
    assert_eq!(run("/w/target/riscv/debug/build/a-1/out"), is("riscv/debug"));
    for elsewhere in [
        "/w/target/deps",
        "/w/target/debug",
        "/w/target/nest/debug/deps",
        "/w/target/tmp/nest/debug/deps",
        "/w/target/../debug/deps",
        "/elsewhere/debug/deps",
        "/w/target/debug/other/a-1",
    ] {
        assert_eq!(compiled(elsewhere), None, "{elsewhere}");
    }
    assert_eq!(for_triple("/w/target/arm/debug/deps"), None);
    assert_eq!(run("/w/target/arm/debug/build/a-1/out"), None);
    assert_eq!(built(&["rustc", "-vV"], &[]), None);
    // What is in a snapshot besides lies in the same directory.
    let own = call(1, &["rustc", "--out-dir", "/w/target/debug/deps"], &[]);
    let profiles = |file: &str| {
        let units = vec![unit(own.clone(), &["debug/.fingerprint/a-1/lib-a", file])];
        Snapshot { units, ..Snapshot::default() }.profiles(Path::new("/w/target"))
    };
    assert_eq!(profiles("debug/build/a-1/output"), Some(BTreeSet::from(["/w/target/debug".into()])));
    assert_eq!(profiles("release/build/a-1/output"), None);
}

#[test]
fn units_stand_behind_what_they_need() {
    let rustc = |key, name: &str, needs: &[&str]| {
        let externs = needs.iter().map(|need| format!("{need}=/t/deps/lib{need}.rmeta"));
        let mut argv = vec!["/bin/rustc".to_owned(), "-C".into(), format!("extra-filename=-{}", &name[2..])];
        argv.extend(externs.flat_map(|it| ["--extern".to_owned(), it]));
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        unit(call(key, &argv, &[]), &[])
    };
    // Over in this order: cargo starts a dependant once there is metadata.
    let units = vec![
        rustc(1, "b-22", &["a-11"]),
        rustc(2, "a-11", &[]),
        unit(call(3, &["/t/build/x-33/build_script_build-33.real"], &[]), &[]),
        rustc(4, "x-33", &["b-22"]),
        rustc(5, "c-44", &["b-22", "a-11"]),
    ];
    let order: Vec<u8> = in_order(units).iter().map(|unit| unit.call.key.name()[0]).collect();
    assert_eq!(order, [2, 1, 4, 3, 5]);
}

#[test]
fn a_chain_of_crates_is_long() {
    let crates = 50_000;
    let units = (0..crates).map(|n| {
        let argv = [
            "rustc".to_owned(),
            format!("extra-filename=-{n}"),
            "--extern".to_owned(),
            format!("a=/t/lib-{}.rmeta", n + 1),
        ];
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        unit(call(0, &argv, &[]), &[])
    });
    assert_eq!(in_order(units.collect()).len(), crates);
}

/// Guards: what a script of another package is told to have said must stand in what it said.
#[test]
fn metadata_of_other_scripts_is_in_their_output() {
    let run = |variables: &[(&str, &str)], output: &str| {
        let mut unit = unit(call(1, &["/t/build/x-1/build_script_build-1.real"], variables), &[]);
        let file = CargoFile::cut(Path::new("output"), output.as_bytes()).unwrap();
        unit.files.push((PathBuf::from("debug/build/x-1/output"), file));
        unit
    };
    let kept = |variables: &[(&str, &str)]| {
        let low = run(&[], "cargo:some-dir=/x \ncargo::metadata=OTHER=a=b\ncargo:rustc-env=A=b\n");
        explained(vec![low, run(variables, "")]).len() == 2
    };
    assert!(kept(&[]));
    assert!(kept(&[("DEP_LOW_SOME_DIR", "/x"), ("DEP_LOW_OTHER", "a=b"), ("TARGET", "x")]));
    assert!(!kept(&[("DEP_LOW_SOME_DIR", "/y")]));
    assert!(!kept(&[("DEP_MINE", "/x")]));
}

/// Guards: flags that a script has set are known only where its run is.
#[test]
fn a_unit_whose_script_is_not_here_is_not_here() {
    let out = [("OUT_DIR", "/t/build/x-1/out")];
    let run = || unit(call(1, &["/t/build/x-1/build_script_build-1.real"], &out), &[]);
    let library = || unit(call(2, &["/bin/rustc", "--out-dir", "/t/deps", "--cfg", "said"], &out), &[]);
    assert_eq!(explained(vec![run(), library()]).len(), 2);
    assert_eq!(explained(vec![library()]), []);
}
