//! `Verified` holds what a bucket gives against its name: digest, size, kind and form. It is the only place that does, and the only one
//! through which bytes of a remote store become something. An object that is not what its name says is [`Fault::Wrong`].

use crate::bucket::{Admission, Bucket, BucketCall, Fault, Listed};
use crate::bundle::Index;
use crate::pack::{self, Kind, PackedUnit};
use crate::{Health, bundle};
use kiln_action::wire::Malformed;
use kiln_action::{ActionKey, Digest, SnapshotKey, WeakKey, digest};
use std::time::Duration;

/// An object that is what its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// As it lies in the bucket.
    pub pack: Vec<u8>,
    /// What is in it.
    pub opened: Opened,
}

/// What is in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The Shapes of a WeakKey, as the local store keeps them.
    Shapes(Vec<u8>),
    /// A result, with the blobs that travel with it.
    Result(PackedUnit<'static>),
    /// A blob.
    Blob(Vec<u8>),
    /// The index of a bundle.
    Index(Index),
    /// The snapshot of a build, as the local store keeps it.
    Snapshot(Vec<u8>),
    /// The object itself is what its name says: a segment of a bundle.
    Segment,
    /// The name promises nothing, and nothing of it may be used.
    Unnamed,
}

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Pack(Kind, [u8; 32]),
    Segment([u8; 32]),
    Nothing,
}

impl Promise {
    /// The promise of a name such as `kiln2/main/r/00/0011…`.
    fn of(name: &str) -> Promise {
        let mut parts = name.rsplit('/');
        let (last, letter) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        match (digest::unhex(last), Kind::of_letter(letter)) {
            (Some(key), Some(kind)) => Promise::Pack(kind, key),
            (Some(key), None) if letter == bundle::LETTER => Promise::Segment(key),
            _ => Promise::Nothing,
        }
    }

    /// The most bytes that such an object has.
    fn most(self) -> u64 {
        match self {
            Promise::Pack(kind, _) => pack::largest(kind),
            Promise::Segment(_) | Promise::Nothing => u64::MAX,
        }
    }

    fn held(self, bytes: &[u8]) -> Result<Opened, Malformed> {
        Ok(match self {
            Promise::Pack(Kind::Shapes, key) => {
                Opened::Shapes(pack::open_shapes(&WeakKey::of_name(key), bytes)?)
            }
            Promise::Pack(Kind::Result, key) => {
                Opened::Result(PackedUnit::open(&ActionKey::of_name(key), bytes)?)
            }
            Promise::Pack(Kind::Index, key) => Opened::Index(Index::open(&key, bytes)?),
            Promise::Pack(Kind::Snapshot, key) => {
                Opened::Snapshot(pack::open_snapshot(&SnapshotKey::of_name(key), bytes)?)
            }
            Promise::Pack(Kind::Blob, key) => {
                let body = pack::open(Kind::Blob, &key, bytes)?;
                if Digest::of(&body).hash != key {
                    return Err(Malformed);
                }
                Opened::Blob(body)
            }
            Promise::Segment(key) if Digest::of(bytes).hash == key => Opened::Segment,
            Promise::Segment(_) => return Err(Malformed),
            Promise::Nothing => Opened::Unnamed,
        })
    }
}

/// A bucket that gives what its names say.
pub struct Verified<B> {
    inner: B,
}

impl<B: Bucket> Verified<B> {
    /// Verifies what `inner` gives.
    pub fn new(inner: B) -> Verified<B> {
        Verified { inner }
    }
}

impl<B: Bucket> Bucket<Sound> for Verified<B> {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Sound>, Fault> {
        let promise = Promise::of(name);
        match self.inner.get(name, most.min(promise.most()), within) {
            Ok(Some(pack)) => match promise.held(&pack) {
                Ok(opened) => Ok(Some(Sound { pack, opened })),
                Err(Malformed) => Err(Fault::Wrong(pack)),
            },
            Ok(None) => Ok(None),
            Err(Fault::TooLarge) => Err(Fault::Wrong(b"larger than anything of its kind".to_vec())),
            Err(fault) => Err(fault),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        match bytes.len() as u64 > self.inner.largest() {
            true => Err(Fault::TooLarge),
            false => self.inner.put(name, bytes, within),
        }
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.inner.has(name, within)
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.inner.remove(name, within)
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        self.inner.list(prefix, within)
    }

    fn largest(&self) -> u64 {
        self.inner.largest()
    }

    fn asked(&self, call: BucketCall) -> Admission {
        self.inner.asked(call)
    }

    fn is_prompt(&self) -> bool {
        self.inner.is_prompt()
    }

    fn health(&self) -> Health {
        self.inner.health()
    }
}

#[cfg(test)]
mod tests;
