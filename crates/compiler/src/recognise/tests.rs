use super::{family_of, recognise};
use kiln_action::Family;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

fn recognised(program: &str, first: Option<&str>) -> Option<(PathBuf, Option<PathBuf>, usize)> {
    recognise(OsStr::new(program), first.map(OsStr::new)).map(|r| (r.compiler, r.wrapper, r.skip))
}

#[test]
fn rustc_by_any_path() {
    for name in ["rustc", "/t/bin/rustc", "../bin/rustc", "rustc.exe"] {
        assert_eq!(recognised(name, Some("-vV")), Some((PathBuf::from(name), None, 0)));
    }
}

#[test]
fn clippy_in_front_of_rustc() {
    let expected = Some(("/t/bin/rustc".into(), Some("/t/bin/clippy-driver".into()), 1));
    assert_eq!(recognised("/t/bin/clippy-driver", Some("/t/bin/rustc")), expected);
    let by_name = Some(("rustc".into(), Some("clippy-driver".into()), 1));
    assert_eq!(recognised("clippy-driver", Some("rustc")), by_name);
}

#[test]
fn clippy_run_by_hand_uses_the_rustc_beside_it() {
    let expected = Some(("/t/bin/rustc".into(), Some("/t/bin/clippy-driver".into()), 0));
    assert_eq!(recognised("/t/bin/clippy-driver", Some("src/lib.rs")), expected);
    assert_eq!(recognised("/t/bin/clippy-driver", None), expected);
}

#[test]
fn another_workspace_wrapper() {
    let expected = Some(("/t/bin/rustc".into(), Some("/opt/checker".into()), 1));
    assert_eq!(recognised("/opt/checker", Some("/t/bin/rustc")), expected);
}

#[test]
fn anything_else_is_unknown() {
    for (program, first) in [
        ("ld", Some("-c")),
        ("gcc-ar", None),
        ("c99-gcc", None),
        ("rustdoc", Some("src/lib.rs")),
        ("/t/bin/rustup", None),
    ] {
        assert_eq!(recognised(program, first), None);
    }
    assert_eq!(recognise(OsStr::new("/"), None), None);
    assert_eq!(recognise(Path::new("..").as_os_str(), None), None);
}

#[test]
fn c_compilers_by_name_target_and_version() {
    let family =
        |name: &str| recognise(OsStr::new(name), Some(OsStr::new("-c"))).and_then(|it| it.subject.family());
    for name in [
        "gcc",
        "g++",
        "cc",
        "c++",
        "c89",
        "c99",
        "gcc-12",
        "/usr/bin/g++-4.8.5",
        "x86_64-linux-gnu-gcc-12",
        "aarch64-linux-gnu-g++",
        "i686-w64-mingw32-gcc-12.2",
        "arm-none-eabi-c++",
        "gcc.exe",
        "nvcc",
        "icpx",
    ] {
        assert_eq!(family(name), Some(Family::Gcc), "{name}");
    }
    for name in
        ["clang", "clang++", "clang-14", "clang++-14", "/opt/llvm/bin/clang", "x86_64-linux-gnu-clang-18"]
    {
        assert_eq!(family(name), Some(Family::Clang), "{name}");
    }
    for name in [
        "gcc-ar-12",
        "gcc-nm",
        "foo-cl",
        "cl-14",
        "clang-format",
        "clang-cpp-14",
        "clang-tidy-14",
        "cpp",
        "xgcc",
        "",
        "-",
    ] {
        assert_eq!(family(name), None, "{name}");
    }
}

#[test]
fn a_generic_name_says_nothing_about_the_family() {
    let family = |name: &str| family_of(OsStr::new(name));
    for name in ["cc", "c++", "c99", "x86_64-linux-gnu-cc", "nvcc", "c99-gcc", "tcc"] {
        assert_eq!(family(name), None, "{name}");
    }
    assert_eq!(family("x86_64-linux-gnu-gcc-12"), Some(Family::Gcc));
    assert_eq!(family("clang-14"), Some(Family::Clang));
}

#[test]
fn compilers_with_the_command_line_of_microsofts() {
    let family = |name: &str| recognise(OsStr::new(name), None).and_then(|it| it.subject.family());
    for name in
        ["clang-cl", "clang-cl-14", "/usr/lib/llvm-14/bin/clang-cl", "clang-cl.exe", "x86_64-w64-clang-cl"]
    {
        assert_eq!(family(name), Some(Family::ClangCl), "{name}");
    }
    for name in ["cl", "cl.exe", "/opt/msvc/bin/x64/cl"] {
        assert_eq!(family(name), Some(Family::Msvc), "{name}");
    }
    assert_eq!(family_of(OsStr::new("cl.exe")), Some(Family::Msvc));
}

#[test]
fn clang_takes_the_command_line_that_its_name_says() {
    let speaks = |family, name: &str| super::speaks(family, OsStr::new(name));
    for name in ["clang-cl", "clang-cl-14", "clang-cl-14.0.6", "clang-cl14", "foo-cl", "cl", "cl.exe"] {
        assert_eq!(speaks(Family::Clang, name), Family::ClangCl, "{name}");
    }
    for name in
        ["clang", "clang-14", "clang++", "clang++-14", "cc", "c++", "gcc", "x86_64-linux-gnu-clang", "c99"]
    {
        assert_eq!(speaks(Family::Clang, name), Family::Clang, "{name}");
        assert_eq!(speaks(Family::ClangCl, name), Family::Clang, "{name}");
    }
    assert_eq!(speaks(Family::Gcc, "clang-cl"), Family::Gcc);
    assert_eq!(speaks(Family::Msvc, "cl"), Family::Msvc);
}
