use super::*;
use std::collections::HashMap;
use std::path::Path;

fn split(text: &str) -> Option<Vec<String>> {
    let words = words(text.as_bytes())?;
    Some(words.into_iter().map(|word| word.into_string().expect("UTF-8")).collect())
}

#[test]
fn words_as_windows_splits_them() {
    let of = |text: &str| split(text).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(of("/c  x.c\r\n\t/DA=1\n"), ["/c", "x.c", "/DA=1"]);
    assert_eq!(of(r#"/I"a b"/c "x y.c" "" z"#), ["/Ia b/c", "x y.c", "", "z"]);
    assert_eq!(
        of(r#"/DQ=\"q\" /Fodir\ /DP="a\\" b\\c 'x"#),
        ["/DQ=\"q\"", r"/Fodir\", r"/DP=a\", r"b\\c", "'x"]
    );
    assert_eq!(of(r#""a\\\"b c" \\\\"d e""#), ["a\\\"b c", r"\\d e"]);
    assert_eq!(of("# no comment"), ["#", "no", "comment"]);
    for unclear in ["\"open", r#""a""b""#, "\u{feff}/c", "a\0b"] {
        assert_eq!(split(unclear), None, "{unclear}");
    }
    assert_eq!(words(b"\xff\xfe/\0c\0"), None);
}

fn expanded(args: &[&str], family: Family) -> Result<Vec<String>, Reason> {
    let files = HashMap::from([
        ("a.rsp", "/DA \"@b.rsp\" x.c"),
        ("b.rsp", "/DB"),
        ("flat.rsp", "/DA x.c"),
        ("me.rsp", "@me.rsp"),
    ]);
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let context = Context {
        args: &args,
        directory: Path::new("/w"),
        response: &|path| files.get(path.to_str()?).map(|text| text.as_bytes().to_vec()),
        remap: None,
        base: None,
        getenv: &|_| None,
    };
    let words = expand(&context, family)?;
    Ok(words.into_iter().map(|word| word.into_string().expect("UTF-8")).collect())
}

#[test]
fn response_files_are_nested_in_clang_cl_alone() {
    let of = |args: &[&str], family| expanded(args, family);
    assert_eq!(
        of(&["/c", "@a.rsp", "/W3"], Family::ClangCl).expect("known"),
        ["/c", "/DA", "/DB", "x.c", "/W3"]
    );
    assert_eq!(of(&["/c", "@flat.rsp"], Family::Msvc).expect("known"), ["/c", "/DA", "x.c"]);
    assert_eq!(of(&["@a.rsp"], Family::Msvc), Err(Reason::UncachedFlag("@b.rsp".into())));
    assert_eq!(of(&["@gone"], Family::ClangCl).expect("known"), ["@gone"]);
    assert!(matches!(of(&["@me.rsp"], Family::ClangCl), Err(Reason::BadArguments(_))));
}

fn lexed(args: &[&str], family: Family) -> Result<String, Reason> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let spelled = |argument: Argument| match argument {
        Argument::Flag(given) => format!("{}|{}", given.name, given.value.to_string_lossy()),
        Argument::OfClang(found, argument) => format!("{}:{}", found.name, argument.to_string_lossy()),
        Argument::Input(input) => input.to_string_lossy().into_owned(),
    };
    Ok(lex(&args, family)?.into_iter().map(spelled).collect::<Vec<_>>().join(" "))
}

#[test]
fn marks_and_values() {
    for family in [Family::ClangCl, Family::Msvc] {
        let of = |args: &[&str]| lexed(args, family).expect("known");
        assert_eq!(of(&["/I", "a", "-Ib", "/Ic", "x.c"]), "/I|a /I|b /I|c x.c");
        assert_eq!(of(&["/Foa.obj", "-Fo", "x.c"]), "/Fo|a.obj /Fo| x.c");
        assert_eq!(
            of(&["/MD", "-MTd", "/W3", "-wd4996", "/O2b1"]),
            "/MD|/MD /MTd|-MTd /W3|/W3 /w|d4996 /O|/O2b1"
        );
        assert_eq!(of(&["/external:I", "a", "/external:W0"]), "/external:I|a /external:|W0");
        assert_eq!(
            of(&["/showIncludes:user", "/showIncludes"]),
            "/showIncludes:user|/showIncludes:user /showIncludes|/showIncludes"
        );
        assert_eq!(lexed(&["/I"], family), Err(Reason::BadArguments("/I without a value".into())));
        assert_eq!(lexed(&["/newer"], family), Err(Reason::UnknownFlag("/newer".into())));
        assert_eq!(lexed(&["-include", "a.h"], family), Err(Reason::UnknownFlag("-include".into())));
        assert_eq!(lexed(&["/newer:x/y.c"], family), Err(Reason::UnknownFlag("/newer:".into())));
    }
}

#[test]
fn what_clang_cl_alone_knows() {
    let of = |args: &[&str]| lexed(args, Family::ClangCl).expect("known");
    assert_eq!(
        of(&["-Wno-unused", "-m32", "-fno-strict-aliasing"]),
        "-W|-Wno-unused -m:-m32 -f:-fno-strict-aliasing"
    );
    assert_eq!(of(&["--", "/c", "-x.c"]), "/c -x.c");
    assert_eq!(of(&["/clang:-MD", "-clang:-MFx"]), "/clang:|-MD /clang:|-MFx");
    // a path, where no option begins like it
    assert_eq!(
        of(&["/home/me/x.c", "/Users/me/x.c", "/wares/x.c"]),
        "/home/me/x.c /U|sers/me/x.c /w|ares/x.c"
    );
    for option in ["-m32", "-fno-strict-aliasing", "--target=x", "/home/me/x.c", "--", "-Wno-unused"] {
        assert!(matches!(lexed(&[option], Family::Msvc), Err(Reason::UnknownFlag(_))), "{option}");
    }
}
