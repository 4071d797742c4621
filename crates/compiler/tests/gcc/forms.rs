//! Whether an option takes its value from the next argument: every option is put before two sources, and the compiler
//! (`-###`: nothing is run) and kiln must agree on how many sources there are.

use crate::compilers::{Room, installed, is_measured, run};
use kiln_action::Family;
use kiln_compiler::gcc::args::{self, Argument};
use kiln_compiler::gcc::table;
use std::collections::BTreeSet;
use std::ffi::OsString;

const SOURCES: [&str; 2] = ["first.c", "second.c"];

fn line(option: &str) -> Vec<OsString> {
    [option].into_iter().chain(SOURCES).map(OsString::from).collect()
}

/// How many sources kiln sees; `None` if it caches no command with this option.
fn seen(option: &str, family: Family) -> Option<usize> {
    let lexed = args::lex(&line(option), family).ok()?;
    Some(lexed.iter().filter(|argument| matches!(argument, Argument::Input(_))).count())
}

/// How many sources the compiler sees; `None` if it refuses the option, or this value for it.
fn compiled(compiler: &str, family: Family, option: &str, room: &Room) -> Option<usize> {
    for source in SOURCES {
        room.write(source, "int x;\n"); // (clang removes what `-o` names)
    }
    let mut args = vec![OsString::from("-###"), OsString::from("-c")];
    args.extend(line(option));
    let output = run(compiler, &args, &room.path);
    let messages = String::from_utf8_lossy(&output.stderr);
    if messages.contains("error:") {
        return None;
    }
    let named = |source: &str| match family {
        Family::Clang => messages.contains(&format!("\"-main-file-name\" \"{source}\"")),
        _ => messages.contains(&format!("-dumpbase {source} ")),
    };
    Some(SOURCES.into_iter().filter(|source| named(source)).count())
}

fn check(options: &BTreeSet<String>, compiler: &str, family: Family) -> usize {
    let room = Room::new("forms");
    let mut wrong = Vec::new();
    let mut agreed = 0;
    for option in options {
        let Some(seen) = seen(option, family) else { continue };
        match compiled(compiler, family, option, &room) {
            Some(compiled) if compiled != seen => wrong.push(format!("{option}: {compiled}, not {seen}")),
            Some(_) => agreed += 1,
            None => {}
        }
    }
    assert!(wrong.is_empty(), "{compiler} compiles another number of sources: {wrong:#?}");
    agreed
}

#[test]
fn every_name_in_the_table_takes_what_the_compiler_says() {
    for compiler in installed() {
        let options = table::rows().flat_map(|flag| flag.names).map(|name| (*name).to_owned()).collect();
        let agreed = check(&options, compiler.name, compiler.family);
        assert!(agreed > 80, "{} told about {agreed} options only", compiler.name);
    }
}

/// What gcc says it knows.
fn options_of_gcc() -> BTreeSet<String> {
    let mut options = BTreeSet::new();
    for class in ["common", "target", "optimizers", "warnings", "c", "c++", "undocumented"] {
        for kind in ["", ",joined", ",separate"] {
            let args = vec![OsString::from(format!("--help={class}{kind}"))];
            let text = run("gcc", &args, std::path::Path::new("/")).stdout;
            let text = String::from_utf8_lossy(&text).into_owned();
            let first = |line: &str| {
                let word = line.strip_prefix("  -")?.split([' ', '\t']).next()?;
                Some(format!("-{}", word.split(['[', '<', ',']).next()?))
            };
            options.extend(text.lines().filter_map(first));
        }
    }
    options
}

#[test]
fn gcc_takes_every_option_it_lists_as_the_table_says() {
    if is_measured("gcc", Family::Gcc) {
        let options = options_of_gcc();
        assert!(options.len() > 1000, "the help of gcc looks different: {}", options.len());
        assert!(check(&options, "gcc", Family::Gcc) > 700);
    }
}

#[test]
#[ignore = "a minute: clang is asked two thousand times"]
fn clang_takes_every_option_it_lists_as_the_table_says() {
    let text = run("clang", &[OsString::from("--autocomplete=-")], std::path::Path::new("/")).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    let options = text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect();
    assert!(check(&options, "clang", Family::Clang) > 700);
}
