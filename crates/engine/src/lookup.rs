//! From a WeakKey to a result: each Shape's questions answered now, which makes an ActionKey, which names one result.
//! Nothing is ever run to look something up.

use crate::inputs::{Answers, World};
use crate::keyed::Keyed;
use kiln_action::key::KeyOfAnswers;
use kiln_action::{ActionKey, ActionResult, Digest, Question, Reason, Shape, WeakKey, shape};
use kiln_exec::ClosedInputs;
use kiln_store::{Key, Store};

/// What the look-up came to.
pub enum Looked {
    /// A result, and what it was found under.
    Found(ActionKey, Box<ActionResult>),
    /// Nothing under today's answers.
    Nothing(Reason),
}

/// Looks a compile up.
pub fn lookup(weak: &WeakKey, world: &World<'_>, store: &dyn Store) -> Looked {
    let file = shapes_file(weak, store);
    let shapes = read_shapes(weak, &file);
    if shapes.is_empty() {
        return Looked::Nothing(Reason::NotSeen);
    }
    let mut answers = Answers::for_shapes(shapes.len());
    let keys: Vec<ActionKey> =
        shapes.iter().filter_map(|shape| key_of(weak, shape, &mut answers, world)).collect();
    let wanted: Vec<Key> = keys.iter().map(|key| Key::Result(*key)).collect();
    let found = store.get(&wanted);
    debug_assert_eq!(found.len(), wanted.len(), "a store answers for every key, in order");
    for (key, bytes) in keys.into_iter().zip(found) {
        if let Some(bytes) = bytes
            && let Ok(result) = ActionResult::decode(&key, &bytes)
        {
            return Looked::Found(key, Box::new(result));
        }
    }
    Looked::Nothing(Reason::Changed)
}

/// The Shape by which a result is found under this key, as the world stands now.
pub fn shape_of(weak: &WeakKey, key: &ActionKey, world: &World<'_>, store: &dyn Store) -> Option<Shape> {
    let file = shapes_file(weak, store);
    let shapes = read_shapes(weak, &file);
    let mut answers = Answers::for_shapes(shapes.len());
    let found = shapes.into_iter().find(|shape| key_of(weak, shape, &mut answers, world) == Some(*key));
    found.map(Shape::of)
}

/// What the Shapes that are known make of today's answers: the hash of these Shapes (zeros for none), and the keys.
pub fn candidates(weak: &WeakKey, world: &World<'_>, store: &dyn Store) -> ([u8; 32], Vec<ActionKey>) {
    candidates_of(weak, world, store, |_| true)
}

/// The same of those Shapes whose answers may be sent to others: a store is asked for the keys.
pub fn candidates_to_tell(
    weak: &WeakKey,
    world: &World<'_>,
    store: &dyn Store,
) -> ([u8; 32], Vec<ActionKey>) {
    let bounds = kiln_sys::env::bounds();
    candidates_of(weak, world, store, |questions| bounds.hold(questions).is_ok())
}

fn candidates_of(
    weak: &WeakKey,
    world: &World<'_>,
    store: &dyn Store,
    counts: impl Fn(&[Question<&[u8]>]) -> bool,
) -> ([u8; 32], Vec<ActionKey>) {
    let Some(bytes) = store.get(&[Key::Shapes(*weak)]).pop().flatten() else { return ([0; 32], Vec::new()) };
    let shapes = read_shapes(weak, &bytes);
    let mut answers = Answers::for_shapes(shapes.len());
    let asked = shapes.iter().filter(|questions| counts(questions));
    let keys = asked.filter_map(|shape| key_of(weak, shape, &mut answers, world)).collect();
    (Digest::of(&bytes).hash, keys)
}

/// What a Shape makes of today's answers.
pub fn key_under(weak: &WeakKey, shape: &Shape, world: &World<'_>) -> Option<ActionKey> {
    let questions: Vec<_> = shape.questions().iter().map(Question::borrowed).collect();
    key_of(weak, &questions, &mut Answers::default(), world)
}

/// What the run that was kept last looked at, with today's answers; `None` where no run was kept, or a question has no answer today.
pub fn candidate(keyed: &Keyed<'_>) -> Option<ClosedInputs> {
    let (world, store) = (keyed.request.world(), &keyed.request.cache.store);
    let file = shapes_file(&keyed.weak, store);
    let shapes = read_shapes(&keyed.weak, &file);
    let questions = shapes.into_iter().next()?;
    let answers = Answers::for_shapes(1).of_all(&questions, &world).ok()?;
    Some(ClosedInputs { shape: Shape::of(questions), answers })
}

fn shapes_file(weak: &WeakKey, store: &dyn Store) -> Vec<u8> {
    store.get(&[Key::Shapes(*weak)]).pop().flatten().unwrap_or_default()
}

fn read_shapes<'a>(weak: &WeakKey, file: &'a [u8]) -> Vec<Vec<Question<&'a [u8]>>> {
    shape::read_shapes(weak, file).unwrap_or_default()
}

fn key_of<'q>(
    weak: &WeakKey,
    questions: &[Question<&'q [u8]>],
    answers: &mut Answers<'q>,
    world: &World<'_>,
) -> Option<ActionKey> {
    let mut key = KeyOfAnswers::new(weak);
    answers.each(questions, world, |question, answer| key.add(question, &answer)).ok()?;
    Some(key.finish())
}

#[cfg(test)]
mod tests;
