//! `kiln PROGRAM …`: what is no command of kiln's is a program, and runs as if kiln were not there. (A known compiler does not come here: the
//! wrapper is for it.)

use crate::{build, exit, fail};
use kiln_engine::inputs;
use kiln_sys::env::Environment;
use kiln_sys::files;
use kiln_sys::process::{self, Program};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The program and its arguments, if that is what the command line means: behind `--` everything is one, else what is no command.
pub fn meant<'a>(arguments: &'a [OsString], commands: &clap::Command) -> Option<&'a [OsString]> {
    match arguments.get(1..)? {
        [dashes, words @ ..] if dashes == "--" => (!words.is_empty()).then_some(words),
        words @ [first, ..] if !first.as_encoded_bytes().starts_with(b"-") && !first.is_empty() => {
            let known = first.to_str().is_some_and(|first| commands.find_subcommand(first).is_some());
            (!known).then_some(words)
        }
        _ => None,
    }
}

/// Becomes the program; returns only if that cannot be, with the exit code that shells have for it.
pub fn become_it(words: &[OsString], environment: &Environment) -> i32 {
    let Some((name, args)) = words.split_first() else { return exit::FINE };
    let is_path = name.as_encoded_bytes().contains(&b'/');
    let found = if is_path { None } else { inputs::find_program(name, environment) };
    if !is_path && found.is_none() {
        return nowhere(name, environment);
    }
    let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
    let file = found.as_ref().map_or(name.as_os_str(), |found| found.as_os_str());
    let error =
        process::become_program(&Program { program: file, called: Some(name), args: &args, set: &[] });
    build::cannot_run(name, &error)
}

fn nowhere(name: &OsStr, environment: &Environment) -> i32 {
    let there = |directory: &Path| files::stat(&directory.join(name)).is_ok_and(|found| found.is_some());
    if let Some(directory) = inputs::search_path(environment).iter().find(|directory| there(directory)) {
        fail(&format!("cannot run `{}`: it is no program", directory.join(name).display()));
        return exit::CANNOT_RUN;
    }
    let hint = match nearest(name) {
        Some(command) => format!("; did you mean `kiln {command}`?"),
        None => "; `kiln help` names the commands".to_owned(),
    };
    fail(&format!("`{}` is neither a command of kiln nor a program on PATH{hint}", name.display()));
    exit::NOT_THERE
}

/// The command that is written most like it, as clap finds it.
fn nearest(name: &OsStr) -> Option<String> {
    use clap::error::{ContextKind, ContextValue};
    let refused = crate::command().try_get_matches_from([OsStr::new("kiln"), name]).err()?;
    match refused.get(ContextKind::SuggestedSubcommand)? {
        ContextValue::String(command) => Some(command.clone()),
        ContextValue::Strings(commands) => commands.first().cloned(),
        _ => None,
    }
}
