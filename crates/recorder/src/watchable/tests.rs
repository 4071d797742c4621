#![allow(clippy::disallowed_methods)] // Tests use the system directly.

use std::fs;

use super::*;

#[test]
fn our_own_kind_is_watchable() {
    assert!(watchable(Path::new("/proc/self/exe")));
    assert!(watchable(Path::new("/bin/sh")));
}

#[test]
fn what_is_no_program_is_not() {
    let held = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = held.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    assert!(!watchable(&held.path().join("absent")));
    assert!(!watchable(&file("empty", b"")));
    assert!(!watchable(&file("short", b"\x7fELF\x02\x01")));
    assert!(!watchable(&file("garbage", &[&b"\x7fELF\x02\x01"[..], &[0xff; 100]].concat())));
    assert!(!watchable(&file("no interpreter", b"#!\n")));
    assert!(watchable(&file("script", b"#! /bin/sh -e\n")));
    assert!(watchable(&file("unended", b"#!/bin/sh")));
    let itself = held.path().join("itself");
    fs::write(&itself, format!("#!{}", itself.display())).unwrap();
    assert!(!watchable(&itself));
}
