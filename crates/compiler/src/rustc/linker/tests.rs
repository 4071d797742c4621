use super::*;

#[test]
fn programs() {
    for known in
        ["cc", "/usr/bin/gcc-12", "aarch64-linux-gnu-gcc", "clang-19", "rust-lld", "ld.mold", "x86_64-w64-ld"]
    {
        assert!(is_measured(known), "{known}");
    }
    for unknown in ["gold", "ld.gold", "wild", "/opt/link.sh", "", "/", "zig", "cc1", "xgcc"] {
        assert_eq!(is_measured(unknown), unknown == "cc1", "{unknown}");
    }
}

#[test]
fn arguments() {
    for unmeasured in ["-fuse-ld=gold", "-Wl,-O1 -fuse-ld=wild", "--ld-path=/opt/ld.gold"] {
        assert!(chooses_unmeasured(unmeasured), "{unmeasured}");
    }
    for measured in
        ["-fuse-ld=lld", "-fuse-ld=bfd", "-fuse-ld=/usr/bin/mold", "-Wl,-z,now", "--ld-path=/x/ld.lld"]
    {
        assert!(!chooses_unmeasured(measured), "{measured}");
    }
}

#[test]
fn targets() {
    assert!(is_measured_for(Some(OsStr::new("x86_64-unknown-linux-musl"))));
    assert!(!is_measured_for(Some(OsStr::new("aarch64-apple-darwin"))));
    assert!(!is_measured_for(Some(OsStr::new("wasm32-unknown-unknown"))));
}
