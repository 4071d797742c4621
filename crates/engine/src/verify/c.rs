//! A C compile with its outputs elsewhere. Nothing else of the command line changes, and the rule for make keeps its target; an
//! output that shows its own name is found out by compiling twice.

use super::marks::{self, Alike};
use kiln_action::os::OsStrExt;
use kiln_action::{Family, FileKind, Invocation, Place, Places, Subject};
use kiln_sys::files::{self, FileError};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The command line, and what it means.
pub struct Moved {
    /// The arguments of the compile that is made for comparison.
    pub args: Vec<OsString>,
    /// The places, with the outputs where they are written now.
    pub places: Places,
    /// Directories that have to be there.
    pub directories: Vec<PathBuf>,
}

/// The arguments with every output below `out`; `None` if outputs may be named in a file of words.
pub fn moved(args: &[OsString], invocation: &Invocation, out: &Path) -> Option<Moved> {
    if args.iter().any(|argument| argument.as_bytes().starts_with(b"@")) {
        return None;
    }
    let mut moving = Moving { invocation, out, called: None, depfile: None };
    let mut args = moving.all(args)?;
    let called = match moving.called.take() {
        Some(called) => called,
        None => {
            let main = invocation.outputs.files.first()?;
            args.extend(["-o".into(), moving.beside(main).into_os_string()]);
            main.strip_prefix(&invocation.directory).unwrap_or(main).into()
        }
    };
    let starts = |argument: &OsString, start: &[u8]| argument.as_bytes().starts_with(start);
    let has_target = args.iter().any(|it| starts(it, b"-MT") || starts(it, b"-MQ"))
        || args.iter().any(|it| starts(it, b"-Wp,") && holds(it, b",-MT,") | holds(it, b",-MQ,"));
    // (gcc takes the target of a rule that it is asked for in this way from the source)
    let from_source =
        invocation.subject == Subject::Compile(Family::Gcc) && args.iter().any(|it| starts(it, b"-Wp,-M"));
    if invocation.depfile.is_some() && !has_target && !from_source {
        args.extend(["-MQ".into(), called]);
    }
    args.extend(invocation.append.iter().cloned());
    let mut places = Places::new();
    for (place, root) in invocation.places.roots() {
        match place {
            Place::Output(number) => {
                let file = invocation.outputs.files.get(usize::from(*number))?;
                let named = moving.depfile.clone().filter(|_| invocation.depfile.as_ref() == Some(file));
                places.add(*place, &named.unwrap_or_else(|| moving.beside(file)));
            }
            _ => places.add(*place, root),
        }
    }
    Some(Moved { args, places, directories: vec![out.join("main"), out.join("rule")] })
}

fn holds(argument: &OsStr, word: &[u8]) -> bool {
    memchr::memmem::find(argument.as_bytes(), word).is_some()
}

struct Moving<'a> {
    invocation: &'a Invocation,
    out: &'a Path,
    /// The output as the command line calls it, if it does.
    called: Option<OsString>,
    /// Where the rule for make is written now, if the command line names its file.
    depfile: Option<PathBuf>,
}

impl Moving<'_> {
    fn all(&mut self, args: &[OsString]) -> Option<Vec<OsString>> {
        let mut moved = Vec::with_capacity(args.len() + 4);
        let mut args = args.iter();
        while let Some(argument) = args.next() {
            if argument == "-o" || argument == "--output" || argument == "-MF" {
                let value = args.next()?;
                moved.extend([argument.clone(), self.value(value.as_bytes())?]);
                continue;
            }
            let joined = [&b"--output="[..], b"-o", b"-MF", b"-Wp,-MD,", b"-Wp,-MMD,"].into_iter();
            let mut joined =
                joined.filter_map(|start| argument.as_bytes().strip_prefix(start).map(|rest| (start, rest)));
            let found = joined.find_map(|(start, rest)| {
                let end = rest.iter().position(|&byte| byte == b',').filter(|_| start.ends_with(b","));
                let (value, more) = rest.split_at(end.unwrap_or(rest.len()));
                Some([start, self.value(value)?.as_bytes(), more].concat())
            });
            moved.push(found.map_or_else(|| argument.clone(), |found| OsStr::from_bytes(&found).to_owned()));
        }
        Some(moved)
    }

    /// What is written instead of a value; `None` if the value is no output.
    fn value(&mut self, value: &[u8]) -> Option<OsString> {
        let path = self.invocation.absolute(Path::new(OsStr::from_bytes(value)));
        if self.invocation.outputs.files.first() == Some(&path) {
            self.called = Some(OsStr::from_bytes(value).to_owned());
            return Some(self.beside(&path).into_os_string());
        }
        if self.invocation.depfile.as_ref() == Some(&path) {
            let depfile = self.out.join("rule").join(path.file_name()?);
            self.depfile = Some(depfile.clone());
            return Some(depfile.into_os_string());
        }
        None
    }

    /// The output, or what is written beside it.
    fn beside(&self, file: &Path) -> PathBuf {
        self.out.join("main").join(file.file_name().unwrap_or_default())
    }
}

/// Every file below a directory.
pub fn files_below(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for entry in files::list(directory)?.unwrap_or_default() {
        let path = directory.join(&entry.name);
        match entry.kind {
            FileKind::Directory => found.extend(files_below(&path)?),
            _ => found.push(path),
        }
    }
    Ok(found)
}

/// What a directory holds, in the order of its names.
pub fn made_in(directory: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, FileError> {
    let mut files = files_below(directory)?;
    files.sort_unstable();
    files.into_iter().map(|path| files::read(&path).map(|bytes| (path, bytes))).collect()
}

/// Whether two runs made the same in the same place.
pub fn alike(one: &[(PathBuf, Vec<u8>)], other: &[(PathBuf, Vec<u8>)]) -> Alike {
    let names = |made: &[(PathBuf, Vec<u8>)]| made.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    let bytes = |made: &[(PathBuf, Vec<u8>)]| made.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>();
    if names(one) == names(other) { marks::compare(&bytes(one), &bytes(other)) } else { Alike::No }
}
