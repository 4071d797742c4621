#![allow(clippy::disallowed_methods, reason = "tests build real macros with a real rustc")]
use super::*;

/// The guilt of a proc macro whose body contains `code`, built by the rustc at hand.
fn guilt_of(code: &str, flags: &[&str]) -> Guilt {
    let dir = tempfile::tempdir().unwrap();
    let source = format!(
        "use proc_macro::TokenStream; #[proc_macro] pub fn m(input: TokenStream) -> TokenStream {{ {code}; input }}"
    );
    std::fs::write(dir.path().join("m.rs"), source).unwrap();
    let status = std::process::Command::new("rustc")
        .args([
            "--crate-type",
            "proc-macro",
            "--edition",
            "2021",
            "-C",
            "prefer-dynamic",
            "--extern",
            "proc_macro",
            "m.rs",
            "-o",
            "libm.so",
        ])
        .args(flags)
        .current_dir(dir.path())
        .status()
        .unwrap();
    assert!(status.success());
    examine(&std::fs::read(dir.path().join("libm.so")).unwrap()).unwrap()
}

#[test]
fn an_honest_macro_is_not_guilty() {
    let code =
        r#"let _ = (std::fs::read("x"), std::env::var("X"), std::collections::HashMap::<u8, u8>::new())"#;
    assert_eq!(guilt_of(code, &[]), Guilt::default());
    assert_eq!(guilt_of("panic!()", &["-O"]), Guilt::default());
}

#[test]
fn walking_the_environment_shows() {
    assert!(guilt_of("for v in std::env::vars() { drop(v) }", &[]).environment);
    assert!(guilt_of("drop(std::env::vars_os().count())", &["-O"]).environment);
}

#[test]
fn reading_arguments_shows_and_stripping_hides_nothing() {
    assert!(guilt_of("drop(std::env::args().count())", &[]).arguments);
    assert!(guilt_of("drop(std::env::args_os().next())", &["-O"]).arguments);
    assert!(guilt_of("drop(std::env::args().count())", &["-C", "symbol-mangling-version=v0"]).arguments);
    assert!(guilt_of("", &["-C", "strip=symbols"]).arguments);
    assert!(!guilt_of("", &["-C", "strip=debuginfo"]).arguments);
}

#[test]
fn asking_where_sources_are_shows() {
    let code = "for t in input.clone() { drop(t.span().local_file()) }";
    assert!(guilt_of(code, &[]).locations);
    assert!(guilt_of(code, &["-C", "symbol-mangling-version=v0"]).locations);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn system_calls_of_its_own_show() {
    let code = r#"unsafe { std::arch::asm!("syscall", in("rax") 39, lateout("rax") _, out("rcx") _, out("r11") _) }"#;
    assert!(guilt_of(code, &[]).unseen);
    // the same bytes inside a constant are none
    let constant = r#"std::hint::black_box(0x0000_0000_050f_050f_u64)"#;
    assert!(!guilt_of(constant, &["-O"]).unseen);
}

#[test]
fn what_cannot_be_understood_is_not_examined() {
    assert_eq!(examine(b"not an object"), None);
}

#[test]
fn the_memory_answers_for_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    let digest = Digest::of(b"m");
    let note = seal(MAGIC, VERSION, &digest.hash, &[0b010, 0]);
    std::fs::write(dir.path().join(digest.hex()), &note).unwrap();
    let remembered = of(Path::new("/nowhere"), &digest, dir.path()).unwrap();
    assert!(remembered.arguments && !remembered.unseen);
    let other = Digest::of(b"n");
    assert!(of(Path::new("/nowhere"), &other, dir.path()).is_err());
    std::fs::write(dir.path().join(other.hex()), note).unwrap();
    assert!(of(Path::new("/nowhere"), &other, dir.path()).is_err(), "what is known of another macro");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn asking_the_processor_shows() {
    let time = guilt_of("std::hint::black_box(unsafe { std::arch::x86_64::_rdtsc() });", &["-O"]);
    assert!(time.time && !time.processor);
    let features = guilt_of("std::hint::black_box(std::is_x86_feature_detected!(\"avx2\"));", &[]);
    assert!(features.processor && !features.time, "{features:?}");
}

#[test]
fn guilt_comes_back_from_memory() {
    for at in 0..9 {
        let mut guilt = Guilt::default();
        *guilt.flags()[at] = true;
        assert_eq!(Guilt::from_bits(guilt.bits()), guilt);
    }
}
