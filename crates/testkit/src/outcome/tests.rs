//! What counts as a diagnostic, and that a failure is seen as one.

use std::process::Command;

use super::{Outcome, run, run_with_input};

fn printed(err: &str) -> Vec<String> {
    let status = run(&mut Command::new("true")).status;
    Outcome { status, stdout: Vec::new(), stderr: err.as_bytes().to_vec() }.diagnostics()
}

#[test]
fn progress_lines_and_counts_are_no_diagnostics() {
    let err = "   Compiling a v0.1.0\nwarning: unused\n --> src/lib.rs:1:1\n  |\n1 | code\n  |\n   Compiling b v0.1.0\n\n\
               warning: `a` (lib) generated 1 warning\n    Finished `dev`\n";
    assert_eq!(printed(err), ["warning: unused\n --> src/lib.rs:1:1\n  |\n1 | code\n  |"]);
}

#[test]
fn coloured_diagnostics_are_found_and_keep_their_colours() {
    let err = "\u{1b}[1m\u{1b}[33mwarning\u{1b}[0m: unused\n\u{1b}[1m --> \u{1b}[0msrc/lib.rs\n";
    assert_eq!(printed(err), [err.trim_end()]);
}

#[test]
fn order_of_diagnostics_does_not_matter() {
    assert_eq!(printed("error: b\n\nwarning: a\n\n"), printed("warning: a\n\nerror: b\n\n"));
    assert_ne!(printed("warning: a\n"), printed("warning: b\n"));
}

#[test]
fn input_status_and_streams_are_seen() {
    let got = run_with_input(Command::new("sh").args(["-c", "cat; echo err >&2; exit 3"]), b"in");
    assert_eq!((got.out(), got.err(), got.status.code()), ("in".to_owned(), "err\n".to_owned(), Some(3)));
    assert_eq!(run(Command::new("sh").args(["-c", "kill -9 $$"])).signal(), Some(9));
}

#[test]
#[should_panic(expected = "must succeed")]
fn a_failure_is_no_success() {
    run(&mut Command::new("false")).ok();
}
