//! A place far away that keeps whole objects by name: what a kind of storage has to be able to do. One file a kind.

use crate::Spec;
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
    /// What is to be kept is larger than it takes, or what is there than is wanted.
    #[error("too large")]
    TooLarge,
}

/// One name in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Seconds since the epoch when it was written, if that is known.
    pub written: Option<i64>,
}

/// Keeps whole objects by name. All calls block, for little longer than `within`. A reader sees a whole object or none.
pub trait Bucket: Send + Sync {
    /// An object; `None` if it is not there, [`Fault::TooLarge`] if it has more than `most` bytes.
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Vec<u8>>, Fault>;

    /// Keeps an object, over what is there.
    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault>;

    /// Whether an object is there.
    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault>;

    /// Removes an object; it is fine if it is not there.
    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault>;

    /// Every object whose name begins with `prefix`, which ends with a slash.
    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault>;

    /// The largest object that it takes.
    fn largest(&self) -> u64 {
        1 << 30
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
