use super::*;
use std::collections::HashMap;

fn expanded(args: &[&str], files: &[(&str, &str)]) -> Result<Vec<String>, Reason> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let files: HashMap<&str, &str> = files.iter().copied().collect();
    let response = |path: &Path| files.get(path.to_str()?).map(|text| text.as_bytes().to_vec());
    let context = Context {
        args: &args,
        directory: Path::new("/w"),
        response: &response,
        remap: None,
        base: None,
        getenv: &|_| None,
    };
    let words = expand(&context)?;
    Ok(words.into_iter().map(|word| word.into_string().expect("text")).collect())
}

#[test]
fn response_files_are_nested_and_quoted() {
    let files = [
        ("a.rsp", "-c  x.c\n@b.rsp\t-DA='a b' -DB=\"c \\\"d\\\" e\" -DC=f\\ g '' -DD=\"it's\"h\n"),
        ("b.rsp", "@c.rsp -O2"),
        ("c.rsp", "-g\r\n"),
        ("empty", " \n"),
    ];
    let words = expanded(&["-pipe", "@a.rsp", "@empty", "-o", "x.o"], &files).expect("words");
    assert_eq!(
        words,
        [
            "-pipe",
            "-c",
            "x.c",
            "-g",
            "-O2",
            "-DA=a b",
            "-DB=c \"d\" e",
            "-DC=f g",
            "",
            "-DD=it'sh",
            "-o",
            "x.o"
        ]
    );
}

#[test]
fn a_response_file_that_is_not_there_is_an_argument() {
    assert_eq!(expanded(&["@gone", "-c"], &[]).expect("words"), ["@gone", "-c"]);
    assert_eq!(expanded(&["@a"], &[("a", "@gone")]).expect("words"), ["@gone"]);
}

#[test]
fn what_compilers_read_differently_is_not_cached() {
    for text in ["\"a\\nb\"", "'a\\'", "a\\\nb", "'open", "\"open", "\u{feff}-c", "a\0b", "a\\"] {
        let refused = Err(Reason::UncachedFlag("@a".to_owned()));
        assert_eq!(expanded(&["@a"], &[("a", text)]), refused, "{text:?}");
    }
}

#[test]
fn response_files_without_end() {
    let refused = expanded(&["@a"], &[("a", "@b"), ("b", "-c @a")]);
    assert!(matches!(refused, Err(Reason::BadArguments(_))));
}

fn lexed(args: &[&str], family: Family) -> Result<Vec<String>, Reason> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let show = |argument: Argument| match argument {
        Argument::Flag(given) => format!("{}|{}", given.name, given.value.to_string_lossy()),
        Argument::Input(input) => input.to_string_lossy().into_owned(),
    };
    Ok(lex(&args, family)?.into_iter().map(show).collect())
}

#[test]
fn a_value_is_the_same_joined_and_separate() {
    let both = |joined: &str, separate: [&str; 2]| {
        for family in [Family::Gcc, Family::Clang] {
            assert_eq!(lexed(&[joined], family), lexed(&separate, family), "{joined}");
        }
    };
    both("-Ia", ["-I", "a"]);
    both("-isystem-x", ["-isystem", "-x"]);
    both("-includea.h", ["-include", "a.h"]);
    both("-iquotea", ["-iquote", "a"]);
    both("-oa.o", ["-o", "a.o"]);
    both("-xc++", ["-x", "c++"]);
    both("-MFa.d", ["-MF", "a.d"]);
    both("-DA=1", ["-D", "A=1"]);
}

#[test]
fn the_longest_name_wins() {
    let of = |word: &str, family| lexed(&[word, "v", "w.c"], family).map(|words| words.join(" "));
    assert_eq!(of("-isystem", Family::Gcc).expect("known"), "-isystem|v w.c");
    assert_eq!(of("-MD", Family::Gcc).expect("known"), "-MD|-MD v w.c");
    assert_eq!(of("-include-pch", Family::Clang), Err(Reason::UncachedFlag("-include-pch".to_owned())));
    assert_eq!(of("-isystem-after", Family::Gcc), Err(Reason::UncachedFlag("-isystem-after".to_owned())));
    assert_eq!(of("-mllvm", Family::Clang).expect("known"), "-mllvm|v w.c");
    assert_eq!(of("-Wa,-L", Family::Gcc).expect("known"), "-Wa,|-L v w.c");
    assert_eq!(of("-Wall", Family::Gcc).expect("known"), "-W|-Wall v w.c");
    assert_eq!(of("-fno-inline", Family::Gcc).expect("known"), "-f|-fno-inline v w.c");
    assert_eq!(of("-fmax-errors=3", Family::Gcc).expect("known"), "-f|-fmax-errors=3 v w.c");
}

#[test]
fn what_has_no_row_is_named_without_its_value() {
    let refused = |word: &str, family| lexed(&["-c", word, "x.c"], family).expect_err(word);
    assert_eq!(refused("-fnew-thing=7", Family::Gcc), Reason::UnknownFlag("-fnew-thing=".to_owned()));
    assert_eq!(refused("-finlines", Family::Gcc), Reason::UnknownFlag("-finlines".to_owned()));
    assert_eq!(refused("--", Family::Clang), Reason::UnknownFlag("--".to_owned()));
    assert_eq!(refused("-MJ", Family::Gcc), Reason::UnknownFlag("-MJ".to_owned()), "clang's alone");
    assert_eq!(refused("-save-temps=obj", Family::Gcc), Reason::UncachedFlag("-save-temps=".to_owned()));
    assert_eq!(lexed(&["-I"], Family::Gcc), Err(Reason::BadArguments("-I without a value".to_owned())));
}
