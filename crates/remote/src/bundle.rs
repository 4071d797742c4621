//! What a workspace builds on, in a few large objects: an index, and segments of packs in build order.

use crate::pack::{self, Kind};
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{Digest, digest};
use std::collections::{HashMap, HashSet};

/// One pack in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Which key it answers.
    pub name: [u8; 32],
    /// Its bytes in the segment.
    pub length: u32,
    /// Milliseconds that compiling took; 0 for anything but a result.
    pub cost_ms: u32,
}

/// Some packs, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Of all its bytes.
    pub digest: Digest,
    /// What is in it, in order.
    pub items: Vec<Item>,
}

/// What a bundle consists of, in build order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The segments.
    pub segments: Vec<Segment>,
}

/// A bundle that grew over this is begun anew with what the last build needed.
pub const MOST: u64 = 512 << 20;
/// No segment is larger: four MiB, and one pack that did not fit before.
const MOST_OF_ONE: u64 = 64 << 20;
/// Over so many it is begun anew, too; whoever writes an index of many more is none of ours.
const MANY_SEGMENTS: usize = 256;
const MOST_SEGMENTS: usize = 2048;

impl Index {
    /// Its pack, under the name of the workspace.
    pub fn seal(&self, name: &[u8; 32]) -> Vec<u8> {
        let mut to = Writer::default();
        to.u32(self.segments.len() as u32);
        for segment in &self.segments {
            to.digest(&segment.digest);
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
    pub fn open(name: &[u8; 32], pack: &[u8]) -> Result<Index, Malformed> {
        let body = pack::open(Kind::Index, name, pack)?;
        let mut from = Reader(&body);
        let segments = from.list(|from| {
            let digest = from.digest()?;
            let items = from.list(|from| {
                let kind = Kind::of_code(from.u8()?)?;
                Ok(Item { kind, name: from.array()?, length: from.u32()?, cost_ms: from.u32()? })
            })?;
            let length: u64 = items.iter().map(|item| u64::from(item.length)).sum();
            if length == digest.size && length <= MOST_OF_ONE {
                Ok(Segment { digest, items })
            } else {
                Err(Malformed)
            }
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

    /// Everything in it.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.segments.iter().flat_map(|segment| &segment.items)
    }

    /// All of its bytes.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.digest.size).sum()
    }

    /// With `newer` behind it. Segments of which nothing is named any more by `wanted` go, and so does everything if it
    /// became too much.
    pub fn grown(self, newer: Vec<Segment>, wanted: &HashSet<[u8; 32]>) -> Index {
        let used = |segment: &Segment| segment.items.iter().any(|item| wanted.contains(&item.name));
        let mut segments = self.segments;
        let bytes = |segments: &[Segment]| segments.iter().map(|s| s.digest.size).sum::<u64>();
        if bytes(&segments) + bytes(&newer) > MOST || segments.len() + newer.len() > MANY_SEGMENTS {
            segments.retain(used);
        }
        if bytes(&segments) + bytes(&newer) > MOST {
            segments.clear();
        }
        segments.extend(newer);
        Index { segments }
    }
}

/// Puts packs together into segments, one after the other: small ones first, so that a build can begin.
pub struct Cutter {
    items: Vec<Item>,
    bytes: Vec<u8>,
    limit: usize,
}

impl Default for Cutter {
    fn default() -> Cutter {
        Cutter { items: Vec::new(), bytes: Vec::new(), limit: 512 << 10 }
    }
}

impl Cutter {
    /// Adds a pack; the segment that is full now.
    pub fn push(&mut self, item: Item, pack: &[u8]) -> Option<(Segment, Vec<u8>)> {
        self.items.push(Item { length: pack.len() as u32, ..item });
        self.bytes.extend_from_slice(pack);
        (self.bytes.len() >= self.limit).then(|| self.cut())
    }

    /// The last segment, if there is anything in it.
    pub fn finish(mut self) -> Option<(Segment, Vec<u8>)> {
        (!self.items.is_empty()).then(|| self.cut())
    }

    fn cut(&mut self) -> (Segment, Vec<u8>) {
        self.limit = (self.limit * 2).min(4 << 20);
        let (items, bytes) = (std::mem::take(&mut self.items), std::mem::take(&mut self.bytes));
        (Segment { digest: Digest::of(&bytes), items }, bytes)
    }
}

/// The packs of a segment's bytes, if they are the right ones.
pub fn cut<'a>(segment: &'a Segment, bytes: &'a [u8]) -> Result<Vec<(&'a Item, &'a [u8])>, Malformed> {
    if Digest::of(bytes) != segment.digest {
        return Err(Malformed);
    }
    let mut rest = bytes;
    let mut packs = Vec::with_capacity(segment.items.len());
    for item in &segment.items {
        let (pack, tail) = rest.split_at_checked(item.length as usize).ok_or(Malformed)?;
        packs.push((item, pack));
        rest = tail;
    }
    Ok(packs)
}

/// The name of a segment below its namespace.
pub fn name(segment: &Digest) -> String {
    let hex = digest::hex(&segment.hash);
    format!("g/{}/{hex}", &hex[..2])
}

#[cfg(test)]
mod tests;
