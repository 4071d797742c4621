//! What a run looked at: a Shape is a list of questions without answers; the answers are given anew by whoever asks.
//!
//! *A deterministic run that gets the same answer to every question asks no other question.* So questions and their
//! answers name exactly one result.

use crate::Digest;
use crate::place::Placed;
use crate::wire::{Malformed, Reader, Writer, seal, unseal};

/// Something a compile can look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// What does the file contain? (symbolic links followed)
    File(Placed),
    /// Is there anything by this name? Asked by search paths: `a.rs` or `a/mod.rs`, `-L` order, `$PATH`.
    Absent(Placed),
    /// What is there: kind, size, permissions, and for a regular file its mtime. Asked by `stat`.
    Kind(Placed),
    /// Where does the path lead, with all symbolic links resolved?
    Real(Placed),
    /// Which names does the directory have, of which kinds, in which order?
    Listing(Placed),
    /// The value of an environment variable, or that it is unset.
    Env(Vec<u8>),
    /// Which file does `$PATH` name for this program?
    Program(Vec<u8>),
    /// The value of an argument that counts only for runs that looked at it, by its name.
    Arg(Vec<u8>),
    /// The whole command line, literally: asked by a macro that reads its process's arguments.
    Argv,
    /// The whole environment, less what cannot matter: asked by a macro that walks `environ`.
    Environ,
    /// Which file does the loader find for this library's name along `LD_LIBRARY_PATH`?
    Library(Vec<u8>),
    /// The directories that the places stand for, literally: asked for by a run whose outputs may show them.
    Here,
    /// Where the path in a variable leads, by place: for a variable that names a mapped directory and does nothing but
    /// find files there.
    Where(Vec<u8>),
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
            Answer::Stat { kind, mode, size, mtime_ns } => {
                to.u8(3);
                to.u8(kind.code());
                to.u32(*mode);
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

impl Question {
    /// The path asked about, if it is about a path.
    pub fn path(&self) -> Option<&Placed> {
        match self {
            Question::File(path)
            | Question::Absent(path)
            | Question::Kind(path)
            | Question::Real(path)
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
        }
    }

    /// Takes the wire form.
    pub fn read(from: &mut Reader<'_>) -> Result<Question, Malformed> {
        Ok(match from.u8()? {
            0 => Question::File(Placed::read(from)?),
            1 => Question::Absent(Placed::read(from)?),
            2 => Question::Kind(Placed::read(from)?),
            3 => Question::Real(Placed::read(from)?),
            4 => Question::Listing(Placed::read(from)?),
            5 => Question::Env(from.bytes()?.to_vec()),
            6 => Question::Program(from.bytes()?.to_vec()),
            7 => Question::Arg(from.bytes()?.to_vec()),
            8 => Question::Argv,
            9 => Question::Environ,
            10 => Question::Where(from.bytes()?.to_vec()),
            11 => Question::Library(from.bytes()?.to_vec()),
            12 => Question::Here,
            _ => return Err(Malformed),
        })
    }
}

fn tagged(to: &mut Writer, tag: u8, path: &Placed) {
    to.u8(tag);
    path.write(to);
}

fn named(to: &mut Writer, tag: u8, name: &[u8]) {
    to.u8(tag);
    to.bytes(name);
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

    /// The questions, sorted.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }
}

/// The most Shapes that one WeakKey names.
pub const MOST_SHAPES: usize = 8;
const MAGIC: [u8; 4] = *b"KSHP";
const VERSION: u8 = 1;

/// The file of a WeakKey's Shapes, most recent first.
pub fn encode_shapes(shapes: &[Shape]) -> Vec<u8> {
    let mut body = Writer::default();
    body.u32(shapes.len() as u32);
    for shape in shapes {
        body.u32(shape.questions.len() as u32);
        shape.questions.iter().for_each(|question| question.write(&mut body));
    }
    seal(MAGIC, VERSION, &body.0)
}

/// Reads the file of a WeakKey's Shapes.
pub fn decode_shapes(file: &[u8]) -> Result<Vec<Shape>, Malformed> {
    let mut body = Reader(unseal(MAGIC, VERSION, file)?);
    let shapes = body.list(|r| Ok(Shape { questions: r.list(Question::read)? }))?;
    body.end()?;
    if shapes.len() > MOST_SHAPES { Err(Malformed) } else { Ok(shapes) }
}

#[cfg(test)]
mod tests;
