use super::*;

#[test]
fn endings_differ_by_driver_and_family() {
    let of = |name: &str, family, cxx| by_name(Path::new(name), family, cxx);
    assert_eq!(of("a/b.c", Family::Gcc, false), Input::Source(Language::C));
    assert_eq!(of("a/b.c", Family::Gcc, true), Input::Source(Language::Cxx));
    assert_eq!(of("b.C", Family::Gcc, false), Input::Source(Language::Cxx));
    assert_eq!(of("b.CXX", Family::Gcc, false), Input::Linked);
    assert_eq!(of("b.CXX", Family::Clang, false), Input::Source(Language::Cxx));
    assert_eq!(of("b.sx", Family::Clang, false), Input::Linked);
    assert_eq!(of("b.h", Family::Gcc, false), Input::Uncached);
    assert_eq!(of("b.cppm", Family::Clang, true), Input::Uncached);
    assert_eq!(of("b.cu", Family::Clang, true), Input::Uncached);
    for linked in ["b.o", "libb.a", "b", ".c", "@gone"] {
        assert_eq!(of(linked, Family::Gcc, false), Input::Linked, "{linked}");
    }
}

#[test]
fn names_of_languages() {
    assert_eq!(named(OsStr::new("c++")), Ok(Some(Language::Cxx)));
    assert_eq!(named(OsStr::new("none")), Ok(None));
    for uncached in ["c-header", "c++-header", "c++-module", "cuda", "hip", "f95", "ir", ""] {
        assert_eq!(named(OsStr::new(uncached)), Err(Reason::UncachedFlag(format!("-x {uncached}"))));
    }
}

#[test]
fn an_ending_is_of_one_kind() {
    for (ending, ..) in ENDINGS {
        assert!(!UNCACHED.contains(ending), "{ending}");
    }
}
