//! Dep-info as rustc writes it (1.95, `write_out_deps`):
//!
//! ```text
//! out/a.d: src/a.rs src/odd\ name.rs        one such rule an output, all with the same prerequisites
//!
//! src/a.rs:                                 one empty rule a prerequisite
//! src/odd\ name.rs:
//!
//! # env-dep:SET=multi\nline\\x              `env!`, `option_env!`; escaped: \n \r \\
//! # env-dep:UNSET
//! # checksum:blake3=… file_len:12 src/a.rs  nightly
//! ```
//!
//! Only spaces are escaped, and only in prerequisites, not in targets. A path with a line break in it cannot be read
//! back; such a path is simply another file than the one that was meant, and a compile whose declared inputs were not
//! seen read is not stored.

/// What a dep-info file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepInfo {
    /// The prerequisites of the first rule, as written: relative to the compiler's directory, or absolute. Empty for
    /// source on standard input.
    pub inputs: Vec<Vec<u8>>,
    /// Variables that were asked for, with the value they had; `None` was unset.
    pub environment: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

const ENVIRONMENT: &[u8] = b"# env-dep:";

/// Reads dep-info; `None` if there is no rule in it.
pub fn parse(bytes: &[u8]) -> Option<DepInfo> {
    let mut info = DepInfo::default();
    let mut rule: Option<&[u8]> = None;
    let mut empty_rules = Vec::new();
    for line in bytes.split(|&b| b == b'\n') {
        if let Some(variable) = line.strip_prefix(ENVIRONMENT) {
            info.environment.push(read_variable(variable));
        } else if line.starts_with(b"# ") {
            continue;
        } else if rule.is_none() {
            rule = Some(line).filter(|line| ends_of_target(line).next().is_some());
        } else if let Some(path) = line.strip_suffix(b":") {
            empty_rules.extend(read_paths(path));
        }
    }
    info.inputs = prerequisites(rule?, &empty_rules);
    Some(info)
}

fn ends_of_target(line: &[u8]) -> impl Iterator<Item = usize> {
    line.windows(2).enumerate().filter(|(_, pair)| *pair == b": ").map(|(at, _)| at)
}

/// What follows the target. A space in the target is not escaped, so `: ` may occur in it: of several readings the one
/// that the empty rules confirm is right; without any, the first, which is cargo's.
fn prerequisites(line: &[u8], empty_rules: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut readings = ends_of_target(line).map(|at| read_paths(&line[at + 2..]));
    let first = readings.next().unwrap_or_default();
    if first == empty_rules {
        return first;
    }
    readings.find(|paths| paths == empty_rules).unwrap_or(first)
}

fn read_paths(text: &[u8]) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let mut path = Vec::new();
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if bytes.next_if_eq(&b' ').is_some() => path.push(b' '),
            b' ' => paths.extend(Some(std::mem::take(&mut path)).filter(|path| !path.is_empty())),
            byte => path.push(byte),
        }
    }
    paths.extend(Some(path).filter(|path| !path.is_empty()));
    paths
}

fn read_variable(text: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    match text.iter().position(|&b| b == b'=') {
        Some(at) => (unescape(&text[..at]), Some(unescape(&text[at + 1..]))),
        None => (unescape(text), None),
    }
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\\' => out.extend(b"\\\\"),
            byte => out.push(byte),
        }
    }
}

/// The same dep-info with the values of its variables as they are today; every other byte stays.
pub fn with_environment(bytes: &[u8], today: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let Some(variable) = line.strip_prefix(ENVIRONMENT) else {
            out.extend(line);
            continue;
        };
        let ended = variable.ends_with(b"\n");
        let (name, _) = read_variable(variable.strip_suffix(b"\n").unwrap_or(variable));
        out.extend(ENVIRONMENT);
        escape(&name, &mut out);
        if let Some(value) = today(&name) {
            out.push(b'=');
            escape(&value, &mut out);
        }
        if ended {
            out.push(b'\n');
        }
    }
    out
}

#[cfg(test)]
mod tests;
