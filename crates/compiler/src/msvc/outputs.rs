//! What a command line writes: the object, assembly beside it, and a rule for make.
//!
//! Measured with clang-cl 14 (`MakeCLOutputFilename`): what `/Fo` and `/Fa` name is a directory if it ends in a slash, and the
//! source's name with another ending is put in it; a name without an ending gets one; an empty one is none.

use crate::gcc::outputs::real_file;
use kiln_action::os::OsStrExt;
use kiln_action::{Family, OutputPlan, Reason};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What the arguments ask to be written.
#[derive(Debug, Default)]
pub struct Asked {
    /// `/Fo`, as given; empty if it is not.
    pub object: PathBuf,
    /// `/FA` or `/Fa`: the latter's value, or nothing.
    pub listing: Option<PathBuf>,
    /// Whether `/clang:-MD` is given: a depfile is written.
    pub depend: bool,
    /// The value of `/clang:-MF`, as it is given.
    pub depfile: Option<PathBuf>,
}

/// What is written, with the rule for make by itself.
pub struct Planned {
    /// The files that the compile is going to write.
    pub outputs: OutputPlan,
    /// The rule for make, which is one of the outputs.
    pub depfile: Option<PathBuf>,
    /// The object as the command line calls it, given or not.
    pub called: PathBuf,
}

/// The outputs of a command line, in this order: the object, the rule for make, assembly.
pub fn plan(asked: &Asked, source: &Path, directory: &Path, family: Family) -> Result<Planned, Reason> {
    let called = named(&asked.object, source, "obj", family)?;
    let main = real_file(directory, &called)?;
    let mut files = vec![main.clone()];
    let depfile = match &asked.depfile {
        Some(file) => Some(real_file(directory, file)?),
        None if asked.depend => Some(real_file(directory, &with_ending(base(source), "d"))?),
        None => None,
    };
    files.extend(depfile.clone());
    if let Some(listing) = &asked.listing {
        files.push(real_file(directory, &named(listing, source, "asm", family)?)?);
    }
    let source = directory.join(source);
    for (at, file) in files.iter().enumerate() {
        if files[..at].contains(file) || *file == source {
            let what = format!("{} is written twice or is the source", file.display());
            return Err(Reason::BadArguments(what));
        }
    }
    let parent = main.parent().unwrap_or(directory).to_owned();
    Ok(Planned { outputs: OutputPlan { directory: parent, files, ..OutputPlan::default() }, depfile, called })
}

/// The file that a value of `/Fo` or `/Fa` means.
fn named(given: &Path, source: &Path, ending: &str, family: Family) -> Result<PathBuf, Reason> {
    let text = given.as_os_str().as_bytes();
    let unclear = text.starts_with(b":") || text.contains(&b'\\');
    if unclear && family == Family::ClangCl {
        return Err(Reason::UncachedFlag(format!("/Fo{}", given.display())));
    }
    let text = if family == Family::Msvc { text.strip_prefix(b":").unwrap_or(text) } else { text };
    let is_slash = |byte: &u8| *byte == b'/' || family == Family::Msvc && *byte == b'\\';
    let path = PathBuf::from(OsStr::from_bytes(text));
    if text.is_empty() {
        return Ok(with_ending(base(source), ending));
    }
    if text.last().is_some_and(is_slash) {
        return Ok(path.join(with_ending(base(source), ending)));
    }
    let name = text.rsplit(is_slash).next().unwrap_or_default();
    if matches!(name, b"." | b"..") {
        return Err(Reason::BadArguments(format!("not a file: {}", given.display())));
    }
    Ok(if name.contains(&b'.') { path } else { with_ending(&path, ending) })
}

fn base(source: &Path) -> &Path {
    Path::new(source.file_name().unwrap_or_default())
}

/// LLVM's `replace_extension`: everything from the last dot on, even if nothing is before it.
fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let name = file.file_name().unwrap_or_default().as_bytes();
    let stem = name.iter().rposition(|&byte| byte == b'.').map_or(name, |dot| &name[..dot]);
    file.with_file_name(OsStr::from_bytes(&[stem, b".", ending.as_bytes()].concat()))
}

#[cfg(test)]
mod tests;
