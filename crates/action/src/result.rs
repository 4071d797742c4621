//! What came of a run: its output files by digest, its streams for any place, its exit code and what it cost.

use crate::Digest;
use crate::names::ActionKey;
use crate::place::Placed;
use crate::template::Template;
use crate::wire::{Malformed, Reader, Writer, seal, unseal};

/// How an output is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputRole {
    /// An `.rlib`: rustc replaces it by rename, so it may be a hard link to the store where there is an `.rmeta` beside
    /// it to carry a fresh time.
    Rlib,
    /// Anything else that is bytes: always a private copy (linkers and `strip` write in place).
    File,
    /// A directory, which may be empty.
    Directory,
    /// Dep-info: text for this place; rewritten in place by rustc.
    DepInfo(
        /// Its text.
        TemplateSlot,
    ),
}

/// Index of a template in the result, so that [`OutputRole`] stays `Copy`.
pub type TemplateSlot = u32;

/// One output file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where the file is restored, relative to a place.
    pub path: Placed,
    /// How it is put back.
    pub role: OutputRole,
    /// Whether it may be executed.
    pub executable: bool,
    /// Its content; for dep-info and directories the digest of nothing.
    pub digest: Digest,
}

/// Which stream a piece of text went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The result of one run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ActionResult {
    /// 0, or 1 for a build script's probe that asks whether something compiles.
    pub exit_code: u8,
    /// The files it made.
    pub outputs: Vec<Output>,
    /// Texts of the dep-info outputs.
    pub texts: Vec<Template>,
    /// Its output on both streams, in order.
    pub streams: Vec<(Stream, Template)>,
    /// Wall time of the compile, in milliseconds.
    pub cost_ms: u32,
    /// For people and for eviction: what was compiled.
    pub unit: String,
    /// The WeakKey of an incremental unit (only the newest few of each are kept), else nothing.
    pub incremental: Option<[u8; 32]>,
    /// When the outputs were written, where these are a whole tree.
    pub times: Times,
}

/// When the outputs of a tree were written: `make` and its like go by the order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Times {
    /// Times before the run, rising: whoever set them (`tar`, `touch -r`) meant these.
    before: Vec<i64>,
    /// Of each output the place of its time among all times, those before the run first. The same time is the same place.
    ranks: Vec<u32>,
}

impl Times {
    /// Of outputs that were modified then (nanoseconds since the epoch), in a run that began then.
    pub fn new(modified: &[i64], began: i64) -> Times {
        let mut distinct = modified.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let ranks = modified.iter().map(|time| distinct.partition_point(|other| other < time) as u32);
        let ranks = ranks.collect();
        distinct.truncate(distinct.partition_point(|time| *time < began));
        Times { before: distinct, ranks }
    }

    /// What each output is given, in order, where the latest of them was put back then: times before the run as they were, all others a
    /// nanosecond after one another up to that.
    pub fn put_back(&self, latest: i64) -> impl Iterator<Item = i64> {
        let last = self.ranks.iter().copied().max().unwrap_or_default();
        self.ranks.iter().map(move |rank| match self.before.get(*rank as usize) {
            Some(time) => *time,
            None => latest.saturating_sub(i64::from(last - rank)),
        })
    }

    fn write(&self, to: &mut Writer) {
        to.u32(self.before.len() as u32);
        self.before.iter().for_each(|time| to.u64(time.cast_unsigned()));
        to.u32(self.ranks.len() as u32);
        self.ranks.iter().for_each(|rank| to.u32(*rank));
    }

    fn read(from: &mut Reader<'_>) -> Result<Times, Malformed> {
        let before = from.list(|from| Ok(from.u64()?.cast_signed()))?;
        Ok(Times { before, ranks: from.list(Reader::u32)? })
    }
}

const MAGIC: [u8; 4] = *b"KRES";
const VERSION: u8 = 2;
/// That of a result with times.
const WITH_TIMES: u8 = 3;

impl ActionResult {
    /// The result's file, which is found under this key and no other.
    pub fn encode(&self, key: &ActionKey) -> Vec<u8> {
        let mut to = Writer::default();
        to.u8(self.exit_code);
        to.u32(self.cost_ms);
        to.bytes(self.unit.as_bytes());
        to.bytes(self.incremental.as_ref().map_or(&[], |key| key));
        to.u32(self.outputs.len() as u32);
        for output in &self.outputs {
            output.path.write(&mut to);
            let (role, slot) = match output.role {
                OutputRole::Rlib => (0, 0),
                OutputRole::File => (1, 0),
                OutputRole::DepInfo(slot) => (2, slot),
                OutputRole::Directory => (3, 0),
            };
            to.u8(role);
            to.u32(slot);
            to.u8(u8::from(output.executable));
            to.digest(&output.digest);
        }
        to.u32(self.texts.len() as u32);
        self.texts.iter().for_each(|text| text.write(&mut to));
        to.u32(self.streams.len() as u32);
        for (stream, text) in &self.streams {
            to.u8(u8::from(*stream == Stream::Err));
            text.write(&mut to);
        }
        let version = if self.times == Times::default() { VERSION } else { WITH_TIMES };
        if version == WITH_TIMES {
            self.times.write(&mut to);
        }
        seal(MAGIC, version, &key.0, &to.0)
    }

    /// Reads a result's file; one that was made for another key is none.
    pub fn decode(key: &ActionKey, file: &[u8]) -> Result<ActionResult, Malformed> {
        let has_times = file.get(4) == Some(&WITH_TIMES);
        let version = if has_times { WITH_TIMES } else { VERSION };
        let mut from = Reader(unseal(MAGIC, version, &key.0, file)?);
        let exit_code = from.u8()?;
        let cost_ms = from.u32()?;
        let unit = String::from_utf8(from.bytes()?.to_vec()).map_err(|_| Malformed)?;
        let incremental = match from.bytes()? {
            [] => None,
            key => Some(key.try_into().map_err(|_| Malformed)?),
        };
        let outputs = from.list(read_output)?;
        let texts = from.list(Template::read)?;
        let streams = from.list(|r| {
            let stream = match r.u8()? {
                0 => Stream::Out,
                1 => Stream::Err,
                _ => return Err(Malformed),
            };
            Ok((stream, Template::read(r)?))
        })?;
        let times = if has_times { Times::read(&mut from)? } else { Times::default() };
        from.end()?;
        if has_times && times.ranks.len() != outputs.len() {
            return Err(Malformed);
        }
        let slots =
            outputs.iter().all(|o| !matches!(o.role, OutputRole::DepInfo(n) if n as usize >= texts.len()));
        if !slots {
            return Err(Malformed);
        }
        Ok(ActionResult { exit_code, outputs, texts, streams, cost_ms, unit, incremental, times })
    }

    /// The blobs it needs.
    pub fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.outputs
            .iter()
            .filter(|o| matches!(o.role, OutputRole::Rlib | OutputRole::File))
            .map(|o| &o.digest)
    }
}

fn read_output(from: &mut Reader<'_>) -> Result<Output, Malformed> {
    let path = Placed::read(from)?;
    let role = match (from.u8()?, from.u32()?) {
        (0, 0) => OutputRole::Rlib,
        (1, 0) => OutputRole::File,
        (2, slot) => OutputRole::DepInfo(slot),
        (3, 0) => OutputRole::Directory,
        _ => return Err(Malformed),
    };
    let executable = match from.u8()? {
        0 => false,
        1 => true,
        _ => return Err(Malformed),
    };
    Ok(Output { path, role, executable, digest: from.digest()? })
}

#[cfg(test)]
mod tests;
