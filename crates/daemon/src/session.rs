//! Sessions: what the builds of a workspace used, in order; and the bundle that is written of it.

use crate::shelf;
use crate::stores::Stores;
use kiln_action::{ActionKey, WeakKey};
use kiln_protocol::Workspace;
use kiln_remote::bundle::{self, Cutter, Index, Item, Segment};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Fault, Level, PackedUnit};
use kiln_store::Key;
use kiln_sys::clock::Moment;
use std::collections::HashSet;
use std::io;
use std::time::Duration;

/// No session has more units; then it begins anew.
const MOST_OF_SESSION: usize = 20_000;

/// What one workspace's builds used, in order.
#[derive(Clone, Default)]
pub struct Session {
    order: Vec<(WeakKey, ActionKey)>,
    known: HashSet<[u8; 32]>,
    /// How many of them are in the bundle.
    written: usize,
    /// Something was added last.
    touched: Option<Moment>,
}

impl Session {
    /// A unit was used.
    pub fn note(&mut self, weak: WeakKey, key: ActionKey) {
        if self.order.len() >= MOST_OF_SESSION {
            *self = Session::default(); // edits of months; what is used now is what counts
        }
        if self.known.insert(*key.name()) {
            self.order.push((weak, key));
        }
        self.touched = Some(Moment::now());
    }

    /// Whether there is anything to be written.
    pub fn is_dirty(&self) -> bool {
        self.written < self.order.len()
    }

    /// Whether nothing was added for so long.
    pub fn is_quiet(&self, quiet: Duration) -> bool {
        self.touched.is_none_or(|touched| touched.elapsed() >= quiet)
    }

    /// How long ago something was added.
    pub fn age(&self) -> Duration {
        self.touched.map_or(Duration::MAX, |touched| touched.elapsed())
    }

    /// How much there is to be written.
    pub fn length(&self) -> usize {
        self.order.len()
    }

    /// So much was written.
    pub fn is_written(&mut self, length: usize) {
        self.written = self.written.max(length);
    }
}

/// Adds what a session used to the workspace's bundle in a store.
pub fn write_bundle(
    stores: &Stores,
    store: &Level,
    workspace: &Workspace,
    session: &Session,
) -> Result<(), Fault> {
    let found = |name: &[u8; 32]| Ok::<_, Fault>(store.index(name)?.map(|found| found.value));
    let exact = found(&workspace.exact)?;
    let is_new = exact.is_none();
    let mut base = match exact {
        Some(index) => index,
        None => found(&workspace.near)?.unwrap_or_default(),
    };
    base.keep_runs(|run| !run.iter().any(|segment| store.is_wrong(&bundle::name(&segment.digest))));
    let known: HashSet<[u8; 32]> = base.items().map(|item| item.name).collect();
    let mut made = Made::new(store)?;
    for (weak, key) in session.order.iter().filter(|(_, key)| !known.contains(key.name())) {
        if made.bytes < bundle::MOST {
            made.unit(stores, weak, key)?;
        }
    }
    let newer = made.finish()?;
    if newer.is_empty() && !is_new {
        return Ok(());
    }
    let index: Index = base.grown(newer, &session.known);
    for name in [&workspace.exact, &workspace.near] {
        store.keep(&pack::name(Kind::Index, name), &index.seal(name))?;
    }
    stores.log.say(&format!("wrote a bundle of {} segments, {} bytes", index.segments.len(), index.bytes()));
    Ok(())
}

/// A run on its way to a store, of which one segment is in memory.
struct Made<'a> {
    store: &'a Level,
    cutter: Cutter,
    newer: Vec<Segment>,
    bytes: u64,
}

fn broken(error: io::Error) -> Fault {
    Fault::Broken(error.to_string())
}

impl<'a> Made<'a> {
    fn new(store: &'a Level) -> Result<Made<'a>, Fault> {
        Ok(Made { store, cutter: Cutter::new().map_err(broken)?, newer: Vec::new(), bytes: 0 })
    }

    /// Everything of a unit: what it needs comes before it.
    fn unit(&mut self, stores: &Stores, weak: &WeakKey, key: &ActionKey) -> Result<(), Fault> {
        let item = |kind, name, cost_ms| Item { kind, name, length: 0, cost_ms };
        let read = |key| shelf::get(&stores.local, key);
        let Some(cost_ms) = shelf::whole(&stores.local, key) else { return Ok(()) };
        let body = read(Key::Result(*key))
            .and_then(|r| PackedUnit::body(key, &r, &mut |blob| read(Key::Blob(*blob))));
        let Some((body, apart)) = body else { return Ok(()) };
        for digest in apart.iter().filter(|digest| digest.size <= bundle::MOST_BLOB) {
            if let Some(bytes) = read(Key::Blob(*digest)) {
                self.add(item(Kind::Blob, digest.hash, 0), &bytes)?;
            }
        }
        if let Some(shapes) = stores.shared_shapes(weak) {
            self.add(item(Kind::Shapes, *weak.name(), 0), &shapes)?;
        }
        self.add(item(Kind::Result, *key.name(), cost_ms), &body)
    }

    fn add(&mut self, item: Item, bytes: &[u8]) -> Result<(), Fault> {
        let full = self.cutter.push(item, bytes).map_err(broken)?;
        self.bytes += full.as_ref().map_or(0, |(segment, _)| segment.digest.size);
        keep(self.store, full, &mut self.newer)
    }

    fn finish(self) -> Result<Vec<Segment>, Fault> {
        let Made { store, cutter, mut newer, .. } = self;
        keep(store, cutter.finish().map_err(broken)?, &mut newer)?;
        Ok(newer)
    }
}

fn keep(store: &Level, full: Option<(Segment, Vec<u8>)>, newer: &mut Vec<Segment>) -> Result<(), Fault> {
    if let Some((segment, bytes)) = full {
        store.keep(&bundle::name(&segment.digest), &bytes)?;
        newer.push(segment);
    }
    Ok(())
}
