use super::*;

#[test]
fn a_version_is_what_the_compiler_says_first() {
    let directory = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"toolchain");
    assert_eq!(of(directory.path(), &digest), "");
    keep(directory.path(), &digest, b"rustc 1.95.0 (abc 2026-04-14)\nbinary: rustc\n");
    assert_eq!(of(directory.path(), &digest), "rustc 1.95.0 (abc 2026-04-14)");
    keep(directory.path(), &digest, b"debug_assertions\n");
    assert_eq!(of(directory.path(), &digest), "rustc 1.95.0 (abc 2026-04-14)");
}
