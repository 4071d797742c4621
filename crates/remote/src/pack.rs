//! How a thing travels: a header that says what it is and which key it answers, then the body in zstd. Whatever is not exactly
//! what was asked for is nothing.
//!
//! ```text
//! KPAK  u8 version  u8 kind  32 bytes name  digest of the body  body in zstd
//! ```

use kiln_action::bounds::MOST_QUESTIONS;
use kiln_action::os::OsStrExt;
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{
    ActionKey, ActionResult, Digest, Place, Placed, Shape, SnapshotKey, WeakKey, digest, shape, snapshot,
};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Component, Path};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

/// What a pack is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The Shapes of a WeakKey.
    Shapes,
    /// A result with its blobs.
    Result,
    /// One blob.
    Blob,
    /// The index of a workspace's bundle.
    Index,
    /// The snapshot of a build.
    Snapshot,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Shapes, Kind::Result, Kind::Blob, Kind::Index, Kind::Snapshot];

    /// Its letter in names of objects.
    pub fn letter(self) -> &'static str {
        match self {
            Kind::Shapes => "s",
            Kind::Result => "r",
            Kind::Blob => "b",
            Kind::Index => "w",
            Kind::Snapshot => "p",
        }
    }

    pub(crate) fn code(self) -> u8 {
        Kind::ALL.iter().position(|kind| *kind == self).unwrap_or_default() as u8
    }

    pub(crate) fn of_code(code: u8) -> Result<Kind, Malformed> {
        Kind::ALL.get(usize::from(code)).copied().ok_or(Malformed)
    }

    pub(crate) fn of_letter(letter: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.letter() == letter)
    }
}

/// The name of an object below its namespace.
pub fn name(kind: Kind, key: &[u8; 32]) -> String {
    let hex = digest::hex(key);
    format!("{}/{}/{hex}", kind.letter(), &hex[..2])
}

const MAGIC: [u8; 4] = *b"KPAK";
const VERSION: u8 = 1;
const HEAD: usize = 4 + 1 + 1 + 32 + 40;
/// Blobs of a result travel with it as long as they are not longer than this together.
pub const TOGETHER: u64 = 8 << 20;
/// No blob is longer, whatever a result says.
pub const MOST_BLOB: u64 = 1 << 30;

/// The longest body of a pack of this kind: whoever writes what is longer is nobody of ours.
fn longest(kind: Kind) -> u64 {
    match kind {
        Kind::Shapes | Kind::Index => 16 << 20,
        Kind::Result => TOGETHER + (8 << 20),
        Kind::Blob => MOST_BLOB,
        Kind::Snapshot => snapshot::LARGEST,
    }
}

/// The most bytes of a pack with a body of this size: what does not compress becomes a little longer.
pub fn bound(body: u64) -> u64 {
    body + body / 128 + 4096
}

/// The most bytes of a pack of this kind.
pub fn largest(kind: Kind) -> u64 {
    bound(longest(kind))
}

/// What compresses best for its time (docs/benchmarks.md).
const LEVEL: i32 = 1;
/// 16 MiB: an rlib finds the rmeta before it.
const WINDOW_LOG: u32 = 24;

/// A pack of this kind with a compressed body, sealed for `name`.
pub fn seal(kind: Kind, name: &[u8; 32], body: &[u8]) -> Vec<u8> {
    let mut head = Writer::default();
    head.0.extend(MAGIC);
    head.u8(VERSION);
    head.u8(kind.code());
    head.0.extend(name);
    head.digest(&Digest::of(body));
    head.0.extend(compress(body));
    head.0
}

fn compress(body: &[u8]) -> Vec<u8> {
    let far = body.len() > 1 << 20;
    let compressed = Compressor::new(LEVEL).and_then(|mut compressor| {
        if far {
            compressor.set_parameter(CParameter::EnableLongDistanceMatching(true))?;
            compressor.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        }
        compressor.compress(body)
    });
    compressed.unwrap_or_default() // never happens; an empty body opens as nothing
}

/// The body of a pack, if it is whole and of this kind and name.
pub(crate) fn open(kind: Kind, name: &[u8; 32], pack: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (head, rest) = pack.split_at_checked(HEAD).ok_or(Malformed)?;
    let mut head = Reader(head);
    let fits = head.array::<4>()? == MAGIC && head.u8()? == VERSION && head.u8()? == kind.code();
    if !fits || head.array::<32>()? != *name {
        return Err(Malformed);
    }
    let digest = head.digest()?;
    if digest.size > longest(kind) {
        return Err(Malformed);
    }
    let mut decompressor = Decompressor::new().map_err(|_| Malformed)?;
    let body = decompressor.decompress(rest, usize::try_from(digest.size).map_err(|_| Malformed)?);
    let body = body.map_err(|_| Malformed)?;
    if Digest::of(&body) == digest { Ok(body) } else { Err(Malformed) }
}

/// A result with the blobs that travel with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedUnit<'a> {
    /// What it is the answer to.
    pub key: ActionKey,
    /// As [`ActionResult::encode`] writes it.
    pub result: Cow<'a, [u8]>,
    /// Blobs that came along. The local store holds each one against its digest when it is put there.
    pub blobs: Vec<(Digest, Cow<'a, [u8]>)>,
    /// Those that have to be fetched by themselves.
    pub apart: Vec<Digest>,
    /// Milliseconds that compiling took.
    pub cost_ms: u32,
}

impl<'a> PackedUnit<'a> {
    /// A result with its blobs, which `read` gives, and those that travel by themselves. `None` if one of them is not there, or
    /// if it is none that travels.
    pub fn body(
        key: &ActionKey,
        result: &[u8],
        read: &mut dyn FnMut(&Digest) -> Option<Vec<u8>>,
    ) -> Option<(Vec<u8>, Vec<Digest>)> {
        let decoded = ActionResult::decode(key, result).ok()?;
        if !may_go(&decoded) {
            return None;
        }
        let (within, apart) = split(&decoded);
        let mut body = Writer::default();
        body.bytes(result);
        body.u32(within.len() as u32);
        for digest in &within {
            let bytes = read(digest)?;
            body.digest(digest);
            body.bytes(&bytes);
        }
        let fits = body.0.len() as u64 <= longest(Kind::Result);
        fits.then_some((body.0, apart))
    }

    /// The same as a pack of its own.
    pub fn pack(
        key: &ActionKey,
        result: &[u8],
        read: &mut dyn FnMut(&Digest) -> Option<Vec<u8>>,
    ) -> Option<(Vec<u8>, Vec<Digest>)> {
        PackedUnit::body(key, result, read)
            .map(|(body, apart)| (seal(Kind::Result, key.name(), &body), apart))
    }

    /// Opens a result's pack; its blobs are what their digests say. Objects of a bucket come opened from [`crate::Verified`].
    pub fn open(key: &ActionKey, pack: &[u8]) -> Result<PackedUnit<'static>, Malformed> {
        let body = open(Kind::Result, key.name(), pack)?;
        let unit = PackedUnit::of_body(key, &body)?;
        let owned = |(digest, bytes): (Digest, Cow<'_, [u8]>)| match Digest::of(&bytes) == digest {
            true => Ok((digest, Cow::Owned(bytes.into_owned()))),
            false => Err(Malformed),
        };
        let blobs = unit.blobs.into_iter().map(owned).collect::<Result<Vec<_>, Malformed>>()?;
        let result = Cow::Owned(unit.result.into_owned());
        Ok(PackedUnit { key: unit.key, result, blobs, apart: unit.apart, cost_ms: unit.cost_ms })
    }

    /// What a pack's body holds, as it lies there.
    pub fn of_body(key: &ActionKey, body: &'a [u8]) -> Result<PackedUnit<'a>, Malformed> {
        let mut from = Reader(body);
        let result = from.bytes()?;
        let blobs = from.list(|from| Ok((from.digest()?, Cow::Borrowed(from.bytes()?))))?;
        from.end()?;
        let decoded = ActionResult::decode(key, result)?;
        if !may_go(&decoded) {
            return Err(Malformed);
        }
        let came: HashSet<Digest> = blobs.iter().map(|(digest, _)| *digest).collect();
        let apart = distinct(&decoded).into_iter().filter(|digest| !came.contains(digest)).collect();
        Ok(PackedUnit { key: *key, result: Cow::Borrowed(result), blobs, apart, cost_ms: decoded.cost_ms })
    }
}

/// Whether a result is one that travels: its outputs stay where they belong, and no blob is larger than any may be.
fn may_go(result: &ActionResult) -> bool {
    result.outputs.iter().all(|output| stays(&output.path))
        && result.blobs().all(|blob| blob.size <= MOST_BLOB)
}

/// Whether a path stays in its place. What is put back is held against what the compile declares once more (`restore.rs`).
fn stays(placed: &Placed) -> bool {
    let path = Path::new(OsStr::from_bytes(&placed.path));
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    match placed.place {
        Place::Literal => path.is_absolute() && path.components().skip(1).all(plain),
        Place::Base => path.is_relative(),
        _ => path.is_relative() && path.components().all(plain),
    }
}

/// The blobs that travel with a result, smallest first (metadata before the library that holds it, too), and those that do not.
fn split(result: &ActionResult) -> (Vec<Digest>, Vec<Digest>) {
    let mut blobs = distinct(result);
    blobs.sort_by_key(|digest| digest.size);
    let mut together = 0;
    blobs.into_iter().partition(|digest| {
        together += digest.size;
        together <= TOGETHER
    })
}

fn distinct(result: &ActionResult) -> Vec<Digest> {
    let mut seen = HashSet::new(); // a result that others wrote may name some hundred thousand
    result.blobs().copied().filter(|digest| seen.insert(*digest)).collect()
}

/// The Shapes in a pack, as the local store keeps them.
pub(crate) fn open_shapes(weak: &WeakKey, pack: &[u8]) -> Result<Vec<u8>, Malformed> {
    shapes_of_body(weak, open(Kind::Shapes, weak.name(), pack)?)
}

/// The same of a pack's body.
pub fn shapes_of_body(weak: &WeakKey, body: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    if shape::decode_shapes(weak, &body)?.iter().all(may_travel) { Ok(body) } else { Err(Malformed) }
}

/// The snapshot in a pack, as the local store keeps it: sealed for its key.
pub(crate) fn open_snapshot(key: &SnapshotKey, pack: &[u8]) -> Result<Vec<u8>, Malformed> {
    let body = open(Kind::Snapshot, key.name(), pack)?;
    key.unseal(&body)?;
    Ok(body)
}

/// As many of these Shapes as fit into a pack, the first ones.
pub fn as_many_as_fit(weak: &WeakKey, mut shapes: Vec<Shape>) -> Vec<Shape> {
    while shape::encode_shapes(weak, &shapes).len() as u64 > longest(Kind::Shapes) {
        shapes.pop();
    }
    shapes
}

/// Whether a Shape is one that others are to answer: each question costs everybody who has none of our results a look.
pub fn may_travel(shape: &Shape) -> bool {
    shape.questions().len() <= MOST_QUESTIONS
}

#[cfg(test)]
mod tests;
