use super::*;
use kiln_sys::files::{create_dirs, write_atomic};

fn read(line: &str) -> Option<CargoCommand> {
    read_in(Path::new("/nowhere"), &[], line)
}

fn read_in(start: &Path, variables: &[(&str, &str)], line: &str) -> Option<CargoCommand> {
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    let all: Vec<(&str, &str)> = variables.iter().copied().chain([("CARGO_HOME", "/nowhere")]).collect();
    CargoCommand::of(&words, start, &Environment::of(&all))
}

#[test]
fn where_a_command_line_builds() {
    let of = |line: &str| {
        let command = read(line).unwrap();
        (command.target, command.package)
    };
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(of("build --release"), (None, None));
    assert_eq!(of("build --target-dir out --manifest-path a/b/Cargo.toml"), (path("out"), path("a/b")));
    assert_eq!(of("test --target-dir=/x --manifest-path=Cargo.toml"), (path("/x"), path("")));
    assert_eq!(of("run -- --target-dir x"), (None, None));
}

#[test]
fn the_profile_that_a_command_line_means() {
    let of = |line: &str| read(line).map(|command| command.profile);
    assert_eq!(of("build").as_deref(), Some("debug"));
    assert_eq!(of("test --profile test").as_deref(), Some("debug"));
    assert_eq!(of("build -r --workspace").as_deref(), Some("release"));
    assert_eq!(of("bench").as_deref(), Some("release"));
    assert_eq!(of("build --profile=dist").as_deref(), Some("dist"));
    assert_eq!(of("build --profile bench").as_deref(), Some("release"));
    assert_eq!(of("+nightly -v nextest run --release").as_deref(), Some("release"));
    assert_eq!(of("fmt --all"), None);
    assert_eq!(of("--version"), None);
    assert_eq!(of("run -- --release").as_deref(), Some("debug"));
    for joined in ["build -vr", "build -rq", "-qr build", "b -vvrj4", "build -rpq"] {
        assert_eq!(of(joined).as_deref(), Some("release"), "{joined}");
    }
    for other in ["build -pr", "build -j4r", "test -vFr", "build --r"] {
        assert_eq!(of(other).as_deref(), Some("debug"), "{other}");
    }
    // nextest has profiles of its own
    assert_eq!(of("nextest run --profile ci").as_deref(), Some("debug"));
    assert_eq!(of("nextest run --cargo-profile ci").as_deref(), Some("ci"));
    assert_eq!(of("llvm-cov nextest --profile ci").as_deref(), Some("debug"));
    assert_eq!(of("llvm-cov --profile ci").as_deref(), Some("ci"));
}

#[test]
fn how_much_a_command_line_wants_to_hear() {
    let of = |line: &str| read(line).unwrap().verbosity;
    for (line, times) in
        [("build", 0), ("build -v", 1), ("build -v --verbose", 2), ("build -vv", 2), ("test -rvv", 2)]
    {
        assert_eq!(of(line), times, "{line}");
    }
    assert_eq!(of("run -v -- -v"), 1);
}

#[test]
fn options_before_the_command_take_their_values() {
    let of = |line: &str| read(line).map(|command| (command.profile, command.unclear));
    let is = |profile: &str, unclear| Some((profile.to_owned(), unclear));
    assert_eq!(of("--color never build --release"), is("release", false));
    assert_eq!(of("--config profile.dev.debug=0 -q --locked build"), is("debug", false));
    assert_eq!(of("--color never fmt"), None);
    for line in [
        "--config build.target-dir='x' build",
        "--config other.toml build",
        "build --config=include='x'",
        "build --config=\"b\\u0075ild\".target-dir='x'",
        "build --config='include'=['x']",
        "-C elsewhere build",
        "-Zunstable-options build",
        "-vZunstable-options build",
        "build -qCelsewhere",
        "build -Z no-index-update",
        "build --target spec.json",
        "build --lockfile-path x",
    ] {
        assert_eq!(of(line), is("debug", true), "{line}");
    }
}

#[test]
fn aliases_are_what_they_stand_for() {
    let space = tempfile::tempdir().unwrap();
    let start = space.path().join("a/b");
    create_dirs(&start.join(".cargo")).unwrap();
    create_dirs(&space.path().join("a/.cargo")).unwrap();
    let write = |path: &str, text: &str| {
        let _ = write_atomic(&space.path().join(path), text.as_bytes()).unwrap();
    };
    write("a/b/.cargo/config.toml", "[alias]\nrel = \"bb --release\"\nround = \"round\"\nbuild = \"fmt\"\n");
    write(
        "a/.cargo/config.toml",
        "[alias]\nrel = \"fmt\"\nbb = [\"build\", \"--target-dir\", \"x y\"]\nb = \"fmt\"\n",
    );
    let of = |line: &str| read_in(&start, &[("CARGO_ALIAS_CI", "test --profile ci")], line);
    let rel = of("rel -v").unwrap();
    assert_eq!((rel.profile.as_str(), rel.target), ("release", Some(PathBuf::from("x y"))));
    assert_eq!(of("ci").unwrap().profile, "ci");
    assert_eq!(of("build").unwrap().profile, "debug", "cargo's own commands are no aliases");
    assert_eq!(of("b"), None);
    assert_eq!(of("round"), None);
    assert_eq!(of("none"), None);
}

#[test]
fn where_a_build_takes_place() {
    let space = tempfile::tempdir().unwrap();
    let start = space.path().join("ws/member");
    for directory in ["ws/member/.cargo", "ws/out", "apart", "ws/.cargo"] {
        create_dirs(&space.path().join(directory)).unwrap();
    }
    let write = |path: &str, text: &str| {
        let _ = write_atomic(&space.path().join(path), text.as_bytes()).unwrap();
    };
    write("ws/Cargo.toml", "[workspace]\nmembers = [\"member\"]\nexclude = [\"out\"]\n");
    write("ws/member/Cargo.toml", "[package]\n");
    write("ws/member/Cargo.lock", "# a stray one");
    write("ws/out/Cargo.toml", "[package]\n");
    write("apart/Cargo.toml", "[package]\nworkspace = \"../ws\"\n");
    let at = |start: &Path, line: &str, variables: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = variables.iter().copied().chain([("CARGO_HOME", "/nowhere")]).collect();
        read_in(start, variables, line).unwrap().layout(start, &Environment::of(&all))
    };
    let inside = |path: &Path| path.strip_prefix(space.path()).unwrap_or(path).display().to_string();
    let target =
        |start: &Path, line: &str, variables: &[(&str, &str)]| inside(&at(start, line, variables).target);
    assert_eq!(inside(&at(&start, "build", &[]).workspace), "ws");
    assert_eq!(inside(&at(&space.path().join("ws/out"), "build", &[]).workspace), "ws/out");
    assert_eq!(inside(&at(&space.path().join("apart"), "build", &[]).workspace), "ws");
    assert_eq!(target(&start, "build", &[]), "ws/target");
    assert_eq!(target(&start, "build --target-dir ../t", &[("CARGO_TARGET_DIR", "/v")]), "ws/member/../t");
    write("ws/.cargo/config.toml", "[build]\ntarget-dir = \"../configured\"\n");
    assert_eq!(target(&start, "build", &[]), "ws/../configured");
    assert_eq!(target(&start, "build", &[("CARGO_TARGET_DIR", "v")]), "ws/member/v");
    assert_eq!(target(&start, "build", &[("CARGO_BUILD_TARGET_DIR", "v")]), "ws/member/v");
    assert!(!at(&start, "build", &[]).is_split);
    write("ws/member/.cargo/config.toml", "[build]\nbuild-dir = \"elsewhere\"\n");
    assert!(at(&start, "build", &[]).is_split);
}
