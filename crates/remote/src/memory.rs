//! A bucket in memory that misbehaves as a test says.

use crate::bucket::{Admission, Bucket, BucketCall, Fault, Listed};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// More time than any call takes here.
pub const SOON: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Inside {
    objects: BTreeMap<String, Vec<u8>>,
    /// The answers to the next calls.
    faults: VecDeque<Fault>,
    /// The answer to every call, if there is one.
    always: Option<Fault>,
    calls: u32,
    under_way: u32,
    most_under_way: u32,
}

/// Objects by name; calls fail in order with the faults that were given.
#[derive(Default)]
pub struct Memory {
    inside: Mutex<Inside>,
    /// How long a call takes.
    pub takes: Mutex<Duration>,
}

impl Memory {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// The next calls fail so.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inside().faults.extend(faults);
    }

    /// From here on all calls fail so, or none.
    pub fn always(&self, fault: Option<Fault>) {
        self.inside().always = fault;
    }

    /// How many calls came.
    pub fn calls(&self) -> u32 {
        self.inside().calls
    }

    /// How many were under way at once.
    pub fn most_under_way(&self) -> u32 {
        self.inside().most_under_way
    }

    /// Names of all objects.
    pub fn names(&self) -> Vec<String> {
        self.inside().objects.keys().cloned().collect()
    }

    fn call<T>(&self, work: impl FnOnce(&mut Inside) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut inside = self.inside();
        inside.calls += 1;
        inside.under_way += 1;
        inside.most_under_way = inside.most_under_way.max(inside.under_way);
        drop(inside);
        let takes = *self.takes.lock().unwrap();
        if !takes.is_zero() {
            kiln_sys::process::pause(takes);
        }
        let mut inside = self.inside();
        inside.under_way -= 1;
        if let Some(fault) = inside.faults.pop_front().or_else(|| inside.always.clone()) {
            return Err(fault);
        }
        work(&mut inside)
    }
}

impl Bucket for &Memory {
    fn get(&self, name: &str, most: u64, _: Duration) -> Result<Option<Vec<u8>>, Fault> {
        self.call(|inside| match inside.objects.get(name) {
            Some(bytes) if bytes.len() as u64 > most => Err(Fault::TooLarge),
            found => Ok(found.cloned()),
        })
    }

    fn put(&self, name: &str, bytes: &[u8], _: Duration) -> Result<(), Fault> {
        self.call(|inside| {
            inside.objects.insert(name.to_owned(), bytes.to_vec());
            Ok(())
        })
    }

    fn has(&self, name: &str, _: Duration) -> Result<bool, Fault> {
        self.call(|inside| Ok(inside.objects.contains_key(name)))
    }

    fn remove(&self, name: &str, _: Duration) -> Result<(), Fault> {
        self.call(|inside| {
            inside.objects.remove(name);
            Ok(())
        })
    }

    fn list(&self, prefix: &str, _: Duration) -> Result<Vec<Listed>, Fault> {
        self.call(|inside| {
            let under = inside.objects.iter().filter(|(name, _)| name.starts_with(prefix));
            let listed = |(name, bytes): (&String, &Vec<u8>)| Listed {
                name: name.clone(),
                size: bytes.len() as u64,
                written: None,
            };
            Ok(under.map(listed).collect())
        })
    }

    fn largest(&self) -> u64 {
        1 << 20
    }
}

/// Takes no calls, whatever it is asked.
pub struct Closed;

impl Bucket for Closed {
    fn get(&self, _: &str, _: u64, _: Duration) -> Result<Option<Vec<u8>>, Fault> {
        panic!("it was asked")
    }

    fn put(&self, _: &str, _: &[u8], _: Duration) -> Result<(), Fault> {
        panic!("it was asked")
    }

    fn has(&self, _: &str, _: Duration) -> Result<bool, Fault> {
        panic!("it was asked")
    }

    fn remove(&self, _: &str, _: Duration) -> Result<(), Fault> {
        panic!("it was asked")
    }

    fn list(&self, _: &str, _: Duration) -> Result<Vec<Listed>, Fault> {
        panic!("it was asked")
    }

    fn asked(&self, _: BucketCall) -> Admission {
        Admission::No
    }
}
