//! A level: one store as the daemon uses it. Shapes, results, blobs and bundles by their keys, over a bucket in all its wrappers.

use crate::bucket::{self, Admission, Bucket, BucketCall, Fault, Listed, Variables};
use crate::bundle::{self, Index, Segment};
use crate::limited::{self, SMALL};
use crate::pack::{self, Kind, PackedUnit};
use crate::spec::Spec;
use crate::{Breaker, Counted, Health, Limited, Namespaced, Opened, Quarantined, Sound, Verified};
use kiln_action::shape::{MOST_SHAPES, decode_shapes, encode_shapes};
use kiln_action::{ActionKey, Digest, Shape, SnapshotKey, WeakKey, snapshot};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Of blobs that have more bytes there is one in memory at a time.
const HUGE: u64 = 64 << 20;
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// A list of everything may take this long.
const LISTING: Duration = Duration::from_secs(600);

/// A backend with everything that is wrapped around it, from the inside to the outside.
type Asking = Limited<Breaker<Counted<Box<dyn Bucket>>>>;
type Wrapped = Namespaced<Quarantined<Verified<Asking>>>;

/// One remote store: its bucket, with all that is wrapped around it.
pub struct Level {
    bucket: Wrapped,
    spec: Spec,
}

/// Something that was found, and the pack that it came in.
pub struct Found<T> {
    /// What the store answered.
    pub value: T,
    /// As it lies in the bucket.
    pub pack: Vec<u8>,
}

impl Level {
    /// The store that a URL means. `quarantine` is a directory for what turns out to be wrong.
    pub fn open(
        spec: &Spec,
        namespaces: &[String],
        variables: &Variables,
        quarantine: Option<&Path>,
    ) -> Result<Level, String> {
        Ok(Level::over(bucket::open(spec, variables)?, spec, namespaces, quarantine))
    }

    /// A store in this bucket.
    pub fn over(
        bucket: Box<dyn Bucket>,
        spec: &Spec,
        namespaces: &[String],
        quarantine: Option<&Path>,
    ) -> Level {
        let asking = Limited::new(Breaker::new(Counted::new(bucket)));
        let bucket = Namespaced::new(Quarantined::new(Verified::new(asking), quarantine), namespaces);
        Level { bucket, spec: spec.clone() }
    }

    /// Counts of the store's answers and errors so far.
    pub fn health(&self) -> Health {
        self.bucket.health()
    }

    /// What the user wrote.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Whether it may be written to.
    pub fn is_writable(&self) -> bool {
        !self.spec.read_only
    }

    /// Whether it would be asked now: not while the breaker is open.
    pub fn is_asked(&self) -> bool {
        self.bucket.asked(BucketCall::Read) != Admission::No
    }

    /// Whether something would be written to it now: not while the breaker is open, and not while it refuses that or is full.
    pub fn takes(&self) -> bool {
        self.is_writable() && self.bucket.asked(BucketCall::Change) != Admission::No
    }

    /// Whether it is worth waiting for: not if it is unresponsive, or gave nothing but wrong objects lately.
    pub fn is_prompt(&self) -> bool {
        self.bucket.is_prompt()
    }

    /// How long a small answer takes, lately.
    pub fn latency(&self) -> Duration {
        Duration::from_secs_f64(self.health().latency_ms / 1000.0)
    }

    /// The Shapes of a WeakKey.
    pub fn shapes(&self, weak: &WeakKey) -> Result<Option<Found<Vec<u8>>>, Fault> {
        self.find(&pack::name(Kind::Shapes, weak.name()), u64::MAX, SMALL, |opened| match opened {
            Opened::Shapes(shapes) => Some(shapes),
            _ => None,
        })
    }

    /// A result, with the blobs that travel with it.
    pub fn unit(&self, key: &ActionKey) -> Result<Option<Found<PackedUnit<'static>>>, Fault> {
        let within = limited::within(pack::TOGETHER);
        self.find(&pack::name(Kind::Result, key.name()), u64::MAX, within, |opened| match opened {
            Opened::Result(unit) => Some(unit),
            _ => None,
        })
    }

    /// A blob that travels by itself.
    pub fn blob(&self, digest: &Digest) -> Result<Option<Found<Vec<u8>>>, Fault> {
        // A result from a remote store says how large it is.
        if digest.size > pack::MOST_BLOB {
            return Ok(None);
        }
        let _alone =
            (digest.size > HUGE).then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
        let (name, most) = (pack::name(Kind::Blob, &digest.hash), pack::bound(digest.size));
        self.find(&name, most, limited::within(digest.size), |opened| match opened {
            Opened::Blob(blob) => Some(blob),
            _ => None,
        })
    }

    /// The snapshot of a build.
    pub fn snapshot(&self, key: &SnapshotKey) -> Result<Option<Found<Vec<u8>>>, Fault> {
        let within = limited::within(snapshot::LARGEST);
        self.find(&pack::name(Kind::Snapshot, key.name()), u64::MAX, within, |opened| match opened {
            Opened::Snapshot(snapshot) => Some(snapshot),
            _ => None,
        })
    }

    /// The index of a bundle.
    pub fn index(&self, name: &[u8; 32]) -> Result<Option<Found<Index>>, Fault> {
        self.find(&pack::name(Kind::Index, name), u64::MAX, SMALL, |opened| match opened {
            Opened::Index(index) => Some(index),
            _ => None,
        })
    }

    /// The bytes of a segment, whole.
    pub fn segment(&self, segment: &Segment) -> Result<Option<Vec<u8>>, Fault> {
        let (name, size) = (bundle::name(&segment.digest), segment.digest.size);
        let found = self.find(&name, size, limited::within(size), |opened| match opened {
            Opened::Segment => Some(()),
            _ => None,
        })?;
        if found.is_none() {
            self.bucket.inner().is_lost(&self.bucket.own(&name)); // whoever writes the index again leaves it out
        }
        Ok(found.map(|found| found.pack))
    }

    /// Keeps a pack, or another object that is verified by its reader, under its name.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        self.bucket.put(name, bytes, limited::within(bytes.len() as u64))
    }

    /// Whether something wrong was found under a name of ours, and nothing was put there since.
    pub fn is_wrong(&self, name: &str) -> bool {
        self.bucket.inner().is_wrong(&self.bucket.own(name))
    }

    /// Whether a name is taken in our own namespace, by something that is not known to be wrong.
    pub fn has(&self, name: &str) -> Result<bool, Fault> {
        self.bucket.has(name, SMALL)
    }

    /// Adds Shapes to those that are there, as the most recent ones.
    pub fn add_shapes(&self, weak: &WeakKey, shapes: &[u8]) -> Result<(), Fault> {
        let there = self.shapes(weak)?.map(|found| found.value).unwrap_or_default();
        let ours: Vec<Shape> =
            decode_shapes(weak, shapes).unwrap_or_default().into_iter().filter(pack::may_travel).collect();
        let merged = merge_shapes(weak, &encode_shapes(weak, &ours), &there);
        let merged = decode_shapes(weak, &merged).unwrap_or_default();
        let merged = encode_shapes(weak, &pack::as_many_as_fit(weak, merged));
        if ours.is_empty() || merged == there {
            return Ok(());
        }
        self.keep(&pack::name(Kind::Shapes, weak.name()), &pack::seal(Kind::Shapes, weak.name(), &merged))
    }

    /// Every object of our own namespace.
    pub fn list(&self) -> Result<Vec<Listed>, Fault> {
        self.bucket.list("", LISTING)
    }

    /// Removes an object of our own namespace.
    pub fn remove(&self, name: &str) -> Result<(), Fault> {
        self.bucket.remove(name, SMALL)
    }

    /// Looks at an object of our own namespace: whether it is what its name says. A wrong one is set aside as everywhere.
    pub fn is_sound(&self, name: &str) -> Result<bool, Fault> {
        let (quarantined, name) = (self.bucket.inner(), self.bucket.own(name));
        quarantined.is_sound(&name, self.bucket.largest(), limited::within(pack::TOGETHER))
    }

    fn find<T>(
        &self,
        name: &str,
        most: u64,
        within: Duration,
        take: impl FnOnce(Opened) -> Option<T>,
    ) -> Result<Option<Found<T>>, Fault> {
        let Some(Sound { pack, opened }) = self.bucket.get(name, most, within)? else { return Ok(None) };
        Ok(take(opened).map(|value| Found { value, pack }))
    }
}

/// The Shapes of both, those of `first` before the others.
pub fn merge_shapes(weak: &WeakKey, first: &[u8], then: &[u8]) -> Vec<u8> {
    let mut shapes = decode_shapes(weak, first).unwrap_or_default();
    for shape in decode_shapes(weak, then).unwrap_or_default() {
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes.truncate(MOST_SHAPES);
    encode_shapes(weak, &shapes)
}
