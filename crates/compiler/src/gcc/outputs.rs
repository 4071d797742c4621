//! What a command line writes: the output, and what is written beside it.
//!
//! Measured with gcc 12 and clang 14 and the same in both: whatever is written beside the output has the output's name with
//! its last ending replaced, or with the ending added where there is none (`x`, `x.`, `x.lo`, `x.foo.o` give `x.gcno`,
//! `x.gcno`, `x.gcno`, `x.foo.gcno`).

use kiln_action::os::OsStrExt;
use kiln_action::{OutputPlan, Reason};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// How far the compile goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `-E`.
    Preprocess,
    /// `-S`.
    Assembly,
    /// `-c`.
    Object,
}

/// What the arguments ask to be written.
#[derive(Debug, Default)]
pub struct Asked {
    /// How far it goes.
    pub stage: Option<Stage>,
    /// The value of `-o`, as it is given.
    pub output: Option<PathBuf>,
    /// Whether `-emit-llvm` is given.
    pub llvm: bool,
    /// Whether a rule for make is asked for.
    pub depend: bool,
    /// The rule's file, as given.
    pub depfile: Option<PathBuf>,
    /// Whether `-gsplit-dwarf` is given: a `.dwo` is written.
    pub dwo: bool,
    /// Whether `-ftest-coverage` is given: a `.gcno` is written.
    pub gcno: bool,
    /// Whether `-fstack-usage` is given: a `.su` is written.
    pub su: bool,
    /// Whether `-fcallgraph-info` is given: a `.ci` is written.
    pub ci: bool,
}

/// What is written, with the rule for make by itself.
pub struct Planned {
    /// The files that the compile is going to write.
    pub outputs: OutputPlan,
    /// The rule for make, which is one of the outputs.
    pub depfile: Option<PathBuf>,
    /// The output as the command line calls it, given or not.
    pub called: PathBuf,
}

/// The outputs of a command line, in this order: the output itself, the rule for make, `.dwo`, `.gcno`, `.su`, `.ci`.
/// Only the first is sure to be written; the compiler writes the others where it has something to say.
pub fn plan(asked: &Asked, stage: Stage, source: &Path, directory: &Path) -> Result<Planned, Reason> {
    let called = match &asked.output {
        Some(output) => output.clone(),
        None => beside(Path::new(source.file_name().unwrap_or_default()), asked.ending(stage))?,
    };
    let main = real_file(directory, &called)?;
    let mut files = vec![main.clone()];
    let depfile = match &asked.depfile {
        Some(file) => Some(real_file(directory, file)?),
        None if asked.depend => Some(beside(&main, "d")?),
        None => None,
    };
    files.extend(depfile.clone());
    for (wanted, ending) in [(asked.dwo, "dwo"), (asked.gcno, "gcno"), (asked.su, "su"), (asked.ci, "ci")] {
        if wanted && stage != Stage::Preprocess {
            files.push(beside(&main, ending)?);
        }
    }
    let source = directory.join(source);
    for (at, file) in files.iter().enumerate() {
        if files[..at].contains(file) || *file == source {
            return Err(Reason::BadArguments(format!(
                "{} is written twice or is the source",
                file.display()
            )));
        }
    }
    let parent = main.parent().unwrap_or(directory).to_owned();
    let outputs = OutputPlan { directory: parent, files, ..OutputPlan::default() };
    Ok(Planned { outputs, depfile, called })
}

impl Asked {
    fn ending(&self, stage: Stage) -> &'static str {
        match (stage, self.llvm) {
            (Stage::Preprocess, _) => "i",
            (Stage::Assembly, false) => "s",
            (Stage::Assembly, true) => "ll",
            (Stage::Object, false) => "o",
            (Stage::Object, true) => "bc",
        }
    }
}

/// A file with another ending. A name that is nothing but an ending (`.o`) is read differently by gcc and clang.
fn beside(file: &Path, ending: &str) -> Result<PathBuf, Reason> {
    let name = file.file_name().unwrap_or_default().as_bytes();
    match name.iter().rposition(|&b| b == b'.') {
        Some(0) => Err(Reason::BadArguments(format!("no name before the ending: {}", file.display()))),
        Some(dot) => Ok(file.with_file_name(OsStr::from_bytes(&[&name[..=dot], ending.as_bytes()].concat()))),
        None => Ok(file.with_file_name(OsStr::from_bytes(&[name, b".", ending.as_bytes()].concat()))),
    }
}

/// An absolute path for an output, unless it is standard output or a device.
pub(crate) fn real_file(directory: &Path, file: &Path) -> Result<PathBuf, Reason> {
    let absolute = directory.join(file);
    if file == Path::new("-") || absolute.starts_with("/dev") || absolute.starts_with("/proc") {
        return Err(Reason::NotACompile(format!("output to {}", file.display())));
    }
    if absolute.file_name().is_none() || file.as_os_str().as_bytes().ends_with(b"/") {
        return Err(Reason::BadArguments(format!("not a file: {}", file.display())));
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests;
