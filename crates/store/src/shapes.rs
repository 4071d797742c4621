//! The handful of Shapes that a WeakKey names, most recent first.

use crate::{Content, Key, Store, StoreError};
use kiln_action::shape::{MOST_SHAPES, decode_shapes, encode_shapes};
use kiln_action::{Shape, WeakKey};

/// The Shapes of a WeakKey, most recent first; none if none are known.
pub fn shapes(store: &dyn Store, weak: &WeakKey) -> Vec<Shape> {
    let bytes = store.get(&[Key::Shapes(*weak)]).pop().flatten();
    bytes.and_then(|bytes| decode_shapes(weak, &bytes).ok()).unwrap_or_default()
}

/// Makes `shape` the most recent one of `weak`. Of two writers at once one may lose its Shape, and with it a hint: the unit
/// is compiled once more.
pub fn add_shape(store: &dyn Store, weak: &WeakKey, shape: Shape) -> Result<(), StoreError> {
    let mut known = shapes(store, weak);
    if known.first() == Some(&shape) {
        return Ok(());
    }
    known.retain(|old| *old != shape);
    known.insert(0, shape);
    known.truncate(MOST_SHAPES);
    store.put(&Key::Shapes(*weak), Content::Bytes(&encode_shapes(weak, &known)))
}

#[cfg(test)]
mod tests;
