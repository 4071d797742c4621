//! The messages, in frames: a length and that many bytes, the first of which says what it is. [`Hello`] and [`RETIRE`] are
//! fixed for ever; everything else may change with [`PROTOCOL`].

use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionKey, Digest, WeakKey, schemes};
use std::io::{self, Read, Write};

/// What both sides have to agree on.
pub const PROTOCOL: u32 = 3;
/// "Stop, your time is over": understood by every daemon there ever was.
pub const RETIRE: u8 = 6;

/// No unit has more keys to ask for.
const MOST_KEYS: usize = 64;

/// No frame is longer.
const LONGEST: u32 = 4 << 20;

/// The first byte of a frame.
pub mod tag {
    /// [`super::Hello`]; the answer is `TEXT` with the daemon's version, or `REFUSED`.
    pub const HELLO: u8 = 0;
    /// [`super::Resolve`]; the answer is `RESOLVED`.
    pub const RESOLVE: u8 = 1;
    /// There is something in the queue: a list of numbers, build and milliseconds. No answer.
    pub const KEPT: u8 = 2;
    /// How things are; the answer is `TEXT` with JSON.
    pub const STATUS: u8 = 3;
    /// Finish uploads, at most so many milliseconds; the answer is `TEXT` with JSON.
    pub const WAIT: u8 = 4;
    /// Stop; the answer is `TEXT`.
    pub const STOP: u8 = 5;
    /// Bring what a workspace needs: a [`super::Resolve`] without keys; the answer is `TEXT` with JSON.
    pub const PREFETCH: u8 = 7;
    /// Upload everything that is in the local store; the answer is `TEXT` with JSON.
    pub const PUSH: u8 = 8;
    /// Look through the remote, or remove from it: a word and its argument; the answer is `TEXT` with JSON.
    pub const CARE: u8 = 9;
    /// Ask every store something small; the answer is `TEXT` with JSON.
    pub const TRY: u8 = 10;
    /// An answer: still at it. A number goes with it (`u64`) that is another one as soon as anything has come.
    pub const WORKING: u8 = 20;
    /// An answer: [`super::Resolved`].
    pub const RESOLVED: u8 = 21;
    /// An answer in words.
    pub const TEXT: u8 = 22;
    /// An answer: no, and why.
    pub const REFUSED: u8 = 23;
}

/// Writes one frame, in one piece.
pub fn send(to: &mut impl Write, tag: u8, body: &[u8]) -> io::Result<()> {
    let mut frame = Writer::default();
    frame.u32(body.len() as u32 + 1);
    frame.u8(tag);
    frame.0.extend(body);
    to.write_all(&frame.0)
}

/// Reads one frame.
pub fn receive(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length == 0 || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame)?;
    let tag = frame.remove(0);
    Ok((tag, frame))
}

/// The first thing a client says: which protocol it speaks, and which remotes it means with whose credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Its [`PROTOCOL`].
    pub protocol: u32,
    /// Its version, for people.
    pub version: String,
    /// Remotes, near to far.
    pub urls: Vec<String>,
    /// Namespaces, own first.
    pub namespaces: Vec<String>,
    /// Variables that a kind of storage reads, with their values.
    pub variables: Vec<(String, String)>,
}

const MAGIC: [u8; 4] = *b"KILN";

fn strings(to: &mut Writer, all: &[String]) {
    to.u32(all.len() as u32);
    all.iter().for_each(|text| to.bytes(text.as_bytes()));
}

fn string(from: &mut Reader<'_>) -> Result<String, Malformed> {
    String::from_utf8(from.bytes()?.to_vec()).map_err(|_| Malformed)
}

impl Hello {
    /// As it is sent.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.0.extend(MAGIC);
        to.u32(self.protocol);
        to.bytes(self.version.as_bytes());
        to.0.extend(self.meaning());
        to.0
    }

    fn meaning(&self) -> Vec<u8> {
        let mut to = Writer::default();
        strings(&mut to, &self.urls);
        strings(&mut to, &self.namespaces);
        to.u32(self.variables.len() as u32);
        for (name, value) in &self.variables {
            to.bytes(name.as_bytes());
            to.bytes(value.as_bytes());
        }
        to.0
    }

    /// Names the remotes and credentials, without telling them.
    pub fn print(&self) -> [u8; 32] {
        Digest::of(&self.meaning()).hash
    }

    /// Names the stores alone: what was made with one set of credentials may be uploaded with the next, and those that companies hand
    /// out are others every hour.
    pub fn stores(&self) -> [u8; 32] {
        let place = |(name, _): &&(String, String)| schemes::says_where(name);
        let variables = self.variables.iter().filter(place).cloned().collect();
        Hello { variables, ..self.clone() }.print()
    }

    /// Reads one. Of another protocol only protocol and version are read.
    pub fn decode(bytes: &[u8]) -> Result<Hello, Malformed> {
        let mut from = Reader(bytes);
        if from.array::<4>()? != MAGIC {
            return Err(Malformed);
        }
        let (protocol, version) = (from.u32()?, string(&mut from)?);
        if protocol != PROTOCOL {
            return Ok(Hello { protocol, version, ..Hello::default() });
        }
        let (urls, namespaces) = (from.list(string)?, from.list(string)?);
        let variables = from.list(|from| Ok((string(from)?, string(from)?)))?;
        from.end()?;
        Ok(Hello { protocol, version, urls, namespaces, variables })
    }
}

/// The names of a workspace, under which its bundle is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Names what exactly the workspace builds on.
    pub exact: [u8; 32],
    /// Names the workspace itself.
    pub near: [u8; 32],
}

/// "Is there anything for this unit?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// Its WeakKey.
    pub weak: WeakKey,
    /// The hash of its Shapes as they are known here; zeros for none.
    pub seen: [u8; 32],
    /// What today's answers make of the Shapes that are known here.
    pub keys: Vec<ActionKey>,
    /// The build that it is part of.
    pub build: u32,
    /// The workspace that it is built for, if there is one.
    pub workspace: Option<Workspace>,
    /// Milliseconds that it took to compile before; 0 if nobody knows.
    pub cost_ms: u32,
    /// Milliseconds that it is waited for at most, whatever it costs.
    pub most_ms: u32,
}

impl Workspace {
    pub(crate) fn write(workspace: Option<&Workspace>, to: &mut Writer) {
        to.u8(u8::from(workspace.is_some()));
        if let Some(workspace) = workspace {
            to.0.extend(workspace.exact);
            to.0.extend(workspace.near);
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Option<Workspace>, Malformed> {
        match from.u8()? {
            0 => Ok(None),
            1 => Ok(Some(Workspace { exact: from.array()?, near: from.array()? })),
            _ => Err(Malformed),
        }
    }
}

impl Resolve {
    /// As it is sent.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.0.extend(self.weak.0);
        to.0.extend(self.seen);
        to.u32(self.keys.len() as u32);
        self.keys.iter().for_each(|key| to.0.extend(key.0));
        to.u32(self.build);
        to.u32(self.cost_ms);
        to.u32(self.most_ms);
        Workspace::write(self.workspace.as_ref(), &mut to);
        to.0
    }

    /// Reads one.
    pub fn decode(bytes: &[u8]) -> Result<Resolve, Malformed> {
        let mut from = Reader(bytes);
        let (weak, seen) = (WeakKey(from.array()?), from.array()?);
        let keys = from.list(|from| from.array().map(ActionKey))?;
        let (build, cost_ms, most_ms) = (from.u32()?, from.u32()?, from.u32()?);
        let workspace = Workspace::read(&mut from)?;
        from.end()?;
        if keys.len() > MOST_KEYS {
            return Err(Malformed);
        }
        Ok(Resolve { weak, seen, keys, build, workspace, cost_ms, most_ms })
    }
}

/// What came of it. Everything named here is in the local store now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// A result is there under one of the keys.
    pub found: bool,
    /// Its Shapes are others than those that were seen.
    pub news: bool,
}

impl Resolved {
    /// As it is sent.
    pub fn encode(self) -> Vec<u8> {
        vec![u8::from(self.found) | u8::from(self.news) << 1]
    }

    /// Reads one.
    pub fn decode(bytes: &[u8]) -> Result<Resolved, Malformed> {
        match bytes {
            [flags @ 0..=3] => Ok(Resolved { found: flags & 1 != 0, news: flags & 2 != 0 }),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests;
