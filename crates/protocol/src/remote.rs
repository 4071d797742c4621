//! The remote stores as one compile sees them: what it asks them for, and what it tells them.

use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionKey, WeakKey};

/// No unit has more keys to ask for.
const MOST_KEYS: usize = 64;

/// The names of a workspace, under which its bundle is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Of its lock file, toolchain and profile.
    pub exact: [u8; 32],
    /// Of its directory's name, toolchain and profile.
    pub near: [u8; 32],
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

/// A unit that was compiled here, whose result is in the local store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its WeakKey.
    pub weak: WeakKey,
    /// The key of its result.
    pub key: ActionKey,
    /// Whether it is an incremental unit, whose result the next edit replaces.
    pub incremental: bool,
    /// The build that it is part of.
    pub build: u32,
    /// The workspace that it was built for, if there is one.
    pub workspace: Option<Workspace>,
    /// Milliseconds that the compile took.
    pub took_ms: u32,
}

/// The remote stores, as one compile sees them. A compile needs neither, and neither can fail.
pub trait RemoteCache {
    /// Brings what the remote stores have for a unit into the local store, within the time that the unit is worth.
    fn resolve(&self, wanted: &Resolve) -> Resolved;

    /// Takes note of a unit that was compiled here, so that its result is uploaded.
    fn made(&self, made: &Made);
}
