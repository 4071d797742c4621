use super::*;
use crate::rustc::table::rows;
use kiln_action::os::OsStringExt;
use std::collections::HashMap;
use std::ffi::OsString;

fn lexed(arguments: &[&str]) -> Result<Vec<(String, Option<String>)>, Reason> {
    let typed: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let name = |argument| match argument {
        Argument::Flag(flag, value) => (flag.field.to_owned(), value),
        Argument::Input(input) => ("input".to_owned(), Some(input)),
    };
    Ok(lex(&typed)?.into_iter().map(name).collect())
}

fn one(arguments: &[&str]) -> (String, Option<String>) {
    let lexed = lexed(arguments).unwrap_or_else(|reason| panic!("{arguments:?}: {reason}"));
    assert_eq!(lexed.len(), 1, "{arguments:?}");
    lexed[0].clone()
}

#[test]
fn every_row_in_every_form_it_accepts() {
    for flag in rows() {
        let expect = |arguments: &[&str], value: Option<&str>| {
            assert_eq!(one(arguments), (flag.field.to_owned(), value.map(str::to_owned)), "{arguments:?}");
        };
        if let Some(group) = flag.group {
            let (bare, full) = (flag.long.to_owned(), format!("{}=v=w", flag.long));
            let underscored = flag.long.replace('-', "_");
            expect(&[&format!("-{group}{bare}")], None);
            expect(&[&format!("-{group}"), &bare], None);
            expect(&[&format!("-{group}{full}")], Some("v=w"));
            expect(&[&format!("-{group}"), &full], Some("v=w"));
            expect(&[&format!("-{group}{underscored}=")], Some(""));
            continue;
        }
        let value = (flag.takes != Takes::Nothing).then_some("a=b");
        let long = format!("--{}", flag.long);
        match (flag.short, value) {
            (Some(short), Some(value)) => {
                expect(&[&format!("-{short}{value}")], Some(value));
                expect(&[&format!("-{short}"), value], Some(value));
            }
            (Some(short), None) => expect(&[&format!("-{short}")], None),
            (None, _) => assert!(!flag.long.is_empty()),
        }
        match value {
            _ if flag.long.is_empty() => {}
            Some(value) => {
                expect(&[&long, value], Some(value));
                expect(&[&format!("{long}={value}")], Some(value));
            }
            None => expect(&[&long], None),
        }
    }
}

#[test]
fn codegen_by_its_long_name() {
    assert_eq!(one(&["--codegen", "opt-level=3"]), one(&["-Copt_level=3"]));
    assert_eq!(one(&["--codegen=opt-level=3"]), one(&["-C", "opt-level=3"]));
}

#[test]
fn clusters() {
    let names = |arguments: &[&str]| -> Vec<String> {
        lexed(arguments).expect("known").into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&["-vV"]), ["verbose", "version"]);
    assert_eq!(names(&["-gOCopt-level=1"]), ["g", "O", "C.opt-level"]);
    assert_eq!(names(&["-gL", "native=x"]), ["g", "L"]);
}

#[test]
fn what_follows_two_dashes_is_a_source() {
    let inputs = lexed(&["--", "--cfg", "-"]).expect("inputs");
    assert_eq!(inputs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["input", "input"]);
}

#[test]
fn unknown_flags_are_named() {
    for (arguments, name) in [
        (&["--frobnicate"][..], "--frobnicate"),
        (&["--frobnicate=1"], "--frobnicate"),
        (&["-y"], "-y"),
        (&["-gy"], "-y"),
        (&["-gé"], "-é"),
        (&["-C", "frobnicate=1"], "-C frobnicate"),
        (&["-Zfrobnicate"], "-Z frobnicate"),
        (&["--codegen", "frobnicate"], "-C frobnicate"),
        (&["--g"], "--g"),
        (&["--="], "--"),
    ] {
        assert_eq!(lexed(arguments), Err(Reason::UnknownFlag(name.to_owned())), "{arguments:?}");
    }
}

#[test]
fn odd_arguments() {
    for arguments in [
        &["--cfg"][..],
        &["-C"],
        &["-L"],
        &["--codegen"],
        &["--test=1"],
        &["--edition=2021", "--edition=2024"],
        &["--test", "--test"],
        &["--out-dir", "a", "--out-dir=b"],
    ] {
        let refused = lexed(arguments);
        assert!(matches!(refused, Err(Reason::BadArguments(_))), "{arguments:?}: {refused:?}");
    }
    assert!(lexed(&["--cfg", "a", "--cfg", "a", "-g", "-g", "-O", "-O"]).is_ok());
}

fn expanded(arguments: &[OsString], files: &HashMap<&str, &[u8]>) -> Result<Vec<String>, Reason> {
    let context = Context {
        args: arguments,
        directory: Path::new("/ws"),
        response: &|path| files.get(path.to_str()?).map(|bytes| bytes.to_vec()),
        remap: None,
        base: None,
        getenv: &|_| None,
    };
    let behind = expand(&context, Some(Path::new("/bin/wrapper")));
    let names_file = arguments.iter().any(|argument| argument.to_string_lossy().starts_with('@'));
    assert_eq!(matches!(behind, Err(Reason::UncachedFlag(_))), names_file);
    let plain = expand(&context, None);
    assert!(plain.as_ref().is_ok_and(|typed| typed.files.is_empty()) || plain.is_err());
    Ok(plain?.words)
}

#[test]
fn behind_clippy_driver_it_counts_what_stands_in_a_file() {
    let arguments = ["x.rs", "@args", "-O", "@args"].map(OsString::from);
    let context = Context {
        args: &arguments,
        directory: Path::new("/ws"),
        response: &|_| Some(b"--cfg\na".to_vec()),
        remap: None,
        base: None,
        getenv: &|_| None,
    };
    let typed = expand(&context, Some(Path::new("/tc/bin/clippy-driver"))).expect("words");
    assert_eq!(typed.words, ["x.rs", "--cfg", "a", "-O", "--cfg", "a"]);
    assert_eq!(typed.files, [1..3, 4..6]);
}

#[test]
fn response_files() {
    let files = HashMap::from([
        ("args", b"--cfg\nfeature=\"a b\"\r\n\n@inner".as_slice()),
        ("bad", b"\xff".as_slice()),
    ]);
    let os = |texts: &[&str]| texts.iter().map(OsString::from).collect::<Vec<_>>();
    let lines = expanded(&os(&["@args", "x.rs"]), &files);
    assert_eq!(
        lines,
        Ok(vec!["--cfg".into(), "feature=\"a b\"".into(), "".into(), "@inner".into(), "x.rs".into()])
    );
    for bad in ["@bad", "@missing"] {
        assert!(matches!(expanded(&os(&[bad]), &files), Err(Reason::BadArguments(_))), "{bad}");
    }
}

#[test]
fn arguments_that_are_not_text_run_unchanged() {
    let odd = OsString::from_vec(b"a\xff.rs".to_vec());
    assert!(matches!(expanded(&[odd], &HashMap::new()), Err(Reason::BadArguments(_))));
}
