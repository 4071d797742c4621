//! Verify mode: on a hit the compile is run all the same, in a directory of its own and allowed to read the recorded
//! inputs only, and what comes of it is compared with what was stored.
//!
//! The system's libraries and settings are allowed besides, and the toolchain's directory: the toolchain is in the key by
//! its files, and what the loader of a program looks at does not reach the program's output.

use crate::families;
use crate::inputs::{self, World};
use crate::toolchain;
use c::Moved;
use kiln_action::os::OsStrExt;
use kiln_action::{
    ActionResult, Digest, Family, FileKind, Invocation, OutputRole, Place, Placed, Places, Question, Shape,
    Stream, Subject,
};
use kiln_compiler::rustc::depinfo;
use kiln_report::cause;
use kiln_store::{Fetch, Store};
use kiln_sys::files::{self, FileError};
use kiln_sys::process::{self, Channel, Ended, Program};
use kiln_sys::sandbox::{Grant, Sandbox};
use marks::Alike;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

mod c;
mod cl;
mod marks;

/// What comparing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Byte for byte the same.
    Same,
    /// It could not be compared, and why.
    NotCompared(String),
    /// Something is different.
    Different(String),
    /// It read something that is not among the recorded inputs: which, as far as its message names it.
    Denied(String),
}

impl Comparison {
    /// The word for it in an event.
    pub fn words(&self) -> String {
        match self {
            Comparison::Same => "same".into(),
            Comparison::NotCompared(why) => format!("not compared: {why}"),
            Comparison::Different(what) => format!("different: {what}"),
            Comparison::Denied(what) => format!("denied: {what}"),
        }
    }

    /// Whether the stored result must not be used.
    pub fn is_wrong(&self) -> bool {
        matches!(self, Comparison::Different(_) | Comparison::Denied(_))
    }
}

/// A hit to be held against a compile.
pub struct Hit<'a> {
    /// The result that was found in the store.
    pub result: &'a ActionResult,
    /// What it was found by.
    pub shape: &'a Shape,
    /// The source, where it came on standard input.
    pub input: Option<&'a [u8]>,
    /// Where it is stored.
    pub store: &'a dyn Store,
}

/// Whether this hit belongs to the sample: another one in every build.
pub fn is_chosen(key: &[u8; 32], percent: u8) -> bool {
    let drawn = Digest::of(&[key.as_slice(), &process::parent().to_le_bytes()].concat()).hash;
    u16::from_le_bytes([drawn[0], drawn[1]]) % 100 < u16::from(percent)
}

/// Compiles into a directory of its own and compares. Whatever cannot be done here is not compared.
pub fn rebuild(hit: &Hit<'_>, world: &World<'_>) -> Comparison {
    let invocation = world.invocation;
    if invocation.incremental {
        return Comparison::NotCompared("incremental".into());
    }
    let by_place = |output: &kiln_action::Output| output.path.place == Place::Out;
    let c = invocation.subject.is_c();
    if !c && (!invocation.outputs.files.is_empty() || !hit.result.outputs.iter().all(by_place)) {
        return Comparison::NotCompared("its outputs are named one by one or hold their directory".into());
    }
    let room = match files::create_private_room(&kiln_sys::env::temporary_directory(), "kiln-rebuild-") {
        Ok(room) => Room(room),
        Err(error) => return Comparison::NotCompared(error.to_string()),
    };
    let compared = || -> Result<Comparison, FileError> {
        let comparison = compare_in(&room, hit, world, How::Moved)?;
        match comparison {
            Comparison::Different(_) if c => again(comparison, &room, hit, world),
            comparison => Ok(comparison),
        }
    };
    compared().unwrap_or_else(|error| Comparison::NotCompared(error.to_string()))
}

/// A C compile that was different elsewhere. What shows its own name (split debug information, coverage) is different in every
/// other place, so it is compiled where it belongs, once it is sure that it is the same every time and that nothing was denied
/// to it: there the whole project can be read. What is there is about to be replaced in any case.
fn again(
    comparison: Comparison,
    room: &Room,
    hit: &Hit<'_>,
    world: &World<'_>,
) -> Result<Comparison, FileError> {
    let taken = || -> Result<_, FileError> {
        let made = c::made_in(&room.out())?;
        files::remove_tree(&room.out())?;
        Ok(made)
    };
    let first = taken()?;
    compare_in(room, hit, world, How::Free)?;
    if c::alike(&first, &taken()?) != Alike::Yes {
        compare_in(room, hit, world, How::Moved)?;
        return Ok(match c::alike(&first, &taken()?) {
            Alike::Yes => comparison, // what it was denied makes a difference
            _ => Comparison::NotCompared("it is another one every time".into()),
        });
    }
    match families::of(world.invocation.subject).obstacle(world.invocation) {
        None => compare_in(room, hit, world, How::InPlace),
        Some(what) => Ok(Comparison::NotCompared(what)),
    }
}

/// How a compile is run to be compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// With its outputs elsewhere, allowed to read the recorded inputs.
    Moved,
    /// With its outputs elsewhere, allowed to read everything.
    Free,
    /// As it was called, allowed to read everything.
    InPlace,
}

/// A directory for one compile, gone when it is dropped.
struct Room(PathBuf);

impl Room {
    fn out(&self) -> PathBuf {
        self.0.join("out")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = files::remove_tree(&self.0);
    }
}

fn compare_in(room: &Room, hit: &Hit<'_>, world: &World<'_>, how: How) -> Result<Comparison, FileError> {
    let (out, temporary) = (room.out(), room.0.join("tmp"));
    files::create_private_dirs(&out)?;
    files::create_private_dirs(&temporary)?;
    let Moved { args, places, directories } = match made_again(&out, world, how) {
        Ok(moved) => moved,
        Err(why) => return Ok(Comparison::NotCompared(why.into())),
    };
    directories.iter().try_for_each(|directory| files::create_private_dirs(directory))?;
    let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
    let path = inputs::path_without_kiln(world.environment);
    let set: Vec<(&OsStr, &OsStr)> = [(OsStr::new("TMPDIR"), temporary.as_os_str())]
        .into_iter()
        .chain(path.iter().map(|path| (OsStr::new("PATH"), path.as_os_str())))
        .collect();
    let program = Program { program: &world.argv[0], called: None, args: &args, set: &set };
    let run = || {
        let mut output = (Vec::new(), Vec::new());
        let ended = process::run(&program, hit.input, &mut |channel, bytes| match channel {
            Channel::Out => output.0.extend(bytes),
            Channel::Err => output.1.extend(bytes),
        });
        ended.map(|ended| (ended, output))
    };
    let failed = |error| FileError::new("run", Path::new(&world.argv[0]), error);
    let sandbox = if how == How::Moved { Sandbox::new().map_err(failed)? } else { None };
    let ran = match sandbox {
        None => run(),
        Some(sandbox) => {
            grant(&sandbox, &room.0, hit.shape, world)?;
            sandbox.enforce(run).map_err(failed)?
        }
    };
    let (ended, (stdout, stderr)) = ran.map_err(failed)?;
    if ended != Ended::Code(i32::from(hit.result.exit_code)) {
        return Ok(denied(&stderr).map_or_else(
            || Comparison::Different("it does not compile with the recorded inputs only".into()),
            Comparison::Denied,
        ));
    }
    let made = Made { out: &out, places: &places, streams: (&stdout, &stderr) };
    difference(hit, world, &made)
}

/// The command line by which it is made again; why it cannot be, if so.
fn made_again(out: &Path, world: &World<'_>, how: How) -> Result<Moved, &'static str> {
    let invocation = world.invocation;
    let args = world.argv.get(1..).unwrap_or_default();
    let named = "its outputs are named in a file, or not by their whole names";
    match invocation.subject {
        Subject::BuildScript => Err("runs of build scripts are not made again"),
        Subject::Compile(Family::Rustc) if !world.responses.is_empty() => Err("its arguments are in a file"),
        Subject::Compile(Family::Rustc) => Ok(Moved {
            args: moved(args, &invocation.append, out),
            places: places_with(&invocation.places, out),
            directories: Vec::new(),
        }),
        Subject::Compile(_) if how == How::InPlace => Ok(Moved {
            args: args.iter().chain(&invocation.append).cloned().collect(),
            places: invocation.places.clone(),
            directories: Vec::new(),
        }),
        Subject::Compile(Family::ClangCl) => cl::moved(args, invocation, out).ok_or(named),
        Subject::Compile(Family::Gcc | Family::Clang | Family::Msvc) => {
            c::moved(args, invocation, out).ok_or(named)
        }
    }
}

/// The arguments with another output directory.
fn moved(args: &[OsString], append: &[OsString], out: &Path) -> Vec<OsString> {
    let mut moved = Vec::with_capacity(args.len() + 2);
    let mut args = args.iter();
    while let Some(argument) = args.next() {
        if argument == "--out-dir" {
            args.next();
        } else if !argument.as_bytes().starts_with(b"--out-dir=") {
            moved.push(argument.clone());
        }
    }
    moved.extend(["--out-dir".into(), out.as_os_str().to_owned()]);
    moved.extend(append.iter().cloned());
    moved
}

/// Whether the output directory is given, and absolute.
fn names_its_directory(argv: &[OsString]) -> bool {
    let after = argv
        .iter()
        .zip(argv.iter().skip(1))
        .filter(|(flag, _)| *flag == "--out-dir")
        .map(|(_, path)| path.as_bytes());
    let joined = argv.iter().filter_map(|argument| argument.as_bytes().strip_prefix(b"--out-dir="));
    after.chain(joined).next().is_some_and(|path| path.starts_with(b"/"))
}

fn places_with(places: &Places, out: &Path) -> Places {
    let mut with = Places::new();
    with.add(Place::Out, out);
    for (place, root) in places.roots().iter().filter(|(place, _)| *place != Place::Out) {
        with.add(*place, root);
    }
    with
}

/// What is always allowed to be read: programs need it to start.
const SYSTEM: [&str; 8] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/locale", "/etc", "/proc", "/sys"];

fn grant(sandbox: &Sandbox, room: &Path, shape: &Shape, world: &World<'_>) -> Result<(), FileError> {
    let invocation = world.invocation;
    for path in SYSTEM {
        sandbox.grant(Path::new(path), Grant::Read)?;
    }
    sandbox.grant(Path::new("/"), Grant::Move)?;
    sandbox.grant(Path::new("/dev"), Grant::Write)?;
    sandbox.grant(room, Grant::Write)?;
    // A C compiler's directory is the system's; what it is made of is among the questions.
    if let Some(root) = toolchain::root(invocation).filter(|_| !invocation.subject.is_c()) {
        sandbox.grant(&root, Grant::Read)?;
    }
    let program = inputs::find_program(&world.argv[0], world.environment);
    let preloaded = world.environment.get("LD_PRELOAD").map(OsStrExt::as_bytes).unwrap_or_default();
    let preloaded =
        preloaded.split(|&b| b == b':' || b == b' ').map(|part| PathBuf::from(OsStr::from_bytes(part)));
    let programs = [PathBuf::from(&world.argv[0]), invocation.compiler.clone()];
    for path in programs.into_iter().chain(program).chain(invocation.wrapper.clone()).chain(preloaded) {
        if path.is_absolute() {
            sandbox.grant(&path, Grant::Read)?;
        }
    }
    for (place, root) in invocation.places.roots() {
        if matches!(place, Place::Deps(_) | Place::Out) {
            sandbox.grant(root, Grant::List)?;
        }
    }
    for question in shape.questions() {
        grant_question(sandbox, question, world)?;
    }
    Ok(())
}

fn grant_question(sandbox: &Sandbox, question: &Question, world: &World<'_>) -> Result<(), FileError> {
    let path = question.path().and_then(|placed| world.invocation.places.resolve(placed));
    match (question, path) {
        (Question::File(placed), Some(path)) => {
            for path in of_one_build(placed, &path) {
                sandbox.grant(&path, Grant::Read)?;
            }
        }
        (Question::Listing(_), Some(path)) => sandbox.grant(&path, Grant::List)?,
        (Question::Program(name), None) => {
            if let Some(path) = inputs::find_program(OsStr::from_bytes(name), world.environment) {
                sandbox.grant(&path, Grant::Read)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// A dependency's files: which of them rustc opens depends on which were there already.
fn of_one_build(placed: &Placed, path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_library =
        matches!(placed.place, Place::Deps(_) | Place::Out) && cause::dependency_stem(name).is_some();
    if !is_library {
        return vec![path.to_owned()];
    }
    ["rmeta", "rlib", "so"].iter().map(|extension| path.with_extension(extension)).collect()
}

/// The path in a compiler's message that it may not read.
fn denied(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().find(|line| line.contains("Permission denied"))?;
    let before = line.split("Permission denied").next().unwrap_or_default();
    let quoted: Vec<&str> = before.split('`').collect();
    let path = (quoted.len() >= 3).then(|| quoted[quoted.len() - 2]);
    Some(path.map_or_else(|| "a file that is not among the recorded inputs".into(), str::to_owned))
}

/// What a compile made.
struct Made<'a> {
    out: &'a Path,
    /// Where it made it.
    places: &'a Places,
    streams: (&'a [u8], &'a [u8]),
}

/// The first thing that is not as it was stored.
fn difference(hit: &Hit<'_>, world: &World<'_>, made: &Made<'_>) -> Result<Comparison, FileError> {
    let Made { out, places, streams: (stdout, stderr) } = *made;
    let different = |what: String| Ok(Comparison::Different(what));
    let (result, c) = (hit.result, world.invocation.subject.is_c());
    let mut made = c::files_below(out)?;
    for output in &result.outputs {
        let Some(path) = places.resolve(&output.path) else { return different(output.path.display()) };
        let name = path.file_name().unwrap_or_default().to_owned();
        made.retain(|known| *known != path);
        if files::stat(&path)?.is_none_or(|stat| stat.kind != FileKind::File) {
            return different(format!("{} is not made any more", name.display()));
        }
        let same = match output.role {
            OutputRole::DepInfo(slot) if c => {
                let text =
                    result.texts.get(slot as usize).and_then(|text| text.fill(&world.invocation.places));
                let text = text.map(|text| families::c::wrapped(&text, world.invocation).unwrap_or(text));
                text.is_some_and(|text| files::read(&path).is_ok_and(|now| now == text))
            }
            // Written for a relative directory it says that directory as it was given.
            OutputRole::DepInfo(_) if !names_its_directory(world.argv) => true,
            OutputRole::DepInfo(slot) => {
                let text = result.texts.get(slot as usize).and_then(|text| text.fill(places));
                let valueless = |now: Vec<u8>| depinfo::with_environment(&now, &|_| None); // as it is stored
                text.is_some_and(|text| files::read(&path).is_ok_and(|now| valueless(now) == text))
            }
            OutputRole::Rlib | OutputRole::File => files::hash_file(&path)?.digest == output.digest,
            OutputRole::Directory => files::list(&path)?.is_some(),
        };
        if same {
            continue;
        }
        if !c || output.role != OutputRole::File {
            return different(name.display().to_string());
        }
        match beside_marks(hit, places, &out.with_file_name("stored"))? {
            Alike::Yes => {}
            Alike::No => return different(name.display().to_string()),
            Alike::CannotSay => {
                return Ok(Comparison::NotCompared(
                    "the compiler's random seeds are of different length".into(),
                ));
            }
        }
    }
    if let Some(more) = made.first() {
        let name = more.file_name().unwrap_or_default();
        return different(format!("{} is made now", name.display()));
    }
    match other_output(result, places, (stdout, stderr)) {
        Some(stream) => different(stream.into()),
        None => Ok(Comparison::Same),
    }
}

/// The first of the streams whose text differs from the stored one.
fn other_output(result: &ActionResult, places: &Places, output: (&[u8], &[u8])) -> Option<&'static str> {
    let stored = |wanted: Stream| -> Option<Vec<u8>> {
        let pieces = result.streams.iter().filter(|(stream, _)| *stream == wanted);
        pieces.map(|(_, text)| text.fill(places)).collect::<Option<Vec<_>>>().map(|pieces| pieces.concat())
    };
    let streams = [(Stream::Out, output.0, "standard output"), (Stream::Err, output.1, "diagnostics")];
    let other = streams.into_iter().find(|(stream, output, _)| stored(*stream).as_deref() != Some(*output));
    other.map(|(_, _, name)| name)
}

/// What was made, held against what is stored.
fn beside_marks(hit: &Hit<'_>, places: &Places, scratch: &Path) -> Result<Alike, FileError> {
    let (mut stored, mut now) = (Vec::new(), Vec::new());
    for output in hit.result.outputs.iter().filter(|output| output.role == OutputRole::File) {
        let how = Fetch::Copy { executable: false };
        let (Some(path), Ok(_)) =
            (places.resolve(&output.path), hit.store.fetch(&output.digest, scratch, how))
        else {
            return Ok(Alike::No);
        };
        stored.push(files::read(scratch)?);
        now.push(files::read(&path)?);
        files::remove(scratch)?;
    }
    Ok(marks::compare(&stored, &now))
}

/// What a compile asked that was not asked when its result was stored: a read that went unseen, by name.
pub fn unrecorded(stored: &Shape, now: &Shape, invocation: &Invocation) -> Option<String> {
    let new = now.questions().iter().find(|question| {
        matches!(question, Question::File(_) | Question::Listing(_)) && !stored.questions().contains(question)
    })?;
    let path = new.path().and_then(|placed| invocation.places.resolve(placed))?;
    Some(path.display().to_string())
}

#[cfg(test)]
mod tests;
