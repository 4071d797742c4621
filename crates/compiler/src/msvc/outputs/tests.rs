use super::*;

fn object(given: &str, source: &str, family: Family) -> Result<String, Reason> {
    let asked = Asked { object: given.into(), ..Asked::default() };
    let planned = plan(&asked, Path::new(source), Path::new("/w"), family)?;
    Ok(planned.outputs.files[0].to_string_lossy().into_owned())
}

/// Measured with clang-cl 14.
#[test]
fn what_fo_names() {
    let of = |given: &str, source: &str| object(given, source, Family::ClangCl).expect("a name");
    assert_eq!(of("", "src/x.c"), "/w/x.obj");
    assert_eq!(of("", "src/x.y.cpp"), "/w/x.y.obj");
    assert_eq!(of("out", "x.c"), "/w/out.obj");
    assert_eq!(of("a.b", "x.c"), "/w/a.b");
    assert_eq!(of("a.", "x.c"), "/w/a.");
    assert_eq!(of("out.d/", "src/x.c"), "/w/out.d/x.obj");
    assert_eq!(of("out.d/y", "src/x.c"), "/w/out.d/y.obj");
    assert_eq!(of("/o/y.o", "x.c"), "/o/y.o");
    for unclear in [":y.obj", r"out\", r"out\y.obj"] {
        assert!(matches!(object(unclear, "x.c", Family::ClangCl), Err(Reason::UncachedFlag(_))), "{unclear}");
    }
    assert!(matches!(object("..", "x.c", Family::ClangCl), Err(Reason::BadArguments(_))));
    assert!(matches!(object("x.c", "x.c", Family::ClangCl), Err(Reason::BadArguments(_))));
    assert!(matches!(object("/dev/null", "x.c", Family::ClangCl), Err(Reason::NotACompile(_))));
    assert_eq!(object(":y.obj", "x.c", Family::Msvc).expect("a name"), "/w/y.obj");
    assert_eq!(object(r"out\y", "x.c", Family::Msvc).expect("a name"), r"/w/out\y.obj");
}

#[test]
fn what_is_written_beside_the_object() {
    let asked = Asked { object: "o/".into(), listing: Some("".into()), depend: true, depfile: None };
    let planned = plan(&asked, Path::new("src/x.c"), Path::new("/w"), Family::ClangCl).expect("a plan");
    assert_eq!(planned.outputs.files, ["/w/o/x.obj", "/w/x.d", "/w/x.asm"].map(PathBuf::from));
    assert_eq!(planned.depfile.as_deref(), Some(Path::new("/w/x.d")));
    let asked = Asked { depfile: Some("q.d".into()), listing: Some("l/".into()), ..asked };
    let planned = plan(&asked, Path::new("src/x.c"), Path::new("/w"), Family::ClangCl).expect("a plan");
    assert_eq!(planned.outputs.files, ["/w/o/x.obj", "/w/q.d", "/w/l/x.asm"].map(PathBuf::from));
}
