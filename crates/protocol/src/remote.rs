//! The remote stores as one compile sees them: what it asks them for, and what it tells them.

use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{ActionKey, SnapshotKey, WeakKey};

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
    /// As it is sent.
    pub fn encode(&self) -> Vec<u8> {
        [self.exact, self.near].concat()
    }

    /// Reads what [`Workspace::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Workspace, Malformed> {
        let mut from = Reader(bytes);
        let workspace = Workspace { exact: from.array()?, near: from.array()? };
        from.end()?;
        Ok(workspace)
    }

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

/// What a build wants from the remote stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The result of a unit.
    Unit {
        /// Its WeakKey.
        weak: WeakKey,
        /// The hash of its Shapes as they are known here; zeros for none.
        seen: [u8; 32],
        /// What today's answers make of the Shapes that are known here.
        keys: Vec<ActionKey>,
        /// The workspace that it is built for, if there is one.
        workspace: Option<Workspace>,
    },
    /// The snapshot of the build itself.
    Snapshot(SnapshotKey),
}

/// "Is there anything for this?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// What the wrapper looks for.
    pub wanted: Wanted,
    /// The build that asks.
    pub build: u32,
    /// Milliseconds that it took to compile before; 0 if nobody knows.
    pub cost_ms: u32,
    /// Milliseconds that it is waited for at most, whatever it costs.
    pub most_ms: u32,
}

const UNIT: u8 = 0;
const SNAPSHOT: u8 = 1;

impl Wanted {
    fn write(&self, to: &mut Writer) {
        match self {
            Wanted::Unit { weak, seen, keys, workspace } => {
                to.u8(UNIT);
                weak.write(to);
                to.0.extend(seen);
                debug_assert!(keys.len() <= MOST_KEYS, "a reader refuses more keys");
                to.u32(keys.len() as u32);
                keys.iter().for_each(|key| key.write(to));
                Workspace::write(workspace.as_ref(), to);
            }
            Wanted::Snapshot(key) => {
                to.u8(SNAPSHOT);
                key.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Wanted, Malformed> {
        match from.u8()? {
            UNIT => {
                let (weak, seen) = (WeakKey::read(from)?, from.array()?);
                let keys = from.list(ActionKey::read)?;
                let workspace = Workspace::read(from)?;
                let few = keys.len() <= MOST_KEYS;
                few.then_some(Wanted::Unit { weak, seen, keys, workspace }).ok_or(Malformed)
            }
            SNAPSHOT => Ok(Wanted::Snapshot(SnapshotKey::read(from)?)),
            _ => Err(Malformed),
        }
    }
}

impl Resolve {
    /// As it is sent.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.u32(self.build);
        to.u32(self.cost_ms);
        to.u32(self.most_ms);
        self.wanted.write(&mut to);
        to.0
    }

    /// Reads what [`Resolve::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Resolve, Malformed> {
        let mut from = Reader(bytes);
        let (build, cost_ms, most_ms) = (from.u32()?, from.u32()?, from.u32()?);
        let wanted = Wanted::read(&mut from)?;
        from.end()?;
        Ok(Resolve { wanted, build, cost_ms, most_ms })
    }
}

/// What came of it. Everything named here is in the local store now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// A result is there under one of the keys, or the snapshot is.
    pub found: bool,
    /// The unit's Shapes are others than those that were seen.
    pub news: bool,
}

impl Resolved {
    /// As it is sent.
    pub fn encode(self) -> Vec<u8> {
        vec![u8::from(self.found) | u8::from(self.news) << 1]
    }

    /// Reads what [`Resolved::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Resolved, Malformed> {
        match bytes {
            [flags @ 0..=3] => Ok(Resolved { found: flags & 1 != 0, news: flags & 2 != 0 }),
            _ => Err(Malformed),
        }
    }
}

/// What a build made that others can use. It is in the local store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// A unit that was compiled.
    Unit {
        /// Its WeakKey.
        weak: WeakKey,
        /// The key of its result.
        key: ActionKey,
        /// Whether it is an incremental unit, whose result the next edit replaces.
        incremental: bool,
        /// The workspace that it was built for, if there is one.
        workspace: Option<Workspace>,
    },
    /// The snapshot of the build itself.
    Snapshot(SnapshotKey),
}

impl Product {
    pub(crate) fn write(&self, to: &mut Writer) {
        match self {
            Product::Unit { weak, key, incremental, workspace } => {
                to.u8(UNIT);
                weak.write(to);
                key.write(to);
                to.u8(u8::from(*incremental));
                Workspace::write(workspace.as_ref(), to);
            }
            Product::Snapshot(key) => {
                to.u8(SNAPSHOT);
                key.write(to);
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Product, Malformed> {
        match from.u8()? {
            UNIT => Product::read_unit(from),
            SNAPSHOT => Ok(Product::Snapshot(SnapshotKey::read(from)?)),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn read_unit(from: &mut Reader<'_>) -> Result<Product, Malformed> {
        let (weak, key) = (WeakKey::read(from)?, ActionKey::read(from)?);
        let incremental = from.u8()? != 0;
        Ok(Product::Unit { weak, key, incremental, workspace: Workspace::read(from)? })
    }

    /// Names it among all that waits for upload: a newer one of this name takes its place. Of an incremental unit only the newest result
    /// is worth a journey.
    pub fn name(&self) -> &[u8; 32] {
        match self {
            Product::Unit { weak, incremental: true, .. } => weak.name(),
            Product::Unit { key, .. } => key.name(),
            Product::Snapshot(key) => key.name(),
        }
    }

    /// Whether it waits for a while before it is uploaded, for the next edit replaces it.
    pub fn is_passing(&self) -> bool {
        matches!(self, Product::Unit { incremental: true, .. })
    }
}

/// Something that was made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// What was made, by its key.
    pub product: Product,
    /// The build that made it.
    pub build: u32,
    /// Milliseconds that the compile took.
    pub took_ms: u32,
}

/// The remote stores, as one compile sees them. A compile needs neither, and neither can fail.
pub trait RemoteCache {
    /// Brings what the remote stores have into the local store, within the time that it is worth.
    fn resolve(&self, wanted: &Resolve) -> Resolved;

    /// Takes note of what was made here, so that it is uploaded.
    fn made(&self, made: &Made);
}
