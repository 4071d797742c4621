//! Keys: ONE traversal of everything that counts, written to a [`KeySink`]. One sink hashes, the other keeps the words for
//! an explanation, so a key and its explanation cannot drift apart.
//!
//! ```text
//! WeakKey   = hash(toolchain, arguments, extern names, environment the compiler reads)     no file contents
//! ActionKey = hash(WeakKey, questions and today's answers)                                 names exactly one result
//! ```

use crate::conceal;
use crate::invocation::{Field, Invocation};
use crate::names::{ActionKey, WeakKey};
use crate::os::OsStrExt;
use crate::place::{Place, Placed, Places};
use crate::shape::{Answer, Question};
use crate::wire::{Malformed, Reader, Writer};
use crate::words::{self, Word};
use crate::{ContentHasher, Digest, digest};
use std::ffi::OsStr;
use std::path::Path;

/// A part of the key with a version of its own: raising one expires only the entries that it can concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The compiler's own files.
    Toolchain,
    /// Arguments and the directory.
    Arguments,
    /// Names of externs.
    Externs,
    /// Variables that the compiler reads for itself.
    Environment,
    /// Source on standard input.
    Input,
    /// What the user's settings add; their table says of each what (`crates/config/src/schema.rs`).
    Settings,
}

impl Group {
    fn name_and_version(self) -> (&'static str, u8) {
        match self {
            Group::Toolchain => ("toolchain", 1),
            Group::Arguments => ("arguments", 1),
            Group::Externs => ("externs", 1),
            Group::Environment => ("environment", 1),
            Group::Input => ("input", 1),
            Group::Settings => ("settings", 1),
        }
    }
}

/// Takes what counts, in order.
pub trait KeySink {
    /// One fact: its group, its name, its value.
    fn field(&mut self, group: Group, name: &[u8], value: &[u8]);
}

/// What a WeakKey is made of.
pub struct KeyInputs<'a> {
    /// The compile whose key is made.
    pub invocation: &'a Invocation,
    /// The identity of the compiler's own files.
    pub toolchain: &'a Digest,
    /// The source, if it came on standard input.
    pub stdin: Option<&'a Digest>,
    /// Values of the variables that [`Invocation::environment`] names; `None` is unset. Rule: docs/key, a page
    /// for each family.
    pub environment: &'a [(&'static str, Option<&'a OsStr>)],
    /// What the settings add; nothing where nothing is set, so that keys without settings stay as they are.
    pub settings: &'a [Field],
}

impl KeyInputs<'_> {
    /// Tells everything that counts.
    pub fn tell(&self, sink: &mut impl KeySink) {
        let invocation = self.invocation;
        let mapped = invocation.key_places();
        sink.field(Group::Toolchain, b"digest", &self.toolchain.hash);
        if let Some(wrapper) = &invocation.wrapper {
            sink.field(Group::Arguments, b"wrapper", wrapper.as_os_str().as_bytes());
        }
        debug_assert!(invocation.directory.is_absolute(), "a key hangs on no directory that is not in it");
        let directory = path_bytes(invocation.directory.as_os_str(), &mapped);
        sink.field(Group::Arguments, b"directory", &directory);
        let value_of = |field: &Field| match field.path {
            true => path_bytes(&field.value, &mapped),
            false => field.value.as_bytes().to_vec(),
        };
        for field in &invocation.fields {
            sink.field(Group::Arguments, field.name.as_bytes(), &value_of(field));
        }
        for krate in &invocation.externs {
            let mut value = Writer::default();
            value.bytes(krate.options.as_bytes());
            value.bytes(krate.path.as_ref().and_then(|p| p.file_name()).unwrap_or_default().as_bytes());
            sink.field(Group::Externs, krate.name.as_bytes(), &value.0);
        }
        for (at, (name, value)) in self.environment.iter().enumerate() {
            debug_assert!(
                self.environment[..at].iter().all(|(known, _)| known != name),
                "{name} is told twice"
            );
            let mut text = Writer::default();
            text.u8(u8::from(value.is_some()));
            text.bytes(value.unwrap_or_default().as_bytes());
            sink.field(Group::Environment, name.as_bytes(), &text.0);
        }
        if let Some(stdin) = self.stdin {
            sink.field(Group::Input, b"stdin", &stdin.hash);
        }
        for field in self.settings {
            sink.field(Group::Settings, field.name.as_bytes(), &value_of(field));
        }
    }

    /// The key of what [`KeyInputs::tell`] tells.
    pub fn weak_key(&self) -> WeakKey {
        let mut sink = HashSink::new(b"kiln weak", self.invocation.subject.version());
        self.tell(&mut sink);
        WeakKey(sink.finish())
    }
}

/// What may stand before the `=` in front of a path: nothing (`-C name=path`), or the kind of a search path.
const BEFORE_A_PATH: [&[u8]; 6] = [b"", b"native", b"crate", b"dependency", b"framework", b"all"];

/// A value that is a path, perhaps with a kind and `=` in front: with the remapped place it lies in cut off, if there is
/// one. Nothing but the whole value or a following `/` ends a place: `/w:x` and `/w,x` are other directories than `/w`.
fn path_bytes(value: &OsStr, mapped: &Places) -> Vec<u8> {
    let value = value.as_bytes();
    if mapped.roots().is_empty() {
        return value.to_vec();
    }
    let equals = value.iter().position(|&b| b == b'=').filter(|&at| BEFORE_A_PATH.contains(&&value[..at]));
    let (kind, path) = value.split_at(equals.map_or(0, |at| at + 1));
    let inside = |root: &Path| {
        let rest = path.strip_prefix(root.as_os_str().as_bytes())?;
        (rest.is_empty() || rest[0] == b'/').then_some(rest)
    };
    let found = mapped.roots().iter().find_map(|(place, root)| Some((*place, inside(root)?)));
    let (place, rest) = found.unwrap_or((Place::Literal, path));
    let mut wire = Writer::default();
    wire.bytes(kind);
    place.write(&mut wire);
    wire.bytes(rest);
    wire.0
}

/// Such a value for people; others as they are.
fn path_words(value: &[u8]) -> String {
    let mapped = || -> Result<String, Malformed> {
        let mut from = Reader(value);
        let kind = from.bytes()?;
        let place = Place::read(&mut from)?;
        let rest = from.bytes()?;
        from.end()?;
        let rest = if place == Place::Literal { rest } else { rest.strip_prefix(b"/").unwrap_or(rest) };
        let path = Placed { place, path: rest.to_vec() }.display();
        Ok(String::from_utf8_lossy(kind).into_owned() + &path)
    };
    mapped().unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned())
}

impl ActionKey {
    /// The key of a compile with these answers to its questions.
    pub fn new<'a, T: AsRef<[u8]> + 'a>(
        weak: &WeakKey,
        answered: impl IntoIterator<Item = (&'a Question<T>, &'a Answer)>,
    ) -> ActionKey {
        let mut key = KeyOfAnswers::new(weak);
        answered.into_iter().for_each(|(question, answer)| key.add(question, answer));
        key.finish()
    }
}

/// An [`ActionKey`] in the making: one question with its answer after the other.
pub struct KeyOfAnswers {
    hasher: ContentHasher,
    text: Writer,
}

/// Hashed at a time: what the hash takes at once at its fastest.
const PIECE: usize = 16 << 10;

impl KeyOfAnswers {
    /// Of no question yet.
    pub fn new(weak: &WeakKey) -> KeyOfAnswers {
        let mut text = Writer(Vec::with_capacity(PIECE + (PIECE >> 3)));
        text.bytes(b"kiln action 1");
        text.bytes(&weak.0);
        KeyOfAnswers { hasher: ContentHasher::new(), text }
    }

    /// Adds the next question.
    pub fn add<T: AsRef<[u8]>>(&mut self, question: &Question<T>, answer: &Answer) {
        question.write(&mut self.text);
        answer.write(&mut self.text);
        while let Some((piece, rest)) = self.text.0.split_at_checked(PIECE) {
            self.hasher.update(piece);
            let rest = rest.len();
            self.text.0.copy_within(PIECE.., 0);
            self.text.0.truncate(rest);
        }
        debug_assert!(
            self.text.0.len() < PIECE,
            "whole pieces are hashed, so that all keys are hashed alike"
        );
    }

    /// The key of all that was written so far.
    pub fn finish(mut self) -> ActionKey {
        self.hasher.update(&self.text.0);
        ActionKey(self.hasher.finish().hash)
    }
}

struct HashSink(Writer);

impl HashSink {
    fn new(domain: &[u8], version: u32) -> HashSink {
        let mut text = Writer::default();
        text.bytes(domain);
        text.u32(version);
        HashSink(text)
    }

    fn finish(self) -> [u8; 32] {
        Digest::of(&self.0.0).hash
    }
}

impl KeySink for HashSink {
    fn field(&mut self, group: Group, name: &[u8], value: &[u8]) {
        let (group, version) = group.name_and_version();
        self.0.bytes(group.as_bytes());
        self.0.u8(version);
        self.0.bytes(name);
        self.0.bytes(value);
    }
}

/// Keeps the parts of a key as words; values of variables, and what may be a secret in an argument, only as digests with a salt.
pub struct WordSink<'a> {
    /// The words so far.
    pub words: Vec<Word>,
    salt: &'a [u8],
}

impl<'a> WordSink<'a> {
    /// A sink without words yet.
    pub fn new(salt: &'a [u8]) -> WordSink<'a> {
        WordSink { words: Vec::new(), salt }
    }
}

impl KeySink for WordSink<'_> {
    fn field(&mut self, group: Group, name: &[u8], value: &[u8]) {
        let shown = match group {
            Group::Arguments => {
                conceal::argument(&String::from_utf8_lossy(name), &path_words(value), self.salt)
            }
            Group::Externs => extern_words(value),
            Group::Toolchain => digest::hex(value),
            Group::Environment if value.first() == Some(&0) => String::new(), // unset
            Group::Environment | Group::Input | Group::Settings => {
                digest::hex(&words::salted(self.salt, &Digest::of(value)))
            }
        };
        self.words.push(Word {
            group: group.name_and_version().0.to_owned(),
            name: String::from_utf8_lossy(name).into_owned(),
            value: shown,
        });
    }
}

/// An extern's options, if any, and the name of its file.
fn extern_words(value: &[u8]) -> String {
    let mut from = Reader(value);
    let part = |from: &mut Reader<'_>| {
        from.bytes().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    };
    let (options, file) = (part(&mut from), part(&mut from));
    if options.is_empty() { file } else { format!("{options}:{file}") }
}

#[cfg(test)]
mod tests;
