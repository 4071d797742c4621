//! Cargo's own small files about a unit, as a snapshot keeps them: with holes where a variable's value stands, which is nobody's
//! business but the user's, and which is filled in with today's value.
//!
//! What is known of them (cargo 1.95, `core/compiler/fingerprint`): `dep-…` lists sources and, for variables that a unit asked for by
//! `env!`, name and value, in a form of cargo's own (`EncodedDepInfo`, version 1). The `.json` beside a fingerprint is for people to read,
//! and holds the value of each variable that a build script named by `rerun-if-env-changed`. All else is hashes, rustc's messages, and
//! the output of a build script.

use kiln_action::os::OsStrExt;
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_sys::env::Environment;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A file with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoFile(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Value { name: Vec<u8>, spelled: Spelled },
}

/// How a value is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelled {
    /// Four bytes of length, then the bytes.
    Counted,
    /// A string of JSON, with its quotes.
    Json,
}

impl CargoFile {
    /// Cuts the values out of a file; `None` if it is not in a form that is known.
    pub fn cut(name: &Path, content: &[u8]) -> Option<CargoFile> {
        let name = name.file_name()?.as_bytes();
        let cut = match name {
            _ if name.starts_with(b"dep-") => of_dep_info(content)?,
            _ if name.ends_with(b".json") => of_json(content)?,
            _ => Cutting { text: content, done: 0, pieces: Vec::new() },
        };
        Some(CargoFile(cut.end()))
    }

    /// The file with today's values; `None` if a variable is not set, or is no text.
    pub fn fill(&self, environment: &Environment) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(bytes) => text.extend(bytes),
                Piece::Value { name, spelled } => {
                    let value = environment.get(OsStr::from_bytes(name))?.to_str()?;
                    match spelled {
                        Spelled::Counted => {
                            text.extend(u32::try_from(value.len()).ok()?.to_le_bytes());
                            text.extend(value.as_bytes());
                        }
                        Spelled::Json => text.extend(json(value).as_bytes()),
                    }
                }
            }
        }
        Some(text)
    }

    /// Its bytes, if it has no holes.
    pub fn text(&self) -> Option<&[u8]> {
        match &self.0[..] {
            [] => Some(b""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Appends the wire form.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.0.len() as u32);
        for piece in &self.0 {
            let (kind, bytes) = match piece {
                Piece::Text(text) => (0, text),
                Piece::Value { name, spelled: Spelled::Counted } => (1, name),
                Piece::Value { name, spelled: Spelled::Json } => (2, name),
            };
            to.u8(kind);
            to.bytes(bytes);
        }
    }

    /// Reads what [`CargoFile::write`] wrote.
    pub fn read(from: &mut Reader<'_>) -> Result<CargoFile, Malformed> {
        let piece = |from: &mut Reader<'_>| {
            let (kind, bytes) = (from.u8()?, from.bytes()?.to_vec());
            Ok(match kind {
                0 => Piece::Text(bytes),
                1 => Piece::Value { name: bytes, spelled: Spelled::Counted },
                2 => Piece::Value { name: bytes, spelled: Spelled::Json },
                _ => return Err(Malformed),
            })
        };
        from.list(piece).map(CargoFile)
    }
}

/// A file that is being cut.
struct Cutting<'a> {
    text: &'a [u8],
    /// How much of it is in pieces.
    done: usize,
    pieces: Vec<Piece>,
}

impl Cutting<'_> {
    fn hole(&mut self, from: usize, to: usize, name: &[u8], spelled: Spelled) {
        self.pieces.push(Piece::Text(self.text[self.done..from].to_vec()));
        self.pieces.push(Piece::Value { name: name.to_vec(), spelled });
        self.done = to;
    }

    fn end(mut self) -> Vec<Piece> {
        if self.done < self.text.len() {
            self.pieces.push(Piece::Text(self.text[self.done..].to_vec()));
        }
        self.pieces
    }
}

fn of_dep_info(text: &[u8]) -> Option<Cutting<'_>> {
    const VERSION: u8 = 1;
    let mut cutting = Cutting { text, done: 0, pieces: Vec::new() };
    let mut from = Reader(text);
    let marked = from.u32().ok()? == 1 && from.u8().ok()? == u8::MAX && from.u8().ok()? == VERSION;
    if !marked {
        return None;
    }
    for _ in 0..from.u32().ok()? {
        (from.u8(), from.bytes().ok()?).0.ok()?; // a kind, and a path
        if from.u8().ok()? != 0 {
            from.u64().ok()?;
            from.bytes().ok()?; // length and checksum
        }
    }
    for _ in 0..from.u32().ok()? {
        let name = from.bytes().ok()?;
        if from.u8().ok()? != 0 {
            let begin = text.len() - from.0.len();
            from.bytes().ok()?;
            cutting.hole(begin, text.len() - from.0.len(), name, Spelled::Counted);
        }
    }
    from.end().ok()?;
    Some(cutting)
}

fn of_json(text: &[u8]) -> Option<Cutting<'_>> {
    // Within a string quotes have a backslash, so that this stands nowhere but where it is meant.
    const VARIABLE: &[u8] = br#"{"RerunIfEnvChanged":{"var":"#;
    const VALUE: &[u8] = br#","val":"#;
    let mut cutting = Cutting { text, done: 0, pieces: Vec::new() };
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&text[at..], VARIABLE) {
        let name = at + found + VARIABLE.len();
        let behind = name + string(&text[name..])?;
        let value = behind + text[behind..].starts_with(VALUE).then_some(VALUE.len())?;
        at = match text[value..].starts_with(b"null") {
            true => value,
            false => {
                let end = value + string(&text[value..])?;
                let name = &text[name + 1..behind - 1];
                if name.contains(&b'\\') {
                    return None;
                }
                cutting.hole(value, end, name, Spelled::Json);
                end
            }
        };
    }
    Some(cutting)
}

/// How long the string of JSON is that a text begins with.
fn string(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// A string as cargo writes it (serde_json): only what must be is escaped.
fn json(value: &str) -> String {
    use std::fmt::Write;
    let mut text = String::from("\"");
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            other if u32::from(other) < 0x20 => {
                let _ = write!(text, "\\u{:04x}", u32::from(other)); // (to a string it cannot fail)
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// The directives in a build script's output, key and value of each (cargo 1.95, `BuildOutput::parse`).
fn directives(output: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let lines = output.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:"))?;
        line.split_once('=')
    })
}

/// The variables that a build script sets for the compile of its package: `cargo:rustc-env=NAME=value`, and with two colons.
pub fn variables_of(output: &[u8]) -> Vec<(OsString, OsString)> {
    let pairs = directives(output).filter(|(key, _)| *key == "rustc-env");
    pairs
        .filter_map(|(_, pair)| pair.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// The metadata that a build script publishes for the scripts of other packages, key as in a variable's name: `cargo:key=value`, and
/// `cargo::metadata=key=value`.
pub fn metadata_of(output: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let named = |key: &str| key.to_uppercase().replace('-', "_").into_bytes();
    let pairs = directives(output).filter_map(|(key, value)| match key {
        "metadata" => value.split_once('='),
        key => Some((key, value)),
    });
    pairs.map(|(key, value)| (named(key), value.as_bytes().to_vec())).collect()
}

#[cfg(test)]
mod tests;
