use super::profile;
use std::ffi::OsString;

#[test]
fn the_profile_that_a_command_line_means() {
    let of = |line: &str| {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        profile(&words).map(str::to_owned)
    };
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
