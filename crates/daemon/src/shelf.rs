//! The local store as the daemon uses it: whole units in, whole units out.

use kiln_action::bounds::{Beyond, Bounds};
use kiln_action::shape::{decode_shapes, encode_shapes};
use kiln_action::{ActionKey, ActionResult, Digest, WeakKey};
use kiln_remote::{Brought, Levels, PackedUnit, WriteBack, merge_shapes};
use kiln_store::{Content, Key, LocalStore, Store};

/// The hash of the Shapes that are known here; zeros for none.
pub fn seen(store: &LocalStore, weak: &WeakKey) -> [u8; 32] {
    get(store, Key::Shapes(*weak)).map_or([0; 32], |bytes| Digest::of(&bytes).hash)
}

/// A record of the local store; `None` if it is not there or cannot be read.
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
pub fn keep_unit(store: &LocalStore, unit: &PackedUnit<'_>, levels: &Levels) -> Option<Vec<WriteBack>> {
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

/// Keeps those of the Shapes that came which are within bounds, behind those that are here; what is refused is handed to `refused`.
pub fn keep_shapes(
    store: &LocalStore,
    weak: &WeakKey,
    shapes: &[u8],
    bounds: &Bounds,
    mut refused: impl FnMut(&Beyond),
) {
    let here = get(store, Key::Shapes(*weak)).unwrap_or_default();
    let known = decode_shapes(weak, &here).unwrap_or_default();
    let mut came = decode_shapes(weak, shapes).unwrap_or_default();
    came.retain(|shape| {
        known.contains(shape) || bounds.hold(shape.questions()).inspect_err(&mut refused).is_ok()
    });
    let merged = merge_shapes(weak, &here, &encode_shapes(weak, &came));
    if !came.is_empty() && merged != here {
        let _ = store.put(&Key::Shapes(*weak), Content::Bytes(&merged));
    }
}

/// Those of the Shapes that others may be asked; `None` if there are none.
pub fn shared_shapes(store: &LocalStore, weak: &WeakKey, bounds: &Bounds) -> Option<Vec<u8>> {
    let mut shapes = decode_shapes(weak, &get(store, Key::Shapes(*weak))?).ok()?;
    shapes.retain(|shape| bounds.hold(shape.questions()).is_ok());
    (!shapes.is_empty()).then(|| encode_shapes(weak, &shapes))
}

/// A result of here as a pack, with the blobs that travel by themselves; `None` if it is not whole.
pub fn pack(store: &LocalStore, key: &ActionKey) -> Option<(Vec<u8>, Vec<Digest>)> {
    let result = get(store, Key::Result(*key))?;
    PackedUnit::pack(key, &result, &mut |digest| get(store, Key::Blob(*digest)))
}

#[cfg(test)]
mod tests;
