//! `Namespaced` puts the format's and a namespace's name in front of every name. Reads fall through several namespaces; changes and
//! lists are of the first.

use crate::Health;
use crate::bucket::{Admission, Bucket, BucketCall, Fault, Listed};
use std::time::Duration;

/// The format of everything in a bucket. A change of any byte is another name.
const FORMAT: &str = "kiln2";

/// A bucket of which one sees some namespaces.
pub struct Namespaced<B> {
    inner: B,
    namespaces: Vec<String>,
}

impl<B> Namespaced<B> {
    /// Of `inner` these namespaces: the first is our own, the others are read where it has nothing.
    pub fn new(inner: B, namespaces: &[String]) -> Namespaced<B> {
        Namespaced { inner, namespaces: namespaces.to_vec() }
    }

    /// The bucket below, in which names are whole.
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// The whole name of an object of our own namespace.
    pub fn own(&self, name: &str) -> String {
        whole(self.namespaces.first().map_or("", String::as_str), name)
    }
}

fn whole(namespace: &str, name: &str) -> String {
    format!("{FORMAT}/{namespace}/{name}")
}

impl<O, B: Bucket<O>> Bucket<O> for Namespaced<B> {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<O>, Fault> {
        for namespace in &self.namespaces {
            let found = self.inner.get(&whole(namespace, name), most, within)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        self.inner.put(&self.own(name), bytes, within)
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.inner.has(&self.own(name), within)
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.inner.remove(&self.own(name), within)
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        let before = self.own("");
        let mut listed = self.inner.list(&self.own(prefix), within)?;
        listed.retain_mut(|listed| match listed.name.strip_prefix(&before) {
            Some(name) => {
                listed.name = name.to_owned();
                true
            }
            None => false,
        });
        Ok(listed)
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
mod tests {
    use super::*;
    use crate::memory::{Memory, SOON};

    fn of<'a>(memory: &'a Memory, namespaces: &[&str]) -> Namespaced<&'a Memory> {
        let namespaces: Vec<String> = namespaces.iter().map(|&name| name.to_owned()).collect();
        Namespaced::new(memory, &namespaces)
    }

    #[test]
    fn reads_fall_through_and_changes_do_not() {
        let memory = Memory::default();
        let (main, branch) = (of(&memory, &["main"]), of(&memory, &["branch", "main"]));
        main.put("r/1", b"main", SOON).unwrap();
        assert_eq!(branch.get("r/1", 9, SOON), Ok(Some(b"main".to_vec())));
        assert_eq!(branch.has("r/1", SOON), Ok(false), "it is not in our own namespace");
        branch.put("r/1", b"branch", SOON).unwrap();
        assert_eq!(branch.get("r/1", 9, SOON), Ok(Some(b"branch".to_vec())));
        assert_eq!(main.get("r/1", 9, SOON), Ok(Some(b"main".to_vec())));
        branch.remove("r/1", SOON).unwrap();
        assert_eq!(memory.names(), ["kiln2/main/r/1"]);
    }

    #[test]
    fn what_is_listed_is_our_own_and_is_called_as_it_is_asked_for() {
        let memory = Memory::default();
        let (main, other) = (of(&memory, &["main"]), of(&memory, &["main2"]));
        main.put("r/1", b"", SOON).unwrap();
        main.put("s/2", b"", SOON).unwrap();
        other.put("r/3", b"", SOON).unwrap();
        let names = |prefix| -> Vec<String> {
            main.list(prefix, SOON).unwrap().into_iter().map(|listed| listed.name).collect()
        };
        assert_eq!(names(""), ["r/1", "s/2"]);
        assert_eq!(names("r/"), ["r/1"]);
    }

    #[test]
    fn a_fault_in_the_first_namespace_is_one() {
        let memory = Memory::default();
        of(&memory, &["main"]).put("r/1", b"x", SOON).unwrap();
        memory.fail_with([Fault::Late]);
        assert_eq!(of(&memory, &["branch", "main"]).get("r/1", 9, SOON), Err(Fault::Late));
    }
}
