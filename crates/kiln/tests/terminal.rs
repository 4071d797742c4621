//! What is different where a person looks: on a terminal there are questions, colours, progress and a width. In a pipe
//! there is none of it.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

mod pty;
mod space;

use pty::{END, On, Session};
use space::{Space, err, out, succeeds};
use std::process::Command;
use std::time::Duration;

/// A space with one result.
fn warm() -> Space {
    let space = Space::new();
    assert_eq!(space.compile(&[]).outcome, "miss");
    space
}

fn entries(space: &Space) -> u64 {
    let shown = out(&succeeds(&mut space.kiln(&["stats", "--json"])));
    serde_json::from_str::<serde_json::Value>(&shown).unwrap()["store_entries"].as_u64().unwrap()
}

/// kiln on a terminal of 80 columns.
fn on_terminal(space: &Space, args: &[&str], set: &[(&str, &str)]) -> Session {
    let mut command = space.kiln(args);
    command.env("TERM", "xterm-256color").envs(set.iter().copied());
    Session::start(command, 80, On::Everything)
}

/// The question, the answer, what came of it: the screen without the size, the exit code, how many results are left.
fn answered(args: &[&str], answer: &str) -> (String, Option<i32>, u64) {
    let space = warm();
    let mut session = on_terminal(&space, args, &[]);
    session.wait_for("[y/N] ");
    session.type_in(answer);
    let (status, screen, _) = session.end();
    let begin = "remove 1 result, ";
    assert!(screen.starts_with(begin), "{screen:?}");
    let after = screen.split_once("[y/N] ").unwrap().1.to_owned();
    (after, status.code(), entries(&space))
}

#[test]
fn a_yes_removes() {
    for yes in ["y\n", "Y\n", "yes\n"] {
        let (after, code, left) = answered(&["clear"], yes);
        assert!(after.contains("removed 1 result, "), "{after:?}");
        assert_eq!((code, left), (Some(0), 0), "{yes:?}");
    }
    assert_eq!(answered(&["clear", "unit"], "y\n").2, 0);
}

#[test]
fn anything_else_removes_nothing_and_says_so() {
    for no in ["n\n", "no\n", "\n", "yet\n"] {
        let expected = (format!("{no}nothing was removed\n"), Some(1), 1);
        assert_eq!(answered(&["clear"], no), expected, "{no:?}");
    }
    // The end of the input is no answer; the next prompt of the shell has a line of its own.
    let (after, code, left) = answered(&["clear"], END);
    assert!(after.ends_with("\nnothing was removed\n"), "{after:?}");
    assert_eq!((code, left), (Some(1), 1));
}

#[test]
fn nothing_is_asked_where_there_is_nothing_to_ask() {
    let space = warm();
    let (status, screen, _) = on_terminal(&space, &["clear", "nobody"], &[]).end();
    assert!(status.success() && screen.starts_with("removed 0 results, "), "{screen:?}");
    let (status, screen, _) = on_terminal(&space, &["clear", "--yes"], &[]).end();
    assert!(status.success() && screen.starts_with("removed 1 result, "), "{screen:?}");
    let space = warm();
    // A script is not asked, and so it says that it means it.
    for args in [&["clear"][..], &["clear", "unit"], &["clear", "--older-than", "0"], &["clear", "--json"]] {
        let refused = space.kiln(args).stdin(std::process::Stdio::null()).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{args:?}");
        assert!(err(&refused).contains("--yes"), "{}", err(&refused));
        assert_eq!(entries(&space), 1, "{args:?}");
    }
    let shown = out(&succeeds(&mut space.kiln(&["clear", "-y"])));
    assert!(shown.starts_with("removed 1 result, "), "{shown}");
}

const COLOUR: &str = "\x1b[";

#[test]
fn colours_are_for_terminals_and_those_who_want_them() {
    let space = warm();
    for (args, word) in [
        (&["explain"][..], "\x1b[33mnever seen here\x1b[0m"),
        (&["verify"], "\x1b[32mall sound\x1b[0m"),
        (&["doctor"], "\x1b[32mok     \x1b[0m"),
        (&["config", "get", "nothing"], "\x1b[1m\x1b[31merror:\x1b[0m"),
    ] {
        let seen = |set: &[(&str, &str)]| on_terminal(&space, args, set).end().1;
        let plain = seen(&[("NO_COLOR", "1")]).replace("\r\x1b[K", "");
        let painted = seen(&[]);
        assert!(painted.contains(word), "{args:?}: {painted:?}");
        assert!(seen(&[("NO_COLOR", "")]).contains(word), "{args:?}: an empty NO_COLOR means nothing");
        assert!(!plain.contains('\x1b'), "{args:?}: {plain:?}");
        assert!(!seen(&[("TERM", "dumb")]).contains('\x1b'), "{args:?}");
        let output = space.kiln(args).output().unwrap();
        assert!(!out(&output).contains(COLOUR) && !err(&output).contains(COLOUR), "{args:?}");
    }
    // Only standard output counts for what goes there.
    let (_, screen, piped) = Session::start(space.kiln(&["explain"]), 80, On::AllButOutput).end();
    assert!(piped.contains("never seen here") && !piped.contains('\x1b') && screen.is_empty(), "{piped:?}");
    // Programs read this.
    let (_, screen, _) = on_terminal(&space, &["explain", "--json"], &[]).end();
    assert!(!screen.contains('\x1b'), "{screen:?}");
}

#[test]
fn help_is_as_wide_as_the_terminal_and_not_wider_than_can_be_read() {
    let space = Space::new();
    let widest = |columns| {
        let (_, screen, _) = Session::start(space.kiln(&["--help"]), columns, On::Everything).end();
        let plain = regex_lite::Regex::new("\x1b\\[[0-9;]*m").unwrap().replace_all(&screen, "").into_owned();
        // What is in a paragraph; examples stay as they are.
        let prose = plain.split("Examples:").next().unwrap().to_owned();
        prose.lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(widest(60) <= 60);
    assert!((80..=100).contains(&widest(200)));
    let piped = out(&succeeds(&mut space.kiln(&["--help"])));
    assert!((80..=100).contains(&piped.lines().map(|line| line.chars().count()).max().unwrap()));
}

/// A C compiler that takes its time.
fn slow_cc(space: &Space) -> String {
    let real = Command::new("sh").args(["-c", "command -v cc"]).output().unwrap().stdout;
    let script = format!("#!/bin/sh\nsleep 0.15\nexec {} \"$@\"\n", String::from_utf8(real).unwrap().trim());
    space.write("slow/cc", &script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(space.path("slow/cc"), mode).unwrap();
    format!("{}:{}", space.path("slow").display(), std::env::var("PATH").unwrap())
}

#[test]
fn what_takes_longer_than_a_second_shows_progress_on_a_terminal_and_nowhere_else() {
    let space = Space::new();
    let path = slow_cc(&space);
    let set = [("PATH", path.as_str())];
    let session = on_terminal(&space, &["doctor"], &set);
    session.wait_for("\r\x1b[Klooking at everything: 1 s");
    let (_, screen, _) = session.end();
    let (_, last) = screen.rsplit_once("\r\x1b[K").unwrap();
    assert!(last.contains("programs") && !last.contains("looking at everything"), "it is wiped: {last:?}");

    let command = |more: &[(&str, &str)], args: &[&str]| {
        let mut command = space.kiln(args);
        command.env("TERM", "xterm").envs(set).envs(more.iter().copied());
        command
    };
    let (_, screen, piped) = Session::start(command(&[], &["doctor"]), 80, On::AllButErrors).end();
    assert!(!screen.contains("looking at") && piped.is_empty(), "{screen:?} {piped:?}");
    let (_, screen, _) = Session::start(command(&[], &["doctor", "--json"]), 80, On::Everything).end();
    assert!(screen.starts_with("{\n"), "{screen:?}");
    let (_, screen, _) = Session::start(command(&[("TERM", "dumb")], &["doctor"]), 80, On::Everything).end();
    assert!(!screen.contains("looking at"), "{screen:?}");
}

#[test]
fn what_is_quick_shows_none() {
    let space = warm();
    for args in [&["verify"][..], &["gc"], &["clear", "--yes"]] {
        let (_, screen, _) = on_terminal(&space, args, &[("NO_COLOR", "1")]).end();
        assert!(!screen.contains('\r') && !screen.contains('\x1b'), "{screen:?}");
    }
}

/// Looking at a large cache says how much of it is done.
#[test]
fn verifying_says_how_far_it_is() {
    let space = warm();
    // Many large blobs, all of nothing and none of them sound, stopped in the middle so that a second passes.
    for number in 0..64 {
        let name = format!("{number:064x}");
        let path = space.path("cache/v1/blobs/0");
        std::fs::create_dir_all(&path).unwrap();
        std::fs::File::create(path.join(name)).unwrap().set_len(32 << 20).unwrap();
    }
    // Where it is stopped before it has begun, or after it has ended, once more.
    let shown = (1..10).any(|attempt| {
        let session = on_terminal(&space, &["verify"], &[("NO_COLOR", "1")]);
        std::thread::sleep(Duration::from_millis(50 * attempt));
        let signal = |name: &str| Command::new("kill").args([name, &session.child.id().to_string()]).output();
        signal("-STOP").unwrap();
        std::thread::sleep(Duration::from_millis(1200));
        signal("-CONT").unwrap();
        let (status, screen, _) = session.end();
        assert_eq!(status.code(), Some(1));
        let shown = screen.lines().next().unwrap();
        shown.contains("\r\x1b[Kverifying: ") && shown.contains(" % of 2.0")
    });
    assert!(shown, "nothing was said of how far it is");
}
