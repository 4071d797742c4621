//! Which files a rustc call wrote: files of the out-dir named after crate name and extra-filename, the file
//! of `-o`, and those named in `--emit kind=FILE`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// File stamps come from the kernel's coarse clock, which runs up to a tick behind.
const CLOCK_TICK: Duration = Duration::from_millis(50);

/// The arguments that say where outputs go.
#[derive(Default)]
struct Places {
    out_dir: PathBuf,
    stem: OsString,
    named: Vec<PathBuf>,
}

/// The files that the call with these arguments wrote since `start`, sorted.
pub fn written(arguments: &[OsString], start: SystemTime) -> Vec<PathBuf> {
    let places = places(arguments);
    let mut files: Vec<PathBuf> = places.named.iter().filter(|file| file.is_file()).cloned().collect();
    if !places.stem.is_empty() {
        let entries = fs::read_dir(&places.out_dir).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().unwrap_or_default();
            is_named_after(&places.stem, name) && is_file_since(path, start)
        }));
    }
    files.sort();
    files.dedup();
    files
}

fn places(arguments: &[OsString]) -> Places {
    let mut places = Places { out_dir: PathBuf::from("."), ..Places::default() };
    let (mut name, mut extra) = (OsString::new(), OsString::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = |option: &str| option_value(argument, option, &mut rest);
        if let Some(directory) = value("--out-dir") {
            places.out_dir = directory.into();
        } else if let Some(crate_name) = value("--crate-name") {
            name = crate_name;
        } else if let Some(kinds) = value("--emit") {
            places.named.extend(emit_files(&kinds));
        } else if let Some(codegen) = value("-C") {
            extra = strip(&codegen, "extra-filename=").map_or(extra, OsStr::to_owned);
        } else if let Some(suffix) = strip(argument, "-Cextra-filename=") {
            extra = suffix.to_owned();
        } else if argument == "-o" {
            places.named.extend(rest.next().map(PathBuf::from));
        }
    }
    if !name.is_empty() {
        name.push(extra);
        places.stem = name;
    }
    places
}

/// The value of `--option=value` or `--option value`.
fn option_value(
    argument: &OsStr,
    option: &str,
    rest: &mut std::slice::Iter<'_, OsString>,
) -> Option<OsString> {
    if argument == option {
        return rest.next().cloned();
    }
    strip(argument, option)
        .and_then(|value| value.as_bytes().strip_prefix(b"="))
        .map(|value| OsStr::from_bytes(value).to_owned())
}

fn strip<'a>(text: &'a OsStr, prefix: &str) -> Option<&'a OsStr> {
    text.as_bytes().strip_prefix(prefix.as_bytes()).map(OsStr::from_bytes)
}

/// The files in `dep-info=a.d,link=b`.
fn emit_files(kinds: &OsStr) -> Vec<PathBuf> {
    let file_of = |kind: &[u8]| {
        let equals = kind.iter().position(|&byte| byte == b'=')?;
        Some(PathBuf::from(OsStr::from_bytes(&kind[equals + 1..])))
    };
    kinds.as_bytes().split(|&byte| byte == b',').filter_map(file_of).collect()
}

/// `stem`, `libstem`, and both with any extension.
fn is_named_after(stem: &OsStr, file: &OsStr) -> bool {
    let matches = |name: &[u8]| {
        name.strip_prefix(stem.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'.')
    };
    let name = file.as_bytes();
    matches(name) || name.strip_prefix(b"lib").is_some_and(matches)
}

fn is_file_since(path: &Path, start: SystemTime) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    metadata.is_file() && metadata.modified().is_ok_and(|time| time + CLOCK_TICK >= start)
}

#[cfg(test)]
mod tests {
    use super::{emit_files, is_named_after, places};
    use std::ffi::{OsStr, OsString};
    use std::path::PathBuf;

    #[test]
    fn places_are_read_in_both_spellings() {
        let arguments = ["--crate-name", "a", "--out-dir=o", "-C", "extra-filename=-1", "-o", "x"];
        let found = places(&arguments.map(OsString::from));
        assert_eq!((found.out_dir, found.stem), (PathBuf::from("o"), OsString::from("a-1")));
        assert_eq!(found.named, [PathBuf::from("x")]);
    }

    #[test]
    fn emit_names_files_only_after_an_equals_sign() {
        assert_eq!(emit_files(OsStr::new("metadata,dep-info=d/a.d")), [PathBuf::from("d/a.d")]);
    }

    #[test]
    fn a_longer_crate_name_is_another_crate() {
        let stem = OsStr::new("a-1");
        assert!(["a-1", "a-1.d", "liba-1.rlib"].iter().all(|name| is_named_after(stem, OsStr::new(name))));
        assert!(!["a-12", "liba-1x.rlib", "ba-1"].iter().any(|name| is_named_after(stem, OsStr::new(name))));
    }
}
