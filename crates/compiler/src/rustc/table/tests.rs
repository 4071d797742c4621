#![allow(clippy::disallowed_methods, reason = "asks the installed rustc for its flags")]

use super::*;
use std::collections::HashSet;
use std::process::Command;

#[test]
fn names_are_unique_and_rows_say_something() {
    let mut spelled = HashSet::new();
    let mut fields = HashSet::new();
    for flag in rows() {
        assert!(spelled.insert(flag.spelled()), "{flag:?} twice");
        assert!(fields.insert(flag.field), "{} twice", flag.field);
        assert!(flag.doc.ends_with('.') && flag.rests.ends_with('.'), "{flag:?}");
        assert!(flag.field != "input" && flag.field != "compiler" && flag.field != "dependency");
        assert_eq!(flag.takes == Takes::Option, flag.group.is_some());
    }
}

#[test]
fn switches_are_read_as_rustc_reads_them() {
    for off in ["n", "no", "off", "false"] {
        assert!(!is_on(Some(off)));
    }
    for on in [None, Some("y"), Some("yes"), Some("on"), Some("true"), Some(""), Some("?")] {
        assert!(is_on(on));
    }
}

fn rustc(arguments: &[&str]) -> Option<String> {
    let output = Command::new("rustc").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `-C  name=val -- …`
fn options(text: &str, group: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(group)?.split_once("=val"))
        .map(|(name, _)| name.trim().to_owned())
        .collect()
}

/// `    -A, --allow <LINT>`; `    -g    Equivalent…`; `        --cfg <SPEC>`.
fn flags(text: &str) -> Vec<String> {
    let words = |line: &str| -> Vec<String> {
        let line = line.trim_start();
        if !line.starts_with('-') {
            return Vec::new();
        }
        let known = line.split(' ').map(|word| word.trim_end_matches(','));
        known.take_while(|word| word.starts_with('-')).map(str::to_owned).collect()
    };
    text.lines().skip_while(|line| !line.starts_with("Options")).flat_map(words).collect()
}

/// `<asm|link>` or `* asm - …` lists of values.
fn missing(release: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let help = rustc(&["--help", "-v"]).expect("help");
    for name in flags(&help) {
        let known = match name.strip_prefix("--") {
            Some(name) => long(name).is_some() || group(name).is_some(),
            None => name.chars().nth(1).is_some_and(|c| short(c).is_some() || "CZ".contains(c)),
        };
        if !known {
            missing.push(name);
        }
    }
    let codegen = options(&rustc(&["-C", "help"]).expect("help"), "-C");
    assert!(codegen.len() > 40, "the help of {release} looks different");
    missing
        .extend(codegen.into_iter().filter(|name| grouped('C', name).is_none()).map(|n| format!("-C {n}")));
    let unstable = rustc(&["-Z", "help"]).map(|text| options(&text, "-Z")).unwrap_or_default();
    missing
        .extend(unstable.into_iter().filter(|name| grouped('Z', name).is_none()).map(|n| format!("-Z {n}")));
    let kinds = help.lines().map(str::trim).filter_map(|line| line.strip_prefix("<all-target-specs-json|"));
    let prints = kinds.flat_map(|line| line.trim_end_matches(">.").split('|'));
    let unknown = prints.filter(|name| !PRINTS.iter().any(|(known, _)| known == name));
    missing.extend(unknown.map(|name| format!("--print {name}")));
    missing
}

#[test]
fn the_installed_rustc_has_no_flag_that_is_not_here() {
    let Some(version) = rustc(&["-vV"]) else { return };
    let release = version.lines().find_map(|line| line.strip_prefix("release: ")).unwrap_or_default();
    let missing = missing(release);
    // another compiler's new flags are run uncached, by name; this one's must be known
    assert!(missing.is_empty() || !release.starts_with("1.95"), "{release} also has {missing:?}");
}
