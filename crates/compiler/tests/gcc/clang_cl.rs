//! The same for clang-cl: whether an option takes its value from the next argument, with either mark.

use crate::compilers::{Room, installed, run};
use kiln_action::Family;
use kiln_compiler::msvc::args::{self, Argument};
use kiln_compiler::msvc::table::{self, Effect, Own};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

const SOURCES: [&str; 2] = ["first.c", "second.c"];

fn line(option: &str) -> Vec<OsString> {
    [option].into_iter().chain(SOURCES).map(OsString::from).collect()
}

/// How many sources kiln sees; `None` if it caches no command with this option.
fn seen(option: &str) -> Option<usize> {
    let lexed = args::lex(&line(option), Family::ClangCl).ok()?;
    let is_source = |argument: &&Argument| match argument {
        Argument::Input(_) => true,
        Argument::Flag(given) => matches!(given.flag.effect, Effect::Own(Own::Source)),
        Argument::OfClang(..) => false,
    };
    Some(lexed.iter().filter(is_source).count())
}

/// How many sources clang-cl sees; `None` if it refuses the option, or this value for it.
fn compiled(option: &str, room: &Room) -> Option<usize> {
    for source in SOURCES {
        room.write(source, "int x;\n");
    }
    let first = ["--driver-mode=cl", "--target=x86_64-pc-windows-msvc", "-###", "/c"].map(OsString::from);
    let args: Vec<OsString> = first.into_iter().chain(line(option)).collect();
    let output = run("clang", &args, &room.path);
    let messages = String::from_utf8_lossy(&output.stderr);
    let named = |source: &&&str| messages.contains(&format!("\"-main-file-name\" \"{source}\""));
    (!messages.contains("error:")).then(|| SOURCES.iter().filter(named).count())
}

fn check(options: BTreeSet<String>) -> usize {
    let room = Room::new("forms");
    let (mut wrong, mut agreed) = (Vec::new(), 0);
    for option in options {
        let dash = option.strip_prefix('/').map(|name| format!("-{name}"));
        for typed in [Some(option), dash].into_iter().flatten() {
            let Some(seen) = seen(&typed) else { continue };
            match compiled(&typed, &room) {
                Some(compiled) if compiled != seen => wrong.push(format!("{typed}: {compiled}, not {seen}")),
                Some(_) => agreed += 1,
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "clang-cl compiles another number of sources: {wrong:#?}");
    agreed
}

fn has_clang() -> bool {
    installed().iter().any(|compiler| compiler.family == Family::Clang)
}

#[test]
fn every_name_in_the_table_takes_what_clang_cl_says() {
    let rows = table::rows().filter(|flag| flag.only != Some(Family::Msvc));
    let names = rows.flat_map(|flag| flag.names).map(|name| (*name).to_owned());
    assert!(!has_clang() || check(names.collect()) > 200);
}

#[test]
#[ignore = "a minute: clang is asked a thousand times"]
fn clang_cl_takes_every_option_it_lists_as_the_table_says() {
    let listed = |mark: &str| {
        let text = run("clang", &[format!("--autocomplete={mark}").into()], Path::new("/")).stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines()
            .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
            .collect::<BTreeSet<_>>()
    };
    assert!(has_clang() && check(listed("/").into_iter().chain(listed("-")).collect()) > 1000);
}
