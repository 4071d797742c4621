use super::*;
use crate::bare::bare;
use kiln_action::shape::encode_shapes;
use kiln_action::{Answer, Invocation, Placed};
use kiln_config::Settings;
use kiln_store::{Content, Fetch, Fetched, StoreError};
use kiln_sys::env::Environment;
use kiln_sys::identity::Memo;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

/// A store without a disk, which notes what it is asked for at once.
#[derive(Default)]
struct InMemory {
    kept: Mutex<HashMap<Key, Vec<u8>>>,
    asked: Mutex<Vec<Vec<Key>>>,
}

impl InMemory {
    /// Keeps a record, whatever it says.
    fn keep(&self, key: Key, bytes: Vec<u8>) {
        self.kept.lock().unwrap().insert(key, bytes);
    }
}

impl Store for InMemory {
    fn get(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        self.asked.lock().unwrap().push(keys.to_vec());
        let kept = self.kept.lock().unwrap();
        keys.iter().map(|key| kept.get(key).cloned()).collect()
    }

    fn fetch(&self, digest: &Digest, _: &Path, _: Fetch) -> Result<Fetched, StoreError> {
        Err(StoreError::Missing(*digest))
    }

    fn put(&self, key: &Key, content: Content<'_>) -> Result<(), StoreError> {
        match content {
            Content::Bytes(bytes) => self.keep(*key, bytes.to_vec()),
            Content::File { path, .. } => return Err(StoreError::NotTheKey(path.to_owned())),
        }
        Ok(())
    }

    fn missing(&self, digests: &[Digest]) -> Vec<Digest> {
        digests.to_vec()
    }
}

const WEAK: WeakKey = WeakKey::of_name([1; 32]);

/// Asks with these variables set; nothing else of the machine is looked at.
fn with<T>(variables: &[(&str, &str)], ask: impl FnOnce(&World<'_>) -> T) -> T {
    let (invocation, environment): (Invocation, _) = (bare(), Environment::of(variables));
    let (settings, memo) = (Settings::default(), Memo::none());
    ask(&World {
        invocation: &invocation,
        environment: &environment,
        argv: &[],
        responses: &[],
        settings: &settings,
        memo: &memo,
    })
}

fn variables(names: &[&str]) -> Shape {
    Shape::new(names.iter().map(|name| Question::Env(name.as_bytes().to_vec())).collect())
}

/// Keeps what a run came to that asked these and was given such answers.
fn kept(store: &InMemory, shapes: &[Shape], set: &[(&str, &str)], unit: &str) -> ActionKey {
    let key = with(set, |world| key_under(&WEAK, &shapes[0], world)).expect("all questions have answers");
    let result = ActionResult { unit: unit.into(), ..ActionResult::default() };
    store.put(&Key::Shapes(WEAK), Content::Bytes(&encode_shapes(&WEAK, shapes))).unwrap();
    store.put(&Key::Result(key), Content::Bytes(&result.encode(&key))).unwrap();
    key
}

fn found(store: &InMemory, set: &[(&str, &str)]) -> Result<(ActionKey, String), Reason> {
    match with(set, |world| lookup(&WEAK, world, store)) {
        Looked::Found(key, result) => Ok((key, result.unit)),
        Looked::Nothing(reason) => Err(reason),
    }
}

#[test]
fn what_never_ran_is_not_seen_and_no_result_is_asked_for() {
    let store = InMemory::default();
    assert_eq!(found(&store, &[]), Err(Reason::NotSeen));
    assert_eq!(*store.asked.lock().unwrap(), [[Key::Shapes(WEAK)]]);
}

/// A result is found by today's answers to what its run asked, and by nothing else.
#[test]
fn the_answers_of_today_name_the_result() {
    let store = InMemory::default();
    let key = kept(&store, &[variables(&["A"])], &[("A", "1"), ("B", "1")], "lib");
    let here = Ok((key, "lib".to_owned()));
    assert_eq!(found(&store, &[("A", "1")]), here);
    assert_eq!(found(&store, &[("A", "1"), ("B", "2")]), here, "nobody asked for B");
    for changed in [&[("A", "2")][..], &[("A", "")], &[]] {
        assert_eq!(found(&store, changed), Err(Reason::Changed), "{changed:?}");
    }
    assert_eq!(found(&store, &[("A", "1")]), here);
    assert_eq!(store.asked.lock().unwrap().last().unwrap(), &[Key::Result(key)], "all results at once");
}

/// Runs of one compile may ask different things: each Shape is tried, and of two that fit the most recent one counts.
#[test]
fn every_shape_is_tried_the_most_recent_first() {
    let store = InMemory::default();
    let (one, other) = (variables(&["A"]), variables(&["B", "C"]));
    let older = kept(&store, std::slice::from_ref(&one), &[("A", "1")], "older");
    let newer = kept(&store, &[other, one], &[("B", "1")], "newer");
    assert_ne!(older, newer);
    assert_eq!(found(&store, &[("A", "1"), ("B", "2")]), Ok((older, "older".into())));
    assert_eq!(found(&store, &[("A", "2"), ("B", "1")]), Ok((newer, "newer".into())));
    assert_eq!(found(&store, &[("A", "1"), ("B", "1")]), Ok((newer, "newer".into())));
    let of_older = with(&[("A", "1")], |world| shape_of(&WEAK, &older, world, &store));
    assert_eq!(of_older, Some(variables(&["A"])));
}

/// A question that cannot be answered here makes no key: its Shape is passed over, whatever else it asks.
#[test]
fn a_shape_without_all_answers_finds_nothing() {
    let store = InMemory::default();
    let nowhere = Placed { place: kiln_action::Place::Work, path: b"a.rs".to_vec() };
    let unanswered = Shape::new(vec![Question::Env(b"A".to_vec()), Question::File(nowhere)]);
    with(&[], |world| assert_eq!(key_under(&WEAK, &unanswered, world), None));
    // Not even where somebody has put a result by the answers that there are.
    let partly = ActionKey::new(&WEAK, [(&Question::Env(b"A".to_vec()), &Answer::Nothing)]);
    store.keep(Key::Result(partly), ActionResult::default().encode(&partly));
    store.keep(Key::Shapes(WEAK), encode_shapes(&WEAK, std::slice::from_ref(&unanswered)));
    assert_eq!(found(&store, &[]), Err(Reason::Changed));
    let key = kept(&store, &[variables(&["A"]), unanswered], &[], "lib");
    assert_eq!(found(&store, &[]), Ok((key, "lib".into())));
}

/// What a store holds under the key counts only if it was sealed for it, and whole.
#[test]
fn what_is_not_the_keys_own_is_nothing() {
    let store = InMemory::default();
    let shapes = [variables(&["A"])];
    let key = kept(&store, &shapes, &[("A", "1")], "lib");
    let (whole, foreign) = (ActionResult::default().encode(&key), ActionKey::of_name([7; 32]));
    for bytes in [ActionResult::default().encode(&foreign), whole[..whole.len() - 1].to_vec(), Vec::new()] {
        store.keep(Key::Result(key), bytes);
        assert_eq!(found(&store, &[("A", "1")]), Err(Reason::Changed));
    }
    store.keep(Key::Result(key), whole);
    assert!(found(&store, &[("A", "1")]).is_ok());
    store.keep(Key::Shapes(WEAK), encode_shapes(&WeakKey::of_name([2; 32]), &shapes));
    assert_eq!(found(&store, &[("A", "1")]), Err(Reason::NotSeen));
}

/// A store of others is asked for keys, and a key says something of its answers: none is made of a secret for it.
#[test]
fn no_key_that_hangs_on_a_secret_is_told() {
    let store = InMemory::default();
    let set = [("A", "1"), ("SECRET_PIN", "4711")];
    let (plain, secret) = (variables(&["A"]), variables(&["A", "SECRET_PIN"]));
    let hangs_on_it = kept(&store, &[secret, plain.clone()], &set, "lib");
    let key = with(&set, |world| key_under(&WEAK, &plain, world)).unwrap();
    type Told = ([u8; 32], Vec<ActionKey>);
    let of =
        |ask: fn(&WeakKey, &World<'_>, &dyn Store) -> Told| with(&set, |world| ask(&WEAK, world, &store));
    assert_eq!(of(candidates).1, [hangs_on_it, key]);
    assert_eq!(of(candidates_to_tell).1, [key]);
    assert_eq!(of(candidates).0, of(candidates_to_tell).0, "which Shapes are known is told of the file");
    assert_eq!(with(&set, |world| candidates(&WEAK, world, &InMemory::default())), ([0; 32], Vec::new()));
}
