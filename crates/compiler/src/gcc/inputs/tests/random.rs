//! Random command lines: never a panic, never an output that is not declared by name, and never an option that is not in
//! the table in a command that is cached.

use super::*;
use crate::gcc::table;
use proptest::prelude::*;

/// Words that mean something somewhere, and words that mean nothing.
fn word() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = table::rows().flat_map(|flag| flag.names).copied().collect();
    let features: Vec<&'static str> = table::features().to_vec();
    const KNOWN: &[&str] = &[
        "-c",
        "-S",
        "-E",
        "-o",
        "a.c",
        "b.cc",
        "x.o",
        "-",
        "--",
        "@file",
        "-MD",
        "-MF",
        "d.d",
        "-Wp,-MD,w.d",
        "-g",
        "-gsplit-dwarf",
        "--coverage",
        "-x",
        "c",
        "c++-header",
        "-Wa,--noexecstack",
        "-I",
        "/home/me/p/inc",
        "-Wp,",
        "-ffile-prefix-map=/home/me/p=.",
        "-o/dev/null",
        "a.h",
        "-Xclang",
        "-target-feature",
        ".o",
        "",
    ];
    prop_oneof![
        3 => (proptest::sample::select(names), "[a-z=,:/@é.-]{0,6}").prop_map(|(name, tail)| format!("{name}{tail}")),
        1 => proptest::sample::select(features).prop_map(|name| format!("-f{name}1")),
        5 => proptest::sample::select(KNOWN).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ]
}

fn attempt(compiler: &str, words: &[String], remap: bool) -> Result<Invocation, Reason> {
    let remap = remap.then(|| Remap { work: "/home/me/p".into(), target: None });
    let words: Vec<OsString> =
        [compiler].into_iter().chain(words.iter().map(String::as_str)).map(Into::into).collect();
    Line { remap, ..Line::default() }.parse_words(&words)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_command_line_is_too_odd(
        compiler in proptest::sample::select(vec!["gcc", "g++", "clang", "clang++"]),
        words in proptest::collection::vec(word(), 0..6),
        remap in any::<bool>(),
    ) {
        let mut line = vec!["-c".to_owned(), "a.c".to_owned()];
        line.extend(words);
        let Ok(it) = attempt(compiler, &line, remap) else { return Ok(()) };
        let files = &it.outputs.files;
        prop_assert!(!files.is_empty() && files.iter().all(|file| file.is_absolute()));
        prop_assert!(files.iter().enumerate().all(|(n, file)| !files[..n].contains(file)));
        prop_assert!(it.outputs.stems.is_empty() && it.outputs.private.is_empty());
        prop_assert!(it.depfile.is_none() || it.depfile.as_ref() == files.get(1));
        prop_assert!(it.source.as_ref().is_some_and(|source| source.is_absolute() && !files.contains(source)));
        if it.shows_directory {
            prop_assert!(it.key_places().roots().is_empty());
        }
    }

    #[test]
    fn an_unknown_option_is_never_cached(
        words in proptest::collection::vec(word(), 0..5),
        at in 0_usize..6,
        odd in "-[XYjhkqy][a-z]{2,6}",
    ) {
        let mut line = vec!["-c".to_owned(), "a.c".to_owned()];
        line.extend(words);
        // (not where it is another option's value)
        let at = at.min(line.len());
        let before = attempt("gcc", &line[..at], false);
        let is_value = matches!(&before, Err(Reason::BadArguments(why)) if why.ends_with("without a value"));
        line.insert(at, odd);
        prop_assert!(is_value || attempt("gcc", &line, false).is_err());
    }
}
