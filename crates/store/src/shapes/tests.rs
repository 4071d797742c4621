use super::*;
use crate::{Fetch, Fetched};
use kiln_action::{Digest, Question};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

/// A store of small things in memory.
#[derive(Default)]
struct Small(Mutex<HashMap<Key, Vec<u8>>>);

impl Store for Small {
    fn get(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        keys.iter().map(|key| self.0.lock().unwrap().get(key).cloned()).collect()
    }

    fn fetch(&self, digest: &Digest, _: &Path, _: Fetch) -> Result<Fetched, StoreError> {
        Err(StoreError::Missing(*digest))
    }

    fn put(&self, key: &Key, content: Content<'_>) -> Result<(), StoreError> {
        let Content::Bytes(bytes) = content else { return Ok(()) };
        self.0.lock().unwrap().insert(*key, bytes.to_vec());
        Ok(())
    }

    fn missing(&self, digests: &[Digest]) -> Vec<Digest> {
        digests.to_vec()
    }
}

fn shape(n: u8) -> Shape {
    Shape::new(vec![Question::Env(vec![n])])
}

#[test]
fn the_most_recent_comes_first_and_eight_are_kept() {
    let store = Small::default();
    let weak = WeakKey::of_name([1; 32]);
    assert_eq!(shapes(&store, &weak), []);
    for n in 0..10 {
        add_shape(&store, &weak, shape(n)).unwrap();
    }
    let known = |ns: [u8; 8]| ns.map(shape).to_vec();
    assert_eq!(shapes(&store, &weak), known([9, 8, 7, 6, 5, 4, 3, 2]));
    add_shape(&store, &weak, shape(5)).unwrap();
    assert_eq!(shapes(&store, &weak), known([5, 9, 8, 7, 6, 4, 3, 2]));
    assert_eq!(shapes(&store, &WeakKey::of_name([2; 32])), []);
}

#[test]
fn what_cannot_be_read_counts_as_none() {
    let store = Small::default();
    let weak = WeakKey::of_name([1; 32]);
    store.put(&Key::Shapes(weak), Content::Bytes(b"nonsense")).unwrap();
    assert_eq!(shapes(&store, &weak), []);
    add_shape(&store, &weak, shape(1)).unwrap();
    assert_eq!(shapes(&store, &weak), [shape(1)]);
}
