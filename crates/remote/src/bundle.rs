//! What a workspace builds on, in a few large objects: an index, and segments of units in build order. The segments of a *run* are
//! one zstd stream with a long window, since units resemble each other: an executable holds code of the libraries before it.

use crate::pack::{self, Kind};
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{Digest, digest};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::mem;
use std::ops::Range;
use zstd::stream::Encoder;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// One thing in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The kind of the item, which says how to read its bytes.
    pub kind: Kind,
    /// Which key it answers.
    pub name: [u8; 32],
    /// The item's uncompressed length in bytes.
    pub length: u32,
    /// Milliseconds that compiling took; 0 for anything but a result.
    pub cost_ms: u32,
}

/// Some things, one after the other, compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Of its bytes as they travel.
    pub digest: Digest,
    /// Whether a stream begins with it; else it goes on from the segment before.
    pub begins: bool,
    /// What is in it, in order.
    pub items: Vec<Item>,
}

/// What a bundle consists of, in build order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The segments, oldest first.
    pub segments: Vec<Segment>,
}

/// A bundle that grew over this is begun anew with what the last build needed.
pub const MOST: u64 = 512 << 20;
/// A blob that is larger does not travel in a bundle: together with what is before it in its segment it would be too much for one.
pub const MOST_BLOB: u64 = 192 << 20;
/// No segment holds more: what it is cut at, and a whole unit that did not fit before.
const MOST_OF_ONE: u64 = 256 << 20;
/// A segment is cut when it has so many bytes, or so many of them compressed (the first ones sooner, so that a build can begin).
/// Whoever opens it holds all of it in memory, which a machine that was just started has to come by first.
const FULL: u64 = 8 << 20;
const FULL_COMPRESSED: usize = 2 << 20;
const FIRST_COMPRESSED: usize = 256 << 10;
/// More costs more time than it saves (docs/benchmarks.md).
const LEVEL: i32 = 3;
/// 128 MiB, the most that zstd recommends to every reader.
const WINDOW_LOG: u32 = 27;
/// Over so many it is begun anew, too; whoever writes an index of many more is none of ours.
const MANY_SEGMENTS: usize = 512;
const MOST_SEGMENTS: usize = 2048;

impl Index {
    /// Its pack, under the name of the workspace.
    pub fn seal(&self, name: &[u8; 32]) -> Vec<u8> {
        let mut to = Writer::default();
        to.u32(self.segments.len() as u32);
        for segment in &self.segments {
            to.digest(&segment.digest);
            to.u8(u8::from(segment.begins));
            to.u32(segment.items.len() as u32);
            for item in &segment.items {
                to.u8(item.kind.code());
                to.0.extend(item.name);
                to.u32(item.length);
                to.u32(item.cost_ms);
            }
        }
        pack::seal(Kind::Index, name, &to.0)
    }

    /// Reads its pack.
    pub(crate) fn open(name: &[u8; 32], pack: &[u8]) -> Result<Index, Malformed> {
        let body = pack::open(Kind::Index, name, pack)?;
        let mut from = Reader(&body);
        let segments = from.list(|from| {
            let (digest, begins) = (from.digest()?, from.u8()? != 0);
            let items = from.list(|from| {
                let kind = Kind::of_code(from.u8()?)?;
                Ok(Item { kind, name: from.array()?, length: from.u32()?, cost_ms: from.u32()? })
            })?;
            let segment = Segment { digest, begins, items };
            let fits = segment.length() <= MOST_OF_ONE && digest.size <= pack::bound(MOST_OF_ONE);
            if fits { Ok(segment) } else { Err(Malformed) }
        })?;
        from.end()?;
        let index = Index { segments };
        if index.segments.len() <= MOST_SEGMENTS && index.bytes() <= 2 * MOST {
            Ok(index)
        } else {
            Err(Malformed)
        }
    }

    /// In which segment each result and each list of Shapes is; the last one counts.
    pub fn places(&self) -> HashMap<(Kind, [u8; 32]), usize> {
        let segments = self.segments.iter().enumerate();
        segments.flat_map(|(at, s)| s.items.iter().map(move |item| ((item.kind, item.name), at))).collect()
    }

    /// All items of all segments.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.segments.iter().flat_map(|segment| &segment.items)
    }

    /// All of its bytes.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.digest.size).sum()
    }

    /// The segments of each run: they can only be opened one after the other.
    pub fn runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if !segment.begins => run.end = at + 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }

    /// Leaves out the runs of which `keep` says so.
    pub fn keep_runs(&mut self, mut keep: impl FnMut(&[Segment]) -> bool) {
        let runs = self.runs();
        let kept = runs.into_iter().filter(|run| keep(&self.segments[run.clone()]));
        self.segments = kept.flat_map(|run| self.segments[run].to_vec()).collect();
    }

    /// With `newer` behind it. Runs of which nothing is named any more by `wanted` go, and so does everything if it became too
    /// much.
    pub fn grown(mut self, newer: Vec<Segment>, wanted: &HashSet<[u8; 32]>) -> Index {
        let used = |segment: &Segment| segment.items.iter().any(|item| wanted.contains(&item.name));
        let bytes = |segments: &[Segment]| segments.iter().map(|s| s.digest.size).sum::<u64>();
        if bytes(&self.segments) + bytes(&newer) > MOST || self.segments.len() + newer.len() > MANY_SEGMENTS {
            self.keep_runs(|run| run.iter().any(used));
        }
        if bytes(&self.segments) + bytes(&newer) > MOST {
            self.segments.clear();
        }
        self.segments.extend(newer);
        self
    }
}

impl Segment {
    /// The uncompressed length of all items in bytes.
    pub fn length(&self) -> u64 {
        self.items.iter().map(|item| u64::from(item.length)).sum()
    }
}

/// Makes one run: cuts it into segments, small ones first.
pub struct Cutter {
    stream: Encoder<'static, Vec<u8>>,
    items: Vec<Item>,
    length: u64,
    limit: usize,
    begins: bool,
}

impl Cutter {
    /// Of nothing yet.
    pub fn new() -> io::Result<Cutter> {
        let mut stream = Encoder::new(Vec::new(), LEVEL)?;
        stream.window_log(WINDOW_LOG)?;
        stream.long_distance_matching(true)?;
        Ok(Cutter { stream, items: Vec::new(), length: 0, limit: FIRST_COMPRESSED, begins: true })
    }

    /// Adds something; the segment that is full now. It ends with a unit, or within one behind a large blob, which is unpacked while what
    /// follows is opened.
    pub fn push(&mut self, item: Item, bytes: &[u8]) -> io::Result<Option<(Segment, Vec<u8>)>> {
        self.items.push(Item { length: bytes.len() as u32, ..item });
        self.length += bytes.len() as u64;
        self.stream.write_all(bytes)?;
        let full = self.length >= FULL || self.stream.get_ref().len() >= self.limit;
        let may_end = matches!(item.kind, Kind::Result | Kind::Blob);
        if full && may_end { self.cut().map(Some) } else { Ok(None) }
    }

    /// The last segment, if there is anything in it.
    pub fn finish(mut self) -> io::Result<Option<(Segment, Vec<u8>)>> {
        if self.items.is_empty() { Ok(None) } else { self.cut().map(Some) }
    }

    /// What was written so far can be read without what follows.
    fn cut(&mut self) -> io::Result<(Segment, Vec<u8>)> {
        self.stream.flush()?;
        self.limit = (self.limit * 2).min(FULL_COMPRESSED);
        self.length = 0;
        let (items, bytes) = (mem::take(&mut self.items), mem::take(self.stream.get_mut()));
        let begins = mem::replace(&mut self.begins, false);
        Ok((Segment { digest: Digest::of(&bytes), begins, items }, bytes))
    }
}

/// Opens the segments of a run, one after the other.
pub struct Opener(Decoder<'static>);

impl Opener {
    /// Before the first segment of a run.
    pub fn new() -> io::Result<Opener> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Opener(decoder))
    }

    /// What is in the next segment, into a buffer; its bytes were held against its digest ([`crate::Level::segment`]).
    pub fn open(&mut self, segment: &Segment, bytes: &[u8], opened: &mut Vec<u8>) -> Result<(), Malformed> {
        // Into memory that nobody has cleared before, and with room for a byte more than there should be, so that a stream
        // that has more to say is noticed.
        opened.clear();
        opened.reserve(usize::try_from(segment.length()).map_err(|_| Malformed)? + 1);
        let (mut from, mut to) = (InBuffer::around(bytes), OutBuffer::around(opened));
        loop {
            let before = (from.pos(), to.pos());
            self.0.run(&mut from, &mut to).map_err(|_| Malformed)?;
            if (from.pos(), to.pos()) == before || to.pos() == to.capacity() {
                break;
            }
        }
        let (read, came) = (from.pos(), to.pos() as u64);
        if read == bytes.len() && came == segment.length() { Ok(()) } else { Err(Malformed) }
    }
}

/// What an opened segment consists of.
pub fn cut<'a>(segment: &'a Segment, opened: &'a [u8]) -> impl Iterator<Item = (&'a Item, &'a [u8])> {
    let mut rest = opened;
    segment.items.iter().map_while(move |item| {
        let (bytes, tail) = rest.split_at_checked(item.length as usize)?;
        rest = tail;
        Some((item, bytes))
    })
}

/// A segment's letter in names of objects.
pub(crate) const LETTER: &str = "g";

/// The name of a segment below its namespace.
pub fn name(segment: &Digest) -> String {
    let hex = digest::hex(&segment.hash);
    format!("{LETTER}/{}/{hex}", &hex[..2])
}

#[cfg(test)]
mod tests;
