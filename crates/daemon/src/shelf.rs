//! The local store as the daemon uses it: whole units in, whole units out.

use kiln_action::{ActionKey, ActionResult, Digest, WeakKey};
use kiln_remote::{Brought, Levels, Unit, WriteBack, merge_shapes};
use kiln_store::{Content, Key, LocalStore, Store};

/// The hash of the Shapes that are known here; zeros for none.
pub fn seen(store: &LocalStore, weak: &WeakKey) -> [u8; 32] {
    get(store, Key::Shapes(*weak)).map_or([0; 32], |bytes| Digest::of(&bytes).hash)
}

/// One small thing.
pub fn get(store: &LocalStore, key: Key) -> Option<Vec<u8>> {
    store.get(&[key]).pop().flatten()
}

/// What compiling took, if the result is here with all its blobs.
pub fn whole(store: &LocalStore, key: &ActionKey) -> Option<u32> {
    let result = ActionResult::decode(key, &get(store, Key::Result(*key))?).ok()?;
    let blobs: Vec<Digest> = result.blobs().copied().collect();
    store.missing(&blobs).is_empty().then_some(result.cost_ms)
}

/// Keeps a unit that came, after the blobs that did not come with it; says what nearer levels lack of those.
pub fn keep_unit(store: &LocalStore, unit: &Unit<'_>, levels: &Levels) -> Option<Vec<WriteBack>> {
    let mut backs = Vec::new();
    for (digest, bytes) in &unit.blobs {
        store.put(&Key::Blob(*digest), Content::Bytes(bytes)).ok()?;
    }
    for digest in store.missing(&unit.apart) {
        let Brought::Here(bytes, back) = levels.blob(&digest) else { return None };
        store.put(&Key::Blob(digest), Content::Bytes(&bytes)).ok()?;
        backs.extend(back);
    }
    store.put(&Key::Result(unit.key), Content::Bytes(&unit.result)).ok()?;
    Some(backs)
}

/// Keeps Shapes that came, behind those that are here.
pub fn keep_shapes(store: &LocalStore, weak: &WeakKey, shapes: &[u8]) {
    let here = get(store, Key::Shapes(*weak)).unwrap_or_default();
    let merged = merge_shapes(weak, &here, shapes);
    if merged != here {
        let _ = store.put(&Key::Shapes(*weak), Content::Bytes(&merged));
    }
}

/// A result of here as a pack, with the blobs that travel by themselves; `None` if it is not whole.
pub fn pack(store: &LocalStore, key: &ActionKey) -> Option<(Vec<u8>, Vec<Digest>)> {
    let result = get(store, Key::Result(*key))?;
    Unit::pack(key, &result, &mut |digest| get(store, Key::Blob(*digest)))
}

#[cfg(test)]
mod tests;
