//! What a run looked at: a Shape is a list of questions without answers; the answers are given anew by whoever asks.
//!
//! *A deterministic run that gets the same answer to every question asks no other question.* So questions and their
//! answers name exactly one result.

use crate::Digest;
use crate::names::WeakKey;
use crate::place::{Place, Placed};
use crate::wire::{Malformed, Reader, Writer, seal, unseal};

/// Something a compile can look at. Names and paths are its own, or those of the file that it was read from: a C file asks a
/// thousand questions, and copying them costs more than answering.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question<T = Vec<u8>> {
    /// What does the file contain? (symbolic links followed)
    File(Placed<T>),
    /// Is there anything by this name? Asked by search paths: `a.rs` or `a/mod.rs`, `-L` order, `$PATH`.
    Absent(Placed<T>),
    /// What is there: kind, size, permissions, owner, and for a regular file its mtime. Asked by `stat`.
    Kind(Placed<T>),
    /// What is there, with which permissions, and whose is it?
    Mode(Placed<T>),
    /// Where does the path lead, with all symbolic links resolved?
    Real(Placed<T>),
    /// Which names does the directory have, of which kinds, in which order?
    Listing(Placed<T>),
    /// The value of an environment variable, or that it is unset.
    Env(T),
    /// Which file does `$PATH` name for this program?
    Program(T),
    /// The value of an argument that counts only for runs that looked at it, by its name.
    Arg(T),
    /// The whole command line, literally: asked by a macro that reads its process's arguments.
    Argv,
    /// The whole environment, less what cannot matter: asked by a macro that walks `environ`.
    Environ,
    /// The same, less what only says in which session or run of a CI it is: asked by code that is known to look for names of its own
    /// in it and to hand it on.
    Inherited,
    /// Which file does the loader find for this library's name along `LD_LIBRARY_PATH`?
    Library(T),
    /// The directories that the places stand for, literally: asked for by a run whose outputs may show them.
    Here,
    /// Where the path in a variable leads, by place: for a variable that names a mapped directory and does nothing but
    /// find files there.
    Where(T),
    /// What every process is given, whatever it is called with.
    Given(Given),
}

/// What a process is given by whoever starts it, or by the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Given {
    /// Which permissions new files do not get.
    Umask,
    /// Which signals are ignored.
    Signals,
    /// Whether there is a terminal to talk to somebody.
    Terminal,
    /// The processor and its features.
    Processor,
    /// What of the processor libc's mathematics go by.
    Arithmetic,
}

impl Given {
    const ALL: [Given; 5] =
        [Given::Umask, Given::Signals, Given::Terminal, Given::Processor, Given::Arithmetic];
}

/// The kind of thing a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link (only where links are not followed, as in listings).
    Symlink,
    /// A device, pipe or socket.
    Other,
}

/// The answer to a [`Question`], as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is nothing, or the variable is unset.
    Nothing,
    /// Something is there (for [`Question::Absent`]).
    Something,
    /// Content, or any longer answer (a variable's value, a listing), by its digest.
    Content(Digest),
    /// What `stat` tells.
    Stat {
        /// What it is.
        kind: FileKind,
        /// Permission bits.
        mode: u32,
        /// The user and the group it belongs to.
        owner: [u32; 2],
        /// Length in bytes; 0 for directories.
        size: u64,
        /// Nanoseconds since the epoch; 0 for directories.
        mtime_ns: i64,
    },
    /// A file was asked for and something else is there.
    NotAFile(FileKind),
}

impl FileKind {
    fn code(self) -> u8 {
        match self {
            FileKind::File => 0,
            FileKind::Directory => 1,
            FileKind::Symlink => 2,
            FileKind::Other => 3,
        }
    }
}

impl Answer {
    /// Appends the bytes that go into a key; unlike answers never have equal bytes.
    pub fn write(&self, to: &mut Writer) {
        match self {
            Answer::Nothing => to.u8(0),
            Answer::Something => to.u8(1),
            Answer::Content(digest) => {
                to.u8(2);
                to.digest(digest);
            }
            Answer::Stat { kind, mode, owner: [user, group], size, mtime_ns } => {
                to.u8(3);
                to.u8(kind.code());
                to.u32(*mode);
                to.u32(*user);
                to.u32(*group);
                to.u64(*size);
                to.u64(*mtime_ns as u64);
            }
            Answer::NotAFile(kind) => {
                to.u8(4);
                to.u8(kind.code());
            }
        }
    }
}

impl<T: AsRef<[u8]>> Question<T> {
    /// The path asked about, if it is about a path.
    pub fn path(&self) -> Option<&Placed<T>> {
        match self {
            Question::File(path)
            | Question::Absent(path)
            | Question::Kind(path)
            | Question::Real(path)
            | Question::Mode(path)
            | Question::Listing(path) => Some(path),
            _ => None,
        }
    }

    /// Appends the wire form: one byte of kind, then what it is about.
    pub fn write(&self, to: &mut Writer) {
        match self {
            Question::File(path) => tagged(to, 0, path),
            Question::Absent(path) => tagged(to, 1, path),
            Question::Kind(path) => tagged(to, 2, path),
            Question::Real(path) => tagged(to, 3, path),
            Question::Listing(path) => tagged(to, 4, path),
            Question::Env(name) => named(to, 5, name),
            Question::Program(name) => named(to, 6, name),
            Question::Arg(name) => named(to, 7, name),
            Question::Argv => to.u8(8),
            Question::Environ => to.u8(9),
            Question::Where(name) => named(to, 10, name),
            Question::Library(name) => named(to, 11, name),
            Question::Here => to.u8(12),
            Question::Mode(path) => tagged(to, 13, path),
            Question::Inherited => to.u8(14),
            Question::Given(what) => {
                to.u8(15);
                to.u8(*what as u8);
            }
        }
    }

    /// The same with other bytes for its names and paths.
    fn map<'a, U>(&'a self, other: impl Fn(&'a T) -> U) -> Question<U> {
        let placed = |from: &'a Placed<T>| Placed { place: from.place, path: other(&from.path) };
        match self {
            Question::File(path) => Question::File(placed(path)),
            Question::Absent(path) => Question::Absent(placed(path)),
            Question::Kind(path) => Question::Kind(placed(path)),
            Question::Real(path) => Question::Real(placed(path)),
            Question::Listing(path) => Question::Listing(placed(path)),
            Question::Env(name) => Question::Env(other(name)),
            Question::Program(name) => Question::Program(other(name)),
            Question::Arg(name) => Question::Arg(other(name)),
            Question::Argv => Question::Argv,
            Question::Environ => Question::Environ,
            Question::Inherited => Question::Inherited,
            Question::Given(what) => Question::Given(*what),
            Question::Where(name) => Question::Where(other(name)),
            Question::Library(name) => Question::Library(other(name)),
            Question::Here => Question::Here,
            Question::Mode(path) => Question::Mode(placed(path)),
        }
    }

    /// The same without copies of names and paths.
    pub fn borrowed(&self) -> Question<&[u8]> {
        self.map(|bytes| bytes.as_ref())
    }

    /// The same with names and paths of its own.
    pub fn into_owned(self) -> Question {
        self.map(|bytes| bytes.as_ref().to_vec())
    }
}

impl<'a> Question<&'a [u8]> {
    /// Takes the wire form.
    pub fn read(from: &mut Reader<'a>) -> Result<Question<&'a [u8]>, Malformed> {
        let placed = |from: &mut Reader<'a>| Ok(Placed { place: Place::read(from)?, path: from.bytes()? });
        Ok(match from.u8()? {
            0 => Question::File(placed(from)?),
            1 => Question::Absent(placed(from)?),
            2 => Question::Kind(placed(from)?),
            3 => Question::Real(placed(from)?),
            4 => Question::Listing(placed(from)?),
            5 => Question::Env(from.bytes()?),
            6 => Question::Program(from.bytes()?),
            7 => Question::Arg(from.bytes()?),
            8 => Question::Argv,
            9 => Question::Environ,
            10 => Question::Where(from.bytes()?),
            11 => Question::Library(from.bytes()?),
            12 => Question::Here,
            13 => Question::Mode(placed(from)?),
            14 => Question::Inherited,
            15 => Question::Given(*Given::ALL.get(usize::from(from.u8()?)).ok_or(Malformed)?),
            _ => return Err(Malformed),
        })
    }
}

fn tagged<T: AsRef<[u8]>>(to: &mut Writer, tag: u8, path: &Placed<T>) {
    to.u8(tag);
    path.write(to);
}

fn named(to: &mut Writer, tag: u8, name: &impl AsRef<[u8]>) {
    to.u8(tag);
    to.bytes(name.as_ref());
}

/// The questions one run asked, sorted and without repetition, so that equal runs have equal Shapes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shape {
    questions: Vec<Question>,
}

impl Shape {
    /// A Shape of these questions.
    pub fn new(mut questions: Vec<Question>) -> Shape {
        questions.sort_unstable();
        questions.dedup();
        Shape { questions }
    }

    /// The Shape of which these are the questions, as they were read.
    pub fn of(questions: Vec<Question<&[u8]>>) -> Shape {
        Shape { questions: questions.into_iter().map(Question::into_owned).collect() }
    }

    /// The questions, sorted.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }
}

/// The most Shapes that one WeakKey names.
pub const MOST_SHAPES: usize = 8;
const MAGIC: [u8; 4] = *b"KSHP";
const VERSION: u8 = 2;

/// The file of a WeakKey's Shapes, most recent first.
pub fn encode_shapes(weak: &WeakKey, shapes: &[Shape]) -> Vec<u8> {
    debug_assert!(shapes.len() <= MOST_SHAPES, "a reader refuses more Shapes");
    let mut body = Writer::default();
    body.u32(shapes.len() as u32);
    for shape in shapes {
        body.u32(shape.questions.len() as u32);
        shape.questions.iter().for_each(|question| question.write(&mut body));
    }
    seal(MAGIC, VERSION, &weak.0, &body.0)
}

/// Reads the file of a WeakKey's Shapes without copying it: the questions of each. One that was made for another key is none.
pub fn read_shapes<'a>(weak: &WeakKey, file: &'a [u8]) -> Result<Vec<Vec<Question<&'a [u8]>>>, Malformed> {
    let mut body = Reader(unseal(MAGIC, VERSION, &weak.0, file)?);
    let shapes = body.list(|r| r.list(Question::read))?;
    body.end()?;
    if shapes.len() > MOST_SHAPES { Err(Malformed) } else { Ok(shapes) }
}

/// Reads the file of a WeakKey's Shapes.
pub fn decode_shapes(weak: &WeakKey, file: &[u8]) -> Result<Vec<Shape>, Malformed> {
    Ok(read_shapes(weak, file)?.into_iter().map(Shape::of).collect())
}

#[cfg(test)]
mod tests;
