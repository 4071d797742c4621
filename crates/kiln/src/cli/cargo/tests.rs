use super::{Aim, aim};
use std::ffi::OsString;
use std::path::PathBuf;

fn read(line: &str) -> Option<Aim> {
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    aim(&words)
}

#[test]
fn where_a_command_line_builds() {
    let of = |line: &str| {
        let aim = read(line).unwrap();
        (aim.target, aim.package)
    };
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(of("build --release"), (None, None));
    assert_eq!(of("build --target-dir out --manifest-path a/b/Cargo.toml"), (path("out"), path("a/b")));
    assert_eq!(of("test --target-dir=/x --manifest-path=Cargo.toml"), (path("/x"), path("")));
    assert_eq!(of("run -- --target-dir x"), (None, None));
}

#[test]
fn the_profile_that_a_command_line_means() {
    let of = |line: &str| read(line).map(|aim| aim.profile);
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
}
