#![allow(clippy::disallowed_methods, reason = "tests build real macros with a real rustc")]
use super::*;

/// What inspecting a proc macro shows, whose body contains `code`, built by the rustc at hand.
fn found_in(code: &str, flags: &[&str]) -> Inspection {
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
    inspect(&std::fs::read(dir.path().join("libm.so")).unwrap()).unwrap()
}

#[test]
fn an_honest_macro_shows_nothing() {
    let code =
        r#"let _ = (std::fs::read("x"), std::env::var("X"), std::collections::HashMap::<u8, u8>::new())"#;
    assert_eq!(found_in(code, &[]), Inspection::default());
    assert_eq!(found_in("panic!()", &["-O"]), Inspection::default());
}

#[test]
fn walking_the_environment_shows() {
    assert!(found_in("for v in std::env::vars() { drop(v) }", &[]).environment);
    assert!(found_in("drop(std::env::vars_os().count())", &["-O"]).environment);
}

#[test]
fn reading_arguments_shows_and_stripping_hides_nothing() {
    assert!(found_in("drop(std::env::args().count())", &[]).arguments);
    assert!(found_in("drop(std::env::args_os().next())", &["-O"]).arguments);
    assert!(found_in("drop(std::env::args().count())", &["-C", "symbol-mangling-version=v0"]).arguments);
    assert!(found_in("", &["-C", "strip=symbols"]).arguments);
    assert!(!found_in("", &["-C", "strip=debuginfo"]).arguments);
}

#[test]
fn asking_where_sources_are_shows() {
    let code = "for t in input.clone() { drop(t.span().local_file()) }";
    assert!(found_in(code, &[]).locations);
    assert!(found_in(code, &["-C", "symbol-mangling-version=v0"]).locations);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn system_calls_of_its_own_show() {
    let code = r#"unsafe { std::arch::asm!("syscall", in("rax") 39, lateout("rax") _, out("rcx") _, out("r11") _) }"#;
    assert!(found_in(code, &[]).unseen);
    // the same bytes inside a constant are none
    let constant = r#"std::hint::black_box(0x0000_0000_050f_050f_u64)"#;
    assert!(!found_in(constant, &["-O"]).unseen);
}

#[test]
fn what_cannot_be_understood_is_not_inspected() {
    assert_eq!(inspect(b"not an object"), None);
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
    let time = found_in("std::hint::black_box(unsafe { std::arch::x86_64::_rdtsc() });", &["-O"]);
    assert!(time.time && !time.processor);
    let features = found_in("std::hint::black_box(std::is_x86_feature_detected!(\"avx2\"));", &[]);
    assert!(features.processor && !features.time, "{features:?}");
}

#[test]
fn an_inspection_comes_back_from_memory() {
    for at in 0..9 {
        let mut found = Inspection::default();
        *found.flags()[at] = true;
        assert_eq!(Inspection::from_bits(found.bits()), found);
    }
}
