//! Maintenance of the remote stores for a person who asks: what is there, what is damaged, removing what is old or everything.

use crate::stores::Stores;
use kiln_protocol::{Chore, Maintained, Swept, Tried, TriedStore};
use kiln_remote::bucket::Listed;
use kiln_remote::{Fault, Level};
use kiln_sys::clock;
use std::sync::Arc;

/// Maintenance of one set of stores.
pub struct Maintenance {
    stores: Arc<Stores>,
}

impl Maintenance {
    /// Maintenance of these stores, idle.
    pub fn new(stores: &Arc<Stores>) -> Maintenance {
        Maintenance { stores: stores.clone() }
    }

    /// Does a chore in every store. Where something is to be removed, stores that may not be written to are left out.
    pub fn run(&self, chore: &Chore, alive: &mut dyn FnMut()) -> Vec<Maintained> {
        let fits = |store: &&Level| *chore == Chore::Verify || store.is_writable();
        let mut outcome = |store: &Level| one(store, chore, alive).map_err(|fault| fault.to_string());
        let stores = self.stores.levels.stores().iter().filter(fits);
        stores.map(|store| Maintained { url: store.spec().to_string(), outcome: outcome(store) }).collect()
    }

    /// Whether the stores answer, now.
    pub fn try_stores(&self, alive: &mut dyn FnMut()) -> Tried {
        let Stores { levels, complaints, .. } = &*self.stores;
        let tried = levels.try_all(alive);
        let stores = levels.stores().iter().zip(tried).map(|(store, tried)| TriedStore {
            url: store.spec().to_string(),
            writable: store.is_writable(),
            outcome: tried.map(|took| took.as_secs_f64() * 1000.0).map_err(|fault| fault.to_string()),
        });
        Tried { complaints: complaints.clone(), stores: stores.collect() }
    }
}

/// An object that says what time it is for a store: by it its objects have their ages, and our clock may be years off.
const NOW: &str = "t/now";

fn is_now(listed: &Listed) -> bool {
    listed.name == NOW
}

/// What was written before this moment is older than `age` seconds.
fn oldest(all: &[Listed], own: i64, age: i64) -> i64 {
    let now = all.iter().find(|&listed| is_now(listed)).and_then(|listed| listed.written);
    now.unwrap_or(own).saturating_sub(age)
}

fn one(store: &Level, chore: &Chore, alive: &mut dyn FnMut()) -> Result<Swept, Fault> {
    let age_s = match chore {
        Chore::Collect { older_than_s } => {
            store.keep(NOW, b"now")?;
            i64::try_from(*older_than_s).unwrap_or(i64::MAX)
        }
        Chore::Verify | Chore::Clear => 0,
    };
    let (mut all, own) = (store.list()?, i64::try_from(clock::now_ms() / 1000).unwrap_or(i64::MAX));
    let oldest = oldest(&all, own, age_s);
    if let Some(at) = all.iter().position(is_now) {
        store.remove(&all.swap_remove(at).name)?;
    }
    let mut swept = Swept { objects: 0, bytes: 0, damaged: 0, removed: 0, removed_bytes: 0 };
    for listed in all {
        alive();
        swept.objects += 1;
        swept.bytes += listed.size;
        let goes = match chore {
            Chore::Verify => {
                swept.damaged += u64::from(!store.is_sound(&listed.name)?);
                false
            }
            Chore::Collect { .. } => listed.written.is_some_and(|written| written < oldest),
            Chore::Clear => true,
        };
        if goes {
            store.remove(&listed.name)?;
            swept.removed += 1;
            swept.removed_bytes += listed.size;
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_its_own_time() {
        let listed = |name: &str, written| Listed { name: name.to_owned(), size: 1, written };
        let all = [listed("r/00/x", Some(10)), listed(NOW, Some(1000))];
        assert_eq!(oldest(&all, 2_000_000_000, 100), 900);
        assert_eq!(oldest(&all[..1], 5000, 100), 4900);
        assert_eq!(oldest(&all, 5000, i64::MAX), 1000 - i64::MAX);
    }
}
