use super::*;

#[test]
fn only_rustc_in_a_bin_directory_has_a_sysroot() {
    let root = |path: &str| sysroot(Path::new(path)).map(|root| root.to_string_lossy().into_owned());
    assert_eq!(root("/t/stable/bin/rustc").as_deref(), Some("/t/stable"));
    assert_eq!(root("/usr/bin/rustc-1.85").as_deref(), Some("/usr"));
    assert_eq!(root("/usr/lib/rust-1.85/bin/rustc").as_deref(), Some("/usr/lib/rust-1.85"));
    assert_eq!(root("/home/u/.cargo/bin/rustup"), None);
    assert_eq!(root("/opt/rustc"), None);
    assert_eq!(root("/t/bin/rustc_codegen"), None);
    assert_eq!(root("/t/bin/rustc-wrapper.sh"), None);
    assert_eq!(root("rustc"), None);
}

#[test]
fn the_host_is_what_the_toolchain_is_called_after() {
    let names = ["etc", "x86_64-unknown-linux-gnu", "wasm32-unknown-unknown", "manifest-rustc-x"];
    let host_of = |root: &str| host(Path::new(root), &names);
    assert_eq!(host_of("/t/stable-x86_64-unknown-linux-gnu"), Some("x86_64-unknown-linux-gnu"));
    assert_eq!(host_of("/usr"), None);
    assert_eq!(host(Path::new("/usr"), &names[..2]), Some("x86_64-unknown-linux-gnu"));
    let similar = ["x86_64-unknown-linux-gnu", "linux-gnu"];
    assert_eq!(host(Path::new("/t/1.95.0-x86_64-unknown-linux-gnu"), &similar), Some(similar[0]));
}

#[test]
fn the_driver_is_essential_and_targets_are_apart() {
    let target = Some(OsStr::new("wasm32-unknown-unknown"));
    let parts = parts(Path::new("/t"), Some("x86_64-unknown-linux-gnu"), target);
    assert!(parts.iter().any(|part| part.essential && part.directory == Path::new("/t/lib")));
    let has = |directory: &str| parts.iter().any(|part| part.directory == Path::new(directory));
    assert!(has("/t/lib/rustlib/x86_64-unknown-linux-gnu/codegen-backends"));
    assert!(has("/t/lib/rustlib/wasm32-unknown-unknown/lib"));
    assert!(!has("/t/lib/rustlib"));
}

#[test]
fn without_a_host_every_target_counts_and_a_specification_has_no_directory() {
    let all = parts(Path::new("/t"), None, None);
    assert!(all.iter().any(|part| part.directory == Path::new("/t/lib/rustlib")));
    let with = parts(Path::new("/t"), Some("h-o-st"), Some(OsStr::new("my.json")));
    assert_eq!(with, parts(Path::new("/t"), Some("h-o-st"), None));
}

#[test]
fn names() {
    let hold = |names: &Names, name: &str| names.hold(OsStr::new(name));
    assert!(hold(&Names::Beginning(DRIVER), "librustc_driver-6108105cd7e839cf.so"));
    assert!(hold(&Names::BeginningBelow(LIBRARIES), "libLLVM.so.22.1-rust-1.95.0-stable"));
    assert!(!hold(&Names::Beginning(LIBRARIES), "libc.so.6"));
    assert!(hold(&Names::One("rustc"), "rustc") && !hold(&Names::One("rustc"), "rustc2"));
}
