use super::profile;
use std::ffi::OsString;

#[test]
fn the_profile_that_a_command_line_means() {
    let of = |line: &str| {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        profile(&words).to_owned()
    };
    assert_eq!(of("build"), "debug");
    assert_eq!(of("test --profile test"), "debug");
    assert_eq!(of("build -r --workspace"), "release");
    assert_eq!(of("bench"), "release");
    assert_eq!(of("build --profile=dist"), "dist");
    assert_eq!(of("build --profile bench"), "release");
    assert_eq!(of("run -- --release"), "debug");
}
