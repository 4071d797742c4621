use super::*;

#[test]
fn a_request_depends_on_all_that_cargo_goes_by() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let write = |name: &str, text: &str| files::write_atomic(&root.join(name), text.as_bytes()).unwrap();
    let words = [OsString::from("build")];
    let request = |words: &[OsString], variables: &[(&str, &str)]| {
        let home = root.join("home").display().to_string();
        let all: Vec<(&str, &str)> =
            variables.iter().copied().chain([("CARGO_HOME", home.as_str())]).collect();
        let environment = Environment::of(&all);
        let inputs = BuildInputs {
            words,
            root,
            here: root,
            start: &root.join("apart"),
            target: &root.join("target"),
            environment: &environment,
            began_ns: 7,
        };
        inputs.request(&inputs.fingerprint()?)
    };
    assert_eq!(request(&words, &[]), None, "without a lock file");
    write("Cargo.lock", "one");
    write("Cargo.toml", "one");
    let first = request(&words, &[]).unwrap();
    assert_eq!(request(&words, &[("SHELL", "sh"), ("RUSTC_WRAPPER", "kiln")]).unwrap(), first);
    let others = [
        request(&[OsString::from("check")], &[]),
        request(&words, &[("RUSTFLAGS", "-O")]),
        request(&words, &[("CARGO_PROFILE_DEV_DEBUG", "0")]),
        request(&words, &[("LD_LIBRARY_PATH", "/l")]),
        request(&words, &[("HOST", "mine")]),
        request(&words, &[("DEP_X_Y", "1")]),
        request(&words, &[("CARGO_FEATURE_Z", "1")]),
    ];
    assert!(others.iter().all(|other| other.as_ref().is_some_and(|other| *other != first)));
    for file in ["Cargo.lock", "Cargo.toml", "apart/.cargo/config.toml", "home/config.toml"] {
        let before = request(&words, &[]).unwrap();
        write(file, "[env]\nother = \"1\"");
        assert_ne!(request(&words, &[]).unwrap(), before, "{file}");
    }
    for include in [
        "include = 'elsewhere.toml'",
        "\"include\" = ['elsewhere.toml']",
        "\"\\u0069nclude\" = ['elsewhere.toml']",
        "\u{feff}[[include]]\npath = 'x'",
        "[env]\nA = 'a'\n[[ \"incl\\u0075de\" ]]\npath = 'x'",
        "what = is this",
    ] {
        write(".cargo/config.toml", include);
        assert_eq!(request(&words, &[]), None, "what is elsewhere is not read: {include}");
    }
    for own in
        ["[env]\nincludes = 'x'", "[env]\ninclude = 'x'", "included = 1", "A = \"\"\"\ninclude = 'x' \"\"\""]
    {
        write(".cargo/config.toml", own);
        assert!(request(&words, &[]).is_some(), "it takes in nothing: {own}");
    }
}
