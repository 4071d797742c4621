//! A bucket keeps whole objects by name. Each kind of storage is one, in a file of its own, and so is each wrapper over one.

use crate::{Health, Spec};
use std::time::Duration;

mod file;
mod object;
mod redis;

/// Why a bucket could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// It cannot be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It does not let us in, or not do this.
    #[error("refused: {0}")]
    Refused(String),
    /// It has too much to do.
    #[error("is overloaded: {0}")]
    Busy(String),
    /// Something else went wrong.
    #[error("{0}")]
    Broken(String),
    /// It has no room for what is to be kept.
    #[error("is full: {0}")]
    Full(String),
    /// It failed too often a moment ago and is not asked.
    #[error("is left alone for a while")]
    GivenUp,
    /// What is there is not what its name says; its bytes.
    #[error("an object was not what its name says")]
    Wrong(Vec<u8>),
    /// What is to be kept is larger than it takes, or what is there than is wanted.
    #[error("too large")]
    TooLarge,
}

/// One name in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The object's name in the bucket.
    pub name: String,
    /// The object's size in bytes.
    pub size: u64,
    /// Seconds since the epoch when it was written, if that is known.
    pub written: Option<i64>,
}

impl Fault {
    /// Whether a store that fails a call which would change something with this has answered all the same: it is full, or it does not let
    /// us write. Reading goes on.
    pub fn refuses_change(&self) -> bool {
        matches!(self, Fault::Refused(_) | Fault::Full(_))
    }
}

/// What a caller would do with a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketCall {
    /// Read an object, or look whether it is there.
    Read,
    /// Put or remove an object.
    Change,
}

/// Whether a bucket takes a call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It does.
    Yes,
    /// It takes one call, which shows whether it is well again.
    Once,
    /// It does not: the call would fail with [`Fault::GivenUp`].
    No,
}

/// Keeps whole objects by name. All calls block, for little longer than `within`. A reader sees a whole object or none. `O` is what a
/// reader gets: bytes from a backend, a [`crate::Sound`] object from [`crate::Verified`] and what is over it.
pub trait Bucket<O = Vec<u8>>: Send + Sync {
    /// An object; `None` if it is not there, [`Fault::TooLarge`] if it has more than `most` bytes.
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<O>, Fault>;

    /// Keeps an object, over what is there.
    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault>;

    /// Whether an object is there.
    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault>;

    /// Removes an object; it is fine if it is not there.
    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault>;

    /// Every object whose name begins with `prefix`, which is empty or ends with a slash.
    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault>;

    /// The largest object that it takes, in bytes.
    fn largest(&self) -> u64 {
        1 << 30
    }

    /// Whether it takes a call now. Only a wrapper ever says no.
    fn asked(&self, _call: BucketCall) -> Admission {
        Admission::Yes
    }

    /// Whether an answer is worth waiting for. Only a wrapper ever says no.
    fn is_prompt(&self) -> bool {
        true
    }

    /// How it does: each wrapper fills in its part.
    fn health(&self) -> Health {
        Health::default()
    }
}

impl<O, B: Bucket<O> + ?Sized> Bucket<O> for Box<B> {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<O>, Fault> {
        (**self).get(name, most, within)
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        (**self).put(name, bytes, within)
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        (**self).has(name, within)
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        (**self).remove(name, within)
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        (**self).list(prefix, within)
    }

    fn largest(&self) -> u64 {
        (**self).largest()
    }

    fn asked(&self, call: BucketCall) -> Admission {
        (**self).asked(call)
    }

    fn is_prompt(&self) -> bool {
        (**self).is_prompt()
    }

    fn health(&self) -> Health {
        (**self).health()
    }
}

/// Credentials and the like, by the names of variables: those of whoever builds, not of the daemon.
pub type Variables = [(String, String)];

/// The bucket that a URL means. Every row of [`kiln_action::schemes`] has a file here that opens it.
pub fn open(spec: &Spec, variables: &Variables) -> Result<Box<dyn Bucket>, String> {
    match spec.url.scheme() {
        "file" => file::open(spec),
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+sentinel" | "rediss+sentinel" => {
            redis::open(spec)
        }
        "s3" => object::s3(spec, variables),
        other => Err(format!("nothing opens `{other}://`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_opened() {
        for scheme in kiln_action::schemes::SCHEMES {
            let example = scheme.example.split("?ca=").next().unwrap(); // no such file
            open(&Spec::parse(example).unwrap(), &[]).map(|_| ()).unwrap();
        }
    }
}
